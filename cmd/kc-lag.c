/*
 * kc-lag - how far consumer groups are behind, by how much and since when.
 *
 * Measuring is kafka/lag_measure, the arithmetic model/lag, the verdicts
 * model/lag_status; this file is wiring, and kc-lag/ has the verbs with their
 * options. A snapshot goes to stdout as a table on a terminal, and as JSON
 * lines in a pipe.
 */
#include <unistd.h>

#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kafka/lag_measure.h"
#include "kc-lag/verbs.h"

enum { FRESH_MS = 5000, AGE_BUDGET_MS = 5000 };

int
open_client(struct args *a, bool committed_only, struct err *e)
{
	return lag_open(&a->client, &a->settings, committed_only, e) ||
		client_wait(a->client, a->timeout_ms, e) ? -1 : 0;
}

/* ---- the options ---- */

static const struct opt options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "JSON lines, on a terminal too" },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "show", "[GROUP|^REGEX]...", "lag of all groups, or of those (the default verb)",
		show_options, run_show },
	{ "list", "", "groups with state, protocol, members; no offsets",
		list_options, run_list },
	{ "members", "[GROUP|^REGEX]...", "who is in a group, and what each has",
		NULL, run_members },
	{ "reset", "GROUP...", "plan where groups go on reading, and have them do it",
		reset_options, run_reset },
	{ "export", "[GROUP|^REGEX]...", "committed offsets as lines", export_options,
		run_export },
	{ "import", "FILE", "plan to set exported offsets, and set them",
		import_options, run_import },
	{ "delete", "GROUP...", "delete groups, or their offsets of a topic",
		delete_options, run_delete },
	{ "peek", "GROUP", "the records that a group reads next", peek_options, run_peek },
	{ "wait", "GROUP...", "wait until groups have read all that is there",
		wait_options, run_wait },
	{ 0 }
};

static const char *const usage[] = {
	"[show] [-a] [-t TOPIC] [-W TIME] [GROUP|^REGEX]...",
	"list [--state STATE,...]",
	"members [GROUP|^REGEX]...",
	"reset GROUP... --to TARGET [-t TOPIC[:P,...]] [--execute]",
	"reset --from FILE [--execute]",
	"export [--csv] [GROUP|^REGEX]...",
	"import [-g GROUP] FILE [--execute]",
	"delete [-y] [--offsets-of TOPIC] GROUP...",
	"peek [-c N] GROUP",
	"wait [--lag N] GROUP...",
	NULL
};

static const char *const examples[] = {
	"kc-lag",
	"kc-lag billing",
	"kc-lag '^team-a-' --summary --json | jq 'select(.lag > 1000)'",
	"kc-lag billing --by host",
	"kc-lag --watch 2s",
	NULL
};

static const struct opt_program program = {
	.name = "kc-lag",
	.summary = "Says how far consumer groups are behind, and since when.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "show",
	.takes_names = true, .examples = examples,
	.section = 1, .librdkafka = client_library_version,
};

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	int ret;

	ret = client_load(&a->settings, &a->conf, CLIENT_CONSUMER, e);
	if (ret)
		goto out;
	a->timeout_ms = conf_timeout(&a->conf, CONF_AN_HOUR);
	out_init(&a->out, STDOUT_FILENO);
	a->out.color = term_color(STDOUT_FILENO, a->conf.color);
	ret = verb->run(a, argc, argv, e);
	if (out_close(&a->out, ret ? &(struct err)ERR_INIT : e))
		ret = -1;
out:
	client_close(a->client);
	conf_release(&a->settings);
	return ret < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .watch_ms = -1,
		.fresh_ms = FRESH_MS, .group.count = 1,
		.rules = LAG_RULES_DEFAULT, .age_budget_ms = AGE_BUDGET_MS, .since_ms = -1,
		.state = LAG_STATE_INIT };

	return tool_main(&program, &a, run, argc, argv);
}
