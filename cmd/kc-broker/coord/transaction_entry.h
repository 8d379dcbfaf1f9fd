/*
 * transaction_entry.h - the inside of transactions.h, for transactions.c,
 * transaction_end.c and transaction_load.c.
 */
#ifndef COORD_TRANSACTION_ENTRY_H
#define COORD_TRANSACTION_ENTRY_H

#include "base/list.h"
#include "base/map.h"
#include "coord/deadlines.h"
#include "coord/transactions.h"

enum {
	TRANSACTIONS_MAX = 100000,          /* ids; more are not remembered, whoever asks */
	TRANSACTIONS_MAX_BYTES = 64 << 20,  /* of all ids, and of the partitions they have open */
};

struct transactions {
	struct transactions_parts parts;
	struct map entries;         /* struct transaction_entry by id */
	size_t bytes;               /* of all ids and their partitions */
	struct deadlines deadlines; /* of the entries, and the sweep */
	struct deadline sweep;      /* when expired ids are looked for */
	struct deadline again;      /* when what a start could not do is tried again */
	int64_t woken_at;           /* what parts.wake was told last */
	int64_t sweep_ms, expiration_ms;
	int32_t timeout_max_ms;
	uint64_t committed;         /* the highest commit that ended */
	struct list ending;         /* entries that wait for PREPARE, by commit */
	struct list completing;     /* entries that wait for their markers, by commit */
	bool loaded;
};

/* Who waits for the end of a transaction. */
enum transaction_waiter { WAITER_NONE, WAITER_END, WAITER_INIT };

struct transaction_entry {
	struct transactions *owner;
	struct slice id;             /* owned */
	struct transaction now;
	struct transaction_parts parts;
	size_t bytes;                /* counted in transactions.bytes */
	struct list node;            /* in one of the two lists, or self */
	uint64_t prepared;           /* commit of PREPARE */
	uint64_t marked;             /* commit of the last markers */
	struct deadline deadline;    /* time-out; while ending, the next try */
	enum transaction_waiter waiter;
	void *token;
	struct transaction_init init; /* of WAITER_INIT */
};

struct transaction_entry *transaction_entry_get(const struct transactions *ts,
	struct slice id);
struct transaction_entry *transaction_entry_add(struct transactions *ts, struct slice id);
void transaction_entry_free(struct transaction_entry *e);
/* What it takes now goes into the sum of all. */
void transaction_entry_count(struct transaction_entry *e);

/* Appends the state, or with NULL that there is none; *commit is what makes it durable. */
int16_t transaction_entry_write(struct transaction_entry *e,
	const struct transaction *next, uint64_t *commit);
/* Deadline and alarm follow the state. */
void transaction_entry_follow(struct transaction_entry *e);
/* At this monotonic time instead. */
void transaction_entry_due(struct transaction_entry *e, int64_t at);
/* The waiter, if there is one, gets what it waits for, or the error. */
void transaction_entry_answer(struct transaction_entry *e);
void transaction_entry_fail(struct transaction_entry *e, int16_t error);

/* ---- transaction_end.c ---- */

/* Notes where the transaction begins, in every partition that has data of it. */
void transaction_entry_starts(struct transaction_entry *e);
/* Begins to end with *next, which is in Prepare; a waiter is in place. */
int16_t transaction_entry_prepare(struct transaction_entry *e,
	const struct transaction *next);
/* PREPARE is durable: markers, and what follows when all are written. */
void transaction_entry_finish(struct transaction_entry *e);
/* Markers where they are due and missing; false when some could not be written. */
bool transaction_write_markers(struct transactions *ts, const struct transaction *t,
	struct transaction_parts *p, uint64_t *commit);

/* ---- transaction_load.c ---- */

int16_t transaction_load(struct transactions *ts);
/* ts->again is due. */
void transaction_load_again(struct transactions *ts);

#endif
