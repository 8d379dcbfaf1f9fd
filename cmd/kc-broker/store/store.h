/*
 * store.h - the logs of one data directory, and the commit that makes what
 * was appended to them durable.
 *
 * One thread (the loop) calls everything here. One sync thread of the
 * store's own takes what was appended since its last turn, puts it into the
 * write-ahead log (or syncs the one large segment itself: direct mode), does
 * one fdatasync, and tells the loop through options.wake. A housekeeping
 * thread writes checkpoints and unlinks files.
 *
 * Order of a start:
 *	store_open()      locks the directory, reads checkpoint and WAL, and
 *	                  recovers the metadata log
 *	store_metadata()  is read by meta/, which then attaches every
 *	store_attach()    partition it knows: their WAL frames are replayed
 *	store_start()     the threads run; what was found behind checkpoint and
 *	                  WAL is committed, and visible once that is done
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "store/partlog.h"

struct fs;
struct store;

enum fsync_policy {
	FSYNC_GROUP,    /* group commit: acknowledged and visible = on disk */
	FSYNC_ALWAYS,   /* as group, and every append is a commit of its own */
	FSYNC_INTERVAL, /* visible at once, synced every interval_ms */
	FSYNC_NEVER,    /* visible at once, synced when the kernel likes */
};

struct store_options {
	const char *dir;          /* made if missing, mode 0700 */
	const struct fs *fs;      /* fs_posix() */
	const struct clock *clock;
	enum fsync_policy fsync;
	int interval_ms;          /* of FSYNC_INTERVAL */
	int64_t wal_bytes;        /* size of the write-ahead log, all files */
	bool ephemeral;           /* no WAL, no sync, no checkpoint, no lock */
	bool repair;              /* cut at interior corruption instead of refusing */
	int64_t retention_delay_ms; /* before the first look at a log */
	int64_t retention_check_ms; /* between two looks at a log; 0 = 5 minutes */
	int64_t producer_expiration_ms; /* of those without a transaction; 0 = a day */
	bool cleaner;             /* compact logs; with these: */
	int64_t cleaner_backoff_ms; /* between two looks */
	size_t cleaner_buffer;    /* bytes of memory for the keys of a log */
	double cleaner_bytes_per_second; /* read and written; 0 = as fast as it goes */
	void (*wake)(void *arg);  /* called on the sync thread: call store_poll() soon */
	void *wake_arg;
	/* On the loop: commits up to `seq` ended; error is 0 or a Kafka error code. */
	void (*committed)(void *arg, uint64_t seq, int16_t error);
	void *committed_arg;
	/* A line for the log: recovery, truncation, checkpoint trouble. */
	void (*report)(void *arg, bool is_warning, const char *line);
	void *report_arg;
};

int store_open(struct store **out, const struct store_options *o, struct err *e);
struct partlog *store_metadata(struct store *s);

/*
 * Opens the partition's log, or makes an empty one when it is new. The
 * directory is "<topic>-<partition>", as Kafka's. borrows nothing.
 */
int store_attach(struct store *s, const struct uuid *topic_id, struct slice topic,
	int32_t partition, const struct log_config *c, struct partlog **out,
	struct err *e);
int store_start(struct store *s, struct err *e);

/* A partition of a topic that was deleted: gone at once, its files later. */
void store_detach(struct store *s, struct partlog *l);

/* On the loop after a wake: publishes commits (high watermarks, watchers, committed()). */
void store_poll(struct store *s);

/* Highest commit that ended; see partlog_append(). */
uint64_t store_committed(const struct store *s);

/* Hands everything appended so far to the sync thread: once per loop turn. */
void store_flush(struct store *s);

/* Bytes appended and not yet committed: the loop stops reading above its limit. */
size_t store_backlog(const struct store *s);

enum { STORE_SYNC_STEPS = 14 };
/* Upper bounds of sync_counts, us; the last count is of what is above them all. */
extern const int64_t store_sync_steps[STORE_SYNC_STEPS];

/* Since the start; for metrics. */
struct store_stats {
	uint64_t commits;
	uint64_t sync_counts[STORE_SYNC_STEPS + 1];
	int64_t sync_us;       /* of all commits together */
	uint64_t commit_bytes;
	uint64_t direct_bytes; /* of them, past the write-ahead log */
	int64_t wal_used, wal_size;
	uint64_t checkpoints;
	int64_t checkpoint_at; /* wall ms, 0 = none yet */
	/* Of the cleaner: rounds that ended, and those that damage ended for good. */
	uint64_t cleanings, cleanings_failed;
	uint64_t cleaned_bytes, kept_bytes; /* read, and what of it was kept */
	bool cleaning;         /* now */
	size_t producers;      /* that all partitions remember */
};
const struct store_stats *store_stats(struct store *s);

/* Every second or so: starts checkpoints, rolls and retention when due. */
void store_tick(struct store *s);

/* 0, or the Kafka error that every append gets since a sync failed. */
int16_t store_failed(const struct store *s);

/*
 * Syncs, writes the final checkpoint, closes everything. -1: a sync failed,
 * now or before, and the error says what may be lost; or the checkpoint could
 * not be written. Everything is closed all the same.
 */
int store_close(struct store *s, struct err *e);

#endif
