/*
 * map.h - hash table from byte strings to pointers.
 *
 * Keys are borrowed: they must live and stay unchanged as long as their
 * entry; usually they are a member of the value. `{ 0 }` is the empty map.
 * Hashing is seeded per process, so that peers cannot choose collisions.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct map_entry {
	struct slice key; /* data NULL = free, MAP_GONE = deleted */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	size_t cap;  /* power of two, or 0 */
	size_t len;  /* live entries */
	size_t used; /* live and deleted entries */
};

void map_release(struct map *m);
void *map_get(const struct map *m, struct slice key);

/* Adds or replaces; returns the value replaced, or NULL. value != NULL. */
void *map_put(struct map *m, struct slice key, void *value);

/* Removes; returns the value, or NULL when there was none. */
void *map_del(struct map *m, struct slice key);

/*
 * Iteration in no order: for (size_t i = 0; (v = map_next(&m, &i)); ).
 * Deleting the entry just returned is allowed; adding is not.
 */
void *map_next(const struct map *m, size_t *i);

uint64_t map_hash(struct slice key);

#endif
