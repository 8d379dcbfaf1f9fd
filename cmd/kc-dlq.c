/*
 * kc-dlq - dead letters: why they died, and what becomes of them.
 *
 * The verbs are rows of a table; what they do is in lib/kafka/dlq*.c and
 * lib/kafka/redrive.c. Here are the options of those that change something,
 * what is asked before, and what is told afterwards; kc-dlq/read.c has those that only read. What was done goes to stderr, lists to stdout.
 */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "kafka/client.h"
#include "kafka/dlq.h"
#include "kafka/dlq_mark.h"
#include "kafka/dlq_purge.h"
#include "kafka/dlq_rebuild.h"
#include "kafka/dlq_runs.h"
#include "kafka/redrive.h"
#include "kc-dlq/verbs.h"

enum { TIMEOUT_MS = 30000, RATE = 1000, MAX_REDRIVES = 3, WATCH_MS = 30000 };

/* ---- the topic, and what is selected of it ------------------------------------- */

struct dlq_options
dlq_options(const struct args *a, const char *topic, bool write)
{
	return (struct dlq_options){
		.topic = topic, .ledger = a->ledger,
		.timeout_ms = a->timeout_ms, .write = write && !a->dry_run,
		.assume_none = a->assume_none,
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
		add_terms(a, "state", &a->states, e) ? -1 : 0;
}

int
want_dlq(int argc, struct err *e)
{
	return argc ? 0 : err_set(e, ERR_USAGE, "which dead-letter topic? "
		"(kc-dlq VERB TOPIC)");
}

/* Everything at once is asked for: is that meant? */
static int
confirm(const struct args *a, const char *verb, const char *topic, struct err *e)
{
	char question[512];

	if (a->yes || a->dry_run || a->resume || !dlq_select_is_all(&a->select))
		return 0;
	snprintf(question, sizeof(question), "%s everything in '%s'?", verb, topic);
	return prompt_yes(question, e);
}

/* ---- runs ----------------------------------------------------------------------- */

/* A run and the memory of its texts. */
struct run_memory {
	struct ledger_run run;
	struct arena memory;
	int64_t *ends; /* of a run that is gone on with; NULL = as of now */
};

static struct slice
user_at_host(struct arena *memory)
{
	const struct passwd *pw = getpwuid(getuid());
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return slice_str(arena_printf(memory, "%s@%s", pw ? pw->pw_name : "?", host));
}

static int
check_run_name(const char *name, struct err *e)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || (*p && strchr("-._", *p)))
		p++;
	return *name && !*p && p - name <= 100 ? 0 : err_set(e, ERR_USAGE,
		"'%s' is no name of a run (letters, digits, '-', '.', '_')", name);
}

