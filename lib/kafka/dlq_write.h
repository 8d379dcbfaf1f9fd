/*
 * dlq_write.h - changes to dead letters: copies that are sent, entries of the
 * ledger, and the contiguous resolved mark of the group, in one transaction.
 *
 * A crash at any point leaves either all of a batch or nothing of it, for
 * read_committed readers; and who comes next sees in the ledger which.
 */
#ifndef KAFKA_DLQ_WRITE_H
#define KAFKA_DLQ_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kafka/dlq.h"
#include "model/ledger.h"
#include "model/ledger_run.h"
#include "model/record.h"

struct dlq_change {
	struct ledger_entry entry; /* `to` is filled in when a copy was sent */
	struct record copy;        /* topic null = nothing is sent */
	int32_t partition;         /* where the copy went */
	int64_t offset;
	uint64_t letter;           /* fingerprint of the dead letter's key and value */
	struct slice origin_topic; /* where the record died; null, -1 = not known */
	int32_t origin_partition;
	int64_t origin_offset;
	bool fetch;                /* key and value are to be had there */
	bool gone;                 /* dlq_batch_sweep() drops it */
	bool forget;               /* the entry is deleted: its record is */
	struct dlq_batch *batch;   /* of it, while it is fetched */
};

/* Owns everything in it. `{ 0 }` is empty. */
struct dlq_batch {
	struct arena memory;
	struct dlq_change *items;
	int n, cap;
	int copies;                /* with something to send */
	int64_t bytes;             /* of keys, values and headers to send */
};

/* Copies; copy may be NULL. The change is valid until the next one is added. */
struct dlq_change *dlq_batch_add(struct dlq_batch *b,
	const struct ledger_entry *entry, const struct record *copy);
/* Another copy instead of the one that there is. */
void dlq_batch_replace(struct dlq_batch *b, struct dlq_change *c,
	const struct record *copy);
/* Leaves out the changes that are gone. */
void dlq_batch_sweep(struct dlq_batch *b);
void dlq_batch_clear(struct dlq_batch *b);
void dlq_batch_release(struct dlq_batch *b);

/* Of dlq_open(). */
int dlq_writer_open(struct dlq *d, struct err *e);
int dlq_writer_check(struct dlq *d, struct err *e);
/*
 * Kafka says that a transaction is committed when that is decided; readers
 * see it a moment later. Waits for that, at most five seconds.
 */
void dlq_writer_settle(struct dlq *d);

struct dlq_commit {
	/* Counts what is done, and is written along; one that ended and did nothing is forgotten. */
	struct ledger_run *run;
	/* A copy that cannot be sent: its record stays as it is. */
	void (*failed)(void *arg, const struct dlq_change *c, const struct err *why);
	void *arg;
};

/*
 * Commits the batch; what cannot be sent is told and left out. An empty batch
 * still writes the run and the marks. Afterwards it is empty.
 * -1: ERR_REFUSED when another run took over (the sentence says which),
 * ERR_TEMPORARY when it may be tried again; then nothing of what was not
 * committed before is done. -1 with e untouched when a signal came.
 */
int dlq_commit(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	struct err *e);

#endif
