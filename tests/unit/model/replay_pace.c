/* When records are due: the anchor, rates, ramps, pauses; how late they were. */
#include "model/replay_pace.h"

#include "tap.h"

static struct replay_pace
at_speed(const char *text)
{
	struct replay_pace p = { .max_gap_ms = -1 };
	struct err e = ERR_INIT;

	CHECK_INT(replay_pace_speed(&p, text, &e), 0);
	return p;
}

static void
speeds_are_read(void)
{
	static const struct {
		const char *text;
		int64_t ppm;
	} good[] = { { "1x", 1000000 }, { "1", 1000000 }, { "0.5x", 500000 },
		{ "2.25", 2250000 }, { "100x", 100000000 }, { "0.000001x", 1 } };
	static const char *const bad[] = { "", "x", "0", "0x", "-1x", "1.x1", "fast",
		"1.0000001x", "1e3", "." };
	struct replay_pace p = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		p = at_speed(good[i].text);
		CHECK_INT(p.kind, PACE_SPEED);
		CHECK_INT(p.speed_ppm, good[i].ppm);
	}
	CHECK_INT(at_speed("max").kind, PACE_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK_INT(replay_pace_speed(&p, bad[i], &e), -1))
			printf("# %s\n", bad[i]);
}

static void
all_times_hang_on_the_first(void)
{
	struct replay_pace p = at_speed("10x");

	CHECK_INT(replay_pace_due(&p, 1000000, 500), 500);
	/* asked late, or twice: the schedule stays */
	CHECK_INT(replay_pace_due(&p, 1010000, 9999), 1500);
	CHECK_INT(replay_pace_due(&p, 1010000, 99999), 1500);
	/* back in time counts as the one before */
	CHECK_INT(replay_pace_due(&p, 1000500, 0), 1500);
	CHECK_INT(replay_pace_due(&p, -1, 0), 1500);
	CHECK_INT(replay_pace_due(&p, 1020000, 0), 2500);
	/* a pause moves what is left */
	replay_pace_pause(&p, 700);
	CHECK_INT(replay_pace_due(&p, 1030000, 0), 4200);
}

static void
centuries_do_not_overflow(void)
{
	struct replay_pace p = at_speed("0.000001x");

	replay_pace_due(&p, 0, 0);
	CHECK_INT(replay_pace_due(&p, 4000000000000, 0), 4000000000000000000);
	p = at_speed("1000000x");
	replay_pace_due(&p, 0, 0);
	CHECK_INT(replay_pace_due(&p, 4000000000000, 0), 4000000);
}

static void
silences_are_folded(void)
{
	struct replay_pace p = at_speed("2x");

	p.max_gap_ms = 100;
	CHECK_INT(replay_pace_due(&p, 0, 1000), 1000);
	CHECK_INT(replay_pace_due(&p, 200, 0), 1100);
	CHECK_INT(replay_pace_due(&p, 1000200, 0), 1200);
	CHECK_INT(replay_pace_due(&p, 1000200, 0), 1200);
	CHECK_INT(replay_pace_due(&p, 1000300, 0), 1250);
}

static int64_t
due_of(struct replay_pace *p, int64_t n)
{
	p->done = n;
	return replay_pace_due(p, -1, 0);
}

static void
rates_are_even(void)
{
	struct replay_pace p = { .kind = PACE_RATE, .rate = 50 };

	CHECK_INT(replay_pace_due(&p, -1, 1000), 1000);
	CHECK_INT(due_of(&p, 1), 1020);
	CHECK_INT(due_of(&p, 50), 2000);
	CHECK_INT(due_of(&p, 50000), 1001000);
}

static void
bytes_count_as_they_are(void)
{
	struct replay_pace p = { .kind = PACE_BYTES, .rate = 1000 };

	CHECK_INT(replay_pace_due(&p, -1, 0), 0);
	replay_pace_sent(&p, 500, 0, 0);
	CHECK_INT(replay_pace_due(&p, -1, 0), 500);
	replay_pace_sent(&p, 10, 500, 500);
	CHECK_INT(replay_pace_due(&p, -1, 0), 510);
}

/* Half of the ramp's length is lost; behind it the rate is the full one. */
static void
a_ramp_begins_slowly(void)
{
	struct replay_pace p = { .kind = PACE_RATE, .rate = 1000, .ramp_ms = 1000 };

	CHECK_INT(replay_pace_due(&p, -1, 0), 0);
	CHECK_INT(due_of(&p, 5), 100);
	CHECK_INT(due_of(&p, 125), 500);
	CHECK_INT(due_of(&p, 500), 1000);
	CHECK_INT(due_of(&p, 1500), 2000);
	for (int n = 1; n < 2000; n++)
		if (due_of(&p, n) < due_of(&p, n - 1)) {
			CHECK_INT(n, -1);
			break;
		}
}

static void
lateness_is_told_in_percent(void)
{
	struct replay_pace p = { .kind = PACE_RATE, .rate = 1 };

	CHECK_INT(replay_pace_late(&p, 50), 0);
	for (int i = 1; i <= 100; i++)
		replay_pace_sent(&p, 0, 1000, 1000 + i);
	CHECK_INT(replay_pace_late(&p, 50), 50);
	CHECK_INT(replay_pace_late(&p, 99), 99);
	replay_pace_sent(&p, 0, 1000, 900); /* early is not late */
	CHECK_INT(replay_pace_late(&p, 1), 1);
	replay_pace_sent(&p, 0, 0, 99999999);
	CHECK_INT(replay_pace_late(&p, 100), PACE_LATE_MAX);
}

static void
a_plan_knows_how_long(void)
{
	struct replay_pace p = at_speed("2x");

	CHECK_INT(replay_pace_expect(&p, 1000, 9000, 7, 7), 4000);
	CHECK_INT(replay_pace_expect(&p, -1, -2, 7, 7), -1);
	p = (struct replay_pace){ .kind = PACE_RATE, .rate = 10 };
	CHECK_INT(replay_pace_expect(&p, -1, -1, 25, -1), 2500);
	p.kind = PACE_BYTES;
	CHECK_INT(replay_pace_expect(&p, -1, -1, 25, -1), -1);
	CHECK_INT(replay_pace_expect(&p, -1, -1, 25, 100), 10000);
	p.kind = PACE_MAX;
	CHECK_INT(replay_pace_expect(&p, 0, 1, 2, 3), -1);
}

int
main(void)
{
	RUN(speeds_are_read);
	RUN(all_times_hang_on_the_first);
	RUN(centuries_do_not_overflow);
	RUN(silences_are_folded);
	RUN(rates_are_even);
	RUN(bytes_count_as_they_are);
	RUN(a_ramp_begins_slowly);
	RUN(lateness_is_told_in_percent);
	RUN(a_plan_knows_how_long);
	return tap_done();
}
