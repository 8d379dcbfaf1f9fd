/*
 * capture.c - a filter behind a handler: lines with an error become dead
 * letters, the others go on as they are, in order. Nothing goes on before the
 * failures in front of it are acknowledged by the broker.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/in.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "kafka/record_at.h"
#include "model/answer.h"
#include "model/breaker.h"
#include "verbs.h"

struct capture {
	struct args *a;
	const char *dlq;
	enum deadletter_scheme scheme;
	struct producer *producer;
	struct envelope_reader reader;
	struct answer_reader answers;
	struct arena memory;      /* of one line */
	struct breaker breaker;
	struct in in;
	int64_t passed, captured;
	struct err failure;       /* of a dead letter */
};

static void
on_failure(void *arg, const struct record *r, producer_tag tag,
	const struct err *why)
{
	struct capture *c = arg;

	(void)r, (void)tag;
	if (!c->failure.code)
		c->failure = *why;
}

/* ---- one failure ---------------------------------------------------------------- */

static int
take_source(struct record_place *place, const struct record *r, struct err *e)
{
	struct record *out = place->user;
	struct arena *memory = (struct arena *)(uintptr_t)out->kc.data;
	struct record_header *h = arena_array(memory, r->headers_n, sizeof(*h));

	(void)e;
	if (r->offset != place->offset)
		return 0;
	*out = *r;
	out->topic = arena_copy(memory, r->topic);
	if (!slice_is_null(r->key))
		out->key = arena_copy(memory, r->key);
	if (!slice_is_null(r->value))
		out->value = arena_copy(memory, r->value);
	for (size_t i = 0; i < r->headers_n; i++) {
		h[i].key = arena_copy(memory, r->headers[i].key);
		h[i].value = slice_is_null(r->headers[i].value) ? SLICE_NULL :
			arena_copy(memory, r->headers[i].value);
	}
	out->headers = h;
	return 0;
}

/* The record that the handler was given: false when it is no longer there. */
static bool
fetch(struct capture *c, const struct src *src, struct record *out)
{
	char *topic = arena_printf(&c->memory, "%.*s", SLICE_ARG(src->topic));
	struct record_place place = { topic, src->partition, src->offset, 0, out };
	struct err why = ERR_INIT;

	*out = (struct record){ .offset = -1, .kc = { &c->memory, 0 } };
	if (!record_at(c->a->settings, &place, 1, 1, c->a->timeout_ms,
	    take_source, &why) && out->offset == src->offset)
		return true;
	diag_warn("line %" PRId64 ": '%.*s' %" PRId32 ":%" PRId64 " is not to be "
		"had%s%s; its line is kept instead", c->in.line,
		SLICE_ARG(src->topic), src->partition, src->offset,
		why.code ? ": " : "", why.code ? why.msg : "");
	return false;
}

static int
send_dead(struct capture *c, const struct record *source, const struct src *src,
	const struct answer_error *error, struct err *e)
{
	struct deadletter d = { .attempts = -1,
		.failed_at = clock_wall_ms(clock_system()),
		.first_failed_at = -1 };
	struct record r;

	d.origin = (struct deadletter_origin){ .topic = src->topic,
		.partition = src->partition, .offset = src->offset,
		.has_timestamp = source->has_timestamp,
		.timestamp = source->timestamp,
		.timestamp_type = source->timestamp_type };
	d.error = (struct deadletter_error){ .class = error->class,
		.message = error->message, .stack = error->stack,
		.cause = error->cause, .stage = error->stage,
		.kind = error->kind };
	if (deadletter_write(c->scheme, source, &d, producer_record_max(
	    c->producer, slice_str(c->dlq)), &c->memory, &r, e))
		return -1;
	r.topic = slice_str(c->dlq);
	r.partition = -1;
	c->captured++;
	return producer_send(c->producer, &r, (producer_tag)c->in.line, e);
}

/* The member error as answer.h reads it; it stands there verbatim. */
static int
read_error(struct capture *c, const struct record *r, struct answer *out,
	struct err *e)
{
	char *line = arena_printf(&c->memory, "{\"src\":\"x/0/0\",\"error\":%.*s}",
		SLICE_ARG(r->error));

	return answer_read(&c->answers, slice_str(line), out, e);
}

/* Where it came from: its src, or else its own place. */
static struct src
source_of(const struct record *r)
{
	struct src src = { r->topic, r->partition, r->offset };
	struct err ignored = ERR_INIT;

	if (!slice_is_null(r->src))
		src_parse(r->src, &src, &ignored);
	return src;
}

static int
capture_record(struct capture *c, const struct record *r, struct err *e)
{
	struct record source;
	struct answer a;
	struct src src = source_of(r);

	if (read_error(c, r, &a, e))
		return -1;
	if (slice_eq_str(src.topic, c->dlq))
		return err_set(e, ERR_FAILED, "it is a record of '%s' itself",
			c->dlq);
	if (!(c->a->payload && !strcmp(c->a->payload, "line")) &&
	    !slice_is_null(src.topic) && src.partition >= 0 && src.offset >= 0 &&
	    fetch(c, &src, &source))
		r = &source;
	return send_dead(c, r, &src, &a.error, e);
}

