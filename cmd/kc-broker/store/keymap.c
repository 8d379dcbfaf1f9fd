#include "store/keymap.h"

#include <stdlib.h>

#include "base/uuid.h"
#include "base/xalloc.h"

enum { FIRST_SLOTS = 1024 };

struct keymap_slot {
	uint64_t hash[2];
	int64_t next; /* offset + 1; 0 = the slot is free */
};

/* ---- the hash ----------------------------------------------------------- */

static inline uint64_t
rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline void
mix(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to eight bytes, the first one lowest. */
static inline uint64_t
load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

void
keymap_hash(const uint64_t seed[2], struct slice key, uint64_t out[2])
{
	const uint8_t *p = key.data;
	size_t left = key.len;
	uint64_t v[4] = {
		seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d ^ 0xee,
		seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573,
	};
	uint64_t m;

	for (; left >= 8; p += 8, left -= 8) {
		m = load(p, 8);
		v[3] ^= m;
		mix(v, 2);
		v[0] ^= m;
	}
	m = (uint64_t)key.len << 56 | load(p, left);
	v[3] ^= m;
	mix(v, 2);
	v[0] ^= m;
	v[2] ^= 0xee;
	mix(v, 4);
	out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	mix(v, 4);
	out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table ---------------------------------------------------------- */

void
keymap_init(struct keymap *m, size_t max_bytes)
{
	struct uuid a = uuid_random(), b = uuid_random();

	*m = (struct keymap){ .max = max_bytes };
	/* Version and variant bits are fixed: two are folded into one. */
	for (int i = 0; i < 16; i++)
		a.b[i] ^= b.b[15 - i];
	memcpy(m->seed, a.b, sizeof(m->seed));
}

void
keymap_release(struct keymap *m)
{
	free(m->slots);
	m->slots = NULL;
	m->cap = m->n = 0;
}

/* Where the hash is or would be. */
static struct keymap_slot *
find(const struct keymap *m, const uint64_t hash[2])
{
	size_t i = (size_t)(hash[0] % m->cap);

	while (m->slots[i].next && (m->slots[i].hash[0] != hash[0] ||
	    m->slots[i].hash[1] != hash[1]))
		i = i + 1 < m->cap ? i + 1 : 0;
	return &m->slots[i];
}

/* Twice the slots, as long as old and new ones together keep to the limit. */
static bool
grow(struct keymap *m)
{
	size_t cap = m->cap ? m->cap * 2 : FIRST_SLOTS;
	struct keymap old = *m;

	if ((cap + m->cap) * sizeof(*m->slots) > m->max)
		return false;
	m->slots = xcalloc(cap, sizeof(*m->slots));
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].next)
			*find(m, old.slots[i].hash) = old.slots[i];
	free(old.slots);
	return true;
}

bool
keymap_put(struct keymap *m, struct slice key, int64_t offset)
{
	struct keymap_slot *s = NULL;
	uint64_t hash[2];

	keymap_hash(m->seed, key, hash);
	if (m->cap)
		s = find(m, hash);
	if (!s || !s->next) {
		/* Three quarters full: probing stays short. */
		if (m->n >= m->cap / 4 * 3) {
			if (!grow(m))
				return false;
			s = find(m, hash);
		}
		m->n++;
		s->hash[0] = hash[0];
		s->hash[1] = hash[1];
	}
	s->next = offset + 1;
	return true;
}

int64_t
keymap_get(const struct keymap *m, struct slice key)
{
	uint64_t hash[2];

	if (!m->cap)
		return -1;
	keymap_hash(m->seed, key, hash);
	return find(m, hash)->next - 1;
}
