/*
 * transaction_load.c - all transactional ids, out of __transaction_state, and
 * what a start makes right.
 *
 * A log may have an open transaction of which __transaction_state knows
 * nothing, because the power went when the one was on disk and the other was
 * not. If it is of a producer that is still the one of its id, then it is the
 * producer's present transaction: it is adopted, as if just begun. To abort it
 * would be wrong: the producer would send its last batches again, be told
 * that they are there, and commit. Any other is aborted, for nobody can end
 * it: left open it would hold back readers of its partition for ever.
 */
#include <inttypes.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "coord/internal.h"
#include "coord/transaction_entry.h"
#include "coord/transaction_records.h"
#include "log.h"
#include "meta/meta.h"
#include "store/partlog.h"
#include "wire/errors.h"

/*
 * The last PREPARE of an id that neither COMPLETE nor another PREPARE
 * followed: the next transaction had begun already.
 */
struct undone {
	struct transaction state;
	struct transaction_parts parts;
};

struct loading {
	struct transactions *ts;
	struct arena arena;
	struct map undone; /* by the id of the entry */
	int64_t skipped;
};

static void
free_undone(struct undone *u)
{
	transaction_parts_release(&u->parts);
	free(u);
}

static void
forget_undone(struct loading *l, struct slice id)
{
	struct undone *u = map_del(&l->undone, id);

	if (u)
		free_undone(u);
}

static void
remember_undone(struct loading *l, struct transaction_entry *e)
{
	struct undone *u = xcalloc(1, sizeof(*u));

	u->state = e->now;
	u->parts = e->parts;
	e->parts = (struct transaction_parts){ 0 };
	map_put(&l->undone, e->id, u);
}

static void
load_state(struct loading *l, struct slice id, const struct transaction *t,
	const struct transaction_parts *parts, bool has_starts)
{
	struct transaction_entry *e = transaction_entry_get(l->ts, id);
	bool complete = t->state == TRANSACTION_COMPLETE_COMMIT ||
		t->state == TRANSACTION_COMPLETE_ABORT;

	if (!e)
		e = transaction_entry_add(l->ts, id);
	if (complete || transaction_is_ending(t))
		forget_undone(l, e->id);
	else if (transaction_is_ending(&e->now))
		remember_undone(l, e);
	transaction_parts_release(&e->parts);
	e->now = *t;
	e->parts = *parts;
	transaction_entry_count(e);
	if (transaction_is_ending(t) && !has_starts)
		transaction_entry_starts(e);
}

static int
load_record(void *arg, const struct log_record *r)
{
	struct transaction_parts parts = { 0 };
	struct transaction_entry *e;
	struct loading *l = arg;
	struct transaction t;
	struct slice id;
	bool has_starts;

	if (r->control)
		return 0;
	arena_reset(&l->arena);
	if (slice_is_null(r->key) || transaction_read_key(r->key, &id)) {
		l->skipped++;
	} else if (slice_is_null(r->value)) {
		e = transaction_entry_get(l->ts, id);
		if (e) {
			forget_undone(l, id);
			transaction_entry_free(e);
		}
	} else if (transaction_read_value(r->value, &l->arena, &t, &parts,
			&has_starts)) {
		l->skipped++;
	} else {
		load_state(l, id, &t, &parts, has_starts);
	}
	return 0;
}

/* ---- what was decided is done --------------------------------------------- */

static int16_t
finish_undone(struct loading *l)
{
	struct undone *u;
	uint64_t commit = 0;

	for (size_t i = 0; (u = map_next(&l->undone, &i));)
		if (!transaction_write_markers(l->ts, &u->state, &u->parts, &commit))
			return KERR_COORDINATOR_NOT_AVAILABLE;
	return KERR_NONE;
}

static void
go_on(struct transactions *ts)
{
	struct transaction_entry *e;

	for (size_t i = 0; (e = map_next(&ts->entries, &i));) {
		if (transaction_is_ending(&e->now))
			transaction_entry_finish(e);
		else
			transaction_entry_follow(e);
	}
}

/* ---- what is open without our knowing ------------------------------------- */

struct open_txn {
	struct topic *topic;
	struct partlog *log;
	struct producer_state producer;
};

struct opens {
	struct open_txn *v;
	size_t n, cap;
	struct topic *topic;
	struct partlog *log;
};

static int
note_open(void *arg, const struct producer_state *p)
{
	struct opens *o = arg;

	if (p->txn_start < 0)
		return 0;
	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 16;
		o->v = xreallocarray(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->n++] = (struct open_txn){ o->topic, o->log, *p };
	return 0;
}

