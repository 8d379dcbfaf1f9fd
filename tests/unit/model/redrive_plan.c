/* A plan's lines, written and read again. */
#include "model/redrive_plan.h"

#include "tap.h"

static void
lines_come_back_as_they_were(void)
{
	struct slice headers[] = { { "-a", 2 }, { "+b=\"c\"", 6 } }, term = { "class=X", 7 };
	const struct redrive_plan_head head = {
		.dlq = { "o.dlq", 5 }, .cluster = { "C", 1 }, .check = { "true", 4 },
		.headers = headers, .headers_n = 2, .max_redrives = 3,
		.run = { .verb = { "redrive", 7 }, .select = &term, .select_n = 1,
			.to = { "retry", 5 } },
	};
	const struct redrive_planned send = { .partition = 1, .offset = 7,
		.letter = 1, .copy = 0xfedcba9876543210u, .redrives = 2,
		.to = { "o/3", 3 } };
	const struct redrive_planned park = { .offset = 8, .park = true,
		.letter = 5, .redrives = 3 };
	struct redrive_plan_head h;
	struct redrive_planned x;
	struct arena a = { 0 };
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	redrive_plan_put_head(&b, &head);
	CHECK_INT(redrive_plan_read_head(slice_make(b.data, b.len - 1), &a, &h, &e), 0);
	CHECK(slice_eq_str(h.dlq, "o.dlq") && slice_eq_str(h.check, "true"));
	CHECK(slice_is_null(h.payload) && h.max_redrives == 3);
	CHECK(h.headers_n == 2 && slice_eq_str(h.headers[1], "+b=\"c\""));
	CHECK(h.run.select_n == 1 && slice_eq_str(h.run.select[0], "class=X"));
	CHECK(slice_eq_str(h.run.to, "retry"));
	buf_clear(&b);
	redrive_plan_put(&b, head.dlq, &send);
	CHECK_STR(buf_cstr(&b), "{\"src\":\"o.dlq/1/7\",\"do\":\"send\",\"to\":\"o/3\",\"redrives\":2,"
		"\"letter\":\"0000000000000001\",\"copy\":\"fedcba9876543210\"}\n");
	CHECK_INT(redrive_plan_read(slice_make(b.data, b.len - 1), head.dlq, &a, &x, &e), 0);
	CHECK(x.partition == 1 && x.offset == 7 && x.copy == send.copy &&
		x.redrives == 2 && !x.park && slice_eq_str(x.to, "o/3"));
	CHECK_INT(redrive_plan_read(slice_make(b.data, b.len - 1), slice_str("p.dlq"),
		&a, &x, &e), -1);
	buf_clear(&b);
	redrive_plan_put(&b, head.dlq, &park);
	CHECK_INT(redrive_plan_read(slice_make(b.data, b.len - 1), head.dlq, &a, &x, &e), 0);
	CHECK(x.park && x.letter == 5 && slice_is_null(x.to));
	buf_release(&b);
	arena_release(&a);
}

static void
the_end_tells_of_every_line_and_their_order(void)
{
	uint64_t one = redrive_plan_digest(redrive_plan_digest(0, slice_str("a")), slice_str("b"));
	uint64_t other = redrive_plan_digest(redrive_plan_digest(0, slice_str("b")), slice_str("a"));
	uint64_t joined = redrive_plan_digest(0, slice_str("ab")), digest;
	struct buf b = BUF_INIT;
	int64_t n;

	CHECK(one != other && one != joined);
	redrive_plan_put_end(&b, 2, one);
	CHECK(redrive_plan_read_end(slice_make(b.data, b.len - 1), &n, &digest));
	CHECK(n == 2 && digest == one);
	CHECK(!redrive_plan_read_end(slice_str("{\"records\":2}"), &n, &digest));
	buf_release(&b);
}

static void
what_is_no_line_of_a_plan_is_an_error(void)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"src\":\"o.dlq/0/1\"}",
		"{\"src\":\"o.dlq/0/x\",\"do\":\"send\",\"to\":\"o\"}",
		"{\"src\":\"o.dlq/0/1\",\"do\":\"eat\",\"to\":\"o\"}",
		"{\"src\":\"o.dlq/0/1\",\"do\":\"send\",\"to\":\"o\",\"copy\":\"xx\"}",
		"{\"src\":\"o.dlq/0/1\",\"do\":\"send\",\"to\":\"o\",\"redrives\":-1}" };
	struct redrive_plan_head h;
	struct redrive_planned x;
	struct arena a = { 0 };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!CHECK_INT(redrive_plan_read(slice_str(bad[i]), slice_str("o.dlq"),
		    &a, &x, &e), -1))
			printf("# %s\n", bad[i]);
		CHECK_INT(redrive_plan_read_head(slice_str(bad[i]), &a, &h, &e), -1);
	}
	CHECK_INT(redrive_plan_read_head(slice_str("{\"plan\":\"replay\",\"dlq\":\"a\",\"cluster\":\"b\"}"),
		&a, &h, &e), -1);
	arena_release(&a);
}

int
main(void)
{
	RUN(lines_come_back_as_they_were);
	RUN(the_end_tells_of_every_line_and_their_order);
	RUN(what_is_no_line_of_a_plan_is_an_error);
	return tap_done();
}
