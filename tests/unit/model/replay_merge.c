/* Partitions merged by time: each one's own order, a bounded look-ahead. */
#include "model/replay_merge.h"

#include "tap.h"

static void
add(struct replay_merge *m, int part, int64_t offset, int64_t timestamp)
{
	const struct record_header h = { slice_str("h"), SLICE_NULL };
	const struct record r = { .partition = part, .offset = offset,
		.has_timestamp = timestamp >= 0, .timestamp = timestamp,
		.key = SLICE_NULL, .value = slice_str(""), .headers = &h, .headers_n = 1 };

	replay_merge_add(m, part, &r);
}

/* "part:offset" of the next, as 100 * part + offset; -1 = nothing is known yet. */
static int
next(struct replay_merge *m)
{
	const struct record *r;
	int part;

	if (!replay_merge_ready(m, false))
		return -1;
	r = replay_merge_take(m, &part);
	return r ? 100 * part + (int)r->offset : -1;
}

static void
the_earliest_comes_first(void)
{
	struct replay_merge m;

	replay_merge_init(&m, 2, 1 << 20);
	CHECK_INT(next(&m), -1);
	add(&m, 0, 0, 10);
	add(&m, 0, 1, 30);
	CHECK_INT(next(&m), -1); /* the other may have an earlier one */
	add(&m, 1, 0, 20);
	CHECK_INT(next(&m), 0);
	CHECK_INT(next(&m), 100);
	CHECK_INT(next(&m), -1);
	replay_merge_done(&m, 1);
	CHECK_INT(next(&m), 1);
	replay_merge_done(&m, 0);
	CHECK(!replay_merge_ready(&m, true));
	replay_merge_release(&m);
}

static void
each_keeps_its_own_order(void)
{
	struct replay_merge m;

	replay_merge_init(&m, 2, 1 << 20);
	add(&m, 0, 0, 50);
	add(&m, 0, 1, 10); /* back in time: counts as 50 */
	add(&m, 0, 2, -1); /* no time: with the one before */
	add(&m, 1, 0, 40);
	add(&m, 1, 1, 60);
	replay_merge_done(&m, 0);
	replay_merge_done(&m, 1);
	CHECK_INT(next(&m), 100);
	CHECK_INT(next(&m), 0);
	CHECK_INT(next(&m), 1);
	CHECK_INT(next(&m), 2);
	CHECK_INT(next(&m), 101);
	replay_merge_release(&m);
}

static void
nobody_is_waited_for_without_end(void)
{
	struct replay_merge m;

	replay_merge_init(&m, 2, 1000);
	add(&m, 0, 0, 1);
	CHECK_INT(next(&m), -1);
	CHECK(replay_merge_ready(&m, true));
	for (int i = 1; m.bytes <= 1000; i++)
		add(&m, 0, i, i);
	CHECK_INT(next(&m), 0);
	replay_merge_release(&m);
}

static void
copies_keep_null_and_empty(void)
{
	struct replay_merge m;
	const struct record *r;
	int part;

	replay_merge_init(&m, 1, 0);
	add(&m, 0, 7, 1);
	CHECK_INT(replay_merge_head(&m, 0)->offset, 7);
	r = replay_merge_take(&m, &part);
	CHECK(slice_is_null(r->key));
	CHECK(!slice_is_null(r->value) && !r->value.len);
	CHECK(slice_is_null(r->headers[0].value));
	CHECK(slice_eq_str(r->headers[0].key, "h"));
	CHECK(!replay_merge_head(&m, 0));
	replay_merge_release(&m);
}

int
main(void)
{
	RUN(the_earliest_comes_first);
	RUN(each_keeps_its_own_order);
	RUN(nobody_is_waited_for_without_end);
	RUN(copies_keep_null_and_empty);
	return tap_done();
}
