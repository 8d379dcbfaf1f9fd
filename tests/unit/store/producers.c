/* What Kafka answers to every order of epochs and sequence numbers. */
#include "store/producers.h"

#include "wire/errors.h"
#include "tap.h"

static struct batch
batch_of(int64_t pid, int16_t epoch, int32_t seq, int32_t count, int64_t offset)
{
	return (struct batch){ .producer_id = pid, .producer_epoch = epoch,
		.base_sequence = seq, .last_offset_delta = count - 1, .count = count,
		.base_offset = offset };
}

static int64_t duplicate;

/* Checks, and adds when it may; returns the error. */
static int16_t
offer(struct producers *s, int16_t epoch, int32_t seq, int32_t count, int64_t offset)
{
	struct batch b = batch_of(7, epoch, seq, count, offset);
	const char *why = NULL;
	int16_t error = producers_check(s, &b, &duplicate, &why);

	CHECK(!error == !why);
	if (!error && duplicate < 0)
		producers_add(s, &b, 1000);
	return error;
}

static void
sequences_follow_each_other(void)
{
	struct producers s;

	producers_init(&s);
	CHECK_INT(offer(&s, 0, 0, 10, 100), 0);
	CHECK_INT(offer(&s, 0, 10, 5, 110), 0);
	CHECK_INT(offer(&s, 0, 16, 5, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 0, 14, 5, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 0, 15, 5, 115), 0);
	producers_clear(&s);
}

static void
the_last_five_batches_are_known_again(void)
{
	struct producers s;

	producers_init(&s);
	for (int i = 0; i < 7; i++)
		CHECK_INT(offer(&s, 0, i * 10, 10, 100 + i * 10), 0);
	for (int i = 2; i < 7; i++) {
		CHECK_INT(offer(&s, 0, i * 10, 10, 0), 0);
		CHECK_INT(duplicate, 100 + i * 10);
	}
	CHECK_INT(offer(&s, 0, 10, 10, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	/* Part of one is not that one. */
	CHECK_INT(offer(&s, 0, 60, 9, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	producers_clear(&s);
}

static void
epochs_only_rise(void)
{
	struct producers s;

	producers_init(&s);
	CHECK_INT(offer(&s, 3, 0, 1, 0), 0);
	CHECK_INT(offer(&s, 2, 1, 1, 0), KERR_INVALID_PRODUCER_EPOCH);
	CHECK_INT(offer(&s, 4, 1, 1, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 4, 0, 1, 1), 0);
	/* The new epoch's own first batch, again; the old one's is fenced. */
	CHECK_INT(offer(&s, 4, 0, 1, 0), 0);
	CHECK_INT(duplicate, 1);
	CHECK_INT(offer(&s, 3, 0, 1, 0), KERR_INVALID_PRODUCER_EPOCH);
	producers_clear(&s);
}

static void
unknown_producers_may_start_anywhere(void)
{
	struct producers s;

	producers_init(&s);
	CHECK_INT(offer(&s, 5, 4711, 10, 0), 0);
	CHECK_INT(offer(&s, 5, 4721, 10, 10), 0);
	producers_clear(&s);
}

static void
sequences_wrap(void)
{
	struct producers s;

	producers_init(&s);
	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 5, 0), 0);
	CHECK_INT(offer(&s, 0, 0, 5, 5), 0);
	CHECK_INT(offer(&s, 0, 5, 1, 10), 0);
	producers_clear(&s);
	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 8, 0), 0);
	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 8, 9), 0);
	CHECK_INT(duplicate, 0);
	CHECK_INT(offer(&s, 0, 3, 1, 8), 0);
	producers_clear(&s);
}

static void
batches_without_producer_always_may(void)
{
	struct producers s;
	struct batch b = batch_of(-1, -1, -1, 5, 0);
	const char *why;

	producers_init(&s);
	CHECK_INT(producers_check(&s, &b, &duplicate, &why), 0);
	producers_add(&s, &b, 0);
	CHECK_INT(s.n, 0);
}

