/*
 * pipeline_commit.c - verdicts become records and commits: all that is next
 * at once, in one transaction where there is one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/group_offsets.h"
#include "kafka/pipeline_part.h"
#include "kafka/transaction.h"

enum { ABORTS_MAX = 10, POSITIONS_MAX = 100000 };

static void
keep(struct pipeline *p, struct task *t)
{
	if (p->batch_n == p->batch_cap) {
		p->batch_cap = p->batch_cap ? 2 * p->batch_cap : 64;
		p->batch = xreallocarray(p->batch, (size_t)p->batch_cap,
			sizeof(struct task *));
	}
	p->batch[p->batch_n++] = t;
}

/* What is next joins the batch; the breaker looks before anything is sent. */
static int
take_verdicts(struct pipeline *p, struct err *e)
{
	struct task *t;

	while ((t = dispatch_pop(&p->dispatch))) {
		keep(p, t);
		breaker_add(p->o.breaker, t->kind == ANSWER_FAILED);
	}
	if (!breaker_tripped(p->o.breaker))
		return 0;
	return err_set(e, ERR_PARTIAL, "%d of the last %d records failed: stopped, "
		"and the last %d are not committed (--breaker)",
		p->o.breaker->failed, p->o.breaker->size, p->batch_n);
}

static int
wrap_task(const struct task *t, struct err *e)
{
	return err_wrap(e, "'%.*s' [%" PRId32 "] offset %" PRId64,
		SLICE_ARG(t->r->topic), t->r->partition, t->r->offset);
}

/* ---- what came of a record -------------------------------------------------------- */

static int
send_record(struct pipeline *p, const struct answer *a, struct slice line,
	struct err *e)
{
	struct record r = a->r;

	if (!p->o.to) {
		buf_addslice(&p->o.out->buf, line);
		buf_addc(&p->o.out->buf, '\n');
		return out_maybe_flush(p->o.out, e);
	}
	r.topic = slice_str(p->o.to);
	r.partition = -1;
	return producer_send(p->producer, &r, 0, e);
}

static int
send_dead(struct pipeline *p, const struct task *t, const struct answer *a,
	struct err *e)
{
	struct deadletter d = { .attempts = t->failures, .failed_at = t->failed_ms,
		.first_failed_at = t->first_failed_ms };
	struct record r;

	if (!p->o.dlq)
		return err_set(e, ERR_FAILED, "the handler failed: %.*s (--dlq TOPIC "
			"puts such records aside)", SLICE_ARG(slice_is_null(
			a->error.message) ? slice_str("no message") : a->error.message));
	d.origin = (struct deadletter_origin){ .topic = t->r->topic,
		.partition = t->r->partition, .offset = t->r->offset,
		.has_timestamp = t->r->has_timestamp, .timestamp = t->r->timestamp,
		.timestamp_type = t->r->timestamp_type,
		.group = slice_str(p->group) };
	d.error = (struct deadletter_error){ .class = a->error.class,
		.message = a->error.message, .stack = a->error.stack,
		.cause = a->error.cause, .stage = a->error.stage,
		.kind = a->error.kind };
	if (deadletter_write(p->o.scheme, t->r, &d,
	    producer_record_max(p->producer, slice_str(p->o.dlq)), &p->arena, &r, e))
		return -1;
	r.topic = slice_str(p->o.dlq);
	r.partition = -1;
	return producer_send(p->producer, &r, 0, e);
}

/* One line of a verdict, or several. */
static int
send_task(struct pipeline *p, const struct task *t, struct err *e)
{
	struct slice rest = buf_slice(&t->answer);
	int result = 0;

	if (t->kind == ANSWER_DONE)
		return 0;
	while (rest.len && !result) {
		const char *at = rest.data, *lf = memchr(at, '\n', rest.len);
		size_t n = lf ? (size_t)(lf - at) : rest.len;
		struct slice line = slice_make(at, n);
		struct answer a;

		/* It was read before: it can be read. */
		if (answer_read(&p->outcome, line, &a, e))
			return -1;
		result = t->kind == ANSWER_RECORD ? send_record(p, &a, line, e) :
			send_dead(p, t, &a, e);
		n += lf ? 1 : 0;
		rest = slice_make(at + n, rest.len - n);
	}
	return result ? wrap_task(t, e) : 0;
}

static int
send_batch(struct pipeline *p, struct err *e)
{
	int result = 0;

	for (int i = 0; i < p->batch_n && !result; i++)
		result = send_task(p, p->batch[i], e);
	arena_reset(&p->arena);
	return result;
}

/* ---- how far the group is ------------------------------------------------------------ */

