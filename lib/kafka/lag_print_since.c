/*
 * lag_print_since.c - what moved since an earlier run: the partitions that
 * were written or read most come first.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "kafka/lag_print.h"
#include "model/envelope.h"
#include "model/lag_threshold.h"

struct move {
	const struct lag_group *group;
	const struct lag_partition *p;
	int64_t ms;                 /* from that run to this one */
	int64_t consumed, produced; /* negative: it went back */
};

static int64_t
size_of(const struct move *m)
{
	int64_t consumed = llabs(m->consumed), produced = llabs(m->produced);

	return consumed > produced ? consumed : produced;
}

static int
by_size(const void *a, const void *b)
{
	const struct move *x = a, *y = b;
	int c;

	if (size_of(x) != size_of(y))
		return size_of(x) > size_of(y) ? -1 : 1;
	c = strcmp(x->group->name, y->group->name);
	if (!c)
		c = strcmp(x->p->topic->name, y->p->topic->name);
	return c ? c : (x->p->id > y->p->id) - (x->p->id < y->p->id);
}

/* The newest sample that is since_ms old or older, or the oldest there is. */
static const struct lag_sample *
sample_of(const struct lag_history *h, int64_t since_ms)
{
	int64_t now = h->samples[h->n - 1].at_ms;
	int i = h->n - 1;

	while (i > 0 && now - h->samples[i].at_ms < since_ms)
		i--;
	return &h->samples[i];
}

static bool
find_move(const struct lag_group *g, const struct lag_partition *p,
	const struct lag_history *h, int64_t since_ms, struct move *m)
{
	const struct lag_sample *then, *now;

	if (!h || h->n < 2)
		return false;
	then = sample_of(h, since_ms);
	now = &h->samples[h->n - 1];
	*m = (struct move){ g, p, now->at_ms - then->at_ms,
		now->committed - then->committed, now->end - then->end };
	return m->ms > 0 && size_of(m);
}

static int
list_moves(const struct lag_snapshot *s, struct lag_histories *h,
	int64_t since_ms, struct move **moves)
{
	int cap = 0, n = 0;

	for (int i = 0; i < s->groups_n; i++)
		cap += s->groups[i].partitions_n;
	*moves = xcalloc((size_t)cap, sizeof(**moves));
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];

		for (int k = 0; k < g->partitions_n; k++) {
			const struct lag_partition *p = &g->partitions[k];

			if (p->lag >= 0)
				n += find_move(g, p, lag_history_of(h,
					slice_str(g->name),
					slice_str(p->topic->name), p->id, false),
					since_ms, &(*moves)[n]);
		}
	}
	if (n)
		qsort(*moves, (size_t)n, sizeof(**moves), by_size);
	return n;
}

static void
put_move(struct buf *b, const struct move *m)
{
	buf_addstr(b, "{\"group\":");
	envelope_put_bytes(b, slice_str(m->group->name));
	buf_addstr(b, ",\"topic\":");
	envelope_put_bytes(b, slice_str(m->p->topic->name));
	buf_addf(b, ",\"partition\":%" PRId32 ",\"since_ms\":%" PRId64
		",\"consumed\":%" PRId64 ",\"produced\":%" PRId64 ",\"lag\":%"
		PRId64 ",\"lag_change\":%" PRId64 "}\n", m->p->id, m->ms,
		m->consumed, m->produced, m->p->lag, m->produced - m->consumed);
}

static void
put_row(struct out_table *t, const struct move *m)
{
	char text[LAG_DURATION_TEXT];

	out_table_cell(t, "%s", m->group->name);
	out_table_cell(t, "%s", m->p->topic->name);
	out_table_cell(t, "%" PRId32, m->p->id);
	out_table_cell(t, "%" PRId64, m->consumed);
	out_table_cell(t, "%" PRId64, m->produced);
	out_table_cell(t, "%" PRId64, m->p->lag);
	out_table_cell(t, "%+" PRId64, m->produced - m->consumed);
	out_table_cell(t, "%s", lag_duration(m->ms, text));
}

int
lag_print_since(struct out *o, const struct lag_snapshot *s,
	struct lag_histories *h, int64_t since_ms, bool json, struct err *e)
{
	static const char *const columns[] = { "GROUP", "TOPIC", "PART",
		"CONSUMED", "PRODUCED", "LAG", "CHANGE", "SINCE" };
	struct out_table *t = out_table_new(columns, 8);
	struct move *moves;
	int n = list_moves(s, h, since_ms, &moves), ret = 0;

	for (int i = 2; i < 8; i++)
		out_table_right(t, i);
	for (int i = 0; i < n && !ret; i++) {
		if (json) {
			put_move(&o->buf, &moves[i]);
			ret = out_maybe_flush(o, e);
		} else {
			put_row(t, &moves[i]);
		}
	}
	if (!json)
		ret = out_table_print(t, o, true, e);
	out_table_free(t);
	free(moves);
	return ret;
}
