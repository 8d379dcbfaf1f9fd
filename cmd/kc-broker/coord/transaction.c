#include "coord/transaction.h"

#include "base/xalloc.h"
#include "coord/members.h"
#include "wire/errors.h"

static const char *const names[TRANSACTION_STATES] = {
	"Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit",
	"CompleteAbort", "Dead", "PrepareEpochFence",
};

const char *
transaction_state_name(enum transaction_state s)
{
	return names[s];
}

enum transaction_state
transaction_state_of(struct slice name)
{
	enum transaction_state s = TRANSACTION_EMPTY;

	while (s < TRANSACTION_STATES && !slice_eq_str(name, names[s]))
		s++;
	return s;
}

struct transaction
transaction_new(int64_t producer_id)
{
	return (struct transaction){
		.state = TRANSACTION_EMPTY,
		.producer_id = producer_id,
		.previous_id = -1,
		.next_id = -1,
		.epoch = -1,
		.last_epoch = -1,
		.started = -1,
		.updated = -1,
	};
}

static bool
is_last(int16_t epoch)
{
	return epoch >= INT16_MAX - 1;
}

bool
transaction_is_exhausted(const struct transaction *t)
{
	return is_last(t->epoch);
}

/* ---- InitProducerId ------------------------------------------------------- */

/* KIP-360: may a producer that says who it is go on under this id? */
static bool
is_known(const struct transaction *t, const struct transaction_init *q)
{
	return q->producer_id < 0 || t->epoch < 0 || q->producer_id == t->producer_id ||
		/* the reply that gave it the new producer id was lost */
		(q->producer_id == t->previous_id && is_last(q->epoch));
}

static void
give_fresh_id(const struct transaction_init *q, struct transaction *next)
{
	next->previous_id = next->producer_id;
	next->producer_id = q->fresh_id;
	next->last_epoch = q->producer_id >= 0 ? next->epoch : -1;
	next->epoch = 0;
}

int16_t
transaction_init(const struct transaction *t, const struct transaction_init *q,
	struct transaction *next)
{
	*next = *t;
	if (!is_known(t, q))
		return KERR_PRODUCER_FENCED;
	if (transaction_is_ending(t))
		return KERR_CONCURRENT_TRANSACTIONS;
	if (t->state == TRANSACTION_ONGOING) {
		if (q->producer_id >= 0 && q->epoch != t->epoch)
			return KERR_PRODUCER_FENCED;
		transaction_fence(t, q->now, next);
		return KERR_NONE;
	}
	if (is_last(t->epoch) && (q->producer_id < 0 || q->epoch == t->epoch)) {
		give_fresh_id(q, next);
	} else if (q->producer_id < 0 || t->epoch < 0) {
		next->last_epoch = -1;
		next->epoch++;
	} else if (q->epoch == t->epoch) {
		next->last_epoch = t->epoch;
		next->epoch++;
	} else if (q->epoch != t->last_epoch) {
		return KERR_PRODUCER_FENCED;
	} /* else it asks again: what it was given stands */
	next->state = TRANSACTION_EMPTY;
	next->timeout_ms = q->timeout_ms;
	next->started = -1;
	next->updated = q->now;
	return KERR_NONE;
}

/* ---- the transaction ------------------------------------------------------ */

int16_t
transaction_check(const struct transaction *t, int64_t producer_id, int16_t epoch)
{
	if (producer_id != t->producer_id)
		return KERR_INVALID_PRODUCER_ID_MAPPING;
	if (epoch != t->epoch)
		return KERR_PRODUCER_FENCED;
	return KERR_NONE;
}

int16_t
transaction_add(const struct transaction *t, int64_t producer_id, int16_t epoch,
	int16_t client_version, int64_t now, struct transaction *next)
{
	int16_t error = transaction_check(t, producer_id, epoch);

	*next = *t;
	if (error)
		return error;
	if (transaction_is_ending(t))
		return KERR_CONCURRENT_TRANSACTIONS;
	if (t->state != TRANSACTION_ONGOING)
		next->started = now;
	next->state = TRANSACTION_ONGOING;
	next->client_version = client_version;
	next->updated = now;
	return KERR_NONE;
}

