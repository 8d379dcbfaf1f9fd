/* dlq_origin.h - the source record of a dead letter, read again where it died. */
#ifndef KAFKA_DLQ_ORIGIN_H
#define KAFKA_DLQ_ORIGIN_H

#include "base/arena.h"
#include "base/err.h"
#include "kafka/dlq.h"

/*
 * *out is the dead letter with the source's key, value and headers, behind
 * which stay the headers of its death; it lives in the arena. ERR_NOT_FOUND when the
 * origin is not told or no longer there.
 */
int dlq_origin(struct dlq *d, const struct dlq_record *x, struct arena *a,
	struct record *out, struct err *e);

#endif
