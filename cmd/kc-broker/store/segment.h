/*
 * segment.h - one file of a log, "<base offset, 20 digits>.log": batches one
 * behind the other, byte for byte as Kafka writes them, and their indexes.
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/aborted.h"
#include "store/batch.h"
#include "store/index.h"
#include "wire/wire.h"

struct lost_index;
struct partlog;
struct store;

enum {
	SEGMENT_NAME = 20 + sizeof(".timeindex"),
	WALK_WINDOW = 4 << 10, /* bytes read at once when hopping over headers */
	TAIL_RING = 16,
};

struct segment {
	struct wire_file file;  /* fd -1 = closed; refs: replies, commits, checkpoints */
	struct store *store;
	struct partlog *log;    /* not to be used once gone */
	struct list lru;        /* in store->open_segments while open */
	uint64_t turn;          /* of the loop, when it was used last */
	int64_t base;           /* offset of its first record */
	int64_t size;           /* bytes; where the next batch goes */
	int64_t allocated;      /* bytes reserved on disk ahead */
	int64_t first_timestamp; /* of the first batch, -1 = unknown: for segment.ms */
	int64_t max_timestamp;  /* -1 = none */
	int64_t max_timestamp_offset; /* last offset of the batch that has it */
	struct index offsets, times;
	struct lost_index *again; /* its indexes are being made again */
	struct aborted aborted; /* the markers in it that abort */
	int64_t since_entry;    /* bytes since the last index entry */
	int64_t begun;          /* checkpoints begun before it was, -1 = in one that is there for good */
	int64_t entry_timestamp; /* of the last time entry, -1 = none, -2 = to be read */
	bool times_known;       /* max_timestamp was set or read */
	bool extended;          /* its index reaches to the end */
	bool remade;            /* its index is new: if it is wrong, the log is */
	bool index_written;     /* since the last checkpoint began */
	bool dirty;             /* written since the last checkpoint began */
	bool named;             /* its directory entry is on disk */
	bool gone;              /* deleted: goes when the last reference does */
	bool pinned;            /* stays open: its file does not have its name yet */
};

/* Of the file with that name, NULL: with any suffix. -1: it is none of a segment. */
int64_t segment_base(const char *name, const char *suffix);
struct segment *segment_new(struct partlog *l, int64_t base);
void segment_free(struct segment *s);
/* It is no part of its log any more: freed when nobody reads it. */
void segment_let_go(struct segment *s);

/* Opens its file (creating it, empty, when asked) or finds it open. -1: errno. */
int segment_open(struct segment *s, bool create);
/* Of one of its files; valid as partlog_path()'s. */
const char *segment_path(const struct segment *s, const char *suffix);
/* Its index files have these many entries. */
void segment_adopt_indexes(struct segment *s, uint32_t offsets, uint32_t times);
/* Of a sealed one that was found on disk: its size and those of its indexes. */
void segment_stat(struct segment *s);
/* Closes what was not used for longest until the limit is met. */
void segment_close_idle(struct store *st, int limit);

static inline void
segment_ref(struct segment *s)
{
	s->file.refs++;
}
void segment_unref(struct segment *s);

/* One batch was written at s->size: index entries as Kafka makes them, size. */
void segment_added(struct segment *s, const struct batch *b, int64_t interval);
/* Reserves blocks for the bytes up to `end` and well beyond. */
void segment_reserve(struct segment *s, int64_t end);
/* preallocate: blocks for all that the segment may become, from the start. */
void segment_preallocate(struct segment *s);
/* It will not be written to again: complete indexes, no reserved blocks. */
void segment_seal(struct segment *s);
void segment_seal_indexes(struct segment *s);
/* Its index entries are in their files; gives reserved blocks back. */
void segment_tidy(struct segment *s);
void segment_store_index(struct segment *s);
/* Calls fn with the paths of the index files that were written since the last call. */
void segment_each_written_index(struct segment *s,
	void (*fn)(void *arg, const char *path), void *arg);
/* s->aborted to its file, for a checkpoint: 1, 0 = nothing was new, -1. */
int segment_store_aborted(struct segment *s);
/* And into memory. -1: it is lost. */
int segment_load_aborted(struct segment *s);

/*
 * Goes over the batch headers from pos to end. A header that cannot be one
 * ends the walk with -1 and errno EBADMSG; reading faults with their errno.
 */
struct walk {
	struct segment *s;
	int64_t pos, end;    /* of the next batch; where to stop */
	int64_t offset;      /* the next batch's may not be lower */
	uint8_t *window;     /* WALK_WINDOW bytes, the caller's */
	int64_t at;          /* file position of the window */
	size_t have;
};
void walk_init(struct walk *w, struct segment *s, int64_t pos, int64_t end,
	uint8_t *window);
int walk_next(struct walk *w, struct batch *b); /* 1, 0 = end, -1 */

/*
 * The first batch from `pos` on (found by the index) whose last offset is
 * >= offset: its position and header. 1, 0 = none before `end`, -1 errno:
 * EAGAIN while its index is made again.
 */
int segment_find(struct segment *s, int64_t offset, int64_t end, int64_t *pos,
	struct batch *b);
/* The highest batch boundary in (pos, max_pos] that is cheap to know; pos when none. */
int64_t segment_boundary(struct segment *s, int64_t pos, int64_t max_pos);
/* Position of the first batch that may hold a timestamp >= t. -1: EAGAIN. */
int64_t segment_time_floor(struct segment *s, int64_t t);
/* Largest timestamp, -1 = none or unreadable; INT64_MAX with EAGAIN. */
int64_t segment_max_timestamp(struct segment *s);
/* Makes the index usable, now. */
void segment_need_index(struct segment *s);
/* The indexes of `made`, which has been shown all batches of s. */
void segment_adopt_made(struct segment *s, struct segment *made);

#endif
