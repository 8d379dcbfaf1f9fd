/*
 * A day of cron: 1,440 runs a minute apart, ten consumers under a load that
 * follows the hour, with bursts, and each way to fail injected once. No false
 * alarm, every incident found by the second run after it began, the state
 * within its cap all the time.
 */
#include "model/lag_status.h"

#include <stdlib.h>

#include "tap.h"

enum { MINUTE = 60000, RUNS = 1440, PARTITIONS = 10, COMMIT_EVERY_S = 5,
	CAP = 16000, LENGTH = 20 };

/* What goes wrong, on which partition, in which minute. */
static const struct incident {
	enum lag_status status;
	int partition, minute;
} incidents[] = {
	{ LAG_STALLED, 0, 100 }, { LAG_SLOW, 1, 300 }, { LAG_STOPPED, 2, 500 },
	{ LAG_REWOUND, 3, 700 }, { LAG_LOST, 4, 900 }, { LAG_AHEAD, 5, 1100 },
	{ LAG_STALLED, 6, 1200 }, { LAG_SLOW, 7, 1300 },
};

enum { INCIDENTS = sizeof(incidents) / sizeof(*incidents) };

struct world {
	double end[PARTITIONS], position[PARTITIONS]; /* of records, and the consumer */
	int64_t committed[PARTITIONS], start[PARTITIONS];
	int64_t now_ms;
	unsigned seed;
};

static double
chance(struct world *w)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (double)(w->seed >> 16 & 0x7fff) / 0x8000;
}

/* Records a second: 0.01 to 200, less at night, ten times as many in a burst. */
static double
load(struct world *w, int p, int second)
{
	double base = p == 9 ? 0.01 : p == 8 ? 0 : 20 * (p + 1);
	int hour = second / 3600;
	double day = hour < 6 ? 0.1 : hour < 20 ? 1 : 0.4;
	bool burst = (second + p * 977) % 5000 < 90;

	return base * day * (burst ? 10 : 1) * (0.5 + chance(w));
}

static const struct incident *
incident_of(int p, int minute)
{
	for (int i = 0; i < INCIDENTS; i++)
		if (incidents[i].partition == p && minute >= incidents[i].minute &&
		    minute < incidents[i].minute + LENGTH)
			return &incidents[i];
	return NULL;
}

/* How much of what is there the consumer takes in this second. */
static double
pace(const struct incident *in, double made)
{
	if (!in)
		return 1e9;
	return in->status == LAG_SLOW ? made * 0.3 :
		in->status == LAG_STALLED || in->status == LAG_STOPPED ? 0 : 1e9;
}

/* What an incident does once, at its beginning. */
static void
begin(struct world *w, const struct incident *in)
{
	int p = in->partition;

	if (in->status == LAG_REWOUND)
		w->position[p] -= 50000;
	if (in->status == LAG_LOST)
		w->start[p] = (int64_t)w->end[p] + 10;
	if (in->status == LAG_AHEAD)
		w->end[p] -= 1000000;
}

static void
second(struct world *w, int s)
{
	w->now_ms += 1000;
	for (int p = 0; p < PARTITIONS; p++) {
		const struct incident *in = incident_of(p, s / 60);
		double made = load(w, p, s), room;
		bool first = in && s == in->minute * 60;

		w->end[p] += made;
		if (first)
			begin(w, in);
		/* what is rewound is read again at twice the pace it was made in */
		room = in && in->status == LAG_REWOUND ? made * 2 : pace(in, made);
		if (in && in->status == LAG_AHEAD)
			room = 0;
		if (w->position[p] < w->end[p])
			w->position[p] += w->end[p] - w->position[p] < room ?
				w->end[p] - w->position[p] : room;
		if (!in && w->position[p] > w->end[p])
			w->position[p] = w->end[p]; /* reset after AHEAD */
		if ((s + p) % COMMIT_EVERY_S == 0 || first)
			w->committed[p] = (int64_t)w->position[p];
		if (in && in->status == LAG_LOST)
			w->committed[p] = w->start[p] - 10;
	}
}

