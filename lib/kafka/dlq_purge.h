/*
 * dlq_purge.h - the beginning of a dead-letter topic deleted for good
 * (DeleteRecords, KIP-107: only a prefix can go), with its ledger entries.
 */
#ifndef KAFKA_DLQ_PURGE_H
#define KAFKA_DLQ_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kafka/dlq.h"

struct dlq_purge_options {
	bool all;              /* open ones too: to the end as of opening */
	int64_t before_ms;     /* only what is older than this; -1 = any age */
	const char *archive;   /* a new file that gets the records first; NULL = none */
	bool dry_run;
};

/*
 * run->selected counts the records that go. Entries of records that were
 * redriven stay for 30 days: they know how often.
 */
int dlq_purge(struct dlq *d, const struct dlq_purge_options *o,
	struct ledger_run *run, struct err *e);

#endif
