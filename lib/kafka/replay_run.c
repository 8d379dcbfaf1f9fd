/*
 * replay_run.c - the run: a batch of what is due, its end remembered, and
 * waiting only in between, when no transaction is open.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/progress.h"
#include "cli/sig.h"
#include "kafka/replayer.h"
#include "kafka/transaction.h"

enum {
	BATCH_MS = 1000,
	BATCH_PACED = 1000,         /* records of a transaction */
	BATCH_MAX = 100000,         /* when nothing is to be waited for */
	BATCH_BYTES = 64 << 20,
	VIA_MAX = 10000,
	LOOK_EVERY = 256,           /* records between two looks at the clock */
	PACED_STEP_MS = 100,        /* from one paced transaction to the next */
	ALIVE_MS = 10000,           /* a job that follows, and has nothing to do */
	TRIES = 20,                 /* aborted transactions in a row */
};

/* Why a batch is over. */
enum pause { FULL, DUE_LATER, BEHIND, NOTHING, AT_END, SIGNALLED, FAILED };

struct run {
	struct replayer *r;
	struct progress progress;
	int64_t batch_ms;           /* when it began */
	int64_t n, bytes;           /* of it */
	int64_t due_ms;             /* with DUE_LATER */
	int64_t limit;              /* records a batch */
	int64_t stepped;            /* lines of stdin that came for records */
	struct err broken;          /* the source failed behind what was read */
};

static int64_t
mono_ms(void)
{
	return clock_mono_ms(clock_system());
}

static int
send_one(void *arg, const struct record *rec, struct err *e)
{
	return replayer_send(arg, rec, e);
}

/* What is read counts, whether it is sent or not. */
static int
handle(struct run *run, const struct record *rec, int part, int64_t now, struct err *e)
{
	struct replayer *r = run->r;
	struct replay_part *p = &r->job.parts[part];
	int64_t bytes = (int64_t)(rec->key.len + rec->value.len);

	if (!replay_selects(&r->select, rec) ||
	    (r->latest && !replay_latest_has(r->latest, rec)))
		return 0;
	r->selected++;
	p->sent++;
	if (r->look_seen && replay_tally_has(&r->seen, rec->partition, rec->offset)) {
		r->job.sent++;
		return 0;
	}
	if (r->pace.kind != PACE_MAX)
		replay_pace_sent(&r->pace, bytes, run->due_ms, now);
	run->bytes += bytes;
	if (r->via) {
		replay_via_add(r->via, rec);
		return 0;
	}
	return replayer_send(r, rec, e);
}

/* By some record the topic is known again; a digest of each would cost. */
static void
note_last(struct run *run, const struct record *rec, int part)
{
	struct replay_part *p = &run->r->job.parts[part];

	if (p->last >= 0 && run->n % LOOK_EVERY)
		return;
	p->last = rec->offset;
	p->last_digest = (int64_t)replay_digest(rec, true);
}

static bool
is_limited(const struct replayer *r)
{
	return r->job.spec.count >= 0 && r->selected >= r->job.spec.count;
}

/*
 * What is due, until the batch is full. A transaction that is open does not
 * wait for records: what comes later goes into the next one.
 */
static enum pause
gather(struct run *run, struct err *e)
{
	struct replayer *r = run->r;
	bool paced = r->pace.kind != PACE_MAX;
	int64_t now = mono_ms();

	run->batch_ms = now;
	run->n = run->bytes = 0;
	if (run->broken.code) {
		*e = run->broken;
		return FAILED;
	}
	for (;;) {
		const struct record *rec;
		int part;

		if (run->n >= run->limit || run->bytes >= BATCH_BYTES)
			return FULL;
		if (sig_caught() || sig_is_paused())
			return SIGNALLED;
		if (is_limited(r))
			return AT_END;
		switch (r->in->peek(r->in, paced && run->n ? 0 : 100, &rec,
		    &part, &run->broken)) {
		case CONSUME_RECORD:
			break;
		case CONSUME_END:
			return AT_END;
		case CONSUME_SIGNAL:
			return SIGNALLED;
		default:
			return NOTHING; /* or broken: told next time */
		}
		if (paced || run->n % LOOK_EVERY == 0)
			now = mono_ms();
		if (now - run->batch_ms >= BATCH_MS)
			return FULL;
		if (paced) {
			run->due_ms = replay_pace_due(&r->pace,
				rec->has_timestamp ? rec->timestamp : -1, now);
			if (run->due_ms > now)
				return DUE_LATER;
		}
		if (r->pace.kind == PACE_STEP && r->job.read >= run->stepped)
			return DUE_LATER;
		if (r->lags_n && r->room <= 0)
			return BEHIND;
		if (handle(run, rec, part, now, e))
			return FAILED;
		note_last(run, rec, part);
		r->job.read++;
		run->n++;
		r->in->take(r->in);
	}
}

