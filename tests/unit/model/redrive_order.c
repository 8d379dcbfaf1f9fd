/* The order in which dead letters are sent back. */
#include "model/redrive_order.h"

#include <stdlib.h>

#include "tap.h"

static struct deadletter_origin
origin(const char *topic, int32_t partition, int64_t offset)
{
	return (struct deadletter_origin){ .topic = slice_str(topic),
		.partition = partition, .offset = offset };
}

static void
add(struct redrive_order *o, int64_t offset, const char *topic,
	int32_t partition, int64_t died)
{
	const struct deadletter_origin x = origin(topic, partition, died);

	redrive_order_add(o, 0, offset, &x);
}

static void
expect(struct redrive_order *o, const int64_t *offsets, size_t n)
{
	redrive_order_sort(o);
	CHECK_INT(o->n, n);
	for (size_t i = 0; i < n && i < o->n; i++)
		if (!CHECK_INT(o->places[i].offset, offsets[i]))
			printf("# at %zu\n", i);
	redrive_order_release(o);
}

static void
what_lies_in_order_stays_as_it_is(void)
{
	struct redrive_order o = { 0 };

	add(&o, 0, "a", 0, 5);
	add(&o, 1, "b", 0, 1);
	add(&o, 2, "a", 0, 6);
	add(&o, 3, "b", 0, 2);
	expect(&o, (const int64_t[]){ 0, 1, 2, 3 }, 4);
}

static void
a_straggler_is_waited_for_by_its_partition_only(void)
{
	struct redrive_order o = { 0 };

	add(&o, 0, "a", 0, 5);
	add(&o, 1, "b", 0, 1);
	add(&o, 2, "a", 0, 7);
	add(&o, 3, "a", 1, 1);
	add(&o, 4, "a", 0, 4);
	add(&o, 5, "b", 0, 2);
	expect(&o, (const int64_t[]){ 1, 3, 4, 0, 2, 5 }, 6);
}

static void
what_tells_no_origin_keeps_its_place(void)
{
	struct redrive_order o = { 0 };

	add(&o, 0, "a", 0, 5);
	add(&o, 1, NULL, -1, -1);
	add(&o, 2, "a", 0, 4);
	add(&o, 3, "a", -1, -1);
	expect(&o, (const int64_t[]){ 1, 2, 0, 3 }, 4);
}

static void
a_record_that_died_twice_is_sent_as_it_died(void)
{
	struct redrive_order o = { 0 };

	add(&o, 7, "a", 0, 5);
	add(&o, 8, "a", 0, 5);
	add(&o, 9, "a", 0, 4);
	expect(&o, (const int64_t[]){ 9, 7, 8 }, 3);
}

static void
looking_finds_disorder(void)
{
	static const struct {
		int32_t partition;
		int64_t died;
		bool disordered;
	} next[] = { { 0, 6, false }, { 0, 5, false }, { 0, 4, true }, { 1, 6, true } };

	for (size_t i = 0; i < sizeof(next) / sizeof(*next); i++) {
		const struct deadletter_origin a = origin("a", 0, 5),
			b = origin("b", 0, 9), c = origin("a", 0, next[i].died);
		struct redrive_order o = { 0 };

		redrive_order_look(&o, 0, &a);
		redrive_order_look(&o, 1, &b);
		redrive_order_look(&o, next[i].partition, &c);
		CHECK_INT(o.disordered, next[i].disordered);
		redrive_order_release(&o);
	}
}

/* Of many at random: each source partition ascending, and none is lost. */
static void
any_arrival_is_put_in_order(void)
{
	enum { N = 5000, ORIGINS = 7 };
	static int64_t last[ORIGINS];
	struct redrive_order o = { 0 };
	int64_t sum = 0;

	srand(1);
	for (int i = 0; i < N; i++)
		add(&o, i, "t", rand() % ORIGINS, rand() % 100000);
	redrive_order_sort(&o);
	CHECK_INT(o.n, N);
	for (int i = 0; i < N; i++) {
		const struct redrive_place *p = &o.places[i];

		CHECK(p->origin_offset >= last[p->origin]);
		last[p->origin] = p->origin_offset;
		sum += p->offset;
	}
	CHECK_INT(sum, (int64_t)N * (N - 1) / 2);
	redrive_order_release(&o);
}

int
main(void)
{
	RUN(what_lies_in_order_stays_as_it_is);
	RUN(a_straggler_is_waited_for_by_its_partition_only);
	RUN(what_tells_no_origin_keeps_its_place);
	RUN(a_record_that_died_twice_is_sent_as_it_died);
	RUN(looking_finds_disorder);
	RUN(any_arrival_is_put_in_order);
	return tap_done();
}
