/*
 * recovery.h - what a start knows of each log, and the way from there to the
 * log's end.
 */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/checkpoint.h"
#include "store/wal.h"

struct partlog;
struct store;

/* What checkpoint and WAL know of one log. */
struct recovered {
	uint8_t key[CHECKPOINT_KEY];
	struct slice entry;       /* of the checkpoint; data NULL = none */
	struct wal_frame *frames; /* in the order of commits */
	int frames_n, frames_cap;
};

/* Reads checkpoint and WAL, or makes the first ones. */
int recovery_open(struct store *s, struct err *e);
/* Brings a log to where it was. */
int recovery_attach(struct partlog *l, struct err *e);
/* Removes what no log claimed, and forgets what is known. */
void recovery_close(struct store *s);
void recovery_free(struct store *s);

/*
 * Brings the log, as the checkpoint has it or (with_checkpoint false) empty,
 * to its end; with `gaps` compaction may have been at what is read. k may be
 * NULL. ERR_CORRUPT when part of what was acknowledged
 * as durable is not there. What may not be on disk yet is noted for the
 * first commit, and the high watermark is in front of it.
 */
int replay_log(struct partlog *l, const struct recovered *k, bool with_checkpoint,
	bool gaps, struct err *e);

/*
 * Removes segments behind the active one: what commits that were never
 * acknowledged left. They must not be taken for the log's once it has grown
 * that far.
 */
int replay_remove_stale(struct partlog *l, struct err *e);

#endif
