/* What is masked, and that nothing else is touched. */
#include "model/redact.h"

#include "tap.h"

static void
check(const char *paths, struct record r, struct deadletter d, const char *value,
	const char *key)
{
	struct redact m = { 0 };
	struct arena a = { 0 };
	struct err e = ERR_INIT;

	CHECK_INT(redact_add(&m, paths, &e), 0);
	d.key = r.key;
	if (slice_is_null(d.value))
		d.value = r.value;
	redact_apply(&m, &r, &d, &a);
	CHECK(slice_eq_str(r.value, value));
	CHECK(slice_eq_str(r.key, key));
	redact_release(&m);
	arena_release(&a);
}

static struct record
record(const char *value)
{
	return (struct record){ .key = { "k1", 2 }, .value = slice_str(value) };
}

static void
members_are_masked_and_the_rest_stays_byte_for_byte(void)
{
	const struct deadletter d = { 0 };

	check("value", record("anything"), d, "[redacted]", "k1");
	check("key", record("v"), d, "v", "[redacted]");
	check("value.a", record(" { \"a\" : 1 , \"b\":1.10 } "), d,
		" { \"a\" : \"[redacted]\" , \"b\":1.10 } ", "k1");
	check("value.a.b,value.c", record("[{\"a\":{\"b\":[1,2]}},{\"c\":null}]"), d,
		"[{\"a\":{\"b\":\"[redacted]\"}},{\"c\":\"[redacted]\"}]", "k1");
	check("value.x", record("{\"a\":1}"), d, "{\"a\":1}", "k1");
}

static void
what_cannot_be_looked_into_is_masked_whole(void)
{
	struct deadletter wrapped = { .value = slice_str("{\"a\":1}") };

	check("value.a", record("a=1"), (struct deadletter){ 0 }, "[redacted]", "k1");
	check("value.a", record("{\"a\":1"), (struct deadletter){ 0 }, "[redacted]", "k1");
	check("value.a", record("\"a\":{\"error\":\"{}\"}"), wrapped, "[redacted]", "k1");
	check("value.a", record(NULL), (struct deadletter){ 0 }, NULL, "k1");
}

static void
messages_go_with_their_stacks_and_headers(void)
{
	static const struct record_header headers[] = {
		{ { "trace", 5 }, { "t1", 2 } },
		{ { "__connect.errors.topic", 22 }, { "orders", 6 } },
		{ { "__connect.errors.exception.message", 34 }, { "no card 4111", 12 } },
		{ { "__connect.errors.exception.stacktrace", 37 }, { "X: no card 4111", 15 } },
	};
	struct record r = { .headers = headers, .headers_n = 4 };
	struct redact m = { 0 };
	struct arena a = { 0 };
	struct err e = ERR_INIT;
	struct deadletter d;

	deadletter_read(&r, &d, &a);
	CHECK_INT(redact_add(&m, "message", &e), 0);
	redact_apply(&m, &r, &d, &a);
	CHECK(slice_eq_str(d.error.message, "no card <n>"));
	CHECK(slice_eq_str(d.error.stack, "[redacted]"));
	CHECK(slice_eq_str(d.hops[0].error.message, "no card <n>"));
	CHECK(slice_eq_str(r.headers[0].value, "t1"));
	CHECK(slice_eq_str(r.headers[2].value, "[redacted]"));
	CHECK(slice_eq_str(r.headers[3].value, "[redacted]"));
	redact_release(&m);
	CHECK_INT(redact_add(&m, "header.trace", &e), 0);
	redact_apply(&m, &r, &d, &a);
	CHECK(slice_eq_str(r.headers[0].value, "[redacted]"));
	redact_release(&m);
	arena_release(&a);
}

static void
mistakes_are_usage_errors(void)
{
	static const char *const bad[] = { "", "valu", "value,", "header", "message.a",
		"value..a", "offset" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct redact m = { 0 };
		struct err e = ERR_INIT;

		if (!CHECK_INT(redact_add(&m, bad[i], &e), -1))
			printf("# '%s'\n", bad[i]);
		CHECK_INT(e.code, ERR_USAGE);
		redact_release(&m);
	}
}

int
main(void)
{
	RUN(members_are_masked_and_the_rest_stays_byte_for_byte);
	RUN(what_cannot_be_looked_into_is_masked_whole);
	RUN(messages_go_with_their_stacks_and_headers);
	RUN(mistakes_are_usage_errors);
	return tap_done();
}
