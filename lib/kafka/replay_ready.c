/*
 * replay_ready.c - from a job to the first record: the mode, the producer, and
 * where to go on. Old runs are settled before their positions are read.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/replayer.h"
#include "kafka/transaction.h"

enum { NICE = -10 };

void
replayer_choose_mode(struct replayer *r)
{
	enum replay_mode *m = &r->job.mode;
	bool by_hand = r->pace.kind == PACE_SPEED || r->pace.kind == PACE_STEP;

	if (!r->is_new) {
		r->why_mode = "as the job began";
	} else if (r->o->mode != REPLAY_AUTO) {
		*m = r->o->mode;
		r->why_mode = "as asked for";
		if (*m == REPLAY_OFFSETS && (!r->one_cluster || r->job.spec.archive)) {
			*m = REPLAY_CHECKPOINT;
			r->why_mode = r->job.spec.archive ? "an archive has no "
				"offsets to commit" : "the source's offsets cannot be "
				"committed in another cluster";
		}
	} else if (by_hand && !r->job.spec.no_tag) {
		*m = REPLAY_SCAN;
		r->why_mode = "records are seen at their time, which transactions "
			"would hold back (--eos txn has them)";
	} else if (r->job.spec.archive || !r->one_cluster) {
		*m = REPLAY_CHECKPOINT;
		r->why_mode = r->job.spec.archive ?
			"an archive: its position is committed with the records" :
			"two clusters: the position is committed in the target, with "
			"the records";
	} else {
		*m = REPLAY_OFFSETS;
		r->why_mode = "one cluster: offsets are committed with the records";
	}
}

/* What the brokers know the job by. */
static void
take_names(struct replayer *r)
{
	struct buf name = BUF_INIT;

	free(r->transactional_id);
	free(r->group);
	r->transactional_id = r->group = NULL;
	buf_addf(&name, "kc-replay.%s", r->job.name);
	if (replayer_is_txn(r) && !r->o->dry_run)
		r->transactional_id = xstrdup(buf_cstr(&name));
	if (r->job.mode == REPLAY_OFFSETS)
		r->group = xstrdup(buf_cstr(&name));
	buf_release(&name);
}

/*
 * A transaction of no member could move offsets under the feet of who reads
 * with the group. Who may not see it may not commit either, and is told then.
 */
static int
check_group(struct replayer *r, struct err *e)
{
	struct groups found = { 0 };
	int result = 0;

	if (!r->group)
		return 0;
	if (group_find(r->target, &r->group, 1, r->o->timeout_ms, &found, e))
		result = -1;
	else if (!found.items[0].why || found.items[0].why->code != ERR_REFUSED)
		result = group_check_idle(&found.items[0], e);
	groups_release(&found);
	return result ? err_wrap(e, "it is this job's own (or use another --name)") : 0;
}

/* Rights may be missing; at least once, and silently, it is never. */
static bool
may_change_mode(const struct replayer *r, const struct err *e)
{
	return e->code == ERR_REFUSED && r->is_new && r->o->mode == REPLAY_AUTO &&
		replayer_is_txn(r);
}

static int
change_mode(struct replayer *r, enum replay_mode mode, const char *why,
	struct err *e)
{
	replayer_warn(r, "%s: mode %s then", e->msg, replay_mode_name(mode));
	*e = (struct err)ERR_INIT;
	producer_close(r->producer);
	r->producer = NULL;
	r->job.mode = mode;
	r->why_mode = why;
	take_names(r);
	return replayer_open_producer(r, e);
}

int
replayer_name(struct replayer *r, struct err *e)
{
	take_names(r);
	return check_group(r, e);
}

static int
open_producer(struct replayer *r, struct err *e)
{
	if (replayer_name(r, e))
		return -1;
	if (!replayer_open_producer(r, e))
		return 0;
	if (!may_change_mode(r, e) || r->job.spec.no_tag)
		return -1;
	return change_mode(r, REPLAY_SCAN, "transactions are not allowed here", e);
}

/* The first commit is the first that needs the right to the group. */
static int
begin_job(struct replayer *r, struct err *e)
{
	if (!replayer_begin_job(r, e))
		return 0;
	if (!may_change_mode(r, e) || r->job.mode != REPLAY_OFFSETS ||
	    txn_is_fenced(r->producer) || change_mode(r, REPLAY_CHECKPOINT,
	    "the source's offsets cannot be committed here", e))
		return -1;
	return replayer_begin_job(r, e);
}

/* What may have changed since it was read first; from becomes what it was. */
static void
take_account(struct replay_job *j, struct replay_job *from)
{
	struct replay_job was = *j;

	j->parts = from->parts;
	j->parts_n = from->parts_n;
	j->gaps = from->gaps;
	j->gaps_n = from->gaps_n;
	j->read = from->read;
	j->sent = from->sent;
	j->dead = from->dead;
	from->parts = was.parts;
	from->gaps = was.gaps;
}

