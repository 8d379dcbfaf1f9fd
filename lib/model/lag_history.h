/*
 * lag_history.h - what earlier runs saw of each partition of each group, and
 * its form in the state file. Pure.
 *
 * A history is a ring of at most LAG_SAMPLES samples, the oldest first. Two
 * samples are LAG_SAMPLE_APART or more apart, but for the newest, which is
 * replaced until it is; of a run of samples that are alike but for their time
 * the first and the last are kept. So a loop of kc-lag every second and a cron
 * job every hour both keep something to judge by, and what stands still costs
 * two samples. But the highest commit is kept, whenever it was seen, for as
 * long as the commit lies below it: who went back has that to regain.
 *
 * In the file a line is a JSON object:
 *
 *	{"group":"g","topic":"t","partition":0,"samples":[T,C,E,t,c,e,...]}
 *
 * time (ms), committed, end of the first sample, then for each next one the
 * differences to the one before.
 */
#ifndef MODEL_LAG_HISTORY_H
#define MODEL_LAG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/slice.h"
#include "model/lag.h"

enum { LAG_SAMPLES = 12, LAG_SAMPLE_APART = 5000 };

struct lag_sample {
	int64_t at_ms;       /* wall clock of the run that saw it */
	int64_t committed, end;
};

struct lag_history {
	struct lag_history *next;
	struct slice group, topic;
	int32_t partition;
	int n, cap;
	struct lag_sample *samples;
};

/*
 * A list in the order of the first run's rows, and of the file: who looks the
 * rows of a snapshot up, in their order, finds each behind the one before, and
 * needs no map. There is one as soon as something is not there.
 */
struct lag_histories {
	struct arena arena;
	struct lag_history *first, *last;
	struct lag_history *found; /* by the latest search; NULL = before the first */
	struct map by_name;  /* group NUL topic NUL partition -> history */
	bool is_mapped;      /* all of the list are in by_name */
	struct buf key;      /* scratch: such a name */
	/* NULL, or the groups of this run, a map of their names: lines of others
	   are kept as they are, unread */
	const struct map *groups;
	struct buf others;
};

void lag_histories_release(struct lag_histories *h);

/* NULL when there is none; with make, it is made. */
struct lag_history *lag_history_of(struct lag_histories *h, struct slice group,
	struct slice topic, int32_t partition, bool make);

/*
 * Adds what a run saw. A sample that is not newer than what is there means
 * that the clock was set back: what lies after it is forgotten.
 */
void lag_history_add(struct lag_histories *all, struct lag_history *h,
	int64_t at_ms, int64_t committed, int64_t end);

/* The oldest sample of the log that is there now: where its end fell, it is another. */
int lag_history_first(const struct lag_history *h);
/* That with the highest commit in this log; -1 = none. One beyond the end is no place. */
int lag_history_highest(const struct lag_history *h);

/*
 * Reads a file. ERR_FORMAT with the line that is wrong: what stood before it
 * is kept, the rest is not read.
 */
int lag_histories_read(struct lag_histories *h, struct slice text, struct err *e);

/*
 * Appends the file, at most max bytes. What was seen last before forget_ms is
 * left out; when the rest does not fit, partitions that had no lag are left
 * out first, and lines of other groups where they take half of it.
 * Meanwhile another thread may search, and make none.
 * Returns how many of this run's were left out for want of room.
 */
int lag_histories_write(const struct lag_histories *h, int64_t forget_ms,
	size_t max, struct buf *out);

#endif
