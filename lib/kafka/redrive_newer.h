/*
 * redrive_newer.h - whether the source has a newer record of the same key, so
 * that a redrive would put an old value over a new one.
 *
 * A partition is read from the lowest offset that was asked for to its end,
 * each record once; what is kept is the newest offset of each key. Records
 * that are redriven themselves are not newer, whatever their offset.
 */
#ifndef KAFKA_REDRIVE_NEWER_H
#define KAFKA_REDRIVE_NEWER_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "cli/conf.h"
#include "kafka/client.h"

struct redrive_newer;

/* c answers for offsets. Borrows both. */
struct redrive_newer *redrive_newer_new(const struct conf *conf, struct client *c,
	int timeout_ms);
void redrive_newer_free(struct redrive_newer *n);

/*
 * The offset of the newest record of this key behind `offset`; -1 = none. A
 * null key has no newer record. What retention took away was older.
 */
int redrive_newer_find(struct redrive_newer *n, const char *topic,
	int32_t partition, int64_t offset, struct slice key, int64_t *out,
	struct err *e);

#endif
