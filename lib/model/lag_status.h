/*
 * lag_status.h - verdicts from a history: who consumes, who falls behind, who
 * stands still. Pure: the newest sample is now.
 *
 * In this order; times are those of observation, since brokers do not tell
 * when a commit was made:
 *
 *	AHEAD    the commit lies beyond the end
 *	LOST     records were deleted unread
 *	OK       lag <= min_lag, or nothing but transaction markers is unread, or
 *	         what is unread waits for a transaction to end
 *	REWOUND  a commit lower than one before it, and not regained since; once
 *	         it has stood still there for `window` it is one of the next two
 *	STOPPED  nobody owns the partition
 *	STALLED  the commit stood still for `window` or longer, with lag at every
 *	         look
 *	SLOW     at three looks in a row over `window` or longer lag grew, though
 *	         commits moved; and at the last two it was more than what is
 *	         produced in `slow`: more than commits in batches explain
 *	UNKNOWN  has lag, and was not watched for `window`
 */
#ifndef MODEL_LAG_STATUS_H
#define MODEL_LAG_STATUS_H

#include "model/lag_history.h"

struct lag_rules {
	int64_t min_lag;     /* up to this, all is well */
	int64_t window_ms;   /* how long to watch before a verdict */
	int64_t slow_ms;
};

#define LAG_RULES_DEFAULT { 0, 30000, 10000 }

/*
 * Sets status, reason, rates and eta of a row whose lag is computed. h holds
 * the samples of earlier runs and this one; NULL = there are none.
 */
void lag_judge(struct lag_partition *p, const struct lag_history *h,
	const struct lag_rules *rules);

/*
 * All rows: adds them to the histories at s->taken_ms, judges, and sums up
 * again. Rows that could not be measured leave their history as it is.
 */
void lag_judge_all(struct lag_snapshot *s, struct lag_histories *h,
	const struct lag_rules *rules);

#endif
