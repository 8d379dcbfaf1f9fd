/*
 * parts.h - sets of partitions: what a member of a consumer group has, must
 * give up, or shall have. Sorted by topic id and number, each once.
 *
 * A set borrows its memory: of an arena, or of the member that parts_own()
 * made it for. `{ 0 }` is the empty set.
 */
#ifndef COORD_PARTS_H
#define COORD_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/uuid.h"

struct part {
	struct uuid topic;
	int32_t number;
	int32_t epoch; /* since when a member has it; 0 where that means nothing */
};

struct parts {
	struct part *v;
	int n;
};

/* By topic, then number. */
int part_cmp(const struct part *a, const struct part *b);

/* Sorts what was put into p->v, and drops what is there twice. */
void parts_sort(struct parts *p);
/* Room for n of them in the arena, still none. */
struct parts parts_room(struct arena *a, int n);
/* Must have room. */
void parts_put(struct parts *p, const struct uuid *topic, int32_t number, int32_t epoch);

/* NULL = not in it. */
const struct part *parts_find(const struct parts *p, const struct uuid *topic,
	int32_t number);
/* What is in both, or in x only, as it is in x; what is in either. */
struct parts parts_and(const struct parts *x, const struct parts *y, struct arena *a);
struct parts parts_minus(const struct parts *x, const struct parts *y, struct arena *a);
struct parts parts_or(const struct parts *x, const struct parts *y, struct arena *a);
bool parts_overlap(const struct parts *x, const struct parts *y);
/* The same partitions, with the same epochs. */
bool parts_eq(const struct parts *x, const struct parts *y);
/* The same partitions. */
bool parts_same(const struct parts *x, const struct parts *y);

/* A copy that parts_free() frees. */
struct parts parts_own(const struct parts *p);
void parts_free(struct parts *p);

/* How many from `from` on are of one topic; 0 at the end. */
int parts_run(const struct parts *p, int from);
/* The number of topics. */
int parts_topics(const struct parts *p);
/* Their numbers, n of them from `from` on, as an array in the arena. */
int32_t *parts_numbers(const struct parts *p, int from, int n, struct arena *a);

#endif
