#include "store/reindex.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"

enum {
	SLICE_BATCHES = 2048, /* headers looked at in one go, at most */
	SLICE_MS = 5,         /* and time for it, checked now and then: */
	CLOCK_EVERY = 32,
	RETRY_MS = 10 * 1000, /* after a fault, until then readers get an error */
};

struct reindex {
	struct store *store;
	struct list wanted;     /* partlogs, the first is in work or next */
	/* of the log in work */
	bool at_work;
	int64_t began;          /* mono ms */
	struct producers open;  /* whose transactions are open where the walk is */
	struct aborted *made;   /* of the segments that were begun */
	int made_n, made_cap;
	struct walk walk;       /* in the last of them */
	uint8_t window[WALK_WINDOW];
	struct buf marker;      /* scratch */
};

struct reindex *
reindex_new(struct store *s)
{
	struct reindex *x = xcalloc(1, sizeof(*x));

	x->store = s;
	list_init(&x->wanted);
	return x;
}

static struct partlog *
first_wanted(const struct reindex *x)
{
	return list_is_empty(&x->wanted) ? NULL
		: container_of(x->wanted.next, struct partlog, lost);
}

/* Nothing is kept of the walk. */
static void
end_work(struct reindex *x, struct partlog *l)
{
	for (int i = 0; i < x->made_n; i++)
		aborted_release(&x->made[i]);
	free(x->made);
	x->made = NULL;
	x->made_n = x->made_cap = 0;
	buf_release(&x->marker);
	producers_clear(&x->open);
	x->at_work = l->cleaning = false;
	list_remove(&l->lost);
}

void
reindex_free(struct reindex *x)
{
	struct partlog *l;

	if (!x)
		return;
	while ((l = first_wanted(x)))
		reindex_forget(x, l);
	free(x);
}

void
reindex_forget(struct reindex *x, struct partlog *l)
{
	if (x->at_work && l == first_wanted(x))
		end_work(x, l);
	else
		list_remove(&l->lost);
}

/* ---- the walk ----------------------------------------------------------- */

static int
begin_segment(struct reindex *x, struct segment *g)
{
	if (x->made_n == x->made_cap) {
		x->made_cap = x->made_cap ? x->made_cap * 2 : 8;
		x->made = xreallocarray(x->made, (size_t)x->made_cap,
			sizeof(*x->made));
	}
	x->made[x->made_n++] = (struct aborted){ 0 };
	walk_init(&x->walk, g, 0, g->size, x->window);
	return segment_open(g, false);
}

static int
begin_work(struct reindex *x, struct partlog *l)
{
	x->at_work = l->cleaning = true;
	x->began = clock_mono_ms(x->store->o.clock);
	producers_init(&x->open);
	store_report(x->store, true, "the index of aborted transactions of '%s-%"
		PRId32 "' is lost: it is made again from the log", l->topic,
		l->partition);
	if (partlog_list(l) < 0)
		return -1;
	return l->segments_n ? begin_segment(x, l->segments[0]) : 0;
}

/* The batch that the walk has just passed. */
static int
follow_batch(struct reindex *x, const struct batch *b)
{
	struct segment *g = x->walk.s;
	struct aborted_txn aborted;
	struct txn_marker m;
	int64_t stable;

	if (!(b->attributes & BATCH_TRANSACTIONAL))
		return 0;
	if (!(b->attributes & BATCH_CONTROL)) {
		producers_add(&x->open, b, 0);
		return 0;
	}
	buf_clear(&x->marker);
	if (fs_read_all(g->store->fs, g->file.fd,
			buf_reserve(&x->marker, (size_t)b->size), (size_t)b->size,
			x->walk.pos - b->size) < 0)
		return -1;
	if (marker_read(x->marker.data, b, &m) &&
	    producers_end(&x->open, b, &m, 0, &aborted, &stable))
		aborted_add(&x->made[x->made_n - 1], &aborted, stable);
	return 0;
}

/* One batch further: 1, 0 = all was read, -1. */
static int
step(struct reindex *x, struct partlog *l)
{
	struct batch b;
	int got;

	if (!l->segments_n)
		return 0;
	got = walk_next(&x->walk, &b);
	if (got > 0)
		return follow_batch(x, &b) < 0 ? -1 : 1;
	if (got < 0 || x->made_n >= l->segments_n)
		return got;
	txns_pass(&x->open.txns, INT64_MAX);
	return begin_segment(x, l->segments[x->made_n]) < 0 ? -1 : 1;
}

/* ---- the end of it ------------------------------------------------------ */

static void
adopt(struct reindex *x, struct partlog *l)
{
	for (int i = 0; i < x->made_n; i++) {
		struct segment *g = l->segments[i];

		aborted_release(&g->aborted);
		g->aborted = x->made[i];
		aborted_seal(&g->aborted, g->store->fs, segment_path(g, ".txnindex"));
		g->dirty = true;
	}
	x->made_n = 0;
	l->aborted_lost = false;
	partlog_touch(l);
	store_report(x->store, false, "the index of aborted transactions of '%s-%"
		PRId32 "' is there again, after %" PRId64 " ms", l->topic,
		l->partition, clock_mono_ms(x->store->o.clock) - x->began);
}

static void
finish(struct reindex *x, struct partlog *l, int result)
{
	if (result < 0) {
		l->aborted_retry = clock_mono_ms(x->store->o.clock) + RETRY_MS;
		store_complain(x->store, l, "find aborted transactions");
	} else {
		adopt(x, l);
	}
	end_work(x, l);
	partlog_moved(l); /* who waited looks again */
}

/* Has it reached the end, or failed? Then the result of step(); else 1. */
static int
slice(struct reindex *x, struct partlog *l)
{
	const struct clock *clock = x->store->o.clock;
	int64_t until = clock_mono_ms(clock) + SLICE_MS;
	int r = 1;

	if (!x->at_work)
		r = begin_work(x, l) < 0 ? -1 : 1;
	else if (l->segments_n && segment_open(x->walk.s, false) < 0)
		r = -1;
	/* The active segment may have grown, or be that no more. */
	if (r > 0 && l->segments_n)
		x->walk.end = x->walk.s->size;
	for (int i = 1; r > 0 && i <= SLICE_BATCHES; i++) {
		r = step(x, l);
		if (i % CLOCK_EVERY == 0 && clock_mono_ms(clock) >= until)
			break;
	}
	return r;
}

void
reindex_poll(struct reindex *x)
{
	struct store *s = x->store;
	struct partlog *l = first_wanted(x);
	int r;

	/* What is being compacted waits; the cleaner's end is a turn, too. */
	if (!l || (l->cleaning && !x->at_work))
		return;
	r = slice(x, l);
	if (r <= 0)
		finish(x, l, r);
	if (first_wanted(x) && s->o.wake)
		s->o.wake(s->o.wake_arg);
}

void
reindex_want(struct reindex *x, struct partlog *l)
{
	if (!list_is_empty(&l->lost))
		return;
	list_append(&x->wanted, &l->lost);
	if (first_wanted(x) == l)
		reindex_poll(x);
}
