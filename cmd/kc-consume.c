/*
 * kc-consume - records to lines: kc-record(5), raw values, or a template.
 * The reading is kafka/consume; here are the options, and kc-consume/ has the
 * form of the output, the lines to stdout, and the records to a command.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kafka/consume.h"
#include "model/envelope.h"
#include "model/format.h"
#include "model/record_where.h"

#include "kc-consume/run.h"

static const char *const forms[] = { "kc", "kcat", NULL };
static const char *const schemes[] = { "kc", "connect", "spring", "smallrye",
	"streams", NULL };
static const char *const isolations[] = { "committed", "uncommitted",
	"read_committed", "read_uncommitted", NULL };

#define AT(member) offsetof(struct args, member)
static const struct opt options[] = {
	{ 't', "topic", OPT_LIST, AT(topics), "TOPIC",
		.help = "read this topic, as the arguments do; ^... is a regular expression" },
	{ 'p', "partition", OPT_STRING, AT(partitions), "LIST",
		.help = "only these partitions: 0,2-5" },
	{ 'o', "offset", OPT_LIST, AT(offsets), "WHERE",
		.help = "begin at beginning (default), end, N, -N (last N), @TIME; A:B ends before B" },
	{ 'e', "exit-at-end", OPT_FLAG, AT(exit_at_end),
		.help = "end with the last record that is there now" },
	{ 'c', "count", OPT_INT, AT(count), "N", .min = 1, .max = INT64_MAX,
		.help = "end after N records" },
	{ 0, "tail", OPT_INT, AT(tail), "N", .min = 1, .max = 1000000,
		.help = "the last N records of all partitions by time, then end" },
	{ 0, "where", OPT_LIST, AT(where), "CONDITION",
		.help = "only such records: value.amount>100, key=a, header.x, value~REGEX" },
	{ 0, "max-messages", OPT_INT, AT(count), "N", .min = 1,
		.max = INT64_MAX, .hidden = true },
	{ 'g', "group", OPT_STRING, AT(group), "GROUP",
		.help = "share the partitions with this consumer group; commit what was written" },
	{ 'G', "consumer-group", OPT_STRING, AT(group), "GROUP", .hidden = true },
	{ 0, "from-group", OPT_STRING, AT(from_group), "GROUP",
		.help = "begin where this group stands, for kc-produce --commit-group; with --src" },
	{ 0, "barriers", OPT_FLAG, AT(barriers),
		.help = "with --from-group: lines that say how far the reading is" },
	{ 'j', "json-values", OPT_FLAG, AT(json_values), .group = "form",
		.help = "values that are JSON as JSON, in the member json" },
	{ 0, "raw", OPT_FLAG, AT(raw), .group = "form",
		.help = "values only, as they are, one a line" },
	{ 'f', "format", OPT_STRING, AT(format), "TEMPLATE", .group = "form",
		.help = "%s value, %k key, %t topic, %p partition, %o offset, %T time, "
			"%h headers, %S %K %R lengths, \\n" },
	{ 0, "as", OPT_CHOICE, AT(as), "FORM", .choices = forms, .group = "form",
		.help = "form of the lines: kc (default), or kcat as of kcat -J" },
	{ 'D', "delimiter", OPT_STRING, AT(delimiter), "DELIM",
		.help = "behind each value of --raw (default: \\n)" },
	{ 'K', "key-delimiter", OPT_STRING, AT(key_delimiter), "DELIM",
		.help = "with --raw: the key and this before each value" },
	{ 'Z', "null", OPT_FLAG, AT(null_text),
		.help = "with --raw and -f: null is NULL, not empty" },
	{ 0, "src", OPT_FLAG, AT(src),
		.help = "add where each record came from, as the member src" },
	{ 'u', "unbuffered", OPT_FLAG, AT(unbuffered),
		.help = "write each record at once" },
	{ 0, "isolation", OPT_CHOICE, AT(isolation), "LEVEL", .choices = isolations,
		.help = "of transactions: committed (default) or uncommitted" },
	{ 0, "ack", OPT_STRING, AT(ack), "FIFO",
		.help = "commit what this FIFO (or fd:N) acknowledges, as kc-produce --ack does" },
	{ 0, "drain", OPT_DURATION, AT(drain_ms), "TIME",
		.help = "with --ack: wait so long for the rest at the end (default: 30s)" },
	{ 0, "exec", OPT_STRING, AT(exec), "COMMAND",
		.help = "give records to this handler, commit what it has answered (with -g)" },
	{ 0, "workers", OPT_INT, AT(workers), "N", .min = 1, .max = 256,
		.help = "handlers at once, a key's records with one (default: 1)" },
	{ 0, "to", OPT_STRING, AT(to), "TOPIC",
		.help = "where records go that the handler answers" },
	{ 0, "dlq", OPT_STRING, AT(dlq), "TOPIC",
		.help = "where records go that the handler fails" },
	{ 0, "dlq-scheme", OPT_CHOICE, AT(dlq_scheme), "SCHEME", .choices = schemes,
		.help = "headers of a dead letter, kc (default) or another framework's" },
	{ 0, "ok-if-dlq", OPT_FLAG, AT(ok_if_dlq),
		.help = "dead letters are no reason for status 4" },
	{ 0, "txn", OPT_FLAG, AT(txn),
		.help = "what comes of records and their commit in one transaction" },
	{ 0, "retries", OPT_INT, AT(retries), "N", .max = 1000000,
		.help = "of a record that failed (default: 3)" },
	{ 0, "retry-backoff", OPT_DURATION, AT(retry_ms), "TIME",
		.help = "before the first retry, then doubled (default: 200ms)" },
	{ 0, "answer-timeout", OPT_DURATION, AT(answer_ms), "TIME",
		.help = "a handler that takes longer hangs (default: 30s)" },
	{ 0, "max-inflight", OPT_INT, AT(max_inflight), "N", .min = 1, .max = 1000000,
		.help = "records without an answer, at most (default: 1000)" },
	{ 0, "breaker", OPT_STRING, AT(breaker), "P%/N",
		.help = "stop when more than P % of the last N failed "
			"(default: 50%/200; none)" },
	{ 0, "batch-wait", OPT_DURATION, AT(batch_ms), "TIME",
		.help = "with -- COMMAND: a batch waits so long for more (default: 1s)" },
	{ 0, "fail-empty", OPT_FLAG, AT(fail_empty),
		.help = "exit with 3 when there was no record" },
	{ 0, "summary", OPT_FLAG, AT(summary),
		.help = "end with a line of JSON on stderr: what was read" },
	{ 'J', "json", OPT_IGNORED, .hidden = true },
	{ 'C', "consume", OPT_IGNORED, .hidden = true },
	{ 0, "from-beginning", OPT_IGNORED, .hidden = true },
	OPT_END
};

static const struct opt_program program = {
	.name = "kc-consume",
	.summary = "Read records from topics and print them, one a line.",
	.usage = (const char *const[]){ "[options] TOPIC...",
		"-g GROUP --exec COMMAND [options] TOPIC...",
		"-g GROUP --ack FIFO [options] TOPIC...",
		"-g GROUP -c N [options] TOPIC... -- COMMAND [ARGUMENT...]", NULL },
	.options = options,
	.common = conf_options,
	.common_at = AT(conf),
	.examples = (const char *const[]){
		"kc-consume orders -e | jq -c .value",
		"kc-consume orders -e -j | jq -c 'select(.json.amount > 100)'",
		"kc-consume orders -o @-1h: --raw | grep error",
		"kc-consume orders --tail 10",
		"kc-consume orders -e --where 'key = user-42' --where 'value.amount > 100'",
		"kc-consume -g billing orders | while read -r line; do ...; done",
		"kc-consume -g billing orders --exec ./handler --dlq orders.dlq",
		"kc-consume -g load orders -c 1000 --raw -- ./insert-all",
		NULL
	},
	.section = 1,
	.librdkafka = client_library_version,
};

/* ---- options ----------------------------------------------------------------- */

