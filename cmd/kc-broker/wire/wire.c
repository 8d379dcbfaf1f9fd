#include "wire/wire.h"

#include <stdlib.h>

#include "base/be.h"
#include "base/utf8.h"
#include "base/varint.h"
#include "base/xalloc.h"

/* Kafka refuses longer strings even where the length prefix allows them. */
enum { STRING_MAX = INT16_MAX };

/* ---- reading ---------------------------------------------------------- */

void
wire_reader_init(struct wire_reader *r, struct slice in, struct arena *a)
{
	r->p = in.data;
	r->end = in.len ? r->p + in.len : r->p;
	r->arena = a;
	r->bad = false;
}

static size_t
left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->p);
}

/* The next n bytes, or NULL once bad. */
static const uint8_t *
take(struct wire_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || left(r) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

bool
wire_get_bool(struct wire_reader *r)
{
	return wire_get_int8(r) != 0;
}

int8_t
wire_get_int8(struct wire_reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? (int8_t)*p : 0;
}

int16_t
wire_get_int16(struct wire_reader *r)
{
	return (int16_t)wire_get_uint16(r);
}

uint16_t
wire_get_uint16(struct wire_reader *r)
{
	const uint8_t *p = take(r, 2);

	return p ? be16_get(p) : 0;
}

int32_t
wire_get_int32(struct wire_reader *r)
{
	return (int32_t)wire_get_uint32(r);
}

uint32_t
wire_get_uint32(struct wire_reader *r)
{
	const uint8_t *p = take(r, 4);

	return p ? be32_get(p) : 0;
}

int64_t
wire_get_int64(struct wire_reader *r)
{
	const uint8_t *p = take(r, 8);

	return p ? (int64_t)be64_get(p) : 0;
}

double
wire_get_float64(struct wire_reader *r)
{
	int64_t bits = wire_get_int64(r);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

struct uuid
wire_get_uuid(struct wire_reader *r)
{
	const uint8_t *p = take(r, 16);
	struct uuid u = { { 0 } };

	if (p)
		memcpy(u.b, p, sizeof(u.b));
	return u;
}

uint32_t
wire_get_uvarint(struct wire_reader *r)
{
	uint32_t v = 0;
	size_t used = 0;

	if (!r->bad)
		used = uvarint_get(r->p, left(r), &v);
	if (!used) {
		r->bad = true;
		return 0;
	}
	r->p += used;
	return v;
}

/* A length or count as written: -1 for null, lower or over 2^31-1 is bad. */
static int32_t
get_length(struct wire_reader *r, int prefix, bool nullable)
{
	int64_t n;

	if (prefix == 0)
		n = (int64_t)wire_get_uvarint(r) - 1;
	else if (prefix == 2)
		n = wire_get_int16(r);
	else
		n = wire_get_int32(r);
	if (r->bad || n > INT32_MAX || n < (nullable ? -1 : 0)) {
		r->bad = true;
		return -1;
	}
	return (int32_t)n;
}

/* What follows a length: the bytes, null for -1, empty once bad. */
static struct slice
get_slice(struct wire_reader *r, int32_t n)
{
	const uint8_t *p;

	if (r->bad)
		return slice_make("", 0);
	if (n < 0)
		return SLICE_NULL;
	p = take(r, (size_t)n);
	return p ? slice_make(p, (size_t)n) : slice_make("", 0);
}

struct slice
wire_get_string(struct wire_reader *r, bool flexible, bool nullable)
{
	struct slice s = get_slice(r, get_length(r, flexible ? 0 : 2, nullable));

	if (s.len > STRING_MAX || !utf8_is_valid(s.data, s.len)) {
		r->bad = true;
		return slice_make("", 0);
	}
	return s;
}

struct slice
wire_get_bytes(struct wire_reader *r, bool flexible, bool nullable)
{
	return get_slice(r, get_length(r, flexible ? 0 : 4, nullable));
}

int32_t
wire_get_count(struct wire_reader *r, bool flexible, bool nullable, size_t min_item)
{
	int32_t n = get_length(r, flexible ? 0 : 4, nullable);

	if (!r->bad && n > 0 && (size_t)n > left(r) / min_item)
		r->bad = true;
	return r->bad ? 0 : n;
}

bool
wire_get_tag(struct wire_reader *r, uint32_t *tag, struct wire_reader *field)
{
	uint32_t size;
	const uint8_t *p;

	*tag = wire_get_uvarint(r);
	size = wire_get_uvarint(r);
	p = take(r, size);
	if (p)
		wire_reader_init(field, slice_make(p, size), r->arena);
	return p;
}

void
wire_end_tag(struct wire_reader *r, const struct wire_reader *field)
{
	if (field->bad || field->p != field->end)
		r->bad = true;
}

void
wire_skip_tags(struct wire_reader *r)
{
	struct wire_reader field;
	uint32_t tag;

	for (uint32_t n = wire_get_uvarint(r); n; n--)
		if (!wire_get_tag(r, &tag, &field))
			return;
}

/* ---- writing ---------------------------------------------------------- */

void
wire_writer_clear(struct wire_writer *w)
{
	for (int i = 0; i < w->gaps_n; i++) {
		struct wire_file *f = w->gaps[i].file;

		if (!--f->refs && f->release)
			f->release(f);
	}
	w->gaps_n = 0;
	buf_clear(&w->out);
	w->bad = false;
}

void
wire_writer_release(struct wire_writer *w)
{
	wire_writer_clear(w);
	free(w->gaps);
	buf_release(&w->out);
	*w = (struct wire_writer){ .out = BUF_INIT };
}

size_t
wire_writer_size(const struct wire_writer *w)
{
	size_t n = w->out.len;

	for (int i = 0; i < w->gaps_n; i++)
		n += w->gaps[i].len;
	return n;
}

/* Room for the next n bytes, which the caller fills; NULL once bad. */
static uint8_t *
room(struct wire_writer *w, size_t n)
{
	uint8_t *p;

	if (w->bad)
		return NULL;
	p = buf_reserve(&w->out, n);
	w->out.len += n;
	return p;
}

static void
put(struct wire_writer *w, const void *data, size_t n)
{
	if (!w->bad)
		buf_add(&w->out, data, n);
}

void
wire_put_bool(struct wire_writer *w, bool v)
{
	wire_put_int8(w, v);
}

void
wire_put_int8(struct wire_writer *w, int8_t v)
{
	put(w, &v, 1);
}

void
wire_put_int16(struct wire_writer *w, int16_t v)
{
	wire_put_uint16(w, (uint16_t)v);
}

void
wire_put_uint16(struct wire_writer *w, uint16_t v)
{
	uint8_t *p = room(w, 2);

	if (p)
		be16_put(p, v);
}

void
wire_put_int32(struct wire_writer *w, int32_t v)
{
	wire_put_uint32(w, (uint32_t)v);
}

void
wire_put_uint32(struct wire_writer *w, uint32_t v)
{
	uint8_t *p = room(w, 4);

	if (p)
		be32_put(p, v);
}

void
wire_put_int64(struct wire_writer *w, int64_t v)
{
	uint8_t *p = room(w, 8);

	if (p)
		be64_put(p, (uint64_t)v);
}

void
wire_put_float64(struct wire_writer *w, double v)
{
	int64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	wire_put_int64(w, bits);
}

void
wire_put_uuid(struct wire_writer *w, const struct uuid *u)
{
	put(w, u->b, sizeof(u->b));
}

void
wire_put_uvarint(struct wire_writer *w, uint32_t v)
{
	if (!w->bad)
		w->out.len += uvarlong_put(buf_reserve(&w->out, VARLONG_MAX), v);
}

/* n -1 = null. Marks w bad when that is not allowed or n does not fit. */
static void
put_length(struct wire_writer *w, int prefix, bool nullable, size_t n, bool null)
{
	if ((null && !nullable) || n > (size_t)(prefix == 2 ? INT16_MAX : INT32_MAX)) {
		w->bad = true;
		return;
	}
	if (prefix == 0)
		wire_put_uvarint(w, null ? 0 : (uint32_t)n + 1);
	else if (prefix == 2)
		wire_put_int16(w, null ? -1 : (int16_t)n);
	else
		wire_put_int32(w, null ? -1 : (int32_t)n);
}

void
wire_put_string(struct wire_writer *w, bool flexible, bool nullable, struct slice s)
{
	if (s.len > STRING_MAX)
		w->bad = true;
	put_length(w, flexible ? 0 : 2, nullable, s.len, !s.data);
	put(w, s.data, s.len);
}

void
wire_put_bytes(struct wire_writer *w, bool flexible, bool nullable, struct slice s)
{
	put_length(w, flexible ? 0 : 4, nullable, s.len, !s.data);
	put(w, s.data, s.len);
}

void
wire_put_records(struct wire_writer *w, bool flexible, const struct wire_records *v)
{
	if (!v->file) {
		wire_put_bytes(w, flexible, true, v->mem);
		return;
	}
	put_length(w, flexible ? 0 : 4, true, v->len, false);
	if (w->bad || !v->len)
		return;
	if (w->gaps_n == w->gaps_cap) {
		w->gaps_cap = w->gaps_cap ? 2 * w->gaps_cap : 8;
		w->gaps = xreallocarray(w->gaps, (size_t)w->gaps_cap,
			sizeof(*w->gaps));
	}
	v->file->refs++;
	w->gaps[w->gaps_n++] = (struct wire_gap){
		.at = w->out.len, .file = v->file, .pos = v->pos, .len = v->len,
	};
}

void
wire_put_count(struct wire_writer *w, bool flexible, bool nullable, int32_t n)
{
	if (n < -1)
		w->bad = true;
	put_length(w, flexible ? 0 : 4, nullable, n < 0 ? 0 : (size_t)n, n < 0);
}

size_t
wire_open_tag(struct wire_writer *w, uint32_t tag)
{
	wire_put_uvarint(w, tag);
	return w->out.len;
}

/* The size stands before bytes that are there already: they move up. */
void
wire_close_tag(struct wire_writer *w, size_t at)
{
	uint8_t head[VARLONG_MAX];
	size_t size, n;

	if (w->bad)
		return;
	size = w->out.len - at;
	if (size > INT32_MAX) {
		w->bad = true;
		return;
	}
	n = uvarlong_put(head, size);
	buf_reserve(&w->out, n);
	memmove(w->out.data + at + n, w->out.data + at, size);
	memcpy(w->out.data + at, head, n);
	w->out.len += n;
}