struct run {
	struct lag_topic topic;
	struct lag_log logs[PARTITIONS];
	struct lag_member member;
	struct lag_partition rows[PARTITIONS];
	struct lag_group g;
	struct lag_snapshot s;
};

static void
look(struct run *r, const struct world *w, int minute)
{
	*r = (struct run){ 0 };
	r->topic = (struct lag_topic){ .name = "t", .logs = r->logs, .logs_n = PARTITIONS };
	r->member = (struct lag_member){ "m", "c", "/h", NULL, PARTITIONS };
	r->g = (struct lag_group){ .name = "g", .state = "Stable", .protocol = "classic",
		.members = &r->member, .members_n = 1, .partitions = r->rows,
		.partitions_n = PARTITIONS };
	r->s = (struct lag_snapshot){ .groups = &r->g, .groups_n = 1, .taken_ms = w->now_ms };
	for (int p = 0; p < PARTITIONS; p++) {
		const struct incident *in = incident_of(p, minute);

		r->logs[p] = (struct lag_log){ w->start[p], (int64_t)w->end[p], -1, 0,
			LAG_NO_REASON, NULL, true };
		r->rows[p] = lag_row(&r->topic, p);
		r->rows[p].committed = w->committed[p];
		r->rows[p].member = in && in->status == LAG_STOPPED ? NULL : &r->member;
	}
	lag_finish(&r->s);
}

static bool
is_alarm(enum lag_status s)
{
	return s != LAG_OK && s != LAG_UNKNOWN;
}

/* A verdict may outlive its incident by as many looks as a ring remembers. */
static bool
is_expected(int p, int minute, enum lag_status s)
{
	for (int i = 0; i < INCIDENTS; i++)
		if (incidents[i].partition == p && minute >= incidents[i].minute &&
		    minute < incidents[i].minute + LENGTH + 2)
			return s == incidents[i].status || s == LAG_STALLED;
	return false;
}

static void
a_day_of_cron(void)
{
	struct world w = { .now_ms = 1795438645423, .seed = 42 };
	static int found[INCIDENTS];
	struct buf file = BUF_INIT;
	const struct lag_rules rules = LAG_RULES_DEFAULT;
	int false_alarms = 0, runs = 0;

	for (int p = 0; p < PARTITIONS; p++)
		w.end[p] = w.position[p] = 2000000;
	for (int minute = 0; minute < RUNS; minute++) {
		struct lag_histories h = { 0 };
		struct err e = ERR_INIT;
		struct run r;

		for (int s = 0; s < 60; s++)
			second(&w, minute * 60 + s);
		CHECK(!lag_histories_read(&h, buf_slice(&file), &e));
		look(&r, &w, minute);
		lag_judge_all(&r.s, &h, &rules);
		for (int p = 0; p < PARTITIONS; p++) {
			enum lag_status s = r.rows[p].status;

			if (is_alarm(s) && !is_expected(p, minute, s)) {
				false_alarms++;
				printf("# minute %d, partition %d: %s\n", minute, p,
					lag_status_name(s));
			}
		}
		for (int i = 0; i < INCIDENTS; i++)
			if (!found[i] && r.rows[incidents[i].partition].status ==
			    incidents[i].status && minute >= incidents[i].minute)
				found[i] = minute - incidents[i].minute + 1;
		buf_clear(&file);
		CHECK_INT(lag_histories_write(&h, 0, CAP, &file), 0);
		CHECK(file.len <= CAP);
		lag_histories_release(&h);
		runs++;
	}
	CHECK_INT(runs, RUNS);
	CHECK_INT(false_alarms, 0);
	for (int i = 0; i < INCIDENTS; i++) {
		printf("# %s found in run %d\n", lag_status_name(incidents[i].status),
			found[i]);
		CHECK(found[i] == 1 || found[i] == 2);
	}
	printf("# state: %zu bytes\n", file.len);
	buf_release(&file);
}

int
main(void)
{
	RUN(a_day_of_cron);
	return tap_done();
}
