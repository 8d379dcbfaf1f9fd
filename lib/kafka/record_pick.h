/*
 * record_pick.h - many records by their offsets, of many partitions, several
 * of each: one reader for all of them, which goes through each partition once.
 */
#ifndef KAFKA_RECORD_PICK_H
#define KAFKA_RECORD_PICK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"
#include "model/record.h"

struct record_pick {
	const char *topic;  /* borrows */
	int32_t partition;
	int64_t offset;     /* in the log, and not its end */
	bool got;           /* out: it is there, and was given */
	void *user;
};

/*
 * Sorts the list by topic, partition and offset, and gives each record that
 * is there to take(), those of a partition in order; the record borrows, for
 * the call. Far-off records of one partition cost a new reader each. -1 with
 * e untouched when a signal came.
 */
int record_pick(const struct conf *conf, struct record_pick *list, int n,
	int timeout_ms,
	int (*take)(struct record_pick *x, const struct record *r, struct err *e),
	struct err *e);

#endif
