/*
 * assignor.h - who of a consumer group shall have which partitions (KIP-848's
 * server-side assignors). Pure: from what members want and were to have so
 * far, to what they shall have.
 *
 *	range    each topic in runs, to its members in the order of their
 *	         names: topics with the same partitions go together
 *	uniform  as many to each member as to any other, and as much as
 *	         possible stays where it was meant to be
 */
#ifndef COORD_ASSIGNOR_H
#define COORD_ASSIGNOR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "coord/parts.h"

struct assignor_topic {
	struct uuid id;
	int32_t partitions_n;
};

struct assignor_member {
	struct slice id, instance_id; /* instance null = dynamic */
	int *topics;                  /* that it wants: indexes, ascending, once */
	int topics_n;
	struct parts current;         /* the target so far */
	struct parts target;          /* out; in the arena, epochs 0 */
};

struct assignor_group {
	struct assignor_topic *topics; /* sorted by id */
	int topics_n;
	struct assignor_member *members;
	int members_n;
};

struct assignor {
	const char *name;
	void (*assign)(struct assignor_group *g, struct arena *a);
};

/* NULL = there is no such. */
const struct assignor *assignor_find(struct slice name);

void assignor_range(struct assignor_group *g, struct arena *a);
void assignor_uniform(struct assignor_group *g, struct arena *a);

#endif
