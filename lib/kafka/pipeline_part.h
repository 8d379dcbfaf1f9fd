/* pipeline_part.h - the inside of pipeline.h, for pipeline*.c. */
#ifndef KAFKA_PIPELINE_PART_H
#define KAFKA_PIPELINE_PART_H

#include "base/arena.h"
#include "cli/coprocess.h"
#include "kafka/pipeline.h"
#include "kafka/produce.h"

struct handler {
	struct coprocess process;
	int64_t start_ms;          /* not before; monotonic */
	bool answered;             /* since it was started */
	int deaths;                /* in a row, without an answer between */
};

struct pipeline {
	struct pipeline_options o;
	struct pipeline_totals totals;
	const char *group;
	struct consume *in;
	struct producer *producer; /* NULL = nothing is sent */
	struct dispatch dispatch;
	struct handler *handlers;
	int deaths;                /* of all handlers, in a row without an answer */
	struct answer_reader reader, outcome;
	struct buf line;           /* scratch */
	struct arena arena;        /* of dead letters, until they are sent */

	struct task **batch;       /* verdicts in order, not committed */
	int batch_n, batch_cap;
	int aborts;                /* of the same batch, in a row */
	int64_t commit_ms;         /* the last, or the last attempt; monotonic */
	bool reading;              /* more may be read */
	struct err failure;        /* ends the run, without a commit */
};

int64_t pipeline_mono(void);

/* ---- handlers (pipeline_handler.c) ---- */

/* Starts what is needed, gives what may be given, ends what hangs. */
int pipeline_feed(struct pipeline *p, struct err *e);
/* Takes the answers that are there. */
int pipeline_answers(struct pipeline *p, int worker, struct err *e);
/* When something is next due. */
int64_t pipeline_due(struct pipeline *p);
/* Handlers that hold records of partitions that went away start anew. */
void pipeline_restart_tainted(struct pipeline *p);
void pipeline_end_handlers(struct pipeline *p, int grace_ms);

/* ---- verdicts (pipeline_commit.c) ---- */

/* Sends what came of all verdicts that are next, and commits them. */
int pipeline_commit(struct pipeline *p, struct err *e);
/*
 * Commits also what is committed: when a twin with our transactional id has
 * taken over, that is ERR_REFUSED. Without transactions it does nothing.
 */
int pipeline_commit_again(struct pipeline *p, struct err *e);
bool pipeline_has_verdicts(const struct pipeline *p);
void pipeline_drop(struct pipeline *p, const char *topic, int32_t partition);
void pipeline_drop_batch(struct pipeline *p);

#endif
