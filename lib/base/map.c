#include "base/map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/xalloc.h"

static const char map_gone[1];
#define MAP_GONE ((const void *)map_gone)

static uint64_t
seed(void)
{
	static uint64_t value;

	/* Two threads racing here at worst hash nothing yet: set at first use. */
	if (!value) {
		uint64_t v = 0;

		if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
			v = (uintptr_t)&value;
		value = v | 1;
	}
	return value;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t
map_hash(struct slice key)
{
	const unsigned char *p = key.data;
	uint64_t h = seed() ^ key.len, w;
	size_t n = key.len;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = mix(h ^ w, 0x9e3779b97f4a7c15u);
	}
	w = 0;
	if (n)
		memcpy(&w, p, n);
	return mix(h ^ w, 0xd6e8feb86659fd93u ^ seed());
}

void
map_release(struct map *m)
{
	free(m->entries);
	*m = (struct map){ 0 };
}

/* The entry of the key, or the free one where it would go. */
static struct map_entry *
find(const struct map *m, struct slice key, uint64_t hash)
{
	struct map_entry *gone = NULL;
	size_t i = hash & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_entry *e = &m->entries[i];

		if (!e->key.data)
			return gone ? gone : e;
		if (e->key.data == MAP_GONE)
			gone = gone ? gone : e;
		else if (e->hash == hash && slice_eq(e->key, key))
			return e;
	}
}

static bool
is_live(const struct map_entry *e)
{
	return e->key.data && e->key.data != MAP_GONE;
}

void *
map_get(const struct map *m, struct slice key)
{
	struct map_entry *e;

	if (!m->len)
		return NULL;
	e = find(m, key, map_hash(key));
	return is_live(e) ? e->value : NULL;
}

static void
rehash(struct map *m)
{
	struct map old = *m;
	size_t cap = 16;

	while (cap < old.len * 4)
		cap *= 2;
	m->entries = xcalloc(cap, sizeof(*m->entries));
	m->cap = cap;
	m->used = old.len;
	for (size_t i = 0; i < old.cap; i++)
		if (is_live(&old.entries[i]))
			*find(m, old.entries[i].key, old.entries[i].hash) =
				old.entries[i];
	free(old.entries);
}

void *
map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_entry *e;
	void *old = NULL;

	if ((m->used + 1) * 2 > m->cap)
		rehash(m);
	e = find(m, key, hash);
	if (is_live(e)) {
		old = e->value;
	} else {
		m->len++;
		m->used += !e->key.data;
	}
	*e = (struct map_entry){ key, value, hash };
	return old;
}

void *
map_del(struct map *m, struct slice key)
{
	struct map_entry *e;

	if (!m->len)
		return NULL;
	e = find(m, key, map_hash(key));
	if (!is_live(e))
		return NULL;
	e->key.data = MAP_GONE;
	m->len--;
	return e->value;
}

void *
map_next(const struct map *m, size_t *i)
{
	while (*i < m->cap) {
		struct map_entry *e = &m->entries[(*i)++];

		if (is_live(e))
			return e->value;
	}
	return NULL;
}
