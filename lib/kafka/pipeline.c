#include "kafka/pipeline.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/pipeline_part.h"

enum {
	COMMIT_MS = 100,       /* between two commits */
	BATCH_MAX = 5000,      /* verdicts that wait for one */
	READ_MAX = 512,        /* records read between two looks at the handlers */
	BYTES_MAX = 64 << 20,  /* keys and values that are under way */
	DRAIN_MS = 30000,      /* for answers, at the end or a rebalance */
	GRACE_MS = 5000,       /* for handlers to end */
};

int64_t
pipeline_mono(void)
{
	return clock_mono_ms(clock_system());
}

static void
on_failure(void *arg, const struct record *r, producer_tag tag, const struct err *why)
{
	struct pipeline *p = arg;

	(void)tag;
	if (p->failure.code)
		return;
	p->failure = *why;
	err_wrap(&p->failure, "topic '%.*s'", SLICE_ARG(r->topic));
}

/* ---- one turn ------------------------------------------------------------------------ */

static bool
is_full(const struct pipeline *p)
{
	return p->dispatch.open + p->batch_n >= p->o.max_inflight ||
		p->dispatch.bytes >= BYTES_MAX;
}

/* Waits for handlers, records (when they are wanted), a signal or the time. */
static int
await(struct pipeline *p, int64_t until, struct err *e)
{
	int workers = p->o.dispatch.workers;
	size_t n = (size_t)workers * COPROCESS_FDS;
	struct pollfd *fds = xcalloc(n + 2, sizeof(*fds));
	int64_t left = until - pipeline_mono();
	int result = 0;

	for (int i = 0; i < workers; i++)
		coprocess_poll(&p->handlers[i].process, &fds[i * COPROCESS_FDS]);
	fds[n] = (struct pollfd){ p->reading && !is_full(p) ? consume_fd(p->in) : -1,
		POLLIN, 0 };
	fds[n + 1] = (struct pollfd){ p->reading ? sig_fd() : -1, POLLIN, 0 };
	if (poll(fds, n + 2, left < 0 ? 0 : left > 1000 ? 1000 : (int)left) > 0)
		for (int i = 0; i < workers && !result; i++) {
			coprocess_serve(&p->handlers[i].process, &fds[i * COPROCESS_FDS]);
			result = pipeline_answers(p, i, e);
		}
	free(fds);
	return result;
}

static bool
is_commit_due(const struct pipeline *p)
{
	return pipeline_has_verdicts(p) && (p->batch_n >= BATCH_MAX ||
		pipeline_mono() - p->commit_ms >= COMMIT_MS);
}

/* Handlers and commits; what is under way moves on. */
static int
turn(struct pipeline *p, struct err *e)
{
	int64_t until;

	if (p->producer && producer_poll(p->producer, e))
		return -1;
	if (pipeline_feed(p, e) || (is_commit_due(p) && pipeline_commit(p, e)))
		return -1;
	until = pipeline_due(p);
	if (pipeline_has_verdicts(p) && p->commit_ms + COMMIT_MS < until)
		until = p->commit_ms + COMMIT_MS;
	return await(p, until, e);
}

/*
 * Until everything under way has its verdict and is committed, or the
 * deadline, which a signal brings nearer.
 */
static int
drain(struct pipeline *p, int64_t deadline, struct err *e)
{
	bool reading = p->reading;
	int result = 0;

	p->reading = false;
	while (!result && p->dispatch.open && pipeline_mono() < deadline) {
		if (sig_caught() && deadline - DRAIN_MS > pipeline_mono())
			deadline = pipeline_mono() + DRAIN_MS;
		result = turn(p, e);
	}
	while (!result && pipeline_has_verdicts(p) && pipeline_mono() < deadline)
		result = pipeline_commit(p, e);
	p->reading = reading;
	return result;
}

/* ---- reading ------------------------------------------------------------------------- */

/*
 * The group takes partitions from us: what is under way of them ends first.
 * A twin may be why, and without partitions nothing more would tell of it.
 */
static int
on_revoke(void *user, struct err *e)
{
	struct pipeline *p = user;

	if (!drain(p, pipeline_mono() + DRAIN_MS, e) &&
	    !pipeline_commit_again(p, e))
		return 0;
	if (e->code != ERR_TEMPORARY)
		return -1;
	/* The others get them as they are committed. */
	diag_warn("%s", e->msg);
	*e = (struct err)ERR_INIT;
	p->aborts = 0;
	return 0;
}