static void
prepare(struct transaction *next, bool commit, int64_t now)
{
	next->state = commit ? TRANSACTION_PREPARE_COMMIT : TRANSACTION_PREPARE_ABORT;
	if (next->started < 0)
		next->started = now;
	next->updated = now;
}

void
transaction_fence(const struct transaction *t, int64_t now, struct transaction *next)
{
	*next = *t;
	next->epoch++; /* at most INT16_MAX: no higher one than the last is given */
	next->last_epoch = -1;
	prepare(next, false, now);
}

void
transaction_complete(const struct transaction *t, int64_t now,
	struct transaction *next)
{
	*next = *t;
	next->state = t->state == TRANSACTION_PREPARE_COMMIT
		? TRANSACTION_COMPLETE_COMMIT : TRANSACTION_COMPLETE_ABORT;
	if (t->next_id >= 0) {
		next->previous_id = t->producer_id;
		next->producer_id = t->next_id;
		next->next_id = -1;
		next->epoch = 0;
	}
	next->updated = now;
}

/* ---- EndTxn --------------------------------------------------------------- */

/* Epochs stay, so that only the state tells whether this one came before. */
static int16_t
end_v1(const struct transaction *t, const struct transaction_end *q,
	struct transaction *next)
{
	int16_t error = transaction_check(t, q->producer_id, q->epoch);

	if (error)
		return error;
	switch (t->state) {
	case TRANSACTION_ONGOING:
		prepare(next, q->commit, q->now);
		next->client_version = q->client_version;
		return KERR_NONE;
	case TRANSACTION_COMPLETE_COMMIT:
	case TRANSACTION_PREPARE_COMMIT:
		if (!q->commit)
			return KERR_INVALID_TXN_STATE;
		break;
	case TRANSACTION_COMPLETE_ABORT:
	case TRANSACTION_PREPARE_ABORT:
		if (q->commit)
			return KERR_INVALID_TXN_STATE;
		break;
	default:
		return KERR_INVALID_TXN_STATE;
	}
	return transaction_is_ending(t) ? KERR_CONCURRENT_TRANSACTIONS : KERR_NONE;
}

static void
prepare_v2(const struct transaction *t, const struct transaction_end *q,
	struct transaction *next)
{
	if (is_last(t->epoch))
		next->next_id = q->fresh_id;
	next->last_epoch = t->epoch;
	next->epoch++;
	next->client_version = q->client_version;
	prepare(next, q->commit, q->now);
}

/* Did the end that it names raise the epoch already? */
static bool
is_retry(const struct transaction *t, const struct transaction_end *q)
{
	if (q->producer_id == t->producer_id && q->epoch == t->epoch - 1)
		return true;
	return q->producer_id == t->previous_id && is_last(q->epoch) && !t->epoch &&
		!transaction_is_ending(t);
}

static int16_t
end_v2(const struct transaction *t, const struct transaction_end *q,
	struct transaction *next)
{
	bool retry = is_retry(t, q), committed;

	if (q->producer_id != t->producer_id && !retry)
		return KERR_INVALID_PRODUCER_ID_MAPPING;
	switch (t->state) {
	case TRANSACTION_ONGOING:
		if (q->epoch != t->epoch)
			return KERR_PRODUCER_FENCED;
		prepare_v2(t, q, next);
		return KERR_NONE;
	case TRANSACTION_COMPLETE_COMMIT:
	case TRANSACTION_COMPLETE_ABORT:
		committed = t->state == TRANSACTION_COMPLETE_COMMIT;
		if (retry)
			return q->commit == committed ? KERR_NONE : KERR_INVALID_TXN_STATE;
		break;
	case TRANSACTION_PREPARE_COMMIT:
	case TRANSACTION_PREPARE_ABORT:
		committed = t->state == TRANSACTION_PREPARE_COMMIT;
		if (!retry)
			return KERR_PRODUCER_FENCED;
		return q->commit == committed ? KERR_CONCURRENT_TRANSACTIONS
			: KERR_INVALID_TXN_STATE;
	default:
		break;
	}
	/* Nothing was added. To abort that is right, and raises the epoch too. */
	if (q->epoch != t->epoch)
		return KERR_PRODUCER_FENCED;
	if (q->commit)
		return KERR_INVALID_TXN_STATE;
	next->started = -1;
	prepare_v2(t, q, next);
	return KERR_NONE;
}

