/*
 * group_wait.h - requests that wait for their group: for a rebalance, or for
 * the disk. They outlive their connection, as the membership does.
 */
#ifndef API_GROUP_WAIT_H
#define API_GROUP_WAIT_H

#include <stdint.h>

#include "coord/group.h"

struct request;

/* A token for groups_join() and groups_sync(); lives as long as the request. */
void *group_wait_token(struct request *rq,
	void (*encode)(struct request *rq, const struct group_reply *r));
/* As groups_parts.answer. */
void group_wait_answer(void *token, const struct group_reply *r, uint64_t commit);

/* An encoded reply leaves when `commit` is on disk; 0 = at once. */
void group_wait_finish(struct request *rq, uint64_t commit);

#endif
