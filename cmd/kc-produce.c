/*
 * kc-produce - lines in, Kafka records out: kc-record(5) lines or raw text.
 *
 * Every line ends acknowledged by the broker or as an error that names it.
 * How records travel is kafka/produce; here are the input's forms, the
 * rejects, the report, and the account at the end.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/in.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/admin.h"
#include "kafka/client.h"
#include "kafka/produce.h"
#include "kafka/sink.h"
#include "kafka/sink_acks.h"
#include "model/envelope.h"
#include "model/raw.h"
#include "model/reject.h"

enum {
	LINE_MAX_BYTES = 256 << 20, /* beyond every broker's limit */
	POLL_EVERY = 1024,          /* lines between two looks at the answers */
	QUIET_MS = 20,              /* input pauses: see what was acknowledged */
	ERRORS_SHOWN = 10,
	TAG_LINE_BITS = 46,         /* a tag is the input's number and the line */
};

struct args {
	struct conf_args conf;
	const char *topic;
	bool raw, keep_partition, now, empty_is_null, ignore_unknown, dry_run;
	const char *from, *key, *key_delimiter, *delimiter, *codec;
	const char *rejects, *report, *commit_group, *ack;
	bool txn;
	struct opt_list headers;
	int64_t partition, count, max_errors; /* -1 = not given */
};

struct run {
	const struct args *a;
	struct producer *producer;
	struct sink *sink;             /* NULL = no --commit-group */
	struct sink_acks *acks;        /* NULL = no --ack */
	struct in *inputs;
	int inputs_n;
	struct slice topic;            /* null = not given */
	struct raw_form form;
	struct buf delimiter, key_delimiter; /* unescaped; empty = not given */
	struct record_header *given;   /* -H */
	size_t given_n;
	struct record_header *headers; /* scratch: a record's own and -H */
	size_t headers_cap;
	struct envelope_reader reader;
	struct out rejects, report;
	struct progress progress;
	int64_t lines, errors;
	bool same_code;                /* all errors had the code of worst */
	enum err_code worst;
	struct err stop;               /* what ends the run; code NONE = nothing */
};

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
		.help = "what ends a record instead of a newline: \\n \\t \\0 \\xNN" },
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

	if (a->delimiter && raw_unescape(a->delimiter, &run->delimiter, e))
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

/* ---- files ------------------------------------------------------------------ */

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
		if (run->delimiter.len)
			run->inputs[i].delimiter = buf_slice(&run->delimiter);
		run->inputs[i].limit = LINE_MAX_BYTES;
		run->inputs_n++;
	}
	return 0;
}

/* Never cuts a file that is still to be read: kc-produce < f --rejects f. */
static int
open_output(const struct run *run, const char *path, struct out *o, struct err *e)
{
	struct stat mine, other;
	int fd = STDOUT_FILENO;

	if (strcmp(path, "-")) {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || fstat(fd, &mine))
			return err_errno(e, ERR_IO, "cannot open '%s'", path);
		for (int i = 0; i < run->inputs_n; i++)
			if (S_ISREG(mine.st_mode) &&
			    !fstat(run->inputs[i].fd, &other) &&
			    mine.st_dev == other.st_dev &&
			    mine.st_ino == other.st_ino) {
				close(fd);
				return err_set(e, ERR_USAGE, "'%s' is input and "
					"output at once (use another name)", path);
			}
		if (S_ISREG(mine.st_mode) && ftruncate(fd, 0))
			return err_errno(e, ERR_IO, "cannot empty '%s'", path);
	}
	out_init(o, fd);
	return 0;
}

static void
write_out(struct run *run, struct out *o, const char *path)
{
	struct err why = ERR_INIT;

	if (out_maybe_flush(o, &why) && !run->stop.code) {
		err_wrap(&why, "'%s'", path);
		run->stop = why;
	}
}

/* ---- what failed ------------------------------------------------------------ */

static struct in *
input_of(struct run *run, producer_tag tag, int64_t *line)
{
	*line = (int64_t)(tag & ((UINT64_C(1) << TAG_LINE_BITS) - 1));
	return &run->inputs[tag >> TAG_LINE_BITS];
}

/* The first ones in full, then only their number, at the end. */
static void
count_error(struct run *run, const struct in *in, int64_t line,
	const struct err *why)
{
	run->same_code = !run->errors || (run->same_code && run->worst == why->code);
	run->worst = why->code;
	if (++run->errors <= ERRORS_SHOWN)
		diag_error("%s, line %" PRId64 ": %s", in->name, line, why->msg);
	if (run->a->max_errors > 0 && run->errors >= run->a->max_errors &&
	    !run->stop.code)
		err_set(&run->stop, ERR_PARTIAL, "stopped after %" PRId64
			" errors (--max-errors)", run->errors);
}