/* A line with an error and no value, or one that is no record at all. */
static int
capture_other(struct capture *c, struct slice line, const struct err *why,
	struct err *e)
{
	struct record source = { .partition = -1, .offset = -1, .value = line };
	struct src nowhere = { SLICE_NULL, -1, -1 };
	struct answer_error error = { .class = slice_str("kc.parse"),
		.message = slice_str(why->msg), .kind = slice_str("permanent") };
	struct answer a;

	if (answer_read(&c->answers, line, &a, &(struct err)ERR_INIT) ||
	    a.kind != ANSWER_FAILED)
		return send_dead(c, &source, &nowhere, &error, e);
	if (!fetch(c, &a.src, &source))
		source = (struct record){ .partition = -1, .offset = -1,
			.value = line };
	return send_dead(c, &source, &a.src, &a.error, e);
}

/* ---- all of them ------------------------------------------------------------------- */

/* What stands in front is acknowledged; only then it goes on. */
static int
pass_on(struct capture *c, struct err *e)
{
	if (producer_pending(c->producer) && producer_flush(c->producer, -1, e))
		return -1;
	if (c->failure.code) {
		*e = c->failure;
		return err_wrap(e, "a dead letter could not be written to '%s', "
			"and nothing behind it is passed on", c->dlq);
	}
	return out_flush(&c->a->out, e);
}

static int
take_line(struct capture *c, struct slice line, struct err *e)
{
	struct err why = ERR_INIT;
	struct record r;
	bool failed;
	int result = 0;

	arena_reset(&c->memory);
	failed = envelope_read(&c->reader, line, &r, &why) ||
		!slice_is_null(r.error);
	breaker_add(&c->breaker, failed);
	if (breaker_tripped(&c->breaker))
		return err_set(e, ERR_PARTIAL, "more than %d%% of the last %d lines "
			"failed: stopped (--breaker)", c->breaker.percent,
			c->breaker.size);
	if (!failed) {
		buf_addslice(&c->a->out.buf, line);
		buf_addc(&c->a->out.buf, '\n');
		c->passed++;
	} else if (why.code) {
		result = capture_other(c, line, &why, e);
	} else {
		result = capture_record(c, &r, e);
	}
	return result || (c->a->out.buf.len > c->a->out.limit && pass_on(c, e)) ?
		-1 : 0;
}

static int
loop(struct capture *c, struct err *e)
{
	for (;;) {
		struct slice line;

		if (!in_has_line(&c->in) && pass_on(c, e))
			return -1;
		switch (in_next(&c->in, -1, &line, e)) {
		case IN_LINE:
			if (take_line(c, line, e))
				return err_wrap(e, "line %" PRId64, c->in.line);
			break;
		case IN_TOO_LONG:
			return err_set(e, ERR_FORMAT, "line %" PRId64 " is too "
				"long", c->in.line);
		case IN_EOF:
		case IN_SIGNAL:
			return pass_on(c, e);
		case IN_IDLE:
			break;
		case IN_ERROR:
			return -1;
		}
	}
}

static int
open_capture(struct capture *c, struct err *e)
{
	const struct args *a = c->a;
	const struct producer_options o = { .timeout_ms = a->timeout_ms,
		.arg = c, .on_failure = on_failure };

	c->scheme = DEADLETTER_KC;
	if (a->schemes.n && deadletter_scheme_parse(a->schemes.items[0],
	    &c->scheme, e))
		return -1;
	if (a->breaker && breaker_parse(&c->breaker, slice_str(a->breaker), e))
		return err_wrap(e, "--breaker");
	if (term_is_tty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "stdin is a terminal: capture stands "
			"behind a handler (... | kc-dlq capture %s)", c->dlq);
	c->reader.flags = ENVELOPE_IGNORE_UNKNOWN;
	return in_open(&c->in, "-", e) ||
		producer_open(&c->producer, a->settings, &o, e) ||
		producer_topic(c->producer, slice_str(c->dlq), e) ? -1 : 0;
}

int
run_capture(void *args, int argc, char **argv, struct err *e)
{
	struct capture c = { .a = args };
	struct err later = ERR_INIT;
	int result;

	if (want_dlq(argc, e))
		return -1;
	c.dlq = argv[0];
	result = open_capture(&c, e) || loop(&c, e) ? -1 : 0;
	/* what failed before the end is kept, whatever the end was */
	if (result && c.producer && e->code == ERR_PARTIAL && pass_on(&c, &later))
		*e = later;
	if (c.producer && !sig_caught())
		diag_note("%" PRId64 " passed on, %" PRId64 " captured in '%s'",
			c.passed, c.captured, c.dlq);
	producer_close(c.producer);
	in_close(&c.in);
	envelope_reader_release(&c.reader);
	answer_reader_release(&c.answers);
	breaker_release(&c.breaker);
	arena_release(&c.memory);
	return result;
}
