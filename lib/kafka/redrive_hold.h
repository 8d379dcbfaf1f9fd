/*
 * redrive_hold.h - records are held back while those who read the target are
 * behind, so that a redrive is no storm.
 */
#ifndef KAFKA_REDRIVE_HOLD_H
#define KAFKA_REDRIVE_HOLD_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "cli/conf.h"
#include "kafka/dlq_write.h"

/* "1000", any group; "billing:1000", that one. */
struct redrive_hold_limit {
	const char *group;  /* NULL = any; owned */
	int64_t most;       /* records left to read; -1 = no limit */
};
/* ERR_USAGE. */
int redrive_hold_parse(const char *text, struct redrive_hold_limit *out, struct err *e);
void redrive_hold_release(struct redrive_hold_limit *l);

struct redrive_hold;

/* Borrows conf and limit. ERR_NOT_FOUND when the group does not exist. */
int redrive_hold_open(struct redrive_hold **out, const struct conf *conf,
	const struct redrive_hold_limit *limit, int timeout_ms, struct err *e);
void redrive_hold_close(struct redrive_hold *h);

/*
 * Waits until no group has more left to read in the topics that the batch
 * goes to. ERR_TEMPORARY when that did not become less for timeout_ms. -1
 * with e untouched when a signal came.
 */
int redrive_hold(struct redrive_hold *h, const struct dlq_batch *b, struct err *e);

#endif
