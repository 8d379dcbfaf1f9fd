/*
 * group.h - one consumer group of the classic protocol, as a state machine.
 *
 * Pure: no I/O and no clock. Every event gets a turn, which says what time it
 * is and collects what is to be done: replies to give and whether the group
 * must be written to __consumer_offsets. Requests that wait are opaque tokens.
 *
 *	Empty -> PreparingRebalance -> CompletingRebalance -> Stable
 *	           members (re)join      leader assigns
 *
 * Any change of members leads back to PreparingRebalance; without members the
 * group becomes Empty. Dead is what a deleted group is. Semantics are those of
 * Kafka 4's classic groups (JoinGroup 0-9, SyncGroup 0-5; KIP-345 static
 * members, KIP-394 member ids first, KIP-814 skip assignment).
 */
#ifndef COORD_GROUP_H
#define COORD_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

enum group_state {
	GROUP_EMPTY,
	GROUP_PREPARING,  /* waits for members to join */
	GROUP_COMPLETING, /* waits for the leader's assignment */
	GROUP_STABLE,
	GROUP_DEAD,
};

/* As Kafka spells it: "PreparingRebalance". */
const char *group_state_name(enum group_state s);

/* No deadline. */
#define GROUP_NEVER INT64_MAX

struct group_limits {
	int32_t min_session_ms, max_session_ms;
	int32_t initial_delay_ms; /* how long an Empty group waits for more members */
	int32_t max_size;         /* members */
	int32_t max_protocols;    /* of one member */
	size_t max_pending;       /* ids given out, beyond the number of members */
	size_t max_bytes;         /* of all members' metadata */
};

struct group_protocol {
	struct slice name, metadata;
};

struct group_member {
	struct list node; /* in group.members, in the order of joining */
	struct slice id;  /* all slices are owned */
	struct slice instance_id; /* null = dynamic member */
	struct slice client_id, client_host;
	int32_t rebalance_ms, session_ms;
	struct group_protocol *protocols; /* in order of preference; one block */
	int protocols_n;
	struct slice assignment;
	void *join, *sync; /* tokens of the requests that wait, or NULL */
	bool is_new;       /* has not been in a generation: waits with a limit */
	bool needs_sync;   /* got its JoinGroup reply, has not sent SyncGroup */
	int64_t expires;   /* monotonic ms */
	size_t bytes;      /* counted in group.bytes */
};

struct group {
	struct slice id; /* owned */
	const struct group_limits *limits;
	enum group_state state;
	int64_t state_since;        /* wall ms, -1 = unknown */
	int32_t generation;
	struct slice protocol_type; /* owned, null = never had members */
	struct slice protocol_name; /* owned, null = none chosen */
	struct group_member *leader;
	struct list members;
	struct map by_id, by_instance; /* struct group_member */
	struct map pending;            /* ids given out, not yet joined */
	int joining;                   /* members with a join token */
	size_t bytes;                  /* of all members */

	bool initial;          /* preparing the first generation after Empty */
	bool initial_extended; /* a member came during the delay */
	int64_t initial_left;  /* ms by which the delay may still grow */
	int64_t initial_delay; /* ms of the delay that runs */
	int64_t join_at;       /* end of PreparingRebalance */
	int64_t sync_at;       /* members that have not synced by then go */
	int64_t next_at;       /* not later than the first deadline */
};

/* What a JoinGroup or SyncGroup gets; borrows the group until its next event. */
struct group_reply {
	struct group_reply *next;
	void *token;
	int16_t error;
	int32_t generation;
	struct slice member_id, leader;
	struct slice protocol_type, protocol_name; /* may be null */
	struct slice assignment;                   /* SyncGroup */
	bool skip_assignment;
	struct group_member **members; /* for the leader: everyone; else NULL */
	int members_n;
};

/* One event: time in, actions out. */
struct group_turn {
	int64_t now;  /* monotonic ms */
	int64_t wall; /* ms since the epoch */
	struct arena *arena; /* of the replies */
	struct group_reply *first, *last;
	bool store; /* write the group, and let the replies wait for that */
};

struct group_join {
	struct slice member_id;   /* "" = unknown */
	struct slice instance_id; /* null = dynamic */
	struct slice new_id;      /* the id to give to an unknown member */
	struct slice client_id, client_host, protocol_type;
	const struct group_protocol *protocols;
	int protocols_n;
	int32_t session_ms, rebalance_ms;
	bool needs_id;  /* JoinGroup v4+: unknown members get their id first */
	bool skips;     /* JoinGroup v9+: understands skip_assignment */
	void *token;
};

struct group_assignment {
	struct slice member_id, bytes;
};

struct group_sync {
	struct slice member_id, instance_id;
	int32_t generation;
	struct slice protocol_type, protocol_name; /* null = not checked */
	const struct group_assignment *assignments;
	int assignments_n;
	void *token;
};

/* What a member takes of group_limits.max_bytes. */
size_t group_join_bytes(const struct group_join *j);

/* borrows limits, copies the rest. */
struct group *group_new(struct slice id, const struct group_limits *limits,
	int64_t wall);
/* The tokens must be answered before: group_kill(). */
void group_free(struct group *g);

/* Replies come in the turn, at once or in that of a later event. */
void group_join(struct group *g, const struct group_join *j, struct group_turn *t);
void group_sync(struct group *g, const struct group_sync *s, struct group_turn *t);

/* Return Kafka error codes. */
int16_t group_heartbeat(struct group *g, struct slice member_id,
	struct slice instance_id, int32_t generation, struct group_turn *t);
/* Removes one; after the last of a batch comes group_left(). */
int16_t group_leave(struct group *g, struct slice member_id,
	struct slice instance_id, struct group_turn *t);
void group_left(struct group *g, struct group_turn *t);

/*
 * May this member commit offsets? With generation -1 and no member, only to
 * a group without members. A commit is a sign of life, as a heartbeat is.
 */
int16_t group_check_commit(struct group *g, struct slice member_id,
	struct slice instance_id, int32_t generation, struct group_turn *t);
/* May offsets (of topics not subscribed to) be deleted; may the group be? */
int16_t group_check_offset_delete(const struct group *g);
int16_t group_check_delete(const struct group *g);

/* What is due by t->now happens; g->next_at is exact afterwards. */
void group_tick(struct group *g, struct group_turn *t);

/* The write that t->store asked for failed: nobody has an assignment. */
void group_store_failed(struct group *g, struct group_turn *t);

/* Becomes Dead; everyone who waits gets the error. */
void group_kill(struct group *g, int16_t error, struct group_turn *t);

/*
 * A group as it was stored: group_new(), group_restore(), its members, and
 * group_restored(). Their sessions begin at t->now.
 */
void group_restore(struct group *g, int32_t generation, struct slice protocol_type,
	struct slice protocol_name, int64_t state_since);
void group_restore_member(struct group *g, const struct group_join *j,
	struct slice assignment, struct group_turn *t);
void group_restored(struct group *g, struct slice leader, struct group_turn *t);

/* The metadata that a member gave for the protocol; null when it has none. */
struct slice group_member_metadata(const struct group_member *m, struct slice protocol);

/*
 * Does a member consume the topic? Known for protocol type "consumer" only,
 * whose metadata is a ConsumerProtocolSubscription; metadata that cannot be
 * read counts as yes, and other types as no.
 */
bool group_subscribes(const struct group *g, struct slice topic);

#endif
