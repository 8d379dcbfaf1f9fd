/*
 * transaction.h - records and source offsets in one transaction (KIP-98,
 * KIP-447).
 *
 * The producer is kafka/produce's, opened with a transactional_id: opening it
 * aborts what an older run with that id left open, waits for what that run
 * was committing, and fences it. Therefore: open the producer first, then
 * read the committed offsets, then begin.
 *
 * Each call obeys what librdkafka says of an error: "retriable" is the same
 * call again, "abort" is an abort, "fatal" is the end of this producer. An
 * end that was not confirmed is never taken for an abort.
 *
 * A signal leaves a call PRODUCER_STOP_MS to end in order; the caller decides
 * whether it commits or aborts.
 */
#ifndef KAFKA_TRANSACTION_H
#define KAFKA_TRANSACTION_H

#include <stdbool.h>

#include "base/err.h"
#include "kafka/group_offsets.h"
#include "kafka/produce.h"

struct consume;

/* The group whose offsets travel with the transaction. */
struct txn_source {
	const char *group;
	/*
	 * The group's real member that the records came from: a member that
	 * the group has moved on without cannot commit. NULL = a simple group.
	 * Kafka accepts that also while the group has members: see to it that
	 * it has none.
	 */
	struct consume *member;
};

/* No transaction is open. Only local; -1 = this producer is at its end. */
int txn_begin(struct producer *p, struct err *e);
bool txn_is_open(const struct producer *p);

/*
 * Waits for the records, adds the offsets, commits.
 *  0  committed
 * -1  ERR_TEMPORARY: aborted, and worth another try: read_committed readers
 *     see nothing of it; go back to the committed offsets and begin again.
 *     Where even the abort, or the commit, was not confirmed in time, the
 *     next txn_begin() fails, with ERR_TEMPORARY too: end, and the next run's
 *     opening settles it.
 *     ERR_REFUSED: fenced by a newer run, or not allowed. End.
 *     Others: aborted, and it would fail again. ERR_FAILED: a record failed.
 * source NULL, or no offsets: records only. Offsets of topics that this
 * cluster does not have are ERR_NOT_FOUND.
 *
 * One record that fails makes the transaction fail; on_failure tells of it,
 * and not of those that are dropped with it. Kafka refuses batches as a
 * whole: then all records of the batch are told. An acknowledgement (on_ack)
 * is no commit; producer_totals() counts as acked what was committed.
 */
int txn_commit(struct producer *p, const struct txn_source *source,
	const struct group_offsets *offsets, struct err *e);

/* Why the producer is at its end: a newer one has its transactional id. */
bool txn_is_fenced(const struct producer *p);

/*
 * That nobody is a member of the group, before it is used as a simple one:
 * else ERR_REFUSED. (A transaction of no member could commit nevertheless.)
 */
int txn_check_group(struct producer *p, const char *group, struct err *e);

/* 0: nothing of it is visible. No-op when none is open. -1 as txn_commit(). */
int txn_abort(struct producer *p, struct err *e);

#endif
