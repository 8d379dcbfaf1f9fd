/* Who is given which record, and what answers, deaths and time make of it. */
#include "model/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

static struct dispatch d;
static int64_t clock_ms;

static void
begin(int workers, int retries, int ahead)
{
	const struct dispatch_options o = { .workers = workers, .retries = retries,
		.backoff_ms = 100, .backoff_max_ms = 300, .answer_ms = 1000,
		.ahead = ahead };

	clock_ms = 1000;
	dispatch_init(&d, &o);
}

static void
end(void)
{
	dispatch_release(&d);
	CHECK_INT(d.open, 0);
	CHECK_INT(d.bytes, 0);
}

static struct dispatch_now
now(void)
{
	return (struct dispatch_now){ clock_ms, clock_ms + 1000000 };
}

static bool
add(int64_t offset, const char *key)
{
	struct record r = { .topic = slice_str("t"), .offset = offset,
		.key = slice_str(key), .value = slice_str("v") };

	return dispatch_add(&d, &r);
}

/* The offset that a worker is given, -1 = none. */
static int64_t
given(int worker)
{
	struct task *t = dispatch_next(&d, worker, clock_ms);

	return t ? t->r->offset : -1;
}

/* A record that comes of it, and more follow. */
static int
answer_more(int worker, int64_t offset, const char *line)
{
	struct answer a = { .kind = ANSWER_RECORD, .more = true,
		.src = { slice_str("t"), 0, offset } };
	struct err e = ERR_INIT;

	return dispatch_answer(&d, worker, &a, slice_str(line), now(), &e);
}

/* 1 verdict, 0 again, -1 refused. */
static int
answer(int worker, int64_t offset, const char *error, const char *kind)
{
	struct answer a = { .kind = error ? ANSWER_FAILED : ANSWER_DONE,
		.src = { slice_str("t"), 0, offset } };
	struct err e = ERR_INIT;

	a.error.message = slice_str(error);
	a.error.kind = slice_str(kind);
	return dispatch_answer(&d, worker, &a, slice_str("line"), now(), &e);
}

static int
dies(int worker)
{
	const struct answer_error why = { .class = slice_str("kc.died"),
		.message = slice_str("it died") };

	return dispatch_died(&d, worker, &why, now());
}

/* Offset of the next verdict, made negative - 1 when it failed; INT64_MAX = none. */
static int64_t
verdict(void)
{
	struct task *t = dispatch_pop(&d);
	int64_t offset;

	if (!t)
		return INT64_MAX;
	offset = t->kind == ANSWER_FAILED ? -t->r->offset - 1 : t->r->offset;
	task_free(&d, t);
	return offset;
}

static void
answers_in_any_order_come_out_in_theirs(void)
{
	begin(1, 3, 10);
	for (int i = 0; i < 3; i++)
		CHECK(add(i, NULL));
	CHECK(!add(2, NULL));
	CHECK_INT(given(0), 0);
	CHECK_INT(given(0), 1);
	CHECK_INT(given(0), 2);
	CHECK_INT(given(0), -1);
	CHECK_INT(answer(0, 2, NULL, NULL), 1);
	CHECK_INT(answer(0, 1, NULL, NULL), 1);
	CHECK_INT(verdict(), INT64_MAX);
	CHECK_INT(answer(0, 0, NULL, NULL), 1);
	for (int i = 0; i < 3; i++)
		CHECK_INT(verdict(), i);
	CHECK_INT(d.open, 0);
	end();
}

static void
records_of_a_key_go_one_after_the_other(void)
{
	begin(1, 3, 10);
	add(0, "a");
	add(1, "a");
	add(2, "b");
	add(3, "a");
	CHECK_INT(given(0), 0);
	CHECK_INT(given(0), 2);
	CHECK_INT(given(0), -1);
	answer(0, 0, NULL, NULL);
	CHECK_INT(given(0), 1);
	CHECK_INT(given(0), -1);
	answer(0, 1, NULL, NULL);
	CHECK_INT(given(0), 3);
	end();
}

