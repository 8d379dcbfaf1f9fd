/*
 * rebalance.h - from one generation of a group to the next: the half of the
 * state machine under group.c, which alone includes this. Replies go into
 * the turn; nothing here decides what a request means.
 */
#ifndef COORD_REBALANCE_H
#define COORD_REBALANCE_H

#include "coord/group.h"

void rebalance_set_state(struct group *g, enum group_state s, struct group_turn *t);
/* Something is to happen at this time. */
void rebalance_due(struct group *g, int64_t at);
/* A sign of life: the member's session begins anew. */
void rebalance_renew(struct group *g, struct group_member *m, struct group_turn *t);

struct group_reply *rebalance_reply(struct group_turn *t, void *token, int16_t error,
	struct slice member_id);
/* What the member needs to know of the generation; the leader, of everybody. */
struct group_reply *rebalance_reply_joined(struct group *g, struct group_member *m,
	void *token, struct group_turn *t);
/* Who waits gets the error, and waits no more; nothing when it does not wait. */
void rebalance_answer_join(struct group *g, struct group_member *m, int16_t error,
	struct slice member_id, struct group_turn *t);
void rebalance_answer_sync(struct group_member *m, int16_t error, struct group_turn *t);

/* Removes a member. Its requests are answered: if it lives, it joins anew. */
void rebalance_drop(struct group *g, struct group_member *m, struct group_turn *t);

/* PreparingRebalance begins, from any other state; it may end at once. */
void rebalance_begin(struct group *g, struct group_turn *t);
/* PreparingRebalance ends if everybody is here. */
void rebalance_maybe_complete(struct group *g, struct group_turn *t);
/* The one or the other: members have changed. */
void rebalance_run(struct group *g, struct group_turn *t);

#endif
