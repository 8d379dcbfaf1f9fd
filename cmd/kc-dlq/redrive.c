/* redrive.c - kc-dlq redrive: its options, and the way from those to lib/kafka/redrive.c. */
#include "changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/progress.h"
#include "kafka/redrive.h"

enum { RATE = 1000, WATCH_MS = 30000 };

/* "50", "50/s", "2M/s" is bytes only with a B: "2MB/s"; "max". */
static int
read_rate(const char *text, double *records, double *bytes, struct err *e)
{
	size_t n = strlen(text);
	struct err why = ERR_INIT;
	int64_t v;

	*records = *bytes = 0;
	if (!strcmp(text, "max"))
		return 0;
	if (n > 2 && !strcmp(text + n - 2, "/s"))
		n -= 2;
	if (!num_int(slice_make(text, n), 1, INT64_MAX, &v, &why))
		*records = (double)v;
	else if (n && text[n - 1] == 'B' && !num_size(slice_make(text, n), &v, &why) &&
		 v > 0)
		*bytes = (double)v;
	else
		return err_set(e, ERR_USAGE, "--rate: '%s' is no rate (50/s, "
			"2MB/s, max)", text);
	return 0;
}

/* "5%", "0.5%". */
static int
read_percent(const char *text, double *out, struct err *e)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || (*end && strcmp(end, "%")) || !(*out >= 0 && *out <= 100))
		return err_set(e, ERR_USAGE, "--abort-if-returned: '%s' is no "
			"percentage (5%%)", text);
	return 0;
}

static void
tell_unsent(void *arg, int32_t partition, int64_t offset, enum ledger_state state,
	const struct err *why)
{
	struct args *a = arg;

	(void)state;
	diag_error("'%s' %" PRId32 ":%" PRId64 ": %s", a->dlq.o.topic, partition,
		offset, why->msg);
}

static void
show_progress(void *arg, const struct ledger_run *run)
{
	struct args *a = arg;

	progress_update(&a->progress, run->sent);
}

/* In the order of enum redrive_newer_mode. */
static const char *const newer_modes[] = { "auto", "send", "park", "skip", NULL };

/* Two words are no topics: "origin", as without it, and "retry". */
static int
read_target(const char *to, struct redrive_options *o, struct err *e)
{
	if (!to || !strcmp(to, "origin"))
		return 0;
	o->to_retry = !strcmp(to, "retry");
	if (o->to_retry)
		return 0;
	o->form.to = to;
	if (admin_check_name(slice_str(to), e))
		return err_wrap(e, "--to");
	return dlq_is_name(slice_str(to)) ? err_set(e, ERR_USAGE, "--to: '%s' is "
		"a dead-letter topic itself, and dead letters of dead letters "
		"never end", to) : 0;
}

/* No transaction spans two clusters, and what is newer where it died tells nothing of the other. */
static int
read_cluster(const struct args *a, struct redrive_options *o, struct err *e)
{
	if (!a->to_cluster)
		return 0;
	if (a->eos && strcmp(a->eos, "scan"))
		return err_set(e, ERR_USAGE, "--to-cluster: a transaction is of one "
			"cluster (--eos scan does without)");
	if (a->plan || a->from)
		return err_set(e, ERR_USAGE, "--to-cluster and plans exclude each "
			"other");
	if (o->if_newer == REDRIVE_NEWER_PARK || o->if_newer == REDRIVE_NEWER_SKIP)
		return err_set(e, ERR_USAGE, "--to-cluster and --if-newer exclude "
			"each other");
	o->if_newer = REDRIVE_NEWER_SEND;
	return 0;
}

/* Released, with the headers, by release_redrive(). */
static int
read_holds(const struct args *a, struct redrive_options *o, struct err *e)
{
	struct redrive_hold_limit *holds = xcalloc((size_t)a->max_lags.n + 1,
		sizeof(*holds));

	o->holds = holds;
	for (int i = 0; i < a->max_lags.n; i++) {
		if (redrive_hold_parse(a->max_lags.items[i], &holds[i], e))
			return err_wrap(e, "--max-lag");
		o->holds_n++;
	}
	return 0;
}

static void
release_redrive(struct redrive_options *o, struct redrive_headers *headers)
{
	struct redrive_hold_limit *holds = (void *)(uintptr_t)o->holds;

	for (int i = 0; i < o->holds_n; i++)
		redrive_hold_release(&holds[i]);
	free(holds);
	redrive_headers_release(headers);
}

