/* The envelope: generated records survive, bad lines are refused in words. */
#include "model/envelope.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "tap.h"

/* xorshift: the same records in every run. */
static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t
roll(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static bool
same_record(const struct record *a, const struct record *b)
{
	if (!slice_eq(a->topic, b->topic) || a->partition != b->partition ||
	    a->offset != b->offset || a->has_timestamp != b->has_timestamp ||
	    (a->has_timestamp && a->timestamp != b->timestamp) ||
	    a->timestamp_type != b->timestamp_type ||
	    !slice_eq(a->key, b->key) || !slice_eq(a->value, b->value) ||
	    a->headers_n != b->headers_n || !slice_eq(a->src, b->src) ||
	    !slice_eq(a->error, b->error) || !slice_eq(a->kc, b->kc))
		return false;
	for (size_t i = 0; i < a->headers_n; i++)
		if (!slice_eq(a->headers[i].key, b->headers[i].key) ||
		    !slice_eq(a->headers[i].value, b->headers[i].value))
			return false;
	return true;
}

/* read(write(r)) == r, and write(read(line)) == line. */
static bool
round_trip(const struct record *r, unsigned flags)
{
	static struct envelope_reader rd;
	struct buf line = BUF_INIT, again = BUF_INIT;
	struct record back;
	struct err e = ERR_INIT;
	bool ok;

	envelope_write(&line, r, flags);
	ok = line.data[line.len - 1] == '\n' &&
		memchr(line.data, '\n', line.len) == line.data + line.len - 1 &&
		utf8_is_valid(line.data, line.len) &&
		!envelope_read(&rd, slice_make(line.data, line.len - 1), &back, &e) &&
		same_record(r, &back);
	if (ok) {
		envelope_write(&again, &back, flags);
		ok = slice_eq(buf_slice(&line), buf_slice(&again));
	}
	if (!ok)
		printf("# %s: %.*s\n", e.msg, line.len > 2000 ? 2000 :
			(int)line.len, (const char *)line.data);
	buf_release(&line);
	buf_release(&again);
	return ok;
}

static void
put_code_point(struct buf *b, uint32_t code)
{
	if (code >= 0xd800 && code < 0xe000)
		code = '?';
	b->len += utf8_put(buf_reserve(b, 4), code);
}

/* null, empty, text of every plane, JSON, control characters, any bytes. */
static struct slice
generate_bytes(struct buf *b, bool null_too)
{
	size_t n = roll(roll(20) ? 40 : 5000);

	buf_clear(b);
	switch (roll(null_too ? 8 : 7)) {
	case 0:
		break;
	case 1:
		while (n--)
			buf_addc(b, (char)roll(256));
		break;
	case 2:
		while (n--)
			put_code_point(b, (uint32_t)(1 + roll(0x10ffff)));
		break;
	case 3:
		while (n--)
			buf_addc(b, (char)(1 + roll(0x7f)));
		break;
	case 4:
		while (n--)
			buf_addc(b, "\"\\\n\r\t\b\f\x01\x1f /abc"[roll(14)]);
		break;
	case 5:
		buf_addstr(b, "{\"a\":[1.10,9007199254740993,\"\\u0000\"],\"a\":");
		buf_addint(b, (int64_t)roll(1000));
		buf_addstr(b, roll(4) ? "}" : "");
		buf_addstr(b, roll(4) ? "" : " ");
		break;
	case 6:
		/* Text with one bad byte somewhere. */
		while (n--)
			buf_addc(b, (char)('a' + roll(26)));
		if (b->len)
			b->data[roll(b->len)] = (uint8_t)(roll(2) ? 0 : 0x80 + roll(128));
		break;
	default:
		return SLICE_NULL;
	}
	return buf_slice(b);
}

static void
generate_timestamp(struct record *r)
{
	static const int64_t limits[] = {
		0, 1, -1, INT64_MAX, INT64_MIN, INT32_MAX, 1795332687352,
		9007199254740993
	};

	r->has_timestamp = roll(8);
	r->timestamp = r->has_timestamp ? limits[roll(8)] : 0;
	r->timestamp_type = (enum timestamp_type)roll(3);
}

static void
generated_records_survive(void)
{
	enum { HEADERS = 5 };
	struct buf b[2 * HEADERS + 2] = { 0 };

	for (int i = 0; i < 20000; i++) {
		struct record_header h[HEADERS];
		struct record r = {
			.topic = roll(10) ? slice_str("orders") : SLICE_NULL,
			.partition = roll(10) ? (int32_t)roll(INT32_MAX) : -1,
			.offset = roll(10) ? (int64_t)(roll(UINT64_MAX) >> 1) : -1,
			.headers = h, .headers_n = roll(HEADERS + 1),
		};

		generate_timestamp(&r);
		r.key = generate_bytes(&b[0], true);
		r.value = generate_bytes(&b[1], true);
		for (size_t k = 0; k < r.headers_n; k++) {
			h[k].key = roll(2) ? slice_str("trace") :
				generate_bytes(&b[2 + 2 * k], false);
			if (h[k].key.len && memchr(h[k].key.data, 0, h[k].key.len))
				h[k].key = slice_str("again");
			h[k].value = generate_bytes(&b[3 + 2 * k], true);
		}
		if (!roll(5)) {
			r.src = slice_str("orders/3/17");
			r.error = slice_str(roll(2) ? "\"why\"" : "{\"code\":1}");
			r.kc = slice_str("{\"attempt\": 2}");
		}
		if (!CHECK(round_trip(&r, roll(2) ? ENVELOPE_JSON_VALUES : 0)))
			break;
	}
	for (size_t i = 0; i < sizeof(b) / sizeof(*b); i++)
		buf_release(&b[i]);
}

static void
every_code_point_survives(void)
{
	struct buf b = BUF_INIT;

	for (uint32_t code = 0; code < 0x110000; code += 0x1000) {
		struct record r = { .partition = -1, .offset = -1 };

		buf_clear(&b);
		for (uint32_t i = 0; i < 0x1000; i++)
			put_code_point(&b, code + i);
		r.value = buf_slice(&b);
		CHECK(round_trip(&r, 0));
	}
	buf_release(&b);
}

static void
megabytes_survive(void)
{
	enum { SIZE = 1 << 20 };
	struct record r = { .partition = -1, .offset = -1 };
	uint8_t *p = xmalloc(SIZE);

	for (int kind = 0; kind < 3; kind++) {
		for (size_t i = 0; i < SIZE; i++)
			p[i] = (uint8_t)(kind == 0 ? 'a' + i % 26 :
				kind == 1 ? 1 : roll(256));
		r.value = slice_make(p, SIZE);
		CHECK(round_trip(&r, 0));
	}
	free(p);
}

/* Each is a value that must be there byte for byte as `json`. */
static void
json_values_are_spliced(void)
{
	static const char *const values[] = {
		"1.10", "9007199254740993", "\"\\u0000\"", "null", "true",
		"{\"a\":1,\"a\":2}", "[ 1 ,\t2 ]", "\"\\ud83d\\ude00\"", "-0.0e+1",
		"{\"a\":\r1}", "[]", "{}", "\"\xc3\xa9\"",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct record r = { .partition = -1, .offset = -1,
			.value = slice_str(values[i]) };
		struct buf line = BUF_INIT, want = BUF_INIT;

		buf_addf(&want, "\"key\":null,\"json\":%s,\"headers\":[]}\n",
			values[i]);
		envelope_write(&line, &r, ENVELOPE_JSON_VALUES);
		CHECK(strstr(buf_cstr(&line), buf_cstr(&want)) != NULL);
		CHECK(round_trip(&r, ENVELOPE_JSON_VALUES));
		buf_release(&line);
		buf_release(&want);
	}
}

/* These would not survive as `json`, or are none. */
static void
other_values_stay_values(void)
{
	static const char *const values[] = {
		" 1", "1 ", "[1,\n2]", "", "01", "1.", "+1", "nul", "{\"a\"}",
		"[1,]", "{,}", "\"\\ud800\"", "\"a\tb\"", "1 2", "'a'", "NaN",
		"\"\xff\"", "{\"a\":1", "\xef\xbb\xbf[]", "[1}", "\"\\x\"",
	};
	struct buf deep = BUF_INIT;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct record r = { .partition = -1, .offset = -1,
			.value = slice_str(values[i]) };
		struct buf line = BUF_INIT;

		envelope_write(&line, &r, ENVELOPE_JSON_VALUES);
		CHECK(!strstr(buf_cstr(&line), "\"json\":"));
		CHECK(round_trip(&r, ENVELOPE_JSON_VALUES));
		buf_release(&line);
	}
	CHECK(envelope_is_json(slice_str(" [1,\n2] ")));
	CHECK(!envelope_is_json(SLICE_NULL));
	for (int i = 0; i < 255; i++)
		buf_addc(&deep, '[');
	for (int i = 0; i < 255; i++)
		buf_addc(&deep, ']');
	CHECK(envelope_is_json(buf_slice(&deep)));
	buf_clear(&deep);
	for (int i = 0; i < 100000; i++)
		buf_addc(&deep, '[');
	CHECK(!envelope_is_json(buf_slice(&deep)));
	buf_release(&deep);
}

