#include "kafka/redrive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/consume.h"
#include "kafka/redrive_pace.h"

/* One transaction; a reader with read_committed waits for its end. */
enum { BATCH_RECORDS = 5000, BATCH_CHANGES = 20000, BATCH_BYTES = 16 << 20 };

struct job {
	struct dlq *d;
	const struct redrive_options *o;
	struct ledger_run *run;
	struct dlq_batch batch;
	struct arena memory;    /* of one record */
	struct pace pace;
	int64_t taken;          /* chosen to be sent, of `limit` */
	int64_t now_ms;         /* wall clock, asked once a batch */
	bool begun;             /* the ledger knows of the run */
	bool canary_over;
	bool stopped;           /* by a signal */
};

/* ---- one record ---- */

static struct ledger_entry
entry_of(const struct job *j, int32_t partition, int64_t offset,
	enum ledger_state state)
{
	return (struct ledger_entry){
		.partition = partition, .offset = offset, .state = state,
		.at = j->now_ms, .run = j->o->form.run, .by = j->o->by,
		.note = slice_str(ledger_note(&j->d->ledger, partition, offset)),
	};
}

/* The entry of the record that came back as x. */
static void
mark_returned(struct job *j, const struct dlq_record *x,
	const struct dlq_return *back)
{
	enum ledger_state was = ledger_state(&j->d->ledger, back->partition,
		back->offset);
	const struct ledger_run *run = dlq_run_by_hash(j->d, back->run);
	const struct deadletter_origin *from = &x->d->origin;
	struct ledger_entry y;

	if (was != LEDGER_REDRIVEN && was != LEDGER_EDITED)
		return;
	y = entry_of(j, back->partition, back->offset, LEDGER_RETURNED);
	y.fingerprint = ledger_fingerprint(x->d->key, x->d->value);
	y.redrives = back->redrives;
	if (run)
		y.run = run->id;
	if (!slice_is_null(from->topic) && from->partition >= 0 && from->offset >= 0)
		y.to = slice_str(arena_printf(&j->memory, "%.*s/%" PRId32 "/%"
			PRId64, SLICE_ARG(from->topic), from->partition,
			from->offset));
	dlq_batch_add(&j->batch, &y, NULL);
}

static void
park(struct job *j, const struct dlq_record *x, int64_t redrives)
{
	struct ledger_entry y = entry_of(j, x->r->partition, x->r->offset,
		LEDGER_PARKED);
	struct err why = ERR_INIT;

	err_set(&why, ERR_PARTIAL, "parked: it was redriven %" PRId64 " times "
		"and came back (--max-redrives)", redrives);
	if (slice_is_null(y.note))
		y.note = slice_str(arena_printf(&j->memory, "redriven %" PRId64
			" times", redrives));
	y.fingerprint = ledger_fingerprint(x->d->key, x->d->value);
	y.redrives = redrives;
	dlq_batch_add(&j->batch, &y, NULL);
	if (j->o->dry_run)
		j->run->parked++;
	j->o->told(j->o->arg, x->r->partition, x->r->offset, LEDGER_PARKED, &why);
}

static void
fail(struct job *j, int32_t partition, int64_t offset, const struct err *why)
{
	j->o->told(j->o->arg, partition, offset, LEDGER_OPEN, why);
}

/* A copy must not go where dead letters lie, and keeps its partition where there is one. */
static int
check_target(const struct job *j, struct record *copy, struct err *e)
{
	const char *name = arena_printf((struct arena *)(uintptr_t)&j->memory,
		"%.*s", SLICE_ARG(copy->topic));
	const struct admin_topic *t = admin_topics_find(&j->d->topics, name);

	if (!strcmp(name, j->d->o.topic) || dlq_is_name(copy->topic))
		return err_set(e, ERR_FAILED, "'%s' is a dead-letter topic itself "
			"(--to TOPIC)", name);
	if (!t)
		return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
			"(--to TOPIC, or kc-topics create)", name);
	if (copy->partition >= t->partitions_n)
		copy->partition = -1;
	return 0;
}

