/*
 * run.c - all inputs, line by line, to the producer; the account at the end,
 * and the exit status that follows from it.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "cli/term.h"

#include "run.h"

enum {
	POLL_EVERY = 1024,          /* lines between two looks at the answers */
	QUIET_MS = 20,              /* input pauses: see what was acknowledged */
};

static int
keep_rejects(void *user, struct err *e)
{
	struct run *run = user;

	return run->a->rejects ? out_flush(&run->rejects, e) : 0;
}

/* Flushes the side files when nothing is under way; true when all is told. */
static bool
settle(struct run *run)
{
	if (producer_pending(run->producer))
		return false;
	if (run->a->rejects)
		out_flush(&run->rejects, &run->stop);
	if (run->a->report)
		out_flush(&run->report, &run->stop);
	return true;
}

/* The reader is told what is known; with last, that nothing more came. */
static void
send_acks(struct run *run, bool last)
{
	struct err why = ERR_INIT;

	if (run->acks && sink_acks_flush(run->acks, last, &why) && !run->stop.code)
		run->stop = why;
}

/* Input pauses: true when nothing is left to be done before more comes. */
static bool
idle(struct run *run)
{
	struct err why = ERR_INIT;
	int done = 1;

	if (producer_poll(run->producer, &why) ||
	    (run->sink && !run->stop.code && (done = sink_idle(run->sink, &why)) < 0))
		run->stop = why;
	send_acks(run, true);
	return settle(run) && done;
}

/* To be sent: not what an older run has sent and committed. */
static bool
is_wanted(struct run *run, const struct in *in, const struct record *r)
{
	struct err why = ERR_INIT;
	int take = run->sink ? sink_take(run->sink, r->src, r->kc, &why) :
		run->acks && sink_acks_take(run->acks, in->line, r->src, &why) ?
		-1 : 1;

	if (take < 0 && !run->stop.code) {
		run->stop = why;
		if (why.code == ERR_FORMAT)
			err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
	}
	return take > 0 && !run->stop.code;
}

/* A line without a value; only a pipeline's reader writes such. */
static void
take_barrier(struct run *run, const struct in *in, struct slice line,
	const struct record *r)
{
	struct err why = ERR_INIT;

	if (slice_is_null(r->kc)) {
		err_set(&why, ERR_FORMAT, "no value and no json (a tombstone is "
			"\"value\":null)");
		rejects_bad_line(run, in, line, &why);
	} else if (((run->acks && (producer_flush(run->producer, -1, &why) ||
		   sink_acks_barrier(run->acks, r->kc, &why))) ||
		   (run->sink && sink_barrier(run->sink, r->kc, &why))) &&
		   !run->stop.code) {
		run->stop = why;
		err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
	}
}

static void
send_line(struct run *run, const struct in *in, int number, struct slice line)
{
	struct record r;
	struct err why = ERR_INIT;
	producer_tag tag = (producer_tag)number << TAG_LINE_BITS |
		(producer_tag)in->line;

	run->lines++;
	if (record_read(run, line, &r, &why))
		rejects_bad_line(run, in, line, &why);
	else if (run->reader.valueless)
		take_barrier(run, in, line, &r);
	else if (is_wanted(run, in, &r) &&
		 producer_send(run->producer, &r, tag, &why) && !run->stop.code)
		run->stop = why;
	if (run->lines % POLL_EVERY == 0) {
		if (producer_poll(run->producer, &why))
			run->stop = why;
		send_acks(run, false);
		progress_update(&run->progress, run->lines);
	}
}

/* Reads one input to its end, or to what stops the run. */
static void
feed(struct run *run, int number)
{
	struct in *in = &run->inputs[number];
	bool quiet = settle(run);
	struct slice line;
	struct err why = ERR_INIT;

	while (!run->stop.code && run->lines != run->a->count) {
		switch (in_next(in, quiet ? -1 : QUIET_MS, &line, &why)) {
		case IN_LINE:
			send_line(run, in, number, line);
			quiet = false;
			break;
		case IN_IDLE:
			quiet = idle(run);
			break;
		case IN_TOO_LONG:
			run->lines++;
			err_set(&why, ERR_FORMAT, "line is longer than %d MB "
				"(no broker takes that; is the delimiter right?)",
				LINE_MAX_BYTES >> 20);
			rejects_bad_line(run, in, slice_str(""), &why);
			break;
		case IN_ERROR:
			run->stop = why;
			break;
		case IN_EOF:
		case IN_SIGNAL:
			return;
		}
	}
}

