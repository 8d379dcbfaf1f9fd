/*
 * dlq_redriven.h - what was redriven before, found by its key and value: so
 * that a record that comes back without the headers of its copy is known.
 *
 * A table in memory as long as it is small, then in a file of $TMPDIR that
 * has no name: a ledger of any size takes the same memory.
 */
#ifndef KAFKA_DLQ_REDRIVEN_H
#define KAFKA_DLQ_REDRIVEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/ledger.h"

/* The last redrive of a key and value. */
struct dlq_redrive {
	uint64_t fingerprint;     /* ledger_fingerprint() */
	int64_t offset;           /* of the dead letter that was redriven */
	int32_t partition;
	int32_t redrives;         /* how often, this one included */
	uint32_t run;             /* ledger_run_hash() of its run */
};

/* Open addressing; `{ 0 }` is empty. */
struct dlq_redriven {
	struct dlq_redrive *memory; /* NULL = in the file, or empty */
	int fd;                     /* when it is not in memory */
	size_t n, cap;
};

/* Entries that tell of no redrive are passed over. ERR_IO. */
int dlq_redriven_add(struct dlq_redriven *t, const struct ledger_entry *x,
	struct err *e);
/* O(1). 1 = *out; 0 = no record of this key and value was ever redriven; -1 = ERR_IO. */
int dlq_redriven_find(const struct dlq_redriven *t, uint64_t fingerprint,
	struct dlq_redrive *out, struct err *e);
void dlq_redriven_release(struct dlq_redriven *t);

#endif
