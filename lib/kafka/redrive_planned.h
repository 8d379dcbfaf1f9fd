/*
 * redrive_planned.h - a redrive that is written down, and one that does what
 * was written down and nothing else (model/redrive_plan.h).
 */
#ifndef KAFKA_REDRIVE_PLANNED_H
#define KAFKA_REDRIVE_PLANNED_H

#include "cli/out.h"
#include "model/redrive_plan.h"

/* The lines of a plan that is being written. */
struct redrive_plan_writer {
	struct out *out;
	uint64_t digest;
	int64_t n;
};
int redrive_plan_begin(struct redrive_plan_writer *w, struct out *out,
	const struct redrive_plan_head *h, struct err *e);
int redrive_plan_end(struct redrive_plan_writer *w, struct err *e);

/* A plan that was read. `{ 0 }` is empty. */
struct redrive_plan {
	struct arena memory;
	struct redrive_plan_head head;
	struct redrive_planned *items; /* in the order to send them */
	int n, cap;
	int *by_place;                 /* their numbers, by partition and offset */

	/* private */
	int64_t lines;
	uint64_t digest;
	bool ended;
};
/* Line by line. ERR_FORMAT. */
int redrive_plan_add(struct redrive_plan *p, struct slice line, struct err *e);
/* ERR_FORMAT when the end is missing, or a record is there twice. */
int redrive_plan_check(struct redrive_plan *p, struct err *e);
void redrive_plan_release(struct redrive_plan *p);

/* NULL = it is not in the plan. */
const struct redrive_planned *redrive_plan_find(const struct redrive_plan *p,
	int32_t partition, int64_t offset);

#endif
