/*
 * replay_range.h - offsets of partitions, as --offsets of kc-replay names them:
 * "0:100-200,1:5-,2:7,3" (both ends included; an open end; one record; all).
 */
#ifndef MODEL_REPLAY_RANGE_H
#define MODEL_REPLAY_RANGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct replay_range {
	int32_t partition;
	int64_t from;  /* -1 = the beginning */
	int64_t to;    /* exclusive; -1 = the end */
};

struct replay_ranges {
	struct replay_range *items; /* ascending by partition, each once */
	int n;
};

/* ERR_USAGE: what is wrong, and the form. */
int replay_ranges_parse(struct slice text, struct replay_ranges *out, struct err *e);
void replay_ranges_release(struct replay_ranges *r);
/* NULL when the partition is not named. */
const struct replay_range *replay_ranges_find(const struct replay_ranges *r,
	int32_t partition);

#endif
