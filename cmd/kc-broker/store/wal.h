/*
 * wal.h - the write-ahead log: a few files of fixed size, written over and
 * over, in which small appends to many segments become durable with one
 * write and one fdatasync.
 *
 * A group (one commit) is a run of frames; groups start at multiples of
 * 4 KiB. All numbers big-endian:
 *
 *	magic u32 @0      crc u32 @4 (CRC-32C of byte 8 to the end of the data)
 *	epoch u64 @8      commit u64 @16     topic id @24 (16 bytes)
 *	partition i32 @40 flags u32 @44      segment i64 @48 (its base offset)
 *	position i64 @56  base offset i64 @64   end offset i64 @72
 *	length u32 @80    previous u32 @84   nonce u64 @88
 *	data @96, padded to 8 bytes, or to the next block where a write ended
 *
 * The nonce is random, of this data directory, and nobody but the broker
 * reads the files: bytes that a client has sent are never taken for a frame,
 * wherever in an older lap they lie. The epoch rises with every lap over a
 * file and with every start, so what an older lap left behind is recognised:
 * inside a file it never falls. Where a start begins is left to chance in
 * part, or two that leave nothing but pieces would have the same. A group
 * counts only when all its frames are there; that is asked of the
 * newest one, as each was synced before the next was written. Every group
 * names the one before it (`previous`, the low half of its commit), so that
 * none can be missing. Files are never truncated: fdatasync of a block that
 * was written before is half the price.
 */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/uuid.h"
#include "store/fs.h"

enum {
	WAL_MAGIC = 0x6b63574c, /* "kcWL" */
	WAL_FILES = 4,
	WAL_BLOCK = 4096,
	WAL_FRAME = 96,        /* header of a frame */
	WAL_DATA_MAX = 1 << 20, /* of one frame */
	WAL_STAGE_MAX = 2 << 20,
};

/* Of frames. */
enum {
	WAL_FIRST = 1,     /* the first of its group */
	WAL_LAST = 2,      /* the last of its group */
	WAL_LOG_START = 4, /* no data: the log now starts at `base offset` */
};

struct wal_frame {
	uint64_t epoch, commit;
	struct uuid topic_id;
	int32_t partition;
	uint32_t flags;
	int64_t segment, position;
	int64_t base_offset, end_offset;
	uint32_t length;
	/* When read: where the data is, and what its checksum must come to. */
	int file;
	int64_t at;
	uint32_t head_crc, crc, previous;
};

struct wal_file {
	int fd;
	int direct;      /* the same past the page cache, -1 = not to be had */
	uint64_t newest; /* commit of its newest group, 0 = none */
};

/*
 * Writing: one thread at a time, the committer's (or the loop's before and
 * after that thread runs).
 */
struct wal {
	const struct fs *fs;
	struct wal_file files[WAL_FILES];
	int64_t file_bytes;
	int current;           /* file written to */
	int64_t pos;           /* in it */
	int64_t newest_at;     /* and where its newest group began, when read */
	uint64_t epoch;
	uint64_t previous;     /* commit of the newest group */
	uint64_t nonce;        /* not 0; set by whoever opened it */
	int64_t written;       /* bytes of the group begun that are in the file */
	uint8_t *staging;      /* what is to be written next; aligned */
	size_t staged;
	_Atomic uint64_t released; /* commits up to this one may be overwritten */
};

/* Where the group behind a commit begins, if it is in this lap: file -1 = unknown. */
struct wal_place {
	int file;
	int64_t pos;
	uint64_t epoch; /* at least that of all groups before; those behind have no less */
};

/*
 * Frames that are made while their data is at hand, before their group is
 * known: what is in the page cache already need not be read back from there.
 */
struct wal_stage {
	uint8_t *bytes;  /* aligned as the disk wants it */
	size_t len, cap;
	/* The newest frame: where it begins, whose it is, its data's checksum. */
	size_t newest;
	uint32_t owner, crc;
};

