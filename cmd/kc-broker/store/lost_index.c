#include "store/lost_index.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"

enum {
	SLICE_BATCHES = 2048, /* headers looked at in one go, at most */
	SLICE_MS = 5,         /* and time for it, checked now and then: */
	CLOCK_EVERY = 32,
};

struct lost_index {
	struct list node;     /* in store->lost_indexes, the first is in work */
	struct segment *s;
	struct segment *made; /* what is indexed of it so far; no file */
	struct walk walk;
	uint8_t window[WALK_WINDOW];
	int64_t began;        /* mono ms */
};

void
lost_index_begin(struct segment *s)
{
	struct lost_index *x = xcalloc(1, sizeof(*x));

	x->s = s;
	x->made = segment_new(s->log, s->base);
	x->began = clock_mono_ms(s->store->o.clock);
	walk_init(&x->walk, s, 0, s->size, x->window);
	list_append(&s->store->lost_indexes, &x->node);
	s->again = x;
	store_report(s->store, true, "the index of '%s' is lost: it is made "
		"again", segment_path(s, ".log"));
	if (s->store->o.wake)
		s->store->o.wake(s->store->o.wake_arg);
}

void
lost_index_cancel(struct lost_index *x)
{
	x->s->again = NULL;
	list_remove(&x->node);
	segment_free(x->made);
	free(x);
}

/* One batch further: 1, 0 = all was read, -1. */
static int
step(struct lost_index *x)
{
	struct batch b;
	int got = walk_next(&x->walk, &b);

	if (got == 1)
		segment_added(x->made, &b, x->s->log->config.index_interval_bytes);
	return got;
}

/* What cannot be read is met by who reads it: the index ends before it. */
static void
adopt(struct lost_index *x)
{
	struct segment *s = x->s;
	struct partlog *l = s->log;

	segment_adopt_made(s, x->made);
	store_report(s->store, false, "the index of '%s' is there again, after %"
		PRId64 " ms", segment_path(s, ".log"),
		clock_mono_ms(s->store->o.clock) - x->began);
	lost_index_cancel(x);
	partlog_moved(l); /* who waited looks again */
}

/* 1, 0 = done. */
static int
slice(struct lost_index *x, int batches, int64_t until)
{
	const struct clock *clock = x->s->store->o.clock;
	int got = segment_open(x->s, false) < 0 ? -1 : 1;

	/* The active one may have grown, or lost what was never durable. */
	x->walk.end = x->s->size;
	if (x->walk.pos > x->walk.end) {
		lost_index_cancel(x); /* who needs it begins anew */
		return 0;
	}
	for (int i = 1; got > 0 && i <= batches; i++) {
		got = step(x);
		if (i % CLOCK_EVERY == 0 && clock_mono_ms(clock) >= until)
			break;
	}
	if (got > 0)
		return 1;
	adopt(x);
	return 0;
}

void
lost_index_finish(struct lost_index *x)
{
	while (slice(x, SLICE_BATCHES, INT64_MAX))
		;
}

void
lost_index_poll(struct store *s)
{
	if (list_is_empty(&s->lost_indexes))
		return;
	slice(container_of(s->lost_indexes.next, struct lost_index, node),
		SLICE_BATCHES, clock_mono_ms(s->o.clock) + SLICE_MS);
	if (!list_is_empty(&s->lost_indexes) && s->o.wake)
		s->o.wake(s->o.wake_arg);
}
