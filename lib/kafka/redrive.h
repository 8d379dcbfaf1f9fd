/*
 * redrive.h - dead letters sent back: chosen, capped, paced, watched.
 */
#ifndef KAFKA_REDRIVE_H
#define KAFKA_REDRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kafka/dlq.h"
#include "kafka/dlq_write.h"
#include "kafka/redrive_edits.h"
#include "kafka/redrive_hold.h"
#include "kafka/redrive_planned.h"
#include "model/dlq_select.h"
#include "model/ledger_run.h"
#include "model/redrive.h"

enum redrive_newer_mode {
	REDRIVE_NEWER_AUTO, /* park where the target is compacted, else send */
	REDRIVE_NEWER_SEND,
	REDRIVE_NEWER_PARK,
	REDRIVE_NEWER_SKIP, /* stays open */
};

struct redrive_options {
	const struct dlq_select *select;
	struct redrive_form form;     /* form.run is the run's id */
	bool to_retry;                /* to the retry topic of where each died */
	struct slice by;              /* "user@host" */
	const int64_t *ends;          /* of the run that is gone on with; NULL = as of now */
	int64_t limit;                /* -1 = none */
	int64_t max_redrives;         /* of one record; more are parked */
	double rate, bytes_rate;      /* a second; 0 = as fast as it goes */
	int64_t ramp_ms;              /* from nothing to the rate */
	const struct redrive_hold_limit *holds; /* of what readers of the target have left */
	int holds_n;
	int64_t canary;               /* 0 = none: all at once */
	int64_t watch_ms;             /* for returns: after the canary, or at the end */
	double abort_if_returned;     /* per cent */
	enum redrive_newer_mode if_newer; /* of a key that has a newer record */
	struct redrive_edits *edits;  /* only these, and as they are there; NULL = none */
	bool gone;                    /* of edits also those whose dead letter is deleted */
	const char *via, *check;      /* commands: see redrive_via.h; NULL = none */
	bool by_arrival;              /* not in the order in which they died */
	bool payload_origin;          /* key and value of the source record, not of the dead letter */
	struct redrive_plan_writer *plan;   /* with dry_run: what would be done; or NULL */
	const struct redrive_plan *planned; /* this, and nothing else; or NULL */
	bool resumed;                 /* what of the plan is done already is no matter */
	bool dry_run;                 /* everything but sending and writing */
	/* A record that was not sent, and why; state is what became of it. */
	void (*told)(void *arg, int32_t partition, int64_t offset,
		enum ledger_state state, const struct err *why);
	/* Now and then, for progress; or NULL. */
	void (*progress)(void *arg, const struct ledger_run *run);
	void *arg;
};

/*
 * Does it, counting in *run, which is written along. 0 also when some were
 * parked or failed (the counts say so). ERR_NO: too many came back, the rest
 * was not sent. ERR_REFUSED: also a plan that is stale. Others as dlq_commit().
 */
int redrive(struct dlq *d, const struct redrive_options *o,
	struct ledger_run *run, struct err *e);

#endif
