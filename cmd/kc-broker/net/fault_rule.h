/*
 * fault_rule.h - one fault rule: a line of words, and what it means.
 *
 *	Produce topic=t nth=3 error=NOT_LEADER_OR_FOLLOWER
 *	any request=100 close after
 *	leader topic=t partition=2 lost for=5s
 *	disk full
 *
 * The first word says what is hit: a request by Kafka's name, `any` request,
 * `coordinator` (every request to a group's or a transaction's), the `leader`
 * of partitions, or the `disk`. Then come conditions, and what happens.
 * kc-broker(8) has the list.
 */
#ifndef NET_FAULT_RULE_H
#define NET_FAULT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct api;

enum fault_target { FAULT_REQUEST, FAULT_COORDINATOR, FAULT_LEADER, FAULT_DISK };

/* What happens; several may. */
struct fault_action {
	int16_t error;         /* 0 = none */
	bool has_error, close, after, drop, lost, loading;
	bool full, eio, nosync; /* of the disk */
	int64_t truncate;      /* bytes of the reply that are sent, -1 = all */
	int64_t delay_ms, throttle_ms, slow_ms;
};

struct fault_rule {
	struct list node;
	int id;
	char *text;            /* as `fault list` shows it */
	enum fault_target target;
	const struct api *api; /* NULL = any */
	/* Conditions; NULL, or -1, where there is none. Names may have * and ?. */
	char *topic, *group, *transactional_id, *client;
	int64_t partition, broker;
	int64_t version_min, version_max;
	int64_t nth, every, request, count;
	double chance;         /* 0 to 1 */
	int64_t seed;
	int64_t for_ms;
	struct fault_action action;
	/* What became of it. */
	int64_t seen, fired;
	int64_t until;         /* monotonic ms, INT64_MAX = for ever */
	uint64_t random;
};

/* Returns owned; NULL with the word that is wrong, and what would be right. */
struct fault_rule *fault_rule_parse(const char *line, struct err *e);
void fault_rule_free(struct fault_rule *r);

#endif