static void
line_is_canonical(void)
{
	static const struct record_header h[] = {
		{ { "a", 1 }, { "1", 1 } }, { { "a", 1 }, { NULL, 0 } },
		{ { "\xff", 1 }, { "\x00", 1 } },
	};
	struct record r = {
		.topic = slice_str("orders"), .partition = 0, .offset = 5,
		.has_timestamp = true, .timestamp = 1795332687352,
		.timestamp_type = TIMESTAMP_CREATE, .key = slice_str(""),
		.value = slice_str("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9"),
		.headers = h, .headers_n = 3,
	};
	struct buf line = BUF_INIT;

	envelope_write(&line, &r, ENVELOPE_SRC);
	CHECK_STR(buf_cstr(&line), "{\"topic\":\"orders\",\"partition\":0,"
		"\"offset\":5,\"timestamp\":1795332687352,\"timestamp_type\":"
		"\"create\",\"key\":\"\",\"value\":\"a\\\"\\\\/\\b\\f\\n\\r\\t"
		"\\u0001\\u001f\x7f\xc3\xa9\",\"headers\":[{\"key\":\"a\","
		"\"value\":\"1\"},{\"key\":\"a\",\"value\":null},{\"key\":"
		"{\"base64\":\"/w==\"},\"value\":{\"base64\":\"AA==\"}}],"
		"\"src\":\"orders/0/5\"}\n");
	buf_release(&line);
}

