/* transaction_end.c - how a transaction ends, in the order that transactions.h says. */
#include "coord/groups.h"
#include "coord/internal.h"
#include "coord/transaction_entry.h"
#include "log.h"
#include "meta/meta.h"
#include "store/partlog.h"
#include "wire/errors.h"

enum { AGAIN_MS = 1000 }; /* after markers that could not be written */

/* NULL = it is gone. */
static const struct partlog *
log_of(const struct transaction_entry *e, const struct transaction_part *p,
	const struct topic **t)
{
	*t = meta_topic(e->owner->parts.meta, p->topic);
	return *t ? topic_partition(*t, p->partition) : NULL;
}

void
transaction_entry_starts(struct transaction_entry *e)
{
	for (int i = 0; i < e->parts.n; i++) {
		struct transaction_part *p = &e->parts.v[i];
		const struct topic *t;
		const struct partlog *log = log_of(e, p, &t);

		p->first = log ? partlog_txn_start(log, e->now.producer_id) : -1;
		if (log)
			p->topic_id = t->id;
	}
}

static bool
is_unsynced(const struct transaction_entry *e)
{
	const struct topic *t;

	for (int i = 0; i < e->parts.n; i++) {
		const struct partlog *log = log_of(e, &e->parts.v[i], &t);

		if (log && partlog_txn_is_unsynced(log, e->now.producer_id))
			return true;
	}
	return false;
}

int16_t
transaction_entry_prepare(struct transaction_entry *e, const struct transaction *next)
{
	struct transactions *ts = e->owner;
	uint64_t commit = 0;
	int16_t error;

	/* Either for the time of one sync: the client asks again. */
	if (e->marked > ts->committed ||
	    (next->state == TRANSACTION_PREPARE_COMMIT && is_unsynced(e)))
		return KERR_CONCURRENT_TRANSACTIONS;
	transaction_entry_starts(e);
	error = transaction_entry_write(e, next, &commit);
	if (error)
		return error;
	e->now = *next;
	e->prepared = commit;
	transaction_entry_follow(e);
	if (commit > ts->committed)
		list_append(&ts->ending, &e->node);
	else
		transaction_entry_finish(e);
	return KERR_NONE;
}

/* False: not now. */
static bool
write_marker(struct transactions *ts, const struct transaction *t,
	const struct transaction_part *p, uint64_t *commit)
{
	const struct topic *topic = meta_topic_by_id(ts->parts.meta, &p->topic_id);
	struct partlog *log = topic ? topic_partition(topic, p->partition) : NULL;
	struct txn_marker m = {
		.producer_id = t->producer_id,
		.producer_epoch = t->epoch,
		.coordinator_epoch = MARKER_OURS,
		.commit = t->state == TRANSACTION_PREPARE_COMMIT,
	};
	struct append_result r;

	if (!log || partlog_txn_start(log, t->producer_id) != p->first)
		return true; /* gone, or it has its marker */
	partlog_append_marker(log, &m, &r);
	if (r.error) {
		log_warn("cannot write the marker of a transaction topic=%s "
			"partition=%d producer=%lld error=%s", topic->name,
			p->partition, (long long)t->producer_id, kerr_name(r.error));
		return false;
	}
	if (r.commit > *commit)
		*commit = r.commit;
	if (!strcmp(topic->name, OFFSETS_TOPIC))
		groups_end_transaction(ts->parts.groups, p->partition,
			t->producer_id, m.commit, r.commit);
	return true;
}

bool
transaction_write_markers(struct transactions *ts, const struct transaction *t,
	struct transaction_parts *p, uint64_t *commit)
{
	bool all = true;

	for (int i = 0; i < p->n; i++) {
		if (p->v[i].first < 0)
			continue;
		if (write_marker(ts, t, &p->v[i], commit))
			p->v[i].first = -1;
		else
			all = false;
	}
	return all;
}

/* The markers are durable. Without this record a start looks for them again. */
static void
write_complete(struct transaction_entry *e)
{
	uint64_t commit = 0;

	if (transaction_entry_write(e, &e->now, &commit))
		log_warn("cannot write that a transaction is complete id=%.*s",
			SLICE_ARG(e->id));
}

void
transaction_entry_finish(struct transaction_entry *e)
{
	struct transactions *ts = e->owner;

	if (!transaction_write_markers(ts, &e->now, &e->parts, &e->marked)) {
		/* It is decided, and will be so: who waits for it need not. */
		transaction_entry_due(e, clock_mono_ms(ts->parts.clock) + AGAIN_MS);
		if (e->waiter == WAITER_INIT)
			transaction_entry_fail(e, KERR_CONCURRENT_TRANSACTIONS);
		else
			transaction_entry_answer(e);
		return;
	}
	transaction_complete(&e->now, clock_wall_ms(ts->parts.clock), &e->now);
	transaction_parts_release(&e->parts);
	transaction_entry_count(e);
	if (e->marked > ts->committed)
		list_append(&ts->completing, &e->node);
	else
		write_complete(e);
	transaction_entry_answer(e);
}

static struct transaction_entry *
first_until(const struct list *l, bool prepared, uint64_t seq)
{
	struct transaction_entry *e = list_is_empty(l) ? NULL
		: container_of(l->next, struct transaction_entry, node);

	return e && (prepared ? e->prepared : e->marked) <= seq ? e : NULL;
}

void
transactions_committed(struct transactions *ts, uint64_t seq, int16_t error)
{
	struct transaction_entry *e;

	ts->committed = seq;
	while ((e = first_until(&ts->completing, false, seq))) {
		list_remove(&e->node);
		if (!error)
			write_complete(e);
	}
	while ((e = first_until(&ts->ending, true, seq))) {
		list_remove(&e->node);
		if (error)
			transaction_entry_fail(e, KERR_COORDINATOR_NOT_AVAILABLE);
		else
			transaction_entry_finish(e);
	}
}
