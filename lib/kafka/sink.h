/*
 * sink.h - the end of an acknowledged pipeline: what its lines' src tells is
 * committed for a group, after the records are acknowledged, or together with
 * them in one transaction.
 *
 *	reader --> filter --> producer + sink
 *
 * A commit covers everything taken so far, and falls between two records,
 * never between two lines of one.
 */
#ifndef KAFKA_SINK_H
#define KAFKA_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "kafka/produce.h"

struct sink_options {
	const struct conf *conf; /* the producer's */
	const char *group; /* a simple group: it may have no members */
	bool txn;          /* the producer has a transactional id */
	int timeout_ms;    /* of the administration; -1 = for ever */
	/* Before offsets are committed: keeps what failed and is not sent again. NULL = nothing */
	int (*keep)(void *user, struct err *e);
	void *user;
};

struct sink;

/*
 * After producer_open(), so that in a transactional pipeline the offsets that
 * are read from here on are settled. ERR_REFUSED when the group has members.
 */
int sink_open(struct sink **out, struct producer *p, const struct sink_options *o,
	struct err *e);

/*
 * A line comes, from src; kc is its member kc, or null. First commits, when
 * that is due and the line begins another record. 1 = send its record, 0 =
 * it was committed before this run, pass over it; -1 and e: the run is over.
 */
int sink_take(struct sink *s, struct slice src, struct slice kc, struct err *e);

/*
 * A barrier comes: a line with nothing but kc, whose member next has
 * "topic/partition": offset for how far the reading is. All lines before it
 * have come. From the first one on, commits are made at barriers only.
 */
int sink_barrier(struct sink *s, struct slice kc, struct err *e);

/*
 * The input is at its end: commits; ERR_FAILED when there were barriers, and
 * none behind the last line: then it was cut.
 */
int sink_finish(struct sink *s, struct err *e);

/*
 * Waits for the records and commits. The caller makes sure that none has
 * failed. -1: what it says, and the run is over; with txn, nothing of the
 * records since the last commit is visible.
 */
int sink_commit(struct sink *s, struct err *e);

/*
 * No line waits: what was taken is committed, though not many times a second.
 * 1 = all is committed, 0 = ask again soon, -1 as sink_commit().
 */
int sink_idle(struct sink *s, struct err *e);

/* Lines passed over because they were committed before. */
int64_t sink_passed(const struct sink *s);

/* Uncommitted records stay uncommitted; an open transaction is aborted. */
void sink_close(struct sink *s);

#endif
