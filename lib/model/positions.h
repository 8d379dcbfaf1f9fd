/*
 * positions.h - how far a pipeline's end has come in the partitions that its
 * lines are from: what each line's src says, and what of it is committed.
 *
 * Lines of a partition come in their order; some may be missing (a filter
 * dropped them), and several may have the same src, one behind the other.
 * Pure: who acknowledges and commits is the caller.
 */
#ifndef MODEL_POSITIONS_H
#define MODEL_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "model/src.h"

struct position {
	char *key;         /* "topic/partition" */
	char *topic;
	int32_t partition;
	int64_t next;      /* behind the last line taken; -1 = none */
	int64_t committed; /* -1 = nothing */
};

/* `{ 0 }` knows nothing. */
struct positions {
	struct position **items; /* in the order they were seen */
	int n;
	struct map by_key;
	struct position *latest;
};

void positions_release(struct positions *p);

/* What is committed already, before any line of the partition. */
void positions_start(struct positions *p, struct slice topic, int32_t partition,
	int64_t committed);

/* True when it was started, or a line of it was taken. */
bool positions_knows(const struct positions *p, struct slice topic,
	int32_t partition);

enum position_take {
	POSITION_NEW,   /* a record further on */
	POSITION_SAME,  /* another line of the latest record */
	POSITION_DONE,  /* was committed before this run: pass over it */
	POSITION_BACK,  /* behind a later one: the lines are out of order */
};

/* Where the line stands; changes nothing. */
enum position_take positions_look(struct positions *p, const struct src *s);
/* Takes a line that is POSITION_NEW. */
void positions_take(struct positions *p, const struct src *s);
/* The reading has passed all before s: also what no line came of. */
void positions_pass(struct positions *p, const struct src *s);
/* True when something was taken that is not committed. */
bool positions_due(const struct positions *p);
/* All that was taken is committed. */
void positions_committed(struct positions *p);

#endif
