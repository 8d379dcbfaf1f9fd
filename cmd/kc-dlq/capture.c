/*
 * capture.c - a filter behind a handler, or the end of its pipeline: lines
 * with an error become dead letters, the others go on as they are, in order.
 *
 * Lines that come at once are a batch: first the breaker judges it, then its
 * failures are sent and acknowledged by the broker, then the others go on,
 * and then the reader is told, or its group's offsets are committed.
 */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "cli/term.h"

enum {
	HELD_LINES = 1000,        /* of failures that wait for the breaker */
	HELD_BYTES = 4 << 20,
	QUIET_MS = 20,            /* input pauses: see what can be committed */
};

/* ---- one batch ------------------------------------------------------------------- */

/* On disk, before anything behind it is acknowledged. */
static int
sync_spill(struct capture *c, struct err *e)
{
	if (!c->spilling)
		return 0;
	if (!c->spilled)
		diag_warn("%s", c->spill_why.msg);
	if (!out_flush(&c->spill, e) && fsync(c->spill.fd))
		err_errno(e, ERR_IO, "cannot sync it");
	if (e->code)
		return err_wrap(e, "--spill '%s'", c->a->spill);
	c->spilled += c->spilling;
	c->spilling = 0;
	return 0;
}

/* The failures are kept, and what stands between them has gone on. */
static int
settle(void *arg, struct err *e)
{
	struct capture *c = arg;

	if (c->held_n)
		capture_fetch(c);
	for (int i = 0; i < c->held_n; i++)
		if (capture_send(c, &c->held[i], e))
			return err_wrap(e, "line %" PRId64, c->held[i].number);
	c->held_n = 0;
	c->held_bytes = 0;
	arena_reset(&c->held_memory);
	if (producer_pending(c->producer) && producer_flush(c->producer, -1, e))
		return -1;
	if (c->failure.code) {
		*e = c->failure;
		return err_wrap(e, "a dead letter could not be written to '%s', "
			"and nothing behind it is passed on (--spill FILE keeps it)",
			c->dlq);
	}
	if (sync_spill(c, e) || out_flush(&c->a->out, e))
		return -1;
	c->passed += c->passing;
	c->passing = 0;
	c->first = 0;
	return 0;
}

static int
tell_acks(struct capture *c, bool last, struct err *e)
{
	while (c->settled < c->in.line)
		sink_acks_done(c->acks, ++c->settled);
	return sink_acks_flush(c->acks, last, e);
}

/* The input pauses: 1 = there is nothing left to do, 0 = ask again soon. */
static int
idle(struct capture *c, struct err *e)
{
	if (settle(c, e) || (c->acks && tell_acks(c, true, e)))
		return -1;
	return c->sink ? sink_idle(c->sink, e) : 1;
}

static int
finish(struct capture *c, struct err *e)
{
	if (settle(c, e) || (c->acks && tell_acks(c, true, e)))
		return -1;
	if (!c->sink)
		return 0;
	return sig_caught() ? (sink_idle(c->sink, e) < 0 ? -1 : 0) :
		sink_finish(c->sink, e);
}

/* ---- one line -------------------------------------------------------------------- */

static void
pass_on(struct capture *c, struct slice line)
{
	buf_addslice(&c->a->out.buf, line);
	buf_addc(&c->a->out.buf, '\n');
}

static void
hold(struct capture *c, struct slice line, const struct record *r /* NULL = nonsense */)
{
	struct arena *a = &c->held_memory;
	struct src src = { SLICE_NULL, -1, -1 };

	if (r)
		src = capture_src(r);
	if (!slice_is_null(src.topic))
		src.topic = arena_copy(a, src.topic);
	if (c->held_n == c->held_cap) {
		c->held_cap = c->held_cap ? 2 * c->held_cap : 64;
		c->held = xreallocarray(c->held, (size_t)c->held_cap,
			sizeof(*c->held));
	}
	c->held[c->held_n++] = (struct capture_line){ c->in.line,
		arena_copy(a, line), src, NULL };
	c->held_bytes += (int64_t)line.len;
}