static void
freer_lines_are_read(void)
{
	static struct envelope_reader rd;
	struct record r;
	struct err e = ERR_INIT;

	CHECK_INT(envelope_read(&rd, slice_str(" { \"headers\" : [ { \"value\" : "
		"null , \"\\u006bey\":\"\\u00e9\" } ] ,\"json\": [ 1, 2 ] , "
		"\"timestamp\" : null,\"topic\":\"a\\u0062\"} \r"), &r, &e), 0);
	CHECK(slice_eq_str(r.value, "[ 1, 2 ]"));
	CHECK(slice_eq_str(r.topic, "ab"));
	CHECK(!r.has_timestamp && r.partition == -1 && slice_is_null(r.key));
	CHECK_INT(r.headers_n, 1);
	CHECK(slice_eq_str(r.headers[0].key, "\xc3\xa9"));
	CHECK(slice_is_null(r.headers[0].value));
	CHECK_INT(envelope_read(&rd, slice_str("{\"value\":\"\\ud83d\\ude00\\/"
		"\\u0000\",\"key\":{\"base64\":\"\\/wD+\"}}"), &r, &e), 0);
	CHECK(slice_eq(r.value, slice_make("\xf0\x9f\x98\x80/", 6)));
	CHECK(slice_eq(r.key, slice_make("\xff\x00\xfe", 3)));
	rd.flags = ENVELOPE_IGNORE_UNKNOWN;
	CHECK_INT(envelope_read(&rd, slice_str("{\"x\":[{}],\"value\":\"\"}"),
		&r, &e), 0);
	CHECK(r.value.data && !r.value.len);
	envelope_reader_release(&rd);
}

