/*
 * envelope_kcat.c - the lines of kcat -J (1.7), for archives and scripts:
 *
 *	{"topic":"t","partition":0,"offset":0,"tstype":"create","ts":1,
 *	 "broker":1,"headers":["a","1","n",null],"key":null,"payload":"x"}
 *
 * tstype is create, logappend or unknown; headers are names and values in
 * turn, and absent when there are none. kcat writes bytes that are not UTF-8
 * as they are, which is no JSON: such a line is refused, not guessed at.
 */
#include "model/envelope.h"

#include "base/utf8.h"
#include "model/members.h"

static bool
read_tstype(struct line *l, const char *name)
{
	const uint8_t *at = l->s.p;
	struct slice text;

	if (!line_text(l, name, &text))
		return false;
	if (slice_eq_str(text, "create"))
		l->r->timestamp_type = TIMESTAMP_CREATE;
	else if (slice_eq_str(text, "logappend"))
		l->r->timestamp_type = TIMESTAMP_APPEND;
	else if (!slice_eq_str(text, "unknown"))
		return line_fail(l, at, "tstype must be create, logappend or unknown");
	return true;
}

/* -1 is kcat's "none". */
static bool
read_ts(struct line *l, const char *name)
{
	if (!line_int(l, name, -1, INT64_MAX, &l->r->timestamp))
		return false;
	l->r->has_timestamp = l->r->timestamp >= 0;
	return true;
}

static bool
read_broker(struct line *l, const char *name)
{
	int64_t ignored;

	return line_int(l, name, -1, INT32_MAX, &ignored);
}

static bool
read_headers(struct line *l, const char *name)
{
	struct scan *s = &l->s;

	if (!scan_accept(s, '['))
		return line_fail(l, s->p, "%s must be an array of names and "
			"values in turn", name);
	if (scan_accept(s, ']'))
		return true;
	l->in_header = true;
	do {
		struct record_header *h = line_header(l);

		if (scan_peek(s) != '"')
			return line_fail(l, s->p, "the name must be a string");
		if (!line_text(l, "the name", &h->key))
			return false;
		if (!scan_accept(s, ','))
			return line_fail(l, s->p, "has no value");
		if (!scan_peek(s))
			return scan_fail(s, s->p, "the line ends too early");
		if (!line_text_or_null(l, "the value", &h->value))
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
read_key(struct line *l, const char *name)
{
	return line_text_or_null(l, name, &l->r->key);
}

static bool
read_payload(struct line *l, const char *name)
{
	return line_text_or_null(l, name, &l->r->value);
}

enum { ROW_PAYLOAD = 8 };

static const struct member rows[] = {
	MEMBER("topic", line_topic),
	MEMBER("partition", line_partition),
	MEMBER("offset", line_offset),
	MEMBER("tstype", read_tstype),
	MEMBER("ts", read_ts),
	MEMBER("broker", read_broker),
	MEMBER("headers", read_headers),
	MEMBER("key", read_key),
	[ROW_PAYLOAD] = MEMBER("payload", read_payload),
};

static const char *
hint(struct slice name)
{
	if (slice_eq_str(name, "value") || slice_eq_str(name, "timestamp"))
		return "this is no line of kcat -J; leave out --from kcat";
	if (slice_eq_str(name, "key_schema_id") ||
	    slice_eq_str(name, "value_schema_id"))
		return "kcat -s decoded this record, its bytes are gone";
	return NULL;
}

static const struct member_table table = {
	rows, sizeof(rows) / sizeof(*rows), hint
};

static bool
read_record(struct line *l)
{
	struct scan *s = &l->s;
	const uint8_t *at;
	uint32_t seen;

	if (scan_peek(s) != '{')
		return line_fail(l, s->p, s->p == s->end ? "the line is empty" :
			"not a JSON object");
	at = s->p;
	if (!line_object(l, &table, &seen))
		return false;
	if (l->r->timestamp_type == TIMESTAMP_NONE)
		l->r->has_timestamp = false;
	return seen & 1u << ROW_PAYLOAD || line_fail(l, at,
		"no payload (a tombstone is \"payload\":null)");
}

int
envelope_read_kcat(struct envelope_reader *rd, struct slice text,
	struct record *r, struct err *e)
{
	struct line l = line_init(rd, text, r, e);

	return line_end(&l, read_record(&l));
}

static int
check_text(struct slice s, const char *what, struct err *e)
{
	if (utf8_is_valid(s.data, s.len))
		return 0;
	return err_set(e, ERR_FORMAT, "%s is not UTF-8, which the form of kcat "
		"-J cannot hold (use the default form)", what);
}

static int
check(const struct record *r, struct err *e)
{
	if (check_text(r->key, "the key", e) || check_text(r->value, "the value", e))
		return -1;
	for (size_t i = 0; i < r->headers_n; i++)
		if (check_text(r->headers[i].key, "a header's name", e) ||
		    check_text(r->headers[i].value, "a header's value", e))
			return -1;
	return 0;
}

static void
put_text(struct buf *out, struct slice s)
{
	if (slice_is_null(s))
		buf_addstr(out, "null");
	else
		envelope_put_string(out, s);
}

int
envelope_write_kcat(struct buf *out, const struct record *r, struct err *e)
{
	static const char *const types[] = {
		[TIMESTAMP_NONE] = "unknown", [TIMESTAMP_CREATE] = "create",
		[TIMESTAMP_APPEND] = "logappend"
	};

	if (check(r, e))
		return -1;
	buf_addstr(out, "{\"topic\":");
	put_text(out, r->topic);
	buf_addf(out, ",\"partition\":%d,\"offset\":%lld,\"tstype\":\"%s\",\"ts\":%lld",
		(int)r->partition, (long long)r->offset,
		types[r->timestamp_type],
		(long long)(r->has_timestamp ? r->timestamp : -1));
	for (size_t i = 0; i < r->headers_n; i++) {
		buf_addstr(out, i ? "," : ",\"headers\":[");
		put_text(out, r->headers[i].key);
		buf_addc(out, ',');
		put_text(out, r->headers[i].value);
	}
	buf_addstr(out, r->headers_n ? "],\"key\":" : ",\"key\":");
	put_text(out, r->key);
	buf_addstr(out, ",\"payload\":");
	put_text(out, r->value);
	buf_addstr(out, "}\n");
	return 0;
}