/* False: not now. */
static bool
abort_open(const struct open_txn *x, const struct transaction_entry *owner)
{
	struct txn_marker m = {
		.producer_id = x->producer.id,
		.producer_epoch = x->producer.epoch,
		.coordinator_epoch = MARKER_OURS,
	};
	struct append_result r;

	if (owner && owner->now.epoch > m.producer_epoch)
		m.producer_epoch = owner->now.epoch;
	partlog_append_marker(x->log, &m, &r);
	log_warn("a transaction that nobody can end is aborted topic=%s partition=%d "
		"producer=%" PRId64 " epoch=%d offset=%" PRId64 "%s%s", x->topic->name,
		partlog_partition(x->log), x->producer.id, x->producer.epoch,
		x->producer.txn_start, r.error ? " error=" : "",
		r.error ? kerr_name(r.error) : "");
	return !r.error;
}

static bool
adopt(const struct open_txn *x, struct transaction_entry *e)
{
	struct transactions_part part = {
		slice_str(x->topic->name), partlog_partition(x->log),
	};
	struct transactions_producer p = {
		e->id, e->now.producer_id, e->now.epoch, e->now.client_version,
	};

	if (!transactions_add(e->owner, &p, &part, 1))
		return true;
	log_warn("cannot take in a transaction id=%.*s topic=%s partition=%d",
		SLICE_ARG(e->id), x->topic->name, part.partition);
	return false;
}

static bool
make_right(const struct open_txn *x, const struct map *by_producer)
{
	struct transaction_entry *e = map_get(by_producer,
		slice_make(&x->producer.id, sizeof(x->producer.id)));

	if (e && transaction_is_ending(&e->now) && transaction_parts_find(&e->parts,
			slice_str(x->topic->name), partlog_partition(x->log)))
		return true; /* its marker is tried again */
	if (e && e->now.epoch == x->producer.epoch && !transaction_is_ending(&e->now))
		return adopt(x, e);
	return abort_open(x, e);
}

/* False: some are still open. */
static bool
look_for_open(struct transactions *ts)
{
	struct transaction_entry *e;
	struct map by_producer = { 0 };
	struct opens o = { 0 };
	struct topic *const *topics;
	bool all = true;
	int n;

	topics = meta_topics(ts->parts.meta, &n);
	for (int i = 0; i < n; i++) {
		o.topic = topics[i];
		for (int32_t p = 0; p < o.topic->partitions_n; p++) {
			o.log = topic_partition(o.topic, p);
			partlog_each_producer(o.log, note_open, &o);
		}
	}
	for (size_t i = 0; o.n && (e = map_next(&ts->entries, &i));)
		map_put(&by_producer, slice_make(&e->now.producer_id,
			sizeof(e->now.producer_id)), e);
	for (size_t i = 0; i < o.n; i++)
		all &= make_right(&o.v[i], &by_producer);
	map_release(&by_producer);
	free(o.v);
	return all;
}

/* ---- all of it ------------------------------------------------------------ */

static int16_t
read_all(struct loading *l)
{
	struct topic *topic = meta_topic(l->ts->parts.meta, slice_str(TRANSACTIONS_TOPIC));
	struct err e = ERR_INIT;

	for (int32_t p = 0; topic && p < topic->partitions_n; p++) {
		struct partlog *log = topic_partition(topic, p);

		if (partlog_scan(log, partlog_start(log), load_record, l, &e)) {
			log_error("cannot load the transactions: %s", e.msg);
			return KERR_COORDINATOR_NOT_AVAILABLE;
		}
	}
	if (l->skipped)
		log_warn("records of " TRANSACTIONS_TOPIC " that cannot be read were "
			"skipped count=%" PRId64, l->skipped);
	return KERR_NONE;
}

static void
try_later(struct transactions *ts)
{
	enum { AGAIN_MS = 1000 };

	deadlines_set(&ts->deadlines, &ts->again,
		clock_mono_ms(ts->parts.clock) + AGAIN_MS);
}

void
transaction_load_again(struct transactions *ts)
{
	if (!ts->loaded)
		transaction_load(ts);
	else if (!look_for_open(ts))
		try_later(ts);
}

int16_t
transaction_load(struct transactions *ts)
{
	struct loading l = { .ts = ts };
	struct transaction_entry *e;
	struct undone *u;
	int16_t error = read_all(&l);

	if (!error)
		error = finish_undone(&l);
	ts->loaded = !error;
	if (!error)
		go_on(ts);
	if (error || !look_for_open(ts))
		try_later(ts);
	for (size_t i = 0; (u = map_next(&l.undone, &i));)
		free_undone(u);
	map_release(&l.undone);
	arena_release(&l.arena);
	for (size_t i = 0; error && (e = map_next(&ts->entries, &i));)
		transaction_entry_free(e);
	return error;
}
