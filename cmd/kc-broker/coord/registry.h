/*
 * registry.h - the inside of groups.h: entries, the turn of an event, and
 * what follows from it. For groups.c, group_load.c and group_offsets.c.
 */
#ifndef COORD_REGISTRY_H
#define COORD_REGISTRY_H

#include "base/map.h"
#include "coord/consumer_group.h"
#include "coord/groups.h"

/* More groups than this are not remembered, whoever asks. */
enum { GROUPS_MAX = 100000 };
/* Bytes that a group takes with nothing in it: itself, its maps, what malloc adds (measured). */
enum { GROUP_OVERHEAD = 1400 };

struct groups {
	struct groups_parts parts;
	struct map entries; /* struct group_entry by group->id */
	struct list pending; /* struct pending of all groups */
	struct group_limits limits;
	struct deadlines deadlines; /* of the entries, and the sweep */
	struct deadline sweep;      /* when expired offsets are looked for */
	int64_t woken_at;           /* what parts.wake was told last */
	int64_t sweep_ms, retention_ms;
	size_t metadata_max;        /* of an offset, UTF-16 units */
	size_t bytes, bytes_max;    /* of all groups: members and offsets */
	struct consumer_limits consumer;
	bool may_upgrade, may_downgrade; /* between the protocols */
	bool loaded;
	struct groups_loading *loading; /* not all is read yet; group_load.c's */
	struct deadline load;           /* when the next slice is read */
};

struct group_entry *registry_get(const struct groups *gs, struct slice id);
struct group_entry *registry_add(struct groups *gs, struct slice id);
void registry_free(struct group_entry *en);
/* Frees it when there is nothing in it that is worth to be remembered. */
void registry_free_blank(struct group_entry *en);

/* Sets out for an event; the arena is that of the replies. */
void registry_begin(const struct groups *gs, struct group_turn *t, struct arena *a);
/*
 * The end of an event: what the turn collected is done, its arena released.
 * The entry may be gone afterwards. Returns the commit that a reply of this
 * event has to wait for.
 */
uint64_t registry_end(struct group_entry *en, struct group_turn *t);
/* After an event that gives no replies: the deadline follows the group's. */
void registry_follow(struct group_entry *en);

/*
 * group_load.c: reads on, for that long; 0 when all is there, or
 * COORDINATOR_LOAD_IN_PROGRESS. INT64_MAX = to the end.
 */
int16_t group_load_slice(struct groups *gs, int64_t ms);
void group_load_more(struct groups *gs);
/* Has this partition been read to its end? What comes there now is not read again. */
bool group_load_has(const struct groups *gs, int32_t partition);
void group_load_release(struct groups *gs);
/* Calls group_load_more() as soon as others had their turn. */
void registry_load_later(struct groups *gs);

/* Has it no members? */
bool registry_is_empty(const struct group_entry *en);
/* More bytes than this are refused by GROUP_MAX_SIZE_REACHED. */
bool registry_has_room(const struct groups *gs, size_t bytes);

/*
 * groups_consumer.c. A turn of a consumer group; then its records into the
 * log and into the group, and *commit raised to what a reply waits for.
 */
void registry_begin_consumer(const struct group_entry *en, struct consumer_turn *t,
	struct arena *a);
int16_t registry_end_consumer(struct group_entry *en, struct consumer_turn *t);
/* Whose time is over goes. */
void registry_tick_consumer(struct group_entry *en);

/* Tombstones for all that the topic has of the group. */
int16_t registry_bury(struct group_entry *en, uint64_t *commit);

/* group_txn.c: as groups_end_transaction(), of a partition of a topic with n. */
void group_txn_end(struct groups *gs, int32_t partition, int32_t n,
	int64_t producer_id, bool commits, uint64_t marker_commit);

/* For consumer groups, of classic members: groups.c has the others. */
void groups_consumer_join(struct group_entry *en, struct group_join *j);
void groups_consumer_sync(struct group_entry *en, const struct group_sync *s);
int16_t groups_consumer_leave(struct group_entry *en, struct groups_leaver *leavers,
	int n);
/* An Empty consumer group is one no more; it may become a classic one. */
int16_t groups_consumer_drop(struct group_entry *en);

/* group_offsets.c: offsets that expired go, or, given a name, those of a topic. */
void group_offsets_expire(struct group_entry *en, const char *topic);
/* The same with those that are pending: the topic is deleted. */
void group_offsets_forget(struct group_entry *en, const char *topic);

#endif
