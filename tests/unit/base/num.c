#include "base/num.h"

#include <time.h>

#include "tap.h"

static struct err e;

static bool
reads_int(const char *text, int64_t min, int64_t max, int64_t want)
{
	int64_t v = 12345;

	return !num_int(slice_str(text), min, max, &v, &e) && v == want;
}

static bool
refuses_int(const char *text, int64_t min, int64_t max)
{
	int64_t v;

	return num_int(slice_str(text), min, max, &v, &e) < 0 && e.code == ERR_USAGE;
}

static void
integers_are_whole_and_within_bounds(void)
{
	CHECK(reads_int("0", 0, 10, 0));
	CHECK(reads_int("10", 0, 10, 10));
	CHECK(reads_int("-5", -5, 10, -5));
	CHECK(reads_int("007", 0, 10, 7));
	CHECK(reads_int("9223372036854775807", 0, INT64_MAX, INT64_MAX));
	CHECK(reads_int("-9223372036854775808", INT64_MIN, 0, INT64_MIN));
	CHECK(refuses_int("11", 0, 10));
	CHECK(refuses_int("-6", -5, 10));
	CHECK(refuses_int("9223372036854775808", INT64_MIN, INT64_MAX));
	CHECK(refuses_int("-9223372036854775809", INT64_MIN, INT64_MAX));
	CHECK(refuses_int("99999999999999999999999", INT64_MIN, INT64_MAX));
}