static void
on_failure(void *arg, const struct record *r, producer_tag tag,
	const struct err *why)
{
	struct run *run = arg;
	int64_t line;
	struct in *in = input_of(run, tag, &line);

	if (run->acks)
		sink_acks_refuse(run->acks, line);
	/* What is not kept must come again: nothing behind it is committed. */
	if (run->acks || (run->sink && !run->a->rejects)) {
		if (!run->stop.code) {
			run->stop = *why;
			err_wrap(&run->stop, "%s, line %" PRId64, in->name, line);
		}
		return;
	}
	count_error(run, in, line, why);
	if (!run->a->rejects)
		return;
	reject_record(&run->rejects.buf, r, in->name, line, why->msg);
	write_out(run, &run->rejects, run->a->rejects);
}

/* A line that is no record: the run ends here unless errors are expected. */
static void
on_bad_line(struct run *run, const struct in *in, struct slice line,
	const struct err *why)
{
	if (!run->a->rejects && run->a->max_errors < 0 && !run->a->dry_run) {
		run->stop = *why;
		err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
		return;
	}
	count_error(run, in, in->line, why);
	if (!run->a->rejects)
		return;
	reject_line(&run->rejects.buf, line, in->name, in->line, why->msg);
	write_out(run, &run->rejects, run->a->rejects);
}

static void
on_ack(void *arg, const char *topic, int32_t partition, int64_t offset,
	producer_tag tag)
{
	struct run *run = arg;
	int64_t line;
	struct in *in = input_of(run, tag, &line);

	if (run->acks)
		sink_acks_done(run->acks, line);
	if (!run->a->report)
		return;
	reject_report(&run->report.buf, in->name, line, topic, partition, offset);
	write_out(run, &run->report, run->a->report);
}

/* ---- a line becomes a record ------------------------------------------------ */

/* The record's own headers, then those of -H. */
static void
add_headers(struct run *run, struct record *r)
{
	size_t n = r->headers_n + run->given_n;

	if (n > run->headers_cap) {
		run->headers = xreallocarray(run->headers, n, sizeof(*run->headers));
		run->headers_cap = n;
	}
	for (size_t i = 0; i < r->headers_n; i++)
		run->headers[i] = r->headers[i];
	for (size_t i = 0; i < run->given_n; i++)
		run->headers[r->headers_n + i] = run->given[i];
	r->headers = run->headers;
	r->headers_n = n;
}

static int
read_record(struct run *run, struct slice line, struct record *r, struct err *e)
{
	const struct args *a = run->a;

	if (a->raw)
		raw_read(&run->form, line, r);
	else if (a->from && !strcmp(a->from, "kcat")
	    ? envelope_read_kcat(&run->reader, line, r, e)
	    : envelope_read(&run->reader, line, r, e))
		return -1;
	if (run->reader.valueless)
		return 0; /* a barrier */
	if (a->topic) {
		r->topic = run->topic;
		/* a partition number means something in its own topic only */
		if (!a->keep_partition)
			r->partition = -1;
	} else if (slice_is_null(r->topic)) {
		return err_set(e, ERR_FORMAT, "the line names no topic "
			"(add one: kc-produce TOPIC, or a member topic)");
	}
	if (a->partition >= 0)
		r->partition = (int32_t)a->partition;
	if (a->now)
		r->has_timestamp = false;
	if (run->given_n)
		add_headers(run, r);
	return 0;
}

/* ---- the run ---------------------------------------------------------------- */

static int
keep_rejects(void *user, struct err *e)
{
	struct run *run = user;

	return run->a->rejects ? out_flush(&run->rejects, e) : 0;
}

/* Flushes the side files when nothing is under way; true when all is told. */
static bool
settle(struct run *run)
{
	if (producer_pending(run->producer))
		return false;
	if (run->a->rejects)
		out_flush(&run->rejects, &run->stop);
	if (run->a->report)
		out_flush(&run->report, &run->stop);
	return true;
}

/* The reader is told what is known; with last, that nothing more came. */
static void
send_acks(struct run *run, bool last)
{
	struct err why = ERR_INIT;

	if (run->acks && sink_acks_flush(run->acks, last, &why) && !run->stop.code)
		run->stop = why;
}

