#include "kafka/dlq_runs.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/json.h"
#include "cli/term.h"

/* How many records of a run came back. */
struct returned {
	struct slice run; /* owned */
	int64_t n;
};

static void
count(struct map *m, struct slice run)
{
	struct returned *r = map_get(m, run);

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->run = slice_make(xmemdup0(run.data, run.len), run.len);
		map_put(m, r->run, r);
	}
	r->n++;
}

static void
release(struct map *m)
{
	struct returned *r;

	for (size_t i = 0; (r = map_next(m, &i)); ) {
		free((void *)(uintptr_t)r->run.data);
		free(r);
	}
	map_release(m);
}

/* What a later run found. */
static void
on_entry(void *arg, const struct ledger_entry *x)
{
	if (x->state == LEDGER_RETURNED && !slice_is_null(x->run))
		count(arg, x->run);
}

struct look {
	struct dlq *d;
	struct map *returned;
};

/* What nobody has found yet. */
static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct look *l = arg;
	const struct ledger_run *run;
	enum ledger_state was;
	struct dlq_return back;
	int is = dlq_is_return(l->d, x, &back, e);

	if (is <= 0)
		return is ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
	was = ledger_state(&l->d->ledger, back.partition, back.offset);
	run = dlq_run_by_hash(l->d, back.run);
	if (run && (was == LEDGER_REDRIVEN || was == LEDGER_EDITED))
		count(l->returned, run->id);
	return DLQ_SCAN_ON;
}

/*
 * Who was killed, or fenced, could not write that it ended. It did when another
 * run has written since, for there is one at a time; or when it was of this
 * host and its process is gone.
 */
static bool
was_interrupted(const struct dlq *d, const struct ledger_run *r)
{
	const char *by = r->by.data, *at;
	char host[256] = "";

	if (r->until || !slice_eq_str(r->state, "running"))
		return false;
	if (!slice_eq(r->id, d->last_run))
		return true;
	gethostname(host, sizeof(host) - 1);
	at = by ? memchr(by, '@', r->by.len) : NULL;
	return at && slice_eq_str(slice_make(at + 1, r->by.len -
		(size_t)(at + 1 - by)), host) && r->pid > 0 &&
		kill((pid_t)r->pid, 0) && errno == ESRCH;
}

void
dlq_runs_put(struct buf *out, const struct ledger_run *r, bool dry_run)
{
	struct json *j = json_object(), *terms = json_array();

	json_add_text(j, "run", r->id);
	json_add_text(j, "verb", r->verb);
	if (dry_run)
		json_add_bool(j, "dry_run", true);
	else
		json_add_text(j, "state", r->state);
	json_add_text(j, "by", r->by);
	json_add_int(j, "pid", r->pid);
	json_add_int(j, "since", r->since);
	if (r->until)
		json_add_int(j, "until", r->until);
	for (int i = 0; i < r->select_n; i++)
		json_add_text(terms, NULL, r->select[i]);
	json_add(j, "select", terms);
	if (!slice_is_null(r->cluster))
		json_add_text(j, "cluster", r->cluster);
	json_add_int(j, "selected", r->selected);
	json_add_int(j, "sent", r->sent);
	json_add_int(j, "parked", r->parked);
	json_add_int(j, "discarded", r->discarded);
	json_add_int(j, "skipped", r->skipped);
	json_add_int(j, "failed", r->failed);
	json_add_int(j, "returned", r->returned);
	json_print(out, j);
	json_free(j);
}

static void
add_row(struct out_table *t, const struct ledger_run *r)
{
	const int64_t counts[] = { r->selected, r->sent, r->returned, r->parked,
		r->failed };
	char since[NUM_TIME_TEXT], until[NUM_TIME_TEXT];

	out_table_cell(t, "%.*s", SLICE_ARG(r->id));
	out_table_cell(t, "%.*s", SLICE_ARG(r->verb));
	out_table_cell(t, "%.*s", SLICE_ARG(r->state));
	out_table_cell(t, "%.*s", SLICE_ARG(r->by));
	out_table_cell(t, "%s", num_time_text(r->since, since));
	out_table_cell(t, "%s", r->until ? num_time_text(r->until, until) : "-");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		out_table_cell(t, "%" PRId64, counts[i]);
}

static int
print(struct dlq *d, const struct map *returned, const char *id, bool json,
	struct out *out, struct err *e)
{
	static const char *const columns[] = { "RUN", "VERB", "STATE", "BY",
		"SINCE", "UNTIL", "SELECTED", "SENT", "RETURNED", "PARKED",
		"FAILED" };
	struct out_table *t = out_table_new(columns, 11);
	int result, shown = 0;

	for (int i = 6; i < 11; i++)
		out_table_right(t, i);
	for (int i = 0; i < d->runs_n; i++) {
		struct ledger_run r = d->runs[i];
		const struct returned *n = map_get(returned, r.id);

		if (id && !slice_eq_str(r.id, id))
			continue;
		shown++;
		if (n && n->n > r.returned)
			r.returned = n->n;
		if (was_interrupted(d, &r))
			r.state = slice_str("interrupted");
		if (json)
			dlq_runs_put(&out->buf, &r, false);
		else
			add_row(t, &r);
	}
	if (id && !shown)
		result = err_set(e, ERR_NOT_FOUND, "there is no run '%s' (kc-dlq "
			"runs %s lists them)", id, d->o.topic);
	else
		result = json ? 0 : out_table_print(t, out, term_is_tty(out->fd), e);
	out_table_free(t);
	return result;
}

int
dlq_runs(struct dlq *d, const struct conf *conf, const struct dlq_options *o,
	const char *id, bool json, struct out *out, struct err *e)
{
	struct dlq_options all = *o;
	struct map returned = { 0 };
	struct look look = { d, &returned };
	const struct dlq_scan s = { .record = on_record, .arg = &look };
	int result;

	all.on_entry = on_entry;
	all.arg = &returned;
	all.returns = true;
	result = dlq_open(d, conf, &all, e) || dlq_scan(d, &s, e) ||
		print(d, &returned, id, json, out, e) ? -1 : 0;
	release(&returned);
	return result;
}
