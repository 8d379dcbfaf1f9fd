/*
 * named.h - a request may name a partition more than once. It has one answer
 * all the same, and is acted upon once.
 */
#ifndef API_NAMED_H
#define API_NAMED_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct topic;

/* A walk over the partitions that a request names; it must not be interrupted. */
uint64_t named_walk(struct request *rq);

/* Did the walk meet the partition before? One that does not exist is always new. */
bool named_before(const struct topic *t, int32_t partition, uint64_t walk);

#endif
