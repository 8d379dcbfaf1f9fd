/*
 * consume_batch.h - a group's records to a command, some at a time: written
 * to the stdin of a new process, committed when it ends with status 0.
 */
#ifndef KAFKA_CONSUME_BATCH_H
#define KAFKA_CONSUME_BATCH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "kafka/consume.h"

struct consume_batch {
	char *const *command;   /* argv, ends with NULL */
	int64_t size;           /* records of a batch, at most */
	int64_t wait_ms;        /* a batch that has begun waits so long for more */
	/* Appends what the command is to read of a record. */
	int (*write)(void *user, struct record *r, struct buf *out, struct err *e);
	void *user;
	int64_t records;        /* written and committed */
};

/*
 * Until the end of what is read, or a signal: then the batch that is begun is
 * still done. A command that fails is ERR_FAILED (ERR_TEMPORARY for status
 * 75), and its batch is not committed. The options that c was opened with
 * need a flush that does nothing and a gone.
 */
int consume_batches(struct consume *c, struct consume_batch *b, struct err *e);

#endif
