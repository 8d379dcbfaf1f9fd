/* capture_letter.c - a line that failed becomes a dead letter. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "capture.h"
#include "cli/diag.h"
#include "kafka/client.h"
#include "kafka/dlq_origin.h"
#include "model/reject.h"

/* ---- one line ------------------------------------------------------------------- */

enum capture_kind
capture_read(struct capture *c, struct slice line, struct record *r,
	struct err *why)
{
	if (envelope_read(&c->reader, line, r, why))
		return CAPTURE_NONSENSE;
	if (!slice_is_null(r->error))
		return CAPTURE_FAILED;
	if (!c->reader.valueless)
		return CAPTURE_RECORD;
	if (!slice_is_null(r->kc) && slice_is_null(r->src))
		return CAPTURE_BARRIER;
	err_set(why, ERR_FORMAT, "no value, no json and no error");
	return CAPTURE_FAILED;
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

struct src
capture_src(const struct record *r)
{
	struct src src = { r->topic, r->partition, r->offset };
	struct err ignored = ERR_INIT;

	if (!slice_is_null(r->src))
		src_parse(r->src, &src, &ignored);
	return src;
}

/* ---- the records that the handler was given -------------------------------------- */

struct wanted {
	struct capture *c;
	struct capture_line *line;
};

static struct slice
keep(struct arena *a, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(a, s);
}

static void
take_source(struct dlq_source *s, const struct record *r)
{
	struct wanted *w = s->user;
	struct arena *a = &w->c->held_memory;
	struct record *out = arena_alloc(a, sizeof(*out));
	struct record_header *h = arena_array(a, r->headers_n, sizeof(*h));

	*out = *r;
	out->topic = keep(a, r->topic);
	out->key = keep(a, r->key);
	out->value = keep(a, r->value);
	for (size_t i = 0; i < r->headers_n; i++)
		h[i] = (struct record_header){ keep(a, r->headers[i].key),
			keep(a, r->headers[i].value) };
	out->headers = h;
	w->line->source = out;
}

static bool
knows(struct capture *c, const struct deadletter_origin *o)
{
	char *name = arena_printf(&c->held_memory, "%.*s", SLICE_ARG(o->topic));
	const struct admin_topic *t = admin_topics_find(&c->topics, name);

	return t && o->partition < t->partitions_n;
}

static int
look_for(struct capture *c, struct dlq_source *list, int n, struct err *e)
{
	const struct conf *conf = c->a->settings;
	int timeout_ms = c->a->timeout_ms;
	struct dlq_sources_at at = { conf, c->client, &c->topics, timeout_ms };

	if (!c->client && (client_open(&c->client, conf, CLIENT_OFFSETS, NULL, e) ||
	    client_wait(c->client, timeout_ms, e)))
		return -1;
	at.client = c->client;
	for (int i = 0; i < n; i++) {
		if (knows(c, &list[i].origin))
			continue;
		admin_topics_release(&c->topics);
		if (admin_topics(c->client, timeout_ms, &c->topics, e))
			return -1;
		break;
	}
	return dlq_sources_read(&at, list, n, take_source, e);
}

/* Without them, their lines are kept: that is told. */
static void
tell_missing(const struct dlq_source *list, int n, const struct err *why)
{
	for (int i = 0; i < n; i++) {
		const struct wanted *w = list[i].user;
		const struct src *src = &w->line->src;

		if (!w->line->source)
			diag_warn("line %" PRId64 ": '%.*s' %" PRId32 ":%" PRId64
				" is not to be had%s%s; its line is kept instead",
				w->line->number, SLICE_ARG(src->topic),
				src->partition, src->offset, why->code ? ": " : "",
				why->code ? why->msg : "");
	}
}

void
capture_fetch(struct capture *c)
{
	struct dlq_source *list = xcalloc((size_t)c->held_n + 1, sizeof(*list));
	struct wanted *wanted = xcalloc((size_t)c->held_n + 1, sizeof(*wanted));
	struct err why = ERR_INIT;
	int n = 0;

	for (int i = 0; i < c->held_n; i++) {
		const struct src *src = &c->held[i].src;

		if (slice_is_null(src->topic) || src->partition < 0 || src->offset < 0)
			continue;
		wanted[n] = (struct wanted){ c, &c->held[i] };
		list[n] = (struct dlq_source){ .user = &wanted[n], .origin = {
			.topic = src->topic, .partition = src->partition,
			.offset = src->offset } };
		n++;
	}
	if (n && !(c->a->payload && !strcmp(c->a->payload, "line"))) {
		look_for(c, list, n, &why);
		tell_missing(list, n, &why);
	}
	free(list);
	free(wanted);
}

/* ---- the dead letter ------------------------------------------------------------- */

static int
send_dead(struct capture *c, const struct record *source, const struct src *src,
	const struct answer_error *error, int64_t line, struct err *e)
{
	struct deadletter d = { .attempts = -1,
		.failed_at = clock_wall_ms(clock_system()),
		.first_failed_at = -1 };
	struct err why = ERR_INIT;
	struct record r;

	d.origin = (struct deadletter_origin){ .topic = src->topic,
		.partition = src->partition, .offset = src->offset,
		.has_timestamp = source->has_timestamp,
		.timestamp = source->timestamp,
		.timestamp_type = source->timestamp_type,
		.group = slice_str(c->a->commit_group) };
	d.error = (struct deadletter_error){ .class = error->class,
		.message = error->message, .stack = error->stack,
		.cause = error->cause, .stage = error->stage,
		.kind = error->kind };
	if (!deadletter_write(c->scheme, source, &d, producer_record_max(
	    c->producer, slice_str(c->dlq)), &c->memory, &r, &why)) {
		r.topic = slice_str(c->dlq);
		r.partition = -1;
		return producer_send(c->producer, &r, (producer_tag)line, e);
	}
	/* too large: whole, then, to where there is room */
	if (c->spill.fd < 0 || why.code != ERR_FULL ||
	    deadletter_write(c->scheme, source, &d, 0, &c->memory, &r, &why)) {
		*e = why;
		return -1;
	}
	r.topic = slice_str(c->dlq);
	capture_failed(c, &r, (producer_tag)line, &why);
	return 0;
}

/* It is no record, or what it says of its error cannot be read: kept as it is. */
static int
send_line(struct capture *c, const struct capture_line *l, const struct src *src,
	const struct err *why, struct err *e)
{
	const struct record source = { .partition = -1, .offset = -1,
		.value = l->text };
	const struct answer_error error = { .class = slice_str("kc.parse"),
		.message = slice_str(why->msg), .kind = slice_str("permanent") };

	return send_dead(c, &source, src, &error, l->number, e);
}

int
capture_send(struct capture *c, const struct capture_line *l, struct err *e)
{
	struct err why = ERR_INIT;
	struct answer a;
	struct record r;

	arena_reset(&c->memory);
	capture_read(c, l->text, &r, &why);
	if (why.code || read_error(c, &r, &a, &why))
		return send_line(c, l, &l->src, &why, e);
	if (slice_eq_str(l->src.topic, c->dlq))
		return err_set(e, ERR_FAILED, "it is a record of '%s' itself",
			c->dlq);
	if (c->reader.valueless)
		r = (struct record){ .partition = -1, .offset = -1,
			.value = l->text };
	return send_dead(c, l->source ? l->source : &r, &l->src, &a.error,
		l->number, e);
}

void
capture_failed(void *arg, const struct record *r, producer_tag tag,
	const struct err *why)
{
	struct capture *c = arg;

	if (c->spill.fd < 0) {
		if (!c->failure.code)
			c->failure = *why;
		return;
	}
	if (!c->spilled && !c->spilling) {
		c->spill_why = *why;
		err_wrap(&c->spill_why, "line %" PRId64 ": a dead letter could not "
			"be written to '%s', it goes to '%s'", (int64_t)tag, c->dlq,
			c->a->spill);
	}
	c->spilling++;
	reject_record(&c->spill.buf, r, c->in.name, (int64_t)tag, why->msg);
}
