#include "store/batch.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/varint.h"

enum { CRC_AT = 17 };

void
batch_decode(const uint8_t *p, struct batch *b)
{
	b->base_offset = (int64_t)be64_get(p);
	b->size = (int32_t)(be32_get(p + 8) + BATCH_LENGTH_AT);
	b->leader_epoch = (int32_t)be32_get(p + 12);
	b->magic = (int8_t)p[16];
	b->crc = be32_get(p + CRC_AT);
	b->attributes = (int16_t)be16_get(p + 21);
	b->last_offset_delta = (int32_t)be32_get(p + 23);
	b->base_timestamp = (int64_t)be64_get(p + 27);
	b->max_timestamp = (int64_t)be64_get(p + 35);
	b->producer_id = (int64_t)be64_get(p + 43);
	b->producer_epoch = (int16_t)be16_get(p + 51);
	b->base_sequence = (int32_t)be32_get(p + 53);
	b->count = (int32_t)be32_get(p + 57);
}

bool
batch_crc_ok(const uint8_t *p, const struct batch *b)
{
	return b->size >= BATCH_HEADER && b->crc ==
		crc32c(0, p + BATCH_CRC_FROM, (size_t)b->size - BATCH_CRC_FROM);
}

void
batch_seal(uint8_t *p, size_t size)
{
	be32_put(p + 8, (uint32_t)(size - BATCH_LENGTH_AT));
	be32_put(p + CRC_AT, crc32c(0, p + BATCH_CRC_FROM, size - BATCH_CRC_FROM));
}

int
batch_open(const uint8_t *p, const struct batch *b, size_t max, struct buf *tmp,
	struct slice *records, struct err *e)
{
	enum codec codec = b->attributes & BATCH_CODEC_MASK;
	struct slice in = slice_make(p + BATCH_HEADER, (size_t)b->size - BATCH_HEADER);

	if (codec == CODEC_NONE) {
		*records = in;
		return 0;
	}
	buf_clear(tmp);
	if (codec_unpack(codec, in, max, tmp, e) < 0)
		return -1;
	*records = buf_slice(tmp);
	return 0;
}

/* ---- records ------------------------------------------------------------ */

/* A cursor over one record; every getter is false when the bytes run out. */
struct cursor {
	const uint8_t *p, *end;
};

static inline bool
get_int(struct cursor *c, int32_t *v)
{
	size_t n = varint_get(c->p, (size_t)(c->end - c->p), v);

	c->p += n;
	return n;
}

static inline bool
get_long(struct cursor *c, int64_t *v)
{
	size_t n = varlong_get(c->p, (size_t)(c->end - c->p), v);

	c->p += n;
	return n;
}

/* Length -1 is null. */
static inline bool
get_bytes(struct cursor *c, struct slice *s)
{
	int32_t n = -1;

	if (!get_int(c, &n) || n < -1 || n > c->end - c->p)
		return false;
	*s = n < 0 ? SLICE_NULL : slice_make(c->p, (size_t)n);
	c->p += n < 0 ? 0 : n;
	return true;
}

static bool
skip_headers(struct cursor *c, int32_t n)
{
	struct slice key, value;

	for (; n > 0; n--)
		if (!get_bytes(c, &key) || !key.data || !get_bytes(c, &value))
			return false;
	return true;
}

int
batch_next_any(const struct batch *b, struct slice *records, struct batch_record *r)
{
	const uint8_t *start = records->data;
	struct cursor c = { start, start + records->len };
	int64_t timestamp_delta;
	int32_t len = 0, offset_delta = 0;

	if (!records->len)
		return 0;
	if (!get_int(&c, &len) || len < 1 || len > c.end - c.p)
		return -1;
	c.end = c.p + len;
	c.p++; /* attributes: none are defined */
	if (!get_long(&c, &timestamp_delta) || !get_int(&c, &offset_delta) ||
	    !get_bytes(&c, &r->key) || !get_bytes(&c, &r->value) ||
	    !get_int(&c, &r->headers_n) || r->headers_n < 0)
		return -1;
	r->raw_headers = slice_make(c.p, (size_t)(c.end - c.p));
	if (!skip_headers(&c, r->headers_n) || c.p != c.end)
		return -1;
	r->offset = (int64_t)((uint64_t)b->base_offset + (uint64_t)(int64_t)offset_delta);
	r->timestamp = batch_timestamp(b, timestamp_delta);
	*records = slice_make(c.end, records->len - (size_t)(c.end - start));
	return 1;
}

/* ---- our own batches ---------------------------------------------------- */

void
batch_begin(struct batch_builder *bb)
{
	*bb = (struct batch_builder){ .max_timestamp = -1, .producer_id = -1,
		.producer_epoch = -1 };
	memset(buf_reserve(&bb->out, BATCH_HEADER), 0, BATCH_HEADER);
	bb->out.len = BATCH_HEADER;
}

static void
add_bytes(struct buf *out, struct slice s)
{
	uint8_t *p = buf_reserve(out, VARLONG_MAX);

	out->len += varlong_put(p, s.data ? (int64_t)s.len : -1);
	buf_addslice(out, s);
}

/* Bytes that a number takes as a zig-zag varint. */
static size_t
varlong_size(int64_t v)
{
	uint8_t tmp[VARLONG_MAX];

	return varlong_put(tmp, v);
}

static size_t
bytes_size(struct slice s)
{
	return s.data ? varlong_size((int64_t)s.len) + s.len : 1;
}

void
batch_add(struct batch_builder *bb, int64_t timestamp, struct slice key,
	struct slice value)
{
	int64_t delta;
	size_t len;
	uint8_t *p;

	if (!bb->count)
		bb->base_timestamp = timestamp;
	if (timestamp > bb->max_timestamp)
		bb->max_timestamp = timestamp;
	delta = timestamp - bb->base_timestamp;
	/* attributes, deltas, key, value, no headers */
	len = 1 + varlong_size(delta) + varlong_size(bb->count) +
		bytes_size(key) + bytes_size(value) + 1;
	p = buf_reserve(&bb->out, 4 * VARLONG_MAX);
	p += varlong_put(p, (int64_t)len);
	*p++ = 0;
	p += varlong_put(p, delta);
	p += varlong_put(p, bb->count);
	bb->out.len = (size_t)(p - bb->out.data);
	add_bytes(&bb->out, key);
	add_bytes(&bb->out, value);
	buf_addc(&bb->out, 0);
	bb->count++;
}

void
batch_finish(struct batch_builder *bb)
{
	uint8_t *p = bb->out.data;

	p[16] = 2;
	be16_put(p + 21, (uint16_t)bb->attributes);
	be32_put(p + 23, (uint32_t)(bb->count - 1));
	be64_put(p + 27, (uint64_t)bb->base_timestamp);
	be64_put(p + 35, (uint64_t)bb->max_timestamp);
	be64_put(p + 43, (uint64_t)bb->producer_id);
	be16_put(p + 51, (uint16_t)bb->producer_epoch);
	be32_put(p + 53, UINT32_MAX);
	be32_put(p + 57, (uint32_t)bb->count);
	batch_seal(p, bb->out.len);
}