static void
integers_have_nothing_else_around_them(void)
{
	static const char *const bad[] = {
		"", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "1e3", "--1", "-", "١",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(refuses_int(bad[i], INT64_MIN, INT64_MAX));
	CHECK(num_int(slice_make("1\0", 2), 0, 9, &(int64_t){ 0 }, &e) < 0);
	CHECK(num_int(SLICE_NULL, 0, 9, &(int64_t){ 0 }, &e) < 0);
}

static int64_t
size_of(const char *text)
{
	int64_t v = -1;

	return num_size(slice_str(text), &v, &e) < 0 ? -1 : v;
}

static void
sizes_have_binary_units(void)
{
	CHECK_INT(size_of("0"), 0);
	CHECK_INT(size_of("512"), 512);
	CHECK_INT(size_of("512B"), 512);
	CHECK_INT(size_of("1K"), 1024);
	CHECK_INT(size_of("1k"), 1024);
	CHECK_INT(size_of("64KiB"), 65536);
	CHECK_INT(size_of("10M"), 10485760);
	CHECK_INT(size_of("10MB"), 10485760);
	CHECK_INT(size_of("3G"), 3221225472);
	CHECK_INT(size_of("2T"), 2199023255552);
	CHECK_INT(size_of("8388607T"), 8388607 * ((int64_t)1 << 40));
}

static void
sizes_refuse_the_rest(void)
{
	static const char *const bad[] = {
		"", "K", "-1", "1.5M", "1 M", "1P", "1iB", "1Kx", "1KBi", "1BB", "8388608T",
		"99999999999999999999", "+", "\x0b", "1\x0b", "1!",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (size_of(bad[i]) != -1)
			CHECK_STR(bad[i], "refused");
}

static int64_t
duration_of(const char *text)
{
	int64_t v = -1;

	return num_duration(slice_str(text), &v, &e) < 0 ? -1 : v;
}

static void
durations_add_up(void)
{
	CHECK_INT(duration_of("0"), 0);
	CHECK_INT(duration_of("30"), 30000);
	CHECK_INT(duration_of("500ms"), 500);
	CHECK_INT(duration_of("30s"), 30000);
	CHECK_INT(duration_of("5m"), 300000);
	CHECK_INT(duration_of("1h30m"), 5400000);
	CHECK_INT(duration_of("7d"), 604800000);
	CHECK_INT(duration_of("2w"), 1209600000);
	CHECK_INT(duration_of("1m5ms"), 60005);
	CHECK_INT(duration_of("1d2h3m4s5ms"), 93784005);
}

static void
durations_refuse_the_rest(void)
{
	static const char *const bad[] = {
		"", "s", "-5s", "1h30", "0h30", "0s0", "1.5h", "1 h", "1x", "1sec",
		"99999999999999999w", "9223372036854775807s", "15250284452w15250284452w",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (duration_of(bad[i]) != -1)
			CHECK_STR(bad[i], "refused");
}

enum { NOW = 1000000000 };

static int64_t
time_of(const char *text)
{
	int64_t v = -1;

	return num_time(slice_str(text), NOW, &v, &e) < 0 ? INT64_MIN : v;
}

static void
times_are_read_in_all_their_forms(void)
{
	CHECK_INT(time_of("1970-01-01"), 0);
	CHECK_INT(time_of("2026-01-15"), 1768435200000);
	CHECK_INT(time_of("2026-01-15T10:00"), 1768471200000);
	CHECK_INT(time_of("2026-01-15T10:00:01.5Z"), 1768471201500);
	CHECK_INT(time_of("2026-01-15 10:00:01.1239Z"), 1768471201123);
	CHECK_INT(time_of("2026-01-15T10:00+02:00"), 1768464000000);
	CHECK_INT(time_of("2026-01-15T10:00-0530"), 1768491000000);
	CHECK_INT(time_of("2024-02-29"), 1709164800000);
	CHECK_INT(time_of("1969-12-31T23:59:59.999Z"), -1);
	CHECK_INT(time_of("now"), NOW);
	CHECK_INT(time_of("-1h"), NOW - 3600000);
	CHECK_INT(time_of("-90"), NOW - 90000);
	CHECK_INT(time_of("@0"), 0);
	CHECK_INT(time_of("@1768435200000"), 1768435200000);
}

static void
times_refuse_the_rest(void)
{
	static const char *const bad[] = {
		"", "@", "@-1", "@1x", "-", "-h", "nowhere", "2026", "2026-1-15",
		"2026-13-01", "2026-02-29", "2100-02-29", "2026-00-10", "2026-01-00",
		"2026-01-32", "2026-01-15T", "2026-01-15T24:00", "2026-01-15T10",
		"2026-01-15T10:60", "2026-01-15T10:00:61", "2026-01-15T10:00:00.",
		"2026-01-15T10:00X", "2026-01-15T10:00+2", "2026-01-15T10:00+24:00",
		"2026-01-15T10:00Zx", "2026-01-15x", "20260115", "1h",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (time_of(bad[i]) != INT64_MIN)
			CHECK_STR(bad[i], "refused");
}

static void
time_texts_are_rfc_3339(void)
{
	char t[NUM_TIME_TEXT];

	CHECK_STR(num_time_text(0, t), "1970-01-01T00:00:00.000Z");
	CHECK_STR(num_time_text(1768471201500, t), "2026-01-15T10:00:01.500Z");
	CHECK_STR(num_time_text(-1, t), "1969-12-31T23:59:59.999Z");
	CHECK_STR(num_time_text(-62135596800000, t), "0001-01-01T00:00:00.000Z");
	CHECK_STR(num_time_text(253402300799999, t), "9999-12-31T23:59:59.999Z");
	CHECK_STR(num_time_text(253402300800000, t), "@253402300800000");
	CHECK_STR(num_time_text(INT64_MAX, t), "@9223372036854775807");
	CHECK_STR(num_time_text(INT64_MIN, t), "@-9223372036854775808");
}

/* Every day of four centuries, against the C library; and text and back. */
static void
dates_agree_with_the_c_library(void)
{
	for (int64_t day = -100000; day < 146097; day++) {
		char text[NUM_TIME_TEXT];
		int64_t ms = day * 86400000 + 45296789, back;

		num_time_text(ms, text);
		if (num_time(slice_str(text), 0, &back, &e) < 0 || back != ms) {
			CHECK_STR(text, "itself again");
			return;
		}
	}
	for (int64_t sec = 0; sec < 8000000000; sec += 86399 * 7) {
		time_t t = (time_t)sec;
		char text[NUM_TIME_TEXT];
		struct tm tm;
		int64_t got;

		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (num_time(slice_str(text), 0, &got, &e) < 0 || got != sec * 1000) {
			CHECK_INT(got, sec * 1000);
			return;
		}
	}
}

int
main(void)
{
	RUN(integers_are_whole_and_within_bounds);
	RUN(integers_have_nothing_else_around_them);
	RUN(sizes_have_binary_units);
	RUN(sizes_refuse_the_rest);
	RUN(durations_add_up);
	RUN(durations_refuse_the_rest);
	RUN(times_are_read_in_all_their_forms);
	RUN(times_refuse_the_rest);
	RUN(time_texts_are_rfc_3339);
	RUN(dates_agree_with_the_c_library);
	return tap_done();
}
