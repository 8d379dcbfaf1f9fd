/*
 * dispatch.h - which record is given to which worker, and what its answer, or
 * the lack of one, means. Pure: the clock is an argument, the workers are
 * numbers, nothing is sent here.
 *
 * - Records of one key go to one worker, one after the other: the next when
 *   the one before has its verdict. Records without a key have no order.
 * - A record that failed is tried again after a pause that doubles, unless
 *   its error is permanent; then its failure is its verdict.
 * - When a worker dies, or hangs, what it had is suspected and given again,
 *   one at a time. A suspect with which it dies alone is poison: unless no
 *   record was answered yet, for then it may be the handler that is broken.
 * - Several answers of one record, of which all but the last say so, count
 *   together: when there is a failure among them, or the worker dies, none does.
 * - Verdicts come out in the order of each partition's offsets.
 */
#ifndef MODEL_DISPATCH_H
#define MODEL_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "model/answer.h"
#include "model/inflight.h"
#include "model/record.h"

struct dispatch_options {
	int workers;
	int retries;               /* of a failure that is not permanent */
	int64_t backoff_ms;        /* before the first retry */
	int64_t backoff_max_ms;
	int64_t answer_ms;         /* a worker's oldest record may take so long */
	int ahead;                 /* records that a worker may have unanswered */
};

struct task {
	struct inflight_item at;
	struct record *r;          /* owned */
	int worker;
	int failures;              /* answers with an error, and deaths alone */
	int64_t failed_ms, first_failed_ms; /* wall clock; -1 = did not */
	/*
	 * The verdict, once at.done: an answer's line, its kind; of RECORD one
	 * or several, with an LF between. Before, what came of it so far. Owned.
	 */
	enum answer_kind kind;
	struct buf answer;
	/* private */
	struct list node;
	struct task_key *key;      /* NULL = it has none */
	enum { TASK_BEHIND, TASK_READY, TASK_SENT, TASK_PAUSED, TASK_DONE } state;
	bool suspect;
	int64_t since_ms, again_ms;
};

struct dispatch_worker {
	struct list ready, sent;
	int ready_n, sent_n, suspects;
	int64_t oldest_ms;         /* since when the oldest is the oldest */
	bool tainted;              /* has records that went away: restart it */
};

struct dispatch {
	struct dispatch_options o;
	struct inflight window;
	struct map keys;
	struct dispatch_worker *workers;
	struct list paused;        /* by again_ms */
	int64_t open;              /* tasks without a verdict */
	int64_t answers;           /* that came from workers */
	int64_t bytes;             /* of the records in all tasks, and of what came of them */
};

/* Milliseconds: mono is for time that passes, wall for what is written down. */
struct dispatch_now {
	int64_t mono, wall;
};

void dispatch_init(struct dispatch *d, const struct dispatch_options *o);
void dispatch_release(struct dispatch *d);

/* Takes a copy. False: it does not come behind its partition's last, nothing is done. */
bool dispatch_add(struct dispatch *d, const struct record *r);

/* What the worker is given now, and counts as sent; NULL = nothing, for now. */
struct task *dispatch_next(struct dispatch *d, int worker, int64_t mono_ms);
bool dispatch_wants(const struct dispatch *d, int worker);

/*
 * The worker answered. -1 and ERR_FAILED: it was not given that record, or
 * has answered it already. 1 = this was the verdict, 0 = it is tried again, or
 * there is more to come.
 */
int dispatch_answer(struct dispatch *d, int worker, const struct answer *a,
	struct slice line, struct dispatch_now now, struct err *e);

/*
 * The worker is gone with all that it had, because of why (its class and
 * message), or it broke the rules and was ended. Returns how many records
 * were found to be poison.
 */
int dispatch_died(struct dispatch *d, int worker, const struct answer_error *why,
	struct dispatch_now now);

/* The worker was ended by us: what it had is given again, without suspicion. */
void dispatch_restarted(struct dispatch *d, int worker);

/* Its oldest record has waited too long. */
bool dispatch_overdue(const struct dispatch *d, int worker, int64_t mono_ms);

/* Pauses that are over are. Returns when something is next due; INT64_MAX = never. */
int64_t dispatch_tick(struct dispatch *d, int64_t mono_ms);

/* The next verdict in order; the caller frees it. NULL = none is next. */
struct task *dispatch_pop(struct dispatch *d);
void task_free(struct dispatch *d, struct task *t);

/* The partition is another's now: its records are forgotten. */
void dispatch_forget(struct dispatch *d, struct slice topic, int32_t partition);

#endif
