/*
 * group_offsets.h - the committed offsets of one group: read, set, deleted.
 * KIP-396 (OffsetCommit and OffsetFetch by an admin), KIP-496 (OffsetDelete).
 *
 * The client is a CLIENT_OFFSETS. A call ends after timeout_ms, or when a signal came, with ERR_TEMPORARY.
 * Changes are sent a thousand partitions at a time: librdkafka searches its
 * lists from the front. So a change that fails half way may have been done
 * for the partitions in front.
 */
#ifndef KAFKA_GROUP_OFFSETS_H
#define KAFKA_GROUP_OFFSETS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "kafka/client.h"

struct group_offset {
	char *topic;
	int32_t partition;
	int64_t offset;  /* of the next record to read; -1 = none */
	char *metadata;  /* what the committer wrote beside it; NULL = nothing */
	struct err *why; /* this partition's own failure; NULL = fine */
};

/* `{ 0 }` is the empty list. */
struct group_offsets {
	struct group_offset *items; /* ascending by topic, partition */
	int n, cap;
};

/* Copies; a partition that is there already is replaced. metadata may be NULL. */
void group_offsets_add(struct group_offsets *l, struct slice topic,
	int32_t partition, int64_t offset, const char *metadata);
struct group_offset *group_offsets_find(const struct group_offsets *l,
	const char *topic, int32_t partition);
void group_offsets_release(struct group_offsets *l);

/*
 * All that the group has committed; an unknown group is an empty list, and
 * topics that one may not describe are missing (Kafka does not tell). Offsets
 * that a transaction is about to commit are waited for. A partition the broker
 * fails on has its why, and the call is ERR_PARTIAL.
 */
int group_offsets_get(struct client *c, const char *group, int timeout_ms,
	struct group_offsets *out, struct err *e);

/*
 * Sets the offsets of the list (0 and above); a group that does not exist is
 * made. Only while the group has no members: else ERR_REFUSED, and nothing is
 * changed. Partitions that fail have their why, and the call is ERR_PARTIAL,
 * or the failure itself when all failed alike.
 */
int group_offsets_set(struct client *c, const char *group,
	struct group_offsets *l, int timeout_ms, struct err *e);

/*
 * Forgets the offsets of the partitions in the list. Failures as with
 * group_offsets_set(); ERR_REFUSED when a member subscribes to the topic.
 */
int group_offsets_delete(struct client *c, const char *group,
	struct group_offsets *l, int timeout_ms, struct err *e);

#endif
