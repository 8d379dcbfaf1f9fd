/*
 * validate.h - may this batch of a producer go into this log? The checks of
 * Kafka's LogValidator, in its order, with its error codes.
 */
#ifndef STORE_VALIDATE_H
#define STORE_VALIDATE_H

#include "base/buf.h"
#include "store/batch.h"
#include "store/partlog.h"

/* What a batch's records may unpack to: a bomb is refused here. */
#define BATCH_UNPACKED_MAX ((size_t)128 << 20)

/* A batch that is about to be appended. */
struct candidate {
	uint8_t *bytes;       /* the whole batch, ours to change */
	struct batch b;
	struct slice records; /* unpacked; in `bytes` or in `unpacked` */
	struct buf *unpacked; /* borrowed scratch */
	struct buf *repacked; /* borrowed scratch: `bytes` may move there */
	struct buf *bad;      /* borrowed scratch: r->bad is there */
};

/*
 * Checks everything a batch can say about itself, to the last record, and
 * leaves it as it will be stored but for offsets: timestamps set where the
 * topic says so, compressed as the topic wants it. 0, or a Kafka error code
 * with r->message and r->bad set.
 */
int16_t candidate_check(struct candidate *c, size_t len,
	const struct log_config *config, int64_t now, struct append_result *r);

#endif
