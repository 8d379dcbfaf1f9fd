/*
 * log_offsets.h - offsets of logs, for many partitions at once: their ends,
 * or where a time begins (ListOffsets).
 */
#ifndef KAFKA_LOG_OFFSETS_H
#define KAFKA_LOG_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kafka/client.h"

/* In the place of a time. */
enum { LOG_END = -1, LOG_START = -2 };

struct log_place {
	const char *topic; /* borrows */
	int32_t partition;
	int64_t offset;    /* out: -1 = no record as late, or not to be had */
	bool failed;       /* out: not to be had */
};

/*
 * time: LOG_START, LOG_END, or ms since the epoch: the first record as late.
 * One bad partition fails alone, after it was asked again for a second: a new
 * leader does not know its high watermark at once. LOG_END is what isolation.level of the
 * client says: the high watermark or the last stable offset. ERR_TEMPORARY
 * when the brokers do not answer in time.
 */
int log_offsets(struct client *c, struct log_place *places, int n, int64_t time,
	int timeout_ms, struct err *e);

#endif
