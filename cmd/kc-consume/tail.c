/*
 * tail.c - the last records of all partitions together, in the order of time.
 *
 * Offsets are no records: control records, what compaction took and --where
 * leave gaps. So a partition that gave too few is read again from further
 * back, until it gave enough or has no more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/sig.h"
#include "model/record_where.h"

#include "run.h"

enum { FURTHER = 8 }; /* times as far back at the next try */

struct held {
	int part;          /* of the positions */
	struct record *r;  /* owned */
};

struct tail {
	struct run *run;
	struct consume_position *parts;
	int64_t *got;      /* of each part */
	int parts_n, last; /* last: the part of the record before */
	struct held *held;
	size_t n, cap;
};

/* The newest first; equal times by partition and offset, the same in every run. */
static int
newest_first(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->r->timestamp != y->r->timestamp)
		return x->r->timestamp < y->r->timestamp ? 1 : -1;
	if (x->part != y->part)
		return x->part < y->part ? 1 : -1;
	return x->r->offset < y->r->offset ? 1 : -1;
}

static void
keep(struct tail *t, size_t n)
{
	if (t->n)
		qsort(t->held, t->n, sizeof(*t->held), newest_first);
	while (t->n > n)
		free(t->held[--t->n].r);
}

static int
part_of(struct tail *t, const struct record *r)
{
	for (int i = 0; i < t->parts_n; i++) {
		const struct consume_position *p = &t->parts[t->last];

		if (p->partition == r->partition &&
		    slice_eq_str(r->topic, p->topic))
			break;
		t->last = (t->last + 1) % t->parts_n;
	}
	return t->last;
}

static void
take(struct tail *t, const struct record *r)
{
	size_t n = (size_t)t->run->a->tail;

	if (!lines_wanted(t->run, r))
		return;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->held = xreallocarray(t->held, t->cap, sizeof(*t->held));
	}
	t->held[t->n] = (struct held){ part_of(t, r), record_copy(r) };
	t->got[t->held[t->n++].part]++;
	/* now and then, so that a record is not sorted in by itself */
	if (t->n / 2 > n + 8)
		keep(t, n);
}

/* Reads what is there. 0 = to its end; -1 = an error, or a signal without one. */
static int
read_all(struct tail *t, struct err *e)
{
	struct consume *in = t->run->in;
	struct record r;

	for (;;) {
		switch (consume_next(in, -1, &r, e)) {
		case CONSUME_RECORD:
			take(t, &r);
			break;
		case CONSUME_IDLE:
			break;
		case CONSUME_END:
			return 0;
		case CONSUME_CLOSED:
			t->run->out.closed = true;
			return out_flush(&t->run->out, e);
		case CONSUME_SIGNAL:
		case CONSUME_ERROR:
			return -1;
		}
	}
}

/* Every partition gave as many as could be asked for, or all that it has. */
static bool
is_enough(const struct tail *t, int64_t back)
{
	for (int i = 0; i < t->parts_n; i++)
		if (t->got[i] < t->run->a->tail &&
		    t->parts[i].end - back > t->parts[i].start)
			return false;
	return true;
}

static int
open_parts(struct tail *t, const struct conf *conf,
	const struct consume_options *o, struct err *e)
{
	if (consume_open(&t->run->in, conf, o, e))
		return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
	t->parts_n = consume_positions(t->run->in, NULL, 0);
	t->parts = xcalloc((size_t)t->parts_n, sizeof(*t->parts));
	t->got = xcalloc((size_t)t->parts_n, sizeof(*t->got));
	consume_positions(t->run->in, t->parts, t->parts_n);
	return 0;
}

static void
close_parts(struct tail *t)
{
	keep(t, 0);
	free(t->parts);
	free(t->got);
	t->parts = NULL;
	t->got = NULL;
	t->last = 0;
	consume_close(t->run->in);
	t->run->in = NULL;
}

static int
print(struct tail *t, struct err *e)
{
	struct run *run = t->run;

	keep(t, (size_t)run->a->tail);
	while (t->n) {
		struct record *r = t->held[--t->n].r;
		int result = form_write(run, r, e) ||
			out_maybe_flush(&run->out, e) ? -1 : 0;

		free(r);
		if (result)
			return -1;
		run->records++;
	}
	if (out_flush(&run->out, e))
		return -1;
	if (!run->records && run->a->fail_empty)
		return err_set(e, ERR_NO, "no records");
	return 0;
}

int
tail_run(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	struct tail t = { .run = run };
	int64_t back = run->a->tail;
	int result;

	o->exit_at_end = true;
	for (;;) {
		o->range.from = (struct offset_point){ OFFSET_TAIL, back };
		result = open_parts(&t, conf, o, e) || read_all(&t, e) ? -1 : 0;
		if (result || is_enough(&t, back))
			break;
		close_parts(&t);
		back = back > INT64_MAX / FURTHER ? INT64_MAX : back * FURTHER;
	}
	if (!result)
		result = print(&t, e);
	if (run->a->summary && run->in)
		lines_summary(run, result ? "error" : "end");
	close_parts(&t);
	free(t.held);
	return result;
}
