/*
 * producers.h - what one partition knows of its producers with an id
 * (KIP-98): each one's epoch and last five batches, so that a batch sent
 * twice is stored once, and a gap in the sequence is seen; and the
 * transactions they have open.
 */
#ifndef STORE_PRODUCERS_H
#define STORE_PRODUCERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/batch.h"
#include "store/txn.h"

enum {
	PRODUCER_BATCHES = 5, /* as in Kafka: max.in.flight of an idempotent producer */
	/*
	 * Ids are given to everyone who asks, and are kept for a day: a partition
	 * remembers this many (2 MB, here and in the checkpoint). One more, and
	 * an eighth of them goes, the longest silent first, but none that has a
	 * transaction open. Who is forgotten may go on with any sequence number.
	 * So many transactions may be open, too; one more is refused.
	 */
	PRODUCERS_MAX = 16384,
	/*
	 * All partitions together remember this many (36 MB) without asking; then
	 * each that has as many as the other likewise forgets some for a new one.
	 */
	PRODUCERS_ALL = 262144,
	PRODUCERS_FEW = 8,
};

struct producer_batch {
	int32_t first_sequence, last_sequence;
	int64_t base_offset;    /* when first_sequence is -1: of the last record */
};

struct producer {
	int64_t id;
	int64_t last_append;    /* wall ms, of the newest batch: for expiry */
	int64_t last_timestamp; /* the newest batch's largest */
	struct txn *txn;        /* the open one, or NULL */
	int32_t coordinator_epoch; /* of the last marker, -1 = none */
	int16_t epoch;
	uint8_t n, next;        /* batches kept; where the next one goes */
	struct producer_batch batches[PRODUCER_BATCHES];
};

struct producers {
	struct producer **by_id; /* ascending */
	size_t n, cap;
	size_t open; /* of them have a transaction open */
	size_t *all; /* borrowed: what all sets that share it have; or NULL */
	struct txns txns;
};

void producers_init(struct producers *s);
/* Forgets all. */
void producers_clear(struct producers *s);

/*
 * May b follow what its producer sent before? 0 or a Kafka error code; for
 * one of the last batches sent again *duplicate is its base offset, else -1.
 * Batches without a producer id always may; those without a sequence, which
 * are our own, only need the epoch.
 */
int16_t producers_check(const struct producers *s, const struct batch *b,
	int64_t *duplicate, const char **why);
/* The same of a marker. */
int16_t producers_check_marker(const struct producers *s,
	const struct txn_marker *m, const char **why);

/* b, which is no control batch, is in the log at b->base_offset. */
void producers_add(struct producers *s, const struct batch *b, int64_t now);
/*
 * So is the marker m, in b: true with the transaction when it aborts one
 * that has records here.
 */
bool producers_end(struct producers *s, const struct batch *b,
	const struct txn_marker *m, int64_t now, struct aborted_txn *aborted,
	int64_t *stable);

const struct producer *producers_find(const struct producers *s, int64_t id);
/* Of its last marker, 0 = none. */
int32_t producers_coordinator_epoch(const struct producers *s, int64_t id);
/* Of the newest batch, -1 = none known. */
int32_t producer_last_sequence(const struct producer *p);
/* The last offset of that batch, -1 likewise. */
int64_t producer_last_offset(const struct producer *p);

/*
 * Forgets producers whose newest batch was appended before this, but for
 * those in a transaction.
 */
void producers_expire(struct producers *s, int64_t before_ms);

/* The set as bytes, for the checkpoint; load returns -1 when they are damaged. */
void producers_save(const struct producers *s, struct buf *out);
int producers_load(struct producers *s, struct slice *in);

#endif
