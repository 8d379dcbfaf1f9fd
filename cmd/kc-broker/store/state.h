/*
 * state.h - what the files of store/ share: the store and its logs from
 * inside. Nothing outside store/ includes this.
 *
 * All of it belongs to the loop, except what a commit or a checkpoint job
 * holds while its thread works on it: those hold references, and read only
 * what does not change (ids, names, base offsets, open descriptors).
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/checkpoint.h"
#include "store/cleaner.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/keeper.h"
#include "store/lost_index.h"
#include "store/partlog.h"
#include "store/producers.h"
#include "store/reindex.h"
#include "store/segment.h"
#include "store/store.h"
#include "store/wal.h"

enum { OPEN_SEGMENTS = 512 }; /* kept open when not in use, at most */

/* The newest batches of the active segment: tail reads need no system call. */
struct tail {
	int64_t offset[TAIL_RING]; /* base offsets */
	int64_t pos[TAIL_RING];
	unsigned n;                /* batches noted so far */
};

struct partlog {
	struct store *store;
	struct list node;        /* in store->logs */
	struct uuid id;
	int32_t partition;
	char *topic;
	struct log_config config;
	struct segment **segments; /* ascending; the last is the active one */
	int segments_n, segments_cap;
	bool listed;             /* segments holds all, else older ones are on disk only */
	bool on_disk;            /* the directory exists and is ours */
	bool detached;
	struct partlog_traffic traffic;
	int64_t older_bytes;     /* of the segments that are not listed */
	int32_t older_n;         /* and how many they are */
	uint64_t older_aborted;  /* and the sum of their aborted_digest()s: of those */
	int64_t older_start;     /* that end behind this offset */
	bool aborted_lost;       /* some segment's aborted transactions are not right */
	int64_t aborted_retry;   /* mono ms before which they are not looked for again */
	struct list lost;        /* among those that reindex has to do */
	int64_t start, hw, end;  /* offsets */
	int64_t hw_base, hw_pos; /* where hw is: segment (base -1 = none) and position */
	int64_t kept_until;      /* mono ms before which retention has nothing to do */
	int64_t cleaned;         /* compacted up to this offset, -1 = never */
	bool cleaning;           /* the cleaner or reindex is at it: its segments stay */
	bool uncleanable;        /* compaction found it damaged */
	int64_t clean_after;     /* mono ms before which the cleaner keeps off, after a fault */
	int64_t unflushed;       /* records since flush.messages or flush.ms forced them */
	int64_t unflushed_since; /* ms, of the first of them */
	int64_t jitter_ms;       /* taken off segment.ms for the active segment */
	struct producers producers;
	struct tail *tail;       /* NULL until appended to */
	struct list watches;
	struct list dirty;       /* in store->dirty: changed since the last checkpoint */
	struct list moved;       /* in store->moved: watchers are to be told */
	struct checkpoint_entry *entry; /* the keeper's; NULL until the first checkpoint */
	uint64_t range_commit;   /* the open commit in which range_i is ours */
	int range_i;
	int pending;             /* ranges in commits that did not end yet */
	uint64_t walk;           /* the last that met it: partlog_met() */
};

struct store {
	struct store_options o;
	const struct fs *fs;
	char *dir;
	int dir_fd, lock_fd;
	bool started, was_clean;
	bool unmarked;           /* and that it is not clean any more is on disk */
	bool suspect;            /* a sync failed since: the page cache may have what the disk has not */
	atomic_bool sync_failed; /* one did now, says the thread that saw it */
	pthread_mutex_t syncing; /* one thread at a time syncs a file: see store_sync_end() */
	bool names_synced;       /* by the first commit; the committer's */
	bool half_swapped;       /* the cleaner left that to the next start */
	bool durable;            /* there is a WAL, and commits go through it */
	bool visible_at_once;    /* high watermark = log end */
	int16_t failed;
	struct err failure;      /* why, or why the last checkpoint was not written */
	bool ending;             /* in store_close(): it says so */
	uint64_t turn;
	struct partlog *metadata;
	struct list logs;
	struct list dirty, moved;
	struct list open_segments; /* least recently used first */
	int open_n;
	struct buf path;         /* scratch of the loop */
	struct buf unpacked, repacked, bad; /* scratch of appends */
	struct committer *committer;
	struct keeper *keeper;
	struct cleaner *cleaner;
	struct reindex *reindex;
	struct list lost_indexes;
	struct wal *wal;
	struct recovery *recovery; /* between store_open() and store_start() */
	struct commit *open;     /* what is being appended to; NULL = none yet */
	struct list spares;      /* empty ones, to be used again */
	int spares_n, spares_low; /* how many; the fewest since the last tick */
	uint64_t next_seq;       /* of the next commit */
	uint64_t committed;
	struct wal_place wal_end; /* where the next one begins */
	uint64_t epoch;          /* of the WAL, when it was opened */
	uint64_t nonce;          /* of its frames */
	struct list removed;     /* checkpoint entries of logs that are gone */
	uint64_t detached_with;  /* the commit that the newest of these deletions is in */
	size_t backlog;
	struct store_stats stats;
	size_t replay_bytes;     /* of commits that ended since the last checkpoint began */
	int64_t dirty_since, flushed_at; /* mono ms; dirty_since -1 = clean */
	int64_t complain_at;     /* mono ms before which store_complain() is silent */
	struct list removals;    /* see turn_remove_later() */
	uint64_t checkpoints, checkpoints_done; /* begun so far; number of the last good one */
	struct list ended;       /* commits that are done, but for their turn */
	bool checkpointing, checkpoint_due;
	int64_t checkpoint_retry; /* mono ms before which none is tried again */
};

