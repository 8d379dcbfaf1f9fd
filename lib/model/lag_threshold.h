/*
 * lag_threshold.h - how much is too much: "lag=1000,age=5m,status=stalled".
 * Pure.
 *
 *	lag, lost, ahead, unread   of the group, N or more
 *	age                        of its oldest unread record, TIME or more
 *	eta                        until it has caught up, TIME or more, or never
 *	status                     this one or a worse; see enum lag_status
 */
#ifndef MODEL_LAG_THRESHOLD_H
#define MODEL_LAG_THRESHOLD_H

#include "base/buf.h"
#include "base/err.h"
#include "model/lag.h"

struct lag_thresholds {
	/* -1 = not asked */
	int64_t lag, lost, ahead, unread, age_ms, eta_ms;
	int status;
};

#define LAG_THRESHOLDS_NONE { -1, -1, -1, -1, -1, -1, -1 }

/* ERR_USAGE with what would be right. */
int lag_thresholds_parse(struct slice text, struct lag_thresholds *t,
	struct err *e);

/* Whether the group is over one of them; why gets "lag 1200 >= 1000, age ...". */
bool lag_is_over(const struct lag_thresholds *t, const struct lag_group *g,
	struct buf *why);

/* Whether some row that counts has lag, and an age that is not known. */
bool lag_lacks_age(const struct lag_group *g);

/* "3m12s", "2d4h", "850ms"; "-" for -1, "never" for LAG_NEVER. */
enum { LAG_DURATION_TEXT = 48 };
const char *lag_duration(int64_t ms, char out[LAG_DURATION_TEXT]);

#endif
