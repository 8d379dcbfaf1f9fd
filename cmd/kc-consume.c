/*
 * kc-consume - records to lines: kc-record(5), raw values, or a template.
 * The reading is kafka/consume; here are the options, the form of the
 * output, and the rule that a group commits only what was written.
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
#include "cli/sig.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kafka/consume.h"
#include "kafka/consume_acks.h"
#include "kafka/consume_batch.h"
#include "kafka/pipeline.h"
#include "model/envelope.h"
#include "model/format.h"

enum { TIMEOUT_MS = 30000, COMMIT_MS = 1000 };

struct args {
	struct conf_args conf;
	struct opt_list topics, offsets;
	const char *partitions, *group, *from_group, *format, *as, *isolation;
	const char *delimiter, *key_delimiter;
	const char *ack;
	const char *exec, *to, *dlq, *dlq_scheme, *breaker;
	char **command;   /* behind --; NULL = none */
	int64_t workers, retries, retry_ms, answer_ms, max_inflight, batch_ms;
	int64_t drain_ms;
	bool txn, ok_if_dlq, barriers;
	int64_t count;
	bool exit_at_end, json_values, src, raw, null_text, unbuffered;
	bool fail_empty, summary;
};

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
		"kc-consume -g billing orders | while read -r line; do ...; done",
		"kc-consume -g billing orders --exec ./handler --dlq orders.dlq",
		"kc-consume -g load orders -c 1000 --raw -- ./insert-all",
		NULL
	},
	.section = 1,
	.librdkafka = client_library_version,
};

struct run {
	const struct args *a;
	struct out out;
	struct consume *in;
	struct format *format;   /* NULL = kc-record(5) or kcat's lines */
	unsigned flags;          /* of the envelope */
	struct buf origin;       /* member kc of all lines; empty = none */
	struct buf barrier;      /* the last one written */
	int64_t barrier_ms;
	bool terminal;           /* foreign bytes are made harmless */
	struct buf shown[2];     /* value and key for a terminal */
	int64_t records;
	int64_t committed_ms;
};

/* ---- the form of the output -------------------------------------------------- */

/* A delimiter in a template: its percent signs are text. */
static void
add_delimiter(struct buf *template, const char *delimiter)
{
	for (; *delimiter; delimiter++) {
		if (*delimiter == '%')
			buf_addc(template, '%');
		buf_addc(template, *delimiter);
	}
}

/* --raw is a template too: "%s\n", or "%k:%s\n" with -K. */
static int
raw_format(struct run *run, const char *null_text, struct err *e)
{
	struct buf template = BUF_INIT;
	int result;

	if (run->a->key_delimiter) {
		buf_addstr(&template, "%k");
		add_delimiter(&template, run->a->key_delimiter);
	}
	buf_addstr(&template, "%s");
	add_delimiter(&template, run->a->delimiter ? run->a->delimiter : "\\n");
	result = format_parse(&run->format, buf_cstr(&template), null_text, e);
	buf_release(&template);
	return result ? err_wrap(e, "-D, -K") : 0;
}

static int
open_format(struct run *run, struct err *e)
{
	const char *null_text = run->a->null_text ? "NULL" : "";

	if (run->a->format)
		return format_parse(&run->format, run->a->format, null_text, e);
	return run->a->raw ? raw_format(run, null_text, e) : 0;
}

/* Control characters of a template's record must not reach a screen. */
static struct slice
show(struct buf *b, struct slice s)
{
	if (slice_is_null(s))
		return s;
	buf_clear(b);
	term_escape(b, s);
	return buf_slice(b);
}

/*
 * In lines of JSON, DEL and the C1 controls may stand as they are, and do
 * harm to a screen; they stand in strings only.
 */
static void
show_line(struct buf *out, size_t at)
{
	struct buf line = BUF_INIT;

	buf_add(&line, out->data + at, out->len - at);
	out->len = at;
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c == 0xc2 && line.data[i + 1] < 0xa0)
			buf_addf(out, "\\u%04x", line.data[++i]);
		else if (c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_release(&line);
}

static bool
is_kcat(const struct args *a)
{
	return a->as && !strcmp(a->as, "kcat");
}

