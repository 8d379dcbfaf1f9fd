#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum { CHUNK = 4096 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* of the data behind this header */
	alignas(max_align_t) uint8_t data[];
};

static void *
take(struct arena *a, size_t n)
{
	size_t size = n > CHUNK ? n : CHUNK;
	struct arena_chunk *c = xmalloc(sizeof(*c) + size);

	/* Grow with use: a big request should not chain hundreds of chunks. */
	if (a->total > size && n < a->total && a->total < (1u << 20)) {
		free(c);
		size = a->total;
		c = xmalloc(sizeof(*c) + size);
	}
	c->older = a->chunk;
	c->size = size;
	a->chunk = c;
	a->total += size;
	a->next = c->data + n;
	a->end = c->data + size;
	return c->data;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p;

	if (n > SIZE_MAX / 2)
		xalloc_check(NULL);
	/* Of nothing too a pointer that is not null. */
	n = ((n ? n : 1) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (n <= (size_t)(a->end - a->next)) {
		p = a->next;
		a->next += n;
	} else {
		p = take(a, n);
	}
	return memset(p, 0, n);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		xalloc_check(NULL);
	return arena_alloc(a, bytes);
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *p;

	if (slice_is_null(s))
		return s;
	p = arena_alloc(a, s.len + 1);
	if (s.len)
		memcpy(p, s.data, s.len);
	return slice_make(p, s.len);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

static void
free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *older = c->older;

		free(c);
		c = older;
	}
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	if (!c)
		return;
	if (c->size > 16 * CHUNK) {
		arena_release(a);
		return;
	}
	free_chunks(c->older);
	c->older = NULL;
	a->total = c->size;
	a->next = c->data;
	a->end = c->data + c->size;
}

void
arena_release(struct arena *a)
{
	free_chunks(a->chunk);
	*a = (struct arena){ 0 };
}