/* Where the pipeline ends, it ends there; else it is for the end. */
static int
take_barrier(struct capture *c, struct slice line, const struct record *r,
	struct err *e)
{
	if (c->sink)
		return sink_barrier(c->sink, r->kc, e);
	if (c->acks)
		return settle(c, e) || tell_acks(c, false, e) ? -1 :
			sink_acks_barrier(c->acks, r->kc, e);
	pass_on(c, line);
	return 0;
}

/* Its src, for who is told of it: 0 = an older run has done it already. */
static int
take_src(struct capture *c, const struct record *r, struct err *e)
{
	int take = c->sink ? sink_take(c->sink, r->src, r->kc, e) : c->acks &&
		sink_acks_take(c->acks, c->in.line, r->src, e) ? -1 : 1;

	return take < 0 && e->code == ERR_FORMAT ? err_wrap(e, "line %" PRId64,
		c->in.line) : take;
}

static int
judge(struct capture *c, bool failed, struct err *e)
{
	breaker_add(&c->breaker, failed);
	return !breaker_tripped(&c->breaker) ? 0 : err_set(e, ERR_PARTIAL,
		"line %" PRId64 ": more than %d%% of the last %d lines failed: "
		"stopped, and nothing from line %" PRId64 " on is captured or "
		"passed on (--breaker)", c->in.line, c->breaker.percent,
		c->breaker.size, c->first);
}

static int
take_line(struct capture *c, struct slice line, struct err *e)
{
	struct err why = ERR_INIT;
	struct record r;
	enum capture_kind kind = capture_read(c, line, &r, &why);
	int take = 1;

	if (!c->first)
		c->first = c->in.line;
	if (kind == CAPTURE_BARRIER)
		return take_barrier(c, line, &r, e);
	/* what is no record names none: it is captured, and the next line tells */
	if (kind != CAPTURE_NONSENSE)
		take = take_src(c, &r, e);
	if (take <= 0)
		return take;
	if (judge(c, kind != CAPTURE_RECORD, e))
		return -1;
	if (kind != CAPTURE_RECORD) {
		hold(c, line, kind == CAPTURE_FAILED ? &r : NULL);
	} else {
		pass_on(c, line);
		c->passing++;
	}
	if (c->a->out.buf.len <= c->a->out.limit && c->held_n < HELD_LINES &&
	    c->held_bytes < HELD_BYTES)
		return 0;
	return settle(c, e) || (c->acks && tell_acks(c, false, e)) ? -1 : 0;
}

static int
loop(struct capture *c, struct err *e)
{
	for (;;) {
		int quiet = in_has_line(&c->in) ? 1 : idle(c, e);
		struct slice line;

		if (quiet < 0)
			return -1;
		switch (in_next(&c->in, quiet ? -1 : QUIET_MS, &line, e)) {
		case IN_LINE:
			if (take_line(c, line, e))
				return -1;
			break;
		case IN_TOO_LONG:
			return err_set(e, ERR_FORMAT, "line %" PRId64 " is too "
				"long", c->in.line);
		case IN_EOF:
		case IN_SIGNAL:
			return finish(c, e);
		case IN_IDLE:
			break;
		case IN_ERROR:
			return -1;
		}
	}
}

/* ---- all of them ------------------------------------------------------------------- */

static int
read_options(struct capture *c, struct err *e)
{
	const struct args *a = c->a;

	c->scheme = DEADLETTER_KC;
	if (a->schemes.n && deadletter_scheme_parse(a->schemes.items[0],
	    &c->scheme, e))
		return -1;
	if (a->breaker && breaker_parse(&c->breaker, slice_str(a->breaker), e))
		return err_wrap(e, "--breaker");
	if (a->ack && a->commit_group)
		return err_set(e, ERR_USAGE, "--ack and --commit-group exclude "
			"each other");
	if (term_is_tty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "stdin is a terminal: capture stands "
			"behind a handler (... | kc-dlq capture %s)", c->dlq);
	return 0;
}

