/*
 * run.c - what the verbs of kc-dlq that change something share: the question
 * before everything at once, a run with its name and what it is frozen to, and
 * what is told of it afterwards.
 */
#include "changes.h"

#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/prompt.h"
#include "kafka/dlq_runs.h"

const char *const eos_modes[] = { "txn", "scan", NULL };

/* Everything at once is asked for: is that meant? */
int
confirm(const struct args *a, const char *verb, const char *topic, struct err *e)
{
	char question[512];

	if (a->yes || a->dry_run || a->resume || a->planned || !dlq_select_is_all(&a->select))
		return 0;
	snprintf(question, sizeof(question), "%s everything in '%s'?", verb, topic);
	return prompt_yes(question, e);
}

static struct slice
user_at_host(struct arena *memory)
{
	const struct passwd *pw = getpwuid(getuid());
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return slice_str(arena_printf(memory, "%s@%s", pw ? pw->pw_name : "?", host));
}

int
check_run_name(const char *name, struct err *e)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || (*p && strchr("-._", *p)))
		p++;
	return *name && !*p && p - name <= 100 ? 0 : err_set(e, ERR_USAGE,
		"'%s' is no name of a run (letters, digits, '-', '.', '_')", name);
}

const char *
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

static const char *
plan_name(const struct args *a, struct arena *memory)
{
	return arena_printf(memory, "%016" PRIx64, a->planned->digest);
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
	if (a->planned)
		m->run.plan = slice_str(plan_name(a, &m->memory));
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
	if (!slice_is_null(old->plan) && (!a->planned || !slice_eq_str(old->plan,
	    plan_name(a, &m->memory))))
		return err_set(e, ERR_USAGE, "run '%s' was of a plan: %s", a->resume,
			a->planned ? "of another one" : "it goes on with --from");
	if (!slice_eq(old->cluster, slice_str(a->dlq.target.cluster)))
		return err_set(e, ERR_USAGE, "run '%s' sent to %s%.*s%s (%s "
			"--to-cluster)", a->resume, slice_is_null(old->cluster) ?
			"this cluster" : "the cluster '", SLICE_ARG(old->cluster),
			slice_is_null(old->cluster) ? "" : "'",
			slice_is_null(old->cluster) ? "without" : "with its");
	m->run = *old;
	m->run.by = user_at_host(&m->memory);
	m->run.pid = getpid();
	m->run.failed = m->run.skipped = 0;
	m->ends = xcalloc((size_t)n, sizeof(*m->ends));
	for (int i = 0; i < n; i++)
		m->ends[i] = ledger_run_end(old, i);
	/* a plan has them already */
	for (int i = 0; i < old->select_n && !a->planned; i++)
		if (dlq_select_add(&a->select, old->select[i].data, a->now_ms, e))
			return err_wrap(e, "run '%s'", a->resume);
	return 0;
}

int
start_run(struct args *a, struct run_memory *m, const char *verb, struct err *e)
{
	return a->resume ? resume_run(a, m, verb, e) : begin_run(a, m, verb, e);
}

void
end_run(struct run_memory *m)
{
	arena_release(&m->memory);
	free(m->ends);
}

void
tell_run(struct args *a, const struct ledger_run *r, const char *done)
{
	const char *rule = a->rule ? a->rule : "", *colon = a->rule ? ": " : "";

	if (a->json)
		dlq_runs_put(&a->out.buf, r, a->dry_run);
	else if (!r->selected)
		diag_note("%s%snothing to %.*s in '%s'", rule, colon,
			SLICE_ARG(r->verb), a->dlq.o.topic);
	else
		diag_note("%s%s%s%" PRId64 " of %" PRId64 " %s%s%.*s", rule, colon,
			a->dry_run ? "would be: " : "", slice_eq_str(r->verb, "redrive") ?
			r->sent : r->selected, r->selected, done,
			a->dry_run ? "" : "; run ",
			a->dry_run ? 0 : (int)r->id.len, (const char *)r->id.data);
}
