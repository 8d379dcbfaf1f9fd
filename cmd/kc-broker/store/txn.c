#include "store/txn.h"

#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"

enum {
	MARKER_KEY = 4,   /* version i16, type i16 */
	MARKER_VALUE = 6, /* version i16, coordinator epoch i32 */
	MARKER_ABORT = 0,
	MARKER_COMMIT = 1,
};

void
txns_init(struct txns *t)
{
	list_init(&t->by_first);
	list_init(&t->by_marker);
}

static void
forget(struct txn *x)
{
	list_remove(&x->by_first);
	list_remove(&x->by_marker);
	free(x);
}

void
txns_release(struct txns *t)
{
	while (!list_is_empty(&t->by_first))
		forget(container_of(t->by_first.next, struct txn, by_first));
}

struct txn *
txns_begin(struct txns *t, int64_t producer_id, int64_t first)
{
	struct txn *x = xmalloc(sizeof(*x));

	*x = (struct txn){
		.producer_id = producer_id, .first = first, .marker = -1, .last = first,
	};
	list_init(&x->by_marker);
	list_append(&t->by_first, &x->by_first);
	return x;
}

void
txns_decide(struct txns *t, struct txn *x, int64_t marker)
{
	x->marker = marker;
	list_append(&t->by_marker, &x->by_marker);
}

void
txns_pass(struct txns *t, int64_t hw)
{
	while (!list_is_empty(&t->by_marker)) {
		struct txn *x = container_of(t->by_marker.next, struct txn, by_marker);

		if (x->marker >= hw)
			return;
		forget(x);
	}
}

int64_t
txns_first(const struct txns *t)
{
	return list_is_empty(&t->by_first) ? INT64_MAX :
		container_of(t->by_first.next, struct txn, by_first)->first;
}

int64_t
txns_stable_after(const struct txns *t, int64_t marker)
{
	for (const struct list *i = t->by_first.next; i != &t->by_first; i = i->next) {
		const struct txn *x = container_of(i, struct txn, by_first);

		if (x->marker < 0)
			return x->first;
	}
	return marker + 1;
}

/* ---- markers ------------------------------------------------------------ */

void
marker_write(const struct txn_marker *m, int64_t now, bool append_time,
	struct batch_builder *out)
{
	uint8_t key[MARKER_KEY], value[MARKER_VALUE];

	be16_put(key, 0);
	be16_put(key + 2, m->commit ? MARKER_COMMIT : MARKER_ABORT);
	be16_put(value, 0);
	be32_put(value + 2, (uint32_t)m->coordinator_epoch);
	batch_begin(out);
	out->attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL |
		(append_time ? BATCH_APPEND_TIME : 0);
	out->producer_id = m->producer_id;
	out->producer_epoch = m->producer_epoch;
	batch_add(out, now, slice_make(key, sizeof(key)),
		slice_make(value, sizeof(value)));
	batch_finish(out);
}

/* Compaction may have left nothing but the header. Kafka compresses none. */
bool
marker_read(const uint8_t *p, const struct batch *b, struct txn_marker *m)
{
	struct slice records = slice_make(p + BATCH_HEADER,
		(size_t)b->size - BATCH_HEADER);
	const uint8_t *key, *value;
	struct batch_record r;
	uint16_t type;

	if (!b->count || (b->attributes & BATCH_CODEC_MASK) ||
	    batch_next(b, &records, &r) != 1 || !r.key.data ||
	    r.key.len < MARKER_KEY || !r.value.data || r.value.len < MARKER_VALUE)
		return false;
	key = r.key.data;
	value = r.value.data;
	type = be16_get(key + 2);
	*m = (struct txn_marker){
		.producer_id = b->producer_id,
		.producer_epoch = b->producer_epoch,
		.coordinator_epoch = (int32_t)be32_get(value + 2),
		.commit = type == MARKER_COMMIT,
	};
	return type == MARKER_COMMIT || type == MARKER_ABORT;
}
