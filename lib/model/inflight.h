/*
 * inflight.h - records given out and not yet committed: in each partition a
 * window, in the order of offsets, whose front moves on as records are done
 * in any order. What is in front of a window may be committed.
 */
#ifndef MODEL_INFLIGHT_H
#define MODEL_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "model/src.h"

/* One record; a member of the caller's own struct, who owns it. */
struct inflight_item {
	struct inflight_part *part;
	int64_t offset;
	bool done;
};

struct inflight_part {
	char *key;       /* "topic/partition" */
	char *topic;
	int32_t partition;
	/* Behind what was popped: the offset to be committed; -1 = nothing was. */
	int64_t next;
	/* private */
	int64_t last;    /* offset added last */
	struct inflight_item **ring; /* cap is a power of two */
	size_t head, n, cap;
	struct list ready; /* its front is done */
};

struct inflight {
	struct map by_key;
	struct inflight_part **parts;
	int parts_n;
	struct inflight_part *latest;
	struct list ready;
	int64_t n;       /* items in all windows */
};

void inflight_init(struct inflight *w);
/* The items are gone before. */
void inflight_release(struct inflight *w);

/* Behind all of its partition; false, and nothing done, when it is not. */
bool inflight_add(struct inflight *w, const struct src *at, struct inflight_item *item);

/* NULL = not in a window: never given out, or popped already. */
struct inflight_item *inflight_find(const struct inflight *w, const struct src *at);

/* Marks it; it comes out when all before it have. */
void inflight_done(struct inflight *w, struct inflight_item *item);

/* Marks all of the partition up to this offset. */
void inflight_done_through(struct inflight *w, const struct src *at);

/* The next done record of some partition's front; NULL = there is none. */
struct inflight_item *inflight_pop(struct inflight *w);

/* NULL = nothing of it was ever added. */
struct inflight_part *inflight_part(const struct inflight *w, struct slice topic,
	int32_t partition);

/*
 * The partition goes away: takes out its first item, done or not, without
 * moving `next`; NULL once it is empty, and then the partition is forgotten.
 */
struct inflight_item *inflight_forget(struct inflight *w, struct slice topic,
	int32_t partition);

#endif