/* ---- store.c ---- */
/* Reads a partition.metadata; -1 when it is not one. */
int store_read_owner(const struct fs *fs, const char *path, struct uuid *id);
/* Writes into .lock who we are, and whether a sync has failed. */
void store_sign(struct store *s);
/* A sync has failed: the next start is to know, even if we are killed now. On any thread. */
void store_sync_failed(struct store *s);
/*
 * Around the sync of a file that another thread may sync, too: the kernel
 * tells a failure once, and whoever it was told to has passed it on before the
 * other one asks. Returns `result`, and leaves errno.
 */
void store_sync_begin(struct store *s);
int store_sync_end(struct store *s, int result);
void store_report(struct store *s, bool warning, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A fault on the hot path: said at most every ten seconds. */
void store_complain(struct store *s, const struct partlog *l, const char *what);

/* Before anything but the checkpoint's segments comes to be. -1: errno. */
int store_unmark(struct store *s);

/* ---- turn.c ---- */
/* Hands the open commit over, if there is one. */
void turn_push_commit(struct store *s);
/* What was appended goes to disk now, although the fsync policy has time. */
void turn_force(struct store *s);
/* c is durable, or it failed and the store with it: its logs learn it. */
void turn_end_commit(struct store *s, struct commit *c);
/* But for so many, all commits that wait to be used again go back. */
void turn_free_spares(struct store *s, int keep);
/* The same with all that the committer has done. */
void turn_poll_commits(struct store *s);
/* Removes a file or directory once a checkpoint knows that it is not needed. */
void turn_remove_later(struct store *s, const char *path, bool is_dir);
/* Likewise, but not before ms milliseconds have passed, or the store is closed. */
void turn_remove_after(struct store *s, const char *path, int64_t ms);
/*
 * The directory goes as a whole: files of it are not removed one by one any
 * more, or those of the next topic of the name would be.
 */
void turn_forget_below(struct store *s, const char *dir);
void turn_forget_removals(struct store *s);
/* Whatever a checkpoint knows of, its time come or not. */
void turn_end_removals(struct store *s);
/* A checkpoint from begin to end, without the keeper's thread. */
void turn_checkpoint(struct store *s);
void turn_end_checkpoints(struct store *s);

/* ---- partlog.c ---- */
struct partlog *partlog_new(struct store *s, const struct uuid *id,
	struct slice topic, int32_t partition, const struct log_config *c);
void partlog_free(struct partlog *l);
/* "<dir>/<topic>-<partition>" and below it `name` (may be NULL); valid till the next call. */
const char *partlog_path(const struct partlog *l, const char *name);
/* Where its files go when the topic `id` is deleted. */
const char *partlog_grave(struct store *s, const struct uuid *id, int32_t partition);
/* Moves the directory there. -1: errno. */
int partlog_bury(struct partlog *l, const struct uuid *owner);
/* The topic that its directory says it belongs to; -1 when it does not say. */
int partlog_owner(const struct partlog *l, struct uuid *id);
void partlog_set_start(struct partlog *l, int64_t start);
/* The directory and its partition.metadata, when they are not there yet. -1: errno. */
int partlog_make_dir(struct partlog *l);
/* Its log end, high watermark or start moved: watchers are told at the turn's end. */
void partlog_moved(struct partlog *l);
void partlog_fire(struct partlog *l);
void partlog_touch(struct partlog *l);
/* The batch is at the end of g: indexes, producers and the log's end learn it. */
void partlog_added(struct partlog *l, struct segment *g, const struct batch *b,
	const uint8_t *bytes, int64_t now);
/* Of the first n segments, as far as they end behind the offset `from`. */
uint64_t partlog_aborted_digest(const struct partlog *l, int64_t from, int n);
/* Up to hw, which is at pos of the segment at base, the log is visible. */
void partlog_set_hw(struct partlog *l, int64_t hw, int64_t base, int64_t pos);
struct segment *partlog_active(const struct partlog *l);
void partlog_push(struct partlog *l, struct segment *s);
int partlog_roll(struct partlog *l);
/* First offset behind the segment at index i. */
int64_t partlog_segment_end(const struct partlog *l, int i);
/* Reads the directory for the segments from before the start. -1: errno. */
int partlog_list(struct partlog *l);
/* segment.begun of those that were there before this start. */
int64_t partlog_begun(const struct partlog *l);
/* Index of the segment that holds offset (start <= offset < end). -1: errno. */
int partlog_segment_of(struct partlog *l, int64_t offset);
void partlog_drop_first(struct partlog *l);

/* ---- retention.c ---- */
void retention_tick(struct store *s, int64_t now_mono);

#endif
