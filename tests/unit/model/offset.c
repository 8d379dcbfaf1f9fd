/* Where to read: every form of -o, and the ones that are refused. */
#include "model/offset.h"

#include <stdlib.h>

#include "tap.h"

enum { HOUR = 3600000 };
static const int64_t now = 1795438645423;
static const int64_t day = 1768435200000; /* 2026-01-15 */

static void
forms_are_read(void)
{
	const struct {
		const char *text;
		struct offset_range r;
	} good[] = {
		{ "beginning", { { OFFSET_BEGINNING, 0 }, { 0 } } },
		{ "end", { { OFFSET_END, 0 }, { 0 } } },
		{ "stored", { { OFFSET_STORED, 0 }, { 0 } } },
		{ "0", { { OFFSET_ABSOLUTE, 0 }, { 0 } } },
		{ "9223372036854775807", { { OFFSET_ABSOLUTE, INT64_MAX }, { 0 } } },
		{ "-10", { { OFFSET_TAIL, 10 }, { 0 } } },
		{ "@1768435200000", { { OFFSET_TIME, day }, { 0 } } },
		{ "@-1h", { { OFFSET_TIME, now - HOUR }, { 0 } } },
		{ "@now", { { OFFSET_TIME, now }, { 0 } } },
		{ "@2026-01-15T01:00:00Z", { { OFFSET_TIME, day + HOUR }, { 0 } } },
		{ "s@1768435200000", { { OFFSET_TIME, day }, { 0 } } },
		{ "e@1768435200000", { { 0 }, { OFFSET_TIME, day } } },
		{ "5:10", { { OFFSET_ABSOLUTE, 5 }, { OFFSET_ABSOLUTE, 10 } } },
		{ "5:", { { OFFSET_ABSOLUTE, 5 }, { 0 } } },
		{ ":10", { { 0 }, { OFFSET_ABSOLUTE, 10 } } },
		{ ":end", { { 0 }, { OFFSET_END, 0 } } },
		{ "-10:-5", { { OFFSET_TAIL, 10 }, { OFFSET_TAIL, 5 } } },
		{ "beginning:end", { { OFFSET_BEGINNING, 0 }, { OFFSET_END, 0 } } },
		{ "@-2h:@-1h", { { OFFSET_TIME, now - 2 * HOUR },
			{ OFFSET_TIME, now - HOUR } } },
		{ "@2026-01-15T01:00:@2026-01-15T02:00", {
			{ OFFSET_TIME, day + HOUR }, { OFFSET_TIME, day + 2 * HOUR } } },
		{ "@2026-01-15T01:00:00Z:end", {
			{ OFFSET_TIME, day + HOUR }, { OFFSET_END, 0 } } },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct offset_range r = { 0 };
		struct err e = ERR_INIT;

		if (!CHECK_INT(offset_parse(slice_str(good[i].text), now, &r, &e), 0) ||
		    !CHECK_INT(r.from.kind, good[i].r.from.kind) ||
		    !CHECK_INT(r.from.value, good[i].r.from.value) ||
		    !CHECK_INT(r.to.kind, good[i].r.to.kind) ||
		    !CHECK_INT(r.to.value, good[i].r.to.value))
			printf("# '%s' %s\n", good[i].text, e.msg);
	}
}

static void
other_texts_are_refused(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "is not an offset" },
		{ ":", "is not an offset" },
		{ "-", "is not an offset" },
		{ "first", "try: beginning, end, stored" },
		{ "5x", "'5x' is not an offset" },
		{ "9223372036854775808", "is not an offset" },
		{ "-1h", "(a time starts with @: @-1h)" },
		{ "2026-01-15", "(a time starts with @: @2026-01-15)" },
		{ "@yesterday", "'yesterday' is not a time" },
		{ "10:5", "the range ends before it starts" },
		{ "-5:-10", "the range ends before it starts" },
		{ "@-1h:@-2h", "the range ends before it starts" },
		{ "@1000:2000", "both times start with @" },
		{ "0:stored", "cannot end at 'stored'" },
		{ ":beginning", "cannot end at 'beginning'" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct offset_range r = { 0 };
		struct err e = ERR_INIT;

		CHECK_INT(offset_parse(slice_str(bad[i].text), now, &r, &e), -1);
		CHECK_INT(e.code, ERR_USAGE);
		if (!CHECK(strstr(e.msg, bad[i].why) != NULL))
			printf("# '%s': %s\n", bad[i].text, e.msg);
	}
}

static void
second_text_merges(void)
{
	struct offset_range r = { 0 };
	struct err e = ERR_INIT;

	CHECK_INT(offset_parse(slice_str("s@1"), now, &r, &e), 0);
	CHECK_INT(offset_parse(slice_str("e@2"), now, &r, &e), 0);
	CHECK_INT(r.from.value, 1);
	CHECK_INT(r.to.value, 2);
	CHECK_INT(offset_parse(slice_str("5"), now, &r, &e), -1);
	CHECK_STR(e.msg, "the start of the range is given twice");
}

static void
partitions_are_read(void)
{
	int32_t *list;
	int n;
	struct err e = ERR_INIT;

	CHECK_INT(offset_parse_partitions(slice_str("7,2-4,3,0"), &list, &n, &e), 0);
	CHECK_INT(n, 5);
	CHECK(!memcmp(list, (int32_t[]){ 0, 2, 3, 4, 7 }, 5 * sizeof(*list)));
	free(list);
}

static void
other_partitions_are_refused(void)
{
	static const char *const bad[] = {
		"", ",", "1,", "-1", "1-", "5-2", "a", "1 ", "2147483648",
		"0-2147483647",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int32_t *list;
		int n;
		struct err e = ERR_INIT;

		CHECK_INT(offset_parse_partitions(slice_str(bad[i]), &list, &n, &e), -1);
		CHECK_INT(e.code, ERR_USAGE);
	}
}

int
main(void)
{
	RUN(forms_are_read);
	RUN(other_texts_are_refused);
	RUN(second_text_merges);
	RUN(partitions_are_read);
	RUN(other_partitions_are_refused);
	return tap_done();
}
