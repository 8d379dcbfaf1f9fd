/*
 * lag_print.h - a lag snapshot as people and programs see it.
 *
 * JSON: an object a partition, a group, or a total, as kc-lag(1) documents;
 * numbers are numbers, what is not known is absent. Tables are for terminals;
 * --columns kafka is the table of Kafka's own script, byte for byte.
 */
#ifndef KAFKA_LAG_PRINT_H
#define KAFKA_LAG_PRINT_H

#include "base/err.h"
#include "cli/out.h"
#include "model/lag.h"
#include "model/lag_history.h"
#include "model/lag_total.h"

/* A row of the snapshot as JSON; rows of groups that do not exist have none. */
int lag_print_json(struct out *o, const struct lag_snapshot *s, struct err *e);
/* One object a group: --summary. */
int lag_print_summary(struct out *o, const struct lag_snapshot *s, struct err *e);

/* A row a group, at most rows_max; -1 = all. */
int lag_print_groups(struct out *o, const struct lag_snapshot *s, int rows_max,
	struct err *e);
/* A row a partition; with the group in front where there are several. */
int lag_print_partitions(struct out *o, const struct lag_snapshot *s,
	struct err *e);

/* --by: totals. */
int lag_print_totals(struct out *o, const struct lag_totals *t, struct err *e);
int lag_print_totals_json(struct out *o, const struct lag_totals *t,
	bool partial, struct err *e);

/* --columns kafka: what kafka-consumer-groups --describe prints. */
int lag_print_kafka(struct out *o, const struct lag_snapshot *s, struct err *e);

/*
 * --since: partitions whose commit or end moved since a run that was since_ms
 * ago or longer, or the oldest remembered; a row or an object each.
 */
int lag_print_since(struct out *o, const struct lag_snapshot *s,
	struct lag_histories *h, int64_t since_ms, bool json, struct err *e);

/* Burrow's answer to /v3/kafka/CLUSTER/consumer/GROUP/status, one a group. */
int lag_print_burrow(struct out *o, const struct lag_snapshot *s,
	struct lag_histories *h, struct err *e);

#endif
