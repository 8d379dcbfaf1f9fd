#include "model/replay_merge.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* A record with all its bytes behind it. */
struct replay_kept {
	struct replay_kept *next;
	size_t size;
	struct record r;
};

static struct replay_kept *
keep(const struct record *r)
{
	size_t size;
	struct replay_kept *k = record_copy_behind(r,
		offsetof(struct replay_kept, r), &size);

	k->next = NULL;
	k->size = size;
	return k;
}

void
replay_merge_init(struct replay_merge *m, int n, size_t limit)
{
	*m = (struct replay_merge){ .n = n, .limit = limit, .empty = n };
	m->queues = xcalloc((size_t)n, sizeof(*m->queues));
	for (int i = 0; i < n; i++)
		m->queues[i].floor = INT64_MIN;
}

void
replay_merge_release(struct replay_merge *m)
{
	for (int i = 0; i < m->n; i++)
		while (m->queues[i].first) {
			struct replay_kept *k = m->queues[i].first;

			m->queues[i].first = k->next;
			free(k);
		}
	free(m->queues);
	free(m->out);
	*m = (struct replay_merge){ 0 };
}

void
replay_merge_add(struct replay_merge *m, int i, const struct record *r)
{
	struct replay_queue *q = &m->queues[i];
	struct replay_kept *k = keep(r);

	if (q->first) {
		q->last->next = k;
	} else {
		q->first = k;
		m->empty -= !q->done;
	}
	q->last = k;
	q->bytes += k->size;
	m->bytes += k->size;
}

void
replay_merge_done(struct replay_merge *m, int i)
{
	struct replay_queue *q = &m->queues[i];

	if (!q->done && !q->first)
		m->empty--;
	q->done = true;
}

bool
replay_merge_ready(const struct replay_merge *m, bool force)
{
	return m->bytes && (force || !m->empty || m->bytes > m->limit);
}

static int
earliest(const struct replay_merge *m)
{
	int64_t best_ts = 0;
	int best = -1;

	for (int i = 0; i < m->n; i++) {
		const struct replay_queue *q = &m->queues[i];
		int64_t ts;

		if (!q->first)
			continue;
		ts = q->first->r.has_timestamp ? q->first->r.timestamp : q->floor;
		if (ts < q->floor)
			ts = q->floor;
		if (best < 0 || ts < best_ts) {
			best = i;
			best_ts = ts;
		}
	}
	return best;
}

const struct record *
replay_merge_peek(const struct replay_merge *m, int *i)
{
	*i = earliest(m);
	return *i < 0 ? NULL : &m->queues[*i].first->r;
}

const struct record *
replay_merge_take(struct replay_merge *m, int *i)
{
	struct replay_queue *q;
	struct replay_kept *k;

	free(m->out);
	m->out = NULL;
	*i = earliest(m);
	if (*i < 0)
		return NULL;
	q = &m->queues[*i];
	k = q->first;
	q->first = k->next;
	q->bytes -= k->size;
	m->bytes -= k->size;
	m->empty += !q->first && !q->done;
	if (k->r.has_timestamp && k->r.timestamp > q->floor)
		q->floor = k->r.timestamp;
	m->out = k;
	return &k->r;
}

const struct record *
replay_merge_head(const struct replay_merge *m, int i)
{
	return m->queues[i].first ? &m->queues[i].first->r : NULL;
}
