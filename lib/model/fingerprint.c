#include "model/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/stack.h"

enum { MESSAGE_BYTES = 200 };

/* ---- masking ------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_' || (uint8_t)c >= 0x80;
}

/* 8-4-4-4-12 hex digits: 36, or 0. */
static size_t
uuid_at(const char *p, size_t n)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	if (n < sizeof(form) - 1)
		return 0;
	for (i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == '-' ? p[i] != '-' : !is_hex(p[i]))
			return 0;
	return n > i && is_word(p[i]) ? 0 : i;
}

/* A whole word of 8 hex digits or more with a digit in it, or 0x... */
static size_t
hex_at(const char *p, size_t n, bool word_start, bool after_at)
{
	size_t i = 0, digits = 0;

	if (n > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		for (i = 2; i < n && is_hex(p[i]); i++)
			;
		return i > 2 ? i : 0;
	}
	if (!word_start)
		return 0;
	for (; i < n && is_hex(p[i]); i++)
		digits += is_digit(p[i]);
	if (i < n && is_word(p[i]))
		return 0;
	/* All digits are a number; Java's hashes follow an @. */
	return digits && digits < i && (i >= 8 || (after_at && i >= 4)) ? i :
		after_at && i >= 4 ? i : 0;
}

static size_t
number_at(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (is_digit(p[i]) || ((p[i] == '.' || p[i] == ',') && i &&
	    is_digit(p[i - 1]) && i + 1 < n && is_digit(p[i + 1]))))
		i++;
	return i;
}

/* A quoted string, both quotes in it; an apostrophe within a word is none. */
static size_t
quoted_at(const char *p, size_t n, bool word_start)
{
	const char *end;
	size_t len;

	if ((p[0] != '"' && p[0] != '\'' && p[0] != '`') || !word_start)
		return 0;
	for (size_t from = 1; from < n; from = len) {
		end = memchr(p + from, p[0], n - from);
		if (!end)
			return 0;
		len = (size_t)(end - p) + 1;
		if (len == n || !is_word(p[len]))
			return len;
	}
	return 0;
}

void
fingerprint_mask(struct buf *out, struct slice message)
{
	const char *p = message.data, *lf;
	size_t n = message.len, used;

	if (slice_is_null(message))
		return;
	lf = memchr(p, '\n', n);
	if (lf)
		n = (size_t)(lf - p);
	if (n > MESSAGE_BYTES)
		for (n = MESSAGE_BYTES; n && ((uint8_t)p[n] & 0xc0) == 0x80; )
			n--;
	for (size_t i = 0; i < n; i += used) {
		bool start = !i || !is_word(p[i - 1]);
		const char *mask = NULL;

		if (start && (used = uuid_at(p + i, n - i)))
			mask = "<uuid>";
		else if ((used = hex_at(p + i, n - i, start, i && p[i - 1] == '@')))
			mask = "<hex>";
		else if ((used = number_at(p + i, n - i)))
			mask = "<n>";
		else if ((used = quoted_at(p + i, n - i, start)))
			mask = "<str>";
		if (mask)
			buf_addstr(out, mask);
		else
			buf_addc(out, p[(used = 1, i)]);
	}
	while (out->len && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\r'))
		out->len--;
}

/* ---- the group ----------------------------------------------------------------- */

uint64_t
fingerprint_hash(uint64_t h, struct slice s)
{
	const uint8_t *p = s.data;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	/* So that "ab" "c" is not "a" "bc", and null is not empty. */
	return (h ^ (slice_is_null(s) ? 0x100 : 0x101)) * 0x100000001b3u;
}

static struct slice
first_told(struct slice a, struct slice b)
{
	return slice_is_null(a) ? b : a;
}

void
fingerprint_make(const struct deadletter *d, struct fingerprint *f, struct arena *a)
{
	struct buf masked = BUF_INIT;
	struct stack stack;
	struct slice message;
	uint64_t h = FINGERPRINT_SEED;

	stack_read(d->error.stack, &stack, a);
	f->class = first_told(stack.class, first_told(d->error.cause, d->error.class));
	f->frame = stack.frame;
	/* The root's own words, not those of what wrapped it. */
	message = slice_eq(f->class, d->error.class) || slice_is_null(stack.message) ?
		first_told(d->error.message, stack.message) : stack.message;
	fingerprint_mask(&masked, message);
	f->message = slice_is_null(message) ? SLICE_NULL :
		arena_copy(a, buf_slice(&masked));
	buf_release(&masked);
	h = fingerprint_hash(h, slice_str(deadletter_scheme_name(d->scheme)));
	h = fingerprint_hash(h, f->class);
	h = fingerprint_hash(h, f->frame);
	h = fingerprint_hash(h, f->message);
	snprintf(f->id, sizeof(f->id), "%012" PRIx64, h & 0xffffffffffffu);
}

bool
fingerprint_matches(const struct fingerprint *f, const char *text)
{
	size_t n = strlen(text);

	return n >= 4 && n <= FINGERPRINT_ID && !memcmp(f->id, text, n);
}
