/*
 * any.h - every message by table: fill it with anything, compare two, encode
 * it by reading its description (a second, slow opinion on the wire format).
 *
 * The tables are written by wiregen into fields.h next to messages.h.
 */
#ifndef ANY_H
#define ANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "wire/messages.h"
#include "wire/schema.h"
#include "wire/wire.h"

#include "wire/fields.h"

enum { ANY_MESSAGES = sizeof(any_messages) / sizeof(*any_messages) };

/* ---- fill ------------------------------------------------------------- */

static inline uint64_t
any_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * 0x2545f4914f6cdd1dULL;
}

/* A number worth trying, not yet cut to its type. */
static inline int64_t
any_number(uint64_t *seed)
{
	switch (any_random(seed) % 4) {
	case 0: return (int64_t)(any_random(seed) % 3) - 1;
	case 1: return (int64_t)(1ULL << any_random(seed) % 64);
	default: return (int64_t)any_random(seed);
	}
}

/* UTF-8 of one to four bytes a character; lengths around one-byte varints. */
static inline struct slice
any_text(uint64_t *seed, struct arena *a)
{
	static const char *const pieces[] = { "a", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "z", "" };
	uint64_t n = any_random(seed) % 40 ? any_random(seed) % 6 : 100;
	struct slice s = slice_make("", 0);

	for (uint64_t i = 0; i < n; i++)
		s = slice_str(arena_printf(a, "%.*s%s", SLICE_ARG(s),
			pieces[any_random(seed) % 6]));
	return s;
}

static inline void
any_put_number(void *p, enum any_type type, int64_t v)
{
	uint16_t v2 = (uint16_t)v;
	uint32_t v4 = (uint32_t)v;
	double f = (double)v;

	switch (type) {
	case ANY_bool: *(bool *)p = v & 1; break;
	case ANY_int8: *(int8_t *)p = (int8_t)v; break;
	case ANY_int16: case ANY_uint16: memcpy(p, &v2, 2); break;
	case ANY_int32: case ANY_uint32: memcpy(p, &v4, 4); break;
	case ANY_int64: memcpy(p, &v, 8); break;
	case ANY_float64: memcpy(p, &f, 8); break;
	default: abort();
	}
}

static inline void any_fill(const struct any_struct *s, int version,
	uint64_t *seed, struct arena *a, uint8_t *m);

static inline void
any_fill_value(const struct any_field *f, int version, bool null,
	uint64_t *seed, struct arena *a, uint8_t *p)
{
	struct slice s;

	switch (f->type) {
	case ANY_struct:
		any_fill(f->sub, version, seed, a, p);
		break;
	case ANY_uuid:
		for (int i = 0; i < 16; i++)
			p[i] = any_random(seed) % 8 ? (uint8_t)any_random(seed) : 0;
		break;
	case ANY_string: case ANY_bytes: case ANY_records:
		s = null ? SLICE_NULL : any_text(seed, a);
		memcpy(p, &s, sizeof(s)); /* of records this is `mem`, the first */
		break;
	default:
		any_put_number(p, f->type, any_number(seed));
	}
}

/* Sets every field that the version has; the others keep their defaults. */
static inline void
any_fill(const struct any_struct *s, int version, uint64_t *seed,
	struct arena *a, uint8_t *m)
{
	s->init(m);
	for (size_t i = 0; i < s->n; i++) {
		const struct any_field *f = &s->fields[i];
		bool null = version >= f->null_min && version <= f->null_max &&
			any_random(seed) % 3 == 0;
		int32_t n = null ? -1 : (int32_t)(any_random(seed) % 4);
		uint8_t *items;

		if (version < f->min || version > f->max)
			continue;
		if (f->tag >= 0 && any_random(seed) % 3 == 0)
			continue;
		if (!f->array && !f->optional) {
			any_fill_value(f, version, null, seed, a, m + f->at);
			continue;
		}
		if (f->optional)
			n = !null;
		items = n > 0 ? arena_array(a, (size_t)n, f->size) : NULL;
		for (int32_t k = 0; k < n; k++)
			any_fill_value(f, version, false, seed, a,
				items + (size_t)k * f->size);
		memcpy(m + f->at, &items, sizeof(items));
		if (f->array)
			memcpy(m + f->count_at, &n, sizeof(n));
	}
}

/* ---- compare ---------------------------------------------------------- */

static inline bool any_equal(const struct any_struct *s, const uint8_t *a,
	const uint8_t *b);

static inline bool
any_equal_value(const struct any_field *f, const uint8_t *a, const uint8_t *b)
{
	struct slice x, y;

	switch (f->type) {
	case ANY_struct:
		return any_equal(f->sub, a, b);
	case ANY_string: case ANY_bytes: case ANY_records:
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		return slice_eq(x, y);
	default:
		return !memcmp(a, b, f->size);
	}
}

static inline bool
any_equal(const struct any_struct *s, const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct any_field *f = &s->fields[i];
		const uint8_t *x = a + f->at, *y = b + f->at;
		int32_t n = 1, n2 = 1;

		if (f->array) {
			memcpy(&n, a + f->count_at, sizeof(n));
			memcpy(&n2, b + f->count_at, sizeof(n2));
		}
		if (f->array || f->optional) {
			memcpy(&x, a + f->at, sizeof(x));
			memcpy(&y, b + f->at, sizeof(y));
		}
		if (f->optional) {
			n = x != NULL;
			n2 = y != NULL;
		}
		if (n != n2)
			return false;
		for (int32_t k = 0; k < n; k++)
			if (!any_equal_value(f, x + (size_t)k * f->size,
				y + (size_t)k * f->size))
				return false;
	}
	return true;
}

