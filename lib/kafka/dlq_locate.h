/*
 * dlq_locate.h - where dead letters without headers came from: a source topic
 * is searched for the same bytes.
 *
 * The value must be the same, and the key where the dead letter has one. Of
 * several, the last one that is not younger than the dead letter is meant;
 * deadletter.warning says that it was found, and among how many.
 */
#ifndef KAFKA_DLQ_LOCATE_H
#define KAFKA_DLQ_LOCATE_H

#include <stdint.h>

#include "base/err.h"
#include "kafka/dlq.h"
#include "model/dlq_select.h"

struct dlq_located;

struct dlq_locate_options {
	const struct dlq_select *select;
	const char *source;  /* the topic that is searched */
	int64_t since_ms;    /* from this time on; -1 = a day before the oldest dead letter */
};

/*
 * Reads what is selected and names no origin, then the source. Says on stderr
 * what it found. returns owned in *out
 */
int dlq_locate(struct dlq *d, const struct dlq_locate_options *o,
	struct dlq_located **out, struct err *e);
/* Fills in the origin of d when x was found; warning is built in the arena. */
void dlq_located_apply(const struct dlq_located *l, const struct record *r,
	struct deadletter *d, struct arena *a);
void dlq_located_free(struct dlq_located *l);

#endif
