#include "store/producers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "wire/errors.h"

enum {
	SAVED_PRODUCER = 8 + 8 + 8 + 4 + 2 + 1,
	SAVED_BATCH = 4 + 4 + 8,
	SAVED_TXN = 8 + 8,
};

void
producers_init(struct producers *s)
{
	*s = (struct producers){ 0 };
	txns_init(&s->txns);
}

static void
set_count(struct producers *s, size_t n)
{
	if (s->all)
		*s->all = *s->all - s->n + n;
	s->n = n;
}

void
producers_clear(struct producers *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->by_id[i]);
	free(s->by_id);
	txns_release(&s->txns);
	set_count(s, 0);
	*s = (struct producers){ .all = s->all };
	txns_init(&s->txns);
}

/* Where id is, or would go. */
static size_t
place_of(const struct producers *s, int64_t id)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->by_id[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct producer *
find(const struct producers *s, int64_t id)
{
	size_t i = place_of(s, id);

	return i < s->n && s->by_id[i]->id == id ? s->by_id[i] : NULL;
}

static int
by_last_append(const void *a, const void *b)
{
	const struct producer *const *x = a, *const *y = b;

	return (*x)->last_append < (*y)->last_append ? -1 :
		(*x)->last_append > (*y)->last_append;
}

static int
by_id(const void *a, const void *b)
{
	const struct producer *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* An eighth at a time: sorting is rare then. */
static void
make_room(struct producers *s)
{
	size_t surplus = s->n / 8, kept = 0;

	qsort(s->by_id, s->n, sizeof(*s->by_id), by_last_append);
	for (size_t i = 0; i < s->n; i++) {
		struct producer *p = s->by_id[i];

		if (surplus && !p->txn) {
			free(p);
			surplus--;
		} else {
			s->by_id[kept++] = p;
		}
	}
	set_count(s, kept);
	qsort(s->by_id, s->n, sizeof(*s->by_id), by_id);
}

static struct producer *
find_or_add(struct producers *s, int64_t id)
{
	size_t i = place_of(s, id);

	if (i < s->n && s->by_id[i]->id == id)
		return s->by_id[i];
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1;
		s->by_id = xreallocarray(s->by_id, s->cap, sizeof(*s->by_id));
	}
	memmove(s->by_id + i + 1, s->by_id + i, (s->n - i) * sizeof(*s->by_id));
	s->by_id[i] = xmalloc(sizeof(**s->by_id));
	*s->by_id[i] = (struct producer){ .id = id, .epoch = -1,
		.last_timestamp = -1, .coordinator_epoch = -1 };
	set_count(s, s->n + 1);
	return s->by_id[i];
}

static void
open_txn(struct producers *s, struct producer *p, int64_t first)
{
	p->txn = txns_begin(&s->txns, p->id, first);
	s->open++;
}

const struct producer *
producers_find(const struct producers *s, int64_t id)
{
	return find(s, id);
}

int32_t
producers_coordinator_epoch(const struct producers *s, int64_t id)
{
	const struct producer *p = find(s, id);

	return p && p->coordinator_epoch > 0 ? p->coordinator_epoch : 0;
}

/* Sequence numbers run from 0 to INT32_MAX and start over. */
static int32_t
sequence_add(int32_t sequence, int32_t n)
{
	return (int32_t)(((uint32_t)sequence + (uint32_t)n) & INT32_MAX);
}

static const struct producer_batch *
newest(const struct producer *p)
{
	return &p->batches[(p->next + PRODUCER_BATCHES - 1) % PRODUCER_BATCHES];
}

int32_t
producer_last_sequence(const struct producer *p)
{
	return p->n ? newest(p)->last_sequence : -1;
}

int64_t
producer_last_offset(const struct producer *p)
{
	const struct producer_batch *b = newest(p);
	uint32_t delta = b->first_sequence < 0 ? 0 : ((uint32_t)b->last_sequence -
		(uint32_t)b->first_sequence) & INT32_MAX; /* they go round */

	return p->n ? b->base_offset + delta : -1;
}

/*
 * A producer ends a transaction when it has heard of all batches, or given
 * them up. librdkafka 2.0 gives the sequence of one that it gave up to the
 * first of the next transaction: that must not be taken for the old one.
 */
static void
forget_batches(struct producer *p)
{
	struct producer_batch last = {
		.first_sequence = -1,
		.last_sequence = producer_last_sequence(p),
		.base_offset = producer_last_offset(p),
	};

	if (!p->n)
		return;
	p->batches[0] = last;
	p->n = p->next = 1;
}

static int16_t
fenced(const char **why)
{
	*why = "a producer with a newer epoch has written";
	return KERR_INVALID_PRODUCER_EPOCH;
}

static int16_t
check_sequence(const struct producer *p, const struct batch *b, int64_t *duplicate,
	const char **why)
{
	int32_t last = sequence_add(b->base_sequence, b->last_offset_delta);

	if (b->producer_epoch > p->epoch) {
		if (!b->base_sequence)
			return KERR_NONE;
		*why = "a new producer epoch must start with sequence 0";
		return KERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
	}
	for (int i = 0; i < p->n; i++)
		if (p->batches[i].first_sequence == b->base_sequence &&
		    p->batches[i].last_sequence == last)
			*duplicate = p->batches[i].base_offset;
	/* -1 + 1: the first one after a marker, too, has the sequence 0. */
	if (*duplicate >= 0 || b->base_sequence ==
			sequence_add(producer_last_sequence(p), 1))
		return KERR_NONE;
	*why = "the batch's sequence number does not follow the last one";
	return KERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

int16_t
producers_check(const struct producers *s, const struct batch *b,
	int64_t *duplicate, const char **why)
{
	const struct producer *p;
	int16_t error;

	*duplicate = -1;
	if (b->producer_id < 0)
		return KERR_NONE;
	p = find(s, b->producer_id);
	if ((b->attributes & BATCH_TRANSACTIONAL) && s->open >= PRODUCERS_MAX &&
	    (!p || !p->txn)) {
		*why = "too many transactions are open in this partition";
		return KERR_POLICY_VIOLATION;
	}
	/* It may have been forgotten: any sequence will do. */
	if (!p)
		return KERR_NONE;
	if (b->producer_epoch < p->epoch)
		return fenced(why);
	if (b->base_sequence >= 0 &&
	    ((error = check_sequence(p, b, duplicate, why)) || *duplicate >= 0))
		return error;
	if (p->txn && !(b->attributes & BATCH_TRANSACTIONAL)) {
		*why = "the producer has a transaction open in this partition";
		return KERR_INVALID_TXN_STATE;
	}
	return KERR_NONE;
}

int16_t
producers_check_marker(const struct producers *s, const struct txn_marker *m,
	const char **why)
{
	const struct producer *p = find(s, m->producer_id);

	if (!p)
		return KERR_NONE;
	if (m->producer_epoch < p->epoch)
		return fenced(why);
	if (m->coordinator_epoch < p->coordinator_epoch) {
		*why = "a newer transaction coordinator has written";
		return KERR_TRANSACTION_COORDINATOR_FENCED;
	}
	return KERR_NONE;
}

/* The producer of a batch that is in the log now. */
static struct producer *
note(struct producers *s, const struct batch *b, int64_t now)
{
	size_t limit = s->all && *s->all >= PRODUCERS_ALL ? PRODUCERS_FEW :
		PRODUCERS_MAX;
	struct producer *p;

	/* When most have a transaction open it helps little: not every time, then. */
	if (s->n >= limit && s->n % (s->n / 8) == 0 && !find(s, b->producer_id))
		make_room(s);
	p = find_or_add(s, b->producer_id);
	if (b->producer_epoch != p->epoch)
		p->n = p->next = 0;
	p->epoch = b->producer_epoch;
	p->last_append = now;
	p->last_timestamp = b->max_timestamp;
	return p;
}

void
producers_add(struct producers *s, const struct batch *b, int64_t now)
{
	struct producer *p;

	if (b->producer_id < 0)
		return;
	p = note(s, b, now);
	/* What compaction has emptied was decided, its marker may be gone. */
	if ((b->attributes & BATCH_TRANSACTIONAL) && b->count && !p->txn)
		open_txn(s, p, b->base_offset);
	if (p->txn)
		p->txn->last = b->base_offset + b->last_offset_delta;
	if (b->base_sequence < 0)
		return;
	p->batches[p->next] = (struct producer_batch){
		.first_sequence = b->base_sequence,
		.last_sequence = sequence_add(b->base_sequence,
			b->last_offset_delta),
		.base_offset = b->base_offset,
	};
	p->next = (uint8_t)((p->next + 1) % PRODUCER_BATCHES);
	if (p->n < PRODUCER_BATCHES)
		p->n++;
}

bool
producers_end(struct producers *s, const struct batch *b,
	const struct txn_marker *m, int64_t now, struct aborted_txn *aborted,
	int64_t *stable)
{
	struct producer *p = note(s, b, now);
	struct txn *x = p->txn;

	p->coordinator_epoch = m->coordinator_epoch;
	p->txn = NULL;
	if (!x)
		return false;
	s->open--;
	forget_batches(p);
	*aborted = (struct aborted_txn){ p->id, x->first, b->base_offset };
	txns_decide(&s->txns, x, b->base_offset);
	if (m->commit)
		return false;
	*stable = txns_stable_after(&s->txns, b->base_offset);
	return true;
}

void
producers_expire(struct producers *s, int64_t before_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct producer *p = s->by_id[i];

		if (p->last_append < before_ms && !p->txn)
			free(p);
		else
			s->by_id[kept++] = p;
	}
	set_count(s, kept);
}

/* ---- for the checkpoint ------------------------------------------------- */

/* 4 bytes of count go in front of each of the two lists. */
static void
save_txns(const struct txns *t, struct buf *out)
{
	size_t at = out->len;
	uint32_t n = 0;

	buf_reserve(out, 4);
	out->len += 4;
	for (const struct list *i = t->by_first.next; i != &t->by_first; i = i->next) {
		const struct txn *x = container_of(i, struct txn, by_first);
		uint8_t *to;

		/* After a start all markers that are there are visible. */
		if (x->marker >= 0)
			continue;
		to = buf_reserve(out, SAVED_TXN);
		be64_put(to, (uint64_t)x->producer_id);
		be64_put(to + 8, (uint64_t)x->first);
		out->len += SAVED_TXN;
		n++;
	}
	be32_put(out->data + at, n);
}

void
producers_save(const struct producers *s, struct buf *out)
{
	uint8_t *to = buf_reserve(out, 4 + s->n *
		(SAVED_PRODUCER + PRODUCER_BATCHES * SAVED_BATCH));

	be32_put(to, (uint32_t)s->n);
	to += 4;
	for (size_t i = 0; i < s->n; i++) {
		const struct producer *p = s->by_id[i];

		be64_put(to, (uint64_t)p->id);
		be64_put(to + 8, (uint64_t)p->last_append);
		be64_put(to + 16, (uint64_t)p->last_timestamp);
		be32_put(to + 24, (uint32_t)p->coordinator_epoch);
		be16_put(to + 28, (uint16_t)p->epoch);
		to[30] = p->n;
		to += SAVED_PRODUCER;
		/* Oldest first, so that loading is adding. */
		for (int k = 0; k < p->n; k++, to += SAVED_BATCH) {
			const struct producer_batch *b = &p->batches[(p->next +
				PRODUCER_BATCHES - p->n + k) % PRODUCER_BATCHES];

			be32_put(to, (uint32_t)b->first_sequence);
			be32_put(to + 4, (uint32_t)b->last_sequence);
			be64_put(to + 8, (uint64_t)b->base_offset);
		}
	}
	out->len = (size_t)(to - out->data);
	save_txns(&s->txns, out);
}

static bool
take(struct slice *in, size_t n, const uint8_t **p)
{
	if (in->len < n)
		return false;
	*p = in->data;
	*in = slice_make(*p + n, in->len - n);
	return true;
}

static int
load_producer(struct producers *s, struct slice *in)
{
	struct producer *to;
	const uint8_t *p;

	if (!take(in, SAVED_PRODUCER, &p) || p[30] > PRODUCER_BATCHES)
		return -1;
	to = find_or_add(s, (int64_t)be64_get(p));
	to->last_append = (int64_t)be64_get(p + 8);
	to->last_timestamp = (int64_t)be64_get(p + 16);
	to->coordinator_epoch = (int32_t)be32_get(p + 24);
	to->epoch = (int16_t)be16_get(p + 28);
	to->n = p[30];
	to->next = to->n % PRODUCER_BATCHES;
	for (int k = 0; k < to->n; k++) {
		if (!take(in, SAVED_BATCH, &p))
			return -1;
		to->batches[k] = (struct producer_batch){
			(int32_t)be32_get(p), (int32_t)be32_get(p + 4),
			(int64_t)be64_get(p + 8) };
	}
	return 0;
}

int
producers_load(struct producers *s, struct slice *in)
{
	const uint8_t *p;
	uint32_t n;

	if (!take(in, 4, &p))
		return -1;
	for (n = be32_get(p); n; n--)
		if (load_producer(s, in) < 0)
			return -1;
	if (!take(in, 4, &p))
		return -1;
	for (n = be32_get(p); n; n--) {
		struct producer *of;

		if (!take(in, SAVED_TXN, &p))
			return -1;
		of = find(s, (int64_t)be64_get(p));
		if (!of || of->txn)
			return -1;
		open_txn(s, of, (int64_t)be64_get(p + 8));
	}
	return 0;
}