static void
take(struct job *j, const struct dlq_record *x, int64_t redrives)
{
	struct ledger_entry y;
	struct dlq_change *c;
	struct record copy;
	struct err why = ERR_INIT;

	j->run->selected++;
	if (redrives >= j->o->max_redrives) {
		park(j, x, redrives);
		return;
	}
	if (redrive_make(x->r, x->d, &j->o->form, redrives + 1, &j->memory,
	    &copy, &why) || check_target(j, &copy, &why)) {
		j->run->failed++;
		fail(j, x->r->partition, x->r->offset, &why);
		return;
	}
	y = entry_of(j, x->r->partition, x->r->offset, LEDGER_REDRIVEN);
	y.fingerprint = ledger_fingerprint(copy.key, copy.value);
	y.redrives = redrives + 1;
	c = dlq_batch_add(&j->batch, &y, &copy);
	c->origin_partition = x->d->origin.partition;
	c->origin_offset = x->d->origin.offset;
	j->taken++;
}

/* ---- one batch ---- */

/* One key's records go in the order in which they died first. */
static int
by_origin(const void *a, const void *b)
{
	const struct dlq_change *p = a, *q = b;
	size_t n = p->copy.topic.len < q->copy.topic.len ? p->copy.topic.len :
		q->copy.topic.len;
	int way = n ? memcmp(p->copy.topic.data, q->copy.topic.data, n) : 0;

	if (!way)
		way = (p->copy.topic.len > q->copy.topic.len) -
			(p->copy.topic.len < q->copy.topic.len);
	if (!way)
		way = (p->origin_partition > q->origin_partition) -
			(p->origin_partition < q->origin_partition);
	if (!way)
		way = (p->origin_offset > q->origin_offset) -
			(p->origin_offset < q->origin_offset);
	if (!way)
		way = (p->entry.partition > q->entry.partition) -
			(p->entry.partition < q->entry.partition);
	return way ? way : (p->entry.offset > q->entry.offset) -
		(p->entry.offset < q->entry.offset);
}

static void
on_failed(void *arg, const struct dlq_change *c, const struct err *why)
{
	fail(arg, c->entry.partition, c->entry.offset, why);
}

static int
commit(struct job *j, struct err *e)
{
	const struct dlq_commit o = { j->run, on_failed, j };
	int n = j->batch.copies;
	int64_t bytes = j->batch.bytes;

	if (j->o->dry_run) {
		j->run->sent += n;
		dlq_batch_clear(&j->batch);
		return 0;
	}
	if (j->batch.n)
		qsort(j->batch.items, (size_t)j->batch.n,
			sizeof(*j->batch.items), by_origin);
	if (!j->batch.n && j->begun)
		return 0;
	j->begun = true;
	if (pace_wait(&j->pace, n, bytes)) {
		j->stopped = true;
		dlq_batch_clear(&j->batch);
		return -1;
	}
	if (dlq_commit(j->d, &j->batch, &o, e))
		return -1;
	j->now_ms = clock_wall_ms(clock_system());
	if (j->o->progress)
		j->o->progress(j->o->arg, j->run);
	return 0;
}

/* ---- what comes back ---- */

static bool
is_too_much(const struct job *j)
{
	return j->run->returned > 0 && (double)j->run->returned * 100 >
		j->o->abort_if_returned * (double)j->run->sent;
}

/* Returns of this run count; they are marked with the next commit. */
static void
look(struct job *j, const struct record *r, int64_t *seen)
{
	struct deadletter letter;
	struct dlq_record x = { .r = r, .d = &letter };
	struct dlq_return back;

	arena_reset(&j->memory);
	deadletter_read(r, &letter, &j->memory);
	if (!dlq_is_return(j->d, &x, &back) ||
	    back.run != ledger_run_hash(j->o->form.run))
		return;
	++*seen;
	mark_returned(j, &x, &back);
}

/* Behind the end of the topic as it was when the run began. */
static struct consume_span *
new_arrivals(const struct job *j)
{
	int n = j->d->meta->partitions_n;
	struct consume_span *spans = xcalloc((size_t)n, sizeof(*spans));

	for (int i = 0; i < n; i++)
		spans[i] = (struct consume_span){ j->d->o.topic, i,
			ledger_run_end(j->run, i), -1 };
	return spans;
}

/* Until the time is over, all of ours are back, or too many are. */
static int
follow(struct job *j, struct consume *c, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t until = clock_mono_ms(clock) + j->o->watch_ms, left;
	int64_t seen = 0;
	struct record r;

	while (seen < j->run->sent &&
	       (left = until - clock_mono_ms(clock)) > 0) {
		switch (consume_next(c, left > 1000 ? 1000 : (int)left, &r, e)) {
		case CONSUME_RECORD:
			look(j, &r, &seen);
			break;
		case CONSUME_SIGNAL:
			j->stopped = true;
			return -1;
		case CONSUME_IDLE:
			break;
		default:
			return -1;
		}
	}
	return 0;
}