static const struct {
	const char *line, *why;
} bad[] = {
	{ "", "byte 1: the line is empty" },
	{ "   ", "the line is empty" },
	{ "hello", "byte 1: not a JSON object (plain lines are read with --raw)" },
	{ "[1]", "not a JSON object" },
	{ "{", "byte 2: the line ends too early" },
	{ "{\"value\"", "':' is missing" },
	{ "{\"value\":", "the line ends too early" },
	{ "{\"value\":\"a\"", "the line ends too early" },
	{ "{\"value\":\"a", "byte 10: the string has no closing quote" },
	{ "{\"value\":\"a\" \"key\":null}", "',' or '}' is missing" },
	{ "{\"value\":\"a\",}", "the name of a member is missing" },
	{ "{\"value\":\"a\"} x", "byte 15: something follows the record" },
	{ "{\"value\":\"a\"}{}", "something follows the record" },
	{ "{}", "no value and no json (a tombstone is \"value\":null)" },
	{ "{\"key\":\"a\"}", "no value and no json" },
	{ "{\"value\":null,\"json\":null}", "both value and json" },
	{ "{\"value\":null,\"value\":null}", "byte 15: member 'value' is there twice" },
	{ "{\"payload\":\"a\"}",
	  "byte 2: unknown member 'payload' (did you mean value, or --from kcat?)" },
	{ "{\"ts\":1}", "did you mean timestamp, or --from kcat?" },
	{ "{\"vlaue\":\"a\"}", "unknown member 'vlaue' (did you mean value?)" },
	{ "{\"header\":[]}", "(did you mean headers?)" },
	{ "{\"colour\":1}", "unknown member 'colour' (to skip such members: "
	  "--ignore-unknown)" },
	{ "{\"value\":1}", "byte 10: value must be null, \"text\" or "
	  "{\"base64\":\"...\"} (a JSON value goes into the member json)" },
	{ "{\"key\":[]}", "key must be null, \"text\" or" },
	{ "{\"value\":{}}", "value is an object without base64" },
	{ "{\"value\":{\"a\":1}}", "a JSON value goes into the member json" },
	{ "{\"value\":{\"base64\":\"/w=\"}}", "byte 20: not base64" },
	{ "{\"value\":{\"base64\":\"/x==\"}}", "not base64" },
	{ "{\"value\":{\"base64\":\"_w==\"}}", "not base64" },
	{ "{\"value\":{\"base64\":1}}", "base64 must be a string" },
	{ "{\"value\":\"\xff\"}", "byte 11: bytes that are not UTF-8" },
	{ "{\"value\":\"\xed\xa0\x80\"}", "bytes that are not UTF-8" },
	{ "{\"value\":\"a\tb\"}", "byte 12: raw control character" },
	{ "{\"value\":\"\\ud800\"}", "byte 11: lone surrogate" },
	{ "{\"value\":\"\\udc00\"}", "lone surrogate" },
	{ "{\"value\":\"\\ud800\\u0041\"}", "lone surrogate" },
	{ "{\"value\":\"\\u12g4\"}", "\\u needs four hexadecimal digits" },
	{ "{\"value\":\"\\x\"}", "no such escape" },
	{ "{\"topic\":5,\"value\":null}", "topic must be a string" },
	{ "{\"topic\":\"\",\"value\":null}", "topic is empty" },
	{ "{\"partition\":-1,\"value\":null}", "partition must be from 0 to 2147483647" },
	{ "{\"partition\":\"0\",\"value\":null}", "partition must be an integer" },
	{ "{\"offset\":1.0,\"value\":null}", "offset must be an integer, without" },
	{ "{\"offset\":1e3,\"value\":null}", "offset must be an integer, without" },
	{ "{\"offset\":9223372036854775808,\"value\":null}", "offset must be from 0" },
	{ "{\"offset\":01,\"value\":null}", "a number may not start with 0" },
	{ "{\"timestamp\":\"now\",\"value\":null}", "timestamp must be an integer" },
	{ "{\"timestamp_type\":\"x\",\"value\":null}", "must be create, append or none" },
	{ "{\"headers\":{},\"value\":null}", "headers must be an array" },
	{ "{\"headers\":null,\"value\":null}", "headers must be an array" },
	{ "{\"headers\":[1],\"value\":null}", "header 1: must be" },
	{ "{\"headers\":[{\"key\":\"a\"}],\"value\":null}", "header 1: has no value" },
	{ "{\"headers\":[{\"key\":\"a\",\"value\":null},{\"value\":null}]}",
	  "byte 38: header 2: has no key" },
	{ "{\"headers\":[{\"key\":null,\"value\":null}]}", "header 1: key must not be null" },
	{ "{\"headers\":[{\"key\":\"\\u0000\",\"value\":null}]}", "key holds a NUL" },
	{ "{\"headers\":[{\"name\":\"a\"}]}", "header 1: unknown member 'name'" },
	{ "{\"headers\":[{\"key\":\"a\",\"value\":null} 1]}", "',' or ']' is missing" },
	{ "{\"json\":}", "no JSON value here" },
	{ "{\"json\":[1,}", "no JSON value here" },
	{ "{\"json\":tru}", "no JSON value here" },
	{ "{\"json\":1.}", "digits are missing behind the point" },
	{ "{\"json\":{\"a\":1]}", "',' or '}' is missing" },
	{ "{\"json\":{1}}", "the name of a member is missing" },
	{ "{\"kc\":1,\"value\":null}", "kc must be an object" },
	{ "{\"src\":1,\"value\":null}", "src must be a string" },
};

