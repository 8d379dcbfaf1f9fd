/*
 * ledger_run.h - one run of a verb that changes things, as the ledger keeps
 * it under the key "run/ID"; pure.
 *
 * What a run was to do is frozen when it begins: the terms of its selection
 * (model/dlq_select) and where the dead-letter topic ended. Going on with it
 * is doing the same again with what is still open.
 */
#ifndef MODEL_LEDGER_RUN_H
#define MODEL_LEDGER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct ledger_run {
	struct slice id;
	struct slice verb;     /* "redrive" */
	struct slice state;    /* "running", "done", "stopped", "failed" */
	struct slice by;       /* "user@host" */
	int64_t pid;
	int64_t since;         /* ms since the epoch */
	int64_t until;         /* 0 = not ended */
	struct slice *select;  /* "class=*Timeout*": terms as dlq_select_add() takes them */
	int select_n;
	struct slice ends;     /* "0:120,1:33": offset behind the last, by partition */
	struct slice to, via;  /* as given; null = none */
	struct slice cluster;  /* id of another one that was sent to; null = none */
	struct slice watch;    /* "orders/0:15,...": copies are behind these, of a run without transactions; null = none */
	struct slice plan;     /* digest of the plan that it does; null = none */
	int64_t selected, sent, parked, discarded, skipped, failed, returned;
};

void ledger_run_key(struct buf *out, struct slice id);
/* True when the key is a run's; *id borrows. */
bool ledger_run_is_key(struct slice key, struct slice *id);
void ledger_run_write(struct buf *out, const struct ledger_run *r);
/* Copies into the arena. ERR_FORMAT. */
int ledger_run_read(struct slice id, struct slice value, struct arena *a,
	struct ledger_run *out, struct err *e);

/* Where partition p ended when the run began; 0 when it had none. */
int64_t ledger_run_end(const struct ledger_run *r, int32_t p);

/* The counts as members, ",\"selected\":5,..."; also for a summary. */
void ledger_run_write_counts(struct buf *out, const struct ledger_run *r);

#endif
