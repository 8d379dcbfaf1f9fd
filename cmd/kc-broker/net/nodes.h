/*
 * nodes.h - virtual brokers: one process that looks like several.
 *
 * Each has listeners and a node id of its own; which of them a connection
 * came to is all that is different. Partitions are led, and groups and
 * transactions coordinated, by one of them, chosen by a hash; the first is
 * the controller. With one node b->nodes is 1 and nothing here is asked.
 */
#ifndef NET_NODES_H
#define NET_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"

enum { NODES_MAX = 100, NODES_REPLICAS = 3 };

/* Counted from 0; the node id is b->node_id more. */
int nodes_leader(const struct broker *b, const struct topic *t, int32_t partition);
int nodes_coordinator(const struct broker *b, struct slice key);
/* The one that a request came to. */
int nodes_here(const struct request *rq);

static inline int32_t
nodes_id(const struct broker *b, int node)
{
	return b->node_id + node;
}

/*
 * The ids of a partition's replicas, the leader first; room for
 * NODES_REPLICAS. No data is copied: they are what clients like to see.
 */
int nodes_replicas(const struct broker *b, const struct topic *t, int32_t partition,
	int32_t *ids);
/* Has the node a request came to a replica of this partition? */
bool nodes_has_replica(const struct request *rq, const struct topic *t,
	int32_t partition);
/* Is it the coordinator of this group or transaction? */
bool nodes_coordinates(const struct request *rq, struct slice key);

/* As request_host(), of any node. */
struct slice nodes_host(struct request *rq, int node, int32_t *port);

/*
 * What a request for this partition gets instead of being served: 0, or an
 * error. NOT_LEADER_OR_FOLLOWER at the wrong node or while a fault rule says
 * that the leader is lost; or what the fault rule of the request says.
 */
int16_t nodes_refuse(const struct request *rq, const struct topic *t, int32_t partition);

static inline int16_t
nodes_check(const struct request *rq, const struct topic *t, int32_t partition)
{
	return rq->broker->nodes > 1 || rq->broker->faults ?
		nodes_refuse(rq, t, partition) : 0;
}

/* A fault rule has taken the leader of this partition away. */
bool nodes_lost_leader(const struct broker *b, const struct topic *t, int32_t partition);

/*
 * Is a request to a coordinator at the wrong node? Then it has been answered
 * with NOT_COORDINATOR.
 */
bool nodes_misdirected(struct request *rq);

#endif
