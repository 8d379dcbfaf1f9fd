/* One transactional id: every event in every state, fencing, retries, the end of epochs. */
#include "coord/transaction.h"

#include "coord/transaction_records.h"
#include "tap.h"
#include "wire/errors.h"

#define S(text) slice_str(text)

enum { PID = 7, FRESH = 9, NOW = 5000, LAST = INT16_MAX - 1 };

static struct transaction
in_state(enum transaction_state s)
{
	struct transaction t = transaction_new(PID);

	t.state = s;
	t.epoch = 3;
	t.timeout_ms = 1000;
	t.started = s == TRANSACTION_EMPTY ? -1 : 4000;
	t.updated = 4000;
	return t;
}

static int16_t
init(struct transaction *t, int64_t id, int16_t epoch)
{
	struct transaction_init q = {
		.producer_id = id, .epoch = epoch, .timeout_ms = 60000,
		.fresh_id = FRESH, .now = NOW,
	};
	struct transaction next;
	int16_t error = transaction_init(t, &q, &next);

	if (!error)
		*t = next;
	return error;
}

static int16_t
end(struct transaction *t, int16_t version, int64_t id, int16_t epoch, bool commit)
{
	struct transaction_end q = {
		.producer_id = id, .epoch = epoch, .commit = commit,
		.client_version = version, .fresh_id = FRESH, .now = NOW,
	};
	struct transaction next;
	int16_t error = transaction_end(t, &q, &next);

	if (!error)
		*t = next;
	return error;
}

static int16_t
add(struct transaction *t, int64_t id, int16_t epoch)
{
	struct transaction next;
	int16_t error = transaction_add(t, id, epoch, TRANSACTION_V1, NOW, &next);

	if (!error)
		*t = next;
	return error;
}

/* What an event leads to, from each state: an error, or a state. */
static const struct row {
	enum transaction_state from;
	int16_t add, commit, abort, init;      /* errors */
	enum transaction_state committed, aborted, inited;
} v1[] = {
	{ TRANSACTION_EMPTY, 0, KERR_INVALID_TXN_STATE, KERR_INVALID_TXN_STATE, 0,
		0, 0, TRANSACTION_EMPTY },
	{ TRANSACTION_ONGOING, 0, 0, 0, 0, TRANSACTION_PREPARE_COMMIT,
		TRANSACTION_PREPARE_ABORT, TRANSACTION_PREPARE_ABORT },
	{ TRANSACTION_PREPARE_COMMIT, KERR_CONCURRENT_TRANSACTIONS,
		KERR_CONCURRENT_TRANSACTIONS, KERR_INVALID_TXN_STATE,
		KERR_CONCURRENT_TRANSACTIONS, 0, 0, 0 },
	{ TRANSACTION_PREPARE_ABORT, KERR_CONCURRENT_TRANSACTIONS,
		KERR_INVALID_TXN_STATE, KERR_CONCURRENT_TRANSACTIONS,
		KERR_CONCURRENT_TRANSACTIONS, 0, 0, 0 },
	{ TRANSACTION_COMPLETE_COMMIT, 0, 0, KERR_INVALID_TXN_STATE, 0,
		TRANSACTION_COMPLETE_COMMIT, 0, TRANSACTION_EMPTY },
	{ TRANSACTION_COMPLETE_ABORT, 0, KERR_INVALID_TXN_STATE, 0, 0,
		0, TRANSACTION_COMPLETE_ABORT, TRANSACTION_EMPTY },
};

