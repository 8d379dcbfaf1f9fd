/* Windows of records under way: done in any order, out in theirs. */
#include "model/inflight.h"

#include "base/xalloc.h"
#include "tap.h"

static struct inflight_item items[100];

static bool
add(struct inflight *w, const char *topic, int32_t partition, int64_t offset, int i)
{
	struct src at = { slice_str(topic), partition, offset };

	return inflight_add(w, &at, &items[i]);
}

static struct inflight_item *
find(struct inflight *w, const char *topic, int32_t partition, int64_t offset)
{
	struct src at = { slice_str(topic), partition, offset };

	return inflight_find(w, &at);
}

static void
the_front_moves_on_as_records_are_done(void)
{
	struct inflight w;

	inflight_init(&w);
	CHECK(add(&w, "t", 0, 5, 0));
	CHECK(add(&w, "t", 0, 7, 1));
	CHECK(add(&w, "t", 0, 8, 2));
	inflight_done(&w, &items[1]);
	CHECK(!inflight_pop(&w));
	inflight_done(&w, &items[0]);
	CHECK(inflight_pop(&w) == &items[0]);
	CHECK_INT(w.parts[0]->next, 6);
	CHECK(inflight_pop(&w) == &items[1]);
	CHECK_INT(w.parts[0]->next, 8);
	CHECK(!inflight_pop(&w));
	CHECK_INT(w.n, 1);
	inflight_done(&w, &items[2]);
	CHECK(inflight_pop(&w) == &items[2]);
	CHECK_INT(w.parts[0]->next, 9);
	CHECK_INT(w.n, 0);
	inflight_release(&w);
}

static void
partitions_do_not_wait_for_each_other(void)
{
	struct inflight w;

	inflight_init(&w);
	add(&w, "t", 0, 0, 0);
	add(&w, "t", 1, 0, 1);
	add(&w, "u", 0, 0, 2);
	inflight_done(&w, &items[2]);
	inflight_done(&w, &items[1]);
	CHECK(inflight_pop(&w) == &items[2]);
	CHECK(inflight_pop(&w) == &items[1]);
	CHECK(!inflight_pop(&w));
	CHECK(find(&w, "t", 0, 0) == &items[0]);
	CHECK(!find(&w, "t", 1, 0));
	CHECK(!find(&w, "t", 0, 1));
	CHECK(!find(&w, "v", 0, 0));
	inflight_release(&w);
}

static void
offsets_only_rise(void)
{
	struct inflight w;

	inflight_init(&w);
	CHECK(add(&w, "t", 0, 5, 0));
	CHECK(!add(&w, "t", 0, 5, 1));
	CHECK(!add(&w, "t", 0, 4, 1));
	inflight_done(&w, &items[0]);
	inflight_pop(&w);
	CHECK(!add(&w, "t", 0, 5, 1));
	CHECK(add(&w, "t", 0, 6, 1));
	inflight_release(&w);
}

static void
a_long_window_turns_round(void)
{
	struct inflight w;
	int64_t next = 0;

	inflight_init(&w);
	for (int64_t i = 0; i < 1000; i++) {
		CHECK(add(&w, "t", 3, 2 * i, (int)(i % 100)));
		if (i < 90)
			continue;
		CHECK(find(&w, "t", 3, 2 * (i - 40)) == &items[(i - 40) % 100]);
		inflight_done(&w, &items[next % 100]);
		CHECK(inflight_pop(&w) == &items[next++ % 100]);
	}
	CHECK_INT(w.n, 90);
	inflight_release(&w);
}

static void
a_partition_that_goes_away_is_forgotten(void)
{
	struct inflight w;

	inflight_init(&w);
	add(&w, "t", 0, 5, 0);
	add(&w, "t", 0, 6, 1);
	add(&w, "t", 1, 6, 2);
	inflight_done(&w, &items[0]);
	CHECK(inflight_forget(&w, slice_str("t"), 0) == &items[0]);
	CHECK(inflight_forget(&w, slice_str("t"), 0) == &items[1]);
	CHECK(!inflight_forget(&w, slice_str("t"), 0));
	CHECK(!inflight_pop(&w));
	CHECK(!inflight_part(&w, slice_str("t"), 0));
	CHECK_INT(w.n, 1);
	/* and may come again, from where the group stands */
	CHECK(add(&w, "t", 0, 5, 0));
	CHECK(!inflight_forget(&w, slice_str("x"), 0));
	inflight_release(&w);
}

int
main(void)
{
	RUN(the_front_moves_on_as_records_are_done);
	RUN(partitions_do_not_wait_for_each_other);
	RUN(offsets_only_rise);
	RUN(a_long_window_turns_round);
	RUN(a_partition_that_goes_away_is_forgotten);
	return tap_done();
}