static int
write_record(struct run *run, struct record *r, struct err *e)
{
	struct buf *out = &run->out.buf;
	size_t at = out->len;
	int result = 0;

	if (run->origin.len)
		r->kc = buf_slice(&run->origin);
	if (run->format) {
		if (run->terminal) {
			r->value = show(&run->shown[0], r->value);
			r->key = show(&run->shown[1], r->key);
		}
		format_write(run->format, r, out);
		return 0;
	}
	if (!is_kcat(run->a))
		envelope_write(out, r, run->flags);
	else
		result = envelope_write_kcat(out, r, e);
	if (run->terminal)
		show_line(out, at);
	return result ? err_wrap(e, "'%.*s' [%d] offset %lld",
		SLICE_ARG(r->topic), (int)r->partition, (long long)r->offset) : 0;
}

/* ---- reading ----------------------------------------------------------------- */

static int
flush(void *user, struct err *e)
{
	struct run *run = user;

	return out_flush(&run->out, e);
}

/*
 * Commits what was written, now and then. A group that rebalances meanwhile
 * is no reason to stop: its partitions are taken from us, or we try again.
 */
static int
commit_sometimes(struct run *run, struct err *e)
{
	int64_t now;

	if (!run->a->group)
		return 0;
	now = clock_mono_ms(clock_system());
	if (now - run->committed_ms < COMMIT_MS)
		return 0;
	run->committed_ms = now;
	if (out_flush(&run->out, e))
		return -1;
	if (!consume_commit(run->in, e))
		return 0;
	if (e->code != ERR_TEMPORARY)
		return -1;
	diag_warn("%s", e->msg);
	*e = (struct err)ERR_INIT;
	return 0;
}

/* How far the reading is, when it is further than at the last one. */
static void
write_barrier(struct run *run)
{
	int n = consume_positions(run->in, NULL, 0);
	struct consume_position *at = xcalloc((size_t)n, sizeof(*at));
	struct buf line = BUF_INIT;

	consume_positions(run->in, at, n);
	buf_addstr(&line, "{\"kc\":");
	buf_add(&line, run->origin.data, run->origin.len - 1);
	buf_addstr(&line, ",\"next\":{");
	for (int i = 0; i < n; i++)
		buf_addf(&line, "%s\"%s/%d\":%lld", i ? "," : "", at[i].topic,
			(int)at[i].partition, (long long)at[i].next);
	buf_addstr(&line, "}}}\n");
	if (!slice_eq(buf_slice(&line), buf_slice(&run->barrier))) {
		buf_addslice(&run->out.buf, buf_slice(&line));
		buf_clear(&run->barrier);
		buf_addslice(&run->barrier, buf_slice(&line));
	}
	run->barrier_ms = clock_mono_ms(clock_system());
	buf_release(&line);
	free(at);
}

/* Until something ends it: its name for the summary, or NULL and *e. */
static const char *
copy_records(struct run *run, struct err *e)
{
	struct record r;

	for (;;) {
		/* With lines pending, only look; without, wait for more. */
		int wait = run->out.buf.len ? 0 : run->a->group ? COMMIT_MS : -1;

		switch (consume_next(run->in, wait, &r, e)) {
		case CONSUME_RECORD:
			if (write_record(run, &r, e) ||
			    out_maybe_flush(&run->out, e))
				return NULL;
			if (++run->records == run->a->count)
				return "count";
			/* The clock is not asked for each record. */
			if (run->records % 1024 == 0 && commit_sometimes(run, e))
				return NULL;
			if (run->records % 1024 == 0 && run->a->barriers &&
			    clock_mono_ms(clock_system()) - run->barrier_ms >=
			    COMMIT_MS)
				write_barrier(run);
			break;
		case CONSUME_IDLE:
			if (run->a->barriers)
				write_barrier(run);
			if (out_flush(&run->out, e) || commit_sometimes(run, e))
				return NULL;
			break;
		case CONSUME_END:
			return "end";
		case CONSUME_SIGNAL:
			return "signal";
		case CONSUME_CLOSED:
			run->out.closed = true;
			out_flush(&run->out, e);
			return NULL;
		case CONSUME_ERROR:
			return NULL;
		}
	}
}

static void
print_summary(const struct run *run, const char *why)
{
	struct buf text = BUF_INIT;

	consume_summary(run->in, why ? why : "error", &text);
	buf_addc(&text, '\n');
	fputs(buf_cstr(&text), stderr);
	buf_release(&text);
}