static int
watch(struct job *j, struct err *e)
{
	struct consume_options o = {
		.topics = &j->d->o.topic, .topics_n = 1,
		.spans_n = j->d->meta->partitions_n,
		.isolation = "read_committed",
		.timeout_ms = j->d->o.timeout_ms, .output_fd = -1,
	};
	struct consume_span *spans = new_arrivals(j);
	struct consume *c = NULL;
	int result;

	o.spans = spans;
	diag_note("%" PRId64 " sent; watching for returns for %" PRId64 " s",
		j->run->sent, j->o->watch_ms / 1000);
	result = consume_open(&c, j->d->conf, &o, e) || follow(j, c, e) ? -1 : 0;
	consume_close(c);
	free(spans);
	/* what came back stands in the ledger, whatever follows */
	if (!result && j->batch.n)
		result = commit(j, e);
	return result;
}

static int
too_much(const struct job *j, struct err *e)
{
	return err_set(e, ERR_NO, "%" PRId64 " of %" PRId64 " sent came back: "
		"stopped (kc-dlq list %s --state returned shows them; when the "
		"cause is mended: --resume %.*s)", j->run->returned,
		j->run->sent, j->d->o.topic, SLICE_ARG(j->run->id));
}

/* ---- all of them ---- */

static bool
is_full(const struct job *j)
{
	int64_t most = pace_batch(&j->pace, BATCH_RECORDS);

	return j->batch.copies >= most || j->batch.n >= BATCH_CHANGES ||
		j->batch.bytes >= BATCH_BYTES;
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct dlq_return back = { .redrives = x->d->redrives };

	arena_reset(&j->memory);
	if (dlq_is_return(j->d, x, &back))
		mark_returned(j, x, &back);
	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	if (j->o->limit >= 0 && j->taken >= j->o->limit)
		return DLQ_SCAN_STOP;
	take(j, x, back.redrives);
	if (j->o->canary && !j->canary_over && j->taken >= j->o->canary) {
		j->canary_over = true;
		if (commit(j, e) || (!j->o->dry_run && watch(j, e)))
			return DLQ_SCAN_FAIL;
		if (is_too_much(j)) {
			too_much(j, e);
			return DLQ_SCAN_FAIL;
		}
	}
	return is_full(j) && commit(j, e) ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
}

static int
send_all(struct job *j, struct err *e)
{
	const struct dlq_scan s = {
		.select = j->o->select, .ends = j->o->ends,
		.from_start = j->o->select->states & ~(1u << LEDGER_OPEN),
		.record = on_record, .arg = j,
	};

	/* so that whom we fence, and who looks, knows of us */
	if (!j->o->dry_run && commit(j, e))
		return -1;
	if (dlq_scan(j->d, &s, e) || commit(j, e))
		return -1;
	if (j->o->watch_ms && !j->o->dry_run && j->run->sent &&
	    !j->o->canary) {
		if (watch(j, e))
			return -1;
		if (is_too_much(j))
			return too_much(j, e);
	}
	return 0;
}

static void
set_state(struct ledger_run *run, const char *state)
{
	run->state = slice_str(state);
	run->until = strcmp(state, "running") ? clock_wall_ms(clock_system()) : 0;
}

int
redrive(struct dlq *d, const struct redrive_options *o, struct ledger_run *run,
	struct err *e)
{
	struct job j = { .d = d, .o = o, .run = run,
		.now_ms = clock_wall_ms(clock_system()) };
	int result;

	pace_init(&j.pace, o->rate, o->bytes_rate, o->ramp_ms);
	set_state(run, "running");
	dlq_add_run(d, run);
	result = send_all(&j, e);
	if (!o->dry_run && (!result || e->code == ERR_NO || !e->code)) {
		struct err why = ERR_INIT;
		const struct dlq_commit c = { run, on_failed, &j };

		dlq_batch_clear(&j.batch);
		set_state(run, !result ? "done" : "stopped");
		if (dlq_commit(d, &j.batch, &c, &why) && !e->code) {
			*e = why;
			result = -1;
		}
	}
	dlq_batch_release(&j.batch);
	arena_release(&j.memory);
	return result;
}
