/*
 * arena.h - memory with one lifetime: many small allocations, one reset.
 *
 * A request's decoded form lives in an arena that is reset after the reply.
 * `{ 0 }` is the empty arena. Memory is zeroed and aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* newest first */
	uint8_t *next, *end;       /* free room in the newest chunk */
	size_t total;              /* bytes of all chunks */
};

void *arena_alloc(struct arena *a, size_t n);

/* n items of the given size; the product is checked. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* A copy of the bytes, with a NUL behind them that is not counted. */
struct slice arena_copy(struct arena *a, struct slice s);

/* printf into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Forgets everything; keeps one small chunk for the next use. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
