/*
 * pipeline.h - a group's records through a handler: given to coprocesses,
 * answered in any order, and committed once what came of them has arrived.
 *
 * Nothing is sent before its verdict is next in its partition: what came of a
 * batch of records is sent, acknowledged and committed together, in one
 * transaction when there is a transactional id. So a batch that the breaker
 * stops leaves no trace, and a transaction that is aborted is made again from
 * memory.
 */
#ifndef KAFKA_PIPELINE_H
#define KAFKA_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"
#include "cli/out.h"
#include "kafka/consume.h"
#include "model/breaker.h"
#include "model/deadletter.h"
#include "model/dispatch.h"

struct pipeline_options {
	const char *command;       /* for the shell */
	struct dispatch_options dispatch;
	int64_t max_inflight;      /* records without a verdict, about */
	unsigned flags;            /* of the envelope */
	const char *to;            /* where records that come of others go; NULL = out */
	struct out *out;
	const char *dlq;           /* where failed records go; NULL = they end the run */
	enum deadletter_scheme scheme;
	struct breaker *breaker;
	const char *transactional_id; /* NULL = no transactions */
	int64_t count;             /* end after so many records; -1 = not */
	int timeout_ms;            /* of records, as producer_options */
};

struct pipeline_totals {
	int64_t records;           /* read */
	int64_t committed, dead;   /* with a verdict that is committed; failed of these */
	int64_t restarts;          /* of handlers */
};

/*
 * Runs until the end of what is to be read, or a signal. o is completed here
 * (its callbacks). ERR_PARTIAL: some records are in the dead-letter topic, or
 * the breaker tripped; ERR_REFUSED: fenced. Whatever it is, what is not
 * committed comes again. t is always set.
 */
int pipeline_run(const struct conf *conf, struct consume_options *o,
	const struct pipeline_options *p, struct pipeline_totals *t, struct err *e);

#endif