static void
a_key_stays_with_its_worker_and_others_are_spread(void)
{
	int with[4] = { 0 };

	begin(4, 3, 1000);
	for (int i = 0; i < 400; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key %d", i % 100);
		add(i, key);
	}
	for (int w = 0; w < 4; w++)
		while (given(w) >= 0)
			with[w]++;
	for (int w = 0; w < 4; w++)
		CHECK(with[w] > 5);
	CHECK_INT(with[0] + with[1] + with[2] + with[3], 100);
	end();
	begin(2, 3, 10);
	for (int i = 0; i < 4; i++)
		add(i, NULL);
	CHECK_INT(d.workers[0].ready_n, 2);
	CHECK_INT(d.workers[1].ready_n, 2);
	end();
}

static void
what_was_not_asked_is_no_answer(void)
{
	begin(2, 3, 10);
	add(0, NULL);
	CHECK_INT(answer(0, 0, NULL, NULL), -1); /* not given yet */
	CHECK_INT(given(0), 0);
	CHECK_INT(answer(1, 0, NULL, NULL), -1); /* to another */
	CHECK_INT(answer(0, 7, NULL, NULL), -1);
	CHECK_INT(answer(0, 0, NULL, NULL), 1);
	CHECK_INT(answer(0, 0, NULL, NULL), -1); /* twice */
	CHECK_INT(verdict(), 0);
	CHECK_INT(answer(0, 0, NULL, NULL), -1);
	end();
}

static void
a_failure_is_tried_again_after_a_pause_that_doubles(void)
{
	begin(1, 3, 10);
	add(0, "k");
	add(1, "k");
	CHECK_INT(given(0), 0);
	CHECK_INT(answer(0, 0, "no", NULL), 0);
	CHECK_INT(given(0), -1); /* nor its key's next */
	CHECK_INT(dispatch_tick(&d, clock_ms), clock_ms + 100);
	clock_ms += 100;
	dispatch_tick(&d, clock_ms);
	CHECK_INT(given(0), 0);
	answer(0, 0, "no", "transient");
	CHECK_INT(dispatch_tick(&d, clock_ms), clock_ms + 200);
	clock_ms += 200;
	dispatch_tick(&d, clock_ms);
	CHECK_INT(given(0), 0);
	answer(0, 0, "no", NULL);
	CHECK_INT(dispatch_tick(&d, clock_ms), clock_ms + 300); /* the most */
	clock_ms += 300;
	dispatch_tick(&d, clock_ms);
	CHECK_INT(given(0), 0);
	CHECK_INT(answer(0, 0, "no", NULL), 1);
	CHECK_INT(verdict(), -1);
	CHECK_INT(given(0), 1);
	end();
}

static void
a_permanent_failure_is_a_verdict_at_once(void)
{
	begin(1, 3, 10);
	add(0, NULL);
	given(0);
	CHECK_INT(answer(0, 0, "no", "permanent"), 1);
	CHECK_INT(verdict(), -1);
	end();
}

static void
the_record_that_kills_is_found_and_is_poison(void)
{
	begin(1, 3, 10);
	for (int i = 0; i < 4; i++)
		add(i, NULL);
	CHECK_INT(given(0), 0);
	answer(0, 0, NULL, NULL);
	for (int i = 1; i < 4; i++)
		CHECK_INT(given(0), i);
	CHECK_INT(dies(0), 0);
	/* one at a time, in order */
	CHECK_INT(given(0), 1);
	CHECK_INT(given(0), -1);
	CHECK_INT(answer(0, 1, NULL, NULL), 1);
	CHECK_INT(given(0), 2);
	CHECK_INT(dies(0), 1);
	CHECK_INT(given(0), 3);
	CHECK_INT(answer(0, 3, NULL, NULL), 1);
	CHECK_INT(verdict(), 0);
	CHECK_INT(verdict(), 1);
	CHECK_INT(verdict(), -3);
	CHECK_INT(verdict(), 3);
	end();
}

static void
a_handler_that_never_answered_makes_no_poison(void)
{
	begin(1, 3, 10);
	add(0, NULL);
	CHECK_INT(given(0), 0);
	CHECK_INT(dies(0), 0);
	CHECK_INT(given(0), 0);
	CHECK_INT(dies(0), 0);
	CHECK_INT(given(0), -1);
	add(1, NULL);
	CHECK_INT(given(0), 1); /* others first */
	CHECK_INT(answer(0, 1, NULL, NULL), 1);
	clock_ms += 1000;
	dispatch_tick(&d, clock_ms);
	CHECK_INT(given(0), 0);
	CHECK_INT(dies(0), 0);
	CHECK_INT(given(0), 0);
	CHECK_INT(dies(0), 1);
	CHECK_INT(verdict(), -1);
	end();
}

