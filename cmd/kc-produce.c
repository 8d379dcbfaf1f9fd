/*
 * kc-produce - lines in, Kafka records out: kc-record(5) lines or raw text.
 *
 * Every line ends acknowledged by the broker or as an error that names it.
 * How records travel is kafka/produce; here are the options, and kc-produce/
 * has the record of a line, the run with its account, and the rejects.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/in.h"
#include "cli/opt.h"
#include "cli/tool.h"
#include "kafka/admin.h"
#include "kafka/client.h"
#include "kafka/produce.h"
#include "kafka/sink.h"
#include "kafka/sink_acks.h"
#include "model/envelope.h"
#include "model/raw.h"

#include "kc-produce/run.h"

/* ---- the options ------------------------------------------------------------ */

static const char *const formats[] = { "kc", "kcat", NULL };
static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd", NULL };

#define AT(member) offsetof(struct args, member)
static const struct opt options[] = {
	{ 't', "topic", OPT_STRING, AT(topic), "TOPIC",
		.help = "topic; may also be the first argument" },
	{ 0, "raw", OPT_FLAG, AT(raw),
		.help = "a line is a value, as it is" },
	{ 0, "from", OPT_CHOICE, AT(from), "FORM",
		.help = "form of the lines: kc (default) or kcat (kcat -J)",
		.choices = formats },
	{ 'p', "partition", OPT_INT, AT(partition), "N",
		.help = "send everything to this partition",
		.max = INT32_MAX },
	{ 'k', "key", OPT_STRING, AT(key), "KEY",
		.help = "key of every record (with --raw)" },
	{ 'K', "key-delimiter", OPT_STRING, AT(key_delimiter), "DELIM",
		.help = "a line is a key, this, and a value (with --raw)" },
	{ 'D', "delimiter", OPT_STRING, AT(delimiter), "DELIM",
		.help = "what ends a record instead of a newline: \\n \\t \\0 \\xNN; "
			"'' is nothing: a record a file" },
	{ 'H', "header", OPT_LIST, AT(headers), "NAME=VALUE",
		.help = "add a header; without '=' its value is null" },
	{ 'Z', "null", OPT_FLAG, AT(empty_is_null),
		.help = "an empty value or key is null (with --raw)" },
	{ 0, "keep-partition", OPT_FLAG, AT(keep_partition),
		.help = "use the lines' partition numbers although a topic is given" },
	{ 0, "now", OPT_FLAG, AT(now),
		.help = "drop the lines' timestamps" },
	{ 0, "ignore-unknown", OPT_FLAG, AT(ignore_unknown),
		.help = "accept unknown members in lines, and drop them" },
	{ 'z', "compression", OPT_CHOICE, AT(codec), "CODEC",
		.help = "compress batches: gzip, snappy, lz4, zstd", .choices = codecs },
	{ 'c', "count", OPT_INT, AT(count), "N",
		.help = "stop after this many lines" },
	{ 0, "rejects", OPT_STRING, AT(rejects), "FILE",
		.help = "write what failed to FILE, and go on after bad lines" },
	{ 0, "max-errors", OPT_INT, AT(max_errors), "N",
		.help = "stop after this many errors",
		.min = 1, .max = INT64_MAX },
	{ 0, "report", OPT_STRING, AT(report), "FILE",
		.help = "write partition and offset of each line to FILE" },
	{ 0, "commit-group", OPT_STRING, AT(commit_group), "GROUP",
		.help = "commit the lines' src for this group, once they are acknowledged" },
	{ 0, "ack", OPT_STRING, AT(ack), "FIFO",
		.help = "tell kc-consume --ack what is acknowledged: a FIFO, or fd:N" },
	{ 0, "txn", OPT_FLAG, AT(txn),
		.help = "records and their commit in one transaction: exactly once" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run),
		.help = "check everything, send nothing" },
	{ 0, "check", OPT_FLAG, AT(dry_run), .hidden = true },
	{ 'P', "producer", OPT_IGNORED, 0, .hidden = true },
	{ 'J', "json", OPT_IGNORED, 0, .hidden = true },
	{ 'l', "lines", OPT_IGNORED, 0, .hidden = true },
	OPT_END
};