static void
the_state_survives_a_checkpoint(void)
{
	struct producers s, t;
	struct buf saved = BUF_INIT;
	struct slice in;

	producers_init(&s);
	producers_init(&t);
	for (int64_t pid = 50; pid > 0; pid--)
		for (int i = 0; i < pid % 8; i++) {
			struct batch b = batch_of(pid, (int16_t)pid, i * 3, 3, pid * 100 + i);

			producers_add(&s, &b, pid);
		}
	producers_save(&s, &saved);
	in = buf_slice(&saved);
	CHECK_INT(producers_load(&t, &in), 0);
	CHECK_INT(in.len, 0);
	CHECK_INT(t.n, s.n);
	for (size_t i = 0; i < s.n; i++) {
		const struct producer *p = s.by_id[i];
		const char *why;
		struct batch b = batch_of(p->id, p->epoch, (int32_t)(p->id % 8) * 3, 1, 0);

		CHECK_INT(t.by_id[i]->id, p->id);
		CHECK_INT(producers_check(&t, &b, &duplicate, &why), 0);
		b.base_sequence -= 3;
		b.last_offset_delta = 2;
		CHECK_INT(producers_check(&t, &b, &duplicate, &why), 0);
		CHECK_INT(duplicate, p->id * 100 + p->id % 8 - 1);
	}
	for (size_t n = 0; n < saved.len; n++) {
		producers_clear(&t);
		in = slice_make(saved.data, n);
		CHECK_INT(producers_load(&t, &in), -1);
	}
	producers_expire(&s, 49);
	CHECK_INT(s.n, 2);
	producers_clear(&s);
	producers_clear(&t);
	buf_release(&saved);
}

static struct batch
of_transaction(int64_t pid, int32_t seq, int64_t offset)
{
	struct batch b = batch_of(pid, 3, seq, 2, offset);

	b.attributes = BATCH_TRANSACTIONAL;
	b.max_timestamp = 77 + pid;
	return b;
}

static void
transactions_survive_a_checkpoint(void)
{
	struct txn_marker m = { 2, 3, 9, false };
	struct producers s, t;
	struct buf saved = BUF_INIT;
	struct aborted_txn aborted;
	const struct producer *p;
	int64_t stable;
	struct batch b;
	struct slice in;

	producers_init(&s);
	producers_init(&t);
	for (int64_t pid = 5; pid > 0; pid--) {
		b = of_transaction(pid, 0, 100 - pid * 10);
		producers_add(&s, &b, 1000);
	}
	b = batch_of(2, 3, -1, 1, 120);
	b.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
	CHECK(producers_end(&s, &b, &m, 1000, &aborted, &stable));
	CHECK_INT(aborted.producer_id, 2);
	CHECK_INT(aborted.first_offset, 80);
	CHECK_INT(aborted.last_offset, 120);
	CHECK_INT(stable, 50);
	producers_save(&s, &saved);
	in = buf_slice(&saved);
	CHECK_INT(producers_load(&t, &in), 0);
	CHECK_INT(in.len, 0);
	CHECK_INT(txns_first(&t.txns), 50);
	for (int64_t pid = 1; pid <= 5; pid++)
		if (CHECK(p = producers_find(&t, pid))) {
			CHECK_INT(p->txn ? p->txn->first : -1,
				pid == 2 ? -1 : 100 - pid * 10);
			CHECK_INT(p->coordinator_epoch, pid == 2 ? 9 : -1);
			CHECK_INT(p->last_timestamp, pid == 2 ? 0 : 77 + pid);
			CHECK_INT(producer_last_sequence(p), 1);
		}
	/* Transactions keep their producers. */
	producers_expire(&t, 2000);
	CHECK_INT(t.n, 4);
	for (size_t n = 0; n < saved.len; n++) {
		producers_clear(&t);
		in = slice_make(saved.data, n);
		CHECK_INT(producers_load(&t, &in), -1);
	}
	producers_clear(&s);
	producers_clear(&t);
	buf_release(&saved);
}

