/* Verdicts from what earlier runs saw, and the file they are kept in. */
#include "model/lag_status.h"

#include <stdlib.h>

#include "tap.h"

enum { MINUTE = 60000 };
static const int64_t noon = 1795438645423;

/* One partition, owned, watched. */
struct bench {
	struct lag_histories all;
	struct lag_history *h;
	struct lag_member member;
	struct lag_topic topic;
	struct lag_log log;
	struct lag_group g;
	struct lag_partition p;
	struct lag_rules rules;
	int64_t now;
};

static void
bench_init(struct bench *b)
{
	*b = (struct bench){ .rules = LAG_RULES_DEFAULT, .now = noon };
	b->member = (struct lag_member){ "m", "c", "/h", NULL, 1 };
	b->topic = (struct lag_topic){ .name = "t", .logs = &b->log, .logs_n = 1 };
	b->g = (struct lag_group){ .name = "g", .state = "Stable", .protocol = "classic",
		.members = &b->member, .members_n = 1, .partitions = &b->p,
		.partitions_n = 1 };
	b->h = lag_history_of(&b->all, slice_str("g"), slice_str("t"), 0, true);
}

/* A run: what it sees, and its verdict. */
static enum lag_status
see(struct bench *b, int64_t committed, int64_t end)
{
	b->log = (struct lag_log){ .start = 0, .end = end, .stable = -1 };
	b->p = lag_row(&b->topic, 0);
	b->p.committed = committed;
	b->p.member = b->g.members_n ? &b->member : NULL;
	lag_compute(&b->g, false);
	lag_history_add(&b->all, b->h, b->now, committed, end);
	lag_judge(&b->p, b->h, &b->rules);
	return b->p.status;
}

static enum lag_status
later(struct bench *b, int64_t ms, int64_t committed, int64_t end)
{
	b->now += ms;
	return see(b, committed, end);
}

static void
words_change_as_documented(void)
{
	struct bench b;

	bench_init(&b);
	CHECK_INT(see(&b, 10, 10), LAG_OK);
	CHECK_INT(later(&b, MINUTE, 10, 30), LAG_OK);       /* just came */
	CHECK_INT(later(&b, MINUTE, 10, 50), LAG_STALLED);  /* and is still there */
	CHECK_INT(later(&b, MINUTE, 50, 70), LAG_OK);       /* moves again */
	CHECK_INT(later(&b, MINUTE, 70, 70), LAG_OK);
	CHECK_INT(later(&b, MINUTE, 40, 70), LAG_REWOUND);
	CHECK_INT(later(&b, MINUTE, 60, 70), LAG_REWOUND);  /* not yet regained */
	CHECK_INT(later(&b, MINUTE, 71, 75), LAG_OK);
	CHECK_INT(later(&b, MINUTE, 80, 75), LAG_AHEAD);
	b.g.members_n = 0;
	b.g.state = "Empty";
	CHECK_INT(later(&b, MINUTE, 80, 90), LAG_STOPPED);
	CHECK_INT(later(&b, MINUTE, 90, 90), LAG_OK);       /* nothing is waiting */
	lag_histories_release(&b.all);
}

/* Looks in short order, so that the newest sample is replaced again and again. */
static void
rewound_until_all_is_regained(void)
{
	struct bench b;

	bench_init(&b);
	see(&b, 400, 20000);
	later(&b, MINUTE, 500, 20000);
	for (int at = 500; at <= 19900; at += 100)
		later(&b, 10, at, 20000);
	CHECK_INT(b.p.status, LAG_OK);
	for (int at = 0; at <= 19800; at += 100)
		CHECK_INT(later(&b, 10, at, 20000), LAG_REWOUND);
	CHECK_INT(later(&b, 10, 19900, 20000), LAG_OK);
	/* nor does it matter how many looks it takes */
	for (int at = 0; at <= 19800; at += 100)
		CHECK_INT(later(&b, MINUTE, at, 20000), LAG_REWOUND);
	CHECK_INT(b.h->n, LAG_SAMPLES);
	CHECK_INT(later(&b, MINUTE, 19900, 20000), LAG_OK);
	/* one that went back and then stands still has a consumer that does not consume */
	CHECK_INT(later(&b, MINUTE, 100, 20000), LAG_REWOUND);
	CHECK_INT(later(&b, MINUTE, 100, 20000), LAG_STALLED);
	b.g.members_n = 0;
	b.g.state = "Empty";
	CHECK_INT(later(&b, MINUTE, 100, 20000), LAG_STOPPED);
	CHECK_INT(later(&b, MINUTE, 50, 20000), LAG_REWOUND);
	CHECK_INT(later(&b, MINUTE, 50, 20000), LAG_STOPPED);
	/* another log has no place to regain */
	CHECK_INT(later(&b, MINUTE, 10, 500), LAG_STOPPED);
	lag_histories_release(&b.all);
}

