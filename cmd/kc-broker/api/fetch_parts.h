/*
 * fetch_parts.h - which partitions a fetch reads: those that the request
 * names, or those of its session (KIP-227).
 */
#ifndef API_FETCH_PARTS_H
#define API_FETCH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/fetch_session.h"

struct fetch_request;
struct request;

struct fetch_parts {
	struct fetch_part **v; /* in reading order; the list is in the request's arena */
	int n;
	struct fetch_session *session; /* held; whoever is done drops it; or NULL */
	int32_t session_id;   /* for the reply */
	bool full;            /* the reply names every partition */
};

/* Applies the request to its session. 0, or a top-level error. */
int16_t fetch_parts_choose(struct fetch_parts *p, struct request *rq,
	const struct fetch_request *q);

#endif
