#include "model/lag_status.h"

#include <string.h>

static int64_t
lag_at(const struct lag_sample *s)
{
	return s->end > s->committed ? s->end - s->committed : 0;
}

/* ---- rates --------------------------------------------------------------------------- */

/* Too short a time gives a rate of one batch, not of a consumer. */
enum { RATE_MIN_MS = 1000 };

static double
rate(int64_t change, int64_t ms)
{
	return (double)change * 1000 / (double)ms;
}

/* Since the commit went back last, if it did. */
static void
set_rates(struct lag_partition *p, const struct lag_history *h)
{
	const struct lag_sample *last = &h->samples[h->n - 1], *first = last;
	const struct lag_sample *oldest = &h->samples[lag_history_first(h)];
	int64_t ms;
	double net;

	while (first > oldest && first[-1].committed <= first->committed)
		first--;
	ms = last->at_ms - first->at_ms;
	if (ms < RATE_MIN_MS)
		return;
	p->consumed_per_s = rate(last->committed - first->committed, ms);
	p->produced_per_s = rate(last->end - first->end, ms);
	net = p->consumed_per_s - p->produced_per_s;
	if (p->lag <= 0)
		p->eta_ms = p->lag;
	else if (net <= 0 || (double)p->lag / net > 3e9)
		p->eta_ms = LAG_NEVER;
	else
		p->eta_ms = (int64_t)((double)p->lag / net * 1000);
}

/* ---- verdicts ------------------------------------------------------------------------- */

static bool
is_rewound(const struct lag_history *h)
{
	int highest = lag_history_highest(h);

	return highest >= 0 && h->samples[h->n - 1].committed <
		h->samples[highest].committed;
}

/* How long the commit is known to have stood still with lag at every look. */
static int64_t
still_ms(const struct lag_history *h, int64_t min_lag)
{
	const struct lag_sample *last = &h->samples[h->n - 1];
	int i = h->n - 1;

	while (i > 0 && h->samples[i - 1].committed == last->committed &&
	    lag_at(&h->samples[i - 1]) > min_lag)
		i--;
	return last->at_ms - h->samples[i].at_ms;
}

/* At sample i lag was more than what is produced in slow_ms, at that time's rate. */
static bool
is_behind(const struct lag_history *h, int i, int64_t slow_ms)
{
	const struct lag_sample *s = &h->samples[i];
	int64_t made = s->end - s[-1].end, ms = s->at_ms - s[-1].at_ms;

	return (double)lag_at(s) * (double)ms > (double)made * (double)slow_ms;
}

static bool
is_slow(const struct lag_history *h, const struct lag_rules *rules)
{
	const struct lag_sample *last = &h->samples[h->n - 1];
	int i = h->n - 1;

	while (i > 0 && lag_at(&h->samples[i - 1]) < lag_at(&h->samples[i]) &&
	    h->samples[i - 1].committed <= h->samples[i].committed)
		i--;
	return h->n - 1 - i >= 2 &&
		last->at_ms - h->samples[i].at_ms >= rules->window_ms &&
		last->committed > h->samples[i].committed &&
		is_behind(h, h->n - 1, rules->slow_ms) &&
		is_behind(h, h->n - 2, rules->slow_ms);
}

static bool
is_watched(const struct lag_history *h, const struct lag_rules *rules)
{
	return h->n > 1 && h->samples[h->n - 1].at_ms - h->samples[0].at_ms >=
		rules->window_ms;
}

/* The verdict on a row that has lag and a commit that may be believed. */
static enum lag_status
judge_lag(const struct lag_partition *p, const struct lag_history *h,
	const struct lag_rules *rules)
{
	bool still = still_ms(h, rules->min_lag) >= rules->window_ms;

	if (is_rewound(h) && !still)
		return LAG_REWOUND;
	if (p->status == LAG_STOPPED)
		return LAG_STOPPED;
	if (still)
		return LAG_STALLED;
	if (is_slow(h, rules))
		return LAG_SLOW;
	return is_watched(h, rules) ? LAG_OK : LAG_UNKNOWN;
}

void
lag_judge(struct lag_partition *p, const struct lag_history *h,
	const struct lag_rules *rules)
{
	static const struct lag_history none;

	if (!h)
		h = &none;
	if (p->lag < 0)
		return;
	if (h->n)
		set_rates(p, h);
	if (p->ahead > 0 || p->lost > 0)
		return;
	if (p->lag <= rules->min_lag || p->reason == LAG_MARKERS ||
	    p->reason == LAG_OPEN_TRANSACTION)
		p->status = LAG_OK;
	else if (h->n)
		p->status = judge_lag(p, h, rules);
	if (p->status == LAG_UNKNOWN && !p->reason)
		p->reason = LAG_NO_HISTORY;
}

void
lag_judge_all(struct lag_snapshot *s, struct lag_histories *h,
	const struct lag_rules *rules)
{
	for (int i = 0; i < s->groups_n; i++) {
		struct lag_group *g = &s->groups[i];

		for (int k = 0; k < g->partitions_n; k++) {
			struct lag_partition *p = &g->partitions[k];
			struct lag_history *one = NULL;

			if (p->lag >= 0) {
				one = lag_history_of(h, slice_str(g->name),
					slice_str(p->topic->name), p->id, true);
				lag_history_add(h, one, s->taken_ms, p->committed,
					lag_log_of(p)->end);
			}
			lag_judge(p, one, rules);
		}
		lag_sum(g);
	}
}