static int
read_redrive(struct args *a, struct redrive_options *o,
	struct redrive_headers *headers, struct err *e)
{
	for (int i = 0; i < a->shape.n; i++)
		if (redrive_headers_add(headers, a->shape.items[i], e))
			return err_wrap(e, "--headers");
	if (read_target(a->to, o, e) || read_holds(a, o, e))
		return -1;
	if (a->rate ? read_rate(a->rate, &o->rate, &o->bytes_rate, e) : (o->rate = RATE, 0))
		return -1;
	if (a->abort_if_returned &&
	    read_percent(a->abort_if_returned, &o->abort_if_returned, e))
		return -1;
	o->select = &a->select;
	o->gone = a->gone;
	o->form.headers = headers;
	o->form.keep_timestamp = a->timestamp && !strcmp(a->timestamp, "origin");
	o->via = a->via;
	o->check = a->check;
	o->payload_origin = a->payload && !strcmp(a->payload, "origin");
	while (a->if_newer && strcmp(newer_modes[o->if_newer], a->if_newer))
		o->if_newer++;
	if (read_cluster(a, o, e))
		return -1;
	o->by_arrival = a->order && !strcmp(a->order, "arrival");
	o->limit = a->limit;
	o->max_redrives = a->max_redrives;
	o->ramp_ms = a->ramp_ms;
	o->canary = a->canary;
	o->watch_ms = a->watch_ms >= 0 ? a->watch_ms : a->canary ? WATCH_MS : 0;
	o->dry_run = a->dry_run;
	o->told = tell_unsent;
	o->progress = show_progress;
	o->arg = a;
	return 0;
}

/* The exit status of a run whose records did not all do what was asked. */
static int
judge(const struct ledger_run *r, bool dry_run, struct err *e)
{
	if (!r->parked && !r->failed && !r->skipped)
		return 0;
	return err_set(e, r->sent || r->parked || r->skipped ? ERR_PARTIAL :
		ERR_FAILED, "%" PRId64 " of %" PRId64 " %ssent; %" PRId64
		" parked, %" PRId64 " failed and %" PRId64 " skipped are still "
		"open", r->sent, r->selected, dry_run ? "would be " : "",
		r->parked, r->failed, r->skipped);
}

int
redrive_selected(struct args *a, const char *topic, struct redrive_edits *edits,
	struct err *e)
{
	struct redrive_headers headers = { 0 };
	struct redrive_options o = { .edits = edits };
	struct run_memory m = { 0 };
	struct plan_file plan = { 0 };
	int result = -1;

	dlq_close(&a->dlq);
	a->edits = edits;
	if (read_redrive(a, &o, &headers, e) || open_dlq(a, topic, true, e) ||
	    start_run(a, &m, "redrive", e))
		goto out;
	if (a->resume && !slice_eq(m.run.via, slice_str(a->via)))
		diag_warn("run '%s' had another --via: '%.*s'", a->resume,
			SLICE_ARG(m.run.via));
	m.run.to = slice_str(a->to);
	m.run.cluster = slice_str(a->dlq.target.cluster);
	m.run.via = slice_str(a->via);
	if (a->planned && plan_check_cluster(a, a->planned, e))
		goto out;
	if (a->plan && plan_begin(a, &plan, &m, e))
		goto out;
	o.plan = a->plan ? &plan.writer : NULL;
	o.planned = a->planned;
	o.resumed = a->resume != NULL;
	o.form.run = m.run.id;
	o.by = m.run.by;
	o.ends = m.ends;
	progress_init(&a->progress, "records", -1, clock_system());
	result = redrive(&a->dlq, &o, &m.run, e);
	progress_end(&a->progress);
	if (a->plan)
		result = plan_end(a, &plan, result, e);
	if (!result || e->code == ERR_NO || !e->code)
		tell_run(a, &m.run, "sent");
	if (!result && a->plan && strcmp(a->plan, "-"))
		diag_note("the plan is in '%s' (kc-dlq redrive %s --from %s does it)",
			a->plan, topic, a->plan);
	if (!result && a->plan && (!a->eos || !strcmp(a->eos, "txn")))
		diag_note("exactly once is what read_committed readers see; "
			"others also see aborted copies (--eos scan writes none)");
	if (!result)
		result = judge(&m.run, a->dry_run, e);
out:
	a->edits = NULL;
	release_redrive(&o, &headers);
	end_run(&m);
	return result;
}

int
check_redrive(struct args *a, struct err *e)
{
	struct redrive_headers headers = { 0 };
	struct redrive_options o = { 0 };
	int result = read_redrive(a, &o, &headers, e);

	release_redrive(&o, &headers);
	return result;
}