int16_t
transaction_end(const struct transaction *t, const struct transaction_end *q,
	struct transaction *next)
{
	*next = *t;
	return q->client_version >= TRANSACTION_V2 ? end_v2(t, q, next)
		: end_v1(t, q, next);
}

/* ---- time ----------------------------------------------------------------- */

int64_t
transaction_ends_at(const struct transaction *t)
{
	return t->state == TRANSACTION_ONGOING ? t->started + t->timeout_ms : INT64_MAX;
}

bool
transaction_is_expired(const struct transaction *t, int64_t now, int64_t expiration_ms)
{
	return (t->state == TRANSACTION_EMPTY ||
		t->state == TRANSACTION_COMPLETE_COMMIT ||
		t->state == TRANSACTION_COMPLETE_ABORT) &&
		now - t->updated >= expiration_ms;
}

/* ---- partitions ----------------------------------------------------------- */

static int
compare(const struct transaction_part *p, struct slice topic, int32_t partition)
{
	size_t n = p->topic.len < topic.len ? p->topic.len : topic.len;
	int c = memcmp(p->topic.data, topic.data, n);

	if (!c)
		c = (p->topic.len > topic.len) - (p->topic.len < topic.len);
	return c ? c : (p->partition > partition) - (p->partition < partition);
}

/* Where it is or would be. */
static int
place(const struct transaction_parts *p, struct slice topic, int32_t partition)
{
	int low = 0, high = p->n;

	while (low < high) {
		int mid = low + (high - low) / 2;

		if (compare(&p->v[mid], topic, partition) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct transaction_part *
transaction_parts_find(const struct transaction_parts *p, struct slice topic,
	int32_t partition)
{
	int i = place(p, topic, partition);

	return i < p->n && !compare(&p->v[i], topic, partition) ? &p->v[i] : NULL;
}

bool
transaction_parts_add(struct transaction_parts *p, struct slice topic,
	int32_t partition)
{
	int i = place(p, topic, partition);

	if (i < p->n && !compare(&p->v[i], topic, partition))
		return false;
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 4;
		p->v = xreallocarray(p->v, (size_t)p->cap, sizeof(*p->v));
	}
	memmove(&p->v[i + 1], &p->v[i], (size_t)(p->n - i) * sizeof(*p->v));
	p->n++;
	p->bytes += sizeof(*p->v) + topic.len;
	p->v[i] = (struct transaction_part){
		.topic = slice_own(topic), .partition = partition, .fresh = true,
		.first = -1,
	};
	return true;
}

void
transaction_parts_keep(struct transaction_parts *p)
{
	for (int i = 0; i < p->n; i++)
		p->v[i].fresh = false;
}

void
transaction_parts_undo(struct transaction_parts *p)
{
	int kept = 0;

	for (int i = 0; i < p->n; i++) {
		if (p->v[i].fresh) {
			p->bytes -= sizeof(*p->v) + p->v[i].topic.len;
			slice_free(&p->v[i].topic);
		} else {
			p->v[kept++] = p->v[i];
		}
	}
	p->n = kept;
}

void
transaction_parts_release(struct transaction_parts *p)
{
	for (int i = 0; i < p->n; i++)
		slice_free(&p->v[i].topic);
	free(p->v);
	*p = (struct transaction_parts){ 0 };
}
