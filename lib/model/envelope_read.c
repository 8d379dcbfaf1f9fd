/*
 * envelope_read.c - a line of kc-record(5) becomes a record: the table of
 * its members, and the values that only it has.
 */
#include "model/envelope.h"

#include <stdlib.h>

#include "base/base64.h"
#include "model/members.h"

/* {"base64":"..."}, at the text. */
static bool
base64_text(struct line *l, const char *name)
{
	struct buf *text = &l->rd->text;
	const uint8_t *at = l->s.p;
	struct slice coded;
	size_t len;

	if (!line_text(l, name, &coded))
		return false;
	len = text->len;
	if (base64_decode(text, coded.data, coded.len))
		return line_fail(l, at, "not base64 (standard alphabet, padded "
			"with '=', no blanks)");
	l->decoded = slice_make(text->data + len, text->len - len);
	return true;
}

static const struct member base64_rows[] = { MEMBER("base64", base64_text) };

static const char *
base64_hint(struct slice name)
{
	(void)name;
	return "bytes are null, \"text\" or {\"base64\":\"...\"}; "
		"a JSON value goes into the member json";
}

static const struct member_table base64_table = { base64_rows, 1, base64_hint };

/* B of kc-record(5): null, "text" or {"base64":"..."}. */
static bool
line_bytes(struct line *l, const char *name, struct slice *out)
{
	const uint8_t *at = l->s.p;
	uint32_t seen;

	*out = SLICE_NULL;
	if (*at == '"')
		return line_text(l, name, out);
	if (*at == '{') {
		if (!line_object(l, &base64_table, &seen))
			return false;
		if (!seen)
			return line_fail(l, at, "%s is an object without base64 "
				"(%s)", name, base64_hint(*out));
		*out = l->decoded;
		return true;
	}
	if (line_is_null(l))
		return true;
	return line_fail(l, at, "%s must be null, \"text\" or {\"base64\":\"...\"}%s",
		name, strcmp(name, "value") ? "" :
		" (a JSON value goes into the member json)");
}

static bool
read_key(struct line *l, const char *name)
{
	return line_bytes(l, name, &l->r->key);
}

static bool
read_value(struct line *l, const char *name)
{
	return line_bytes(l, name, &l->r->value);
}

static bool
read_json(struct line *l, const char *name)
{
	(void)name;
	return scan_value(&l->s, &l->r->value);
}

static bool
read_timestamp(struct line *l, const char *name)
{
	if (line_is_null(l))
		return true;
	l->r->has_timestamp = true;
	return line_int(l, name, INT64_MIN, INT64_MAX, &l->r->timestamp);
}

static bool
read_timestamp_type(struct line *l, const char *name)
{
	static const char *const types[] = {
		[TIMESTAMP_NONE] = "none", [TIMESTAMP_CREATE] = "create",
		[TIMESTAMP_APPEND] = "append"
	};
	const uint8_t *at = l->s.p;
	struct slice text;

	if (!line_text(l, name, &text))
		return false;
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (slice_eq_str(text, types[i])) {
			l->r->timestamp_type = (enum timestamp_type)i;
			return true;
		}
	return line_fail(l, at, "timestamp_type must be create, append or none");
}

static bool
read_header_key(struct line *l, const char *name)
{
	struct slice *key = &line_header(l)->key;
	const uint8_t *at = l->s.p;

	if (!line_bytes(l, name, key))
		return false;
	if (slice_is_null(*key))
		return line_fail(l, at, "key must not be null");
	return !memchr(key->data, 0, key->len) || line_fail(l, at,
		"key holds a NUL, which client libraries cannot send");
}

static bool
read_header_value(struct line *l, const char *name)
{
	return line_bytes(l, name, &line_header(l)->value);
}

static const struct member header_rows[] = {
	MEMBER("key", read_header_key),
	MEMBER("value", read_header_value),
};
static const struct member_table header_table = { header_rows, 2, NULL };

