/*
 * offset.h - where to read: "beginning", "end", "stored", N, -N, times and
 * ranges, as -o of kc-consume and of its relatives takes them.
 *
 *	POINT      beginning | end | stored | N | -N | @TIME | s@TIME (kcat)
 *	RANGE      POINT:POINT | POINT: | :POINT; a lone POINT is a start
 *	e@TIME     (kcat) an end
 * TIME as num_time() reads it; the end of a range is exclusive.
 */
#ifndef MODEL_OFFSET_H
#define MODEL_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum offset_kind {
	OFFSET_UNSET,
	OFFSET_BEGINNING,
	OFFSET_END,
	OFFSET_STORED,   /* the group's committed offset */
	OFFSET_ABSOLUTE, /* value = offset */
	OFFSET_TAIL,     /* value = this many before the end, per partition */
	OFFSET_TIME,     /* value = ms since the epoch */
};

struct offset_point {
	enum offset_kind kind;
	int64_t value;
};

struct offset_range {
	struct offset_point from, to; /* to.kind OFFSET_UNSET = no end */
};

/* Parses one -o text into *r; a second call merges (kcat's s@ and e@). */
int offset_parse(struct slice text, int64_t now_ms, struct offset_range *r,
	struct err *e);

/* "0,2-5": partitions, ascending, no duplicates. returns owned array */
int offset_parse_partitions(struct slice text, int32_t **out, int *n, struct err *e);

#endif