/* Sorts by time: "20261128-155300-x7Ga". */
static const char *
make_run_name(const struct args *a, struct arena *memory)
{
	struct uuid id = uuid_random();
	char text[UUID_TEXT], when[NUM_TIME_TEXT];

	uuid_text(&id, text);
	num_time_text(a->now_ms, when);
	for (char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = 'x';
	return arena_printf(memory, "%.4s%.2s%.2s-%.2s%.2s%.2s-%.4s", when,
		when + 5, when + 8, when + 11, when + 14, when + 17, text);
}

/* Where the topic ends now, and what is selected: frozen from here on. */
static void
freeze(struct args *a, struct run_memory *m)
{
	struct ledger_run *r = &m->run;
	struct buf ends = BUF_INIT;

	r->select = arena_array(&m->memory, (size_t)a->select.n,
		sizeof(*r->select));
	r->select_n = a->select.n;
	for (int i = 0; i < a->select.n; i++)
		r->select[i] = slice_str(dlq_select_term(&a->select, i));
	for (int i = 0; i < a->dlq.meta->partitions_n; i++)
		buf_addf(&ends, "%s%d:%" PRId64, i ? "," : "", i,
			a->dlq.meta->partitions[i].end);
	r->ends = arena_copy(&m->memory, buf_slice(&ends));
	buf_release(&ends);
}

static int
begin_run(struct args *a, struct run_memory *m, const char *verb, struct err *e)
{
	const char *name = a->run_name;

	a->now_ms = clock_wall_ms(clock_system());
	if (!name)
		name = make_run_name(a, &m->memory);
	if (dlq_run(&a->dlq, slice_str(name)))
		return err_set(e, ERR_EXISTS, "there was a run '%s' already "
			"(--resume goes on with it)", name);
	m->run = (struct ledger_run){
		.id = slice_str(name), .verb = slice_str(verb),
		.by = user_at_host(&m->memory), .pid = getpid(),
		.since = a->now_ms,
	};
	freeze(a, m);
	return 0;
}

/* The selection and the end of the run named; what it did stays counted. */
static int
resume_run(struct args *a, struct run_memory *m, const char *verb, struct err *e)
{
	const struct ledger_run *old = dlq_run(&a->dlq, slice_str(a->resume));
	int n = a->dlq.meta->partitions_n;

	if (!old || !slice_eq_str(old->verb, verb))
		return err_set(e, ERR_NOT_FOUND, "there is no %s '%s' to go on "
			"with (kc-dlq runs %s lists them)", verb, a->resume,
			a->dlq.o.topic);
	m->run = *old;
	m->run.by = user_at_host(&m->memory);
	m->run.pid = getpid();
	m->run.failed = m->run.skipped = 0;
	m->ends = xcalloc((size_t)n, sizeof(*m->ends));
	for (int i = 0; i < n; i++)
		m->ends[i] = ledger_run_end(old, i);
	for (int i = 0; i < old->select_n; i++)
		if (dlq_select_add(&a->select, old->select[i].data, a->now_ms, e))
			return err_wrap(e, "run '%s'", a->resume);
	return 0;
}

static int
start_run(struct args *a, struct run_memory *m, const char *verb, struct err *e)
{
	return a->resume ? resume_run(a, m, verb, e) : begin_run(a, m, verb, e);
}

static void
end_run(struct run_memory *m)
{
	arena_release(&m->memory);
	free(m->ends);
}

/* ---- redrive ---------------------------------------------------------------------- */

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

static int
read_redrive(struct args *a, struct redrive_options *o,
	struct redrive_headers *headers, struct err *e)
{
	for (int i = 0; i < a->shape.n; i++)
		if (redrive_headers_add(headers, a->shape.items[i], e))
			return err_wrap(e, "--headers");
	if (a->to && (admin_check_name(slice_str(a->to), e)))
		return err_wrap(e, "--to");
	if (a->to && dlq_is_name(slice_str(a->to)))
		return err_set(e, ERR_USAGE, "--to: '%s' is a dead-letter topic "
			"itself, and dead letters of dead letters never end",
			a->to);
	if (a->rate ? read_rate(a->rate, &o->rate, &o->bytes_rate, e) : (o->rate = RATE, 0))
		return -1;
	if (a->abort_if_returned &&
	    read_percent(a->abort_if_returned, &o->abort_if_returned, e))
		return -1;
	o->select = &a->select;
	o->form.to = a->to;
	o->form.headers = headers;
	o->form.keep_timestamp = a->timestamp && !strcmp(a->timestamp, "origin");
	o->via = a->via;
	o->check = a->check;
	o->payload_origin = a->payload && !strcmp(a->payload, "origin");
	while (a->if_newer && strcmp(newer_modes[o->if_newer], a->if_newer))
		o->if_newer++;
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

static void
tell_run(struct args *a, const struct ledger_run *r, const char *done)
{
	if (a->json)
		dlq_runs_put(&a->out.buf, r, a->dry_run);
	else if (!r->selected)
		diag_note("nothing to %.*s in '%s'", SLICE_ARG(r->verb),
			a->dlq.o.topic);
	else
		diag_note("%s%" PRId64 " of %" PRId64 " %s%s%.*s", a->dry_run ?
			"would be: " : "", slice_eq_str(r->verb, "redrive") ?
			r->sent : r->selected, r->selected, done,
			a->dry_run ? "" : "; run ",
			a->dry_run ? 0 : (int)r->id.len, (const char *)r->id.data);
}

int
redrive_selected(struct args *a, const char *topic, struct redrive_edits *edits,
	struct err *e)
{
	struct redrive_headers headers = { 0 };
	struct redrive_options o = { .edits = edits };
	struct run_memory m = { 0 };
	int result = -1;

	dlq_close(&a->dlq);
	if (read_redrive(a, &o, &headers, e) || open_dlq(a, topic, true, e) ||
	    start_run(a, &m, "redrive", e))
		goto out;
	if (a->resume && !slice_eq(m.run.via, slice_str(a->via)))
		diag_warn("run '%s' had another --via: '%.*s'", a->resume,
			SLICE_ARG(m.run.via));
	m.run.to = slice_str(a->to);
	m.run.via = slice_str(a->via);
	o.form.run = m.run.id;
	o.by = m.run.by;
	o.ends = m.ends;
	progress_init(&a->progress, "records", -1, clock_system());
	result = redrive(&a->dlq, &o, &m.run, e);
	progress_end(&a->progress);
	if (!result || e->code == ERR_NO || !e->code)
		tell_run(a, &m.run, "sent");
	if (!result)
		result = judge(&m.run, a->dry_run, e);
out:
	redrive_headers_release(&headers);
	end_run(&m);
	return result;
}

static int
run_redrive(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct redrive_headers headers = { 0 };
	struct redrive_options o = { 0 };
	int result = -1;

	/* the options are looked at before anything is asked */
	if (!want_dlq(argc, e) && !read_selection(a, argc - 1, argv + 1, e) &&
	    !read_redrive(a, &o, &headers, e) &&
	    !(a->run_name && check_run_name(a->run_name, e)) &&
	    !confirm(a, "redrive", argv[0], e))
		result = redrive_selected(a, argv[0], NULL, e);
	redrive_headers_release(&headers);
	return result;
}

/* ---- discard, park, restore, note ---------------------------------------------------- */

static const struct mark {
	const char *verb, *done;
	enum ledger_state state;
	unsigned states; /* that it applies to when none are named */
	bool note;       /* the last argument is a note */
} marks[] = {
	{ "discard", "discarded", LEDGER_DISCARDED, 1 << LEDGER_OPEN, false },
	{ "park", "parked", LEDGER_PARKED, 1 << LEDGER_OPEN, false },
	{ "restore", "restored", LEDGER_OPEN,
		1 << LEDGER_DISCARDED | 1 << LEDGER_PARKED, false },
	{ "note", "noted", LEDGER_OPEN, 1 << LEDGER_OPEN | 1 << LEDGER_PARKED |
		1 << LEDGER_DISCARDED, true },
};

static int
do_mark(struct args *a, const struct mark *k, const char *topic,
	const char *note, struct err *e)
{
	struct dlq_mark_options o = {
		.select = &a->select, .state = k->state, .keep_state = k->note,
		.note = slice_str(note), .dry_run = a->dry_run,
	};
	struct run_memory m = { 0 };
	int result = -1;

	dlq_close(&a->dlq);
	if (!a->select.states)
		a->select.states = k->states;
	if (open_dlq(a, topic, true, e) || start_run(a, &m, k->verb, e))
		goto out;
	o.by = m.run.by;
	result = dlq_mark(&a->dlq, &o, &m.run, e);
	if (!result)
		tell_run(a, &m.run, k->done);
out:
	end_run(&m);
	return result;
}

int
mark_selected(struct args *a, const char *topic, const char *verb, struct err *e)
{
	const struct mark *k = marks;

	while (strcmp(k->verb, verb))
		k++;
	return do_mark(a, k, topic, a->note, e);
}

static int
run_mark(struct args *a, const struct mark *k, int argc, char **argv,
	struct err *e)
{
	const char *note = a->note;

	if (want_dlq(argc, e))
		return -1;
	if (k->note) {
		if (argc < 2)
			return err_set(e, ERR_USAGE, "no text (kc-dlq note %s "
				"0:5 'why it waits')", argv[0]);
		note = argv[--argc];
	}
	if (read_selection(a, argc - 1, argv + 1, e) ||
	    (a->run_name && check_run_name(a->run_name, e)) ||
	    confirm(a, k->verb, argv[0], e))
		return -1;
	return do_mark(a, k, argv[0], note, e);
}

#define RUN_MARK(name, row)                                             \
	static int run_##name(void *a, int argc, char **argv, struct err *e) \
	{                                                               \
		return run_mark(a, &marks[row], argc, argv, e);         \
	}
RUN_MARK(discard, 0)
RUN_MARK(park, 1)
RUN_MARK(restore, 2)
RUN_MARK(note, 3)

/* ---- rebuild, purge ----------------------------------------------------------------------- */

static int
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

static int
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

/* ---- runs ------------------------------------------------------------------------------ */

static int
run_runs(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	const struct dlq_options o = dlq_options(a, argv[0], false);

	if (want_dlq(argc, e))
		return -1;
	return dlq_runs(&a->dlq, a->settings, &o, argc > 1 ? argv[1] : NULL,
		a->json, &a->out, e);
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
	{ 0, "state", OPT_LIST, AT(states), "STATE",
		.help = "open (default), redriven, discarded, parked, edited, returned" },
	{ 0, "ledger", OPT_STRING, AT(ledger), "file:PATH",
		.help = "keep the ledger in a file (default: the topic DLQ.kc-ledger)" },
	{ 0, "json", OPT_FLAG, AT(json), .help = "one JSON object a line" },
	OPT_END
};

#define MUTATING                                                              \
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "change nothing, only count" }, \
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask when nothing is selected" }, \
	{ 0, "run", OPT_STRING, AT(run_name), "ID", .help = "name of this run" }, \
	{ 0, "assume-none", OPT_FLAG, AT(assume_none),                         \
		.help = "the ledger is lost: begin a new one" }

static const char *const timestamps[] = { "now", "origin", NULL };
static const char *const payloads[] = { "dlq", "origin", NULL };

static const struct opt redrive_options[] = {
	{ 0, "to", OPT_STRING, AT(to), "TOPIC",
		.help = "send there (default: where each record died)" },
	{ 0, "headers", OPT_LIST, AT(shape), "WHAT",
		.help = "strip (default) or keep those of the error; -NAME, +NAME=VALUE" },
	{ 0, "via", OPT_STRING, AT(via), "COMMAND",
		.help = "mend them: lines of kc-record(5) in, lines with the same src out" },
	{ 0, "check", OPT_STRING, AT(check), "COMMAND",
		.help = "send only what it ends with 0 for; a record's line is its stdin" },
	{ 0, "if-newer", OPT_CHOICE, AT(if_newer), "WHAT", .choices = newer_modes,
		.help = "of a key with a newer record: auto (park where compacted), send, park, skip" },
	{ 0, "payload", OPT_CHOICE, AT(payload), "WHOSE", .choices = payloads,
		.help = "key and value of the dead letter (dlq), or of the record that died (origin)" },
	{ 0, "timestamp", OPT_CHOICE, AT(timestamp), "WHICH", .choices = timestamps,
		.help = "of the copies: now (default), or that of the origin" },
	{ 0, "rate", OPT_STRING, AT(rate), "N/s",
		.help = "records, or bytes (2MB/s), a second; max (default: 1000/s)" },
	{ 0, "ramp", OPT_DURATION, AT(ramp_ms), "TIME",
		.help = "rise to the rate in this time" },
	{ 0, "canary", OPT_INT, AT(canary), "N", .min = 1, .max = INT32_MAX,
		.help = "send N, watch for returns, then the rest" },
	{ 0, "watch", OPT_DURATION, AT(watch_ms), "TIME",
		.help = "how long (default with --canary: 30s)" },
	{ 0, "abort-if-returned", OPT_STRING, AT(abort_if_returned), "PERCENT",
		.help = "more than these came back: stop (default: 0%)" },
	{ 0, "max-redrives", OPT_INT, AT(max_redrives), "N", .min = 1, .max = 1000000,
		.help = "park what was redriven so often (default: 3)" },
	{ 0, "limit", OPT_INT, AT(limit), "N", .min = 0, .max = INT64_MAX,
		.help = "send at most N" },
	{ 0, "resume", OPT_STRING, AT(resume), "ID",
		.help = "go on with this run: what it selected and is still open" },
	MUTATING,
	OPT_END
};

static const struct opt mark_options[] = {
	{ 0, "note", OPT_STRING, AT(note), "TEXT", .help = "say why" },
	MUTATING,
	OPT_END
};

static const struct opt note_options[] = { MUTATING, OPT_END };
static const struct opt rebuild_options[] = { MUTATING, OPT_END };

static const struct opt purge_options[] = {
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

static const char *const captured[] = { "origin", "line", NULL };

static const struct opt capture_options[] = {
	{ 0, "payload", OPT_CHOICE, AT(payload), "WHOSE", .choices = captured,
		.help = "the record that the handler was given (origin), or its line" },
	{ 0, "breaker", OPT_STRING, AT(breaker), "P%/N",
		.help = "stop when more than P percent of the last N lines failed" },
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
	{ "triage", "DLQ", "decide group by group, at a terminal",
		redrive_options, run_triage },
	{ "edit", "DLQ P:O", "mend one with $EDITOR and send it back",
		redrive_options, run_edit },
	{ "import", "DLQ [FILE...]", "send back what was exported and mended",
		redrive_options, run_import },
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
	"triage DLQ",
	"edit DLQ P:O",
	"import DLQ [FILE...]",
	"discard | park | restore [--note TEXT] DLQ [SELECTION]",
	"note DLQ [SELECTION] TEXT",
	"capture [--scheme NAME] [--breaker P%/N] DLQ",
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

/* 0 is no limit. */
static int
timeout_ms(const struct args *a)
{
	int64_t ms = a->conf.timeout_ms;

	if (ms < 0)
		return TIMEOUT_MS;
	return !ms || ms > INT_MAX ? INT_MAX : (int)ms;
}

static int
run(struct args *a, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct conf conf = { 0 };
	int result = -1;

	out_init(&a->out, STDOUT_FILENO);
	if (conf_load(&conf, &a->conf, e))
		goto out;
	client_defaults(&conf, CLIENT_PRODUCER);
	if (conf_wants_list(&a->conf)) {
		result = client_list_properties(e);
	} else if (conf_wants_dump(&a->conf)) {
		result = conf_dump(&conf, e);
	} else if (!verb) {
		err_set(e, ERR_USAGE, "no verb (try: kc-dlq --help)");
	} else {
		a->settings = &conf;
		a->timeout_ms = timeout_ms(a);
		a->out.color = term_color(STDOUT_FILENO, a->conf.color);
		result = verb->run(a, argc, argv, e);
	}
	if (out_close(&a->out, result ? &(struct err)ERR_INIT : e))
		result = -1;
out:
	dlq_close(&a->dlq);
	dlq_select_release(&a->select);
	conf_release(&conf);
	return result;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .limit = -1, .watch_ms = -1,
		.max_redrives = MAX_REDRIVES,
		.sample = DLQ_LS_SAMPLE,
		.max_open = -1, .max_age_ms = -1 };
	const struct opt_command *verb;
	struct err e = ERR_INIT;
	int result;

	diag_init("kc-dlq");
	a.now_ms = clock_wall_ms(clock_system());
	result = opt_parse(&program, &a, &argc, argv, &verb, &e);
	if (!result) {
		diag_set_level(a.conf.quiet, a.conf.verbose);
		sig_init();
		result = run(&a, verb, argc, argv, &e);
	}
	if (result && e.code && sig_caught()) {
		diag_error("%s", e.msg);
		e.code = ERR_NONE; /* the signal is the status */
	}
	return diag_finish(result, &e);
}
