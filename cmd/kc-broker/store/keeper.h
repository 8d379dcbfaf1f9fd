/*
 * keeper.h - the housekeeping thread: checkpoints, and files to be removed.
 */
#ifndef STORE_KEEPER_H
#define STORE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "store/checkpoint.h"

struct keeper;
struct segment;
struct store;

/* An entry that changed: its new bytes are taken. bytes.data NULL = it goes. */
struct entry_update {
	struct checkpoint_entry *entry;
	struct buf bytes;
};

struct checkpoint_job {
	struct list node;
	struct checkpoint_head head;
	struct segment **dirty;  /* to be synced; references held */
	int dirty_n, dirty_cap;
	int *dirs;               /* directories to be synced; owned */
	int dirs_n, dirs_cap;
	bool sync_all;           /* syncfs() instead */
	struct entry_update *updates;
	size_t updates_n, updates_cap;
	struct err error;        /* out */
	int lost;                /* out: errno of a sync that failed */
};

struct keeper *keeper_new(struct store *s);
/* Runs the thread; before this and after keeper_stop() the calls below work at once. */
int keeper_start(struct keeper *k, struct err *e);
void keeper_stop(struct keeper *k);
void keeper_free(struct keeper *k);

/* Takes the job; it comes back from keeper_done() after a wake. */
void keeper_checkpoint(struct keeper *k, struct checkpoint_job *job);
struct checkpoint_job *keeper_done(struct keeper *k);

/* Reserves the blocks of the write-ahead log; the errno of that, once, or 0. */
void keeper_reserve(struct keeper *k);
int keeper_reserved(struct keeper *k);

/* Closes a descriptor; unlinks a file; removes a directory and what is in it. */
void keeper_close(struct keeper *k, int fd);
void keeper_unlink(struct keeper *k, const char *path);
void keeper_remove_dir(struct keeper *k, const char *path);
/* Afterwards no unlink of a file in this directory is asked for or under way. */
void keeper_forget_below(struct keeper *k, const char *dir);

/* ---- the loop's side ---- */

/* A job of all that changed since the last one, and what it needs to be durable. */
struct checkpoint_job *checkpoint_job_new(struct store *s);
/* After the job: its references go; on failure its work is due again. */
void checkpoint_job_end(struct store *s, struct checkpoint_job *job);

#endif
