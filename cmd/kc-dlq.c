/*
 * kc-dlq - dead letters: why they died, and what becomes of them.
 *
 * The verbs are rows of a table; what they do is in lib/kafka/dlq*.c and
 * lib/kafka/redrive*.c, and the way from their options to those in kc-dlq/.
 * What was done goes to stderr, lists to stdout.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kafka/dlq.h"
#include "kafka/redrive_edits.h"
#include "kc-dlq/verbs.h"

enum { MAX_REDRIVES = 3 };

/* ---- the topic, and what is selected of it ------------------------------------- */

struct dlq_options
dlq_options(const struct args *a, const char *topic, bool write)
{
	return (struct dlq_options){
		.topic = topic, .ledger = a->ledger,
		.timeout_ms = a->timeout_ms, .write = write && !a->dry_run,
		.assume_none = a->assume_none, .returns = write,
		.plain = a->to_cluster || (a->eos && !strcmp(a->eos, "scan")),
		.to_conf = a->to_cluster ? &a->to_conf : NULL,
		.on_entry = a->edits ? redrive_edits_entry : NULL,
		.arg = a->edits,
	};
}

int
open_dlq(struct args *a, const char *topic, bool write, struct err *e)
{
	const struct dlq_options o = dlq_options(a, topic, write);

	return dlq_open(&a->dlq, a->settings, &o, e);
}

static int
add_terms(struct args *a, const char *kind, const struct opt_list *l, struct err *e)
{
	for (int i = 0; i < l->n; i++)
		if (dlq_select_add_option(&a->select, kind, l->items[i],
		    a->now_ms, e))
			return err_wrap(e, "--%s", kind);
	return 0;
}

/* The options, and arguments like 0:5-9. */
int
read_selection(struct args *a, int argc, char **argv, struct err *e)
{
	for (int i = 0; i < argc; i++)
		if (dlq_select_add(&a->select, argv[i], a->now_ms, e))
			return -1;
	return add_terms(a, "group", &a->groups, e) ||
		add_terms(a, "class", &a->classes, e) ||
		add_terms(a, "message", &a->messages, e) ||
		add_terms(a, "stage", &a->stages, e) ||
		add_terms(a, "kind", &a->kinds, e) ||
		add_terms(a, "scheme", &a->schemes, e) ||
		add_terms(a, "origin", &a->origins, e) ||
		add_terms(a, "key", &a->keys, e) ||
		add_terms(a, "header", &a->headers, e) ||
		add_terms(a, "since", &a->since, e) ||
		add_terms(a, "until", &a->until, e) ||
		add_terms(a, "where", &a->wheres, e) ||
		add_terms(a, "state", &a->states, e) ? -1 : 0;
}

int
want_dlq(int argc, struct err *e)
{
	return argc ? 0 : err_set(e, ERR_USAGE, "which dead-letter topic? "
		"(kc-dlq VERB TOPIC)");
}

/* ---- the options ------------------------------------------------------------------------ */

static const struct opt options[] = {
	{ 0, "group", OPT_LIST, AT(groups), "ID",
		.help = "of this group of like failures: see kc-dlq groups" },
	{ 0, "class", OPT_LIST, AT(classes), "GLOB",
		.help = "whose error is of this class; its package may be left out" },
	{ 0, "message", OPT_LIST, AT(messages), "REGEX",
		.help = "whose error message matches" },
	{ 0, "stage", OPT_LIST, AT(stages), "GLOB", .help = "that failed at this stage" },
	{ 0, "kind", OPT_LIST, AT(kinds), "GLOB",
		.help = "permanent, transient or poison" },
	{ 0, "scheme", OPT_LIST, AT(schemes), "NAME",
		.help = "with the headers of this framework" },
	{ 0, "origin", OPT_LIST, AT(origins), "TOPIC[/P]",
		.help = "that died in this topic, or partition of it" },
	{ 'k', "key", OPT_LIST, AT(keys), "KEY", .help = "with this key" },
	{ 'H', "header", OPT_LIST, AT(headers), "NAME[=VALUE]",
		.help = "with this header" },
	{ 0, "since", OPT_LIST, AT(since), "TIME", .help = "that failed at TIME or later" },
	{ 0, "until", OPT_LIST, AT(until), "TIME", .help = "that failed before TIME" },
	{ 0, "where", OPT_LIST, AT(wheres), "CONDITION",
		.help = "of which that is true: 'value.amount > 100', 'header.trace ~ ^a'" },
	{ 0, "state", OPT_LIST, AT(states), "STATE",
		.help = "open (default), redriven, discarded, parked, edited, returned" },
	{ 0, "ledger", OPT_STRING, AT(ledger), "file:PATH",
		.help = "keep the ledger in a file (default: the topic DLQ.kc-ledger)" },
	{ 0, "json", OPT_FLAG, AT(json), .help = "one JSON object a line" },
	OPT_END
};

static const struct opt no_options[] = { OPT_END };

