/*
 * dlq_mark.h - dead letters put into another state, without sending
 * anything: discard, park, restore, note.
 */
#ifndef KAFKA_DLQ_MARK_H
#define KAFKA_DLQ_MARK_H

#include <stdbool.h>

#include "base/err.h"
#include "kafka/dlq.h"
#include "model/dlq_select.h"
#include "model/ledger_run.h"

struct dlq_mark_options {
	const struct dlq_select *select;
	bool keep_state;           /* only the note is new */
	enum ledger_state state;   /* the new one, else */
	struct slice note;         /* null = the one that is there stays */
	struct slice by;           /* "user@host" */
	const int64_t *ends;       /* see struct dlq_scan */
	bool dry_run;              /* count only, in run->selected */
	/* Each record that changes; or NULL. */
	void (*told)(void *arg, int32_t partition, int64_t offset,
		enum ledger_state state);
	void *arg;
};

/* In one transaction for each ten thousand; run->selected counts them. */
int dlq_mark(struct dlq *d, const struct dlq_mark_options *o,
	struct ledger_run *run, struct err *e);

#endif
