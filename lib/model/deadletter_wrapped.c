/*
 * Dead letters that tell nothing in headers: the key or the value is a
 * document of the error, with the record's own key or value inside.
 *
 * Uber kafka-client, the key, protobuf DLQMetadata: retry_count = 1,
 * topic = 2, partition = 3, offset = 4, timestamp_ns = 5 (of the record that
 * died), data = 6 (its key).
 *
 * bakdata kafka-error-handling, the value in a schema registry's frame (a zero
 * byte, four of the schema's id):
 * - Avro DeadLetter: input_value?, topic?, partition?, offset?, description,
 *   {error_class?, message?, stack_trace?}, and since 1.5 input_timestamp?
 * - protobuf ProtoDeadLetter: description = 1, cause = 2 {message = 1,
 *   stack_trace = 2, error_class = 3}, input_value = 3, topic = 4,
 *   partition = 5, offset = 6, input_timestamp = 7; each in a wrapper message
 *
 * There is no mark that says so: a document counts only when every byte of it
 * is understood and the topic has a topic's name.
 */
#include "model/deadletter_table.h"

#include "base/utf8.h"
#include "base/varint.h"

struct reader {
	const uint8_t *p, *end;
	bool bad; /* sticky */
};

static struct reader
reader_of(struct slice s)
{
	const uint8_t *p = s.data ? s.data : "";

	return (struct reader){ p, p + s.len, !s.data };
}

static bool
is_done(const struct reader *r)
{
	return r->bad || r->p == r->end;
}

static uint64_t
take_varint(struct reader *r)
{
	uint64_t v = 0;
	size_t n = r->bad ? 0 : uvarlong_get(r->p, (size_t)(r->end - r->p), &v);

	r->bad |= !n;
	r->p += n;
	return v;
}

static struct slice
take_bytes(struct reader *r, uint64_t n)
{
	struct slice s = slice_make(r->p, (size_t)n);

	if (r->bad || n > (uint64_t)(r->end - r->p)) {
		r->bad = true;
		return SLICE_NULL;
	}
	r->p += n;
	return s;
}

static bool
is_topic(struct slice s)
{
	const uint8_t *p = s.data;

	if (!s.len || s.len > 249)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
		    (p[i] >= '0' && p[i] <= '9') || p[i] == '.' || p[i] == '_' ||
		    p[i] == '-'))
			return false;
	return true;
}

/* ---- protobuf ------------------------------------------------------------------ */

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, PB_FIELDS = 8 };

struct pb {
	uint64_t number[PB_FIELDS];
	struct slice bytes[PB_FIELDS];
	unsigned seen; /* bits 1 << field */
};

/* All fields, each once, 1 to PB_FIELDS - 1; `texts` has a bit for those of bytes. */
static bool
pb_read(struct slice s, unsigned known, unsigned texts, struct pb *out)
{
	struct reader r = reader_of(s);

	*out = (struct pb){ 0 };
	while (!is_done(&r)) {
		uint64_t tag = take_varint(&r), field = tag >> 3;
		unsigned bit = field < PB_FIELDS ? 1u << field : 0;

		if (!(bit & known) || (out->seen & bit) ||
		    (tag & 7) != (bit & texts ? WIRE_BYTES : WIRE_VARINT))
			return false;
		out->seen |= bit;
		if (bit & texts)
			out->bytes[field] = take_bytes(&r, take_varint(&r));
		else
			out->number[field] = take_varint(&r);
	}
	return !r.bad;
}

/* google.protobuf.StringValue: the text is its field 1. */
static bool
pb_text(const struct pb *m, int field, struct slice *out)
{
	struct pb wrapper;

	if (!(m->seen & 1u << field))
		return true;
	if (!pb_read(m->bytes[field], 1u << 1, 1u << 1, &wrapper) ||
	    !utf8_is_valid(wrapper.bytes[1].data, wrapper.bytes[1].len))
		return false;
	*out = wrapper.bytes[1].data ? wrapper.bytes[1] : slice_str("");
	return true;
}

/* Int32Value, Int64Value. */
static bool
pb_number(const struct pb *m, int field, int64_t *out)
{
	struct pb wrapper;

	if (!(m->seen & 1u << field))
		return true;
	if (!pb_read(m->bytes[field], 1u << 1, 0, &wrapper))
		return false;
	*out = (int64_t)wrapper.number[1];
	return true;
}

