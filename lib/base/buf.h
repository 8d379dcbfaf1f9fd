/*
 * buf.h - growable bytes, owned. `{ 0 }` or BUF_INIT is the empty buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct buf {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT { NULL, 0, 0 }

void buf_release(struct buf *b);

/* Makes room for n bytes more; slow path of buf_reserve(). */
void buf_grow(struct buf *b, size_t n);

/* Where the next n bytes go; add what was written to b->len. */
static inline uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->len < n)
		buf_grow(b, n);
	return b->data + b->len;
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n) {
		memcpy(buf_reserve(b, n), p, n);
		b->len += n;
	}
}

static inline void
buf_addc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

static inline void
buf_addstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_addslice(struct buf *b, struct slice s)
{
	buf_add(b, s.data, s.len);
}

/* Decimal digits of a signed number. */
void buf_addint(struct buf *b, int64_t v);

void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_addvf(struct buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Drops n bytes from the front. */
void buf_consume(struct buf *b, size_t n);

/* Puts a NUL behind the content (not counted in len) and returns it. */
const char *buf_cstr(struct buf *b);

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_make(b->data ? (const void *)b->data : "", b->len);
}

static inline void
buf_clear(struct buf *b)
{
	b->len = 0;
}

#endif