/*
 * What an older run left open is settled now: the document is read again, and
 * the group's offsets, which were committed with it. They expire; then the
 * document alone tells.
 */
static int
read_again(struct replayer *r, struct err *e)
{
	const struct replay_options *o = r->o;
	struct group_offsets offsets = { 0 };
	struct replay_jobs jobs = { 0 };
	int result = -1;

	if (replay_jobs_load(&jobs, r->target, o->target_conf, r->job.name,
	    o->timeout_ms, o->timeout_ms, e))
		goto out;
	if (!jobs.n) {
		err_set(e, ERR_NOT_FOUND, "the document of job '%s' is gone from "
			"topic '" REPLAY_JOBS "'", r->job.name);
		goto out;
	}
	take_account(&r->job, &jobs.items[0]);
	if (r->group && group_offsets_get(r->target, r->group, o->timeout_ms,
	    &offsets, e)) {
		err_wrap(e, "group '%s'", r->group);
		goto out;
	}
	result = 0;
	for (int i = 0; i < r->job.parts_n && r->group && !result; i++) {
		struct replay_part *p = &r->job.parts[i];
		const struct group_offset *g = group_offsets_find(&offsets,
			r->job.spec.topic, p->partition);

		if (!g || g->offset < 0 || g->offset == p->next)
			continue;
		result = err_set(e, ERR_FAILED, "group '%s' is at offset %" PRId64
			" of '%s' [%d], and the job at %" PRId64 ": somebody set "
			"it (kc-lag shows it; delete the group to trust the job)",
			r->group, g->offset, r->job.spec.topic, (int)p->partition,
			p->next);
	}
	if (!result && r->group && !offsets.n)
		diag_note("the offsets of group '%s' have expired: going on where "
			"the job's document is", r->group);
out:
	group_offsets_release(&offsets);
	replay_jobs_release(&jobs);
	return result;
}

/* Its name may be taken by a document that was not to be seen before. */
static int
check_again(struct replayer *r, struct err *e)
{
	struct replay_jobs jobs = { 0 };
	int result;

	result = replay_jobs_load(&jobs, r->target, r->o->target_conf, r->job.name,
		r->o->timeout_ms, r->o->timeout_ms, e) ||
		replayer_check_name(&jobs, e) ? -1 : 0;
	replay_jobs_release(&jobs);
	return result;
}

static int
ready_new(struct replayer *r, struct err *e)
{
	const struct replay_spec *s = &r->job.spec;

	if (s->archive ? replay_archive_plan(r, e) :
	    replayer_plan_ranges(r, e) || replayer_probe(r, false, e))
		return -1;
	if (replayer_check_target(r, e))
		return -1;
	replayer_choose_mode(r);
	if (r->job.mode == REPLAY_SCAN && s->no_tag)
		return err_set(e, ERR_USAGE, "--eos scan finds its records by their "
			"headers (not with --no-tag)");
	if (!r->o->dry_run && r->job.mode != REPLAY_NONE &&
	    replay_jobs_prepare(r->target, r->o->timeout_ms, e))
		return -1;
	if (open_producer(r, e))
		return -1;
	return r->o->name && !r->o->dry_run && r->job.mode != REPLAY_NONE ?
		check_again(r, e) : 0;
}

static int
ready_old(struct replayer *r, struct err *e)
{
	bool gap;

	replayer_choose_mode(r);
	replayer_warn_tombstones(r, -1);
	if (replayer_check_target(r, e) || open_producer(r, e) ||
	    (replayer_is_txn(r) && read_again(r, e)) ||
	    (r->job.spec.archive && replay_archive_plan(r, e)) ||
	    replayer_check_source(r, e) || replayer_pass_gaps(r, &gap, e))
		return -1;
	return r->job.mode == REPLAY_SCAN ? replayer_scan(r, e) : 0;
}

/*
 * Records are due to the millisecond, and little is to be done for one: who is
 * allowed to goes before others. The threads of the producer, which are made
 * behind this, do so too; a command of the user's would, and must not.
 */
static void
go_first(const struct replayer *r)
{
	if (r->pace.kind != PACE_SPEED || r->via)
		return;
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	setpriority(PRIO_PROCESS, 0, NICE);
}

int
replayer_ready(struct replayer *r, struct err *e)
{
	if (replayer_apply(r, e))
		return -1;
	go_first(r);
	if ((r->is_new ? ready_new(r, e) : ready_old(r, e)) ||
	    (r->job.spec.latest_per_key && replay_latest_build(r, e)) ||
	    (r->job.mode != REPLAY_NONE ? begin_job(r, e) : 0))
		return -1;
	return replayer_open_source(r, e);
}
