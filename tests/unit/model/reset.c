/* Where a group is to go: every target, every note, plans and their undo. */
#include "model/reset.h"

#include <stdlib.h>

#include "tap.h"

static const int64_t now = 1768435200000; /* 2026-01-15 */

static struct reset_target
target(const char *text)
{
	struct reset_target t;
	struct err e = ERR_INIT;

	if (reset_target_parse(text, now, &t, &e))
		printf("# %s: %s\n", text, e.msg);
	return t;
}

static void
targets_are_read(void)
{
	const struct {
		const char *text;
		enum reset_kind kind;
		int64_t value;
	} good[] = {
		{ "earliest", RESET_EARLIEST, 0 }, { "beginning", RESET_EARLIEST, 0 },
		{ "latest", RESET_LATEST, 0 }, { "end", RESET_LATEST, 0 },
		{ "current", RESET_CURRENT, 0 }, { "start-if-lost", RESET_LOST, 0 },
		{ "0", RESET_OFFSET, 0 },
		{ "9223372036854775807", RESET_OFFSET, INT64_MAX },
		{ "+10", RESET_SHIFT, 10 }, { "-10", RESET_SHIFT, -10 },
		{ "-2h", RESET_TIME, now - 7200000 }, { "@5", RESET_TIME, 5 },
		{ "2026-01-14", RESET_TIME, now - 86400000 },
		{ "2026-01-15T00:00:01.500Z", RESET_TIME, now + 1500 },
		{ "now", RESET_TIME, now },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct reset_target t = target(good[i].text);

		CHECK_INT(t.kind, good[i].kind);
		CHECK_INT(t.value, good[i].value);
	}
	CHECK_STR(target("group:a:b").group, "a:b");
}

static void
other_targets_are_refused(void)
{
	static const char *const bad[] = { "", "+", "-", "1x", "+-1", "--1", "1.5",
		"group:", "tomorrow", "9223372036854775808", "Earliest", " 1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct reset_target t;
		struct err e = ERR_INIT;

		CHECK(reset_target_parse(bad[i], now, &t, &e) == -1);
		CHECK_INT(e.code, ERR_USAGE);
	}
}

static void
scopes_are_read(void)
{
	struct reset_scope s;
	struct err e = ERR_INIT;

	CHECK(!reset_scope_parse("orders", &s, &e));
	CHECK(reset_scopes_have(&s, 1, "orders", 7) && !reset_scopes_have(&s, 1, "order", 7));
	CHECK(!reset_scope_parse("orders:0,2-3", &s, &e));
	CHECK(reset_scopes_have(&s, 1, "orders", 3) && !reset_scopes_have(&s, 1, "orders", 1));
	free(s.partitions);
	CHECK(reset_scope_parse(":1", &s, &e) == -1);
	CHECK(reset_scope_parse("orders:x", &s, &e) == -1);
	CHECK_INT(e.code, ERR_USAGE);
	CHECK(reset_scope_parse("orders:", &s, &e) == -1);
}

/* A log of [10, 20). */
static struct reset_row
row_at(int64_t from)
{
	return (struct reset_row){ .group = "g", .topic = "t", .from = from,
		.to = -1, .start = 10, .end = 20, .found = -1,
		.from_ms = -1, .to_ms = -1 };
}

