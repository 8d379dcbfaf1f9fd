/* The list of offsets: in order, each partition once, found. */
#include "kafka/group_offsets.h"

#include "tap.h"

static void
add(struct group_offsets *l, const char *topic, int32_t partition, int64_t offset,
	const char *metadata)
{
	group_offsets_add(l, slice_str(topic), partition, offset, metadata);
}

static void
items_are_in_order(void)
{
	struct group_offsets l = { 0 };

	add(&l, "b", 1, 11, NULL);
	add(&l, "b", 0, 10, "m");
	add(&l, "a", 10, 1, NULL);
	add(&l, "a", 2, 2, NULL);
	add(&l, "c", 0, 3, NULL);
	CHECK_INT(l.n, 5);
	CHECK_STR(l.items[0].topic, "a");
	CHECK_INT(l.items[0].partition, 2);
	CHECK_INT(l.items[1].partition, 10);
	CHECK_STR(l.items[2].metadata, "m");
	CHECK_INT(l.items[3].offset, 11);
	CHECK_STR(l.items[4].topic, "c");
	CHECK(!l.items[4].why);
	group_offsets_release(&l);
	CHECK(!l.n && !l.items);
}

static void
a_partition_is_there_once(void)
{
	struct group_offsets l = { 0 };

	add(&l, "a", 0, 1, "old");
	add(&l, "a", 1, 2, NULL);
	add(&l, "a", 0, 5, NULL);
	CHECK_INT(l.n, 2);
	CHECK_INT(l.items[0].offset, 5);
	CHECK(!l.items[0].metadata);
	group_offsets_release(&l);
}

static void
any_is_found(void)
{
	struct group_offsets l = { 0 };

	CHECK(!group_offsets_find(&l, "a", 0));
	for (int i = 999; i >= 0; i -= 3)
		add(&l, i % 2 ? "odd" : "even", i, i, NULL);
	for (int i = 0; i < 1000; i++) {
		struct group_offset *o = group_offsets_find(&l,
			i % 2 ? "odd" : "even", i);

		CHECK(i % 3 ? !o : o && o->offset == i);
	}
	CHECK(!group_offsets_find(&l, "z", 0));
	group_offsets_release(&l);
}

int
main(void)
{
	RUN(items_are_in_order);
	RUN(a_partition_is_there_once);
	RUN(any_is_found);
	return tap_done();
}