static const char *const usage[] = {
	"[options] [TOPIC [FILE...]]",
	NULL
};

static const char *const examples[] = {
	"kc-produce logs --raw < /var/log/dpkg.log",
	"kc-produce users --raw -K : < /etc/passwd",
	"kc-consume orders -e | jq -c '.topic=\"copy\"' | kc-produce",
	"kc-consume --from-group g orders | kc-produce --commit-group g --txn copy",
	"kc-produce --rejects bad.ndjson < archive.ndjson",
	NULL
};

static const struct opt_program program = {
	.name = "kc-produce", .summary = "Sends lines to Kafka as records.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .examples = examples, .section = 1,
	.librdkafka = client_library_version,
};

static int
parse_headers(struct run *run, struct err *e)
{
	const struct opt_list *l = &run->a->headers;

	run->given = xcalloc((size_t)l->n, sizeof(*run->given));
	for (int i = 0; i < l->n; i++) {
		const char *text = l->items[i], *eq = strchr(text, '=');

		if (!*text || eq == text)
			return err_set(e, ERR_USAGE, "-H '%s': a header has a "
				"name (NAME=VALUE, or NAME for a null value)", text);
		run->given[run->given_n++] = (struct record_header){
			slice_make(text, eq ? (size_t)(eq - text) : strlen(text)),
			slice_str(eq ? eq + 1 : NULL),
		};
	}
	return 0;
}

static int
parse_delimiters(struct run *run, struct err *e)
{
	const struct args *a = run->a;

	if (a->delimiter && *a->delimiter && raw_unescape(a->delimiter, &run->delimiter, e))
		return err_wrap(e, "-D");
	if (a->key_delimiter && raw_unescape(a->key_delimiter,
	    &run->key_delimiter, e))
		return err_wrap(e, "-K");
	if (a->key_delimiter)
		run->form.key_delimiter = buf_slice(&run->key_delimiter);
	return 0;
}

static int
check_args(const struct args *a, struct err *e)
{
	static const char *const needs_raw = "needs --raw "
		"(lines of JSON have their own keys; jq can set them)";

	if (!a->raw && (a->key || a->key_delimiter || a->empty_is_null))
		return err_set(e, ERR_USAGE, "%s %s", a->key ? "-k" :
			a->key_delimiter ? "-K" : "-Z", needs_raw);
	if (a->raw && a->from)
		return err_set(e, ERR_USAGE, "--raw and --from exclude each other");
	if (a->key && a->key_delimiter)
		return err_set(e, ERR_USAGE, "-k and -K exclude each other");
	if (a->raw && !a->topic)
		return err_set(e, ERR_USAGE,
			"--raw needs a topic (kc-produce --raw TOPIC)");
	if (a->txn && !a->commit_group)
		return err_set(e, ERR_USAGE, "--txn needs --commit-group (the "
			"group whose offsets are committed with the records)");
	if (a->commit_group && (a->raw || (a->from && strcmp(a->from, "kc"))))
		return err_set(e, ERR_USAGE, "--commit-group needs lines with src: "
			"those of kc-consume --from-group");
	if (a->ack && (a->raw || (a->from && strcmp(a->from, "kc"))))
		return err_set(e, ERR_USAGE, "--ack needs lines with src: those of "
			"kc-consume --ack");
	if (a->ack && (a->commit_group || a->rejects || a->dry_run))
		return err_set(e, ERR_USAGE, "--ack and %s exclude each other",
			a->commit_group ? "--commit-group" : a->rejects ?
			"--rejects" : "--dry-run");
	if (a->txn && a->rejects)
		return err_set(e, ERR_USAGE, "--txn is all or nothing: without "
			"--rejects");
	if (a->commit_group && a->max_errors > 0 && !a->rejects)
		return err_set(e, ERR_USAGE, "--commit-group commits nothing that "
			"failed; --max-errors needs --rejects, which keeps it");
	return a->topic ? admin_check_name(slice_str(a->topic), e) : 0;
}