static void
slow_is_not_hung(void)
{
	begin(1, 3, 10);
	for (int i = 0; i < 3; i++) {
		add(i, NULL);
		given(0);
	}
	for (int i = 0; i < 3; i++) {
		clock_ms += 900;
		CHECK(!dispatch_overdue(&d, 0, clock_ms));
		answer(0, i, NULL, NULL);
	}
	end();
}

static void
a_record_that_is_left_out_is_overdue(void)
{
	begin(1, 3, 10);
	add(0, NULL);
	given(0);
	for (int i = 1; i < 5; i++) {
		add(i, NULL);
		given(0);
		clock_ms += 300;
		answer(0, i, NULL, NULL);
	}
	CHECK(dispatch_overdue(&d, 0, clock_ms));
	CHECK_INT(dispatch_tick(&d, clock_ms), 2000);
	end();
}

static void
a_partition_that_goes_away_leaves_nothing(void)
{
	begin(1, 3, 2);
	add(0, "a");
	add(1, "a");
	add(2, "b");
	add(3, "c");
	add(4, "a");
	CHECK_INT(given(0), 0);
	CHECK_INT(given(0), 2);
	answer(0, 2, "no", NULL);
	dispatch_forget(&d, slice_str("t"), 0);
	CHECK_INT(d.open, 0);
	CHECK_INT(d.bytes, 0);
	CHECK(d.workers[0].tainted);
	dispatch_restarted(&d, 0);
	CHECK(!dispatch_wants(&d, 0));
	CHECK_INT(dispatch_tick(&d, clock_ms), INT64_MAX);
	CHECK(add(0, "a"));
	CHECK_INT(given(0), 0);
	end();
}

static void
several_answers_count_together(void)
{
	struct answer_error why = { .class = slice_str("x") };
	struct task *t;

	begin(1, 1, 10);
	for (int i = 0; i < 3; i++)
		add(i, NULL);
	given(0), given(0), given(0);
	CHECK_INT(answer_more(0, 0, "a"), 0);
	CHECK_INT(answer_more(0, 1, "lost"), 0);
	CHECK_INT(answer_more(0, 0, "b"), 0);
	/* each is a sign of life */
	clock_ms += 999;
	CHECK_INT(answer_more(0, 0, "c"), 0);
	clock_ms += 999;
	CHECK(!dispatch_overdue(&d, 0, clock_ms));
	CHECK_INT(answer(0, 0, NULL, NULL), 1);
	t = dispatch_pop(&d);
	CHECK(t && t->kind == ANSWER_RECORD);
	CHECK(t && slice_eq_str(buf_slice(&t->answer), "a\nb\nc"));
	task_free(&d, t);
	dispatch_died(&d, 0, &why, now());
	CHECK_INT(given(0), 1);
	CHECK_INT(answer(0, 1, NULL, NULL), 1);
	t = dispatch_pop(&d);
	CHECK(t && t->kind == ANSWER_DONE);
	task_free(&d, t);
	CHECK_INT(given(0), 2);
	CHECK_INT(answer_more(0, 2, "x"), 0);
	CHECK_INT(answer(0, 2, "no", "permanent"), 1);
	t = dispatch_pop(&d);
	CHECK(t && t->kind == ANSWER_FAILED && !memchr(t->answer.data, 'x',
		t->answer.len));
	task_free(&d, t);
	end();
}

int
main(void)
{
	RUN(answers_in_any_order_come_out_in_theirs);
	RUN(records_of_a_key_go_one_after_the_other);
	RUN(a_key_stays_with_its_worker_and_others_are_spread);
	RUN(what_was_not_asked_is_no_answer);
	RUN(a_failure_is_tried_again_after_a_pause_that_doubles);
	RUN(a_permanent_failure_is_a_verdict_at_once);
	RUN(the_record_that_kills_is_found_and_is_poison);
	RUN(a_handler_that_never_answered_makes_no_poison);
	RUN(slow_is_not_hung);
	RUN(a_record_that_is_left_out_is_overdue);
	RUN(a_partition_that_goes_away_leaves_nothing);
	RUN(several_answers_count_together);
	return tap_done();
}
