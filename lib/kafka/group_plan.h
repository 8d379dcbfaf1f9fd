/*
 * group_plan.h - plans of offsets as files and as what people see.
 *
 * A line of a plan is a JSON object a partition; kc-lag(1) documents it:
 *
 *	{"group":G,"topic":T,"partition":0,"from":5,"to":0,"start":0,"end":9,
 *	 "replayed":5,"from_timestamp":MS,"to_timestamp":MS,
 *	 "metadata":M,"exact":true,"note":"clamped"}
 *
 * from: null = nothing committed; absent = whatever is committed. to: null =
 * nothing any more; `offset` is another word for it (exports have that).
 */
#ifndef KAFKA_GROUP_PLAN_H
#define KAFKA_GROUP_PLAN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/out.h"
#include "model/reset.h"

/*
 * Reads a plan, an export, or the CSV of kafka-consumer-groups; "-" is stdin.
 * group: that of CSV without one, and instead of the file's; NULL = as the
 * file says. Sorted. ERR_FORMAT names the line.
 */
int group_plan_read(const char *path, const char *group, struct reset_plan *out,
	struct err *e);

/* Rows as lines of JSON; only those that move. */
void group_plan_json(struct buf *out, const struct reset_plan *p, bool all);
/* One line of an export. */
void group_plan_export(struct buf *out, const char *group, const char *topic,
	int32_t partition, int64_t offset, const char *metadata);
/* A table for people. */
int group_plan_table(struct out *out, const struct reset_plan *p, struct err *e);

/* "3 of 4 partitions, 120 records again, 7 skipped" */
void group_plan_summary(struct buf *out, const struct reset_plan *p);

/* How many rows cannot be done; *first is one of them. */
int group_plan_failures(const struct reset_plan *p, const struct reset_row **first);
/* How many rows move. */
int group_plan_moves(const struct reset_plan *p);

#endif
