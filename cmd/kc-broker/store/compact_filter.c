/*
 * compact_filter.c - what stays of one batch: the rules of Kafka's cleaner
 * (its Cleaner, CleanedTransactionMetadata and RecordFilter).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/varint.h"
#include "base/xalloc.h"
#include "store/compact.h"
#include "store/txn.h"
#include "store/validate.h"

/* ---- transactions ------------------------------------------------------- */

/* Where the producer's transaction is or would be. */
static int
open_position(const struct compact *c, int64_t producer_id)
{
	int lo = 0, hi = c->open_n;

	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (c->open[mid].producer_id < producer_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct compact_txn *
find_open(const struct compact *c, int64_t producer_id)
{
	int at = open_position(c, producer_id);

	return at < c->open_n && c->open[at].producer_id == producer_id ?
		&c->open[at] : NULL;
}

static struct compact_txn *
begin(struct compact *c, int64_t producer_id)
{
	int at = open_position(c, producer_id);

	if (at < c->open_n && c->open[at].producer_id == producer_id)
		return &c->open[at];
	if (c->open_n == c->open_cap) {
		c->open_cap = c->open_cap ? c->open_cap * 2 : 16;
		c->open = xreallocarray(c->open, (size_t)c->open_cap,
			sizeof(*c->open));
	}
	memmove(c->open + at + 1, c->open + at,
		(size_t)(c->open_n - at) * sizeof(*c->open));
	c->open_n++;
	c->open[at] = (struct compact_txn){ .producer_id = producer_id };
	return &c->open[at];
}

static void
end(struct compact *c, struct compact_txn *t)
{
	int at = (int)(t - c->open);

	c->open_n--;
	memmove(t, t + 1, (size_t)(c->open_n - at) * sizeof(*t));
}

void
compact_forget(struct compact *c)
{
	c->open_n = c->aborted_i = 0;
}

/* A marker of a transaction of which nothing was met is void. */
static bool
is_void_marker(struct compact *c, const uint8_t *p, const struct batch *b)
{
	struct compact_txn *t;
	struct txn_marker m;
	bool met;

	if (!marker_read(p, b, &m))
		return true;
	t = find_open(c, m.producer_id);
	if (!t || t->aborted == m.commit)
		return true;
	met = t->met;
	end(c, t);
	return !met;
}

bool
compact_is_void(struct compact *c, const uint8_t *p, const struct batch *b)
{
	int64_t last = b->base_offset + b->last_offset_delta;
	struct compact_txn *t;

	while (c->aborted_i < c->aborted_n &&
	    c->aborted[c->aborted_i].first_offset <= last) {
		const struct aborted_txn *x = &c->aborted[c->aborted_i++];

		/* Its marker may be in front of where the pass began. */
		if (x->last_offset >= b->base_offset)
			begin(c, x->producer_id)->aborted = true;
	}
	if (b->attributes & BATCH_CONTROL)
		return is_void_marker(c, p, b);
	if (!(b->attributes & BATCH_TRANSACTIONAL))
		return false;
	t = begin(c, b->producer_id);
	t->met = true;
	return t->aborted;
}

/* ---- which records ------------------------------------------------------ */

static bool
is_last_of_producer(const struct compact *c, const struct batch *b)
{
	int lo = 0, hi = c->producers_n;

	if (b->producer_id < 0)
		return false;
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (c->producers[mid].id < b->producer_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == c->producers_n || c->producers[lo].id != b->producer_id)
		return false;
	if (c->producers[lo].last >= 0)
		return c->producers[lo].last == b->base_offset + b->last_offset_delta;
	/* Only markers: they have its epoch, which fences. */
	return (b->attributes & BATCH_CONTROL) &&
		b->producer_epoch == c->producers[lo].epoch;
}

static bool
has_horizon(const struct batch *b)
{
	return b->attributes & BATCH_DELETE_HORIZON;
}

static bool
is_kept(const struct compact *c, const struct batch *b,
	const struct batch_record *r)
{
	if (b->attributes & BATCH_CONTROL || r->offset > c->latest)
		return true;
	if (!r->key.data || r->offset < keymap_get(&c->map, r->key))
		return false;
	return r->value.data || !has_horizon(b) || c->now < b->base_timestamp;
}

/* ---- writing ------------------------------------------------------------ */

static void
put_varlong(struct buf *out, int64_t v)
{
	out->len += varlong_put(buf_reserve(out, VARLONG_MAX), v);
}

/* What follows the timestamp in a record whose bytes are r. */
static struct slice
after_timestamp(struct slice r)
{
	const uint8_t *p = r.data, *stop = p + r.len;
	int64_t skipped;

	p += varlong_get(p, (size_t)(stop - p), &skipped); /* length */
	p++;                                               /* attributes */
	p += varlong_get(p, (size_t)(stop - p), &skipped);
	return slice_make(p, (size_t)(stop - p));
}

static void
put_record(struct buf *out, struct slice record, int64_t timestamp_delta)
{
	struct slice rest = after_timestamp(record);
	uint8_t delta[VARLONG_MAX];
	size_t n = varlong_put(delta, timestamp_delta);

	put_varlong(out, (int64_t)(1 + n + rest.len));
	buf_addc(out, 0); /* attributes: none are defined */
	buf_add(out, delta, n);
	buf_addslice(out, rest);
}

/* What stays of a batch, as far as it is known. */
struct rest {
	int64_t base_timestamp, max_timestamp;
	int32_t count;
	bool tombstones;
};

/* One pass over the records: which stay? Into c->kept, when `write`. */
static int
each_record(struct compact *c, const struct batch *b, struct slice left,
	struct rest *x, bool write, struct err *e)
{
	struct batch_record r;
	struct slice before = left;
	int got;

	x->count = 0;
	while ((got = batch_next(b, &left, &r)) == 1) {
		struct slice bytes = slice_make(before.data, before.len - left.len);

		before = left;
		if (!is_kept(c, b, &r))
			continue;
		if (write)
			put_record(&c->kept, bytes, r.timestamp - x->base_timestamp);
		else if (!x->count)
			x->base_timestamp = x->max_timestamp = r.timestamp;
		if (r.timestamp > x->max_timestamp)
			x->max_timestamp = r.timestamp;
		x->tombstones |= !r.value.data;
		x->count++;
	}
	return got < 0 ? err_set(e, ERR_CORRUPT, "a record of the batch at offset %"
		PRId64 " is damaged", b->base_offset) : 0;
}

/* The batch's header again, in front of other records. */
static void
put_batch(struct compact *c, const uint8_t *p, const struct batch *b, int attributes,
	const struct rest *x, struct slice records)
{
	size_t at = c->out.len;
	uint8_t *h;

	buf_add(&c->out, p, BATCH_HEADER);
	buf_addslice(&c->out, records);
	h = c->out.data + at;
	be16_put(h + 21, (uint16_t)attributes);
	be64_put(h + 27, (uint64_t)x->base_timestamp);
	be64_put(h + 35, (uint64_t)(x->count ? x->max_timestamp : b->max_timestamp));
	be32_put(h + 57, (uint32_t)x->count);
	batch_seal(h, c->out.len - at);
}

/* An empty batch keeps what is known of its producer: epoch and sequence. */
static void
put_empty(struct compact *c, const uint8_t *p, const struct batch *b)
{
	struct rest none = { .base_timestamp = -1 };

	put_batch(c, p, b, b->attributes & ~(BATCH_CODEC_MASK | BATCH_DELETE_HORIZON),
		&none, SLICE_NULL);
}

static int
put_rest(struct compact *c, const uint8_t *p, const struct batch *b,
	struct slice records, struct rest *x, bool stamp, struct err *e)
{
	enum codec codec = b->attributes & BATCH_CODEC_MASK;
	int attributes = b->attributes;

	if (stamp)
		x->base_timestamp = c->delete_retention_ms < INT64_MAX - c->now ?
			c->now + c->delete_retention_ms : INT64_MAX;
	else if (has_horizon(b))
		x->base_timestamp = b->base_timestamp;
	if (stamp)
		attributes |= BATCH_DELETE_HORIZON;
	buf_clear(&c->kept);
	if (each_record(c, b, records, x, true, e) < 0)
		return -1;
	records = buf_slice(&c->kept);
	if (codec != CODEC_NONE) {
		buf_clear(&c->packed);
		if (codec_pack(codec, records, &c->packed, e) < 0)
			return -1;
		records = buf_slice(&c->packed);
	}
	put_batch(c, p, b, attributes, x, records);
	return 0;
}

/* ---- the whole ---------------------------------------------------------- */

int
compact_filter(struct compact *c, const uint8_t *p, const struct batch *b,
	struct batch *kept, bool *same, struct err *e)
{
	bool is_void = compact_is_void(c, p, b), is_control, is_last, gone, stamp;
	size_t at = c->out.len;
	struct slice records;
	struct rest x = { 0 };

	is_control = b->attributes & BATCH_CONTROL;
	gone = is_void && (!is_control ||
		(has_horizon(b) && b->base_timestamp <= c->now));
	/* The last batch of the range says where the range ended. */
	is_last = is_last_of_producer(c, b) ||
		b->base_offset + b->last_offset_delta + 1 == c->upper;
	if (!gone && (batch_open(p, b, BATCH_UNPACKED_MAX, &c->unpacked, &records,
			e) < 0 || each_record(c, b, records, &x, false, e) < 0))
		return -1;
	stamp = x.count && !has_horizon(b) &&
		(x.tombstones || (is_void && is_control));
	if (x.count && x.count == b->count && !stamp)
		buf_add(&c->out, p, (size_t)b->size);
	else if (!x.count && is_last && !b->count)
		buf_add(&c->out, p, (size_t)b->size);
	else if (!x.count && is_last)
		put_empty(c, p, b);
	else if (x.count && put_rest(c, p, b, records, &x, stamp, e) < 0)
		return -1;
	kept->size = 0;
	if (c->out.len > at)
		batch_decode(c->out.data + at, kept);
	*same = c->out.len - at == (size_t)b->size &&
		!memcmp(c->out.data + at, p, (size_t)b->size);
	return 0;
}