/* What an older run has left there stays. */
static int
open_spill(struct capture *c, struct err *e)
{
	const char *path = c->a->spill;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, ERR_IO, "--spill: cannot open '%s'", path);
	out_init(&c->spill, fd);
	return 0;
}

static int
open_capture(struct capture *c, struct err *e)
{
	const struct args *a = c->a;
	const struct producer_options o = { .timeout_ms = a->timeout_ms,
		.arg = c, .on_failure = capture_failed };
	const struct sink_options sink = { .conf = a->settings,
		.group = a->commit_group, .timeout_ms = a->timeout_ms,
		.keep = settle, .user = c };

	c->reader.flags = ENVELOPE_IGNORE_UNKNOWN | ENVELOPE_NO_VALUE;
	return read_options(c, e) || in_open(&c->in, "-", e) ||
		producer_open(&c->producer, a->settings, &o, e) ||
		producer_topic(c->producer, slice_str(c->dlq), e) ||
		open_spill(c, e) ||
		(a->ack && sink_acks_open(&c->acks, a->ack, a->timeout_ms, e)) ||
		(a->commit_group && sink_open(&c->sink, c->producer, &sink, e)) ?
		-1 : 0;
}

static int
tell(const struct capture *c, int result, struct err *e)
{
	struct err spilled;

	if (!sig_caught())
		diag_note("%" PRId64 " passed on, %" PRId64 " captured in '%s'",
			c->passed, producer_totals(c->producer).acked, c->dlq);
	if (c->sink && sink_passed(c->sink))
		diag_note("%" PRId64 " lines were committed before, and passed over",
			sink_passed(c->sink));
	if (!c->spilled)
		return result;
	err_set(&spilled, ERR_PARTIAL, "%" PRId64 " dead letters could not be "
		"written to '%s': they are in '%s' (kc-produce <%s sends them)",
		c->spilled, c->dlq, c->a->spill, c->a->spill);
	if (result)
		diag_warn("%s", spilled.msg);
	else
		*e = spilled;
	return -1;
}

static void
close_capture(struct capture *c)
{
	sink_close(c->sink);
	sink_acks_close(c->acks);
	producer_close(c->producer);
	client_close(c->client);
	admin_topics_release(&c->topics);
	if (c->spill.fd >= 0)
		out_close(&c->spill, &(struct err)ERR_INIT);
	in_close(&c->in);
	envelope_reader_release(&c->reader);
	answer_reader_release(&c->answers);
	breaker_release(&c->breaker);
	arena_release(&c->memory);
	arena_release(&c->held_memory);
	free(c->held);
}

int
run_capture(void *args, int argc, char **argv, struct err *e)
{
	struct capture c = { .a = args, .spill.fd = -1 };
	int result;

	if (want_dlq(argc, e))
		return -1;
	c.dlq = argv[0];
	result = open_capture(&c, e);
	if (!result) {
		result = loop(&c, e);
		/* nothing goes on behind a failure that is not kept: the batch
		 * comes again, and would be in the spill twice */
		if (result) {
			buf_clear(&c.a->out.buf);
			buf_clear(&c.spill.buf);
		}
		result = tell(&c, result, e);
	}
	close_capture(&c);
	return result;
}

/* ---- the options ---------------------------------------------------------------- */

static const char *const payloads[] = { "origin", "line", NULL };

const struct opt capture_options[] = {
	{ 0, "payload", OPT_CHOICE, AT(payload), "WHOSE", .choices = payloads,
		.help = "the record that the handler was given (origin), or its line" },
	{ 0, "breaker", OPT_STRING, AT(breaker), "P%/N",
		.help = "stop when more than P percent of the last N lines failed" },
	{ 0, "spill", OPT_STRING, AT(spill), "FILE",
		.help = "keep dead letters there that are too large or refused, and go on" },
	{ 0, "commit-group", OPT_STRING, AT(commit_group), "GROUP",
		.help = "commit the lines' src for this group, once they are done" },
	{ 0, "ack", OPT_STRING, AT(ack), "FIFO",
		.help = "tell kc-consume --ack what is done: a FIFO, or fd:N" },
	OPT_END
};
