/*
 * lag_total.h - the lag of a group, told by who has it: --by member, host,
 * client, instance or topic. Pure.
 */
#ifndef MODEL_LAG_TOTAL_H
#define MODEL_LAG_TOTAL_H

#include <stdbool.h>

#include "model/lag.h"

enum lag_by { LAG_BY_MEMBER, LAG_BY_CLIENT, LAG_BY_INSTANCE, LAG_BY_HOST,
	LAG_BY_TOPIC };

struct lag_total {
	const struct lag_group *group;
	const char *key;         /* "" = nobody owns the partitions */
	const struct lag_member *member; /* the first, or NULL */
	int partitions_n, failed_n;
	int64_t lag, lost, unread; /* sums; -1 = no row has one */
	int64_t age_ms;          /* the oldest; -1 = none is known */
	enum lag_status status;  /* the worst */
	bool is_ageless;         /* a row has lag, and nobody knows its age */
};

struct lag_totals {
	enum lag_by by;
	struct lag_total *items; /* the most lag first */
	int n;
};

/* Rows that do not count stay out. Borrows from the snapshot. */
void lag_totals_init(struct lag_totals *t, const struct lag_snapshot *s,
	enum lag_by by);
void lag_totals_release(struct lag_totals *t);

/* "member", "host", ...; lag_by_names is NULL-ended, for an option's choices. */
extern const char *const lag_by_names[];
enum lag_by lag_by_parse(const char *name);

#endif