/* Two commits that take turns cost one sample, not all. */
static void
to_and_fro_leaves_the_past_alone(void)
{
	struct bench b;

	bench_init(&b);
	for (int i = 0; i < 5; i++)
		later(&b, MINUTE, 10 * i, 1000);
	for (int i = 0; i < 100; i++)
		later(&b, 40, i % 2 ? 50 : 100, 1000);
	CHECK_INT(b.h->samples[0].committed, 0);
	CHECK(b.h->n <= 8);
	lag_histories_release(&b.all);
}

static void
no_verdict_at_first_sight(void)
{
	struct bench b;

	bench_init(&b);
	CHECK_INT(see(&b, 10, 30), LAG_UNKNOWN);
	CHECK_INT(b.p.reason, LAG_NO_HISTORY);
	CHECK_INT(later(&b, 10000, 10, 30), LAG_UNKNOWN);
	CHECK_INT(later(&b, 25000, 10, 30), LAG_STALLED);
	lag_histories_release(&b.all);
}

static void
slow_is_more_than_a_batch(void)
{
	struct bench b;

	bench_init(&b);
	see(&b, 0, 0);
	later(&b, MINUTE, 5900, 6000);                      /* 100/s; one second behind */
	CHECK_INT(later(&b, MINUTE, 9000, 12000), LAG_OK);  /* 30 s behind, once */
	CHECK_INT(later(&b, MINUTE, 12000, 18000), LAG_SLOW);
	CHECK_INT(b.p.eta_ms == LAG_NEVER, 1);
	CHECK_INT(later(&b, MINUTE, 20000, 24000), LAG_OK); /* catches up */
	lag_histories_release(&b.all);
}

static void
rates_and_eta(void)
{
	struct bench b;

	bench_init(&b);
	see(&b, 0, 10000);
	CHECK_INT(b.p.eta_ms, -1);
	later(&b, 10000, 2000, 11000);
	CHECK_INT(b.p.consumed_per_s, 200);
	CHECK_INT(b.p.produced_per_s, 100);
	CHECK_INT(b.p.eta_ms, 90000);
	later(&b, 10000, 11000, 11000);
	CHECK_INT(b.p.eta_ms, 0);
	lag_histories_release(&b.all);
}

static void
markers_and_little_lag_are_well(void)
{
	struct bench b;

	bench_init(&b);
	for (int i = 0; i < 5; i++)
		later(&b, MINUTE, 10, 11);
	CHECK_INT(b.p.status, LAG_STALLED);
	b.p.reason = LAG_MARKERS;
	lag_judge(&b.p, b.h, &b.rules);
	CHECK_INT(b.p.status, LAG_OK);
	b.rules.min_lag = 1;
	CHECK_INT(later(&b, MINUTE, 10, 11), LAG_OK);
	lag_histories_release(&b.all);
}

static void
a_ring_keeps_what_is_needed(void)
{
	struct bench b;

	bench_init(&b);
	for (int i = 0; i < 100; i++)
		later(&b, 1000, 10, 20);
	CHECK_INT(b.h->n, 2);                 /* alike: the first and the last */
	CHECK_INT(b.h->samples[1].at_ms - b.h->samples[0].at_ms, 99000);
	for (int i = 0; i < 100; i++)
		later(&b, 1000, 10 + i, 200);
	CHECK_INT(b.h->n, LAG_SAMPLES);
	for (int i = 1; i < LAG_SAMPLES - 1; i++)
		CHECK(b.h->samples[i].at_ms - b.h->samples[i - 1].at_ms >= LAG_SAMPLE_APART);
	b.now -= 3600000;                     /* the clock was set back */
	see(&b, 10, 200);
	CHECK_INT(b.h->n, 1);
	lag_histories_release(&b.all);
}

static void
the_file_gives_back_what_it_got(void)
{
	struct lag_histories a = { 0 }, b = { 0 };
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct lag_history *h = lag_history_of(&a, slice_str("a \"g\"\t\n"), slice_str("t"), 7, true);
	struct err e = ERR_INIT;

	for (int i = 0; i < 30; i++)
		lag_history_add(&a, h, noon + i * 7000, 100 - i, 1000 + i * i);
	CHECK_INT(lag_histories_write(&a, 0, 1 << 20, &text), 0);
	CHECK(!lag_histories_read(&b, buf_slice(&text), &e));
	h = lag_history_of(&b, slice_str("a \"g\"\t\n"), slice_str("t"), 7, false);
	CHECK(h && h->n == LAG_SAMPLES);
	lag_histories_write(&b, 0, 1 << 20, &again);
	CHECK_STR(buf_cstr(&again), buf_cstr(&text));
	/* cut anywhere, it is an error or a shorter file, and never more */
	for (size_t n = 0; n < text.len; n++) {
		struct lag_histories cut = { 0 };

		if (!lag_histories_read(&cut, slice_make(text.data, n), &e))
			CHECK(!n);
		lag_histories_release(&cut);
	}
	buf_release(&text);
	buf_release(&again);
	lag_histories_release(&a);
	lag_histories_release(&b);
}

