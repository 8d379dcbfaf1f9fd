/*
 * envelope_write.c - a record becomes its canonical line.
 *
 * The value is validated and escaped in one pass, eight bytes at a time;
 * when it turns out not to be text, what was written of it is taken back.
 */
#include "model/envelope.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "model/scan.h"

#define ADD(out, text) buf_add(out, text, sizeof(text) - 1)

/* The longest form of one byte: \u00XX. */
enum { SLACK = 6 };

static uint8_t *
put_escape(uint8_t *q, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	*q++ = '\\';
	if (c >= 0x20) {
		*q++ = c;
	} else if (letters[c]) {
		*q++ = (uint8_t)letters[c];
	} else {
		memcpy(q, "u00", 3);
		q[3] = (uint8_t)digits[c >> 4];
		q[4] = (uint8_t)digits[c & 15];
		q += 5;
	}
	return q;
}

/* Copies up to the next byte that needs a look. */
static const uint8_t *
copy_plain(uint8_t **to, const uint8_t *p, const uint8_t *end)
{
	uint8_t *q = *to;

	while (end - p >= 8) {
		uint64_t m = scan_specials(p);
		unsigned n = m ? (unsigned)__builtin_ctzll(m) >> 3 : 8;

		memcpy(q, p, 8);
		p += n;
		q += n;
		if (m)
			goto out;
	}
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		*q++ = *p++;
out:
	*to = q;
	return p;
}

/*
 * Appends a string literal; false, and nothing appended, when s is not
 * UTF-8 or holds a NUL that is not wanted.
 */
static bool
put_text(struct buf *out, struct slice s, bool nul)
{
	const uint8_t *p = s.data, *end = p + s.len;
	uint8_t *q = buf_reserve(out, s.len + 2 + SLACK);

	*q++ = '"';
	for (;;) {
		size_t n;

		p = copy_plain(&q, p, end);
		if (p == end)
			break;
		if (*p < 0x80) {
			if (!*p && !nul)
				return false;
			q = put_escape(q, *p++);
			/* The rest as it is, the quote, and the next escape. */
			n = (size_t)(q - out->data) - out->len;
			if (out->cap - out->len - n < (size_t)(end - p) + 1 + SLACK) {
				buf_grow(out, n + (size_t)(end - p) + 1 + SLACK);
				q = out->data + out->len + n;
			}
			continue;
		}
		do {
			n = utf8_sequence(p, (size_t)(end - p));
			if (!n)
				return false;
			for (size_t i = 0; i < n; i++)
				*q++ = *p++;
		} while (p < end && *p >= 0x80);
	}
	*q++ = '"';
	out->len = (size_t)(q - out->data);
	return true;
}

void
envelope_put_string(struct buf *out, struct slice s)
{
	put_text(out, s, true);
}

void
envelope_put_bytes(struct buf *out, struct slice s)
{
	if (slice_is_null(s)) {
		ADD(out, "null");
	} else if (!put_text(out, s, false)) {
		ADD(out, "{\"base64\":\"");
		base64_encode(out, s.data, s.len);
		ADD(out, "\"}");
	}
}

bool
envelope_is_json(struct slice text)
{
	struct scan s;
	struct slice value;

	if (slice_is_null(text))
		return false;
	s = scan_init(text);
	return scan_value(&s, &value) && (scan_blanks(&s), s.p == s.end);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* JSON that survives as a member of a line: not cut by LF, nor by its reader. */
static bool
can_splice(struct slice s)
{
	const uint8_t *p = s.data;

	return s.len && !is_blank(p[0]) && !is_blank(p[s.len - 1]) &&
		!memchr(p, '\n', s.len) && envelope_is_json(s);
}

static void
put_headers(struct buf *out, const struct record *r)
{
	ADD(out, ",\"headers\":[");
	for (size_t i = 0; i < r->headers_n; i++) {
		if (i)
			buf_addc(out, ',');
		ADD(out, "{\"key\":");
		envelope_put_bytes(out, r->headers[i].key);
		ADD(out, ",\"value\":");
		envelope_put_bytes(out, r->headers[i].value);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

/* Where the record was, each only if it is known. */
static void
put_place(struct buf *out, const struct record *r)
{
	if (!slice_is_null(r->topic)) {
		ADD(out, "\"topic\":");
		envelope_put_string(out, r->topic);
		buf_addc(out, ',');
	}
	if (r->partition >= 0) {
		ADD(out, "\"partition\":");
		buf_addint(out, r->partition);
		buf_addc(out, ',');
	}
	if (r->offset >= 0) {
		ADD(out, "\"offset\":");
		buf_addint(out, r->offset);
		buf_addc(out, ',');
	}
}

static void
put_timestamp(struct buf *out, const struct record *r)
{
	ADD(out, "\"timestamp\":");
	if (r->has_timestamp)
		buf_addint(out, r->timestamp);
	else
		ADD(out, "null");
	if (r->timestamp_type == TIMESTAMP_CREATE)
		ADD(out, ",\"timestamp_type\":\"create\"");
	else if (r->timestamp_type == TIMESTAMP_APPEND)
		ADD(out, ",\"timestamp_type\":\"append\"");
	else
		ADD(out, ",\"timestamp_type\":\"none\"");
}

static void
put_extras(struct buf *out, const struct record *r, unsigned flags)
{
	if (flags & ENVELOPE_SRC) {
		ADD(out, ",\"src\":\"");
		buf_addslice(out, r->topic);
		buf_addc(out, '/');
		buf_addint(out, r->partition);
		buf_addc(out, '/');
		buf_addint(out, r->offset);
		buf_addc(out, '"');
	} else if (!slice_is_null(r->src)) {
		ADD(out, ",\"src\":");
		envelope_put_string(out, r->src);
	}
	if (!slice_is_null(r->error)) {
		ADD(out, ",\"error\":");
		buf_addslice(out, r->error);
	}
	if (!slice_is_null(r->kc)) {
		ADD(out, ",\"kc\":");
		buf_addslice(out, r->kc);
	}
}

void
envelope_write(struct buf *out, const struct record *r, unsigned flags)
{
	buf_addc(out, '{');
	put_place(out, r);
	put_timestamp(out, r);
	ADD(out, ",\"key\":");
	envelope_put_bytes(out, r->key);
	if (flags & ENVELOPE_JSON_VALUES && can_splice(r->value)) {
		ADD(out, ",\"json\":");
		buf_addslice(out, r->value);
	} else {
		ADD(out, ",\"value\":");
		envelope_put_bytes(out, r->value);
	}
	put_headers(out, r);
	put_extras(out, r, flags);
	ADD(out, "}\n");
}
