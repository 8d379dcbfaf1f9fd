#include "store/producers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "wire/errors.h"

enum {
	SAVED_PRODUCER = 8 + 8 + 2 + 1,
	SAVED_BATCH = 4 + 4 + 8,
};

void
producers_release(struct producers *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->by_id[i]);
	free(s->by_id);
	*s = (struct producers){ 0 };
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
	s->by_id[i] = xcalloc(1, sizeof(**s->by_id));
	s->by_id[i]->id = id;
	s->n++;
	return s->by_id[i];
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

int16_t
producers_check(const struct producers *s, const struct batch *b,
	int64_t *duplicate, const char **why)
{
	int32_t last = sequence_add(b->base_sequence, b->last_offset_delta);
	const struct producer *p;

	*duplicate = -1;
	if (b->producer_id < 0)
		return KERR_NONE;
	p = find(s, b->producer_id);
	/* Its batches may have been deleted by retention: any sequence will do. */
	if (!p || !p->n)
		return KERR_NONE;
	if (b->producer_epoch < p->epoch) {
		*why = "a producer with a newer epoch has written";
		return KERR_INVALID_PRODUCER_EPOCH;
	}
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
	if (*duplicate >= 0 || b->base_sequence ==
			sequence_add(newest(p)->last_sequence, 1))
		return KERR_NONE;
	*why = "the batch's sequence number does not follow the last one";
	return KERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

void
producers_add(struct producers *s, const struct batch *b, int64_t now)
{
	struct producer *p;

	if (b->producer_id < 0 || (b->attributes & BATCH_CONTROL))
		return;
	p = find_or_add(s, b->producer_id);
	if (b->producer_epoch != p->epoch)
		p->n = p->next = 0;
	p->epoch = b->producer_epoch;
	p->last_append = now;
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

void
producers_expire(struct producers *s, int64_t before_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct producer *p = s->by_id[i];

		if (p->last_append < before_ms)
			free(p);
		else
			s->by_id[kept++] = p;
	}
	s->n = kept;
}

/* ---- for the checkpoint ------------------------------------------------- */

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
		be16_put(to + 16, (uint16_t)p->epoch);
		to[18] = p->n;
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

int
producers_load(struct producers *s, struct slice *in)
{
	const uint8_t *p;
	uint32_t n;

	if (!take(in, 4, &p))
		return -1;
	for (n = be32_get(p); n; n--) {
		struct producer *to;

		if (!take(in, SAVED_PRODUCER, &p) || p[18] > PRODUCER_BATCHES)
			return -1;
		to = find_or_add(s, (int64_t)be64_get(p));
		to->last_append = (int64_t)be64_get(p + 8);
		to->epoch = (int16_t)be16_get(p + 16);
		to->n = p[18];
		to->next = to->n % PRODUCER_BATCHES;
		for (int k = 0; k < to->n; k++) {
			if (!take(in, SAVED_BATCH, &p))
				return -1;
			to->batches[k] = (struct producer_batch){
				(int32_t)be32_get(p), (int32_t)be32_get(p + 4),
				(int64_t)be64_get(p + 8) };
		}
	}
	return 0;
}
