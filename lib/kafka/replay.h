/*
 * replay.h - records of a topic, or of an archive, once more: where, what,
 * how fast, and so that a run that ends half way can be gone on with.
 *
 * How a run is resumed is its mode; REPLAY_AUTO chooses and says why:
 *
 *	REPLAY_OFFSETS    records, the job's document and the source's offsets in
 *	                  one transaction: within one cluster
 *	REPLAY_CHECKPOINT records and the job's document in one transaction: to
 *	                  another cluster, or from an archive
 *	REPLAY_SCAN       no transactions: behind a crash, the records that were
 *	                  written since the last document are looked for
 *	REPLAY_NONE       nothing is remembered
 *
 * With the first two a read_committed reader sees every record once, whatever
 * is killed; with REPLAY_SCAN every reader does, unless two run at once.
 */
#ifndef KAFKA_REPLAY_H
#define KAFKA_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/conf.h"
#include "kafka/replay_job.h"

struct replay_options {
	const struct conf *source_conf;
	const struct conf *target_conf; /* the same one, or another cluster's */
	/* Of a new job. Of one that goes on, its pace, if it has one, wins. */
	struct replay_spec spec;
	bool step;                      /* each record by a line of stdin */
	enum replay_mode mode;
	const char *name;               /* of a new job; NULL = made up */
	const char *resume;             /* of one that is there */
	bool same_topic, create_like;
	bool allow_gap;                 /* go on where records are gone */
	bool dry_run;                   /* everything but sending */
	int64_t stats_ms;               /* how often stderr is told; 0 = when asked */
	int timeout_ms;
};

/*
 * The whole replay; the account as one JSON object in *summary. ERR_PARTIAL:
 * done, but records were gone (allow_gap) or
 * went to errors_to. ERR_REFUSED: another run of this
 * job has taken over. ERR_TEMPORARY: resume it later.
 */
int replay_run(const struct replay_options *o, struct buf *summary, struct err *e);

/* What replay_run() would do, as one JSON object; nothing is changed. */
int replay_plan(const struct replay_options *o, struct buf *out, struct err *e);

/*
 * Compares what a job should have written with what is there: the account
 * in *summary, a line "missing orders/3/42" a fault in *faults. ERR_NO when
 * anything differs.
 */
int replay_verify(const struct replay_options *o, struct buf *faults,
	struct buf *summary, struct err *e);

/* Has the process of a job on this machine pause, or go on. */
int replay_pause(const struct replay_options *o, struct err *e);

/* "running", "interrupted", "paused", "stopped", "done": with a look at the process. */
const char *replay_job_condition(const struct replay_job *j, int64_t now_ms);

#endif