static struct lag_history *
of(struct lag_histories *all, const char *group, int32_t partition, bool make)
{
	return lag_history_of(all, slice_str(group), slice_str("t"), partition, make);
}

/* What is looked up in the order of the file needs no map; what is new goes where its row is. */
static void
the_file_has_the_order_of_rows(void)
{
	struct lag_histories a = { 0 }, b = { 0 };
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	const char *p;

	for (int i = 0; i < 4; i += 2)
		for (int k = 0; k < 3; k++)
			lag_history_add(&a, of(&a, i ? "gz" : "ga", k, true), noon, 0, k);
	lag_histories_write(&a, 0, 1 << 20, &text);
	CHECK(!lag_histories_read(&b, buf_slice(&text), &e));
	for (int runs = 0; runs < 2; runs++)
		for (int i = 0; i < 4; i += 2)
			for (int k = 0; k < 3; k++)
				CHECK(of(&b, i ? "gz" : "ga", k, false) != NULL);
	CHECK(!b.is_mapped);
	CHECK(!of(&b, "gm", 0, false));
	CHECK(b.is_mapped);
	CHECK(of(&b, "ga", 2, false) != NULL);
	lag_history_add(&b, of(&b, "gm", 0, true), noon, 0, 0);
	CHECK(of(&b, "gz", 0, false) != NULL);
	CHECK(of(&b, "gm", 0, false) != NULL);
	buf_clear(&text);
	lag_histories_write(&b, 0, 1 << 20, &text);
	p = strstr(buf_cstr(&text), "\"gm\"");
	CHECK(p && strstr(p, "\"gz\"") && !strstr(p, "\"ga\""));
	buf_release(&text);
	lag_histories_release(&a);
	lag_histories_release(&b);
}

static void
a_cap_keeps_what_has_lag(void)
{
	struct lag_histories a = { 0 }, b = { 0 };
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	for (int i = 0; i < 1000; i++)
		lag_history_add(&a, lag_history_of(&a, slice_str("g"), slice_str("t"), i, true),
			noon, i % 10 ? 100 : 50, 100);
	CHECK(lag_histories_write(&a, 0, 20000, &text) > 0);
	CHECK(text.len <= 20000);
	CHECK(!lag_histories_read(&b, buf_slice(&text), &e));
	for (int i = 0; i < 1000; i += 10)
		CHECK(lag_history_of(&b, slice_str("g"), slice_str("t"), i, false) != NULL);
	buf_clear(&text);
	lag_histories_write(&a, noon + 1, 20000, &text);
	CHECK_INT(text.len, 0);               /* not seen for too long */
	buf_release(&text);
	lag_histories_release(&a);
	lag_histories_release(&b);
}

static void
other_groups_are_kept_unread(void)
{
	struct lag_histories a = { 0 }, b = { 0 };
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct map only = { 0 };
	struct err e = ERR_INIT;

	lag_history_add(&a, lag_history_of(&a, slice_str("x"), slice_str("t"), 0, true), noon, 1, 2);
	lag_history_add(&a, lag_history_of(&a, slice_str("y"), slice_str("t"), 0, true), noon, 3, 4);
	lag_histories_write(&a, 0, 1 << 20, &text);
	map_put(&only, slice_str("x"), &only);
	b.groups = &only;
	CHECK(!lag_histories_read(&b, buf_slice(&text), &e));
	CHECK(lag_history_of(&b, slice_str("x"), slice_str("t"), 0, false) != NULL);
	CHECK(lag_history_of(&b, slice_str("y"), slice_str("t"), 0, false) == NULL);
	lag_histories_write(&b, 0, 1 << 20, &again);
	CHECK_INT(again.len, text.len);
	map_release(&only);
	buf_release(&text);
	buf_release(&again);
	lag_histories_release(&a);
	lag_histories_release(&b);
}

int
main(void)
{
	RUN(words_change_as_documented);
	RUN(rewound_until_all_is_regained);
	RUN(to_and_fro_leaves_the_past_alone);
	RUN(no_verdict_at_first_sight);
	RUN(slow_is_more_than_a_batch);
	RUN(rates_and_eta);
	RUN(markers_and_little_lag_are_well);
	RUN(a_ring_keeps_what_is_needed);
	RUN(the_file_gives_back_what_it_got);
	RUN(the_file_has_the_order_of_rows);
	RUN(a_cap_keeps_what_has_lag);
	RUN(other_groups_are_kept_unread);
	return tap_done();
}
