/* The search for a record's timestamp, against logs of every kind. */
#include "model/lag_search.h"

#include <stdlib.h>

#include "tap.h"

enum { RECORDS = 40 };
static const int64_t now = 1795438645423;

/* Offsets in a log with holes; ts -1 = a hole. */
struct log {
	int64_t ts[RECORDS];
};

static int64_t
offset_for(const struct log *l, int64_t t)
{
	for (int o = 0; o < RECORDS; o++)
		if (l->ts[o] >= 0 && l->ts[o] >= t)
			return o;
	return -1;
}

static int64_t
newest_up_to(const struct log *l, int64_t c)
{
	int64_t max = -1;

	for (int o = 0; o <= c; o++)
		if (l->ts[o] > max)
			max = l->ts[o];
	return max;
}

static int
search(const struct log *l, int64_t c, struct lag_search *s)
{
	int steps = 0;

	lag_search_init(s, c, now);
	for (; !s->done && steps < 200; steps++)
		lag_search_step(s, offset_for(l, s->probe));
	return steps;
}

static void
in_order_it_is_exact_to_the_millisecond(void)
{
	struct log l;
	struct lag_search s;

	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = now - 3600000 + o * 1711;
	for (int c = 0; c < RECORDS; c++) {
		int steps = search(&l, c, &s);

		CHECK(s.done && steps < 40);
		CHECK_INT(s.found_ms, l.ts[c]);
		CHECK(s.exact);
	}
}

static void
a_timestamp_in_the_future_is_found(void)
{
	struct log l;
	struct lag_search s;

	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = now + 86400000 + o;
	search(&l, 7, &s);
	CHECK_INT(s.found_ms, now + 86400007);
	CHECK(s.exact);
}

static void
what_is_not_sure_is_not_called_exact(void)
{
	struct log l;
	struct lag_search s;

	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = now - 1000000 + o * 1000;
	l.ts[20] = -1;                   /* compacted away */
	search(&l, 20, &s);
	CHECK_INT(s.found_ms, l.ts[19]);
	CHECK(!s.exact);
	l.ts[20] = l.ts[19];             /* equal */
	search(&l, 20, &s);
	CHECK(!s.exact);
	l.ts[20] = l.ts[19] - 500000;    /* goes back */
	search(&l, 20, &s);
	CHECK_INT(s.found_ms, l.ts[19]);
	CHECK(!s.exact);
}

static void
old_and_missing_timestamps_end_the_search(void)
{
	struct log l;
	struct lag_search s;

	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = o;
	CHECK(search(&l, 0, &s) < 200);
	CHECK_INT(s.found_ms, 0);
	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = -1;
	CHECK(search(&l, 5, &s) < 200);
	CHECK(s.done);
	CHECK_INT(s.found_ms, -1);
	for (int o = 0; o < RECORDS; o++)
		l.ts[o] = INT64_MAX;
	CHECK(search(&l, 5, &s) < 200);
	CHECK(s.done);
}

static void
it_never_lies(void)
{
	struct log l;
	struct lag_search s;
	unsigned seed = 7;

	for (int round = 0; round < 20000 && !tap_bad; round++) {
		int c = (int)((seed = seed * 1103515245 + 12345) >> 16) % RECORDS;

		for (int o = 0; o < RECORDS; o++) {
			seed = seed * 1103515245 + 12345;
			l.ts[o] = (seed >> 16) % 5 ? now - 5000 +
				(int64_t)((seed >> 8) % 7000) : -1;
		}
		search(&l, c, &s);
		CHECK_INT(s.found_ms, newest_up_to(&l, c));
		CHECK(!s.exact || s.found_ms == l.ts[c]);
	}
}

int
main(void)
{
	RUN(in_order_it_is_exact_to_the_millisecond);
	RUN(a_timestamp_in_the_future_is_found);
	RUN(what_is_not_sure_is_not_called_exact);
	RUN(old_and_missing_timestamps_end_the_search);
	RUN(it_never_lies);
	return tap_done();
}
