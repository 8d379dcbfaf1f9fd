/*
 * generic.h - any request, read by its description: what it names, and the
 * reply that refuses it. For fault rules and virtual brokers; a request that
 * meets neither never comes here.
 */
#ifndef NET_GENERIC_H
#define NET_GENERIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct any_message;
struct request;

enum generic_kind { GENERIC_TOPIC, GENERIC_GROUP, GENERIC_TXN };

/* Something that a request is about. */
struct generic_name {
	enum generic_kind kind;
	struct slice text;      /* NUL-ended, in the request's arena */
	int32_t partition;      /* of a topic, -1 = the topic as a whole */
};

struct generic {
	const struct any_message *message;
	void *body;             /* decoded; slices of it borrow the frame */
	struct generic_name *names;
	int names_n;
	bool silent;            /* a Produce with acks=0: nobody reads a reply */
};

/* Inside the handler's time only: reads rq->in without using it up. -1 = malformed. */
int generic_read(struct request *rq, struct generic *g);

/*
 * Writes the reply that says this error, as Kafka's own error replies do: at
 * the topmost place that the reply has for it, for each item asked for where
 * that is within a list. Fetch has it at the top, for sessions.
 */
void generic_refuse(struct request *rq, const struct generic *g, int16_t error);

/* Sets ThrottleTimeMs of the reply that is in rq->out; replies without it stay. */
void generic_throttle(struct request *rq, int32_t ms);

#endif
