/*
 * consumer_classic.h - the two protocols of consumers meet: members of a
 * consumer group that speak the classic one, and groups that turn from the
 * one kind into the other (KIP-848, "online upgrade and downgrade").
 *
 * A classic member's generation is its epoch. It walks to its target by
 * joining again, which a heartbeat tells it to do; what it owns is in its
 * ConsumerProtocolSubscription, and what it gets is made into a
 * ConsumerProtocolAssignment.
 */
#ifndef COORD_CONSUMER_CLASSIC_H
#define COORD_CONSUMER_CLASSIC_H

#include "coord/consumer_group.h"
#include "coord/group.h"

/* ---- classic requests to a consumer group that has members ---- */

/* What a JoinGroup comes to. */
struct consumer_joined {
	struct slice member_id;
	int32_t generation;
	struct slice protocol_name;
	/* Not NULL: the group shall be a classic one, with `member` in its place. */
	struct consumer_member *replaced;
	struct consumer_member member;
	bool rebalances; /* as a classic group it must, from the start */
};

int16_t consumer_classic_join(struct consumer_group *g, const struct group_join *j,
	bool may_downgrade, struct consumer_joined *out, struct consumer_turn *t);
/* Once its records are applied: the member's time runs. */
void consumer_classic_joined(struct consumer_group *g, const struct consumer_joined *j,
	const struct consumer_turn *t);
/* *assignment in the arena. */
int16_t consumer_classic_sync(struct consumer_group *g, const struct group_sync *s,
	struct slice *assignment, struct consumer_turn *t);
int16_t consumer_classic_heartbeat(struct consumer_group *g, struct slice member_id,
	struct slice instance_id, int32_t generation, struct consumer_turn *t);
/* By either id, as LeaveGroup names them; *out is who it is. */
int16_t consumer_classic_leaver(const struct consumer_group *g, struct slice member_id,
	struct slice instance_id, struct consumer_member **out);

/* ---- conversion ---- */

/* Do only classic members stay when these go? */
bool consumer_leaves_classic(const struct consumer_group *g,
	struct consumer_member *const *gone, int n);
/*
 * A Stable classic group, owned, with the targets as assignments, without
 * who goes; `joined` may be NULL.
 */
struct group *consumer_to_classic(const struct consumer_group *g,
	struct consumer_member *const *gone, int n, const struct consumer_joined *joined,
	const struct group_limits *limits, const struct meta *meta, struct group_turn *t);
/* The records of a consumer group as the classic one is. GROUP_ID_NOT_FOUND and t->why. */
int16_t consumer_from_classic(const struct group *classic, struct consumer_turn *t);

#endif
