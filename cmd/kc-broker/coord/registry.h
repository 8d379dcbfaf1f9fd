/*
 * registry.h - the inside of groups.h: entries, the turn of an event, and
 * what follows from it. For groups.c, group_load.c and group_offsets.c.
 */
#ifndef COORD_REGISTRY_H
#define COORD_REGISTRY_H

#include "base/map.h"
#include "coord/groups.h"

/* More groups than this are not remembered, whoever asks. */
enum { GROUPS_MAX = 100000 };

struct groups {
	struct groups_parts parts;
	struct map entries; /* struct group_entry by group->id */
	struct group_limits limits;
	struct deadlines deadlines; /* of the entries, and the sweep */
	struct deadline sweep;      /* when expired offsets are looked for */
	int64_t woken_at;           /* what parts.wake was told last */
	int64_t sweep_ms, retention_ms;
	size_t metadata_max;        /* of an offset, UTF-16 units */
	bool loaded;
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

/* Tombstones for all that the topic has of the group. */
int16_t registry_bury(struct group_entry *en, uint64_t *commit);

/* group_offsets.c: offsets that expired go, or, given a name, those of a topic. */
void group_offsets_expire(struct group_entry *en, const char *topic);

#endif