/*
 * Behind the last verdict of each partition; where nothing is under way, the
 * reading position, which is behind control records too. Without `again` only
 * those that have moved.
 */
static void
collect_offsets(struct pipeline *p, bool again, struct group_offsets *out)
{
	int n = consume_positions(p->in, NULL, 0);
	struct consume_position *at = xcalloc((size_t)n, sizeof(*at));

	consume_positions(p->in, at, n);
	for (int i = 0; i < n; i++) {
		struct slice topic = slice_str(at[i].topic);
		const struct inflight_part *part = inflight_part(&p->dispatch.window,
			topic, at[i].partition);
		int64_t next = part && part->n ? part->next : at[i].next;

		if (next >= 0 && (again || next != consume_committed(p->in,
		    at[i].topic, at[i].partition)))
			group_offsets_add(out, topic, at[i].partition, next, NULL);
	}
	free(at);
}

static void
mark_committed(struct pipeline *p, const struct group_offsets *offsets)
{
	for (int i = 0; i < offsets->n; i++)
		consume_mark_committed(p->in, offsets->items[i].topic,
			offsets->items[i].partition, offsets->items[i].offset);
	for (int i = 0; i < p->batch_n; i++)
		p->totals.dead += p->batch[i]->kind == ANSWER_FAILED;
	p->totals.committed += p->batch_n;
	pipeline_drop_batch(p);
}

void
pipeline_drop_batch(struct pipeline *p)
{
	for (int i = 0; i < p->batch_n; i++)
		task_free(&p->dispatch, p->batch[i]);
	p->batch_n = 0;
	p->aborts = 0;
}

void
pipeline_drop(struct pipeline *p, const char *topic, int32_t partition)
{
	int kept = 0;

	for (int i = 0; i < p->batch_n; i++) {
		struct task *t = p->batch[i];

		if (t->r->partition == partition && slice_eq_str(t->r->topic, topic))
			task_free(&p->dispatch, t);
		else
			p->batch[kept++] = t;
	}
	p->batch_n = kept;
	dispatch_forget(&p->dispatch, slice_str(topic), partition);
}

bool
pipeline_has_verdicts(const struct pipeline *p)
{
	return p->batch_n || !list_is_empty(&p->dispatch.window.ready);
}

static int
commit_plain(struct pipeline *p, const struct group_offsets *offsets, struct err *e)
{
	if (send_batch(p, e) || (p->producer && producer_flush(p->producer, -1, e)) ||
	    out_flush(p->o.out, e))
		return -1;
	if (p->failure.code) {
		*e = p->failure;
		return -1;
	}
	if (!consume_commit_at(p->in, offsets, e))
		return 0;
	/* The group moved on: these records come again, to us or to others. */
	if (e->code != ERR_TEMPORARY)
		return -1;
	diag_warn("%s", e->msg);
	*e = (struct err)ERR_INIT;
	return 0;
}

/* 1 = aborted, to be made again; the group may have moved on meanwhile. */
static int
commit_txn(struct pipeline *p, const struct group_offsets *offsets, struct err *e)
{
	const struct txn_source source = { p->group, p->in };
	struct err ignored = ERR_INIT;

	p->failure = (struct err)ERR_INIT;
	if (txn_begin(p->producer, e))
		return -1;
	if (send_batch(p, e)) {
		txn_abort(p->producer, &ignored);
		return -1;
	}
	if (!txn_commit(p->producer, &source, offsets, e)) {
		p->aborts = 0;
		return 0;
	}
	/* Of a record that cannot be sent, it knows more. */
	if (e->code == ERR_FAILED && p->failure.code)
		*e = p->failure;
	if (e->code != ERR_TEMPORARY || ++p->aborts >= ABORTS_MAX)
		return -1;
	diag_warn("%s; made again", e->msg);
	*e = (struct err)ERR_INIT;
	return 1;
}

static int
commit(struct pipeline *p, bool again, struct err *e)
{
	struct group_offsets offsets = { 0 };
	int result;

	p->commit_ms = pipeline_mono();
	if (take_verdicts(p, e))
		return -1;
	collect_offsets(p, again, &offsets);
	if (!offsets.n && !p->batch_n)
		return 0;
	result = p->o.transactional_id ? commit_txn(p, &offsets, e) :
		commit_plain(p, &offsets, e);
	if (!result)
		mark_committed(p, &offsets);
	group_offsets_release(&offsets);
	return result < 0 ? -1 : 0;
}

int
pipeline_commit(struct pipeline *p, struct err *e)
{
	return commit(p, false, e);
}

int
pipeline_commit_again(struct pipeline *p, struct err *e)
{
	return p->o.transactional_id ? commit(p, true, e) : 0;
}