static void
every_event_in_every_state(void)
{
	for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]); i++) {
		const struct row *r = &v1[i];
		struct transaction t = in_state(r->from);

		CHECK_INT(add(&t, PID, 3), r->add);
		if (!r->add)
			CHECK_INT(t.state, TRANSACTION_ONGOING);
		t = in_state(r->from);
		CHECK_INT(end(&t, TRANSACTION_V1, PID, 3, true), r->commit);
		if (!r->commit)
			CHECK_INT(t.state, r->committed);
		CHECK_INT(t.epoch, 3);
		t = in_state(r->from);
		CHECK_INT(end(&t, TRANSACTION_V1, PID, 3, false), r->abort);
		if (!r->abort)
			CHECK_INT(t.state, r->aborted);
		t = in_state(r->from);
		CHECK_INT(init(&t, -1, -1), r->init);
		if (!r->init)
			CHECK_INT(t.state, r->inited);
		CHECK_INT(t.epoch, r->init ? 3 : 4);
	}
}

/* KIP-890: every end raises the epoch, so that a retry is told from the next end. */
static const struct row_v2 {
	enum transaction_state from;
	int16_t commit, abort;             /* of the present epoch */
	int16_t commit_again, abort_again; /* of the one before */
} v2[] = {
	{ TRANSACTION_EMPTY, KERR_INVALID_TXN_STATE, 0,
		KERR_PRODUCER_FENCED, KERR_PRODUCER_FENCED },
	{ TRANSACTION_ONGOING, 0, 0, KERR_PRODUCER_FENCED, KERR_PRODUCER_FENCED },
	{ TRANSACTION_PREPARE_COMMIT, KERR_PRODUCER_FENCED, KERR_PRODUCER_FENCED,
		KERR_CONCURRENT_TRANSACTIONS, KERR_INVALID_TXN_STATE },
	{ TRANSACTION_PREPARE_ABORT, KERR_PRODUCER_FENCED, KERR_PRODUCER_FENCED,
		KERR_INVALID_TXN_STATE, KERR_CONCURRENT_TRANSACTIONS },
	{ TRANSACTION_COMPLETE_COMMIT, KERR_INVALID_TXN_STATE, 0,
		0, KERR_INVALID_TXN_STATE },
	{ TRANSACTION_COMPLETE_ABORT, KERR_INVALID_TXN_STATE, 0,
		KERR_INVALID_TXN_STATE, 0 },
};

static void
every_end_of_version_2_in_every_state(void)
{
	for (size_t i = 0; i < sizeof(v2) / sizeof(v2[0]); i++) {
		const struct row_v2 *r = &v2[i];
		struct transaction t = in_state(r->from);

		CHECK_INT(end(&t, TRANSACTION_V2, PID, 3, true), r->commit);
		CHECK_INT(t.epoch, r->commit ? 3 : 4);
		t = in_state(r->from);
		CHECK_INT(end(&t, TRANSACTION_V2, PID, 3, false), r->abort);
		CHECK_INT(t.epoch, r->abort ? 3 : 4);
		if (!r->abort)
			CHECK_INT(t.state, TRANSACTION_PREPARE_ABORT);
		t = in_state(r->from);
		CHECK_INT(end(&t, TRANSACTION_V2, PID, 2, true), r->commit_again);
		CHECK_INT(t.epoch, 3);
		CHECK_INT(end(&t, TRANSACTION_V2, PID, 2, false), r->abort_again);
		CHECK_INT(t.epoch, 3);
	}
}

static void
others_are_fenced(void)
{
	struct transaction t = in_state(TRANSACTION_ONGOING);

	CHECK_INT(add(&t, PID, 2), KERR_PRODUCER_FENCED);
	CHECK_INT(add(&t, PID, 4), KERR_PRODUCER_FENCED);
	CHECK_INT(add(&t, PID + 1, 3), KERR_INVALID_PRODUCER_ID_MAPPING);
	CHECK_INT(end(&t, TRANSACTION_V1, PID, 2, true), KERR_PRODUCER_FENCED);
	CHECK_INT(end(&t, TRANSACTION_V1, PID + 1, 3, true),
		KERR_INVALID_PRODUCER_ID_MAPPING);
	CHECK_INT(end(&t, TRANSACTION_V2, PID + 1, 3, true),
		KERR_INVALID_PRODUCER_ID_MAPPING);
	CHECK_INT(init(&t, PID, 2), KERR_PRODUCER_FENCED);
	CHECK_INT(init(&t, PID + 1, 3), KERR_PRODUCER_FENCED);
	CHECK_INT(t.state, TRANSACTION_ONGOING);
}