/* ---- waiting ----------------------------------------------------------------- */

static void
sleep_until(struct replayer *r, int64_t due_ms)
{
	struct pollfd fd = { sig_fd(), POLLIN, 0 };

	while (!sig_caught() && !sig_is_paused()) {
		int64_t left = due_ms - mono_ms();

		if (left <= 0)
			return;
		poll(&fd, 1, left > 1000 ? 1000 : (int)left);
		replayer_tell_stats(r);
	}
}

static int
stand_still(struct run *run, struct err *e)
{
	struct replayer *r = run->r;
	int64_t since = mono_ms();

	if (replayer_commit(r, "paused", e))
		return -1;
	diag_note("paused at %" PRId64 " records (SIGUSR1 goes on)", r->job.read);
	while (sig_is_paused() && !sig_caught()) {
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, 1000);
		replayer_tell_stats(r);
	}
	replay_pace_pause(&r->pace, mono_ms() - since);
	if (!sig_caught())
		diag_note("going on");
	return 0;
}

/* One line of stdin, one record; at its end the rest follows. */
static void
await_line(struct run *run)
{
	struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { sig_fd(), POLLIN, 0 } };
	char c = 0;

	diag_note("record %" PRId64 ": Enter sends it", run->stepped + 1);
	while (c != '\n' && !sig_caught()) {
		poll(fds, 2, 1000);
		if (!fds[0].revents)
			continue;
		if (read(STDIN_FILENO, &c, 1) <= 0) {
			run->stepped = INT64_MAX - 1;
			break;
		}
	}
	run->stepped++;
}

/* Some group that reads the target is too far behind: the schedule stands still. */
static int
await_readers(struct replayer *r, struct err *e)
{
	int64_t waited_ms;

	/* What is under way counts, once it is there. */
	if (!replayer_is_txn(r) && producer_flush(r->producer, -1, e))
		return -1;
	replayer_settle(r);
	if (replayer_await_lag(r, &waited_ms, e))
		return -1;
	replay_pace_pause(&r->pace, waited_ms);
	return 0;
}

static int
wait_between(struct run *run, enum pause why, struct err *e)
{
	struct replayer *r = run->r;

	if (why == BEHIND)
		return await_readers(r, e);
	if (why != DUE_LATER)
		return 0;
	if (r->pace.kind == PACE_STEP) {
		await_line(run);
		return 0;
	}
	/* Never a transaction a record: they are due together, or a bit late. */
	if (replayer_is_txn(r) && run->due_ms < run->batch_ms + PACED_STEP_MS)
		run->due_ms = run->batch_ms + PACED_STEP_MS;
	sleep_until(r, run->due_ms);
	return 0;
}

/* ---- the loop ------------------------------------------------------------------ */

static bool
commit_is_due(const struct run *run, enum pause why, int64_t committed_ms)
{
	const struct replayer *r = run->r;

	int64_t age = mono_ms() - committed_ms;

	/* Nothing to read for long: say that we are still here. */
	if (why == NOTHING && run->n == 0 && r->job.read == r->committed_read)
		return r->job.spec.follow && r->job.mode != REPLAY_NONE &&
			age >= ALIVE_MS;
	if (replayer_is_txn(r))
		return run->n > 0;
	return r->job.mode == REPLAY_SCAN && age >= BATCH_MS;
}

