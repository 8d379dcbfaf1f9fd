#include "kafka/redrive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/redriver.h"

/* ---- one record ---- */

struct ledger_entry
redrive_entry(const struct redriver *j, int32_t partition, int64_t offset,
	enum ledger_state state)
{
	return (struct ledger_entry){
		.partition = partition, .offset = offset, .state = state,
		.at = j->now_ms, .run = j->o->form.run, .by = j->o->by,
		.note = slice_str(ledger_note(&j->d->ledger, partition, offset)),
	};
}

/* The entry of the record that came back as x. */
void
redrive_mark_returned(struct redriver *j, const struct dlq_record *x,
	const struct dlq_return *back)
{
	enum ledger_state was = ledger_state(&j->d->ledger, back->partition,
		back->offset);
	const struct ledger_run *run = dlq_run_by_hash(j->d, back->run);
	const struct deadletter_origin *from = &x->d->origin;
	struct ledger_entry y;

	if (was != LEDGER_REDRIVEN && was != LEDGER_EDITED)
		return;
	y = redrive_entry(j, back->partition, back->offset, LEDGER_RETURNED);
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
park(struct redriver *j, const struct dlq_record *x, int64_t redrives)
{
	struct ledger_entry y = redrive_entry(j, x->r->partition, x->r->offset,
		LEDGER_PARKED);
	struct err why = ERR_INIT;

	err_set(&why, ERR_PARTIAL, "parked: it was redriven %" PRId64 " times "
		"and came back (--max-redrives)", redrives);
	if (slice_is_null(y.note))
		y.note = slice_str(arena_printf(&j->memory, "redriven %" PRId64
			" times", redrives));
	y.fingerprint = ledger_fingerprint(x->d->key, x->d->value);
	y.redrives = redrives;
	dlq_batch_add(&j->batch, &y, NULL)->letter = y.fingerprint;
	j->o->told(j->o->arg, x->r->partition, x->r->offset, LEDGER_PARKED, &why);
}

void
redrive_fail(struct redriver *j, int32_t partition, int64_t offset, const struct err *why)
{
	j->o->told(j->o->arg, partition, offset, LEDGER_OPEN, why);
}

/*
 * The copy holds what was made of the dead letter: its key, its value, and
 * its headers without those that tell of a death, which are still among them.
 */
static void
take_edit(struct redriver *j, const struct dlq_record *x,
	const struct record *edit, struct record *copy, bool *edited)
{
	struct record as_edited = *edit, stripped, dressed;

	as_edited.topic = x->r->topic;
	as_edited.partition = x->r->partition;
	as_edited.offset = x->r->offset;
	redrive_make(&as_edited, x->d, &j->o->form, 1, &j->memory, &stripped,
		&(struct err)ERR_INIT);
	stripped.key = edit->key;
	stripped.value = edit->value;
	*edited = redrive_dress(copy, &stripped, true, &j->memory, &dressed);
	*copy = dressed;
}

static void
take(struct redriver *j, const struct dlq_record *x, int64_t redrives,
	const struct record *edit)
{
	bool edited = false;
	struct redrive_form form;
	struct ledger_entry y;
	struct dlq_change *c;
	struct record copy;
	struct err why = ERR_INIT;

	j->run->selected++;
	if (redrives >= j->o->max_redrives) {
		park(j, x, redrives);
		return;
	}
	if (redrive_form_of(j, x->d, &form, &why) ||
	    redrive_make(x->r, x->d, &form, redrives + 1, &j->memory, &copy,
	    &why) || redrive_check_target(j, &copy, &why)) {
		j->run->failed++;
		redrive_fail(j, x->r->partition, x->r->offset, &why);
		return;
	}
	if (edit)
		take_edit(j, x, edit, &copy, &edited);
	y = redrive_entry(j, x->r->partition, x->r->offset, edited ?
		LEDGER_EDITED : LEDGER_REDRIVEN);
	y.fingerprint = ledger_fingerprint(copy.key, copy.value);
	y.redrives = redrives + 1;
	c = dlq_batch_add(&j->batch, &y, &copy);
	c->letter = ledger_fingerprint(x->d->key, x->d->value);
	c->origin_topic = slice_is_null(x->d->origin.topic) ? SLICE_NULL :
		arena_copy(&j->batch.memory, x->d->origin.topic);
	c->fetch = !edit && (x->d->payload_lost || j->o->payload_origin);
	c->origin_partition = x->d->origin.partition;
	c->origin_offset = x->d->origin.offset;
	j->taken++;
}

/* ---- all of them ---- */

static bool
is_full(const struct redriver *j)
{
	int64_t most = pace_batch(&j->pace, BATCH_RECORDS);

	return j->batch.copies >= most || j->batch.n >= BATCH_CHANGES ||
		j->batch.bytes >= BATCH_BYTES;
}

static int
too_much(const struct redriver *j, struct err *e)
{
	return err_set(e, ERR_NO, "%" PRId64 " of %" PRId64 " sent came back: "
		"stopped (kc-dlq list %s --state returned shows them; when the "
		"cause is mended: --resume %.*s)", j->run->returned,
		j->run->sent, j->d->o.topic, SLICE_ARG(j->run->id));
}

int
redrive_take(struct redriver *j, const struct dlq_record *x, int64_t redrives,
	const struct record *edit, struct err *e)
{
	take(j, x, redrives, edit);
	if (j->o->canary && !j->canary_over && j->taken >= j->o->canary) {
		j->canary_over = true;
		if (redrive_commit(j, e) || (!j->o->dry_run && redrive_watch(j, e)))
			return -1;
		if (redrive_is_too_much(j))
			return too_much(j, e);
		j->d->keep_sent = false;
	}
	return is_full(j) ? redrive_commit(j, e) : 0;
}

int
redrive_is_chosen(struct redriver *j, const struct dlq_record *x,
	struct record *edit, int64_t *redrives, struct err *e)
{
	struct dlq_return back;
	int is;

	arena_reset(&j->memory);
	is = dlq_is_return(j->d, x, &back, e);
	if (is < 0)
		return -1;
	if (is)
		redrive_mark_returned(j, x, &back);
	*redrives = back.redrives;
	return dlq_select_matches(j->o->select, x) && (!j->o->edits ||
		redrive_edits_take(j->o->edits, x->r->partition, x->r->offset,
		edit));
}

bool
redrive_is_over(const struct redriver *j)
{
	return j->o->limit >= 0 && j->taken >= j->o->limit;
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct redriver *j = arg;
	struct record edit;
	int64_t redrives;
	int chosen = redrive_is_chosen(j, x, &edit, &redrives, e);

	if (chosen <= 0)
		return chosen ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
	if (redrive_is_over(j))
		return DLQ_SCAN_STOP;
	return redrive_take(j, x, redrives, j->o->edits ? &edit : NULL, e) ?
		DLQ_SCAN_FAIL : DLQ_SCAN_ON;
}

int
redrive_scan(struct redriver *j, enum dlq_scan_status (*record)(void *arg,
	const struct dlq_record *x, struct err *e), struct err *e)
{
	const struct dlq_scan s = {
		.select = j->o->select, .ends = j->o->ends,
		.from_start = j->o->select->states & ~(1u << LEDGER_OPEN),
		.record = record, .arg = j,
	};

	return dlq_scan(j->d, &s, e);
}

/* What its line holds is the dead letter, which the topic has no more. */
static int
send_line(struct redriver *j, const struct redrive_edit *line, struct err *e)
{
	struct deadletter letter;
	struct dlq_record x = { .d = &letter };
	struct dlq_return back;
	struct record r;

	arena_reset(&j->letter);
	arena_reset(&j->memory);
	redrive_edits_take(j->o->edits, line->partition, line->offset, &r);
	r.topic = slice_str(j->d->o.topic);
	r.partition = line->partition;
	r.offset = line->offset;
	x.r = &r;
	deadletter_read(&r, &letter, &j->letter);
	return dlq_is_return(j->d, &x, &back, e) < 0 ? -1 :
		redrive_take(j, &x, back.redrives, &r, e);
}

static int
send_gone(struct redriver *j, struct err *e)
{
	const struct admin_topic *t = j->d->meta;
	const struct redrive_edit *x;

	for (int i = 0; !redrive_is_over(j) &&
	     (x = redrive_edits_unused(j->o->edits, &i)); )
		if (x->state == LEDGER_OPEN && x->partition < t->partitions_n &&
		    x->offset < t->partitions[x->partition].start &&
		    send_line(j, x, e))
			return -1;
	return 0;
}

static int
send_all(struct redriver *j, struct err *e)
{
	if (j->o->planned && redrive_check_plan(j, e))
		return -1;
	/* so that whom we fence, and who looks, knows of us */
	if (!j->o->dry_run && redrive_commit(j, e))
		return -1;
	if (!j->o->planned && !j->o->by_arrival &&
	    (!j->o->dry_run || j->o->plan) && redrive_look(j, e))
		return -1;
	if ((j->o->planned ? redrive_do_plan(j, e) : j->order.disordered ?
	     redrive_ordered(j, e) : redrive_scan(j, on_record, e)) ||
	    (j->o->gone && send_gone(j, e)) || redrive_commit(j, e))
		return -1;
	dlq_tell_held(j->d);
	if (j->o->watch_ms && !j->o->dry_run && j->run->sent &&
	    !j->canary_over) {
		if (redrive_watch(j, e))
			return -1;
		if (redrive_is_too_much(j))
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

static int
open_holds(struct redriver *j, struct err *e)
{
	j->holds = xcalloc((size_t)j->o->holds_n + 1, sizeof(*j->holds));
	for (int i = 0; i < j->o->holds_n; i++)
		if (redrive_hold_open(&j->holds[i], j->d->target.conf, &j->o->holds[i],
		    j->d->o.timeout_ms, e))
			return -1;
	return 0;
}

static void
close_holds(struct redriver *j)
{
	for (int i = 0; i < j->o->holds_n; i++)
		redrive_hold_close(j->holds[i]);
	free(j->holds);
}

int
redrive(struct dlq *d, const struct redrive_options *o, struct ledger_run *run,
	struct err *e)
{
	struct redriver j = { .d = d, .o = o, .run = run,
		.now_ms = clock_wall_ms(clock_system()) };
	int result;

	if (open_holds(&j, e)) {
		close_holds(&j);
		return -1;
	}
	/* who does not watch will not see them come back */
	d->keep_sent = o->watch_ms > 0;
	pace_init(&j.pace, o->rate, o->bytes_rate, o->ramp_ms);
	set_state(run, "running");
	dlq_add_run(d, run);
	result = send_all(&j, e);
	if (!o->dry_run && e->code != ERR_REFUSED && e->code != ERR_TEMPORARY) {
		struct err why = ERR_INIT;
		const struct dlq_commit c = { .run = run };

		dlq_batch_clear(&j.batch);
		set_state(run, !result ? "done" : !e->code || e->code == ERR_NO ?
			"stopped" : "failed");
		if (dlq_commit(d, &j.batch, &c, &why) && !e->code) {
			*e = why;
			result = -1;
		}
	}
	dlq_batch_release(&j.batch);
	redrive_order_release(&j.order);
	redrive_newer_free(j.newer);
	close_holds(&j);
	free((void *)(uintptr_t)j.retry_of.data);
	free((void *)(uintptr_t)j.asked.data);
	arena_release(&j.memory);
	arena_release(&j.letter);
	return result;
}
