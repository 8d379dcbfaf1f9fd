/*
 * kc-topics - topics: list, show, create, delete, alter, trim.
 *
 * What is asked for goes to stdout: a table on a terminal, tab separated
 * lines in a pipe, JSON with --json. What was done is told on stderr. The
 * verbs are in kc-topics/; here are their table and main.
 */
#include <unistd.h>

#include "cli/term.h"
#include "cli/tool.h"
#include "kc-topics/verbs.h"

static const struct opt options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "one JSON object a line" },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "list", "[PATTERN...]", "names, partitions, replicas (the default verb)",
		list_options, run_list },
	{ "show", "TOPIC...", "partitions, offsets and configs", show_options, run_show },
	{ "create", "TOPIC...", "make topics", create_options, run_create },
	{ "delete", "TOPIC...", "delete topics with all their records",
		delete_options, run_delete },
	{ "alter", "TOPIC...", "add partitions, set configs", alter_options, run_alter },
	{ "trim", "TOPIC...", "delete the records before a time or an offset",
		trim_options, run_trim },
	{ 0 }
};

static const char *const usage[] = {
	"[list [-a] [PATTERN...]]",
	"show [-a] TOPIC...",
	"create [-p N] [-r N] [-c NAME=VALUE] TOPIC...",
	"delete [-y] TOPIC...",
	"alter [-p N] [-c NAME=VALUE] [-c NAME-] TOPIC...",
	"trim -o WHERE [-y] TOPIC...",
	NULL
};

static const char *const examples[] = {
	"kc-topics create orders -p 6 -c retention.ms=7d",
	"kc-topics alter orders -c retention.ms=30d -c cleanup.policy-",
	"kc-topics show orders --json | jq .configs",
	"kc-topics trim orders -o @-7d",
	"kc-topics list 'tmp-*' | cut -f1 | xargs kc-topics delete --yes",
	NULL
};

static const struct opt_program program = {
	.name = "kc-topics", .summary = "Lists, shows, makes, alters, trims and deletes topics.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "list",
	.examples = examples,
	.section = 1, .librdkafka = client_library_version,
};

/* What can be wrong without asking a broker. */
static int
check_args(struct args *a, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	bool names = verb->run != run_list;

	if (names && !argc)
		return err_set(e, ERR_USAGE, "%s needs a topic (kc-topics %s %s)",
			verb->name, verb->name, verb->args);
	for (int i = 0; names && i < argc; i++)
		if (admin_check_name(slice_str(argv[i]), e))
			return -1;
	if (parse_changes(a, verb->run == run_alter, e))
		return -1;
	return verb->run == run_trim ? check_trim(a, e) : 0;
}

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	struct conf conf = { 0 };
	int ret;

	ret = client_load(&conf, &a->conf, CLIENT_ADMIN, e);
	if (ret)
		goto out;
	a->timeout_ms = conf_timeout(&a->conf, CONF_AN_HOUR);
	ret = -1;
	if (check_args(a, verb, argc, argv, e) ||
	    client_open(&a->client, &conf, CLIENT_ADMIN, NULL, e) ||
	    client_wait(a->client, a->timeout_ms, e))
		goto out;
	out_init(&a->out, STDOUT_FILENO);
	a->out.color = term_color(STDOUT_FILENO, a->conf.color);
	ret = verb->run(a, argc, argv, e);
	if (out_close(&a->out, ret ? &(struct err)ERR_INIT : e))
		ret = -1;
out:
	client_close(a->client);
	conf_release(&conf);
	release_changes(a);
	return ret < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .partitions = -1, .replicas = -1 };

	return tool_main(&program, &a, run, argc, argv);
}
