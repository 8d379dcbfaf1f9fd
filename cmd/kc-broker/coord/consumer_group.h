/*
 * consumer_group.h - one group of the consumer protocol (KIP-848): who is in
 * it, what each shall have and has, and the events that change it.
 *
 * The broker assigns. A change of what members want raises the group's
 * epoch; for a new epoch an assignor makes a new target; and each member
 * walks to its target in its own heartbeats:
 *
 *	STABLE ----------> UNREVOKED_PARTITIONS   must give up some first; keeps
 *	   ^   new target           |             its epoch until it has
 *	   |                        v given up
 *	   +----------- UNRELEASED_PARTITIONS     waits for what others still have
 *	    all there
 *
 * Pure: time and topics come in with the turn. Nothing changes in the event
 * itself: it collects records, as they go into __consumer_offsets, and
 * consumer_apply() makes them so once they are in the log. A restart does
 * the same with what it reads there.
 *
 * Members may speak the classic protocol, too, while a group moves from the
 * one to the other: consumer_classic.h.
 */
#ifndef COORD_CONSUMER_GROUP_H
#define COORD_CONSUMER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "coord/group.h"
#include "coord/parts.h"

struct consumer_record;
struct meta;

enum {
	CONSUMER_EPOCH_JOIN = 0,
	CONSUMER_EPOCH_LEAVE = -1,
	CONSUMER_EPOCH_AWAY = -2, /* a static member that comes back */
};

/* Numbers as in the log. */
enum consumer_state {
	CONSUMER_STABLE = 0,
	CONSUMER_UNREVOKED = 1,
	CONSUMER_UNRELEASED = 2,
};

/* What a classic member said that the consumer protocol does not have. */
struct consumer_classic {
	int32_t session_ms;
	struct group_protocol *protocols; /* one block; [0] is the one in use */
	int protocols_n;
};

struct consumer_member {
	struct list node;
	struct slice id;
	struct slice instance_id, rack_id; /* may be null */
	struct slice client_id, client_host;
	struct slice regex;                /* "" or null = none */
	struct slice assignor;             /* null = the group's default */
	struct slice *names;               /* of topics; sorted, each once; one block */
	int names_n;
	int32_t rebalance_ms;              /* -1 = not said yet */
	bool is_classic;
	struct consumer_classic classic;
	bool is_known;                     /* has a record of what it said */

	int32_t epoch, previous_epoch;
	enum consumer_state state;
	struct parts assigned, revoking;
	struct parts target;               /* epochs mean nothing */

	/* Deadlines, monotonic ms: it is fenced when one of them comes. */
	int64_t session_at;
	int64_t rebalance_at; /* to have given up what it must */
	int64_t join_at;      /* classic: to join again */
	int64_t sync_at;      /* classic: to ask for its assignment */
	size_t bytes;
};

/* A pattern that members have, and the topics that matched it. */
struct consumer_regex {
	struct slice pattern;
	struct slice *names; /* sorted */
	int names_n;
	uint64_t version;    /* of meta, then */
};

struct consumer_group {
	struct slice id; /* owned */
	int32_t epoch;
	int64_t hash;          /* of the topics wanted, when the epoch began */
	int32_t target_epoch;
	int64_t target_at;     /* wall ms, 0 = unknown */
	bool is_stored;        /* its epoch has a record */
	bool has_old_metadata; /* a record of kind 4 is there, of Kafka before 4.1 */
	struct list members;
	struct map by_id, by_instance; /* struct consumer_member */
	struct map regexes;            /* struct consumer_regex by pattern */
	uint64_t meta_seen;    /* version of meta that `hash` is of; 0 = look again */
	uint64_t regex_seen;   /* version of meta the regexes were resolved for */
	int64_t regex_at;      /* monotonic ms of that */
	int64_t next_at;       /* not later than the first deadline */
	size_t bytes;          /* of members and regexes */
};

/* What the broker's properties and the group's own settings say. */
struct consumer_limits {
	int32_t session_ms, heartbeat_ms;
	int32_t interval_ms;         /* between two targets */
	int32_t max_size;            /* members */
	const struct assignor *assignor; /* the default */
};

