/* upkeep.c - the verbs of kc-dlq for topic and ledger as a whole: purge, rebuild, runs. */
#include "changes.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cli/prompt.h"
#include "kafka/dlq_purge.h"
#include "kafka/dlq_rebuild.h"
#include "kafka/dlq_runs.h"

int
run_rebuild(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct run_memory m = { 0 };
	int result = -1;

	a->assume_none = true;
	if (want_dlq(argc, e) || open_dlq(a, argv[0], true, e) ||
	    start_run(a, &m, "rebuild", e))
		goto out;
	result = dlq_rebuild(&a->dlq, (const char *const *)argv + 1, argc - 1,
		a->dry_run, &m.run, e);
	if (!result)
		tell_run(a, &m.run, "found again");
out:
	end_run(&m);
	return result;
}

/* All of it: the name must be typed. */
static int
confirm_purge(const struct args *a, const char *topic, struct err *e)
{
	char question[512];

	if (a->dry_run)
		return 0;
	if (a->purge_all) {
		if (a->mean && !strcmp(a->mean, topic))
			return 0;
		return err_set(e, ERR_USAGE, "--all deletes open records, too "
			"(if that is meant: --yes-i-mean %s)", topic);
	}
	if (a->yes)
		return 0;
	snprintf(question, sizeof(question), "delete what is resolved from '%s', "
		"for good?", topic);
	return prompt_yes(question, e);
}

int
run_purge(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct dlq_purge_options o = { .all = a->purge_all, .before_ms = -1,
		.archive = a->archive, .dry_run = a->dry_run };
	struct run_memory m = { 0 };
	int result = -1;

	if (want_dlq(argc, e) || (a->before && num_time(slice_str(a->before),
	    a->now_ms, &o.before_ms, e)) || confirm_purge(a, argv[0], e) ||
	    open_dlq(a, argv[0], true, e) || start_run(a, &m, "purge", e))
		goto out;
	result = dlq_purge(&a->dlq, &o, &m.run, e);
	if (!result)
		tell_run(a, &m.run, "deleted");
out:
	end_run(&m);
	return result;
}

int
run_runs(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	const struct dlq_options o = dlq_options(a, argv[0], false);

	if (want_dlq(argc, e))
		return -1;
	return dlq_runs(&a->dlq, a->settings, &o, argc > 1 ? argv[1] : NULL,
		a->json, &a->out, e);
}

/* ---- the options ---------------------------------------------------------------- */

const struct opt rebuild_options[] = { MUTATING, OPT_END };

const struct opt purge_options[] = {
	{ 0, "before", OPT_STRING, AT(before), "TIME",
		.help = "only what is older" },
	{ 0, "archive", OPT_STRING, AT(archive), "FILE",
		.help = "write them to this new file first" },
	{ 0, "all", OPT_FLAG, AT(purge_all), .help = "what is open, too" },
	{ 0, "yes-i-mean", OPT_STRING, AT(mean), "DLQ",
		.help = "the topic once more, for --all" },
	MUTATING,
	OPT_END
};
