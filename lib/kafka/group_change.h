/*
 * group_change.h - a plan is carried out: shown, compared with what is
 * committed, its undo written, then written. For group_*.c.
 */
#ifndef KAFKA_GROUP_CHANGE_H
#define KAFKA_GROUP_CHANGE_H

#include "kafka/group_ops.h"
#include "kafka/groups.h"

/*
 * Fills in the times of the records at both ends of each move, when that is a
 * moment's work: of one group, and not too many partitions.
 */
void group_change_times(struct group_ops *ops, struct reset_plan *p);

/* The plan on stdout, before anything is done. */
int group_change_show(struct group_ops *ops, const struct reset_plan *p,
	struct err *e);

/* All groups of the plan are where it saw them: else ERR_REFUSED. */
int group_change_compare(struct group_ops *ops, struct reset_plan *p, struct err *e);
/* And they have no members. */
int group_change_check(struct group_ops *ops, struct reset_plan *p, struct err *e);

/*
 * Writes the undo of p: to --undo FILE, or below the state directory as
 * undo-NAME-TIME.jsonl. *path is where.
 */
int group_change_undo(struct group_ops *ops, const struct reset_plan *p,
	const char *name, struct buf *path, struct err *e);

/* Writes the rows that move. Partitions that fail are told one by one. */
int group_change_write(struct group_ops *ops, const struct reset_plan *p,
	struct err *e);

/* One past the rows of the group that row i has. */
int group_change_next(const struct reset_plan *p, int i);

#endif
