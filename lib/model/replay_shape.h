/*
 * replay_shape.h - what a record becomes on its way: headers, timestamp,
 * partition, and the header that says where it came from:
 *
 *	kc-replay   RUN/PARTITION/OFFSET
 *
 * of the run that wrote it and of its source, whose topic and cluster the
 * run's job names: it is short, because it is in every record. That of an
 * earlier replay is replaced. Pure; the same record always becomes the same,
 * but for the timestamp `now`.
 */
#ifndef MODEL_REPLAY_SHAPE_H
#define MODEL_REPLAY_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/record.h"

#define REPLAY_TAG "kc-replay"

enum replay_timestamp { REPLAY_TS_PRESERVE, REPLAY_TS_NOW, REPLAY_TS_SHIFT };
enum replay_partition { REPLAY_PART_SAME, REPLAY_PART_KEY, REPLAY_PART_FIXED };

struct replay_shape {
	struct slice topic;             /* the target */
	enum replay_timestamp timestamp;
	int64_t shift_ms;               /* added, with REPLAY_TS_SHIFT */
	enum replay_partition partition;
	int32_t fixed;                  /* with REPLAY_PART_FIXED */

	bool drop_headers;              /* all of the record's own */
	struct slice *dropped;          /* names */
	int dropped_n;
	struct record_header *added;
	int added_n;

	struct slice run;               /* null = no tag */

	/* scratch */
	struct record_header *headers;
	size_t headers_cap;
	struct buf text;
};

/* One --headers: preserve, none, -NAME, +NAME=VALUE. borrows text. ERR_USAGE. */
int replay_shape_headers(struct replay_shape *s, const char *text, struct err *e);

/* preserve, now, shift, shift=TIME: then *start_ms is TIME, else now_ms. */
int replay_shape_timestamp(struct replay_shape *s, const char *text,
	int64_t now_ms, int64_t *start_ms, struct err *e);

/* same, key, or a number. */
int replay_shape_partition(struct replay_shape *s, const char *text, struct err *e);

/*
 * What r becomes. Where it came from is r->src ("topic/partition/offset") when
 * that is there, else its topic, partition and offset. *out borrows from both
 * and from the scratch memory, until the next call.
 */
void replay_shape(struct replay_shape *s, const struct record *r,
	struct record *out);
void replay_shape_release(struct replay_shape *s);

/* The value of a header; the last of several; null when there is none. */
struct slice replay_header(const struct record *r, const char *name);

/* The record's tag: of which run it is, and where in the source it was; false = it has none. */
bool replay_tag(const struct record *r, struct slice *run, int32_t *partition,
	int64_t *offset);

/*
 * A fingerprint of what is compared: key, value, headers without the tag, and
 * the timestamp if asked for.
 */
uint64_t replay_digest(const struct record *r, bool with_timestamp);

#endif
