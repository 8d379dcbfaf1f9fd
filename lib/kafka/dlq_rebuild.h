/*
 * dlq_rebuild.h - a ledger that was lost, found again in the headers
 * kc-redrive-of of the copies that were sent.
 *
 * What was discarded, parked or noted left no trace and is open again.
 */
#ifndef KAFKA_DLQ_REBUILD_H
#define KAFKA_DLQ_REBUILD_H

#include <stdbool.h>

#include "base/err.h"
#include "kafka/dlq.h"

/*
 * Reads the topics to their ends; without names, those where the dead letters
 * died. Records that the ledger knows already stay as they are. run->selected
 * counts the entries that are new.
 */
int dlq_rebuild(struct dlq *d, const char *const *topics, int n, bool dry_run,
	struct ledger_run *run, struct err *e);

/*
 * Reads these spans of a cluster for what the run sent, which the ledger does not have:
 * counted in run->selected and sent. The run is written.
 */
struct consume_span;
int dlq_rebuild_spans(struct dlq *d, const struct conf *conf,
	const struct consume_span *spans, int n, struct ledger_run *run,
	struct err *e);

#endif
