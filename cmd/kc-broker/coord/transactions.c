#include "coord/transactions.h"

#include "base/xalloc.h"
#include "config.h"
#include "coord/internal.h"
#include "coord/members.h"
#include "coord/transaction_entry.h"
#include "coord/transaction_records.h"
#include "log.h"
#include "meta/meta.h"
#include "store/batch.h"
#include "store/partlog.h"
#include "wire/errors.h"

/* ---- entries -------------------------------------------------------------- */

struct transaction_entry *
transaction_entry_get(const struct transactions *ts, struct slice id)
{
	return map_get(&ts->entries, id);
}

struct transaction_entry *
transaction_entry_add(struct transactions *ts, struct slice id)
{
	struct transaction_entry *e = xcalloc(1, sizeof(*e));

	e->owner = ts;
	e->id = slice_own(id);
	e->now = transaction_new(-1);
	list_init(&e->node);
	map_put(&ts->entries, e->id, e);
	transaction_entry_count(e);
	return e;
}

void
transaction_entry_count(struct transaction_entry *e)
{
	size_t bytes = e->id.len + e->parts.bytes;

	e->owner->bytes += bytes - e->bytes;
	e->bytes = bytes;
}

void
transaction_entry_free(struct transaction_entry *e)
{
	deadlines_clear(&e->owner->deadlines, &e->deadline);
	list_remove(&e->node);
	map_del(&e->owner->entries, e->id);
	e->owner->bytes -= e->bytes;
	transaction_parts_release(&e->parts);
	slice_free(&e->id);
	free(e);
}

int16_t
transaction_entry_write(struct transaction_entry *e, const struct transaction *next,
	uint64_t *commit)
{
	const struct transactions_parts *parts = &e->owner->parts;
	struct wire_writer key = { 0 }, value = { 0 };
	struct append_result r = { 0 };
	struct batch_builder batch;
	struct partlog *log;
	int16_t error = internal_log(parts->meta, parts->config, TRANSACTIONS_TOPIC,
		e->id, &log, commit);

	if (error)
		return error;
	transaction_record_key(&key, e->id);
	if (next)
		transaction_record_value(&value, next, &e->parts);
	batch_begin(&batch);
	batch_add(&batch, clock_wall_ms(parts->clock), buf_slice(&key.out),
		next ? buf_slice(&value.out) : SLICE_NULL);
	batch_finish(&batch);
	if (key.bad || value.bad)
		error = KERR_UNKNOWN_SERVER_ERROR;
	else
		partlog_append(log, batch.out.data, batch.out.len,
			APPEND_COORDINATOR, &r);
	if (r.error)
		error = internal_error(r.error);
	else if (r.commit)
		*commit = r.commit;
	buf_release(&batch.out);
	wire_writer_release(&key);
	wire_writer_release(&value);
	/* Whatever it says now, it is not that the markers are durable. */
	if (!error)
		list_remove(&e->node);
	return error;
}

/* ---- time ----------------------------------------------------------------- */

static int64_t
mono(const struct transactions *ts)
{
	return clock_mono_ms(ts->parts.clock);
}

static int64_t
wall(const struct transactions *ts)
{
	return clock_wall_ms(ts->parts.clock);
}

static void
set_alarm(struct transactions *ts)
{
	const struct deadline *first = deadlines_first(&ts->deadlines);

	if (!first || first->at == ts->woken_at)
		return;
	ts->woken_at = first->at;
	ts->parts.wake(ts->parts.wake_arg, first->at);
}

void
transaction_entry_due(struct transaction_entry *e, int64_t at)
{
	deadlines_set(&e->owner->deadlines, &e->deadline, at);
	set_alarm(e->owner);
}

void
transaction_entry_follow(struct transaction_entry *e)
{
	int64_t left, at = transaction_ends_at(&e->now);

	if (at == INT64_MAX) {
		deadlines_clear(&e->owner->deadlines, &e->deadline);
		return;
	}
	left = at - wall(e->owner);
	transaction_entry_due(e, mono(e->owner) + (left > 0 ? left : 0));
}

