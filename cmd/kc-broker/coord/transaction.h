/*
 * transaction.h - one transactional id, as a state machine (KIP-98, KIP-360,
 * KIP-890).
 *
 *	Empty -> Ongoing -> PrepareCommit -> CompleteCommit -> Ongoing ...
 *	                 -> PrepareAbort  -> CompleteAbort  -> Ongoing ...
 *
 * Pure: an event takes the state that is, and gives the state that shall be,
 * or a Kafka error code. The new state comes into force once it has been
 * appended to __transaction_state, which is another's work.
 *
 * Epochs: a producer with a lower one than its id's is fenced. The last that
 * is ever given is INT16_MAX - 1, so that there is one left to fence it with;
 * after that the id gets a new producer id.
 */
#ifndef COORD_TRANSACTION_H
#define COORD_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/uuid.h"

/* Numbers as stored. */
enum transaction_state {
	TRANSACTION_EMPTY,
	TRANSACTION_ONGOING,
	TRANSACTION_PREPARE_COMMIT,
	TRANSACTION_PREPARE_ABORT,
	TRANSACTION_COMPLETE_COMMIT,
	TRANSACTION_COMPLETE_ABORT,
	/* Kafka knows these two names; here nothing is ever in such a state. */
	TRANSACTION_DEAD,
	TRANSACTION_PREPARE_EPOCH_FENCE,
	TRANSACTION_STATES
};

/* As Kafka spells it: "PrepareCommit". */
const char *transaction_state_name(enum transaction_state s);
/* TRANSACTION_STATES = no such name. */
enum transaction_state transaction_state_of(struct slice name);

/* Values of client_version: whether every end raises the epoch (KIP-890 part 2). */
enum { TRANSACTION_V1 = 0, TRANSACTION_V2 = 2 };

/* -1 stands for none in ids, epochs and times. */
struct transaction {
	enum transaction_state state;
	int64_t producer_id;
	int64_t previous_id;    /* the producer id before this one */
	int64_t next_id;        /* the producer id once the transaction has ended */
	int16_t epoch;          /* -1 = has not been given yet */
	int16_t last_epoch;     /* the one before, which a retry may still name */
	int16_t client_version;
	int32_t timeout_ms;
	int64_t started;        /* wall ms, of the transaction */
	int64_t updated;        /* wall ms */
};

/* An id that was never seen, with its first producer id. */
struct transaction transaction_new(int64_t producer_id);

/* Is a transaction being decided: markers are to be written? */
static inline bool
transaction_is_ending(const struct transaction *t)
{
	return t->state == TRANSACTION_PREPARE_COMMIT ||
		t->state == TRANSACTION_PREPARE_ABORT;
}

/* Does the next InitProducerId or end need a fresh producer id? */
bool transaction_is_exhausted(const struct transaction *t);

struct transaction_init {
	int64_t producer_id;    /* what the producer has (KIP-360), -1 = nothing */
	int16_t epoch;
	int32_t timeout_ms;
	int64_t fresh_id;       /* used when the id is exhausted */
	int64_t now;            /* wall ms */
};

/*
 * A producer begins, or begins anew. An Ongoing transaction is fenced first:
 * *next is then in PrepareAbort, and InitProducerId comes again when that is
 * done; so it is when *next is equal to *t. CONCURRENT_TRANSACTIONS while one
 * is ending.
 */
int16_t transaction_init(const struct transaction *t, const struct transaction_init *q,
	struct transaction *next);

/* Is this the producer of the id? INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED. */
int16_t transaction_check(const struct transaction *t, int64_t producer_id,
	int16_t epoch);

/* Something is added: the transaction begins, or goes on. */
int16_t transaction_add(const struct transaction *t, int64_t producer_id,
	int16_t epoch, int16_t client_version, int64_t now, struct transaction *next);

struct transaction_end {
	int64_t producer_id;
	int16_t epoch;
	bool commit;
	int16_t client_version;
	int64_t fresh_id;       /* used when the id is exhausted */
	int64_t now;            /* wall ms */
};

/* Is nothing to be done, because it is done? Then *next is in the state of *t. */
int16_t transaction_end(const struct transaction *t, const struct transaction_end *q,
	struct transaction *next);

/* Its time is up, or another producer comes: Ongoing to PrepareAbort, epoch raised. */
void transaction_fence(const struct transaction *t, int64_t now,
	struct transaction *next);
/* All markers are written. */
void transaction_complete(const struct transaction *t, int64_t now,
	struct transaction *next);

/* When the transaction is aborted, wall ms; INT64_MAX = never. */
int64_t transaction_ends_at(const struct transaction *t);
/* Has nothing happened for so long that the id may be forgotten? */
bool transaction_is_expired(const struct transaction *t, int64_t now,
	int64_t expiration_ms);

/* ---- the partitions of a transaction -------------------------------------- */

struct transaction_part {
	struct slice topic;     /* owned */
	int32_t partition;
	bool fresh;             /* added, and not stored yet */
	struct uuid topic_id;   /* with first: */
	int64_t first;          /* while ending: where it begins there, -1 = no marker is due */
};

/* Sorted by topic and number. `{ 0 }` is none. */
struct transaction_parts {
	struct transaction_part *v;
	int n, cap;
	size_t bytes; /* that they take, with their names */
};

/* NULL = not in it. */
struct transaction_part *transaction_parts_find(const struct transaction_parts *p,
	struct slice topic, int32_t partition);
/* False when it was there. A new one is fresh. */
bool transaction_parts_add(struct transaction_parts *p, struct slice topic,
	int32_t partition);
/* What is fresh stays, or goes. */
void transaction_parts_keep(struct transaction_parts *p);
void transaction_parts_undo(struct transaction_parts *p);
/* Empty, and without memory. */
void transaction_parts_release(struct transaction_parts *p);

#endif
