/*
 * members.h - who is in a group: the bookkeeping under the state machine.
 * Nothing here changes a group's state or answers a request.
 */
#ifndef COORD_MEMBERS_H
#define COORD_MEMBERS_H

#include "coord/group.h"

/* An id that was given out by MEMBER_ID_REQUIRED and has not come back yet. */
struct group_pending {
	struct slice id; /* owned */
	int64_t expires; /* monotonic ms */
};

/* A copy, to be released with slice_free(); null stays null. */
struct slice slice_own(struct slice s);
void slice_free(struct slice *s);

static inline struct group_member *
members_first(const struct group *g)
{
	return list_is_empty(&g->members) ? NULL
		: container_of(g->members.next, struct group_member, node);
}

static inline struct group_member *
members_next(const struct group *g, const struct group_member *m)
{
	return m->node.next == &g->members ? NULL
		: container_of(m->node.next, struct group_member, node);
}

/* The member in hand may be removed. */
#define FOR_MEMBERS(g, m)                                                 \
	for (struct group_member *m##_next, *m = members_first(g);        \
		m && (m##_next = members_next(g, m), true); m = m##_next)

/* Array and bytes in one block. */
struct group_protocol *members_copy_protocols(const struct group_protocol *p, int n);

struct group_member *members_get(const struct group *g, struct slice id);
struct group_member *members_of_instance(const struct group *g, struct slice instance_id);
/* The first member becomes leader and decides the protocol type. */
struct group_member *members_add(struct group *g, const struct group_join *j,
	struct slice id);
/* Its tokens must be answered before. A leader's place goes to the eldest. */
void members_remove(struct group *g, struct group_member *m);
void members_update(struct group *g, struct group_member *m, const struct group_join *j);
/* The member continues under another id (a static one that restarted). */
void members_rename(struct group *g, struct group_member *m, struct slice id);

void members_wait_join(struct group *g, struct group_member *m, void *token);

struct group_pending *members_pending(const struct group *g, struct slice id);
void members_add_pending(struct group *g, struct slice id, int64_t expires);
void members_remove_pending(struct group *g, struct group_pending *p);

/* The longest of all members. */
int32_t members_rebalance_ms(const struct group *g);
/* Has it the same protocols, metadata included, as this request? */
bool members_match(const struct group_member *m, const struct group_join *j);
/* Is there a protocol of the request that every member has? */
bool members_support(const struct group *g, const struct group_join *j);
/* Of those that every member has, the one that most members prefer; borrows. */
struct slice members_vote(const struct group *g);

#endif
