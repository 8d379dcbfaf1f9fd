/* Lag of rows and groups: the arithmetic, and what is no number. */
#include "model/lag.h"

#include <stdlib.h>

#include "model/lag_threshold.h"
#include "model/lag_total.h"
#include "tap.h"

/* A snapshot of one group on one topic, whose log is [start, end). */
struct bench {
	struct lag_snapshot s;
	struct lag_group g;
	struct lag_topic *topic;
	struct lag_member members[2];
	struct lag_partition rows[4];
	struct lag_log logs[4];
};

static void
bench_init(struct bench *b, int64_t start, int64_t end)
{
	*b = (struct bench){ 0 };
	b->topic = lag_topic(&b->s, slice_str("t"));
	for (int i = 0; i < 4; i++)
		b->logs[i] = (struct lag_log){ .start = start, .end = end, .stable = -1 };
	b->topic->logs = b->logs;
	b->topic->logs_n = 4;
	b->members[0] = (struct lag_member){ "m1", "c", "/h1", NULL, 1 };
	b->members[1] = (struct lag_member){ "m2", "c", "/h2", NULL, 0 };
	b->g = (struct lag_group){ .name = "g", .state = "Empty", .protocol = "classic",
		.partitions = b->rows, .members = b->members };
	b->s.groups = &b->g;
	b->s.groups_n = 1;
}

static struct lag_partition *
row(struct bench *b, int64_t committed)
{
	struct lag_partition *p = &b->rows[b->g.partitions_n];

	*p = lag_row(b->topic, b->g.partitions_n++);
	p->committed = committed;
	return p;
}

static void
bench_free(struct bench *b)
{
	lag_snapshot_release(&b->s);
}

