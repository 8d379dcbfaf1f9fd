/*
 * partlog_txn.c - what a log knows of transactions: who has one open, up to
 * where all are decided, and which of them were aborted.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"
#include "wire/errors.h"

void
partlog_added(struct partlog *l, struct segment *g, const struct batch *b,
	const uint8_t *bytes, int64_t now)
{
	struct aborted_txn aborted;
	struct txn_marker m;
	int64_t stable;

	segment_added(g, b, l->config.index_interval_bytes);
	l->end = b->base_offset + b->last_offset_delta + 1;
	if (!(b->attributes & BATCH_CONTROL))
		producers_add(&l->producers, b, now);
	else if (marker_read(bytes, b, &m) &&
	    producers_end(&l->producers, b, &m, now, &aborted, &stable))
		aborted_add(&g->aborted, &aborted, stable);
}

void
partlog_set_hw(struct partlog *l, int64_t hw, int64_t base, int64_t pos)
{
	l->hw = hw;
	l->hw_base = base;
	l->hw_pos = pos;
	txns_pass(&l->producers.txns, hw);
}

int64_t
partlog_last_stable(const struct partlog *l)
{
	int64_t first = txns_first(&l->producers.txns);

	if (first >= l->hw)
		return l->hw;
	return first > l->start ? first : l->start;
}

int64_t
partlog_txn_start(const struct partlog *l, int64_t producer_id)
{
	const struct producer *p = producers_find(&l->producers, producer_id);

	return p && p->txn ? p->txn->first : -1;
}

bool
partlog_txn_is_unsynced(const struct partlog *l, int64_t producer_id)
{
	const struct producer *p = producers_find(&l->producers, producer_id);

	return p && p->txn && p->txn->last >= l->hw;
}

void
partlog_each_producer(const struct partlog *l,
	int (*fn)(void *arg, const struct producer_state *p), void *arg)
{
	for (size_t i = 0; i < l->producers.n; i++) {
		const struct producer *p = l->producers.by_id[i];
		struct producer_state out = {
			.id = p->id,
			.epoch = p->epoch,
			.last_sequence = producer_last_sequence(p),
			.last_timestamp = p->last_timestamp,
			.coordinator_epoch = p->coordinator_epoch,
			.txn_start = p->txn ? p->txn->first : -1,
		};

		if (fn(arg, &out))
			return;
	}
}

/* ---- aborted transactions ----------------------------------------------- */

uint64_t
partlog_aborted_digest(const struct partlog *l, int64_t from, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		if (partlog_segment_end(l, i) > from)
			sum += aborted_digest(&l->segments[i]->aborted);
	return sum;
}

static int
by_first(const void *a, const void *b)
{
	const struct aborted_txn *x = a, *y = b;

	return x->first_offset < y->first_offset ? -1 :
		x->first_offset > y->first_offset;
}

struct found {
	struct arena *arena;
	struct aborted_txn *list;
	int n, cap;
};

static void
add_found(struct found *f, const struct aborted_txn *t)
{
	if (f->n == f->cap) {
		struct aborted_txn *old = f->list;

		f->cap = f->cap ? f->cap * 2 : 8;
		f->list = arena_array(f->arena, (size_t)f->cap, sizeof(*f->list));
		if (f->n)
			memcpy(f->list, old, (size_t)f->n * sizeof(*old));
	}
	f->list[f->n++] = *t;
}

/* An entry is in the segment of its marker, and they ascend: -1 = lost. */
static int
find_aborted(struct partlog *l, int64_t from, int64_t to, struct found *f)
{
	int i = l->segments_n ? partlog_segment_of(l, from) : 0;

	if (i < 0 || l->aborted_lost) /* listing may have found that out */
		return -1;
	for (; i < l->segments_n; i++) {
		struct aborted *x = &l->segments[i]->aborted;

		if (x->n && segment_load_aborted(l->segments[i]) < 0)
			return -1;
		for (uint32_t k = aborted_find(x, from); k < x->n; k++) {
			struct aborted_txn t;
			int64_t stable;

			aborted_get(x, k, &t, &stable);
			if (t.first_offset < to)
				add_found(f, &t);
			if (stable >= to)
				return 0;
		}
	}
	return 0;
}

int16_t
partlog_knows_aborted(struct partlog *l)
{
	const struct clock *clock = l->store->o.clock;

	if (l->aborted_lost && clock_mono_ms(clock) >= l->aborted_retry)
		reindex_want(l->store->reindex, l);
	if (!l->aborted_lost)
		return KERR_NONE;
	return clock_mono_ms(clock) < l->aborted_retry ? KERR_KAFKA_STORAGE_ERROR
		: KERR_OFFSET_NOT_AVAILABLE;
}

int16_t
partlog_aborted(struct partlog *l, int64_t from, int64_t to, struct arena *a,
	struct aborted_txn **out, int *n)
{
	struct found f = { .arena = a };
	int16_t error = partlog_knows_aborted(l);

	*out = NULL;
	*n = 0;
	if (!error && find_aborted(l, from, to, &f) < 0) {
		f.n = 0;
		l->aborted_lost = true;
		error = partlog_knows_aborted(l);
		if (!error && find_aborted(l, from, to, &f) < 0) {
			store_complain(l->store, l, "find aborted transactions");
			error = KERR_KAFKA_STORAGE_ERROR;
		}
	}
	if (error)
		return error;
	if (f.n)
		qsort(f.list, (size_t)f.n, sizeof(*f.list), by_first);
	*out = f.list;
	*n = f.n;
	return KERR_NONE;
}