static int
check_range(const struct args *a, const struct offset_range *r, int64_t now_ms,
	struct err *e)
{
	if (r->from.kind == OFFSET_STORED && !a->group && !a->from_group)
		return err_set(e, ERR_USAGE, "stored offsets are those of a group "
			"(--group)");
	if (r->to.kind == OFFSET_TIME && r->to.value > now_ms && !a->exit_at_end)
		return err_set(e, ERR_USAGE, "the range ends in the future "
			"(with -e it ends at what is there now)");
	return 0;
}

static int
check_ack(const struct args *a, struct err *e)
{
	if (!a->group)
		return err_set(e, ERR_USAGE, "--ack commits what was done, for a "
			"group (-g GROUP)");
	if (a->exec || a->command)
		return err_set(e, ERR_USAGE, "--ack and %s exclude each other",
			a->exec ? "--exec" : "-- COMMAND");
	if (a->raw || a->format || form_is_kcat(a))
		return err_set(e, ERR_USAGE, "--ack needs lines of kc-record(5), "
			"with src: without --raw, -f and --as");
	return 0;
}

/* --exec and -- COMMAND, and what makes sense with them only. */
static int
check_command(const struct args *a, struct err *e)
{
	if ((a->exec || a->command) && !a->group)
		return err_set(e, ERR_USAGE, "%s commits what was done, for a group "
			"(-g GROUP)", a->exec ? "--exec" : "-- COMMAND");
	if (a->exec && a->command)
		return err_set(e, ERR_USAGE, "--exec and -- COMMAND exclude each other");
	if (a->command && a->count < 0)
		return err_set(e, ERR_USAGE, "-- COMMAND needs -c: how many records "
			"it is given at a time");
	if (!a->exec && (a->dlq || a->txn || a->to))
		return err_set(e, ERR_USAGE, "%s is for --exec%s", a->dlq ? "--dlq" :
			a->txn ? "--txn" : "--to",
			a->to ? " (kcat's lines are --as kcat)" : "");
	if (a->exec && (a->raw || a->format || form_is_kcat(a)))
		return err_set(e, ERR_USAGE, "--exec speaks lines of kc-record(5), "
			"with src: without --raw, -f and --as");
	if (a->txn && !a->to)
		return err_set(e, ERR_USAGE, "--txn needs --to: what comes of the "
			"records goes to a topic");
	return 0;
}

