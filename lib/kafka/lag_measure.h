/*
 * lag_measure.h - fills model/lag.h's snapshot from a cluster, within a
 * deadline.
 *
 * The requests of a pass, of B brokers, G groups and P partitions that these
 * read: 1 Metadata, B ListGroups, B DescribeGroups; G FindCoordinator and G
 * OffsetFetch in flight together (librdkafka asks for one group at a time), in
 * one connection a broker for each hundred groups, up to three; then
 * ListOffsets of the ends and of the starts, each at most 500 partitions a call
 * and one request a leader. Commits are read before ends
 * are, so that no lag is negative because of our own race; and a partition
 * whose commit is beyond its end is asked for its end once more. One whose
 * leader has moved meanwhile is asked for at the new one, for half the time
 * that is left then.
 *
 * What fails is a row with a reason; only an unreachable cluster is an error.
 */
#ifndef KAFKA_LAG_MEASURE_H
#define KAFKA_LAG_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kafka/client.h"
#include "model/lag.h"

struct lag_measure_options {
	const char *const *names; /* group names, or '^regex'; n 0 = all */
	int names_n;
	const char *const *topics; /* only rows of these; n 0 = all */
	int topics_n;
	int64_t deadline_ms;      /* on the monotonic clock */
	bool committed_only;      /* ends are last stable offsets */
	bool with_stable;         /* these beside the ends */
	bool with_policies;       /* which topics are compacted, of a few at most */
	bool with_instances;      /* one describe a group: see groups.h */
	bool counts_unassigned;
};

/*
 * A handle to measure with: a consumer that joins no group and commits
 * nothing; committed_only sets its isolation level. ERR_USAGE.
 */
int lag_open(struct client **out, const struct conf *conf, bool committed_only,
	struct err *e);

/*
 * Measures once; *out is a new snapshot, that the caller releases, sorted by
 * group name and computed (lag_finish()). Named groups that do not exist are
 * rows with reason LAG_GROUP_GONE. ERR_TEMPORARY when not even the groups
 * could be listed, ERR_USAGE for a bad regular expression. Requests that
 * nobody has answered in time stay with the handle: see lag_is_worn().
 */
int lag_measure(struct client *c, const struct lag_measure_options *o,
	struct lag_snapshot *out, struct err *e);

/* Who measures again should do so with a new handle: request.h says why. */
bool lag_is_worn(const struct lag_snapshot *s);

#endif