/* Ids that nobody has used for long. */
static void
sweep(struct transactions *ts)
{
	struct transaction_entry *e;
	uint64_t commit = 0;

	/* A tombstone hides PREPARE from a start: the markers come first. */
	for (size_t i = 0; (e = map_next(&ts->entries, &i));)
		if (transaction_is_expired(&e->now, wall(ts), ts->expiration_ms) &&
		    e->marked <= ts->committed &&
		    !transaction_entry_write(e, NULL, &commit))
			transaction_entry_free(e);
	deadlines_set(&ts->deadlines, &ts->sweep, mono(ts) + ts->sweep_ms);
}

static void
entry_due(struct transaction_entry *e)
{
	enum { AGAIN_MS = 1000 };
	struct transactions *ts = e->owner;
	struct transaction next;

	if (transaction_is_ending(&e->now)) {
		transaction_entry_finish(e);
		return;
	}
	if (transaction_ends_at(&e->now) > wall(ts)) {
		transaction_entry_follow(e); /* the clock was set back */
		return;
	}
	log_info("transaction timed out id=%.*s producer=%lld epoch=%d",
		SLICE_ARG(e->id), (long long)e->now.producer_id, e->now.epoch);
	transaction_fence(&e->now, wall(ts), &next);
	if (transaction_entry_prepare(e, &next))
		transaction_entry_due(e, mono(ts) + AGAIN_MS);
}

void
transactions_tick(struct transactions *ts)
{
	int64_t now = mono(ts);
	struct deadline *first;

	while ((first = deadlines_first(&ts->deadlines)) && first->at <= now) {
		struct transaction_entry *e = container_of(first,
			struct transaction_entry, deadline);

		if (first == &ts->sweep) {
			sweep(ts);
			continue;
		}
		deadlines_clear(&ts->deadlines, first);
		if (first == &ts->again)
			transaction_load_again(ts);
		else
			entry_due(e);
	}
	ts->woken_at = -1;
	set_alarm(ts);
}

/* ---- life ----------------------------------------------------------------- */

struct transactions *
transactions_open(const struct transactions_parts *parts)
{
	struct transactions *ts = xcalloc(1, sizeof(*ts));
	const struct config *c = parts->config;

	ts->parts = *parts;
	ts->timeout_max_ms = (int32_t)config_get_int64(c, "transaction.max.timeout.ms");
	ts->expiration_ms = config_get_int64(c, "transactional.id.expiration.ms");
	ts->sweep_ms = config_get_int64(c,
		"transaction.remove.expired.transaction.cleanup.interval.ms");
	list_init(&ts->ending);
	list_init(&ts->completing);
	ts->woken_at = -1;
	deadlines_set(&ts->deadlines, &ts->sweep, mono(ts) + ts->sweep_ms);
	transaction_load(ts);
	set_alarm(ts);
	return ts;
}

void
transactions_close(struct transactions *ts)
{
	struct transaction_entry *e;

	for (size_t i = 0; (e = map_next(&ts->entries, &i));) {
		transaction_entry_fail(e, KERR_COORDINATOR_NOT_AVAILABLE);
		transaction_entry_free(e);
	}
	map_release(&ts->entries);
	deadlines_release(&ts->deadlines);
	free(ts);
}

int16_t
transactions_ready(struct transactions *ts)
{
	return ts->loaded ? KERR_NONE : transaction_load(ts);
}

static int16_t
find(struct transactions *ts, struct slice id, int16_t unknown,
	struct transaction_entry **e)
{
	int16_t error = transactions_ready(ts);

	*e = NULL;
	if (error)
		return error;
	if (!id.len)
		return KERR_INVALID_REQUEST;
	*e = transaction_entry_get(ts, id);
	return *e ? KERR_NONE : unknown;
}

static void
answer(struct transactions *ts, void *token, int16_t error,
	const struct transaction_entry *e, uint64_t commit)
{
	struct transactions_reply r = { error, -1, -1 };

	if (!error) {
		/* The next id is in force when all markers are written. */
		bool next = e->now.next_id >= 0;

		r.producer_id = next ? e->now.next_id : e->now.producer_id;
		r.epoch = next ? 0 : e->now.epoch;
	}
	ts->parts.answer(token, &r, commit);
}