int
run_redrive(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct redrive_plan plan = { 0 };
	int result = want_dlq(argc, e) ||
		read_selection(a, argc - 1, argv + 1, e) ? -1 : 0;

	if (!result && a->from) {
		result = plan_read(a, argv[0], &plan, e);
		a->planned = &plan;
	}
	/* to plan is to do nothing */
	a->dry_run |= a->plan != NULL;
	result = result || check_redrive(a, e) ||
		(a->run_name && check_run_name(a->run_name, e)) ||
		confirm(a, "redrive", argv[0], e) ||
		redrive_selected(a, argv[0], NULL, e) ? -1 : 0;
	dlq_close(&a->dlq);
	redrive_plan_release(&plan);
	a->planned = NULL;
	return result;
}

/* ---- the options ---------------------------------------------------------------- */

static const char *const timestamps[] = { "now", "origin", NULL };
static const char *const orders[] = { "origin", "arrival", NULL };
static const char *const payloads[] = { "dlq", "origin", NULL };

#define SENDING                                                                \
	{ 0, "to", OPT_STRING, AT(to), "TOPIC",                                \
		.help = "send there, or to its retry topic (retry); default: where it died" }, \
	{ 0, "to-cluster", OPT_STRING, AT(to_cluster), "CLUSTER",              \
		.help = "send to another cluster: a profile, or HOST:PORT,..." }, \
	{ 0, "headers", OPT_LIST, AT(shape), "WHAT",                           \
		.help = "strip (default) or keep those of the error; -NAME, +NAME=VALUE" }, \
	{ 0, "via", OPT_STRING, AT(via), "COMMAND",                            \
		.help = "mend them: lines of kc-record(5) in, lines with the same src out" }, \
	{ 0, "check", OPT_STRING, AT(check), "COMMAND",                        \
		.help = "send only what it ends with 0 for; a record's line is its stdin" }, \
	{ 0, "if-newer", OPT_CHOICE, AT(if_newer), "WHAT", .choices = newer_modes, \
		.help = "of a key with a newer record: auto (park where compacted), send, park, skip" }, \
	{ 0, "payload", OPT_CHOICE, AT(payload), "WHOSE", .choices = payloads, \
		.help = "key and value of the dead letter (dlq), or of the record that died (origin)" }, \
	{ 0, "timestamp", OPT_CHOICE, AT(timestamp), "WHICH", .choices = timestamps, \
		.help = "of the copies: now (default), or that of the origin" }, \
	{ 0, "order", OPT_CHOICE, AT(order), "WHICH", .choices = orders,       \
		.help = "in which they died in each partition: origin (default); or as they lie: arrival" }, \
	{ 0, "rate", OPT_STRING, AT(rate), "N/s",                              \
		.help = "records, or bytes (2MB/s), a second; max (default: 1000/s)" }, \
	{ 0, "ramp", OPT_DURATION, AT(ramp_ms), "TIME",                        \
		.help = "rise to the rate in this time" },                     \
	{ 0, "max-lag", OPT_LIST, AT(max_lags), "[GROUP:]N",                   \
		.help = "hold back while readers of the target have more left to read (repeatable)" }, \
	{ 0, "canary", OPT_INT, AT(canary), "N", .min = 1, .max = INT32_MAX,   \
		.help = "send N, watch for returns, then the rest" },          \
	{ 0, "watch", OPT_DURATION, AT(watch_ms), "TIME",                      \
		.help = "how long (default with --canary: 30s)" },             \
	{ 0, "abort-if-returned", OPT_STRING, AT(abort_if_returned), "PERCENT", \
		.help = "more than these came back: stop (default: 0%)" },     \
	{ 0, "max-redrives", OPT_INT, AT(max_redrives), "N", .min = 1, .max = 1000000, \
		.help = "park what was redriven so often (default: 3)" },      \
	{ 0, "limit", OPT_INT, AT(limit), "N", .min = 0, .max = INT64_MAX,     \
		.help = "send at most N" },                                    \
	{ 0, "resume", OPT_STRING, AT(resume), "ID",                           \
		.help = "go on with this run: what it selected and is still open" }, \
	MUTATING

const struct opt redrive_options[] = {
	{ 0, "plan", OPT_STRING, AT(plan), "FILE",
		.help = "do nothing; write what would be done there, for --from; -: stdout" },
	{ 0, "from", OPT_STRING, AT(from), "FILE",
		.help = "do what this plan says and nothing else; refused when it is stale" },
	SENDING,
	OPT_END
};

/* Of what was mended. */
const struct opt import_options[] = {
	{ 0, "gone", OPT_FLAG, AT(gone),
		.help = "send also what the topic has no more, and the ledger does not know" },
	SENDING,
	OPT_END
};

/* Of what a person looks at, and decides or mends. */
const struct opt decide_options[] = {
	{ 0, "no-redact", OPT_FLAG, AT(no_redact),
		.help = "show what the configuration masks, too" },
	SENDING,
	OPT_END
};
