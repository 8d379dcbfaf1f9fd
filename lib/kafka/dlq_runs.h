/*
 * dlq_runs.h - what was done with a dead-letter topic, run by run, and how
 * much of it came back.
 */
#ifndef KAFKA_DLQ_RUNS_H
#define KAFKA_DLQ_RUNS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/out.h"
#include "kafka/dlq.h"

/* One line: {"run":"...","verb":"redrive",...,"selected":5,"sent":5,...} */
void dlq_runs_put(struct buf *out, const struct ledger_run *r, bool dry_run);

/*
 * Opens d as o says and prints its runs, the oldest first; id NULL = all. What
 * came back since is counted too. ERR_NOT_FOUND when there is no run of that id.
 */
int dlq_runs(struct dlq *d, const struct conf *conf, const struct dlq_options *o,
	const char *id, bool json, struct out *out, struct err *e);

#endif