static void
say_totals(const struct run *run, const struct producer_totals *t, int64_t ms)
{
	const char *verb = run->a->dry_run ? "checked" : "sent";
	int64_t n = run->a->dry_run ? t->sent : t->acked;

	if (run->errors > ERRORS_SHOWN)
		diag_error("%" PRId64 " more errors%s", run->errors - ERRORS_SHOWN,
			run->a->rejects ? ", all in the rejects" : "");
	if (sig_caught() || (run->stop.code && (n || t->failed)))
		diag_note("%s: %" PRId64 " records %s, %" PRId64 " failed",
			sig_caught() ? "interrupted" : "stopped", n, verb,
			t->failed);
	else if (!run->stop.code)
		diag_verbose(1, "%s %" PRId64 " records (%.1f MB) in %.1f s to "
			"%d topic%s", verb, n, (double)t->bytes / 1e6,
			(double)ms / 1e3, t->topics, t->topics == 1 ? "" : "s");
}

/* The exit status, from what became of the lines. */
static int
verdict(const struct run *run, const struct producer_totals *t, struct err *e)
{
	int64_t good = run->a->dry_run ? t->sent : t->acked;

	if (run->stop.code) {
		*e = run->stop;
		return -1;
	}
	if (!run->errors)
		return 0;
	if (sig_caught())
		return -1;
	return err_set(e, good ? ERR_PARTIAL : run->same_code &&
		(run->worst == ERR_REFUSED || run->worst == ERR_TEMPORARY) ?
		run->worst : ERR_FAILED,
		"%" PRId64 " of %" PRId64 " records failed (%s%s)", run->errors,
		run->lines, run->a->rejects ? "they are in " :
		"--rejects FILE keeps them", run->a->rejects ? run->a->rejects : "");
}

/* The last commit, or, when something has failed, none. */
static void
end_sink(struct run *run)
{
	struct err why = ERR_INIT;

	if (!run->sink)
		return;
	if (!run->stop.code && !(sig_caught() ? sink_idle(run->sink, &why) >= 0 :
	    !sink_finish(run->sink, &why)) && !run->stop.code)
		run->stop = why;
	if (sink_passed(run->sink))
		diag_note("%" PRId64 " lines were committed before, and passed over",
			sink_passed(run->sink));
	sink_close(run->sink);
	run->sink = NULL;
}

static int
finish(struct run *run, int64_t started, struct err *e)
{
	struct producer_totals t;
	struct err why = ERR_INIT;
	int result;

	end_sink(run);
	if (producer_flush(run->producer, sig_caught() ? PRODUCER_STOP_MS : -1, &why) &&
	    !run->stop.code)
		run->stop = why;
	send_acks(run, true);
	progress_end(&run->progress);
	t = producer_totals(run->producer);
	say_totals(run, &t, clock_mono_ms(clock_system()) - started);
	result = verdict(run, &t, e);
	if (run->a->rejects && out_close(&run->rejects, &why) && !run->stop.code) {
		*e = why;
		result = err_wrap(e, "'%s'", run->a->rejects);
	}
	if (run->a->report && out_close(&run->report, &why) && !run->stop.code) {
		*e = why;
		result = err_wrap(e, "'%s'", run->a->report);
	}
	return result;
}

static int
open_producer(struct run *run, const struct conf *conf, const char *id,
	struct err *e)
{
	const struct args *a = run->a;
	const struct producer_options o = {
		.timeout_ms = conf_timeout(&a->conf, CONF_FOR_EVER),
		.dry_run = a->dry_run, .arg = run, .on_failure = rejects_on_failure,
		.on_ack = a->report || a->ack ? rejects_on_ack : NULL,
		.transactional_id = a->dry_run || !*id ? NULL : id,
		.now_option = "--now",
	};
	const struct sink_options sink = {
		.conf = conf, .group = a->commit_group, .txn = a->txn,
		.timeout_ms = o.timeout_ms, .keep = keep_rejects, .user = run,
	};

	if (producer_open(&run->producer, conf, &o, e) ||
	    (a->topic && producer_topic(run->producer, run->topic, e)))
		return -1;
	if (a->ack && sink_acks_open(&run->acks, a->ack, o.timeout_ms, e))
		return -1;
	return a->commit_group && !a->dry_run ?
		sink_open(&run->sink, run->producer, &sink, e) : 0;
}

int
run_all(struct run *run, const struct conf *conf, const char *id, struct err *e)
{
	int64_t started = clock_mono_ms(clock_system());

	if (open_producer(run, conf, id, e))
		return -1;
	if (run->inputs_n == 1 && term_is_tty(run->inputs[0].fd))
		diag_note("reading records from the terminal, one a line; "
			"Ctrl-D ends");
	else
		progress_init(&run->progress, "records", -1, clock_system());
	for (int i = 0; i < run->inputs_n && !run->stop.code && !sig_caught(); i++)
		feed(run, i);
	return finish(run, started, e);
}