static void
on_gone(void *user, const char *topic, int32_t partition)
{
	struct pipeline *p = user;

	pipeline_drop(p, topic, partition);
}

static int
take_record(struct pipeline *p, const struct record *r, struct err *e)
{
	if (!dispatch_add(&p->dispatch, r))
		return err_set(e, ERR_FAILED, "'%.*s' [%d]: offset %lld came again",
			SLICE_ARG(r->topic), (int)r->partition, (long long)r->offset);
	if (++p->totals.records == p->o.count)
		p->reading = false;
	return 0;
}

static int
read_some(struct pipeline *p, struct err *e)
{
	bool held = consume_hold_while(p->in, is_full(p));
	struct record r;

	for (int i = 0; i < READ_MAX && p->reading && (held || !is_full(p)); i++) {
		switch (consume_next(p->in, 0, &r, e)) {
		case CONSUME_RECORD:
			if (take_record(p, &r, e))
				return -1;
			break;
		case CONSUME_IDLE:
			i = READ_MAX;
			break;
		case CONSUME_END:
		case CONSUME_SIGNAL:
		case CONSUME_CLOSED:
			p->reading = false;
			break;
		case CONSUME_ERROR:
			return -1;
		}
		pipeline_restart_tainted(p);
	}
	return 0;
}

/* ---- the run ---------------------------------------------------------------------------- */

static int
open_all(struct pipeline *p, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	const struct producer_options po = {
		.timeout_ms = p->o.timeout_ms, .arg = p, .on_failure = on_failure,
		.transactional_id = p->o.transactional_id,
	};
	const char *topics[] = { p->o.to, p->o.dlq };

	/* First what an older run left is settled, then the offsets are read. */
	if ((p->o.to || p->o.dlq || p->o.transactional_id) &&
	    producer_open(&p->producer, conf, &po, e))
		return -1;
	for (int i = 0; i < 2; i++)
		if (topics[i] && producer_topic(p->producer, slice_str(topics[i]), e))
			return -1;
	o->flush = on_revoke;
	o->gone = on_gone;
	o->user = p;
	o->output_fd = -1;
	return consume_open(&p->in, conf, o, e);
}

/* Reads and turns until the end; then waits for what is under way. */
static int
work(struct pipeline *p, struct err *e)
{
	p->reading = true;
	p->commit_ms = pipeline_mono();
	while (p->reading)
		if (read_some(p, e) || turn(p, e))
			return -1;
	if (drain(p, INT64_MAX, e))
		return -1;
	if (p->dispatch.open)
		diag_warn("%lld records have no answer yet: not committed, they come "
			"again", (long long)p->dispatch.open);
	/* control records behind the last one */
	return pipeline_commit(p, e);
}

static int
verdict(const struct pipeline *p, struct err *e)
{
	if (!p->totals.dead)
		return 0;
	return err_set(e, ERR_PARTIAL, "%lld of %lld records failed: they are in '%s'",
		(long long)p->totals.dead, (long long)p->totals.committed, p->o.dlq);
}

static void
release(struct pipeline *p)
{
	pipeline_end_handlers(p, sig_caught() ? GRACE_MS / 5 : GRACE_MS);
	/* Leaving the group takes partitions away, which is known here. */
	pipeline_drop_batch(p);
	consume_close(p->in);
	producer_close(p->producer);
	dispatch_release(&p->dispatch);
	answer_reader_release(&p->reader);
	answer_reader_release(&p->outcome);
	arena_release(&p->arena);
	buf_release(&p->line);
	free(p->handlers);
	free(p->batch);
}

int
pipeline_run(const struct conf *conf, struct consume_options *o,
	const struct pipeline_options *options, struct pipeline_totals *t,
	struct err *e)
{
	struct pipeline p = { .o = *options, .group = o->group };
	int result;

	p.handlers = xcalloc((size_t)options->dispatch.workers, sizeof(*p.handlers));
	for (int i = 0; i < options->dispatch.workers; i++)
		coprocess_init(&p.handlers[i].process);
	dispatch_init(&p.dispatch, &options->dispatch);
	result = open_all(&p, conf, o, e);
	if (!result)
		result = work(&p, e);
	if (!result && !sig_caught())
		result = verdict(&p, e);
	*t = p.totals;
	release(&p);
	return result;
}
