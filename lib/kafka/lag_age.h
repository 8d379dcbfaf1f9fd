/*
 * lag_age.h - how old the oldest unread record of each row is.
 *
 * LAG_AGE_BY_RECORD reads it: one Fetch or two a broker for any number of
 * partitions, of a few KiB each; needs READ on the topic. What is delivered at
 * or after the position is the next unread record, whatever compaction and
 * transactions left there; nothing but the end of the log means that only
 * transaction markers are unread (LAG_MARKERS).
 *
 * LAG_AGE_BY_SEARCH asks for offsets by timestamp, some 30 times; needs
 * DESCRIBE only. See model/lag_search.h for what it finds.
 *
 * LAG_AGE_AUTO reads, and searches for what may not be read.
 */
#ifndef KAFKA_LAG_AGE_H
#define KAFKA_LAG_AGE_H

#include "kafka/client.h"
#include "model/lag.h"

enum lag_age_mode { LAG_AGE_AUTO, LAG_AGE_BY_RECORD, LAG_AGE_BY_SEARCH,
	LAG_AGE_OFF };

/* "auto", "record", "search", "off"; NULL-ended, for an option's choices. */
extern const char *const lag_age_modes[];
enum lag_age_mode lag_age_parse(const char *name);

struct lag_age_options {
	enum lag_age_mode mode;
	int64_t deadline_ms;     /* monotonic: the budget; what is not known by
	                            then has no age */
	int positions_max;       /* with more, none is asked for; -1 = no limit */
};

/*
 * Sets the ages of rows with lag, and sums up again. c is lag_open()'s. A row
 * without READ or over the budget has none. Returns how many positions there
 * are (partitions times the offsets that groups are at).
 */
int lag_age(struct client *c, struct lag_snapshot *s,
	const struct lag_age_options *o);

#endif
