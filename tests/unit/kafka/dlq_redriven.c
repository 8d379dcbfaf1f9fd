/* What was redriven before, in memory and in the file that it becomes. */
#include "kafka/dlq_redriven.h"

#include <stdlib.h>

#include "tap.h"

static uint64_t
fingerprint(int i)
{
	return (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
}

static int
add(struct dlq_redriven *t, int i, int64_t redrives, struct err *e)
{
	const struct ledger_entry x = {
		.partition = i % 3, .offset = i, .state = LEDGER_REDRIVEN,
		.fingerprint = fingerprint(i), .redrives = redrives,
		.run = slice_str("r1"),
	};

	return dlq_redriven_add(t, &x, e);
}

static void
expect(const struct dlq_redriven *t, int i, int64_t redrives)
{
	struct err e = ERR_INIT;
	struct dlq_redrive last;

	if (!CHECK_INT(dlq_redriven_find(t, fingerprint(i), &last, &e), 1))
		return;
	CHECK_INT(last.partition, i % 3);
	CHECK_INT(last.offset, i);
	CHECK_INT(last.redrives, redrives);
	CHECK_INT(last.run, ledger_run_hash(slice_str("r1")));
}

static void
fill(struct dlq_redriven *t, int n)
{
	struct err e = ERR_INIT;

	for (int i = 1; i <= n; i++)
		if (!CHECK_INT(add(t, i, i % 3 + 1, &e), 0))
			return;
	CHECK_INT(t->n, n);
}

static void
each_is_found_by_its_bytes(void)
{
	struct dlq_redriven t = { 0 };
	struct err e = ERR_INIT;
	struct dlq_redrive last;

	CHECK_INT(dlq_redriven_find(&t, 7, &last, &e), 0);
	fill(&t, 5000);
	for (int i = 1; i <= 5000; i++)
		expect(&t, i, i % 3 + 1);
	CHECK_INT(dlq_redriven_find(&t, 12345, &last, &e), 0);
	CHECK(t.memory != NULL);
	dlq_redriven_release(&t);
}

static void
the_one_that_was_sent_most_often_counts(void)
{
	struct dlq_redriven t = { 0 };
	struct err e = ERR_INIT;

	CHECK_INT(add(&t, 9, 2, &e), 0);
	CHECK_INT(add(&t, 9, 1, &e), 0);
	expect(&t, 9, 2);
	CHECK_INT(add(&t, 9, 3, &e), 0);
	expect(&t, 9, 3);
	CHECK_INT(add(&t, 8, 0, &e), 0);
	CHECK_INT(t.n, 1);
	dlq_redriven_release(&t);
}

static void
many_are_in_a_file_and_found_all_the_same(void)
{
	struct dlq_redriven t = { 0 };
	struct err e = ERR_INIT;
	struct dlq_redrive last;

	fill(&t, 300000);
	CHECK(t.memory == NULL);
	for (int i = 1; i <= 300000; i += 7)
		expect(&t, i, i % 3 + 1);
	CHECK_INT(dlq_redriven_find(&t, fingerprint(300001), &last, &e), 0);
	CHECK_INT(add(&t, 300000, 8, &e), 0);
	expect(&t, 300000, 8);
	dlq_redriven_release(&t);
}

static void
no_room_for_the_file_is_an_error(void)
{
	struct dlq_redriven t = { 0 };
	struct err e = ERR_INIT;
	int i = 0;

	setenv("TMPDIR", "/nonexistent", 1);
	while (!add(&t, ++i, 1, &e) && i < 100000)
		;
	CHECK_INT(e.code, ERR_IO);
	/* what is there stays */
	expect(&t, 1, 1);
	expect(&t, i - 1, 1);
	dlq_redriven_release(&t);
	unsetenv("TMPDIR");
}

int
main(void)
{
	RUN(each_is_found_by_its_bytes);
	RUN(the_one_that_was_sent_most_often_counts);
	RUN(many_are_in_a_file_and_found_all_the_same);
	RUN(no_room_for_the_file_is_an_error);
	return tap_done();
}
