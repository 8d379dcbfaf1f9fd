/*
 * replay_archive.h - what an archive of a topic says of itself, as the exact
 * text that its digests are made of.
 *
 * Each file has its own SHA-256. The files are a chain: link i is the SHA-256
 * of link i-1 (hex, LF) and the text of file i; link 0 is that of the head.
 * The seal is the SHA-256 of the last link and the text of the tail. So a file
 * that is changed, taken out, moved or cut off is found, and the seal names
 * the whole. Pure: here are the texts.
 */
#ifndef MODEL_REPLAY_ARCHIVE_H
#define MODEL_REPLAY_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define ARCHIVE_FORMAT "kc-archive/1"

enum { ARCHIVE_DIGEST = 65 };

/* One file: what it covers of a partition, [from, to), and what is in it. */
struct archive_segment {
	char *file;
	int32_t partition;
	int64_t from, to;
	int64_t records, bytes;  /* bytes of lines, LF included */
	int64_t size;            /* of the file */
	char sha256[ARCHIVE_DIGEST], chain[ARCHIVE_DIGEST];
};

struct archive_part {
	int32_t partition;
	int64_t from, to;
};

void archive_head_text(struct buf *out, const char *cluster, const char *topic);
void archive_segment_text(struct buf *out, const char *previous,
	const struct archive_segment *s);
void archive_tail_text(struct buf *out, const char *last,
	const struct archive_part *parts, int n);

/* "00003-00000000000000001234.ndjson.zst": in the order of partition and offset. */
void archive_file_name(struct buf *out, int32_t partition, int64_t from);

/*
 * Whether the segments cover the parts: in order, without a hole. NULL, or
 * what is wrong.
 */
const char *archive_holes(const struct archive_segment *s, int n,
	const struct archive_part *parts, int parts_n);

#endif