/* KIP-360: a producer names what it has, and may have lost the reply. */
static void
a_producer_that_says_who_it_is_goes_on(void)
{
	struct transaction t = in_state(TRANSACTION_COMPLETE_ABORT);

	CHECK_INT(init(&t, PID, 3), 0);
	CHECK_INT(t.epoch, 4);
	CHECK_INT(init(&t, PID, 3), 0); /* again */
	CHECK_INT(t.epoch, 4);
	CHECK_INT(init(&t, PID, 2), KERR_PRODUCER_FENCED);
	CHECK_INT(init(&t, -1, -1), 0); /* somebody else */
	CHECK_INT(t.epoch, 5);
	CHECK_INT(init(&t, PID, 4), KERR_PRODUCER_FENCED);
	/* An id that is not known any more: whatever it had. */
	t = transaction_new(FRESH);
	CHECK_INT(init(&t, PID, 77), 0);
	CHECK_INT(t.producer_id, FRESH);
	CHECK_INT(t.epoch, 0);
	CHECK_INT(t.timeout_ms, 60000);
}

static void
epochs_end_in_a_new_producer_id(void)
{
	struct transaction t = in_state(TRANSACTION_COMPLETE_COMMIT), next;

	t.epoch = LAST;
	CHECK(transaction_is_exhausted(&t));
	CHECK_INT(init(&t, PID, LAST), 0);
	CHECK_INT(t.producer_id, FRESH);
	CHECK_INT(t.previous_id, PID);
	CHECK_INT(t.epoch, 0);
	CHECK(!transaction_is_exhausted(&t));
	/* The reply was lost. */
	CHECK_INT(init(&t, PID, LAST), 0);
	CHECK_INT(t.producer_id, FRESH);
	CHECK_INT(t.epoch, 0);

	/* Fencing always has one epoch left. */
	t = in_state(TRANSACTION_ONGOING);
	t.epoch = LAST;
	transaction_fence(&t, NOW, &next);
	CHECK_INT(next.epoch, INT16_MAX);
	transaction_complete(&next, NOW, &t);
	CHECK_INT(init(&t, -1, -1), 0);
	CHECK_INT(t.producer_id, FRESH);

	/* An end of version 2 gives the new producer id itself. */
	t = in_state(TRANSACTION_ONGOING);
	t.epoch = LAST;
	CHECK_INT(end(&t, TRANSACTION_V2, PID, LAST, true), 0);
	CHECK_INT(t.producer_id, PID); /* the markers are of the old one */
	CHECK_INT(t.epoch, INT16_MAX);
	CHECK_INT(t.next_id, FRESH);
	transaction_complete(&t, NOW, &next);
	CHECK_INT(next.producer_id, FRESH);
	CHECK_INT(next.previous_id, PID);
	CHECK_INT(next.epoch, 0);
	CHECK_INT(end(&next, TRANSACTION_V2, PID, LAST, true), 0); /* a retry */
	CHECK_INT(next.state, TRANSACTION_COMPLETE_COMMIT);
	CHECK_INT(end(&next, TRANSACTION_V2, PID, LAST, false), KERR_INVALID_TXN_STATE);
}

static void
times_are_kept(void)
{
	struct transaction t = in_state(TRANSACTION_EMPTY), next;

	CHECK_INT(transaction_ends_at(&t), INT64_MAX);
	CHECK(!transaction_is_expired(&t, 4099, 100));
	CHECK(transaction_is_expired(&t, 4100, 100));
	CHECK_INT(add(&t, PID, 3), 0);
	CHECK_INT(t.started, NOW);
	CHECK_INT(transaction_ends_at(&t), NOW + 1000);
	CHECK(!transaction_is_expired(&t, INT64_MAX / 2, 100));
	transaction_fence(&t, NOW + 1000, &next);
	CHECK_INT(next.state, TRANSACTION_PREPARE_ABORT);
	CHECK_INT(next.epoch, 4);
	CHECK_INT(next.started, NOW);
	transaction_complete(&next, NOW + 1001, &t);
	CHECK_INT(t.state, TRANSACTION_COMPLETE_ABORT);
	/* The producer that was too slow. */
	CHECK_INT(end(&t, TRANSACTION_V1, PID, 3, true), KERR_PRODUCER_FENCED);
	CHECK_INT(add(&t, PID, 3), KERR_PRODUCER_FENCED);
}

