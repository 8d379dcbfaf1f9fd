/*
 * metrics.h - what the broker counts, and Prometheus' text of it.
 *
 * Counters are plain numbers on the loop; logs, commits and groups count for
 * themselves and are asked when somebody looks. Where Kafka's JMX exporter
 * dashboards expect a name, it is that name; ours begin with kc_broker_.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct broker;
struct request;

enum { METRICS_VERSIONS = 32, METRICS_STEPS = 12 };

/* Of one kind of request. */
struct metrics_api {
	uint64_t requests[METRICS_VERSIONS]; /* by version */
	uint64_t done[METRICS_STEPS + 1];    /* replies, by the time they took */
	int64_t total_ms;
};

/* What had been counted at a time. */
struct metrics_sample {
	int64_t at; /* mono ms, 0 = none yet */
	int64_t requests, records_in, bytes_in, bytes_out;
};

struct metrics {
	/* Some ten seconds old, and up to ten seconds younger than that. */
	struct metrics_sample before, last;
	struct metrics_api *apis;   /* by row of api_table() */
	uint64_t connections, disconnections, bytes_in, bytes_out;
	int64_t throttled, throttled_ms;
	int64_t started_at;         /* wall ms */
};

void metrics_init(struct metrics *m, int64_t now_wall);
void metrics_release(struct metrics *m);
/* A request came; its reply is complete. */
void metrics_begin(struct request *rq);
void metrics_end(struct request *rq);

/* Sums that both the text and `kc-broker status` show. */
struct metrics_totals {
	int topics, partitions, partitions_internal;
	int64_t log_bytes, records_in, bytes_in, bytes_out, appends;
	uint64_t requests;
	int groups, transactions; /* the latter that are open */
};
void metrics_sum(struct broker *b, struct metrics_totals *t);
/* Every second or so. */
void metrics_tick(struct broker *b);
/* Per second, of late: between ten and twenty seconds, or since the start. */
struct metrics_sample metrics_rates(const struct broker *b,
	const struct metrics_totals *t);

/* Prometheus' text format 0.0.4. */
void metrics_write(struct broker *b, struct buf *out);

#endif
