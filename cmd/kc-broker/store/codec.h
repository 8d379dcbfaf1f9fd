/*
 * codec.h - the compressions of record batches: the records section of one
 * batch in, the same bytes packed or unpacked out.
 *
 *	gzip    RFC 1952, one or several members
 *	snappy  raw, or in the frames of Java's snappy library ("xerial")
 *	lz4     the frame format
 *	zstd    frames
 */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum codec { CODEC_NONE, CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD };

/*
 * Appends the unpacked bytes to *out, at most max of them; ERR_FULL when
 * there would be more, ERR_CORRUPT when the input is damaged or ends early.
 */
int codec_unpack(enum codec c, struct slice in, size_t max, struct buf *out,
	struct err *e);
/* Appends the packed bytes to *out, at the level that Kafka has as its default. */
int codec_pack(enum codec c, struct slice in, struct buf *out, struct err *e);
/*
 * The same at a level: gzip -1 or 1 to 9, lz4 1 to 17, zstd -131072 to 22,
 * none in snappy; 0 is the default.
 */
int codec_pack_at(enum codec c, int level, struct slice in, struct buf *out,
	struct err *e);

#endif
