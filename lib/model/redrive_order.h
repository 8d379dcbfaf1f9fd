/*
 * redrive_order.h - dead letters in the order in which their records died,
 * when they do not lie in it; pure.
 *
 * What counts is the order within a partition of the source. Among partitions
 * the order of arrival is kept as well as it goes, so that the dead-letter
 * topic is read from front to back: a record comes when it, and all that died
 * before it in its partition, have arrived.
 *
 * They are gone through twice. The first time it is found out how far back
 * the deaths of what is still to come reach, block by block; the second time
 * a record is held only as long as one is still to come that died before it.
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

struct redrive_places {
	struct redrive_place *items;
	size_t n, cap;
};

/* `{ 0 }` is empty. */
struct redrive_order {
	struct redrive_places due; /* can be sent now, in this order; who did sets n to 0 */
	size_t held;             /* cannot yet */
	size_t added;            /* since redrive_order_settle() */
	bool disordered;         /* they do not lie in the order of their deaths */

	/* private */
	struct map origins;      /* "topic/partition" -> struct redrive_origin */
	struct arena memory;
	int origins_n;
	uint32_t arrivals;
	struct redrive_places untold; /* whose origin is not told */
	int64_t *passed;         /* by partition of the dead letters, -1 = nothing */
	int passed_n;
};

/* ---- the first time: all that may be added later ---- */

/*
 * The next one; of one partition of the dead-letter topic in order. Disordered
 * are also those of one partition of the source that lie in several: in which
 * order those are read nobody knows.
 */
void redrive_order_look(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin);
/* Those were all. */
void redrive_order_looked(struct redrive_order *o);

/* ---- the second time, the partitions interleaved in any way ---- */

/* A record of the dead-letter topic is passed, be it added or not. */
void redrive_order_pass(struct redrive_order *o, int32_t partition, int64_t offset);
void redrive_order_add(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin);
/* To o->due goes what nothing can come before any more; at the end: everything. */
void redrive_order_settle(struct redrive_order *o, bool end);

void redrive_order_release(struct redrive_order *o);

#endif
