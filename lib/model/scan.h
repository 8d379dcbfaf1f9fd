/*
 * scan.h - a strict JSON scanner (RFC 8259) over bytes in memory.
 *
 * It builds nothing: it moves over values and hands out slices of the input.
 * Strict means: valid UTF-8, no raw control characters, no lone surrogates
 * in escapes, no blanks but JSON's, nesting of at most SCAN_DEPTH. Private
 * to model/; documents are read by cli/json.
 */
#ifndef MODEL_SCAN_H
#define MODEL_SCAN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"

/* jq 1.6 refuses more than 256 levels, and the record's line is one more. */
enum { SCAN_DEPTH = 255 };

struct scan {
	const uint8_t *start, *p, *end;
	const char *why;   /* what is wrong and what to do; NULL = nothing */
	const uint8_t *at; /* where */
};

static inline struct scan
scan_init(struct slice text)
{
	const uint8_t *p = text.data;

	return (struct scan){ p, p, p + text.len, NULL, NULL };
}

/* Remembers the first thing that is wrong; returns false. */
static inline bool
scan_fail(struct scan *s, const uint8_t *at, const char *why)
{
	if (!s->why) {
		s->why = why;
		s->at = at;
	}
	return false;
}

static inline void
scan_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' ||
	    *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* The next byte that is not blank, 0 at the end. */
static inline uint8_t
scan_peek(struct scan *s)
{
	scan_blanks(s);
	return s->p < s->end ? *s->p : 0;
}

/* Steps over c and blanks in front of it; false, and no error, when it is not next. */
static inline bool
scan_accept(struct scan *s, uint8_t c)
{
	if (scan_peek(s) != c)
		return false;
	s->p++;
	return true;
}

/*
 * A string, at its opening quote: *raw is what stands between the quotes,
 * *escaped whether there are escapes in it.
 */
bool scan_string(struct scan *s, struct slice *raw, bool *escaped);

/* A number; *text is its characters. */
bool scan_number(struct scan *s, struct slice *text);

/* Any value, blanks in front of it skipped; *text is its exact bytes. */
bool scan_value(struct scan *s, struct slice *text);

/* Appends what a string means; raw comes from scan_string(). At most raw.len bytes. */
void scan_unescape(struct buf *out, struct slice raw);

/*
 * Eight bytes at once: bit 7 of each byte of the result says that the byte
 * needs a look inside a JSON string (control, quote, backslash, not ASCII).
 * Only the lowest set bit is exact: borrows may set bits above it.
 */
static inline uint64_t
scan_specials(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t w, quote, slash;

	memcpy(&w, p, 8);
	w = le64toh(w);
	quote = w ^ ones * '"';
	slash = w ^ ones * '\\';
	return ((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & high;
}

/* The first byte of [p, end) that needs a look, or end. */
static inline const uint8_t *
scan_plain(const uint8_t *p, const uint8_t *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t m = scan_specials(p);

		if (m)
			return p + (__builtin_ctzll(m) >> 3);
	}
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
