/*
 * groups.h - consumer groups as their coordinators see them: states, members,
 * assignments.
 *
 * groups_list() asks every broker once for its groups and once for all of
 * them described (ListGroups and DescribeGroups v0, as the batching
 * rd_kafka_list_groups() sends them): two requests a broker for any number of
 * groups. Version 0 knows no instance ids, and no groups of the new protocol
 * (KIP-848): those come back as Dead and are then asked for once more by
 * ListGroups v4, which has their states, and where librdkafka can (from 2.10)
 * by ConsumerGroupDescribe, which has their members. Brokers leave out,
 * silently, groups that the user may not describe.
 *
 * groups_describe() asks for each group (FindCoordinator and DescribeGroups
 * v4): the errors of each, and instance ids.
 */
#ifndef KAFKA_GROUPS_H
#define KAFKA_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kafka/client.h"

struct group_assigned {
	const char *topic;
	int32_t partition;
};

struct group_member {
	const char *id, *client_id, *host;
	const char *instance_id;  /* NULL = dynamic, or not asked */
	struct group_assigned *assigned; /* by topic, partition */
	int assigned_n;
};

struct group {
	const char *name;
	const char *state;        /* "Stable", "Empty", "Dead" = there is none */
	const char *protocol;     /* "classic", "consumer" (KIP-848), "share",
	                             "connect", ...; "" = not known */
	const char *assignor;     /* "range"; "" = none */
	const char *coordinator;  /* "host:port"; "" = not known */
	int32_t coordinator_id;   /* -1 = not known */
	struct group_member *members;
	int members_n;            /* -1 = cannot be had */
	struct err *why;          /* NULL, or why it could not be described */
};

struct groups {
	struct arena arena;       /* all that the groups point to */
	struct group *items;      /* ascending by name */
	int n;
	bool partial;             /* not every broker answered in time */
};

/* All groups. ERR_TEMPORARY when no broker answered. */
int groups_list(struct client *c, int timeout_ms, struct groups *out, struct err *e);

/*
 * The groups named, no name twice. One that does not exist, or is of the new
 * protocol, has the state Dead; one that fails has its own `why`.
 */
int groups_describe(struct client *c, const char *const *names, int n,
	int timeout_ms, struct groups *out, struct err *e);

struct group *groups_find(const struct groups *l, const char *name);
void groups_release(struct groups *l);

#endif