static void
lag_is_what_is_there_and_unread(void)
{
	static const struct {
		int64_t start, end, committed, lag, lost, ahead;
		enum lag_status status;
	} rows[] = {
		{ 0, 10, 4, 6, 0, 0, LAG_STOPPED },
		{ 0, 10, 10, 0, 0, 0, LAG_OK },
		{ 0, 0, 0, 0, 0, 0, LAG_OK },
		{ 5, 10, 2, 5, 3, 0, LAG_LOST },
		{ 10, 10, 2, 0, 8, 0, LAG_LOST },    /* all unread is gone */
		{ 10, 10, 10, 0, 0, 0, LAG_OK },
		{ 0, 10, 15, 0, 0, 5, LAG_AHEAD },
		{ 0, 0, 15, 0, 0, 15, LAG_AHEAD },   /* the topic was made again */
		{ 0, INT64_MAX, 0, INT64_MAX, 0, 0, LAG_STOPPED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		struct lag_partition *p;

		bench_init(&b, rows[i].start, rows[i].end);
		p = row(&b, rows[i].committed);
		lag_finish(&b.s);
		CHECK_INT(p->lag, rows[i].lag);
		CHECK_INT(p->lost, rows[i].lost);
		CHECK_INT(p->ahead, rows[i].ahead);
		CHECK_INT(p->unread, -1);
		CHECK_INT(p->status, rows[i].status);
		CHECK(p->counts && !b.s.partial);
		bench_free(&b);
	}
}

static void
without_a_commit_there_is_no_lag(void)
{
	struct bench b;
	struct lag_partition *p;

	bench_init(&b, 3, 10);
	row(&b, 8);
	p = row(&b, -1);
	lag_finish(&b.s);
	CHECK_INT(p->lag, -1);
	CHECK_INT(p->unread, 7);
	CHECK_INT(p->reason, LAG_NO_COMMIT);
	CHECK(!p->counts);
	CHECK_INT(b.g.lag, 2);
	CHECK_INT(b.g.unread, 7);
	bench_free(&b);
}

static void
what_cannot_be_measured_is_not_zero(void)
{
	struct bench b;
	struct lag_partition *leaderless, *failed;

	bench_init(&b, 0, 10);
	leaderless = row(&b, 4);
	failed = row(&b, 4);
	row(&b, 9);
	b.logs[0] = (struct lag_log){ .start = -1, .end = -1, .reason = LAG_NO_LEADER };
	failed->failed = LAG_UNAUTHORIZED;
	failed->failed_why = "no";
	lag_finish(&b.s);
	CHECK_INT(leaderless->lag, -1);
	CHECK_INT(leaderless->reason, LAG_NO_LEADER);
	CHECK_INT(leaderless->status, LAG_UNKNOWN);
	CHECK_INT(failed->lag, -1);
	CHECK_STR(failed->error, "no");
	CHECK_INT(b.g.lag, 1);
	CHECK_INT(b.g.failed_n, 2);
	CHECK(b.s.partial);
	CHECK_STR(b.s.partial_why, "no-leader");
	bench_free(&b);
}

static void
a_deleted_topic_is_a_fact_not_a_failure(void)
{
	struct bench b;
	struct lag_partition *beyond, *gone;

	bench_init(&b, 0, 10);
	row(&b, 4);
	beyond = row(&b, 4);
	beyond->id = 9;           /* made again with fewer partitions */
	gone = row(&b, 4);
	gone->topic = lag_topic(&b.s, slice_str("gone"));
	gone->topic->reason = LAG_TOPIC_GONE;
	lag_finish(&b.s);
	CHECK_INT(beyond->reason, LAG_TOPIC_GONE);
	CHECK_INT(gone->reason, LAG_TOPIC_GONE);
	CHECK_INT(gone->lag, -1);
	CHECK_INT(b.g.lag, 6);
	CHECK(!b.s.partial);
	bench_free(&b);
}

static void
a_topic_without_subscriber_is_out_of_the_totals(void)
{
	struct bench b;
	struct lag_partition *owned, *nobody, *left;

	bench_init(&b, 0, 10);
	b.g.state = "Stable";
	b.g.members_n = 1;
	owned = row(&b, 8);
	owned->member = &b.members[0];
	nobody = row(&b, 7);
	left = row(&b, 0);
	left->topic = lag_topic(&b.s, slice_str("u"));
	left->topic->logs = b.logs;
	left->topic->logs_n = 4;
	lag_finish(&b.s);
	CHECK_INT(owned->status, LAG_UNKNOWN);
	CHECK(owned->counts && nobody->counts && !left->counts);
	CHECK_INT(nobody->reason, LAG_UNASSIGNED);
	CHECK_INT(nobody->status, LAG_STOPPED);
	CHECK_INT(left->lag, 10);
	CHECK_INT(b.g.lag, 5);
	b.s.counts_unassigned = true;
	lag_finish(&b.s);
	CHECK_INT(b.g.lag, 15);
	bench_free(&b);
}

/* While a group rebalances, nobody owns anything, and that is no verdict. */
static void
a_rebalance_stops_nothing(void)
{
	struct bench b;
	struct lag_partition *p;

	bench_init(&b, 0, 10);
	b.g.state = "PreparingRebalance";
	b.g.members_n = 2;
	p = row(&b, 5);
	lag_finish(&b.s);
	CHECK_INT(p->status, LAG_UNKNOWN);
	CHECK(p->counts);
	CHECK_INT(p->reason, LAG_NO_REASON);
	bench_free(&b);
}

static void
an_age_that_is_not_known_is_not_nothing(void)
{
	struct bench b;
	struct lag_totals t;

	bench_init(&b, 0, 10);
	row(&b, 10);
	row(&b, 4);
	lag_finish(&b.s);
	CHECK_INT(b.g.age_ms, -1);
	lag_totals_init(&t, &b.s, LAG_BY_TOPIC);
	CHECK_INT(t.items[0].lag, 6);
	CHECK_INT(t.items[0].age_ms, -1);
	lag_totals_release(&t);
	lag_set_age(&b.rows[1], 1000, LAG_AGE_RECORD, 1500);
	lag_sum(&b.g);
	CHECK_INT(b.g.age_ms, 500);
	bench_free(&b);

	bench_init(&b, 0, 10);
	row(&b, 10);
	lag_finish(&b.s);
	CHECK_INT(b.g.age_ms, 0);
	bench_free(&b);
}

static void
totals_find_the_sick_member(void)
{
	struct bench b;
	struct lag_totals t;

	bench_init(&b, 0, 100);
	b.g.state = "Stable";
	b.g.members_n = 2;
	row(&b, 10)->member = &b.members[0];
	row(&b, 20)->member = &b.members[0];
	row(&b, 99);
	lag_finish(&b.s);
	lag_totals_init(&t, &b.s, LAG_BY_HOST);
	CHECK_INT(t.n, 3);
	CHECK_STR(t.items[0].key, "/h1");
	CHECK_INT(t.items[0].lag, 170);
	CHECK_INT(t.items[0].partitions_n, 2);
	CHECK_STR(t.items[1].key, "");
	CHECK_STR(t.items[2].key, "/h2");  /* has nothing to do */
	CHECK_INT(t.items[2].partitions_n, 0);
	lag_totals_release(&t);
	lag_totals_init(&t, &b.s, LAG_BY_TOPIC);
	CHECK_INT(t.n, 1);
	CHECK_INT(t.items[0].lag, 171);
	lag_totals_release(&t);
	bench_free(&b);
}

static void
thresholds_are_strict(void)
{
	struct lag_thresholds t = LAG_THRESHOLDS_NONE;
	static const char *const bad[] = { "", "lag", "lag=", "lag=x", "lag=1,", "foo=1",
		"age=5x", "status=bad", "lag=-1" };
	struct lag_group g = { .lag = 1000, .age_ms = 300000, .eta_ms = LAG_NEVER,
		.lost = -1, .ahead = -1, .unread = -1, .status = LAG_STALLED };
	struct buf why = BUF_INIT;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lag_thresholds ignored = LAG_THRESHOLDS_NONE;

		CHECK(lag_thresholds_parse(slice_str(bad[i]), &ignored, &e) < 0);
		CHECK_INT(e.code, ERR_USAGE);
	}
	CHECK(!lag_thresholds_parse(slice_str("lag=1000,age=5m,eta=1h,lost=1,status=stalled"),
		&t, &e));
	CHECK(lag_is_over(&t, &g, &why));
	CHECK_STR(buf_cstr(&why), "lag 1000 >= 1000, age 5m >= 5m, eta never >= 1h, "
		"status STALLED");
	buf_clear(&why);
	g = (struct lag_group){ .lag = 999, .age_ms = 299999, .eta_ms = -1, .lost = 0,
		.status = LAG_LOST };
	CHECK(!lag_is_over(&t, &g, &why));
	CHECK_INT(why.len, 0);
	g.lost = 1;
	CHECK(lag_is_over(&t, &g, &why));
	buf_release(&why);
}

static void
durations_are_short(void)
{
	char text[LAG_DURATION_TEXT];

	CHECK_STR(lag_duration(-1, text), "-");
	CHECK_STR(lag_duration(0, text), "0ms");
	CHECK_STR(lag_duration(999, text), "999ms");
	CHECK_STR(lag_duration(61000, text), "1m1s");
	CHECK_STR(lag_duration(3600000, text), "1h");
	CHECK_STR(lag_duration(90061000, text), "1d1h");
	CHECK_STR(lag_duration(LAG_NEVER, text), "never");
}

int
main(void)
{
	RUN(lag_is_what_is_there_and_unread);
	RUN(without_a_commit_there_is_no_lag);
	RUN(what_cannot_be_measured_is_not_zero);
	RUN(a_deleted_topic_is_a_fact_not_a_failure);
	RUN(a_topic_without_subscriber_is_out_of_the_totals);
	RUN(a_rebalance_stops_nothing);
	RUN(an_age_that_is_not_known_is_not_nothing);
	RUN(totals_find_the_sick_member);
	RUN(thresholds_are_strict);
	RUN(durations_are_short);
	return tap_done();
}
