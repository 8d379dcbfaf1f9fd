/*
 * aborted.h - the aborted transactions whose markers are in one segment:
 * Kafka's transaction index, "<base offset, 20 digits>.txnindex". An entry,
 * in the order of markers, all numbers big-endian:
 *
 *	version 0 i16         producer id i64
 *	first offset i64      offset of its marker i64
 *	last stable offset, once that marker is visible i64
 *
 * Readers of committed records depend on it, and a file that is not there
 * looks like one without entries: so number and checksum of the entries are
 * kept apart from the file, in the checkpoint, and what does not fit them is
 * made again from the log. There is no file without entries.
 */
#ifndef STORE_ABORTED_H
#define STORE_ABORTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/fs.h"
#include "store/partlog.h"

enum { ABORTED_ENTRY = 34 };

/* `{ 0 }` has none. */
struct aborted {
	struct buf mem;   /* entries number `from` and on, as in the file */
	uint32_t from;
	uint32_t stored;  /* entries the file has; from <= stored */
	uint32_t n, crc;  /* of all entries; CRC-32C */
};

void aborted_release(struct aborted *x);
void aborted_add(struct aborted *x, const struct aborted_txn *t, int64_t stable);

/* Number and checksum in one, 0 = none; and the entries of a file that has these. */
static inline uint64_t
aborted_digest(const struct aborted *x)
{
	return (uint64_t)x->n << 32 | x->crc;
}
void aborted_adopt(struct aborted *x, uint64_t digest);
/* Whatever the file has. -1: it cannot be read. */
int aborted_adopt_file(struct aborted *x, const struct fs *fs, const char *path);

/* All entries into memory. -1: the file does not have them, or others. */
int aborted_load(struct aborted *x, const struct fs *fs, const char *path);
/* Those in memory to the file: 1, 0 = there were no new ones, -1 errno. */
int aborted_store(struct aborted *x, const struct fs *fs, const char *path);
/* The same, and nothing else is in the file: it is not to grow any more. */
void aborted_seal(struct aborted *x, const struct fs *fs, const char *path);
/* Lets go of the entries in memory, if they are stored. */
void aborted_trim(struct aborted *x);

/* With all in memory: the first entry with a marker >= offset; n = none. */
uint32_t aborted_find(const struct aborted *x, int64_t offset);
void aborted_get(const struct aborted *x, uint32_t i, struct aborted_txn *t,
	int64_t *stable);

#endif
