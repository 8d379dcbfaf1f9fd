/*
 * offsets.h - the offsets a group has committed. In memory and pure; the
 * time is an argument.
 */
#ifndef COORD_OFFSETS_H
#define COORD_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/slice.h"
#include "base/uuid.h"

struct group;

struct committed {
	int32_t partition;
	int32_t leader_epoch;  /* -1 = not said */
	int64_t offset;
	struct slice metadata; /* never null */
	struct uuid topic_id;  /* zero = not known */
	int64_t committed_at;  /* wall ms */
	int64_t expires_at;    /* wall ms; -1 = by the broker's retention (from OffsetCommit 5 always) */
};

struct offsets_topic {
	struct slice name;       /* owned */
	struct committed *parts; /* by partition, ascending; metadata is owned */
	int parts_n, parts_cap;
};

/* `{ 0 }` is no offsets. */
struct offsets {
	struct map topics; /* struct offsets_topic by name */
	size_t n;          /* partitions of all */
	size_t bytes;      /* that it takes */
};

void offsets_release(struct offsets *o);

/* Adds or replaces; copies the metadata. */
void offsets_put(struct offsets *o, struct slice topic, const struct committed *c);
/* False when there was none. */
bool offsets_remove(struct offsets *o, struct slice topic, int32_t partition);
/* NULL = none. */
const struct committed *offsets_get(const struct offsets *o, struct slice topic,
	int32_t partition);

/*
 * Has this offset had its time? retention_ms counts from when the group
 * became Empty; for a group that never had members, and for topics that a
 * stable group does not consume any more, from the commit (KIP-211).
 */
bool offsets_expired(const struct group *g, struct slice topic,
	const struct committed *c, int64_t wall, int64_t retention_ms);

#endif