static bool
unwrap_uber(const struct record *r, struct deadletter *d, struct deadletter_hop *h)
{
	struct pb m;

	if (!pb_read(r->key, 0x7e, 1u << 2 | 1u << 6, &m) || !is_topic(m.bytes[2]) ||
	    (m.seen & 0x30) != 0x30 || m.number[3] > INT32_MAX ||
	    m.number[4] > INT64_MAX || m.number[5] > INT64_MAX)
		return false;
	h->scheme = DEADLETTER_UBER;
	h->origin.topic = m.bytes[2];
	h->origin.partition = (int32_t)m.number[3];
	h->origin.offset = (int64_t)m.number[4];
	h->attempts = (int64_t)m.number[1];
	h->origin.has_timestamp = true;
	h->origin.timestamp = (int64_t)(m.number[5] / 1000000);
	d->key = m.bytes[6];
	return true;
}

/* google.protobuf.Timestamp: seconds = 1, nanos = 2. */
static bool
pb_timestamp(const struct pb *m, int field, struct deadletter_origin *o)
{
	struct pb t;

	if (!(m->seen & 1u << field))
		return true;
	if (!pb_read(m->bytes[field], 0x6, 0, &t) || t.number[1] > INT64_MAX / 1000 - 1)
		return false;
	o->has_timestamp = true;
	o->timestamp = (int64_t)(t.number[1] * 1000 + t.number[2] / 1000000);
	return true;
}

static bool
bakdata_proto(struct slice s, struct deadletter *d, struct deadletter_hop *h)
{
	struct pb m, cause;
	int64_t partition = -1, offset = -1;

	if (!pb_read(s, 0xfe, 0xfe, &m) || !pb_read(m.bytes[2].data ? m.bytes[2] :
	    slice_str(""), 0xe, 0xe, &cause) ||
	    !pb_text(&cause, 1, &h->error.message) ||
	    !pb_text(&cause, 2, &h->error.stack) ||
	    !pb_text(&cause, 3, &h->error.class) ||
	    !pb_text(&m, 3, &d->value) || !pb_text(&m, 4, &h->origin.topic) ||
	    !pb_number(&m, 5, &partition) || !pb_number(&m, 6, &offset) ||
	    !pb_timestamp(&m, 7, &h->origin))
		return false;
	h->error.stage = m.bytes[1];
	h->origin.partition = partition > INT32_MAX ? -1 : (int32_t)partition;
	h->origin.offset = offset;
	return true;
}

/* ---- Avro ---------------------------------------------------------------------- */

static int64_t
avro_long(struct reader *r)
{
	uint64_t v = take_varint(r);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* The branch of a union of null and something: true = something. */
static bool
avro_some(struct reader *r)
{
	uint64_t branch = take_varint(r);

	r->bad |= branch != 0 && branch != 2;
	return !r->bad && branch == 2;
}

static struct slice
avro_string(struct reader *r)
{
	int64_t n = avro_long(r);
	struct slice s;

	r->bad |= n < 0;
	s = take_bytes(r, (uint64_t)n);
	r->bad |= !utf8_is_valid(s.data, s.len);
	return s;
}

static struct slice
avro_string_or_null(struct reader *r)
{
	return avro_some(r) ? avro_string(r) : SLICE_NULL;
}

static bool
bakdata_avro(struct slice s, struct deadletter *d, struct deadletter_hop *h)
{
	struct reader r = reader_of(s);
	int64_t partition;

	d->value = avro_string_or_null(&r);
	h->origin.topic = avro_string_or_null(&r);
	partition = avro_some(&r) ? avro_long(&r) : -1;
	h->origin.partition = partition < -1 || partition > INT32_MAX ? -1 : (int32_t)partition;
	h->origin.offset = avro_some(&r) ? avro_long(&r) : -1;
	h->error.stage = avro_string(&r);
	h->error.class = avro_string_or_null(&r);
	h->error.message = avro_string_or_null(&r);
	h->error.stack = avro_string_or_null(&r);
	if (!is_done(&r) && avro_some(&r)) {
		h->origin.has_timestamp = true;
		h->origin.timestamp = avro_long(&r);
	}
	return !r.bad && r.p == r.end;
}

static bool
unwrap_bakdata(const struct record *r, struct deadletter *d, struct deadletter_hop *h)
{
	const struct deadletter_hop none = *h;
	const uint8_t *p = r->value.data;
	struct slice body;

	if (r->value.len < 6 || p[0])
		return false;
	body = slice_make(p + 5, r->value.len - 5);
	if (!bakdata_avro(body, d, h) || !is_topic(h->origin.topic)) {
		*h = none;
		d->value = SLICE_NULL;
		/* The message's index in its schema: the first is one zero byte. */
		if (p[5] || !bakdata_proto(slice_make(p + 6, r->value.len - 6), d, h) ||
		    !is_topic(h->origin.topic)) {
			d->value = r->value;
			*h = none;
			return false;
		}
	}
	h->scheme = DEADLETTER_BAKDATA;
	return true;
}

bool
death_unwrap(const struct record *r, struct deadletter *d, struct deadletter_hop *h)
{
	return unwrap_uber(r, d, h) || unwrap_bakdata(r, d, h);
}