/*
 * Opens the files of <dir>/wal, making them when `create` and there are none.
 * *out is NULL when there are none and none are made. Files that are there
 * keep their size unless `resize`, which is only for a log without content.
 */
int wal_open(struct wal **out, const struct fs *fs, const char *dir,
	int64_t bytes, bool create, bool resize, struct err *e);
void wal_close(struct wal *w);
/*
 * Reserves the blocks of all files, so that a full disk does not matter to
 * them. On any thread, while the log is in use: the file that a start writes
 * to comes last. -1 is errno.
 */
int wal_reserve(const struct wal *w);
/* Was a group ever written to it? */
bool wal_is_used(const struct wal *w);

/* The nonce of the frames that are there, 0 = none can be read: for when the
 * checkpoint is lost. Every file begins with a frame of ours. */
uint64_t wal_find_nonce(const struct wal *w);

/*
 * Calls fn for every frame of every complete group with a commit above
 * `covered`, which ended at `from`, in the order of commits. A group that is missing in front of a
 * later one, and what the disk does not give back, is an error, unless
 * `repair`. Of all but the newest group only the headers are read: what the
 * data is worth, wal_frame_is() tells. Afterwards the log goes on behind the
 * newest group, in an epoch above min_epoch.
 */
int wal_read(struct wal *w, uint64_t covered, const struct wal_place *from,
	uint64_t min_epoch, bool repair,
	void (*fn)(void *arg, const struct wal_frame *f), void *arg,
	uint64_t *newest_commit, struct err *e);
/* For a start that has seen this one. */
uint64_t wal_epoch_above(uint64_t seen);
/* Puts the newest group there again: the page cache has it, the disk may not. */
int wal_rewrite_newest(struct wal *w);
/* Of a frame that was read: its data (f->length bytes), -1 errno; is this it? */
int wal_data(const struct wal *w, const struct wal_frame *f, void *to);
bool wal_frame_is(const struct wal_frame *f, const void *bytes);

static inline int64_t
wal_block_up(int64_t n)
{
	return (n + WAL_BLOCK - 1) & ~(int64_t)(WAL_BLOCK - 1);
}

/* What a frame takes, header and padding included. */
static inline int64_t
wal_frame_size(size_t data)
{
	return (WAL_FRAME + (int64_t)data + 7) & ~(int64_t)7;
}

/*
 * Is there room for a group of `bytes`, the sum of its wal_frame_size()?
 * Then one wal_put() a frame, which reads the data from fd, the last one with
 * WAL_LAST, and wal_end(). -1 is errno, and the group does not count.
 */
bool wal_begin(struct wal *w, int64_t bytes);
int wal_put(struct wal *w, const struct wal_frame *f, int fd);
int wal_end(struct wal *w, uint64_t commit);

/*
 * Adds a frame: its data, whose checksum is f->crc, is copied. `owner` is the
 * caller's, to tell it from others. False: there is no room.
 */
bool wal_stage_add(struct wal_stage *g, const struct wal_frame *f, uint32_t owner,
	const void *data);
/* Makes the newest frame longer; crc is that of all of its data, then. */
bool wal_stage_extend(struct wal_stage *g, const void *data, size_t n,
	int64_t end_offset, uint32_t crc);
void wal_stage_release(struct wal_stage *g);
/*
 * Writes those of its frames that are wanted, which is the first thing done
 * to a group: `bytes` of wal_begin() counts them as whole blocks. Is nothing
 * to come behind them? -1 is errno.
 */
int wal_put_stage(struct wal *w, struct wal_stage *g, uint64_t commit, bool is_all,
	bool (*wanted)(void *arg, uint32_t owner), void *arg);

/* Where the next group goes. */
struct wal_place wal_place(const struct wal *w);
/* Bytes that the next checkpoint would free, and all there are. */
int64_t wal_used(const struct wal *w);
static inline int64_t
wal_size(const struct wal *w)
{
	return WAL_FILES * w->file_bytes;
}

#endif
