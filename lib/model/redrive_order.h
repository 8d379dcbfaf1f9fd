/*
 * redrive_order.h - dead letters in the order in which their records died,
 * when they do not lie in it; pure.
 *
 * What counts is the order within a partition of the source. Among partitions
 * the order of arrival is kept as well as it goes, so that the dead-letter
 * topic is read from front to back: a record comes when it, and all that died
 * before it in its partition, have arrived.
 */
#ifndef MODEL_REDRIVE_ORDER_H
#define MODEL_REDRIVE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "model/deadletter.h"

struct redrive_place {
	int64_t offset;          /* of the dead letter */
	int64_t origin_offset;
	int32_t partition;       /* of the dead letter */
	int32_t origin;          /* number of the source's partition; -1 = not told */
	uint32_t due;            /* the arrival that it waits for */
};

/* `{ 0 }` is empty. */
struct redrive_order {
	struct redrive_place *places;
	size_t n, cap;
	bool disordered;         /* they do not lie in the order of their deaths */

	/* private */
	struct map origins;      /* "topic/partition" -> struct redrive_origin */
	struct arena memory;
	int origins_n;
};

/* The next that arrived; of one partition of the dead-letter topic in order. */
void redrive_order_add(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin);
/*
 * The same, and remembers nothing but what tells whether they lie in order:
 * where a source's partition died into several partitions, nobody knows.
 */
void redrive_order_look(struct redrive_order *o, int32_t partition,
	const struct deadletter_origin *origin);
/* Puts the places into the order to send them. */
void redrive_order_sort(struct redrive_order *o);
void redrive_order_release(struct redrive_order *o);

#endif
