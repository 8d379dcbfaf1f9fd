/*
 * redrive_ordered.c - dead letters that do not lie in the order of their
 * deaths: they are gone through, and fetched again in that order, a batch at
 * a time, as soon as nothing can come before them any more.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "kafka/record_pick.h"
#include "kafka/redriver.h"

/* ---- looking ---- */

static enum dlq_scan_status
on_look(void *arg, const struct dlq_record *x, struct err *e)
{
	struct redriver *j = arg;

	(void)e;
	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	if (j->o->limit >= 0 && j->placed++ >= j->o->limit)
		return DLQ_SCAN_STOP;
	redrive_order_look(&j->order, x->r->partition, x->r->offset,
		&x->d->origin);
	return DLQ_SCAN_ON;
}

int
redrive_look(struct redriver *j, struct err *e)
{
	int result = redrive_scan(j, on_look, e);

	if (j->order.disordered)
		redrive_order_looked(&j->order);
	else
		redrive_order_release(&j->order);
	j->placed = 0;
	return result;
}

/* ---- sending them ---- */

static int
on_pick(struct record_pick *x, const struct record *r, struct err *e)
{
	(void)e;
	*(struct record **)x->user = record_copy(r);
	return 0;
}

/* The dead letter is the one that the plan was made for. */
static int
check(struct redriver *j, const struct record *r, const struct deadletter *d,
	struct err *e)
{
	const struct redrive_planned *x = redrive_plan_find(j->o->planned,
		r->partition, r->offset);

	return x->letter == ledger_fingerprint(d->key, d->value) ? 0 :
		redrive_stale(j, r->partition, r->offset, "is another record", e);
}

static int
give(struct redriver *j, const struct record *r, struct err *e)
{
	struct arena *a = &j->letter;
	struct deadletter letter;
	struct dlq_record x = { .r = r, .d = &letter };
	struct dlq_return back;
	struct record edit;

	arena_reset(a);
	arena_reset(&j->memory);
	deadletter_read(r, &letter, a);
	if (j->checking)
		return check(j, r, &letter, e);
	if (dlq_is_return(j->d, &x, &back, e) < 0)
		return -1;
	if (j->o->edits)
		redrive_edits_take(j->o->edits, r->partition, r->offset, &edit);
	return redrive_take(j, &x, back.redrives, j->o->edits ? &edit : NULL, e);
}

static int
lost(struct redriver *j, const struct redrive_place *p, struct err *e)
{
	struct err why = ERR_INIT;

	if (j->checking)
		return redrive_stale(j, p->partition, p->offset, "is not there", e);
	err_set(&why, ERR_NOT_FOUND, "it is no longer there");
	j->run->selected++;
	j->run->failed++;
	redrive_fail(j, p->partition, p->offset, &why);
	return 0;
}

static int
send_some(struct redriver *j, const struct redrive_place *places, int n,
	struct err *e)
{
	struct record **copies = xcalloc((size_t)n, sizeof(*copies));
	struct record_pick *picks = xcalloc((size_t)n, sizeof(*picks));
	int result;

	for (int i = 0; i < n; i++)
		picks[i] = (struct record_pick){ j->d->o.topic,
			places[i].partition, places[i].offset, false,
			&copies[i] };
	result = record_pick(j->d->conf, picks, n, j->d->o.timeout_ms, on_pick, e);
	for (int i = 0; i < n; i++) {
		const struct record *r = copies[i];

		if (!result && !r)
			result = lost(j, &places[i], e);
		if (!result && r) {
			result = give(j, r, e);
			j->fetched_bytes += (int64_t)(r->key.len + r->value.len);
		}
		free(copies[i]);
	}
	j->fetched += n;
	free(copies);
	free(picks);
	return result;
}

/* So many that they fit into memory, by what the others were like. */
static int
next_batch(const struct redriver *j, size_t left)
{
	int64_t n = j->fetched ? BATCH_RECORDS : 100;
	int64_t mean = j->fetched ? j->fetched_bytes / j->fetched : 0;

	if (mean && n > BATCH_BYTES / mean)
		n = BATCH_BYTES / mean + 1;
	if (j->o->canary && !j->canary_over && n > j->o->canary)
		n = j->o->canary;
	return (size_t)n < left ? (int)n : (int)left;
}

int
redrive_send_places(struct redriver *j, const struct redrive_place *places,
	size_t n, struct err *e)
{
	int batch;

	for (size_t i = 0; i < n; i += (size_t)batch) {
		batch = next_batch(j, n - i);
		if (send_some(j, places + i, batch, e))
			return -1;
	}
	return 0;
}

/* ---- finding the order ---- */

static int
send_due(struct redriver *j, struct err *e)
{
	struct redrive_places *due = &j->order.due;
	int result = redrive_send_places(j, due->items, due->n, e);

	due->n = 0;
	return result;
}

/* Of a limit the look did not see what is there behind it. */
static int
send_some_due(struct redriver *j, struct err *e)
{
	if (j->o->limit >= 0 || j->order.added < BATCH_RECORDS)
		return 0;
	redrive_order_settle(&j->order, false);
	return j->order.due.n < BATCH_RECORDS ? 0 : send_due(j, e);
}

static enum dlq_scan_status
on_place(void *arg, const struct dlq_record *x, struct err *e)
{
	struct redriver *j = arg;
	struct record edit;
	int64_t redrives;
	int chosen = redrive_is_chosen(j, x, &edit, &redrives, e);

	redrive_order_pass(&j->order, x->r->partition, x->r->offset);
	if (chosen <= 0)
		return chosen ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
	if (j->o->limit >= 0 && j->placed >= j->o->limit)
		return DLQ_SCAN_STOP;
	/* is parked at once, in any order */
	if (redrives >= j->o->max_redrives)
		return redrive_take(j, x, redrives, NULL, e) ? DLQ_SCAN_FAIL :
			DLQ_SCAN_ON;
	j->placed++;
	redrive_order_add(&j->order, x->r->partition, x->r->offset,
		&x->d->origin);
	return send_some_due(j, e) ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
}

int
redrive_ordered(struct redriver *j, struct err *e)
{
	if (redrive_scan(j, on_place, e))
		return -1;
	redrive_order_settle(&j->order, true);
	return send_due(j, e);
}
