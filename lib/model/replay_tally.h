/*
 * replay_tally.h - what should have been replayed against what is there.
 *
 * First everything that was found in the target, in any order, by where it
 * came from; then everything that was expected, each partition in the order
 * of its offsets. 16 bytes a record that was found. Pure.
 */
#ifndef MODEL_REPLAY_TALLY_H
#define MODEL_REPLAY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum replay_fault {
	FAULT_MISSING,   /* expected, not there */
	FAULT_DUPLICATE, /* there once more than expected */
	FAULT_ALTERED,   /* there, with another content */
	FAULT_STRANGE,   /* there, of this run, and not expected */
};

struct replay_found {
	int64_t offset;  /* in the source */
	uint64_t digest; /* replay_digest() */
};

struct replay_tally_part {
	struct replay_found *found;
	size_t n, cap, at;
	int64_t last;    /* highest offset found; -1 = none */
	bool sorted;
	/* the offset that is expected now; several records may come of one */
	int64_t offset;
	int64_t count;
	uint64_t sum;
};

struct replay_tally {
	struct replay_tally_part *parts; /* by partition of the source */
	int n;
	int64_t expected, matched;
	int64_t faults[4];               /* by enum replay_fault */
	/* Told of each fault, in order; or NULL. */
	void (*on_fault)(void *arg, enum replay_fault fault, int32_t partition,
		int64_t offset);
	void *arg;
};

void replay_tally_release(struct replay_tally *t);
void replay_tally_found(struct replay_tally *t, int32_t partition,
	int64_t offset, uint64_t digest);
void replay_tally_expect(struct replay_tally *t, int32_t partition,
	int64_t offset, uint64_t digest);
/* After the last. */
void replay_tally_finish(struct replay_tally *t);

/* Whether this one was found, without expecting it: to go on behind a crash. */
bool replay_tally_has(struct replay_tally *t, int32_t partition, int64_t offset);

/* The highest offset that was found of the partition; -1 = none. */
int64_t replay_tally_last(const struct replay_tally *t, int32_t partition);

#endif