static void
bad_lines_are_refused_in_words(void)
{
	struct envelope_reader rd = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct record r;
		struct err e = ERR_INIT;

		CHECK_INT(envelope_read(&rd, slice_str(bad[i].line), &r, &e), -1);
		CHECK_INT(e.code, ERR_FORMAT);
		if (!CHECK(strstr(e.msg, bad[i].why) != NULL))
			printf("# %s\n#   says: %s\n#   want: %s\n", bad[i].line,
				e.msg, bad[i].why);
	}
	envelope_reader_release(&rd);
}

/* A line cut anywhere is an error, and reads nothing behind its end. */
static void
cut_lines_are_refused(void)
{
	static const char line[] = "{\"topic\":\"a\",\"partition\":10,\"timestamp\":"
		"-1,\"key\":{\"base64\":\"/wD+\"},\"json\":[{\"a\":-1.5e+3},true],"
		"\"headers\":[{\"key\":\"\\ud83d\\ude00\",\"value\":null}],\"kc\":{}}";
	struct envelope_reader rd = { 0 };
	struct record r;
	struct err e = ERR_INIT;

	for (size_t n = 0; n < sizeof(line) - 1; n++) {
		char *cut = xmemdup(line, n);

		CHECK_INT(envelope_read(&rd, slice_make(cut, n), &r, &e), -1);
		free(cut);
	}
	CHECK_INT(envelope_read(&rd, slice_str(line), &r, &e), 0);
	envelope_reader_release(&rd);
}

static void
kcat_lines_go_both_ways(void)
{
	static const char line[] = "{\"topic\":\"t\",\"partition\":0,\"offset\":1,"
		"\"tstype\":\"create\",\"ts\":1795438645423,\"headers\":[\"a\",\"1\","
		"\"n\",null,\"a\",\"2\"],\"key\":null,\"payload\":\"a\\u0000b\"}\n";
	struct envelope_reader rd = { 0 };
	struct buf out = BUF_INIT;
	struct record r;
	struct err e = ERR_INIT;

	CHECK_INT(envelope_read_kcat(&rd, slice_make(line, sizeof(line) - 2),
		&r, &e), 0);
	CHECK_INT(r.headers_n, 3);
	CHECK(slice_is_null(r.headers[1].value));
	CHECK(slice_eq(r.value, slice_make("a\0b", 3)));
	CHECK_INT(envelope_write_kcat(&out, &r, &e), 0);
	CHECK_STR(buf_cstr(&out), line);
	r.value = slice_str("\xff");
	CHECK_INT(envelope_write_kcat(&out, &r, &e), -1);
	CHECK(strstr(e.msg, "the value is not UTF-8") != NULL);
	CHECK_INT(envelope_read_kcat(&rd, slice_str("{\"value\":null}"), &r, &e), -1);
	CHECK(strstr(e.msg, "leave out --from kcat") != NULL);
	CHECK_INT(envelope_read_kcat(&rd, slice_str("{\"key\":null}"), &r, &e), -1);
	CHECK(strstr(e.msg, "no payload") != NULL);
	CHECK_INT(envelope_read_kcat(&rd, slice_str("{\"headers\":[\"a\"],"
		"\"payload\":null}"), &r, &e), -1);
	CHECK(strstr(e.msg, "header 1: has no value") != NULL);
	CHECK_INT(envelope_read_kcat(&rd, slice_str("{\"payload\":{\"a\":1},"
		"\"value_schema_id\":5}"), &r, &e), -1);
	CHECK(strstr(e.msg, "payload must be null or a string") != NULL);
	buf_release(&out);
	envelope_reader_release(&rd);
}

int
main(void)
{
	RUN(generated_records_survive);
	RUN(every_code_point_survives);
	RUN(megabytes_survive);
	RUN(json_values_are_spliced);
	RUN(other_values_stay_values);
	RUN(line_is_canonical);
	RUN(freer_lines_are_read);
	RUN(bad_lines_are_refused_in_words);
	RUN(cut_lines_are_refused);
	RUN(kcat_lines_go_both_ways);
	return tap_done();
}
