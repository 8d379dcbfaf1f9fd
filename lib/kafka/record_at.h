/*
 * record_at.h - the record at an offset, or the next one that is there, of
 * many partitions at once.
 */
#ifndef KAFKA_RECORD_AT_H
#define KAFKA_RECORD_AT_H

#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"
#include "model/record.h"

struct record_place {
	const char *topic; /* borrows */
	int32_t partition;
	int64_t offset;    /* in the log, and not its end */
	int64_t got;       /* out: how many records came */
	void *user;
};

/*
 * Reads up to `count` records of each place and hands them to take(), those
 * of a partition in order. Ends with timeout_ms, or where the logs ended when
 * it began: then places have got less. No partition twice.
 */
int record_at(const struct conf *conf, struct record_place *places, int n,
	int64_t count, int timeout_ms,
	int (*take)(struct record_place *place, const struct record *r,
	struct err *e), struct err *e);

#endif