/* Compaction leaves the last batch of a producer, without records. */
static void
an_emptied_batch_opens_nothing(void)
{
	struct producers s;
	struct batch b = of_transaction(1, 0, 0);

	producers_init(&s);
	b.count = 0;
	producers_add(&s, &b, 0);
	CHECK_INT(s.n, 1);
	CHECK_INT(txns_first(&s.txns), INT64_MAX);
	producers_clear(&s);
}

/* No more than so many are remembered: who was silent longest is forgotten. */
static void
the_longest_silent_makes_room(void)
{
	const char *why;
	struct producers s;
	struct batch b;
	struct aborted_txn aborted;
	struct txn_marker end = { .producer_id = 3, .commit = true };
	int64_t stable, dup;

	producers_init(&s);
	for (int64_t id = 0; id < PRODUCERS_MAX; id++) {
		b = batch_of(id, 0, 0, 1, id);
		b.attributes = id == 3 ? BATCH_TRANSACTIONAL : 0;
		producers_add(&s, &b, 1000 + id);
	}
	/* The first one is the oldest, but has just written again. */
	b = batch_of(0, 0, 1, 1, PRODUCERS_MAX);
	producers_add(&s, &b, 900000);
	CHECK_INT(s.n, PRODUCERS_MAX);
	b = batch_of(PRODUCERS_MAX, 0, 0, 1, PRODUCERS_MAX + 1);
	producers_add(&s, &b, 900001);
	CHECK_INT(s.n, PRODUCERS_MAX - PRODUCERS_MAX / 8 + 1);
	CHECK(producers_find(&s, 0));
	CHECK(!producers_find(&s, 1) && !producers_find(&s, 2));
	CHECK(producers_find(&s, 3) && producers_find(&s, 3)->txn);
	CHECK(!producers_find(&s, PRODUCERS_MAX / 8 + 1));
	CHECK(producers_find(&s, PRODUCERS_MAX / 8 + 2));
	CHECK(producers_find(&s, PRODUCERS_MAX));
	/* It may go on where it was; the others are checked as ever. */
	b = batch_of(1, 0, 1, 1, 0);
	CHECK_INT(producers_check(&s, &b, &dup, &why), 0);
	b = batch_of(0, 0, 7, 1, 0);
	CHECK_INT(producers_check(&s, &b, &dup, &why), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	b = batch_of(3, 0, -1, 1, PRODUCERS_MAX + 2);
	producers_end(&s, &b, &end, 900002, &aborted, &stable);
	for (int64_t id = PRODUCERS_MAX + 1; id < 4 * PRODUCERS_MAX; id++) {
		b = batch_of(id, 0, 0, 1, id + 10);
		producers_add(&s, &b, 900000 + id);
		if (s.n > PRODUCERS_MAX)
			break;
	}
	CHECK(s.n <= PRODUCERS_MAX);
	CHECK(!producers_find(&s, 3));
	producers_clear(&s);
}

/* Nor refused when they are in a log; but a client cannot open so many. */
static void
transactions_have_a_limit(void)
{
	struct txn_marker end = { .producer_id = 7, .commit = true };
	struct aborted_txn aborted;
	struct producers s;
	struct batch b;
	const char *why;
	int64_t stable, dup;

	producers_init(&s);
	for (int64_t id = 0; id < PRODUCERS_MAX; id++) {
		b = batch_of(id, 0, 0, 1, id);
		b.attributes = BATCH_TRANSACTIONAL;
		CHECK_INT(producers_check(&s, &b, &dup, &why), 0);
		producers_add(&s, &b, 1000);
	}
	b = batch_of(PRODUCERS_MAX, 0, 0, 1, 0);
	CHECK_INT(producers_check(&s, &b, &dup, &why), 0);
	b.attributes = BATCH_TRANSACTIONAL;
	CHECK_INT(producers_check(&s, &b, &dup, &why), KERR_POLICY_VIOLATION);
	b = batch_of(9, 0, 1, 1, 0);
	b.attributes = BATCH_TRANSACTIONAL;
	CHECK_INT(producers_check(&s, &b, &dup, &why), 0);
	b = batch_of(7, 0, -1, 1, PRODUCERS_MAX);
	producers_end(&s, &b, &end, 2000, &aborted, &stable);
	b = batch_of(PRODUCERS_MAX, 0, 0, 1, 0);
	b.attributes = BATCH_TRANSACTIONAL;
	CHECK_INT(producers_check(&s, &b, &dup, &why), 0);
	producers_clear(&s);
}

/* Open transactions are never forgotten, however many there are. */
static void
open_transactions_are_all_kept(void)
{
	enum { MANY = PRODUCERS_MAX + PRODUCERS_MAX / 2 };
	struct producers s, again;
	struct buf saved = BUF_INIT;
	struct slice in;
	struct batch b;

	producers_init(&s);
	for (int64_t id = 0; id < MANY; id++) {
		b = batch_of(id, 0, 0, 1, id);
		b.attributes = BATCH_TRANSACTIONAL;
		producers_add(&s, &b, 1000);
	}
	CHECK_INT(s.n, MANY);
	producers_save(&s, &saved);
	producers_init(&again);
	in = slice_make(saved.data, saved.len);
	CHECK_INT(producers_load(&again, &in), 0);
	CHECK_INT(again.n, MANY);
	buf_release(&saved);
	producers_clear(&again);
	producers_clear(&s);
}

/* When all partitions together know too many, each forgets for a new one. */
static void
all_together_have_a_limit(void)
{
	size_t all = PRODUCERS_ALL - 100, before = all;
	struct producers s, other;
	struct batch b;

	producers_init(&s);
	producers_init(&other);
	s.all = other.all = &all;
	for (int i = 0; i < 50; i++) {
		b = batch_of(1000 + i, 0, 0, 1, i);
		producers_add(&other, &b, i);
	}
	for (int i = 0; i < 500; i++) {
		b = batch_of(i, 0, 0, 1, i);
		producers_add(&s, &b, i);
	}
	CHECK_INT(all, before + s.n + other.n);
	CHECK_INT(all, PRODUCERS_ALL);
	CHECK_INT(other.n, 50);
	CHECK(!producers_find(&s, 0) && producers_find(&s, 499));
	/* A few are left to whoever comes late. */
	producers_clear(&other);
	for (int i = 0; i < 20; i++) {
		all = PRODUCERS_ALL;
		b = batch_of(i, 0, 0, 1, i);
		producers_add(&other, &b, i);
	}
	CHECK_INT(other.n, PRODUCERS_FEW);
	CHECK(producers_find(&other, 19));
	producers_expire(&other, 19);
	CHECK_INT(other.n, 1);
	CHECK_INT(all, PRODUCERS_ALL - PRODUCERS_FEW + 1);
	producers_clear(&s);
	producers_clear(&other);
}

int
main(void)
{
	RUN(sequences_follow_each_other);
	RUN(the_last_five_batches_are_known_again);
	RUN(epochs_only_rise);
	RUN(unknown_producers_may_start_anywhere);
	RUN(sequences_wrap);
	RUN(batches_without_producer_always_may);
	RUN(the_state_survives_a_checkpoint);
	RUN(transactions_survive_a_checkpoint);
	RUN(an_emptied_batch_opens_nothing);
	RUN(the_longest_silent_makes_room);
	RUN(open_transactions_are_all_kept);
	RUN(transactions_have_a_limit);
	RUN(all_together_have_a_limit);
	return tap_done();
}