/* One event. */
struct consumer_turn {
	int64_t now, wall;
	struct arena *arena;
	const struct meta *meta;
	struct consumer_limits limits;
	struct consumer_record *first, *last; /* to be stored and applied */
	const char *why; /* of an error; static or in the arena */
};

struct consumer_group *consumer_group_new(struct slice id);
void consumer_group_free(struct consumer_group *g);

struct consumer_member *consumer_group_member(const struct consumer_group *g,
	struct slice id);
struct consumer_member *consumer_group_instance(const struct consumer_group *g,
	struct slice instance_id);
/* As Kafka spells it: "Empty", "Assigning", "Reconciling", "Stable". */
const char *consumer_group_state(const struct consumer_group *g);
/* What most members ask for, or the default. */
const char *consumer_group_assignor(const struct consumer_group *g,
	const struct consumer_limits *l);
bool consumer_group_subscribes(const struct consumer_group *g, struct slice topic);
/* Who has the partition, or still must give it up; NULL = nobody. */
const struct consumer_member *consumer_group_owner(const struct consumer_group *g,
	const struct uuid *topic, int32_t number);

static inline struct consumer_member *
consumer_group_next(const struct consumer_group *g, const struct consumer_member *m)
{
	const struct list *n = m ? m->node.next : g->members.next;

	return n == &g->members ? NULL : container_of(n, struct consumer_member, node);
}

/* The member in hand may be removed. */
#define FOR_CONSUMERS(g, m)                                                 \
	for (struct consumer_member *m##_next,                              \
		*m = consumer_group_next(g, NULL);                          \
		m && (m##_next = consumer_group_next(g, m), true);          \
		m = m##_next)

/* ---- events: consumer_heartbeat.c, consumer_leave.c ---- */

struct consumer_beat {
	struct slice member_id; /* "" = to be made */
	int32_t epoch;
	struct slice instance_id, rack_id;       /* null = as before */
	struct slice client_id, client_host;
	int32_t rebalance_ms;                    /* -1 = as before */
	const struct slice *names;
	int names_n;                             /* -1 = as before */
	struct slice regex, assignor;            /* null = as before */
	const struct parts *owned;               /* NULL = as before */
};

/* What the member is told; borrows the turn's arena. */
struct consumer_answer {
	struct slice member_id;
	int32_t epoch;
	int32_t heartbeat_ms; /* 0 when it left */
	bool has_assignment;
	struct parts assignment;
};

/* Kafka error codes; turn->why says more. */
int16_t consumer_heartbeat(struct consumer_group *g, const struct consumer_beat *b,
	struct consumer_answer *out, struct consumer_turn *t);
int16_t consumer_leave(struct consumer_group *g, const struct consumer_beat *b,
	struct consumer_answer *out, struct consumer_turn *t);
/* A sign of life. */
void consumer_renew(struct consumer_group *g, struct consumer_member *m,
	const struct consumer_turn *t);
/*
 * May this commit be? The epoch is the member's, or one since when it has
 * had the partition. Asked of each partition, because of the latter.
 */
struct consumer_commit {
	struct slice member_id, instance_id;
	int32_t epoch;
	bool is_transactional;
	bool knows_epochs; /* OffsetCommit 9+ */
};
int16_t consumer_check_commit(const struct consumer_group *g,
	const struct consumer_commit *c, const struct uuid *topic, int32_t number);
/* member null = no member asks. */
int16_t consumer_check_fetch(const struct consumer_group *g, struct slice member_id,
	int32_t epoch);

/*
 * Members whose time is over, n of them in the arena. To be fenced;
 * g->next_at is exact when there are none.
 */
struct consumer_member **consumer_expired(struct consumer_group *g,
	const struct consumer_turn *t, int *n);
/* They go, and the group's epoch rises. */
void consumer_fence(struct consumer_group *g, struct consumer_member *const *gone,
	int n, struct consumer_turn *t);

/* ---- records ---- */

/* Takes the next record in; slices are copied. */
void consumer_apply(struct consumer_group *g, const struct consumer_record *r,
	int64_t now);
/* All that there is has been applied: sessions begin. */
void consumer_loaded(struct consumer_group *g, const struct consumer_turn *t);
/* Tombstones for all of it. */
void consumer_bury(const struct consumer_group *g, struct consumer_turn *t);

#endif
