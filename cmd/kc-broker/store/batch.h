/*
 * batch.h - record batches v2 ("message format 2", KIP-98): the 61-byte
 * header, its checks, the records inside, and a builder for our own.
 *
 *	baseOffset i64 @0    length i32 @8      leaderEpoch i32 @12
 *	magic i8 @16         crc u32 @17        attributes i16 @21
 *	lastOffsetDelta i32 @23                 baseTimestamp i64 @27
 *	maxTimestamp i64 @35 producerId i64 @43 producerEpoch i16 @51
 *	baseSequence i32 @53 count i32 @57      records @61
 *
 * `length` counts from byte 12. The CRC-32C covers byte 21 to the end, so
 * base offset and leader epoch can be set without touching it.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/codec.h"

enum {
	BATCH_HEADER = 61,
	BATCH_LENGTH_AT = 12, /* bytes in front of what `length` counts */
	BATCH_CRC_FROM = 21,  /* and of what the checksum is of */
	BATCH_CODEC_MASK = 7,
	BATCH_APPEND_TIME = 1 << 3,
	BATCH_TRANSACTIONAL = 1 << 4,
	BATCH_CONTROL = 1 << 5,
	BATCH_DELETE_HORIZON = 1 << 6,
};

/* A header, decoded. */
struct batch {
	int64_t base_offset;
	int32_t size;       /* of the whole batch, header included */
	int32_t leader_epoch;
	int8_t magic;
	uint32_t crc;
	int16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp, max_timestamp; /* ms */
	int64_t producer_id;   /* -1 = none */
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t count;
};

/* Needs BATCH_HEADER bytes at p; checks nothing. */
void batch_decode(const uint8_t *p, struct batch *b);
bool batch_crc_ok(const uint8_t *p, const struct batch *b);
/* Writes length and CRC of a batch of `size` bytes, once all else is in place. */
void batch_seal(uint8_t *p, size_t size);

/* One record of a batch; slices borrow the (decompressed) bytes. */
struct batch_record {
	int64_t offset, timestamp;
	struct slice key, value;  /* data NULL = null */
	struct slice raw_headers; /* undecoded */
	int32_t headers_n;
};

/*
 * The records section of a batch, decompressed when need be into *tmp, not
 * longer than max bytes. Unknown codecs, damaged or larger data: -1.
 */
int batch_open(const uint8_t *p, const struct batch *b, size_t max,
	struct buf *tmp, struct slice *records, struct err *e);

/* Takes the next record off *records; 1 = got one, 0 = end, -1 = damaged. */
int batch_next_any(const struct batch *b, struct slice *records,
	struct batch_record *r);

static inline int64_t
batch_timestamp(const struct batch *b, int64_t delta)
{
	return b->attributes & BATCH_APPEND_TIME ? b->max_timestamp :
		(int64_t)((uint64_t)b->base_timestamp + (uint64_t)delta);
}

/* A zig-zag number of at most three bytes, all of which are there; NULL = longer. */
static inline const uint8_t *
batch_small(const uint8_t *p, int32_t *v)
{
	uint32_t u = p[0];

	if (u >= 0x80) {
		u = (u & 0x7f) | (uint32_t)*++p << 7;
		if (u >= 0x80 << 7)
			u = (u & 0x3fff) | (uint32_t)*++p << 14;
		if (u >= 0x80 << 14)
			return NULL;
	}
	*v = (int32_t)(u >> 1) ^ -(int32_t)(u & 1);
	return p + 1;
}

static inline const uint8_t *
batch_small_bytes(const uint8_t *p, const uint8_t *end, struct slice *s)
{
	int32_t n;

	if (end - p < 3 || !(p = batch_small(p, &n)) || n < -1 || n > end - p)
		return NULL;
	*s = n < 0 ? SLICE_NULL : slice_make(p, (size_t)n);
	return n < 0 ? p : p + n;
}

/*
 * The usual record, with small numbers and without headers: going over such
 * is most of what produced records cost outside the kernel. False: another.
 */
static inline bool
batch_next_plain(const struct batch *b, struct slice *records,
	struct batch_record *r)
{
	const uint8_t *p = records->data, *end = p + records->len, *stop;
	int32_t len, timestamp, offset;

	if (records->len < 16 || !(p = batch_small(p, &len)) || len < 1 ||
	    len > end - p)
		return false;
	stop = p + len;
	/* length, attributes, two deltas: ten bytes at most */
	if (!(p = batch_small(p + 1, &timestamp)) ||
	    !(p = batch_small(p, &offset)) ||
	    !(p = batch_small_bytes(p, end, &r->key)) ||
	    !(p = batch_small_bytes(p, end, &r->value)) ||
	    p + 1 != stop || *p)
		return false;
	r->headers_n = 0;
	r->raw_headers = slice_make(stop, 0);
	r->offset = (int64_t)((uint64_t)b->base_offset + (uint64_t)(int64_t)offset);
	r->timestamp = batch_timestamp(b, timestamp);
	*records = slice_make(stop, (size_t)(end - stop));
	return true;
}

static inline int
batch_next(const struct batch *b, struct slice *records, struct batch_record *r)
{
	struct slice left = *records;
	struct batch_record any;
	int got;

	if (batch_next_plain(b, records, r))
		return 1;
	/* Copies: what is not pointed to can be in registers. */
	got = batch_next_any(b, &left, &any);
	*records = left;
	if (got == 1)
		*r = any;
	return got;
}

/*
 * Builds one uncompressed batch; base offset 0, no sequence. batch_begin()
 * sets no producer; what is of a transaction sets the three before the end.
 */
struct batch_builder {
	struct buf out;
	int64_t base_timestamp, max_timestamp;
	int32_t count;
	int16_t attributes;     /* 0 */
	int64_t producer_id;    /* -1 */
	int16_t producer_epoch; /* -1 */
};
void batch_begin(struct batch_builder *bb);
void batch_add(struct batch_builder *bb, int64_t timestamp, struct slice key,
	struct slice value);
/* Fills in the header. The bytes stay in bb->out, to be appended and released. */
void batch_finish(struct batch_builder *bb);

#endif
