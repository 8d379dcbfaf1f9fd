#include "kafka/dlq_mark.h"

#include "base/clock.h"
#include "kafka/dlq_write.h"

enum { BATCH_CHANGES = 10000 };

struct job {
	struct dlq *d;
	const struct dlq_mark_options *o;
	struct ledger_run *run;
	struct dlq_batch batch;
	int64_t now_ms;
};

/* Nothing is sent, so nothing can fail alone. */
static void
on_failed(void *arg, const struct dlq_change *c, const struct err *why)
{
	(void)arg, (void)c, (void)why;
}

static int
commit(struct job *j, struct err *e)
{
	const struct dlq_commit o = { j->run, on_failed, j };

	if (!j->o->dry_run)
		return dlq_commit(j->d, &j->batch, &o, e);
	dlq_batch_clear(&j->batch);
	return 0;
}

/* How often it was redriven itself stays known. */
static int
find_redrives(const struct job *j, const struct dlq_record *x,
	struct ledger_entry *y, struct err *e)
{
	struct dlq_redrive last;
	int found = dlq_redriven_find(&j->d->redriven, y->fingerprint, &last, e);

	y->redrives = x->d->redrives;
	if (found > 0 && last.partition == x->r->partition &&
	    last.offset == x->r->offset && last.redrives > y->redrives)
		y->redrives = last.redrives;
	return found < 0 ? -1 : 0;
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	const struct record *r = x->r;
	struct ledger_entry y = {
		.partition = r->partition, .offset = r->offset,
		.state = j->o->keep_state ? x->state : j->o->state,
		.at = j->now_ms, .run = j->run->id, .by = j->o->by,
		.note = j->o->note,
		.fingerprint = ledger_fingerprint(x->d->key, x->d->value),
	};

	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	if (slice_is_null(y.note))
		y.note = slice_str(ledger_note(&j->d->ledger, r->partition,
			r->offset));
	if (find_redrives(j, x, &y, e))
		return DLQ_SCAN_FAIL;
	j->run->selected++;
	if (j->o->told)
		j->o->told(j->o->arg, r->partition, r->offset, y.state);
	dlq_batch_add(&j->batch, &y, NULL);
	return j->batch.n >= BATCH_CHANGES && commit(j, e) ? DLQ_SCAN_FAIL :
		DLQ_SCAN_ON;
}

int
dlq_mark(struct dlq *d, const struct dlq_mark_options *o, struct ledger_run *run,
	struct err *e)
{
	struct job j = { .d = d, .o = o, .run = run,
		.now_ms = clock_wall_ms(clock_system()) };
	const struct dlq_scan s = {
		.select = o->select, .ends = o->ends,
		.from_start = o->select->states & ~(1u << LEDGER_OPEN),
		.record = on_record, .arg = &j,
	};
	int result;

	run->state = slice_str("running");
	dlq_add_run(d, run);
	result = dlq_scan(d, &s, e);
	if (!result) {
		run->state = slice_str("done");
		run->until = clock_wall_ms(clock_system());
		if (run->selected)
			result = commit(&j, e);
	}
	dlq_batch_release(&j.batch);
	return result;
}
