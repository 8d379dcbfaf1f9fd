/* What a handler may answer, and what is no answer. */
#include "model/answer.h"

#include "tap.h"

static struct answer_reader rd;
static struct err e;

static bool
reads(const char *line, struct answer *a)
{
	e = (struct err)ERR_INIT;
	return !answer_read(&rd, slice_str(line), a, &e);
}

static void
src_alone_is_done(void)
{
	struct answer a;

	CHECK(reads("{\"src\":\"t/1/2\"}", &a));
	CHECK_INT(a.kind, ANSWER_DONE);
	CHECK(slice_eq_str(a.src.topic, "t"));
	CHECK_INT(a.src.offset, 2);
	CHECK(reads("{\"src\":\"t/1/2\",\"error\":null}", &a));
	CHECK_INT(a.kind, ANSWER_DONE);
}

static void
with_a_value_it_is_a_record(void)
{
	struct answer a;

	CHECK(reads("{\"src\":\"t/1/2\",\"key\":\"k\",\"value\":null}", &a));
	CHECK_INT(a.kind, ANSWER_RECORD);
	CHECK(slice_is_null(a.r.value));
	CHECK(slice_eq_str(a.r.key, "k"));
	CHECK(reads("{\"json\":{\"n\":1.10},\"src\":\"t/1/2\"}", &a));
	CHECK_INT(a.kind, ANSWER_RECORD);
	CHECK(slice_eq_str(a.r.value, "{\"n\":1.10}"));
}

static void
with_an_error_it_failed(void)
{
	struct answer a;

	CHECK(reads("{\"value\":\"v\",\"src\":\"t/1/2\",\"error\":\"no \\\"good\\\"\"}", &a));
	CHECK_INT(a.kind, ANSWER_FAILED);
	CHECK(slice_eq_str(a.error.message, "no \"good\""));
	CHECK(slice_is_null(a.error.class));
	CHECK(reads("{\"src\":\"t/1/2\",\"error\":{\"class\":\"C\",\"message\":\"m\","
		"\"stack\":\"a\\nb\",\"cause\":null,\"kind\":\"transient\",\"line\":7,"
		"\"stage\":\"s\"}}", &a));
	CHECK_INT(a.kind, ANSWER_FAILED);
	CHECK(slice_eq_str(a.error.class, "C"));
	CHECK(slice_eq_str(a.error.stack, "a\nb"));
	CHECK(slice_is_null(a.error.cause));
	CHECK(slice_eq_str(a.error.kind, "transient"));
	CHECK(slice_eq_str(a.error.stage, "s"));
	CHECK(reads("{\"src\":\"t/1/2\",\"error\":{}}", &a));
	CHECK_INT(a.kind, ANSWER_FAILED);
}

static void
nothing_else_is_an_answer(void)
{
	static const char *const bad[] = {
		"", "whatever", "[]", "{}", "{\"value\":\"v\"}",
		"{\"src\":null}", "{\"src\":\"t/1\"}", "{\"src\":\"t/1/2\"",
		"{\"src\":\"t/1/2\",\"ok\":true}", "{\"src\":\"t/1/2\"} x",
		"{\"src\":\"t/1/2\",\"error\":7}",
		"{\"src\":\"t/1/2\",\"error\":{\"kind\":\"odd\"}}",
		"{\"src\":\"t/1/2\",\"error\":{\"message\":7}}",
		"{\"src\":\"t/1/2\",\"value\":\"a\",\"json\":1}",
	};
	struct answer a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK(!reads(bad[i], &a) && e.code == ERR_FORMAT))
			printf("# %s\n", bad[i]);
}

static void
a_failure_of_ours_can_be_read(void)
{
	const struct answer_error why = { .class = slice_str("kc.died"),
		.message = slice_str("a \"b\"\n"), .kind = slice_str("poison") };
	const struct src at = { slice_str("t"), 1, 2 };
	struct buf line = BUF_INIT;
	struct answer a;

	answer_put_failure(&line, &at, &why);
	CHECK(reads(buf_cstr(&line), &a));
	CHECK_INT(a.kind, ANSWER_FAILED);
	CHECK_INT(a.src.partition, 1);
	CHECK(slice_eq(a.error.message, why.message));
	CHECK(slice_eq(a.error.class, why.class));
	CHECK(slice_eq(a.error.kind, why.kind));
	CHECK(slice_is_null(a.error.stack));
	buf_release(&line);
}

int
main(void)
{
	RUN(src_alone_is_done);
	RUN(with_a_value_it_is_a_record);
	RUN(with_an_error_it_failed);
	RUN(nothing_else_is_an_answer);
	RUN(a_failure_of_ours_can_be_read);
	answer_reader_release(&rd);
	return tap_done();
}
