/*
 * producers.h - what one partition knows of its idempotent producers
 * (KIP-98): each one's epoch and last five batches, so that a batch sent
 * twice is stored once, and a gap in the sequence is seen.
 */
#ifndef STORE_PRODUCERS_H
#define STORE_PRODUCERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/batch.h"

enum { PRODUCER_BATCHES = 5 }; /* as in Kafka: max.in.flight of an idempotent producer */

struct producer_batch {
	int32_t first_sequence, last_sequence;
	int64_t base_offset;
};

struct producer {
	int64_t id;
	int64_t last_append; /* wall ms, of the newest batch: for expiry */
	int16_t epoch;
	uint8_t n, next;        /* batches kept; where the next one goes */
	struct producer_batch batches[PRODUCER_BATCHES];
};

/* `{ 0 }` is the empty set. */
struct producers {
	struct producer **by_id; /* ascending */
	size_t n, cap;
};

void producers_release(struct producers *s);

/*
 * May b follow what its producer sent before? 0 or a Kafka error code; for
 * one of the last batches sent again *duplicate is its base offset, else -1.
 * Batches without a producer id always may.
 */
int16_t producers_check(const struct producers *s, const struct batch *b,
	int64_t *duplicate, const char **why);

/* b is in the log, at b->base_offset. */
void producers_add(struct producers *s, const struct batch *b, int64_t now);

/* Forgets producers whose newest batch was appended before this. */
void producers_expire(struct producers *s, int64_t before_ms);

/* The set as bytes, for the checkpoint; load returns -1 when they are damaged. */
void producers_save(const struct producers *s, struct buf *out);
int producers_load(struct producers *s, struct slice *in);

#endif
