/*
 * groups.h - all groups of this broker: registry, deadlines, and their life
 * in the internal topic __consumer_offsets.
 *
 * The topic has Kafka's name, partitioning and record formats. It is made
 * when the first record is written, and read when the first request for any
 * group comes after a start. Every reply that tells of a change has to wait
 * for a commit of the store, and is told which.
 *
 * No sockets and no loop in here: requests are tokens, and time comes from
 * the clock that is given and from groups_tick().
 */
#ifndef COORD_GROUPS_H
#define COORD_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "coord/consumer_group.h"
#include "coord/deadlines.h"
#include "coord/group.h"
#include "coord/offsets.h"

struct config;
struct groups;
struct meta;

/* All borrowed. */
struct groups_parts {
	const struct config *config;
	const struct clock *clock;
	struct meta *meta;
	/* Call groups_tick() at this monotonic time, not at the one said before. */
	void (*wake)(void *arg, int64_t at);
	void *wake_arg;
	/*
	 * What a JoinGroup or SyncGroup gets, in its call or later; the token is
	 * the caller's. To be encoded at once, sent after `commit` (0 = nothing).
	 */
	void (*answer)(void *token, const struct group_reply *r, uint64_t commit);
};

/* Reads nothing yet. */
int groups_open(struct groups **out, const struct groups_parts *parts, struct err *e);
/* Who still waits is answered with an error. No topic is deleted between this and meta_close(). */
void groups_close(struct groups *gs);

/* What is due happens. */
void groups_tick(struct groups *gs);

/*
 * One group with what belongs to it. A group of the consumer protocol has
 * `consumer`; its `group` is Empty then and stands for its id only.
 */
struct group_entry {
	struct groups *groups;
	struct group *group;
	struct consumer_group *consumer; /* NULL = a classic group */
	struct offsets offsets;
	struct list pending; /* struct pending: offsets in open transactions */
	uint64_t commit; /* of its last record: replies wait for this */
	bool stored;     /* the topic has a record of the classic group itself */
	size_t bytes;    /* counted in groups.bytes */
	struct deadline deadline;
};

/*
 * *out NULL: no such group. Loads all groups when that was not done yet, and
 * returns a Kafka error code when it cannot.
 */
int16_t groups_find(struct groups *gs, struct slice id, struct group_entry **out);
/* For (size_t i = 0; (e = groups_next(gs, &i)); ) after groups_find() or groups_load(). */
int16_t groups_load(struct groups *gs);
struct group_entry *groups_next(struct groups *gs, size_t *i);
/* Those that are in memory: looking loads nothing. */
int groups_count(const struct groups *gs);
/* The memory of all of them. */
size_t groups_bytes(const struct groups *gs);

/*
 * Answered through parts.answer with j->token; j->new_id is filled in. Slices
 * are copied as far as they are kept.
 */
void groups_join(struct groups *gs, struct slice id, struct group_join *j);
void groups_sync(struct groups *gs, struct slice id, const struct group_sync *s);

int16_t groups_heartbeat(struct groups *gs, struct slice id, struct slice member_id,
	struct slice instance_id, int32_t generation);

struct groups_leaver {
	struct slice member_id, instance_id;
	int16_t error; /* out */
};

/* *commit: what the reply has to wait for, 0 = nothing. So everywhere below. */
int16_t groups_leave(struct groups *gs, struct slice id,
	struct groups_leaver *leavers, int n, uint64_t *commit);

/* ---- the consumer protocol (KIP-848) ---- */

/*
 * ConsumerGroupHeartbeat: *out is in the arena; *why, of an error, may be
 * NULL. *commit: what the reply has to wait for.
 */
int16_t groups_consumer_heartbeat(struct groups *gs, struct slice id,
	const struct consumer_beat *b, struct arena *a, struct consumer_answer *out,
	const char **why, uint64_t *commit);
/* What is in force for one group. */
struct consumer_limits groups_consumer_limits(const struct groups *gs, struct slice id);

/* One partition of an offset request. */
struct groups_offset {
	struct slice topic;
	struct committed c; /* in a commit; else only the partition counts */
	int16_t error;      /* in: not 0 = leave it alone; out: the result */
};

struct groups_commit {
	struct slice group, member_id, instance_id;
	int32_t generation;    /* or member epoch */
	bool knows_epochs;     /* OffsetCommit 9+ */
	int16_t unknown_group; /* the error when a generation is given and no group is there */
	const struct groups_producer *producer; /* of a transaction, or NULL */
};

/* TxnOffsetCommit: the offsets count once the transaction is committed. */
struct groups_producer {
	int64_t id;
	int16_t epoch;
};

/*
 * Errors are told per partition. In a transaction, a member need not be named;
 * whether the transaction takes offsets of the group was seen to before.
 */
void groups_commit_offsets(struct groups *gs, const struct groups_commit *c,
	struct groups_offset *offsets, int n, uint64_t *commit);
/*
 * The marker for the producer's transaction is in this partition of
 * __consumer_offsets: its offsets become the groups', or go. What tells of
 * them waits for marker_commit.
 */
void groups_end_transaction(struct groups *gs, int32_t partition, int64_t producer_id,
	bool commits, uint64_t marker_commit);
/* Returns the error of the group as a whole. */
int16_t groups_delete_offsets(struct groups *gs, struct slice id,
	struct groups_offset *offsets, int n, uint64_t *commit);
/* The group and its offsets. *commit is raised, for several in a row. */
int16_t groups_delete(struct groups *gs, struct slice id, uint64_t *commit);

#endif
