/*
 * scan.c - the scanner of scan.h. No recursion: the kinds of the open
 * brackets are a stack of bits.
 */
#include "model/scan.h"

#include "base/utf8.h"

/* What the letter behind a backslash means; 0 = nothing. */
static const uint8_t escapes[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f',
	['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits behind \u at p, or -1. */
static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int code = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = hex(p[i]);

		if (d < 0)
			return -1;
		code = code << 4 | d;
	}
	return code;
}

static bool
is_high(int code)
{
	return code >= 0xd800 && code < 0xdc00;
}

static bool
is_low(int code)
{
	return code >= 0xdc00 && code < 0xe000;
}

/* Steps over the escape at the backslash p; NULL when it is wrong. */
static const uint8_t *
skip_escape(struct scan *s, const uint8_t *p)
{
	int code, low = -1;

	if (s->end - p < 2) {
		scan_fail(s, p, "the string has no closing quote");
		return NULL;
	}
	if (escapes[p[1]])
		return p + 2;
	if (p[1] != 'u') {
		scan_fail(s, p, "no such escape (a backslash itself is \\\\)");
		return NULL;
	}
	code = hex4(p + 2, s->end);
	if (code < 0) {
		scan_fail(s, p, "\\u needs four hexadecimal digits");
		return NULL;
	}
	if (is_high(code) && s->end - p >= 8 && p[6] == '\\' && p[7] == 'u')
		low = hex4(p + 8, s->end);
	if (is_low(code) || (is_high(code) && !is_low(low))) {
		scan_fail(s, p, "lone surrogate, which is no character "
			"(write such bytes as {\"base64\":...})");
		return NULL;
	}
	return p + (is_high(code) ? 12 : 6);
}

bool
scan_string(struct scan *s, struct slice *raw, bool *escaped)
{
	const uint8_t *p = s->p + 1;

	*escaped = false;
	for (;;) {
		size_t n;

		p = scan_plain(p, s->end);
		if (p == s->end)
			return scan_fail(s, s->p, "the string has no closing quote");
		if (*p == '"')
			break;
		if (*p == '\\') {
			*escaped = true;
			p = skip_escape(s, p);
			if (!p)
				return false;
			continue;
		}
		if (*p < 0x20)
			return scan_fail(s, p, "raw control character in a string "
				"(write it as \\n, \\t, \\u00XX)");
		n = utf8_sequence(p, (size_t)(s->end - p));
		if (!n)
			return scan_fail(s, p, "bytes that are not UTF-8 "
				"(write them as {\"base64\":...})");
		p += n;
	}
	*raw = slice_make(s->p + 1, (size_t)(p - s->p - 1));
	s->p = p + 1;
	return true;
}

static const uint8_t *
skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

bool
scan_number(struct scan *s, struct slice *text)
{
	const uint8_t *p = s->p, *q;

	if (p < s->end && *p == '-')
		p++;
	q = skip_digits(p, s->end);
	if (q == p)
		return scan_fail(s, s->p, "no JSON value here");
	if (*p == '0' && q - p > 1)
		return scan_fail(s, s->p, "a number may not start with 0");
	p = q;
	if (p < s->end && *p == '.') {
		q = skip_digits(p + 1, s->end);
		if (q == p + 1)
			return scan_fail(s, p, "digits are missing behind the point");
		p = q;
	}
	if (p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		q = skip_digits(p, s->end);
		if (q == p)
			return scan_fail(s, p, "digits are missing in the exponent");
		p = q;
	}
	*text = slice_make(s->p, (size_t)(p - s->p));
	s->p = p;
	return true;
}

static bool
skip_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n))
		return scan_fail(s, s->p, "no JSON value here "
			"(true, false and null are the only bare words)");
	s->p += n;
	return true;
}

/* A value that is no bracket. */
static bool
skip_scalar(struct scan *s)
{
	struct slice ignored;
	bool escaped;

	switch (*s->p) {
	case '"':
		return scan_string(s, &ignored, &escaped);
	case 't':
		return skip_word(s, "true");
	case 'f':
		return skip_word(s, "false");
	case 'n':
		return skip_word(s, "null");
	default:
		return scan_number(s, &ignored);
	}
}