/* ---- InitProducerId ------------------------------------------------------- */

static int16_t
fresh_id(struct transactions *ts, int64_t *id)
{
	uint64_t commit; /* not later than that of the record which tells of the id */

	return internal_error(meta_next_producer_id(ts->parts.meta, id, &commit));
}

/* An id that nobody knows yet. */
static int16_t
introduce(struct transactions *ts, struct slice id, struct transaction_entry **e)
{
	int64_t producer_id;
	int16_t error;

	if (ts->entries.len >= TRANSACTIONS_MAX ||
	    ts->bytes + id.len > TRANSACTIONS_MAX_BYTES)
		return KERR_POLICY_VIOLATION;
	error = fresh_id(ts, &producer_id);
	if (error)
		return error;
	*e = transaction_entry_add(ts, id);
	(*e)->now = transaction_new(producer_id);
	return KERR_NONE;
}

/* True: the waiter is answered when the transaction that was open has ended. */
static bool
init(struct transaction_entry *e, const struct transaction_init *asked, void *token,
	int16_t *error, uint64_t *commit)
{
	struct transactions *ts = e->owner;
	struct transaction_init q = *asked;
	struct transaction next;

	*error = 0;
	q.now = wall(ts);
	if (transaction_is_exhausted(&e->now))
		*error = fresh_id(ts, &q.fresh_id);
	if (!*error)
		*error = transaction_init(&e->now, &q, &next);
	if (*error)
		return false;
	if (!transaction_is_ending(&next)) {
		*error = transaction_entry_write(e, &next, commit);
		if (!*error)
			e->now = next;
		return false;
	}
	e->waiter = WAITER_INIT;
	e->token = token;
	e->init = q;
	e->init.producer_id = -1; /* who it is was checked just now */
	*error = transaction_entry_prepare(e, &next);
	if (*error)
		e->waiter = WAITER_NONE;
	return !*error;
}

void
transactions_init(struct transactions *ts, struct slice id,
	const struct transaction_init *q, void *token)
{
	struct transaction_entry *e;
	uint64_t commit = 0;
	int16_t error = find(ts, id, KERR_NONE, &e);

	if (!error && (q->timeout_ms <= 0 || q->timeout_ms > ts->timeout_max_ms))
		error = KERR_INVALID_TRANSACTION_TIMEOUT;
	if (!error && !e)
		error = introduce(ts, id, &e);
	if (!error && init(e, q, token, &error, &commit))
		return;
	answer(ts, token, error, e, commit);
	if (e && e->now.epoch < 0) /* could not be stored */
		transaction_entry_free(e);
}

/* ---- EndTxn --------------------------------------------------------------- */

static int16_t
end(struct transaction_entry *e, const struct transaction_end *asked, void *token,
	bool *waits)
{
	struct transactions *ts = e->owner;
	struct transaction_end q = *asked;
	struct transaction next;
	int16_t error = 0;

	q.now = wall(ts);
	if (transaction_is_exhausted(&e->now))
		error = fresh_id(ts, &q.fresh_id);
	if (!error)
		error = transaction_end(&e->now, &q, &next);
	if (error || !transaction_is_ending(&next))
		return error;
	e->waiter = WAITER_END;
	e->token = token;
	*waits = true;
	error = transaction_entry_prepare(e, &next);
	if (error) {
		e->waiter = WAITER_NONE;
		*waits = false;
	}
	return error;
}

void
transactions_end(struct transactions *ts, struct slice id,
	const struct transaction_end *q, void *token)
{
	struct transaction_entry *e;
	bool waits = false;
	int16_t error = find(ts, id, KERR_INVALID_PRODUCER_ID_MAPPING, &e);

	if (!error)
		error = end(e, q, token, &waits);
	if (!waits)
		answer(ts, token, error, e, 0);
}

