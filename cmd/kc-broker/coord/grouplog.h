/*
 * grouplog.h - appending to __consumer_offsets.
 */
#ifndef COORD_GROUPLOG_H
#define COORD_GROUPLOG_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "coord/groups.h"
#include "coord/records.h"
#include "store/batch.h"
#include "wire/wire.h"

struct partlog;

/* Records of one group, being gathered. */
struct grouplog {
	const struct groups_parts *parts;
	struct slice group;  /* borrowed */
	struct partlog *log; /* NULL until something is appended */
	struct batch_builder batch;
	struct wire_writer key, value;
	const struct groups_producer *producer; /* of a transaction; NULL = none */
	uint64_t commit; /* of the last append */
	int16_t error;   /* the first failure, as a coordinator says it */
};

void grouplog_begin(struct grouplog *l, const struct groups_parts *parts,
	struct slice group);
/* c NULL = deleted. */
void grouplog_offset(struct grouplog *l, struct slice topic, int32_t partition,
	const struct committed *c);
/* g NULL = deleted. */
void grouplog_group(struct grouplog *l, const struct group *g);
struct consumer_record;
void grouplog_consumer(struct grouplog *l, const struct consumer_record *r);
/*
 * Appends, and releases what it needed; makes the topic when it is not there.
 * All is stored, or nothing, but that long lists of deletions are cut. *commit
 * is left alone when there was nothing to append.
 */
int16_t grouplog_end(struct grouplog *l, uint64_t *commit);

#endif
