/* request.h - one admin request and its answer, for admin and its files. */
#ifndef KAFKA_REQUEST_H
#define KAFKA_REQUEST_H

#include "kafka/admin.h"
#include "kafka/handle.h"

struct request {
	struct client *client;
	rd_kafka_AdminOptions_t *options;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event; /* the answer */
	int timeout_ms;
};

/*
 * What librdkafka is told where a request goes to a group's coordinator. When
 * it has given up such a request, and then finds the coordinator, it uses what
 * it has freed (seen in 2.0.2: rd_kafka_admin_coord_request()). So it is not to
 * give up: whoever waits does, and closes the handle before the hour is over.
 */
enum { REQUEST_NO_LIMIT_MS = 3600000 };

/* op is one of RD_KAFKA_ADMIN_OP_*. */
int request_init(struct request *r, struct client *c, rd_kafka_admin_op_t op,
	const struct admin_options *o, struct err *e);
/* Waits for the answer; it is in r->event. */
int request_wait(struct request *r, struct err *e);
void request_release(struct request *r);

/* The only topic result of an answer, as an error. */
int request_topic_result(struct request *r,
	const rd_kafka_topic_result_t **results, size_t n, struct err *e);

/* The only config resource of an answer; NULL and e on error. */
const rd_kafka_ConfigResource_t *request_resource(struct request *r,
	const rd_kafka_ConfigResource_t **resources, size_t n, struct err *e);

#endif
