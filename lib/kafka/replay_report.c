/* replay_report.c - what is told of a replay: at its start, on the way, at its end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/replayer.h"

static int64_t
count_gone(const struct replay_job *j)
{
	int64_t n = 0;

	for (int i = 0; i < j->gaps_n; i++)
		n += j->gaps[i].to - j->gaps[i].from;
	return n;
}

void
replayer_report(const struct replayer *r, struct buf *out)
{
	const struct replay_job *j = &r->job;
	int64_t lag = 0;

	buf_addf(out, "{\"job\":\"%s\",\"run\":\"%s\",\"mode\":\"%s\",\"state\":\"%s\""
		",\"read\":%" PRId64 ",\"sent\":%" PRId64, j->name, j->run,
		replay_mode_name(j->mode), j->state, j->read, j->sent);
	if (!j->spec.follow)
		buf_addf(out, ",\"left\":%" PRId64, replay_job_left(j));
	buf_addf(out, ",\"gone\":%" PRId64, count_gone(j));
	if (j->spec.errors_to)
		buf_addf(out, ",\"dead\":%" PRId64, j->dead);
	buf_addf(out, ",\"ms\":%" PRId64, r->started_ms ?
		clock_mono_ms(clock_system()) - r->started_ms : 0);
	if (r->pace.kind != PACE_MAX)
		buf_addf(out, ",\"late_p50_ms\":%" PRId64 ",\"late_p99_ms\":%" PRId64,
			replay_pace_late(&r->pace, 50),
			replay_pace_late(&r->pace, 99));
	for (int i = 0; i < r->lags_n; i++)
		if (r->lags[i].lag > lag)
			lag = r->lags[i].lag;
	if (r->lags_n)
		buf_addf(out, ",\"lag\":%" PRId64, lag);
	buf_addstr(out, "}\n");
}

/* How far each partition is, too: when it is asked for, and now and then. */
void
replayer_tell_stats(struct replayer *r)
{
	int64_t now = clock_mono_ms(clock_system());
	struct buf text = BUF_INIT;

	if (!sig_wants_news() && (r->o->stats_ms <= 0 ||
	    now - r->stats_at < r->o->stats_ms))
		return;
	r->stats_at = now;
	replayer_positions(r);
	replayer_report(r, &text);
	fputs(buf_cstr(&text), stderr);
	buf_release(&text);
}

void
replayer_tell_start(const struct replayer *r)
{
	const struct replay_job *j = &r->job;

	for (int i = 0; i < r->warnings_n; i++)
		diag_warn("%s", r->warnings[i]);
	diag_note("%s '%s' to '%s', job '%s', mode %s: %s", r->o->dry_run ?
		"dry run, nothing is written:" : r->is_new ? "replaying" :
		"going on with", j->spec.topic,
		j->spec.target, j->name, replay_mode_name(j->mode), r->why_mode);
}

static int
judge(const struct replay_job *j, struct err *e)
{
	int64_t lost = count_gone(j);

	if (lost)
		return err_set(e, ERR_PARTIAL, "done, but for %" PRId64 " offsets that "
			"were gone before they were replayed (kc-replay status %s)",
			lost, j->name);
	if (j->dead)
		return err_set(e, ERR_PARTIAL, "done, but for %" PRId64 " records that "
			"could not be written: they are in '%s', with the reason",
			j->dead, j->spec.errors_to);
	return 0;
}

static void
tell_end(const struct replayer *r)
{
	const struct replay_job *j = &r->job;
	bool tagged = !j->spec.no_tag && j->mode != REPLAY_NONE && !r->o->dry_run;

	diag_note("%s: %" PRId64 " records read, %" PRId64 " %s%s%s%s",
		r->o->dry_run ? "dry run" : "done", j->read, j->sent,
		r->o->dry_run ? "would be written" : "written",
		tagged ? " (is all there? kc-replay verify " : "",
		tagged ? j->name : "", tagged ? ")" : "");
}

/* The account of a run that did not end well, too: what is done is done. */
int
replayer_conclude(struct replayer *r, int result, struct err *e)
{
	if (result) {
		if (r->job.mode != REPLAY_NONE && r->committed && !r->o->dry_run &&
		    (e->code == ERR_TEMPORARY || e->code == ERR_FAILED))
			diag_note("go on later with: kc-replay --resume %s",
				r->job.name);
		return -1;
	}
	if (sig_caught()) {
		if (r->job.mode != REPLAY_NONE)
			diag_note("stopped after %" PRId64 " records; go on with: "
				"kc-replay --resume %s", r->job.read, r->job.name);
		return 0;
	}
	tell_end(r);
	return judge(&r->job, e);
}