static void
each_target_has_its_place(void)
{
	const struct {
		const char *to;
		int64_t from, found, want;
		enum reset_note note;
		bool clamp, moves;
	} cases[] = {
		{ "earliest", 15, -1, 10, RESET_FINE, 0, 1 },
		{ "earliest", 10, -1, 10, RESET_SAME, 0, 0 },
		{ "earliest", -1, -1, 10, RESET_FINE, 0, 1 },
		{ "earliest", 5, -1, 10, RESET_FINE, 0, 1 },
		{ "latest", 15, -1, 20, RESET_FINE, 0, 1 },
		{ "latest", 25, -1, 20, RESET_FINE, 0, 1 },
		{ "current", 15, -1, 15, RESET_FINE, 0, 1 },
		{ "current", 5, -1, 5, RESET_FINE, 0, 1 },
		{ "current", -1, -1, -1, RESET_NO_COMMIT, 0, 0 },
		{ "12", 15, -1, 12, RESET_FINE, 0, 1 },
		{ "20", 15, -1, 20, RESET_FINE, 0, 1 },
		{ "9", 15, -1, 9, RESET_OUT_OF_RANGE, 0, 0 },
		{ "21", 15, -1, 21, RESET_OUT_OF_RANGE, 0, 0 },
		{ "9", 15, -1, 10, RESET_CLAMPED, 1, 1 },
		{ "21", 15, -1, 20, RESET_CLAMPED, 1, 1 },
		{ "21", 20, -1, 20, RESET_SAME, 1, 0 },
		{ "+2", 15, -1, 17, RESET_FINE, 0, 1 },
		{ "-2", 15, -1, 13, RESET_FINE, 0, 1 },
		{ "-200", 15, -1, 10, RESET_CLAMPED, 0, 1 },
		{ "+9223372036854775807", 15, -1, 20, RESET_CLAMPED, 0, 1 },
		{ "+1", -1, -1, -1, RESET_NO_COMMIT, 0, 0 },
		{ "@5", 15, 13, 13, RESET_FINE, 0, 1 },
		{ "@5", 15, -1, 20, RESET_NO_LATER, 0, 1 },
		{ "group:o", 15, 13, 13, RESET_FINE, 0, 1 },
		{ "group:o", 15, 3, 10, RESET_CLAMPED, 0, 1 },
		{ "group:o", 15, -1, 15, RESET_NO_COMMIT, 0, 0 },
		{ "start-if-lost", 5, -1, 10, RESET_FINE, 0, 1 },
		{ "start-if-lost", 10, -1, 10, RESET_NOT_LOST, 0, 0 },
		{ "start-if-lost", -1, -1, -1, RESET_NO_COMMIT, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reset_target t = target(cases[i].to);
		struct reset_row r = row_at(cases[i].from);
		bool ok;

		r.found = cases[i].found;
		reset_decide(&r, &t, cases[i].clamp);
		ok = CHECK_INT(r.to, cases[i].want);
		ok &= CHECK_INT(r.note, cases[i].note);
		ok &= CHECK_INT(r.moves, cases[i].moves);
		if (!ok)
			printf("# case %zu: --to %s\n", i, cases[i].to);
	}
}

static void
a_log_that_is_not_there_moves_nothing(void)
{
	struct reset_target t = target("earliest"), current = target("current");
	struct reset_row r = row_at(15);

	r.end = -1;
	reset_decide(&r, &t, true);
	CHECK(r.note == RESET_NO_LOG && !r.moves && r.to == 15);
	CHECK(reset_note_is_failure(r.note));
	r.is_gone = true;
	reset_decide(&r, &t, true);
	CHECK(r.note == RESET_TOPIC_GONE && !r.moves);
	CHECK(!reset_note_is_failure(r.note));
	reset_decide(&r, &current, true);
	CHECK(r.note == RESET_FINE && r.moves);
}

static void
a_file_chooses_for_each_row(void)
{
	struct reset_target t = { .kind = RESET_FILE };
	struct reset_row r = row_at(15);

	r.to = 12;
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_FINE && r.moves && r.to == 12);
	r.to = 5;
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_OUT_OF_RANGE && !r.moves && r.to == 5);
	r.is_exact = true;
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_FINE && r.moves && r.to == 5);
	r.is_exact = false;
	reset_decide(&r, &t, true);
	CHECK(r.note == RESET_CLAMPED && r.moves && r.to == 10);
	r.to = -1;
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_FINE && r.moves && r.to == -1);
	r.to = r.from;
	r.to_metadata = "text";
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_FINE && r.moves);
	r.from_metadata = "text";
	reset_decide(&r, &t, false);
	CHECK(r.note == RESET_SAME && !r.moves);
}

static void
a_stale_plan_moves_nothing(void)
{
	struct reset_target t = { .kind = RESET_FILE };
	struct reset_row r = row_at(15);

	r.to = 12;
	r.has_expected = true;
	r.expected = 15;
	reset_decide(&r, &t, false);
	CHECK(r.moves);
	reset_compare(&r, 15);
	CHECK(r.moves && r.note == RESET_FINE);
	reset_compare(&r, 16);
	CHECK(!r.moves && r.note == RESET_STALE && r.from == 16);
	r.expected = -1;
	reset_decide(&r, &t, false);
	CHECK(!r.moves && r.note == RESET_STALE);
	CHECK(reset_note_is_failure(r.note));
}

static void
distance_counts_what_is_there(void)
{
	const struct {
		int64_t from, to, want;
	} cases[] = {
		{ 12, 18, 6 }, { 18, 12, -6 }, { 15, 15, 0 },
		{ 5, 10, 0 }, { 5, 12, 2 }, { 25, 10, -10 }, { 15, 25, 5 },
	};
	struct reset_row r = row_at(-1);
	int64_t d;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		r.from = cases[i].from;
		r.to = cases[i].to;
		CHECK(reset_distance(&r, &d));
		CHECK_INT(d, cases[i].want);
	}
	r.from = -1;
	CHECK(!reset_distance(&r, &d));
	r = row_at(5);
	CHECK(!reset_distance(&r, &d));
	r.to = 12;
	r.start = -1;
	CHECK(!reset_distance(&r, &d));
}

