/*
 * checkpoint.h - the file that says where every log was known to be durable:
 * what is behind it in the segments is found by reading the WAL and the
 * tails, so that a start never reads more than those.
 *
 *	"KCCKPT03"  covered commit u64  WAL epoch u64  WAL nonce u64
 *	its end in the WAL: epoch u64  position i64  file i32;  entries u32
 *	per entry: length u32, then checkpoint_put()'s bytes
 *	crc u32 (CRC-32C of all before)
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "store/fs.h"
#include "store/wal.h"

struct partlog;

/* Of the whole: commits up to `covered` are in it; see wal.h for the others. */
struct checkpoint_head {
	uint64_t covered, epoch, nonce;
	struct wal_place end; /* of the newest that is covered */
};

/* What is kept of one log. */
struct checkpoint_log {
	struct uuid topic_id;
	int32_t partition;
	int64_t start, end;     /* offsets */
	int64_t active;         /* base of the active segment, -1 = no segment yet */
	int64_t position;       /* its size */
	int64_t older_bytes;    /* of all other segments */
	int32_t segments;
	uint32_t offsets, times; /* entries in its index files */
	int64_t since_entry;
	int64_t first_timestamp, max_timestamp, max_timestamp_offset;
	/* aborted_digest() of the active segment, and the sum of those of the
	 * others that end behind older_start */
	uint64_t aborted, older_aborted;
	int64_t older_start;
	struct slice producers; /* producers_save() */
};

enum { CHECKPOINT_KEY = 20 }; /* topic id and partition, at the front of an entry */

void checkpoint_put(const struct checkpoint_log *l, struct buf *out);
int checkpoint_get(struct slice entry, struct checkpoint_log *l);

/* An entry as the keeper has it. */
struct checkpoint_entry {
	struct list node;    /* the keeper's */
	struct list removed; /* the loop's: in store->removed */
	struct buf bytes;
};

/* Writes the file: temporary, sync, rename, sync of the directory; or without the syncs. */
int checkpoint_write(const struct fs *fs, const char *dir,
	const struct checkpoint_head *head, const struct list *entries, bool sync,
	struct err *e);

/* The same with the bytes of one that was read. */
int checkpoint_replace(const struct fs *fs, const char *dir, const struct buf *file,
	bool sync, struct err *e);

/*
 * Reads it: 1, 0 when there is none (or an empty one), -1 when it is damaged. Entries are
 * slices of *file.
 */
int checkpoint_read(const struct fs *fs, const char *dir, struct buf *file,
	struct checkpoint_head *head, void (*fn)(void *arg, struct slice entry),
	void *arg, struct err *e);

#endif
