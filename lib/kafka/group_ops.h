/*
 * group_ops.h - what kc-lag does to groups, and tells of them: a function a
 * verb. Each shows its plan on stdout before anything is changed, writes the
 * way back before that, and refuses a group that has members.
 *
 * Errors decide the exit status: ERR_REFUSED for members, share groups and a
 * stale plan, ERR_PARTIAL when some partitions or groups failed, ERR_NO for a
 * question about a group that does not exist.
 */
#ifndef KAFKA_GROUP_OPS_H
#define KAFKA_GROUP_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "kafka/client.h"
#include "model/reset.h"

/* Options of the verbs, filled in by the option table. */
struct group_options {
	const char *to, *from;   /* target, or file of a plan */
	const char *plan, *undo; /* files to write */
	const char *group;       /* import into this one */
	struct opt_list topics;  /* TOPIC[:P,...] */
	struct opt_list offsets_of; /* the same: delete only these */
	bool execute, clamp, yes, dry_run, csv, json_values;
	int64_t lag, count;
};

/* What the verbs work with. */
struct group_ops {
	const struct group_options *o;
	/* Connects, once the options are found good; sets client. */
	int (*open)(struct group_ops *ops, struct err *e);
	void *user;
	struct client *client;   /* with isolation.level read_uncommitted */
	const struct conf *conf;
	struct out *out;
	bool json;               /* lines of JSON, not a table */
	int timeout_ms;          /* of each request */
	int64_t wait_ms;         /* of group_wait() in all */
};

int group_reset(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_import(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_export(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_delete(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_members(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_peek(struct group_ops *ops, int argc, char **argv, struct err *e);
int group_wait(struct group_ops *ops, int argc, char **argv, struct err *e);

#endif