/* The name of a member and its colon. */
static bool
skip_name(struct scan *s)
{
	struct slice ignored;
	bool escaped;

	if (scan_peek(s) != '"')
		return scan_fail(s, s->p, "the name of a member is missing");
	if (!scan_string(s, &ignored, &escaped))
		return false;
	if (!scan_accept(s, ':'))
		return scan_fail(s, s->p, "':' is missing behind the name");
	return true;
}

/* Open brackets, innermost last: bit set = object. */
struct nest {
	uint8_t bits[SCAN_DEPTH / 8 + 1];
	unsigned depth;
};

static bool
in_object(const struct nest *n)
{
	return n->bits[(n->depth - 1) / 8] >> (n->depth - 1) % 8 & 1;
}

/* Steps over opening brackets up to the first scalar or empty pair. */
static bool
open_brackets(struct scan *s, struct nest *n, bool *complete)
{
	*complete = false;
	while (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
		bool object = *s->p == '{';
		uint8_t bit = (uint8_t)(1 << n->depth % 8);

		if (n->depth == SCAN_DEPTH)
			return scan_fail(s, s->p, "nested more than 255 deep "
				"(pass it as text in \"value\")");
		if (object)
			n->bits[n->depth / 8] |= bit;
		else
			n->bits[n->depth / 8] &= (uint8_t)~bit;
		n->depth++;
		s->p++;
		if (scan_accept(s, object ? '}' : ']')) {
			n->depth--;
			*complete = true;
			return true;
		}
		if (object && !skip_name(s))
			return false;
		scan_blanks(s);
	}
	return true;
}

/* Behind a complete value: closing brackets, then a comma if any is open. */
static bool
close_brackets(struct scan *s, struct nest *n)
{
	while (n->depth) {
		bool object = in_object(n);

		if (scan_accept(s, ','))
			return !object || skip_name(s);
		if (!scan_accept(s, object ? '}' : ']'))
			return scan_fail(s, s->p, object ?
				"',' or '}' is missing" : "',' or ']' is missing");
		n->depth--;
	}
	return true;
}

bool
scan_value(struct scan *s, struct slice *text)
{
	struct nest n = { { 0 }, 0 };
	const uint8_t *start;

	scan_blanks(s);
	start = s->p;
	do {
		bool complete;

		scan_blanks(s);
		if (!open_brackets(s, &n, &complete))
			return false;
		if (!complete) {
			if (s->p == s->end)
				return scan_fail(s, s->p, "the line ends too early");
			if (!skip_scalar(s))
				return false;
		}
		if (!close_brackets(s, &n))
			return false;
	} while (n.depth);
	*text = slice_make(start, (size_t)(s->p - start));
	return true;
}

static uint8_t *
put_escape(uint8_t *q, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *p = *at;
	int code;

	if (p[1] != 'u') {
		*q++ = escapes[p[1]];
		*at = p + 2;
		return q;
	}
	code = hex4(p + 2, end);
	p += 6;
	if (is_high(code)) {
		code = 0x10000 + ((code - 0xd800) << 10) +
			(hex4(p + 2, end) - 0xdc00);
		p += 6;
	}
	*at = p;
	return q + utf8_put(q, (uint32_t)code);
}

/* Escapes are often close together: a word at a time, and no call, beats memchr(). */
void
scan_unescape(struct buf *out, struct slice raw)
{
	const uint8_t *p = raw.data, *end = p + raw.len;
	uint8_t *q = buf_reserve(out, raw.len), *start = q;

	while (p < end) {
		uint64_t m = end - p >= 8 ? scan_specials(p) : 0x80;
		unsigned n = m ? (unsigned)__builtin_ctzll(m) >> 3 : 8;

		if (n) {
			memcpy(q, p, 8);
			p += n;
			q += n;
		} else if (*p == '\\') {
			q = put_escape(q, &p, end);
		} else {
			*q++ = *p++;
		}
	}
	out->len += (size_t)(q - start);
}
