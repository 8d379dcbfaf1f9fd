/*
 * groups.c - the verbs of kc-lag that change groups, and look at them, with
 * their options; what they do is in lib/kafka/group_*.c.
 */
#include "cli/term.h"
#include "verbs.h"

static int
open_group_client(struct group_ops *ops, struct err *e)
{
	struct args *a = ops->user;

	if (open_client(a, false, e))
		return -1;
	ops->client = a->client;
	return 0;
}

static int
run_group(struct args *a, int (*verb)(struct group_ops *, int, char **, struct err *),
	int argc, char **argv, struct err *e)
{
	struct group_ops ops = { .o = &a->group, .conf = &a->settings,
		.out = &a->out, .timeout_ms = a->timeout_ms,
		.wait_ms = a->conf.timeout_ms < 0 ? a->timeout_ms : a->conf.timeout_ms,
		.json = a->json || !term_is_tty(a->out.fd),
		.open = open_group_client, .user = a };

	return verb(&ops, argc, argv, e);
}

#define GROUP_VERB(name)                                                    \
int                                                                         \
run_##name(void *args, int argc, char **argv, struct err *e)                \
{                                                                           \
	return run_group(args, group_##name, argc, argv, e);                \
}
GROUP_VERB(reset)
GROUP_VERB(import)
GROUP_VERB(export)
GROUP_VERB(delete)
GROUP_VERB(members)
GROUP_VERB(peek)
GROUP_VERB(wait)

/* ---- the options ---- */

#define OPT_EXECUTE \
	{ 0, "execute", OPT_FLAG, AT(group.execute), .group = "execute", \
		.help = "do it; without, the plan is only shown" }, \
	{ 'n', "dry-run", OPT_FLAG, AT(group.dry_run), .group = "execute", \
		.help = "only show the plan, as without --execute" }, \
	{ 0, "clamp", OPT_FLAG, AT(group.clamp), \
		.help = "offsets out of the log become its nearest end" }, \
	{ 0, "plan", OPT_STRING, AT(group.plan), "FILE", \
		.help = "write the plan there, for --from" }
#define OPT_UNDO { 0, "undo", OPT_STRING, AT(group.undo), "FILE", \
		.help = "write the way back there, a new file, before anything is done" }

const struct opt reset_options[] = {
	{ 0, "to", OPT_STRING, AT(group.to), "TARGET", .group = "target",
		.help = "earliest, latest, current, OFFSET, +N, -N, TIME, -2h, "
		"group:NAME, start-if-lost" },
	{ 0, "from", OPT_STRING, AT(group.from), "FILE", .group = "target",
		.help = "offsets of a plan, an undo, an export, or Kafka's CSV; - is stdin" },
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC[:P,...]",
		.help = "only these partitions (default: all that are committed)" },
	OPT_EXECUTE, OPT_UNDO, OPT_END
};

const struct opt import_options[] = {
	{ 'g', "group", OPT_STRING, AT(group.group), "GROUP",
		.help = "the group, instead of the one in the file" },
	OPT_EXECUTE, OPT_UNDO, OPT_END
};

const struct opt export_options[] = {
	{ 0, "csv", OPT_FLAG, AT(group.csv),
		.help = "[GROUP,]TOPIC,PARTITION,OFFSET as kafka-consumer-groups has it" },
	OPT_END
};

const struct opt delete_options[] = {
	{ 0, "offsets-of", OPT_LIST, AT(group.offsets_of), "TOPIC[:P,...]",
		.help = "only what is committed there, not the group" },
	{ 'y', "yes", OPT_FLAG, AT(group.yes), .help = "do not ask" },
	{ 'n', "dry-run", OPT_FLAG, AT(group.dry_run), .help = "only say what would go" },
	OPT_UNDO, OPT_END
};

const struct opt peek_options[] = {
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC[:P,...]",
		.help = "only these partitions" },
	{ 'c', "count", OPT_INT, AT(group.count), "N", .min = 1, .max = INT64_MAX,
		.help = "as many records of each partition (1)" },
	{ 'j', "json-values", OPT_FLAG, AT(group.json_values),
		.help = "values that are JSON as JSON, in the member json" },
	OPT_END
};

const struct opt wait_options[] = {
	{ 0, "lag", OPT_INT, AT(group.lag), "N",
		.help = "until no group has more than N records to read (0)" },
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC",
		.help = "only of this topic; may be repeated" },
	OPT_END
};