/* What was read must not come back to where it is read from. */
static int
check_loop(const struct args *a, const struct consume_options *o, struct err *e)
{
	for (int i = 0; i < o->topics_n; i++)
		if ((a->dlq && !strcmp(o->topics[i], a->dlq)) ||
		    (a->to && !strcmp(o->topics[i], a->to)))
			return err_set(e, ERR_USAGE, "'%s' is read from and written "
				"to: its records would go round for ever",
				o->topics[i]);
	return 0;
}

static int
check_args(const struct args *a, const struct consume_options *o, struct err *e)
{
	if (!o->topics_n)
		return err_set(e, ERR_USAGE, "no topic (which one? kc-topics "
			"lists what is there)");
	for (int i = 0; i < o->topics_n; i++)
		if (o->topics[i][0] != '^' && strpbrk(o->topics[i], "*?,"))
			return err_set(e, ERR_USAGE, "'%s' is no topic (several are "
				"arguments of their own; a pattern is a regular "
				"expression: '^orders-')", o->topics[i]);
	if (a->partitions && a->group)
		return err_set(e, ERR_USAGE, "-p and -g exclude each other: a "
			"group shares all partitions");
	if (a->barriers && !a->from_group && !a->ack)
		return err_set(e, ERR_USAGE, "--barriers is for --from-group and "
			"--ack: kc-produce --commit-group or --ack reads them");
	if (a->ack && check_ack(a, e))
		return -1;
	if (a->from_group && a->group)
		return err_set(e, ERR_USAGE, "-g and --from-group exclude each "
			"other: a member commits by itself");
	if (check_command(a, e))
		return -1;
	if (!a->raw && (a->delimiter || a->key_delimiter))
		return err_set(e, ERR_USAGE, "%s is for --raw",
			a->delimiter ? "-D" : "-K");
	if (a->tail && (a->group || a->from_group || a->offsets.n || a->count >= 0))
		return err_set(e, ERR_USAGE, "--tail says what to read: without "
			"-g, --from-group, -o and -c");
	if (a->where.n && (a->exec || a->ack || a->command))
		return err_set(e, ERR_USAGE, "--where is for what is printed: "
			"%s is given every record", a->ack ? "--ack" : a->exec ?
			"--exec" : "-- COMMAND");
	if (a->null_text && !a->raw && !a->format)
		return err_set(e, ERR_USAGE, "-Z is for --raw and -f: in JSON, "
			"null is null");
	if (check_loop(a, o, e))
		return -1;
	if ((a->src || a->from_group) && (a->raw || a->format || form_is_kcat(a)))
		return err_set(e, ERR_USAGE, "%s adds a member to lines of "
			"kc-record(5); this form has none",
			a->src ? "--src" : "--from-group");
	return 0;
}

