/*
 * consume_acks.h - a group's records to a pipeline whose end tells what is
 * done: lines go out, acknowledgements (model/ack) come back in any order, and
 * each partition is committed up to the first record without one.
 */
#ifndef KAFKA_CONSUME_ACKS_H
#define KAFKA_CONSUME_ACKS_H

#include "base/buf.h"
#include "kafka/consume.h"

struct consume_acks {
	const char *from;          /* path of a FIFO, or fd:N */
	int64_t max_inflight;      /* records without an acknowledgement */
	int64_t drain_ms;          /* at the end and at a rebalance, for the rest */
	int64_t count;             /* end after so many records; -1 = not */
	/* Appends a record's line. */
	int (*write)(void *user, struct record *r, struct buf *out, struct err *e);
	/* Appends a line that says how far the reading is; NULL = without. */
	void (*barrier)(void *user, struct consume *in, struct buf *out);
	void *user;
	int64_t records, acked;    /* what was done */
};

/*
 * Opens, reads to the end or a signal, closes stdout, and waits for what has
 * no acknowledgement yet. o is completed here (its callbacks). ERR_FAILED: a
 * record is refused (nack), or the other end is gone and records are left;
 * they come again. The acknowledged ones are committed in any case.
 */
int consume_with_acks(const struct conf *conf, struct consume_options *o,
	struct consume_acks *a, struct err *e);

#endif
