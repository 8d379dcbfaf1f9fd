/*
 * index.h - the sparse indexes of a segment, in Kafka's file formats, all
 * numbers big-endian and every entry larger than the one before:
 *
 *	.index      last offset of a batch - base offset u32, its position u32
 *	.timeindex  largest timestamp so far i64, offset - base offset u32
 *
 * The newest entries of a segment that is written to are in memory; older
 * ones only in the file. Files are written without syncing: they are checked
 * when first used and can be made again from the segment.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/fs.h"

enum { OFFSET_ENTRY = 8, TIME_ENTRY = 12 };

enum index_key { INDEX_OFFSET, INDEX_POSITION, INDEX_TIME };

struct index {
	struct buf mem;   /* entries number `from` and on, as in the file */
	uint32_t from;
	uint32_t stored;  /* entries the file has; from <= stored */
	int fd;           /* of the file, -1 = not open */
	uint8_t width;    /* of an entry, bytes */
	bool checked;     /* the file's entries were found in order */
};

/* No entries; or `stored` of them, in a file that is not looked at yet. */
void index_init(struct index *x, uint8_t width, uint32_t stored);
/* Closes and forgets; the file stays. */
void index_release(struct index *x, const struct fs *fs);
void index_close(struct index *x, const struct fs *fs);

static inline uint32_t
index_count(const struct index *x)
{
	return x->from + (uint32_t)(x->mem.len / x->width);
}

void index_add_offset(struct index *x, uint32_t relative, uint32_t position);
void index_add_time(struct index *x, int64_t timestamp, uint32_t relative);

/*
 * Makes the stored entries readable: opens the file and, the first time,
 * checks that they are there, ascending and (offset index) below `size`.
 * -1: it must be made again.
 */
int index_ready(struct index *x, const struct fs *fs, const char *path,
	int64_t size);

/* Writes what the file has not got yet. */
int index_store(struct index *x, const struct fs *fs, const char *path);
/* Lets go of all but the newest `keep` entries in memory, if they are stored. */
void index_trim(struct index *x, uint32_t keep);

/* Number of the last entry whose key is <= v, -1 = none. Must be ready. */
int64_t index_floor(const struct index *x, const struct fs *fs,
	enum index_key key, int64_t v);
int64_t index_key(const struct index *x, const struct fs *fs, int64_t i,
	enum index_key key);
/* Of a time entry: offset - base offset. */
uint32_t index_time_offset(const struct index *x, const struct fs *fs, int64_t i);

#endif