static bool
read_header(struct line *l)
{
	const uint8_t *at;
	uint32_t seen;

	if (scan_peek(&l->s) != '{')
		return line_fail(l, l->s.p, "must be {\"key\":...,\"value\":...}");
	at = l->s.p;
	if (!line_object(l, &header_table, &seen))
		return false;
	if (!(seen & 1))
		return line_fail(l, at, "has no key");
	return seen & 2 || line_fail(l, at,
		"has no value (without one it is \"value\":null)");
}

static bool
read_headers(struct line *l, const char *name)
{
	struct scan *s = &l->s;

	if (!scan_accept(s, '['))
		return line_fail(l, s->p, "%s must be an array of "
			"{\"key\":...,\"value\":...}", name);
	if (scan_accept(s, ']'))
		return true;
	l->in_header = true;
	do {
		if (!read_header(l))
			return false;
		l->headers_n++;
	} while (scan_accept(s, ','));
	l->in_header = false;
	if (!scan_accept(s, ']'))
		return scan_fail(s, s->p, "',' or ']' is missing");
	l->r->headers = l->rd->headers;
	l->r->headers_n = l->headers_n;
	return true;
}

static bool
read_src(struct line *l, const char *name)
{
	return line_text(l, name, &l->r->src);
}

static bool
read_error(struct line *l, const char *name)
{
	(void)name;
	return scan_value(&l->s, &l->r->error);
}

static bool
read_kc(struct line *l, const char *name)
{
	if (*l->s.p != '{')
		return line_fail(l, l->s.p, "%s must be an object", name);
	return scan_value(&l->s, &l->r->kc);
}

enum { ROW_VALUE = 6, ROW_JSON = 7 };

/* In the order of writing, which makes finding them fast. */
static const struct member rows[] = {
	MEMBER("topic", line_topic),
	MEMBER("partition", line_partition),
	MEMBER("offset", line_offset),
	MEMBER("timestamp", read_timestamp),
	MEMBER("timestamp_type", read_timestamp_type),
	MEMBER("key", read_key),
	[ROW_VALUE] = MEMBER("value", read_value),
	[ROW_JSON] = MEMBER("json", read_json),
	MEMBER("headers", read_headers),
	MEMBER("src", read_src),
	MEMBER("error", read_error),
	MEMBER("kc", read_kc),
};

static const char *
hint(struct slice name)
{
	if (slice_eq_str(name, "payload"))
		return "did you mean value, or --from kcat?";
	if (slice_eq_str(name, "ts"))
		return "did you mean timestamp, or --from kcat?";
	if (slice_eq_str(name, "tstype"))
		return "did you mean timestamp_type, or --from kcat?";
	return NULL;
}

static const struct member_table table = {
	rows, sizeof(rows) / sizeof(*rows), hint
};

static bool
read_record(struct line *l)
{
	struct scan *s = &l->s;
	uint32_t seen, both = 1u << ROW_VALUE | 1u << ROW_JSON;
	const uint8_t *at;

	if (scan_peek(s) != '{')
		return line_fail(l, s->p, s->p == s->end ?
			"the line is empty (plain lines are read with --raw)" :
			"not a JSON object (plain lines are read with --raw)");
	at = s->p;
	if (!line_object(l, &table, &seen))
		return false;
	if ((seen & both) == both)
		return line_fail(l, at, "both value and json are there "
			"(exactly one of them is the record's value)");
	l->rd->valueless = !(seen & both);
	return seen & both || l->rd->flags & ENVELOPE_NO_VALUE || line_fail(l, at,
		"no value and no json (a tombstone is \"value\":null)");
}

int
envelope_read(struct envelope_reader *rd, struct slice text, struct record *r,
	struct err *e)
{
	struct line l = line_init(rd, text, r, e);

	return line_end(&l, read_record(&l));
}

void
envelope_reader_release(struct envelope_reader *rd)
{
	buf_release(&rd->text);
	free(rd->headers);
	rd->headers = NULL;
	rd->headers_cap = 0;
}