/* Writes out and commits what was read, whatever ended the reading. */
static int
finish(struct run *run, const char *why, struct err *e)
{
	struct err later = ERR_INIT;
	int result = why ? 0 : -1;

	if (!result && run->a->barriers)
		write_barrier(run);
	/* When it was the output that failed, nothing more can be written. */
	if (out_flush(&run->out, &later) || consume_commit(run->in, &later)) {
		if (!result)
			*e = later;
		result = -1;
	}
	if (run->a->summary)
		print_summary(run, why);
	if (!result && !run->records && run->a->fail_empty && !sig_caught())
		return err_set(e, ERR_NO, "no records");
	return result;
}

/* So that kc-produce --commit-group sees where it would commit. */
static void
make_origin(struct run *run)
{
	char *cluster = client_cluster_id(consume_client(run->in), TIMEOUT_MS);

	buf_addstr(&run->origin, "{\"cluster\":");
	envelope_put_bytes(&run->origin, slice_str(cluster));
	buf_addstr(&run->origin, ",\"group\":");
	envelope_put_bytes(&run->origin, slice_str(run->a->from_group ?
		run->a->from_group : run->a->group));
	buf_addc(&run->origin, '}');
	free(cluster);
}

/* ---- records to a command ---------------------------------------------------- */

static int
write_to(void *user, struct record *r, struct buf *out, struct err *e)
{
	struct run *run = user;
	int result;

	buf_clear(&run->out.buf);
	result = write_record(run, r, e);
	buf_addslice(out, buf_slice(&run->out.buf));
	buf_clear(&run->out.buf);
	return result;
}

static int
no_flush(void *user, struct err *e)
{
	(void)user;
	(void)e;
	return 0;
}

static void
no_gone(void *user, const char *topic, int32_t partition)
{
	(void)user;
	(void)topic;
	(void)partition;
}

static int
run_batches(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	struct consume_batch b = {
		.command = run->a->command, .size = run->a->count,
		.wait_ms = run->a->batch_ms, .write = write_to, .user = run,
	};
	int result;

	o->flush = no_flush;
	o->gone = no_gone;
	o->output_fd = -1;
	run->terminal = false;
	if (consume_open(&run->in, conf, o, e))
		return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
	result = consume_batches(run->in, &b, e);
	if (run->a->summary)
		print_summary(run, result ? "error" : sig_caught() ? "signal" : "end");
	return !result && !b.records && run->a->fail_empty && !sig_caught() ?
		err_set(e, ERR_NO, "no records") : result;
}

static void
write_barrier_to(void *user, struct consume *in, struct buf *out)
{
	struct run *run = user;

	run->in = in;
	if (!run->origin.len)
		make_origin(run);
	write_barrier(run);
	run->in = NULL;
	buf_addslice(out, buf_slice(&run->out.buf));
	buf_clear(&run->out.buf);
}

static int
run_acks(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	const struct args *a = run->a;
	struct consume_acks acks = {
		.from = a->ack, .max_inflight = a->max_inflight,
		.drain_ms = a->drain_ms, .count = a->count, .write = write_to,
		.barrier = a->barriers ? write_barrier_to : NULL, .user = run,
	};
	int result;

	run->terminal = false;
	result = consume_with_acks(conf, o, &acks, e);
	if (a->summary)
		fprintf(stderr, "{\"records\":%lld,\"acked\":%lld}\n",
			(long long)acks.records, (long long)acks.acked);
	if (!result && !acks.records && a->fail_empty && !sig_caught())
		return err_set(e, ERR_NO, "no records");
	return result;
}

static void
print_totals(const struct pipeline_totals *t)
{
	fprintf(stderr, "{\"records\":%lld,\"committed\":%lld,\"dead\":%lld,"
		"\"restarts\":%lld}\n", (long long)t->records,
		(long long)t->committed, (long long)t->dead, (long long)t->restarts);
}

