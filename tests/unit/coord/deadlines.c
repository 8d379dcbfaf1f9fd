/* Which of many deadlines comes first, whatever is moved or taken away. */
#include "coord/deadlines.h"

#include "tap.h"

enum { N = 500 };

static struct deadline some[N];

/* A small generator of our own: the same numbers on every machine. */
static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static int64_t
earliest(void)
{
	int64_t at = INT64_MAX;

	for (int i = 0; i < N; i++)
		if (some[i].slot && some[i].at < at)
			at = some[i].at;
	return at;
}

static void
the_earliest_is_first(void)
{
	struct deadlines d = { 0 };
	uint32_t seed = 7;

	CHECK(!deadlines_first(&d));
	for (int i = 0; i < 20000; i++) {
		struct deadline *one = &some[next(&seed) % N];

		if (next(&seed) % 3)
			deadlines_set(&d, one, next(&seed) % 1000);
		else
			deadlines_clear(&d, one);
		if (d.n)
			CHECK_INT(deadlines_first(&d)->at, earliest());
		else
			CHECK_INT(earliest(), INT64_MAX);
	}
	for (int64_t last = 0; d.n;) {
		struct deadline *one = deadlines_first(&d);

		CHECK(one->at >= last);
		last = one->at;
		deadlines_clear(&d, one);
	}
	CHECK_INT(earliest(), INT64_MAX);
	deadlines_release(&d);
}

int
main(void)
{
	RUN(the_earliest_is_first);
	return tap_done();
}