static void
undo_restores_exactly(void)
{
	struct reset_plan p = { 0 }, undo = { 0 };
	struct reset_target latest = target("latest"), file = { .kind = RESET_FILE };
	struct reset_row *r;

	for (int i = 0; i < 4; i++) {
		r = reset_add(&p, slice_str("g"), slice_str("t"), i);
		r->start = 10;
		r->end = 20;
		r->from = i == 0 ? 15 : i == 1 ? 5 : i == 2 ? -1 : 20;
		r->from_metadata = i ? NULL : "note";
		reset_decide(r, &latest, false);
	}
	reset_undo(&p, &undo);
	CHECK_INT(undo.n, 3);
	for (int i = 0; i < undo.n; i++) {
		CHECK(undo.rows[i].moves && undo.rows[i].is_exact);
		CHECK_INT(undo.rows[i].expected, 20);
		reset_compare(&undo.rows[i], 20);
		reset_decide(&undo.rows[i], &file, false);
		CHECK(undo.rows[i].moves);
		CHECK_INT(undo.rows[i].to, p.rows[i].from);
	}
	CHECK_STR(undo.rows[0].to_metadata, "note");
	CHECK(!undo.rows[1].to_metadata);
	reset_release(&p);
	reset_release(&undo);
}

static void
plans_are_in_order(void)
{
	struct reset_plan p = { 0 };
	struct err e = ERR_INIT;

	reset_add(&p, slice_str("h"), slice_str("a"), 0);
	reset_add(&p, slice_str("g"), slice_str("b"), 10);
	reset_add(&p, slice_str("g"), slice_str("b"), 2);
	reset_add(&p, slice_str("g"), slice_str("a"), 3);
	CHECK(!reset_sort(&p, &e));
	CHECK_STR(p.rows[0].topic, "a");
	CHECK_INT(p.rows[1].partition, 2);
	CHECK_STR(p.rows[3].group, "h");
	CHECK(reset_find(&p, "g", "b", 10) == &p.rows[2]);
	CHECK(!reset_find(&p, "g", "b", 11) && !reset_find(&p, "x", "a", 3));
	reset_add(&p, slice_str("g"), slice_str("a"), 3);
	CHECK(reset_sort(&p, &e) == -1);
	CHECK_INT(e.code, ERR_FORMAT);
	reset_release(&p);
	CHECK(!reset_find(&p, "g", "a", 3));
}

static void
kafkas_files_are_read(void)
{
	struct reset_plan p = { 0 };
	struct err e = ERR_INIT;

	CHECK(!reset_read_csv(&p, slice_str("t,0,5"), "g", &e));
	CHECK(!reset_read_csv(&p, slice_str("h,t,1,6\r"), "g", &e));
	CHECK(!reset_read_csv(&p, slice_str("\"a,\"\"b\"\"\",t,2,9223372036854775807"),
		NULL, &e));
	CHECK_INT(p.n, 3);
	CHECK_STR(p.rows[0].group, "g");
	CHECK(p.rows[0].partition == 0 && p.rows[0].to == 5);
	CHECK(!p.rows[0].has_expected && !p.rows[0].is_exact);
	CHECK_STR(p.rows[1].group, "h");
	CHECK_INT(p.rows[1].to, 6);
	CHECK_STR(p.rows[2].group, "a,\"b\"");
	CHECK_INT(p.rows[2].to, INT64_MAX);
	reset_release(&p);
}

static void
other_lines_are_refused(void)
{
	static const char *const bad[] = { "", "t", "t,0", "t,0,", "t,x,1", "t,0,-1",
		"t,0,1,", "g,t,0,1,2", ",0,1", ",t,0,1", "\"t,0,1", "\"t\"x,0,1",
		"t,2147483648,1", "t,0,9223372036854775808", "t, 0,1" };
	struct reset_plan p = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		if (!CHECK(reset_read_csv(&p, slice_str(bad[i]), "g", &e) == -1))
			printf("# '%s'\n", bad[i]);
		CHECK_INT(e.code, ERR_FORMAT);
	}
	CHECK(reset_read_csv(&p, slice_str("t,0,1"), NULL, &(struct err)ERR_INIT));
	CHECK_INT(p.n, 0);
	reset_release(&p);
}

static void
what_is_written_is_read(void)
{
	struct buf b = BUF_INIT;
	struct reset_plan p = { 0 };
	struct err e = ERR_INIT;

	reset_write_csv(&b, "a,\"b\"", "t", 3, INT64_MAX);
	CHECK_STR(buf_cstr(&b), "\"a,\"\"b\"\"\",t,3,9223372036854775807\n");
	CHECK(!reset_read_csv(&p, slice_make(b.data, b.len - 1), NULL, &e));
	CHECK_STR(p.rows[0].group, "a,\"b\"");
	buf_clear(&b);
	reset_write_csv(&b, NULL, "t", 3, 4);
	CHECK_STR(buf_cstr(&b), "t,3,4\n");
	buf_release(&b);
	reset_release(&p);
}

int
main(void)
{
	RUN(targets_are_read);
	RUN(other_targets_are_refused);
	RUN(scopes_are_read);
	RUN(each_target_has_its_place);
	RUN(a_log_that_is_not_there_moves_nothing);
	RUN(a_file_chooses_for_each_row);
	RUN(a_stale_plan_moves_nothing);
	RUN(distance_counts_what_is_there);
	RUN(undo_restores_exactly);
	RUN(plans_are_in_order);
	RUN(kafkas_files_are_read);
	RUN(other_lines_are_refused);
	RUN(what_is_written_is_read);
	return tap_done();
}
