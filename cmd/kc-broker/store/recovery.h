/*
 * recovery.h - what a start knows of each log, and the way from there to the
 * log's end.
 */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
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

/* What one log after the other is read with. */
struct replay_input {
	struct buf bytes, frame; /* scratch */
	/* Base offset of the newest segment that its directory has a file of,
	 * -1 = none, or not looked for as the end was clean. */
	int64_t newest;
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
	bool gaps, struct replay_input *in, struct err *e);

/*
 * Removes segments behind the active one, if `newest` is: what commits that
 * were never acknowledged left. They must not be taken for the log's once it
 * has grown that far.
 */
int replay_remove_stale(struct partlog *l, int64_t newest, struct err *e);

#endif
