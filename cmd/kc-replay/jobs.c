/* jobs.c - kc-replay: the jobs that a cluster knows, how far each is, and whether it did right. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/diag.h"
#include "cli/term.h"
#include "kafka/client.h"
#include "verbs.h"

static int
load(struct args *a, const char *name, struct replay_jobs *jobs, struct err *e)
{
	struct client *c = NULL;
	int result;

	result = client_open(&c, a->o.target_conf, CLIENT_ADMIN, NULL, e) ||
		client_wait(c, a->o.timeout_ms, e) || replay_jobs_load(jobs, c,
		a->o.target_conf, name, 0, a->o.timeout_ms, e) ? -1 : 0;
	client_close(c);
	return result;
}

static void
add_percent_done(struct out_table *table, const struct replay_job *j)
{
	int64_t total = replay_job_total(j);

	if (!strcmp(j->state, "done"))
		out_table_cell(table, "100%%"); /* with -c before the end */
	else if (total < 0)
		out_table_cell(table, "-");
	else
		out_table_cell(table, "%d%%", total ? (int)((total -
			replay_job_left(j)) * 100 / total) : 100);
}

int
run_jobs(void *args, int argc, char **argv, struct err *e)
{
	static const char *const columns[] = { "JOB", "STATE", "DONE", "READ", "SENT",
		"MODE", "SOURCE", "TARGET", "UPDATED" };
	struct args *a = args;
	struct replay_jobs jobs = { 0 };
	struct out_table *table;
	int64_t now = clock_wall_ms(clock_system());
	int result = 0;

	(void)argv;
	if (argc)
		return err_set(e, ERR_USAGE, "jobs lists all of them (kc-replay "
			"status JOB shows one)");
	if (load(a, NULL, &jobs, e)) {
		replay_jobs_release(&jobs);
		return -1;
	}
	table = out_table_new(columns, 9);
	for (int i = 2; i < 5; i++)
		out_table_right(table, i);
	for (int i = 0; i < jobs.n; i++) {
		const struct replay_job *j = &jobs.items[i];
		char when[NUM_TIME_TEXT];

		if (a->json) {
			replay_job_write(j, &a->out.buf);
			continue;
		}
		out_table_cell(table, "%s", j->name);
		out_table_cell(table, "%s", replay_job_condition(j, now));
		add_percent_done(table, j);
		out_table_cell(table, "%" PRId64, j->read);
		out_table_cell(table, "%" PRId64, j->sent);
		out_table_cell(table, "%s", replay_mode_name(j->mode));
		out_table_cell(table, "%s", j->spec.topic);
		out_table_cell(table, "%s", j->spec.target);
		out_table_cell(table, "%s", num_time_text(j->updated_ms, when));
	}
	if (!a->json)
		result = out_table_print(table, &a->out, term_is_tty(a->out.fd), e);
	out_table_free(table);
	replay_jobs_release(&jobs);
	return result;
}

/* NAME, a tab, the number or "-". */
static void
add_number(struct buf *out, const char *name, int64_t n, char end)
{
	buf_addf(out, "%s\t", name);
	if (n < 0)
		buf_addc(out, '-');
	else
		buf_addint(out, n);
	if (end)
		buf_addc(out, end);
}

/* On a terminal the columns have names. */
static int
print_parts(struct args *a, const struct replay_job *j, struct err *e)
{
	static const char *const columns[] = { "PARTITION", "FROM", "NEXT", "END" };
	struct out_table *table = out_table_new(columns, 4);
	int result;

	for (int i = 0; i < 4; i++)
		out_table_right(table, i);
	for (int i = 0; i < j->parts_n; i++) {
		const struct replay_part *p = &j->parts[i];

		out_table_cell(table, "%d", (int)p->partition);
		out_table_cell(table, "%" PRId64, p->from);
		out_table_cell(table, "%" PRId64, p->next);
		if (p->to == REPLAY_NO_END)
			out_table_cell(table, "-");
		else
			out_table_cell(table, "%" PRId64, p->to);
	}
	result = out_table_print(table, &a->out, true, e);
	out_table_free(table);
	return result;
}

static int
print_status(struct args *a, const struct replay_job *j, struct err *e)
{
	struct buf *out = &a->out.buf;
	bool tty = term_is_tty(a->out.fd);
	char when[NUM_TIME_TEXT];

	buf_addf(out, "job\t%s\nstate\t%s\nmode\t%s\n", j->name,
		replay_job_condition(j, clock_wall_ms(clock_system())),
		replay_mode_name(j->mode));
	buf_addf(out, "source\t%s\ntarget\t%s\n", j->spec.topic, j->spec.target);
	buf_addf(out, "run\t%s\n", j->run);
	buf_addf(out, "started\t%s\n", num_time_text(j->started_ms, when));
	buf_addf(out, "updated\t%s\n", num_time_text(j->updated_ms, when));
	buf_addf(out, "holder\t%s %" PRId64 "\n", j->host ? j->host : "-", j->pid);
	buf_addf(out, "read\t%" PRId64 "\nsent\t%" PRId64 "\n", j->read, j->sent);
	add_number(out, "left", replay_job_left(j), '\n');
	if (j->spec.errors_to)
		buf_addf(out, "dead\t%" PRId64 "\n", j->dead);
	for (int i = 0; i < j->parts_n && !tty; i++) {
		const struct replay_part *p = &j->parts[i];

		buf_addf(out, "partition\t%d\t%" PRId64, (int)p->partition, p->from);
		add_number(out, "", p->next, 0);
		add_number(out, "", p->to == REPLAY_NO_END ? -1 : p->to, '\n');
	}
	for (int i = 0; i < j->gaps_n; i++)
		buf_addf(out, "gone\t%d\t%" PRId64 "\t%" PRId64 "\n",
			(int)j->gaps[i].partition, j->gaps[i].from, j->gaps[i].to);
	return tty ? print_parts(a, j, e) : 0;
}

int
run_status(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct replay_jobs jobs = { 0 };
	int result = -1;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "which job? (kc-replay jobs lists them)");
	if (!load(a, argv[0], &jobs, e)) {
		if (!jobs.n) {
			err_set(e, ERR_NOT_FOUND, "there is no job '%s' (kc-replay "
				"jobs lists them)", argv[0]);
		} else {
			result = 0;
			if (a->json)
				replay_job_write(&jobs.items[0], &a->out.buf);
			else
				result = print_status(a, &jobs.items[0], e);
		}
	}
	replay_jobs_release(&jobs);
	return result;
}

int
run_verify(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct buf summary = BUF_INIT;
	int result;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "which job? (kc-replay jobs lists them)");
	a->o.resume = argv[0];
	a->o.spec = a->spec;
	a->o.dry_run = true;
	result = replay_verify(&a->o, &a->out.buf, &summary, e);
	if (a->json)
		buf_clear(&a->out.buf);
	buf_addslice(&a->out.buf, buf_slice(&summary));
	buf_release(&summary);
	return result;
}

int
run_pause(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "which job? (kc-replay jobs lists them)");
	a->o.resume = argv[0];
	if (replay_pause(&a->o, e))
		return -1;
	diag_note("asked job '%s' to pause, or to go on", argv[0]);
	return 0;
}

/* ---- the options ---- */

const struct opt jobs_options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "one JSON object a line" },
	OPT_END
};

const struct opt verify_options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "only the account, as JSON" },
	OPT_END
};

const struct opt pause_options[] = { OPT_END };