/* ---- encode ----------------------------------------------------------- */

struct any_encoder {
	struct buf out;
	bool flexible;
	bool strangers; /* put a tag nobody knows into each tag section */
	int version;
};

static inline void
any_be(struct buf *b, uint64_t v, int bytes)
{
	while (bytes--)
		buf_addc(b, (char)(v >> (8 * bytes)));
}

static inline void
any_uvarint(struct buf *b, uint64_t v)
{
	for (; v >= 128; v /= 128)
		buf_addc(b, (char)(v % 128 + 128));
	buf_addc(b, (char)v);
}

static inline void
any_length(struct any_encoder *e, const struct any_field *f, int64_t n)
{
	if (e->flexible && !f->plain)
		any_uvarint(&e->out, (uint64_t)(n + 1));
	else
		any_be(&e->out, (uint64_t)n, f->type == ANY_string && !f->array ? 2 : 4);
}

static inline void any_encode(struct any_encoder *e, const struct any_struct *s,
	const uint8_t *m);

static inline void
any_encode_value(struct any_encoder *e, const struct any_field *f, const uint8_t *p)
{
	struct any_field item = *f;
	struct slice s;
	uint16_t v2;
	uint32_t v4;
	uint64_t v8;

	item.array = false;
	switch (f->type) {
	case ANY_struct:
		any_encode(e, f->sub, p);
		break;
	case ANY_string: case ANY_bytes: case ANY_records:
		memcpy(&s, p, sizeof(s));
		any_length(e, &item, s.data ? (int64_t)s.len : -1);
		buf_addslice(&e->out, s);
		break;
	case ANY_uuid:
		buf_add(&e->out, p, 16);
		break;
	case ANY_bool: case ANY_int8:
		buf_addc(&e->out, (char)*p);
		break;
	case ANY_int16: case ANY_uint16:
		memcpy(&v2, p, 2);
		any_be(&e->out, v2, 2);
		break;
	case ANY_int32: case ANY_uint32:
		memcpy(&v4, p, 4);
		any_be(&e->out, v4, 4);
		break;
	case ANY_int64: case ANY_float64:
		memcpy(&v8, p, 8);
		any_be(&e->out, v8, 8);
		break;
	}
}

static inline void
any_encode_field(struct any_encoder *e, const struct any_field *f, const uint8_t *m)
{
	const uint8_t *p = m + f->at;
	int32_t n;

	if (!f->array && !f->optional) {
		any_encode_value(e, f, p);
		return;
	}
	if (f->optional) {
		memcpy(&p, m + f->at, sizeof(p));
		buf_addc(&e->out, p ? 1 : f->tag < 0 ? -1 : 0);
		if (p)
			any_encode_value(e, f, p);
		return;
	}
	memcpy(&n, m + f->count_at, sizeof(n));
	memcpy(&p, m + f->at, sizeof(p));
	any_length(e, f, n);
	for (int32_t k = 0; k < n; k++)
		any_encode_value(e, f, p + (size_t)k * f->size);
}

/* Does the field hold what a fresh struct holds? Then it is not sent. */
static inline bool
any_is_default(const struct any_struct *s, const struct any_field *f, const uint8_t *m)
{
	uint8_t fresh[512];
	struct any_struct one = { f, 1, NULL };

	if (f->optional && !f->def_null) { /* there, with nothing in it */
		const uint8_t *p;

		memcpy(&p, m + f->at, sizeof(p));
		for (size_t i = 0; p && i < f->sub->n; i++)
			if (!any_is_default(f->sub, &f->sub->fields[i], p))
				return false;
		return p;
	}
	if (f->at + f->size > sizeof(fresh))
		abort();
	s->init(fresh);
	return any_equal(&one, m, fresh);
}

/* The field with the lowest tag above `last`; NULL = none. */
static inline const struct any_field *
any_next_tag(const struct any_struct *s, int last)
{
	const struct any_field *best = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].tag > last && (!best || s->fields[i].tag < best->tag))
			best = &s->fields[i];
	return best;
}

static inline void
any_encode_tags(struct any_encoder *e, const struct any_struct *s, const uint8_t *m)
{
	enum { STRANGER = 200 };
	unsigned n = e->strangers;
	int last = -1;

	for (size_t i = 0; i < s->n; i++)
		n += s->fields[i].tag >= 0 && e->version >= s->fields[i].min &&
			!any_is_default(s, &s->fields[i], m);
	any_uvarint(&e->out, n);
	for (;;) {
		const struct any_field *f = any_next_tag(s, last);
		struct any_encoder sub = *e;

		if (e->strangers && last < STRANGER && (!f || f->tag > STRANGER))
			buf_add(&e->out, "\xc8\x01\x03" "???", 6); /* 3 bytes */
		if (!f)
			return;
		last = f->tag;
		if (e->version < f->min || any_is_default(s, f, m))
			continue;
		sub.out = (struct buf)BUF_INIT;
		any_encode_field(&sub, f, m);
		any_uvarint(&e->out, (uint64_t)f->tag);
		any_uvarint(&e->out, sub.out.len);
		buf_addslice(&e->out, buf_slice(&sub.out));
		buf_release(&sub.out);
	}
}

static inline void
any_encode(struct any_encoder *e, const struct any_struct *s, const uint8_t *m)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct any_field *f = &s->fields[i];

		if (f->tag < 0 && e->version >= f->min && e->version <= f->max)
			any_encode_field(e, f, m);
	}
	if (e->flexible)
		any_encode_tags(e, s, m);
}

#endif
