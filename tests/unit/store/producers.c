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
	struct producers s = { 0 };

	CHECK_INT(offer(&s, 0, 0, 10, 100), 0);
	CHECK_INT(offer(&s, 0, 10, 5, 110), 0);
	CHECK_INT(offer(&s, 0, 16, 5, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 0, 14, 5, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 0, 15, 5, 115), 0);
	producers_release(&s);
}

static void
the_last_five_batches_are_known_again(void)
{
	struct producers s = { 0 };

	for (int i = 0; i < 7; i++)
		CHECK_INT(offer(&s, 0, i * 10, 10, 100 + i * 10), 0);
	for (int i = 2; i < 7; i++) {
		CHECK_INT(offer(&s, 0, i * 10, 10, 0), 0);
		CHECK_INT(duplicate, 100 + i * 10);
	}
	CHECK_INT(offer(&s, 0, 10, 10, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	/* Part of one is not that one. */
	CHECK_INT(offer(&s, 0, 60, 9, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	producers_release(&s);
}

static void
epochs_only_rise(void)
{
	struct producers s = { 0 };

	CHECK_INT(offer(&s, 3, 0, 1, 0), 0);
	CHECK_INT(offer(&s, 2, 1, 1, 0), KERR_INVALID_PRODUCER_EPOCH);
	CHECK_INT(offer(&s, 4, 1, 1, 0), KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(offer(&s, 4, 0, 1, 1), 0);
	/* The new epoch's own first batch, again; the old one's is fenced. */
	CHECK_INT(offer(&s, 4, 0, 1, 0), 0);
	CHECK_INT(duplicate, 1);
	CHECK_INT(offer(&s, 3, 0, 1, 0), KERR_INVALID_PRODUCER_EPOCH);
	producers_release(&s);
}

static void
unknown_producers_may_start_anywhere(void)
{
	struct producers s = { 0 };

	CHECK_INT(offer(&s, 5, 4711, 10, 0), 0);
	CHECK_INT(offer(&s, 5, 4721, 10, 10), 0);
	producers_release(&s);
}

static void
sequences_wrap(void)
{
	struct producers s = { 0 };

	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 5, 0), 0);
	CHECK_INT(offer(&s, 0, 0, 5, 5), 0);
	CHECK_INT(offer(&s, 0, 5, 1, 10), 0);
	producers_release(&s);
	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 8, 0), 0);
	CHECK_INT(offer(&s, 0, INT32_MAX - 4, 8, 9), 0);
	CHECK_INT(duplicate, 0);
	CHECK_INT(offer(&s, 0, 3, 1, 8), 0);
	producers_release(&s);
}

static void
batches_without_producer_always_may(void)
{
	struct producers s = { 0 };
	struct batch b = batch_of(-1, -1, -1, 5, 0);
	const char *why;

	CHECK_INT(producers_check(&s, &b, &duplicate, &why), 0);
	producers_add(&s, &b, 0);
	CHECK_INT(s.n, 0);
}

static void
the_state_survives_a_checkpoint(void)
{
	struct producers s = { 0 }, t = { 0 };
	struct buf saved = BUF_INIT;
	struct slice in;

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
		producers_release(&t);
		in = slice_make(saved.data, n);
		CHECK_INT(producers_load(&t, &in), -1);
	}
	producers_expire(&s, 49);
	CHECK_INT(s.n, 2);
	producers_release(&s);
	producers_release(&t);
	buf_release(&saved);
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
	return tap_done();
}