/* Input pauses: true when nothing is left to be done before more comes. */
static bool
idle(struct run *run)
{
	struct err why = ERR_INIT;
	int done = 1;

	if (producer_poll(run->producer, &why) ||
	    (run->sink && !run->stop.code && (done = sink_idle(run->sink, &why)) < 0))
		run->stop = why;
	send_acks(run, true);
	return settle(run) && done;
}

/* To be sent: not what an older run has sent and committed. */
static bool
is_wanted(struct run *run, const struct in *in, const struct record *r)
{
	struct err why = ERR_INIT;
	int take = run->sink ? sink_take(run->sink, r->src, r->kc, &why) :
		run->acks && sink_acks_take(run->acks, in->line, r->src, &why) ?
		-1 : 1;

	if (take < 0 && !run->stop.code) {
		run->stop = why;
		if (why.code == ERR_FORMAT)
			err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
	}
	return take > 0 && !run->stop.code;
}

/* A line without a value; only a pipeline's reader writes such. */
static void
take_barrier(struct run *run, const struct in *in, struct slice line,
	const struct record *r)
{
	struct err why = ERR_INIT;

	if (slice_is_null(r->kc)) {
		err_set(&why, ERR_FORMAT, "no value and no json (a tombstone is "
			"\"value\":null)");
		on_bad_line(run, in, line, &why);
	} else if (((run->acks && (producer_flush(run->producer, -1, &why) ||
		   sink_acks_barrier(run->acks, r->kc, &why))) ||
		   (run->sink && sink_barrier(run->sink, r->kc, &why))) &&
		   !run->stop.code) {
		run->stop = why;
		err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
	}
}

static void
send_line(struct run *run, const struct in *in, int number, struct slice line)
{
	struct record r;
	struct err why = ERR_INIT;
	producer_tag tag = (producer_tag)number << TAG_LINE_BITS |
		(producer_tag)in->line;

	run->lines++;
	if (read_record(run, line, &r, &why))
		on_bad_line(run, in, line, &why);
	else if (run->reader.valueless)
		take_barrier(run, in, line, &r);
	else if (is_wanted(run, in, &r) &&
		 producer_send(run->producer, &r, tag, &why) && !run->stop.code)
		run->stop = why;
	if (run->lines % POLL_EVERY == 0) {
		if (producer_poll(run->producer, &why))
			run->stop = why;
		send_acks(run, false);
		progress_update(&run->progress, run->lines);
	}
}

/* Reads one input to its end, or to what stops the run. */
static void
feed(struct run *run, int number)
{
	struct in *in = &run->inputs[number];
	bool quiet = settle(run);
	struct slice line;
	struct err why = ERR_INIT;

	while (!run->stop.code && run->lines != run->a->count) {
		switch (in_next(in, quiet ? -1 : QUIET_MS, &line, &why)) {
		case IN_LINE:
			send_line(run, in, number, line);
			quiet = false;
			break;
		case IN_IDLE:
			quiet = idle(run);
			break;
		case IN_TOO_LONG:
			run->lines++;
			err_set(&why, ERR_FORMAT, "line is longer than %d MB "
				"(no broker takes that; is the delimiter right?)",
				LINE_MAX_BYTES >> 20);
			on_bad_line(run, in, slice_str(""), &why);
			break;
		case IN_ERROR:
			run->stop = why;
			break;
		case IN_EOF:
		case IN_SIGNAL:
			return;
		}
	}
}

static void
say_totals(const struct run *run, const struct producer_totals *t, int64_t ms)
{
	const char *verb = run->a->dry_run ? "checked" : "sent";
	int64_t n = run->a->dry_run ? t->sent : t->acked;

	if (run->errors > ERRORS_SHOWN)
		diag_error("%" PRId64 " more errors%s", run->errors - ERRORS_SHOWN,
			run->a->rejects ? ", all in the rejects" : "");
	if (sig_caught() || (run->stop.code && (n || t->failed)))
		diag_note("%s: %" PRId64 " records %s, %" PRId64 " failed",
			sig_caught() ? "interrupted" : "stopped", n, verb,
			t->failed);
	else if (!run->stop.code)
		diag_verbose(1, "%s %" PRId64 " records (%.1f MB) in %.1f s to "
			"%d topic%s", verb, n, (double)t->bytes / 1e6,
			(double)ms / 1e3, t->topics, t->topics == 1 ? "" : "s");
}