static const struct opt_command commands[] = {
	{ "ls", "[PATTERN]", "dead-letter topics, and how they stand", ls_options, run_ls },
	{ "groups", "DLQ [P:O...]", "count what died of the same thing",
		groups_options, run_groups },
	{ "list", "DLQ [P:O...]", "a line each", list_options, run_list },
	{ "show", "DLQ P:O...", "all that is known of a record", show_options, run_show },
	{ "tail", "DLQ", "the last ones, and those that come", tail_options, run_tail },
	{ "check", "DLQ [P:O...]", "one line for cron; 3 when there are too many",
		check_options, run_check },
	{ "export", "DLQ [P:O...]", "as lines of kc-record(5)", export_options, run_export },
	{ "redrive", "DLQ [P:O...]", "send back to where they died, once",
		redrive_options, run_redrive },
	{ "discard", "DLQ [P:O...]", "give up; restore takes that back",
		mark_options, run_discard },
	{ "park", "DLQ [P:O...]", "put aside", mark_options, run_park },
	{ "restore", "DLQ [P:O...]", "open again what was discarded or parked",
		mark_options, run_restore },
	{ "note", "DLQ [P:O...] TEXT", "write a note to them", note_options, run_note },
	{ "apply", "DLQ", "do what a file of rules says", apply_options, run_apply },
	{ "triage", "DLQ", "decide group by group, at a terminal",
		decide_options, run_triage },
	{ "edit", "DLQ P:O", "mend one with $EDITOR and send it back",
		decide_options, run_edit },
	{ "import", "DLQ [FILE...]", "send back what was exported and mended",
		import_options, run_import },
	{ "capture", "DLQ", "a filter: lines with an error become dead letters",
		capture_options, run_capture },
	{ "purge", "DLQ", "delete what is resolved from the front of the topic, for good",
		purge_options, run_purge },
	{ "rebuild", "DLQ [TOPIC...]", "find a lost ledger again, in the topics that were sent to",
		rebuild_options, run_rebuild },
	{ "runs", "DLQ [ID]", "what was done, by whom, and what came back",
		no_options, run_runs },
	{ 0 }
};

static const char *const usage[] = {
	"ls [--all] [PATTERN]",
	"groups | list | export | tail DLQ [SELECTION]",
	"show DLQ P:O",
	"check [--max-open N] [--max-age TIME] DLQ [SELECTION]",
	"redrive [--to TOPIC] [--rate N/s] [--canary N] DLQ [SELECTION]",
	"apply --rules FILE DLQ",
	"triage DLQ",
	"edit DLQ P:O",
	"import DLQ [FILE...]",
	"discard | park | restore [--note TEXT] DLQ [SELECTION]",
	"note DLQ [SELECTION] TEXT",
	"capture [--ack FIFO] [--spill FILE] [--breaker P%/N] DLQ",
	"purge [--before TIME] [--archive FILE] DLQ",
	"rebuild DLQ [TOPIC...]",
	"runs DLQ [ID]",
	NULL
};

static const char *const examples[] = {
	"kc-dlq groups orders.dlq",
	"kc-dlq show orders.dlq 0:5",
	"kc-dlq redrive orders.dlq --class TimeoutException --rate 50/s",
	"kc-dlq redrive orders.dlq --dry-run",
	"kc-dlq discard orders.dlq 0:17 --note 'test data'",
	NULL
};

static const struct opt_program program = {
	.name = "kc-dlq",
	.summary = "Dead letters: find out why, send them back once and only once.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands,
	.examples = examples,
	.section = 1, .librdkafka = client_library_version,
};

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	struct conf conf = { 0 };
	int result;

	out_init(&a->out, STDOUT_FILENO);
	result = client_load(&conf, &a->conf, CLIENT_PRODUCER, e);
	if (!result && a->to_cluster)
		result = client_load_other(&a->to_conf, &a->conf, a->to_cluster,
			CLIENT_PRODUCER, e);
	if (result)
		goto out;
	if (!verb) {
		result = err_set(e, ERR_USAGE, "no verb (try: kc-dlq --help)");
	} else {
		a->settings = &conf;
		a->timeout_ms = conf_timeout(&a->conf, CONF_AN_HOUR);
		a->out.color = term_color(STDOUT_FILENO, a->conf.color);
		result = verb->run(a, argc, argv, e);
	}
	if (out_close(&a->out, result ? &(struct err)ERR_INIT : e))
		result = -1;
out:
	dlq_close(&a->dlq);
	dlq_select_release(&a->select);
	redact_release(&a->redact);
	conf_release(&conf);
	conf_release(&a->to_conf);
	return result < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .limit = -1, .watch_ms = -1,
		.max_redrives = MAX_REDRIVES,
		.sample = DLQ_LS_SAMPLE,
		.max_open = -1, .max_age_ms = -1 };

	a.now_ms = clock_wall_ms(clock_system());
	return tool_main(&program, &a, run, argc, argv);
}
