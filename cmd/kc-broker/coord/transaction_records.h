/*
 * transaction_records.h - the records of __transaction_state, to and from
 * bytes.
 *
 *	key    int16 0, then TransactionLogKey
 *	value  int16 version, then TransactionLogValue; null deletes
 *
 * Values are written in version 1, as Kafka does since transaction.version 2.
 */
#ifndef COORD_TRANSACTION_RECORDS_H
#define COORD_TRANSACTION_RECORDS_H

#include "base/arena.h"
#include "coord/transaction.h"
#include "wire/wire.h"

/* Each writes into *w, which is cleared first. */
void transaction_record_key(struct wire_writer *w, struct slice id);
void transaction_record_value(struct wire_writer *w, const struct transaction *t,
	const struct transaction_parts *p);

/* -1: damaged or from the future. The id borrows the key. */
int transaction_read_key(struct slice key, struct slice *id);
/*
 * Fills *t, and *p from empty; the arena is for scratch. *has_starts: `first`
 * is known, which Kafka's own records do not tell.
 */
int transaction_read_value(struct slice value, struct arena *a, struct transaction *t,
	struct transaction_parts *p, bool *has_starts);

#endif