static int
parse_where(struct run *run, const struct opt_list *l, struct err *e)
{
	run->where = xcalloc((size_t)l->n, sizeof(*run->where));
	for (; run->where_n < l->n; run->where_n++)
		if (record_where_parse(&run->where[run->where_n],
		    l->items[run->where_n], e))
			return err_wrap(e, "--where");
	return 0;
}

static int
run_consume(struct args *a, struct consume_options *o, struct conf *conf,
	struct err *e)
{
	int64_t now = clock_wall_ms(clock_system());
	struct run run = { .a = a };
	int32_t *partitions = NULL;
	int result = -1;

	out_init(&run.out, STDOUT_FILENO);
	run.terminal = term_is_tty(STDOUT_FILENO);
	run.out.unbuffered = a->unbuffered;
	run.flags = (a->json_values ? ENVELOPE_JSON_VALUES : 0) |
		(a->src || a->from_group || a->ack ? ENVELOPE_SRC : 0);
	o->flush = lines_flush;
	o->user = &run;
	o->output_fd = STDOUT_FILENO;
	for (int i = 0; i < a->offsets.n; i++)
		if (offset_parse(slice_str(a->offsets.items[i]), now, &o->range, e))
			goto out;
	if (check_args(a, o, e) || check_range(a, &o->range, now, e) ||
	    form_open(&run, e) || parse_where(&run, &a->where, e) ||
	    (a->partitions && offset_parse_partitions(
	    slice_str(a->partitions), &partitions, &o->partitions_n, e)))
		goto out;
	o->partitions = partitions;
	result = a->exec ? command_exec(&run, conf, o, e) : a->ack ?
		command_acks(&run, conf, o, e) : a->command ?
		command_batches(&run, conf, o, e) : a->tail ?
		tail_run(&run, conf, o, e) : lines_run(&run, conf, o, e);
out:
	consume_close(run.in);
	format_free(run.format);
	while (run.where_n)
		where_release(&run.where[--run.where_n]);
	free(run.where);
	free(partitions);
	buf_release(&run.out.buf);
	buf_release(&run.origin);
	buf_release(&run.barrier);
	buf_release(&run.shown[0]);
	buf_release(&run.shown[1]);
	return result;
}

static int
start(struct args *a, int argc, char **argv, struct err *e)
{
	struct consume_options o = {
		.group = a->group, .from_group = a->from_group,
		.exit_at_end = a->exit_at_end,
		.isolation = !a->isolation ? NULL : strstr(a->isolation, "un") ?
			"read_uncommitted" : "read_committed",
		.timeout_ms = conf_timeout(&a->conf, CONF_FOR_EVER),
	};
	const char **topics = xcalloc((size_t)(a->topics.n + argc), sizeof(*topics));
	struct conf conf = { 0 };
	int result;

	for (int i = 0; i < a->topics.n; i++)
		topics[o.topics_n++] = a->topics.items[i];
	for (int i = 0; i < argc; i++)
		topics[o.topics_n++] = argv[i];
	o.topics = topics;
	result = client_load(&conf, &a->conf, CLIENT_CONSUMER, e);
	if (!result)
		result = run_consume(a, &o, &conf, e);
	conf_release(&conf);
	free(topics);
	return result < 0 ? -1 : 0;
}

/*
 * What stands behind "--" is a command when there is a topic before it, and
 * otherwise more topics, as everywhere.
 */
static int
parse(struct args *a, int *argc, char **argv, struct err *e)
{
	int dashes = 1, all = *argc;

	while (dashes < all && strcmp(argv[dashes], "--"))
		dashes++;
	*argc = dashes;
	if (tool_begin(&program, a, argc, argv, NULL, e))
		return -1;
	if (dashes + 1 < all && (*argc || a->topics.n))
		a->command = argv + dashes + 1;
	else
		for (int i = dashes + 1; i < all; i++)
			argv[(*argc)++] = argv[i];
	return 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .count = -1, .workers = 1,
		.retries = 3, .retry_ms = 200, .answer_ms = 30000,
		.max_inflight = 1000, .breaker = "50%/200", .batch_ms = 1000,
		.drain_ms = 30000 };
	struct err e = ERR_INIT;
	int result;

	result = parse(&a, &argc, argv, &e);
	if (!result)
		result = start(&a, argc, argv, &e);
	/* What fails after a signal keeps its own status: not all is committed. */
	return diag_finish(result, &e);
}