/* ---- the run ---------------------------------------------------------------- */

/* All of them, before anything is sent. */
static int
open_inputs(struct run *run, int n, char **names, struct err *e)
{
	static char dash[] = "-";
	static char *only_stdin[] = { dash };

	if (!n) {
		n = 1;
		names = only_stdin;
	}
	run->inputs = xcalloc((size_t)n, sizeof(*run->inputs));
	for (int i = 0; i < n; i++) {
		if (in_open(&run->inputs[i], names[i], e))
			return -1;
		if (run->a->delimiter)
			run->inputs[i].delimiter = buf_slice(&run->delimiter);
		run->inputs[i].limit = LINE_MAX_BYTES;
		run->inputs_n++;
	}
	return 0;
}

/* The producer of --txn: a twin fences the run before it. */
static int
transactional_id(const struct run *run, const struct conf *conf, struct buf *out,
	struct err *e)
{
	const char *given = conf_get(conf, "transactional.id");

	if (given && !run->a->txn)
		return err_set(e, ERR_USAGE, "property transactional.id is for "
			"--txn");
	if (given)
		buf_addstr(out, given);
	else if (run->a->txn)
		buf_addf(out, "kc-produce.%s", run->a->commit_group);
	return 0;
}

/* -z is an -X more, behind the others. */
static int
load_conf(struct args *a, struct conf *conf, struct err *e)
{
	struct opt_list given = a->conf.props;
	struct buf codec = BUF_INIT;
	int ret;

	if (a->codec) {
		a->conf.props.items = xcalloc((size_t)given.n + 1, sizeof(char *));
		for (int i = 0; i < given.n; i++)
			a->conf.props.items[i] = given.items[i];
		buf_addf(&codec, "compression.type=%s", a->codec);
		a->conf.props.items[a->conf.props.n++] = buf_cstr(&codec);
	}
	ret = client_load(conf, &a->conf, CLIENT_PRODUCER, e);
	if (a->codec)
		free(a->conf.props.items);
	a->conf.props = given;
	buf_release(&codec);
	return ret;
}

static int
run_produce(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	struct run run = { .a = a, .rejects.fd = -1, .report.fd = -1 };
	struct conf conf = { 0 };
	struct buf id = BUF_INIT;
	int result;

	(void)verb;
	result = load_conf(a, &conf, e);
	if (result)
		goto out;
	result = -1;
	if (!a->topic && argc) {
		a->topic = argv[0];
		argv++;
		argc--;
	}
	if (a->ack && argc > 1) {
		err_set(e, ERR_USAGE, "--ack is for one input: what kc-consume writes");
		goto out;
	}
	run.topic = slice_str(a->topic);
	run.form.key = slice_str(a->key);
	run.form.empty_is_null = a->empty_is_null;
	run.reader.flags = (a->ignore_unknown ? ENVELOPE_IGNORE_UNKNOWN : 0) |
		(a->commit_group || a->ack ? ENVELOPE_NO_VALUE : 0);
	if (check_args(a, e) || transactional_id(&run, &conf, &id, e) ||
	    parse_headers(&run, e) ||
	    parse_delimiters(&run, e) || open_inputs(&run, argc, argv, e) ||
	    (a->rejects && rejects_open(&run, a->rejects, &run.rejects, e)) ||
	    (a->report && rejects_open(&run, a->report, &run.report, e)))
		goto out;
	result = run_all(&run, &conf, buf_cstr(&id), e);
out:
	sink_close(run.sink);
	producer_close(run.producer);
	sink_acks_close(run.acks);
	buf_release(&id);
	buf_release(&run.rejects.buf);
	buf_release(&run.report.buf);
	for (int i = 0; i < run.inputs_n; i++)
		in_close(&run.inputs[i]);
	envelope_reader_release(&run.reader);
	conf_release(&conf);
	buf_release(&run.delimiter);
	buf_release(&run.key_delimiter);
	free(run.inputs);
	free(run.given);
	free(run.headers);
	return result < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .partition = -1, .count = -1,
		.max_errors = -1 };

	return tool_main(&program, &a, run_produce, argc, argv);
}
