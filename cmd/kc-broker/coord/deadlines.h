/*
 * deadlines.h - which of many comes first: a binary heap of moments, each
 * embedded in what it belongs to. `{ 0 }` is empty, and a deadline that is off.
 */
#ifndef COORD_DEADLINES_H
#define COORD_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

struct deadline {
	int64_t at;  /* monotonic ms */
	size_t slot; /* in the heap; 0 = off */
};

struct deadlines {
	struct deadline **heap; /* from [1]: the earliest */
	size_t n, cap;
};

void deadlines_release(struct deadlines *d);
void deadlines_set(struct deadlines *d, struct deadline *one, int64_t at);
void deadlines_clear(struct deadlines *d, struct deadline *one);
/* NULL = none. */
struct deadline *deadlines_first(const struct deadlines *d);

#endif
