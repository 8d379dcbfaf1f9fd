/*
 * redrive_via.h - commands of the user's between a dead letter and its copy:
 * one that mends a batch, one that checks a record.
 */
#ifndef KAFKA_REDRIVE_VIA_H
#define KAFKA_REDRIVE_VIA_H

#include "base/err.h"
#include "kafka/dlq_write.h"

/*
 * Runs `sh -c command` for the batch: it gets a line of kc-record(5) a copy,
 * with the dead letter as src, and answers with lines of the same src, in any
 * order. What it answers is sent; what it leaves out is told (dropped) and is
 * not; it may change key, value, headers and topic. A bad line, or an end
 * other than 0, fails the whole batch. `dlq` is the topic that src names.
 */
int redrive_via(struct dlq_batch *b, const char *dlq, const char *command,
	void (*dropped)(void *arg, const struct dlq_change *c), void *arg,
	struct err *e);

/*
 * Runs `sh -c command` once for each copy, with its line on stdin: what ends
 * with something else than 0 is told (refused) and not sent.
 */
int redrive_check(struct dlq_batch *b, const char *dlq, const char *command,
	void (*refused)(void *arg, const struct dlq_change *c,
	const struct err *why), void *arg, struct err *e);

#endif
