#include "base/map.h"

#include <stdlib.h>

#include "tap.h"

struct item {
	char key[16];
	int n;
	bool in;
};

static struct slice
key(const struct item *it)
{
	return slice_str(it->key);
}

static void
the_empty_map_has_nothing(void)
{
	struct map m = { 0 };
	size_t i = 0;

	CHECK(!map_get(&m, slice_str("a")));
	CHECK(!map_del(&m, slice_str("a")));
	CHECK(!map_next(&m, &i));
	map_release(&m);
}

static void
put_replaces_and_hands_back(void)
{
	struct map m = { 0 };
	int one = 1, two = 2;

	CHECK(!map_put(&m, slice_str("k"), &one));
	CHECK(map_put(&m, slice_str("k"), &two) == &one);
	CHECK(map_get(&m, slice_str("k")) == &two);
	CHECK_INT(m.len, 1);
	CHECK(map_del(&m, slice_str("k")) == &two);
	CHECK(!map_get(&m, slice_str("k")));
	CHECK(!map_del(&m, slice_str("k")));
	CHECK_INT(m.len, 0);
	map_release(&m);
}

static void
keys_are_bytes(void)
{
	struct map m = { 0 };
	int v[4];

	map_put(&m, slice_make("", 0), &v[0]);
	map_put(&m, slice_make("\0", 1), &v[1]);
	map_put(&m, slice_make("\0\0", 2), &v[2]);
	map_put(&m, slice_make("a\0b", 3), &v[3]);
	CHECK(map_get(&m, slice_make("", 0)) == &v[0]);
	CHECK(map_get(&m, slice_make("\0", 1)) == &v[1]);
	CHECK(map_get(&m, slice_make("\0\0", 2)) == &v[2]);
	CHECK(map_get(&m, slice_make("a\0b", 3)) == &v[3]);
	CHECK(!map_get(&m, slice_make("a\0c", 3)));
	map_release(&m);
}

/* Many random steps against a plain array. */
static void
it_agrees_with_an_array(void)
{
	enum { N = 3000 };
	static struct item items[N];
	struct map m = { 0 };
	size_t live = 0;
	bool ok = true;

	for (int i = 0; i < N; i++)
		snprintf(items[i].key, sizeof(items[i].key), "key%d", i);
	srandom(7);
	for (int step = 0; step < 200000 && ok; step++) {
		struct item *it = &items[random() % N];

		if (random() % 2) {
			void *old = map_put(&m, key(it), it);

			ok = old == (it->in ? it : NULL);
			live += !it->in;
			it->in = true;
		} else {
			void *old = map_del(&m, key(it));

			ok = old == (it->in ? it : NULL);
			live -= it->in;
			it->in = false;
		}
		ok = ok && m.len == live && m.used >= m.len && m.used * 2 <= m.cap;
	}
	CHECK(ok);
	for (int i = 0; i < N && ok; i++)
		ok = map_get(&m, key(&items[i])) == (items[i].in ? &items[i] : NULL);
	CHECK(ok);
	map_release(&m);
}

static void
iteration_visits_each_once_and_may_delete(void)
{
	enum { N = 500 };
	static struct item items[N];
	struct map m = { 0 };
	struct item *it;
	int seen = 0;

	for (int i = 0; i < N; i++) {
		snprintf(items[i].key, sizeof(items[i].key), "%d", i);
		map_put(&m, key(&items[i]), &items[i]);
	}
	for (size_t i = 0; (it = map_next(&m, &i)); seen++) {
		CHECK_INT(it->n++, 0);
		if (seen % 2)
			CHECK(map_del(&m, key(it)) == it);
	}
	CHECK_INT(seen, N);
	CHECK_INT(m.len, N / 2);
	map_release(&m);
}

int
main(void)
{
	RUN(the_empty_map_has_nothing);
	RUN(put_replaces_and_hands_back);
	RUN(keys_are_bytes);
	RUN(it_agrees_with_an_array);
	RUN(iteration_visits_each_once_and_may_delete);
	return tap_done();
}
