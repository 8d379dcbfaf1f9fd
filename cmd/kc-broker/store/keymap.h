/*
 * keymap.h - the newest offset of every key, for compaction.
 *
 * Keys are known by a 128-bit keyed hash of them only (SipHash-2-4-128, the
 * key drawn anew for every map): nobody can make two of them meet, and by
 * chance it does not happen. 24 bytes a key, in one table that grows with
 * what is put into it, up to a limit.
 */
#ifndef STORE_KEYMAP_H
#define STORE_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct keymap_slot;

struct keymap {
	struct keymap_slot *slots;
	size_t cap, n;      /* slots; those in use */
	size_t max;         /* bytes the table may have */
	uint64_t seed[2];
};

/* An empty one; takes no memory before the first key. */
void keymap_init(struct keymap *m, size_t max_bytes);
void keymap_release(struct keymap *m);

/* The key's newest offset is now this; false when it is new and there is no room. */
bool keymap_put(struct keymap *m, struct slice key, int64_t offset);
/* -1 = not there. */
int64_t keymap_get(const struct keymap *m, struct slice key);

/* SipHash-2-4 with 128 bits of output (Aumasson, Bernstein). */
void keymap_hash(const uint64_t seed[2], struct slice key, uint64_t out[2]);

#endif
