/*
 * client_metrics.h - which metrics clients are asked to push (KIP-714): the
 * subscriptions that match a client, and what is remembered of each of them.
 *
 * It is off, and not advertised, unless kc.client.metrics says what becomes
 * of the metrics; Kafka advertises it only with a receiver plugged in.
 */
#ifndef API_CLIENT_METRICS_H
#define API_CLIENT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/uuid.h"

struct broker;
struct client_metrics;
struct request;

struct client_metrics *client_metrics_new(void);
void client_metrics_free(struct client_metrics *m);

bool client_metrics_is_on(const struct broker *b);

/* Is it a list of KEY=PATTERN with Kafka's keys? */
bool client_metrics_is_match(struct slice list);

/* What one client is to push; the strings are in the request's arena. */
struct client_wish {
	int32_t id;           /* changes when what is wished does */
	int32_t interval_ms;
	struct slice *names;  /* prefixes; one empty = all, none = nothing */
	int32_t names_n;
};
void client_metrics_wish(struct request *rq, const struct uuid *client,
	struct client_wish *out);

/* A client; the times are monotonic ms. */
struct client_instance {
	struct uuid id;
	int64_t asked_at, pushed_at; /* INT64_MIN = never */
	bool may_ask;                /* it was told that it knows old wishes */
	bool is_ending;              /* it said that there is no more to come */
};
/* Made when there is none; NULL when there are too many. */
struct client_instance *client_metrics_instance(struct broker *b,
	const struct uuid *id);

#endif
