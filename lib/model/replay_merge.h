/*
 * replay_merge.h - records of several partitions as one stream by timestamp.
 *
 * Each partition's own order is kept, even where its timestamps go back; the
 * order between partitions is by time, as far as the look-ahead reaches: a
 * partition that has nothing waiting is waited for only while the records of
 * the others fit. Pure; keeps copies.
 */
#ifndef MODEL_REPLAY_MERGE_H
#define MODEL_REPLAY_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct replay_kept;

struct replay_queue {
	struct replay_kept *first, *last;
	int64_t floor;       /* highest timestamp given out: later ones count as this */
	size_t bytes;        /* that wait */
	bool done;           /* nothing more will come */
};

struct replay_merge {
	struct replay_queue *queues;
	int n;
	size_t bytes, limit; /* that wait; more than the limit does not wait */
	int empty;           /* queues that are waited for */
	struct replay_kept *out; /* given out last */
};

/* n partitions, known by their index from here on. */
void replay_merge_init(struct replay_merge *m, int n, size_t limit);
void replay_merge_release(struct replay_merge *m);

/* Takes a copy. */
void replay_merge_add(struct replay_merge *m, int i, const struct record *r);
/* Nothing more comes of this partition. */
void replay_merge_done(struct replay_merge *m, int i);

/* Whether the next in time is known; with `force` whether there is any. */
bool replay_merge_ready(const struct replay_merge *m, bool force);

/* The earliest record and its partition; stays where it is. NULL = none. */
const struct record *replay_merge_peek(const struct replay_merge *m, int *i);
/* Takes it out; it is valid until the next call of this. */
const struct record *replay_merge_take(struct replay_merge *m, int *i);

/* The first that waits of this partition, or NULL. */
const struct record *replay_merge_head(const struct replay_merge *m, int i);

#endif