/* It was decided. What an InitProducerId waits for is another step. */
void
transaction_entry_answer(struct transaction_entry *e)
{
	enum transaction_waiter waiter = e->waiter;
	uint64_t commit = 0;
	int16_t error = 0;

	e->waiter = WAITER_NONE;
	if (waiter == WAITER_INIT && init(e, &e->init, e->token, &error, &commit))
		return;
	if (waiter != WAITER_NONE)
		answer(e->owner, e->token, error, e, commit);
}

void
transaction_entry_fail(struct transaction_entry *e, int16_t error)
{
	if (e->waiter != WAITER_NONE)
		answer(e->owner, e->token, error, e, 0);
	e->waiter = WAITER_NONE;
}

/* ---- what belongs to it --------------------------------------------------- */

int16_t
transactions_add(struct transactions *ts, const struct transactions_producer *p,
	const struct transactions_part *parts, int n)
{
	struct transaction_entry *e;
	struct transaction next;
	uint64_t commit = 0;
	bool any = false;
	int16_t error = find(ts, p->id, KERR_INVALID_PRODUCER_ID_MAPPING, &e);

	if (!error)
		error = transaction_add(&e->now, p->producer_id, p->epoch, p->version,
			wall(ts), &next);
	if (error)
		return error;
	for (int i = 0; i < n; i++)
		any |= transaction_parts_add(&e->parts, parts[i].topic,
			parts[i].partition);
	if (!any)
		return KERR_NONE;
	transaction_entry_count(e);
	error = ts->bytes > TRANSACTIONS_MAX_BYTES ? KERR_POLICY_VIOLATION :
		transaction_entry_write(e, &next, &commit);
	if (error) {
		transaction_parts_undo(&e->parts);
		transaction_entry_count(e);
		return error;
	}
	transaction_parts_keep(&e->parts);
	e->now = next;
	transaction_entry_follow(e);
	return KERR_NONE;
}

int16_t
transactions_verify(struct transactions *ts, const struct transactions_producer *p,
	const struct transactions_part *part)
{
	struct transaction_entry *e;
	int16_t error = find(ts, p->id, KERR_INVALID_PRODUCER_ID_MAPPING, &e);

	if (!error)
		error = transaction_check(&e->now, p->producer_id, p->epoch);
	if (error)
		return error;
	if (transaction_is_ending(&e->now))
		return KERR_CONCURRENT_TRANSACTIONS;
	return transaction_parts_find(&e->parts, part->topic, part->partition)
		? KERR_NONE : KERR_TRANSACTION_ABORTABLE;
}

int16_t
transactions_group_part(struct transactions *ts, struct slice group,
	struct transactions_part *out)
{
	struct partlog *log;
	uint64_t commit = 0; /* what is written there later waits for more */
	int16_t error = internal_log(ts->parts.meta, ts->parts.config, OFFSETS_TOPIC,
		group, &log, &commit);

	if (error)
		return error;
	out->topic = slice_str(OFFSETS_TOPIC);
	out->partition = partlog_partition(log);
	return KERR_NONE;
}

/* ---- looking -------------------------------------------------------------- */

static struct transactions_view
view(const struct transaction_entry *e)
{
	return (struct transactions_view){ e->id, &e->now, &e->parts };
}

int16_t
transactions_find(struct transactions *ts, struct slice id, struct transactions_view *out)
{
	struct transaction_entry *e;
	int16_t error = find(ts, id, KERR_TRANSACTIONAL_ID_NOT_FOUND, &e);

	if (!error)
		*out = view(e);
	return error;
}

int
transactions_open_count(const struct transactions *ts)
{
	const struct transaction_entry *e;
	int n = 0;

	for (size_t i = 0; (e = map_next(&ts->entries, &i));)
		n += e->now.state == TRANSACTION_ONGOING ||
			transaction_is_ending(&e->now);
	return n;
}

bool
transactions_next(struct transactions *ts, size_t *i, struct transactions_view *out)
{
	const struct transaction_entry *e = map_next(&ts->entries, i);

	if (e)
		*out = view(e);
	return e;
}