static void
partitions_are_a_sorted_set(void)
{
	struct transaction_parts p = { 0 };

	CHECK(transaction_parts_add(&p, S("b"), 1));
	CHECK(transaction_parts_add(&p, S("a"), 2));
	CHECK(transaction_parts_add(&p, S("ab"), 0));
	CHECK(!transaction_parts_add(&p, S("b"), 1));
	transaction_parts_keep(&p);
	CHECK(transaction_parts_add(&p, S("a"), 0));
	CHECK_INT(p.n, 4);
	CHECK_INT(p.v[0].partition, 0);
	CHECK(slice_eq_str(p.v[2].topic, "ab"));
	transaction_parts_undo(&p);
	CHECK_INT(p.n, 3);
	CHECK(!transaction_parts_find(&p, S("a"), 0));
	CHECK(transaction_parts_find(&p, S("a"), 2));
	CHECK(!transaction_parts_find(&p, S("c"), 1));
	transaction_parts_release(&p);
}

static void
records_come_back(void)
{
	struct transaction t = in_state(TRANSACTION_PREPARE_COMMIT), back;
	struct transaction_parts p = { 0 }, q = { 0 };
	struct wire_writer w = { 0 };
	struct arena a = { 0 };
	struct slice id;
	bool starts;

	t.next_id = FRESH;
	t.previous_id = 1;
	t.client_version = TRANSACTION_V2;
	transaction_parts_add(&p, S("t"), 0);
	transaction_parts_add(&p, S("t"), 2);
	transaction_parts_add(&p, S("u"), 1);
	p.v[1].first = 77;
	transaction_record_key(&w, S("id"));
	CHECK(slice_eq(buf_slice(&w.out), slice_make("\0\0\0\2id", 6)));
	CHECK_INT(transaction_read_key(buf_slice(&w.out), &id), 0);
	CHECK(slice_eq_str(id, "id"));
	transaction_record_value(&w, &t, &p);
	CHECK_INT(transaction_read_value(buf_slice(&w.out), &a, &back, &q, &starts), 0);
	CHECK(starts);
	CHECK_INT(back.state, t.state);
	CHECK_INT(back.producer_id, PID);
	CHECK_INT(back.previous_id, 1);
	CHECK_INT(back.next_id, FRESH);
	CHECK_INT(back.epoch, 3);
	CHECK_INT(back.client_version, TRANSACTION_V2);
	CHECK_INT(back.started, 4000);
	CHECK_INT(back.timeout_ms, 1000);
	CHECK_INT(q.n, 3);
	CHECK_INT(q.v[1].first, 77);
	CHECK_INT(q.v[0].first, -1);
	transaction_parts_release(&q);
	for (size_t n = 0; n < w.out.len; n++) {
		CHECK(transaction_read_value(slice_make(w.out.data, n), &a, &back, &q,
			&starts));
		CHECK_INT(q.n, 0);
	}
	transaction_parts_release(&p);
	wire_writer_release(&w);
	arena_release(&a);
}

int
main(void)
{
	RUN(every_event_in_every_state);
	RUN(every_end_of_version_2_in_every_state);
	RUN(others_are_fenced);
	RUN(a_producer_that_says_who_it_is_goes_on);
	RUN(epochs_end_in_a_new_producer_id);
	RUN(times_are_kept);
	RUN(partitions_are_a_sorted_set);
	RUN(records_come_back);
	return tap_done();
}
