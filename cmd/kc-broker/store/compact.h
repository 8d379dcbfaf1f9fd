/*
 * compact.h - the work of compaction: of the sealed segments of one log,
 * what stays, by the rules of Kafka's cleaner.
 *
 * Of records with the same key the newest one stays; one without value
 * (a tombstone) goes, too, delete.retention.ms after the first cleaning
 * that met it, which notes that moment in its batch (KIP-534: attribute bit
 * 6, the base timestamp is the "delete horizon"). Records of aborted
 * transactions go at once, the markers of transactions of which nothing is
 * left like tombstones. Offsets never change: a batch keeps its first and
 * last offset and its sequence, and the last one of a producer that is
 * still known stays even when it is empty.
 *
 * Nothing here knows a log: it reads files and writes others, on any
 * thread. cleaner.h decides when, and puts the outcome in place.
 */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/batch.h"
#include "store/fs.h"
#include "store/index.h"
#include "store/keymap.h"
#include "store/partlog.h"

/* A segment to be cleaned. */
struct compact_source {
	int64_t base, end; /* offsets: its first, the next segment's first */
	int64_t size;      /* bytes */
};

/* What a producer that is still known has written last. */
struct compact_producer {
	int64_t id;
	int64_t last;      /* last offset of its newest batch with records, -1 = none */
	int16_t epoch;
};

/* A transaction that the pass is in the middle of. */
struct compact_txn {
	int64_t producer_id;
	bool aborted;
	bool met;          /* a batch of it was there */
};

struct compact {
	/* given */
	const struct fs *fs;
	char *dir;                       /* of the partition; owned, as all below */
	struct compact_source *sources;  /* ascending, from the first segment on */
	int sources_n;
	int64_t dirty, upper;            /* offsets: not cleaned yet; not to be cleaned */
	struct aborted_txn *aborted;     /* by first offset */
	int aborted_n;
	struct compact_producer *producers; /* by id */
	int producers_n;
	int64_t now;                     /* ms, wall */
	int64_t delete_retention_ms, segment_bytes, index_interval_bytes;
	int64_t index_bytes;             /* most of one index file, 0 = no limit */
	/* Between two steps, with the bytes just moved: non-zero stops the work. */
	int (*pace)(void *arg, size_t bytes);
	void *pace_arg;
	/* the state */
	struct keymap map;
	int64_t latest;                  /* last offset that the map knows */
	int64_t end;                     /* offset up to which this pass cleans */
	int next;                        /* source the next group begins with */
	struct compact_txn *open;        /* by producer id */
	int open_n, open_cap, aborted_i;
	struct buf in, out, unpacked, kept, packed;
	int64_t read, written;           /* bytes, of the groups so far */
};

/* One new segment for a group of old ones. */
struct compact_result {
	int first, n;            /* sources */
	bool same;               /* it would be what is there: there is no file */
	int64_t size;
	int64_t first_timestamp, max_timestamp, max_timestamp_offset;
	int64_t since_entry;
	struct index offsets, times;
};

/* Takes max_bytes of memory at most for the map; the rest is set by the caller. */
void compact_init(struct compact *c, const struct fs *fs, size_t max_bytes);
void compact_release(struct compact *c);

/* Reads the dirty part and learns its keys; c->end is known afterwards. */
int compact_map(struct compact *c, struct err *e);
/*
 * Cleans the next group into "<base>.log.cleaned", which is synced: 1 with
 * *r, 0 = there are no more. ERR_TEMPORARY when pace() stopped it.
 */
int compact_next(struct compact *c, struct compact_result *r, struct err *e);
void compact_result_release(struct compact_result *r, const struct fs *fs);

/* ---- compact_filter.c: one batch ---- */

/*
 * Follows transactions: is nothing of this batch to stay, as far as they
 * go? Batches come in the order of the log. compact_forget() starts again.
 */
bool compact_is_void(struct compact *c, const uint8_t *p, const struct batch *b);
void compact_forget(struct compact *c);
/*
 * Appends to c->out what stays of the batch at p (of b->size bytes); *kept
 * tells its header, size 0 = nothing stays; *same when nothing changed.
 */
int compact_filter(struct compact *c, const uint8_t *p, const struct batch *b,
	struct batch *kept, bool *same, struct err *e);

#endif
