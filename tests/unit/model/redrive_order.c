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

/* Dead letters of partition 0, from offset 0 on. */
struct death {
	const char *topic;
	int32_t partition;
	int64_t offset;
};

static struct deadletter_origin
origin_of(const struct death *x)
{
	return origin(x->topic, x->partition, x->offset);
}

/* In the order that is expected, by their offsets. */
static void
expect(const struct death *all, size_t n, const int64_t *offsets)
{
	struct redrive_order o = { 0 };
	struct deadletter_origin x;

	for (size_t i = 0; i < n; i++) {
		x = origin_of(&all[i]);
		redrive_order_look(&o, 0, (int64_t)i, &x);
	}
	redrive_order_looked(&o);
	for (size_t i = 0; i < n; i++) {
		x = origin_of(&all[i]);
		redrive_order_pass(&o, 0, (int64_t)i);
		redrive_order_add(&o, 0, (int64_t)i, &x);
	}
	redrive_order_settle(&o, true);
	CHECK_INT(o.due.n, n);
	CHECK_INT(o.held, 0);
	for (size_t i = 0; i < n && i < o.due.n; i++)
		if (!CHECK_INT(o.due.items[i].offset, offsets[i]))
			printf("# at %zu\n", i);
	redrive_order_release(&o);
}

#define EXPECT(all, ...) expect(all, sizeof(all) / sizeof(*(all)), \
	(const int64_t[]){ __VA_ARGS__ })

static void
what_lies_in_order_stays_as_it_is(void)
{
	const struct death all[] = {
		{ "a", 0, 5 }, { "b", 0, 1 }, { "a", 0, 6 }, { "b", 0, 2 },
	};

	EXPECT(all, 0, 1, 2, 3);
}

static void
a_straggler_is_waited_for_by_its_partition_only(void)
{
	const struct death all[] = {
		{ "a", 0, 5 }, { "b", 0, 1 }, { "a", 0, 7 }, { "a", 1, 1 },
		{ "a", 0, 4 }, { "b", 0, 2 },
	};

	EXPECT(all, 1, 3, 4, 0, 2, 5);
}

static void
what_tells_no_origin_keeps_its_place(void)
{
	const struct death all[] = {
		{ "a", 0, 5 }, { NULL, -1, -1 }, { "a", 0, 4 }, { "a", -1, -1 },
	};

	EXPECT(all, 1, 2, 0, 3);
}

static void
a_record_that_died_twice_is_sent_as_it_died(void)
{
	const struct death all[] = { { "a", 0, 5 }, { "a", 0, 5 }, { "a", 0, 4 } };

	EXPECT(all, 2, 0, 1);
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

		redrive_order_look(&o, 0, 0, &a);
		redrive_order_look(&o, 1, 0, &b);
		redrive_order_look(&o, next[i].partition, 1, &c);
		CHECK_INT(o.disordered, next[i].disordered);
		redrive_order_release(&o);
	}
}

enum { LETTERS = 200000, LANES = 5, ORIGINS = 7, LATE = 3000 };

/* Those of a partition of the dead letters: deaths that are late by LATE at most. */
static struct death
death_of(int lane, int i)
{
	const unsigned h = (unsigned)i * 2654435761u + (unsigned)lane * 40503u;

	return (struct death){ h % 97 ? "t" : NULL, (int32_t)(h % ORIGINS),
		i + (int)(h >> 8) % LATE };
}

/* Everything so far is sent: it must not be older than what went before. */
static void
send_due(struct redrive_order *o, int64_t *last, int64_t *sum)
{
	for (size_t i = 0; i < o->due.n; i++) {
		const struct redrive_place *p = &o->due.items[i];

		*sum += p->offset;
		if (p->origin < 0)
			continue;
		CHECK(p->origin_offset >= last[p->origin]);
		last[p->origin] = p->origin_offset;
	}
	o->due.n = 0;
}

/* Where the partitions are read one by one, and then interleaved at random. */
static void
any_arrival_is_put_in_order_in_little_memory(void)
{
	struct redrive_order o = { 0 };
	int64_t last[ORIGINS] = { 0 }, sum = 0, want = 0;
	int next[LANES] = { 0 }, left = LETTERS;
	size_t most = 0;

	for (int lane = 0; lane < LANES; lane++)
		for (int i = 0; i < LETTERS / LANES; i++) {
			const struct death d = death_of(lane, i);
			const struct deadletter_origin x = origin_of(&d);

			redrive_order_look(&o, lane, i, &x);
			want += i;
		}
	CHECK(o.disordered);
	redrive_order_looked(&o);
	srand(1);
	while (left) {
		/* about as far as the others, as a reader is */
		int lane = rand() % LANES, i = next[lane];
		struct deadletter_origin x;
		struct death d;

		if (i == LETTERS / LANES || i > (LETTERS - left) / LANES + 500)
			continue;
		d = death_of(lane, i);
		x = origin_of(&d);
		next[lane]++;
		left--;
		redrive_order_pass(&o, lane, i);
		redrive_order_add(&o, lane, i, &x);
		if (o.added == 1000) {
			redrive_order_settle(&o, false);
			send_due(&o, last, &sum);
			if (most < o.held)
				most = o.held;
		}
	}
	redrive_order_settle(&o, true);
	send_due(&o, last, &sum);
	CHECK_INT(sum, want);
	CHECK(most < LANES * (LATE + 2 * 4096 + 1000));
	redrive_order_release(&o);
}

/* One partition of the dead letters ends before the others. */
static void
a_partition_that_is_at_its_end_holds_nothing(void)
{
	struct redrive_order o = { 0 };
	struct deadletter_origin x;

	for (int lane = 0; lane < 2; lane++)
		for (int i = 0; i < (lane ? 10000 : 10); i++) {
			x = origin("t", 0, i);
			redrive_order_look(&o, lane, i, &x);
		}
	redrive_order_looked(&o);
	for (int i = 0; i < 10; i++) {
		x = origin("t", 0, i);
		redrive_order_pass(&o, 0, i);
		redrive_order_add(&o, 0, i, &x);
	}
	for (int i = 0; i < 9000; i++) {
		x = origin("t", 0, i);
		redrive_order_pass(&o, 1, i);
		redrive_order_add(&o, 1, i, &x);
	}
	redrive_order_settle(&o, false);
	CHECK(o.due.n > 8000);
	CHECK(o.held < 4096);
	/* the rest of it is not selected any more: it is passed by */
	redrive_order_pass(&o, 1, 9999);
	redrive_order_settle(&o, false);
	CHECK_INT(o.held, 0);
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
	RUN(any_arrival_is_put_in_order_in_little_memory);
	RUN(a_partition_that_is_at_its_end_holds_nothing);
	return tap_done();
}