/* The exit status, from what became of the lines. */
static int
verdict(const struct run *run, const struct producer_totals *t, struct err *e)
{
	int64_t good = run->a->dry_run ? t->sent : t->acked;

	if (run->stop.code) {
		*e = run->stop;
		return -1;
	}
	if (!run->errors)
		return 0;
	if (sig_caught())
		return -1;
	return err_set(e, good ? ERR_PARTIAL : run->same_code &&
		(run->worst == ERR_REFUSED || run->worst == ERR_TEMPORARY) ?
		run->worst : ERR_FAILED,
		"%" PRId64 " of %" PRId64 " records failed (%s%s)", run->errors,
		run->lines, run->a->rejects ? "they are in " :
		"--rejects FILE keeps them", run->a->rejects ? run->a->rejects : "");
}

/* The last commit, or, when something has failed, none. */
static void
end_sink(struct run *run)
{
	struct err why = ERR_INIT;

	if (!run->sink)
		return;
	if (!run->stop.code && !(sig_caught() ? sink_idle(run->sink, &why) >= 0 :
	    !sink_finish(run->sink, &why)) && !run->stop.code)
		run->stop = why;
	if (sink_passed(run->sink))
		diag_note("%" PRId64 " lines were committed before, and passed over",
			sink_passed(run->sink));
	sink_close(run->sink);
	run->sink = NULL;
}

static int
finish(struct run *run, int64_t started, struct err *e)
{
	struct producer_totals t;
	struct err why = ERR_INIT;
	int result;

	end_sink(run);
	if (producer_flush(run->producer, sig_caught() ? PRODUCER_STOP_MS : -1, &why) &&
	    !run->stop.code)
		run->stop = why;
	send_acks(run, true);
	progress_end(&run->progress);
	t = producer_totals(run->producer);
	say_totals(run, &t, clock_mono_ms(clock_system()) - started);
	result = verdict(run, &t, e);
	if (run->a->rejects && out_close(&run->rejects, &why) && !run->stop.code) {
		*e = why;
		result = err_wrap(e, "'%s'", run->a->rejects);
	}
	if (run->a->report && out_close(&run->report, &why) && !run->stop.code) {
		*e = why;
		result = err_wrap(e, "'%s'", run->a->report);
	}
	return result;
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

static int
open_producer(struct run *run, const struct conf *conf, const char *id,
	struct err *e)
{
	const struct args *a = run->a;
	const struct producer_options o = {
		.timeout_ms = !a->conf.timeout_ms ? -1 :
			a->conf.timeout_ms < 0 ? 30000 : (int)a->conf.timeout_ms,
		.dry_run = a->dry_run, .arg = run, .on_failure = on_failure,
		.on_ack = a->report || a->ack ? on_ack : NULL,
		.transactional_id = a->dry_run || !*id ? NULL : id,
	};
	const struct sink_options sink = {
		.conf = conf, .group = a->commit_group, .txn = a->txn,
		.timeout_ms = o.timeout_ms, .keep = keep_rejects, .user = run,
	};

	if (producer_open(&run->producer, conf, &o, e) ||
	    (a->topic && producer_topic(run->producer, run->topic, e)))
		return -1;
	if (a->ack && sink_acks_open(&run->acks, a->ack, o.timeout_ms, e))
		return -1;
	return a->commit_group && !a->dry_run ?
		sink_open(&run->sink, run->producer, &sink, e) : 0;
}

static int
produce(struct run *run, const struct conf *conf, const char *id, struct err *e)
{
	int64_t started = clock_mono_ms(clock_system());

	if (open_producer(run, conf, id, e))
		return -1;
	if (run->inputs_n == 1 && term_is_tty(run->inputs[0].fd))
		diag_note("reading records from the terminal, one a line; "
			"Ctrl-D ends");
	else
		progress_init(&run->progress, "records", -1, clock_system());
	for (int i = 0; i < run->inputs_n && !run->stop.code && !sig_caught(); i++)
		feed(run, i);
	return finish(run, started, e);
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
	ret = conf_load(conf, &a->conf, e);
	if (a->codec)
		free(a->conf.props.items);
	a->conf.props = given;
	buf_release(&codec);
	if (!ret)
		client_defaults(conf, CLIENT_PRODUCER);
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
	int result = -1;

	(void)verb;
	if (load_conf(a, &conf, e))
		goto out;
	if (conf_wants_list(&a->conf) || conf_wants_dump(&a->conf)) {
		result = conf_wants_list(&a->conf) ? client_list_properties(e) :
			conf_dump(&conf, e);
		goto out;
	}
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
	    (a->rejects && open_output(&run, a->rejects, &run.rejects, e)) ||
	    (a->report && open_output(&run, a->report, &run.report, e)))
		goto out;
	result = produce(&run, &conf, buf_cstr(&id), e);
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
	return result;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .partition = -1, .count = -1,
		.max_errors = -1 };

	return tool_main(&program, &a, run_produce, argc, argv);
}