/* One batch, its lines through the command, and the commit. */
static int
step(struct run *run, enum pause *why, int64_t *committed_ms, struct err *e)
{
	struct replayer *r = run->r;

	*why = gather(run, e);
	if (*why == FAILED)
		return -1;
	if (r->via && replay_via_run(r->via, r->o->timeout_ms, send_one, r, e))
		return -1;
	if (!replayer_is_txn(r) && (producer_poll(r->producer, e) ||
	    replayer_send_dead(r, e)))
		return -1;
	if (r->unhurried && *why != AT_END && *why != SIGNALLED) {
		if (mono_ms() - *committed_ms >= BATCH_MS) {
			replayer_snapshot(r);
			*committed_ms = mono_ms();
		}
		return replayer_end_snapshot(r, e);
	}
	if (*why == AT_END || *why == SIGNALLED ||
	    !commit_is_due(run, *why, *committed_ms))
		return 0;
	if (replayer_commit(r, "running", e))
		return -1;
	*committed_ms = mono_ms();
	return 0;
}

/* Records that are gone: what came before them is kept. */
static int
mend_source(struct run *run, struct err *e)
{
	struct replayer *r = run->r;
	struct err why = ERR_INIT;
	bool gap;

	if (replayer_commit(r, "running", &why) ||
	    replayer_pass_gaps(r, &gap, &why)) {
		*e = why;
		return -1;
	}
	if (!gap)
		return replayer_explain(r, e);
	run->broken = *e = (struct err)ERR_INIT;
	replayer_rewind_source(r);
	return replayer_open_source(r, e);
}

/* A transaction that was aborted and is worth another try. */
static int
recover(struct run *run, int *tries, struct err *e)
{
	struct replayer *r = run->r;
	struct err why = ERR_INIT;

	if (!e->code)
		return -1;
	if (run->broken.code)
		return mend_source(run, e);
	if (e->code != ERR_TEMPORARY || !replayer_is_txn(r) || ++*tries > TRIES)
		return -1;
	diag_verbose(1, "%s: once more from the last commit", e->msg);
	if (txn_abort(r->producer, &why)) {
		*e = why;
		return -1;
	}
	replayer_rewind(r);
	*e = (struct err)ERR_INIT;
	return replayer_open_source(r, e);
}

static int
loop(struct run *run, struct err *e)
{
	struct replayer *r = run->r;
	int64_t committed_ms = mono_ms();
	int tries = 0;

	for (;;) {
		enum pause why;

		if (replayer_grow(r, e) || step(run, &why, &committed_ms, e)) {
			if (recover(run, &tries, e))
				return -1;
			continue;
		}
		if (run->n)
			tries = 0;
		progress_update(&run->progress, r->job.read);
		replayer_tell_stats(r);
		if (why == AT_END || sig_caught())
			return 0;
		if (why == SIGNALLED && sig_is_paused() && stand_still(run, e))
			return -1;
		if (wait_between(run, why, e))
			return -1;
	}
}

/* Its last commit may meet a passing failure too. */
static int
finish(struct run *run, struct err *e)
{
	struct replayer *r = run->r;
	int tries = 0;

	for (;;) {
		const char *state = sig_caught() ? "stopped" : "done";

		if (!replayer_commit(r, state, e)) {
			replayer_settle(r);
			return 0;
		}
		if (recover(run, &tries, e) || loop(run, e))
			return -1;
	}
}

/* ---- before and after ------------------------------------------------------------ */

static int
go(struct replayer *r, struct err *e)
{
	struct run run = { .r = r };
	int result;

	run.limit = r->via ? VIA_MAX : !replayer_is_txn(r) ? INT64_MAX :
		r->pace.kind == PACE_MAX ? BATCH_MAX : BATCH_PACED;
	progress_init(&run.progress, "records", replay_job_total(&r->job),
		clock_system());
	result = loop(&run, e);
	if (!result)
		result = finish(&run, e);
	progress_end(&run.progress);
	return result;
}

int
replay_run(const struct replay_options *o, struct buf *summary, struct err *e)
{
	struct replayer r;
	int result = -1;

	if (replayer_open(&r, o, e) || replayer_find(&r, e))
		goto out;
	if (!strcmp(r.job.state, "done")) {
		diag_note("job '%s' is done: nothing is left to replay", r.job.name);
		replayer_report(&r, summary);
		result = 0;
		goto out;
	}
	r.started_ms = r.stats_at = mono_ms();
	if (replayer_ready(&r, e))
		goto out;
	replayer_tell_start(&r);
	result = go(&r, e);
	replayer_report(&r, summary);
	result = replayer_conclude(&r, result, e);
out:
	replayer_close(&r);
	return result;
}