static int
run_exec(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	const struct args *a = run->a;
	struct breaker breaker = { 0 };
	struct pipeline_totals t = { 0 };
	struct buf id = BUF_INIT;
	const char *given = conf_get(conf, "transactional.id");
	struct pipeline_options p = {
		.command = a->exec, .max_inflight = a->max_inflight,
		.flags = run->flags | ENVELOPE_SRC, .to = a->to, .out = &run->out,
		.dlq = a->dlq, .scheme = DEADLETTER_KC, .breaker = &breaker,
		.count = a->count, .timeout_ms = o->timeout_ms,
		.dispatch = { .workers = (int)a->workers,
			.retries = (int)a->retries, .backoff_ms = a->retry_ms,
			.backoff_max_ms = 60000, .answer_ms = a->answer_ms,
			.ahead = a->max_inflight < 200 ? (int)a->max_inflight : 200 },
	};
	int result = -1;

	buf_addf(&id, "kc-consume.%s", a->group);
	if (a->txn)
		p.transactional_id = given ? given : buf_cstr(&id);
	if (breaker_parse(&breaker, slice_str(a->breaker), e) || (a->dlq_scheme &&
	    deadletter_scheme_parse(a->dlq_scheme, &p.scheme, e)))
		goto out;
	result = pipeline_run(conf, o, &p, &t, e);
	if (a->summary)
		print_totals(&t);
	if (result && e->code == ERR_PARTIAL && t.dead && a->ok_if_dlq &&
	    !breaker_tripped(&breaker))
		result = 0;
	if (!result && !t.records && a->fail_empty && !sig_caught())
		result = err_set(e, ERR_NO, "no records");
	if (sig_caught() && e->code == ERR_TEMPORARY)
		e->code = ERR_NONE;
out:
	breaker_release(&breaker);
	buf_release(&id);
	return result;
}

static int
consume(struct run *run, const struct conf *conf,
	const struct consume_options *o, struct err *e)
{
	const char *why;

	if (consume_open(&run->in, conf, o, e))
		return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
	if (run->a->from_group)
		make_origin(run);
	run->committed_ms = clock_mono_ms(clock_system());
	why = copy_records(run, e);
	return finish(run, why, e);
}

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
	if (a->raw || a->format || is_kcat(a))
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
	if (a->exec && (a->raw || a->format || is_kcat(a)))
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
	if (a->null_text && !a->raw && !a->format)
		return err_set(e, ERR_USAGE, "-Z is for --raw and -f: in JSON, "
			"null is null");
	if (check_loop(a, o, e))
		return -1;
	if ((a->src || a->from_group) && (a->raw || a->format || is_kcat(a)))
		return err_set(e, ERR_USAGE, "%s adds a member to lines of "
			"kc-record(5); this form has none",
			a->src ? "--src" : "--from-group");
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
	o->flush = flush;
	o->user = &run;
	o->output_fd = STDOUT_FILENO;
	for (int i = 0; i < a->offsets.n; i++)
		if (offset_parse(slice_str(a->offsets.items[i]), now, &o->range, e))
			goto out;
	if (check_args(a, o, e) || check_range(a, &o->range, now, e) ||
	    open_format(&run, e) || (a->partitions && offset_parse_partitions(
	    slice_str(a->partitions), &partitions, &o->partitions_n, e)))
		goto out;
	o->partitions = partitions;
	result = a->exec ? run_exec(&run, conf, o, e) : a->ack ?
		run_acks(&run, conf, o, e) : a->command ?
		run_batches(&run, conf, o, e) : consume(&run, conf, o, e);
out:
	consume_close(run.in);
	format_free(run.format);
	free(partitions);
	buf_release(&run.out.buf);
	buf_release(&run.origin);
	buf_release(&run.barrier);
	buf_release(&run.shown[0]);
	buf_release(&run.shown[1]);
	return result;
}

/* 0 is no limit. */
static int
timeout_ms(const struct args *a)
{
	int64_t ms = a->conf.timeout_ms;

	if (ms < 0)
		return TIMEOUT_MS;
	return !ms || ms > INT_MAX ? -1 : (int)ms;
}

static int
start(struct args *a, int argc, char **argv, struct err *e)
{
	struct consume_options o = {
		.group = a->group, .from_group = a->from_group,
		.exit_at_end = a->exit_at_end,
		.isolation = !a->isolation ? NULL : strstr(a->isolation, "un") ?
			"read_uncommitted" : "read_committed",
		.timeout_ms = timeout_ms(a),
	};
	const char **topics = xcalloc((size_t)(a->topics.n + argc), sizeof(*topics));
	struct conf conf = { 0 };
	int result = -1;

	for (int i = 0; i < a->topics.n; i++)
		topics[o.topics_n++] = a->topics.items[i];
	for (int i = 0; i < argc; i++)
		topics[o.topics_n++] = argv[i];
	o.topics = topics;
	if (conf_load(&conf, &a->conf, e))
		goto out;
	client_defaults(&conf, CLIENT_CONSUMER);
	if (conf_wants_list(&a->conf))
		result = client_list_properties(e);
	else if (conf_wants_dump(&a->conf))
		result = conf_dump(&conf, e);
	else
		result = run_consume(a, &o, &conf, e);
out:
	conf_release(&conf);
	free(topics);
	return result;
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
