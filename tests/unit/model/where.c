/* Conditions on a field, and the places that they name. */
#include "model/where.h"

#include "base/buf.h"
#include "tap.h"

static const char document[] = " {\"a\": 1, \"big\":9007199254740993, \"s\":\"x\\u0041\","
	"\"n\":null,\"t\":true,\"f\":false,\"half\":0.50,"
	"\"list\":[{\"p\":1},{\"p\":2,\"q\":[3]}],\"odd.name\":{\"\\u0062\":7}} ";

static bool
holds(const char *condition, struct slice field)
{
	struct where w;
	struct err e = ERR_INIT;
	bool yes;

	if (!CHECK_INT(where_parse(&w, condition, &e), 0)) {
		printf("# %s: %s\n", condition, e.msg);
		return false;
	}
	yes = where_matches(&w, field);
	where_release(&w);
	return yes;
}

static void
a_condition_holds_or_not(void)
{
	static const struct { const char *condition; bool yes; } cases[] = {
		{ "value.a=1", true }, { "value.a = 1.0", true },
		{ "value.a == \"1\"", true }, { "value.a != 1", false },
		{ "value.a>0", true }, { "value.a > 1", false },
		{ "value.a >= 1", true }, { "value.a<=0", false },
		/* beyond what a double holds */
		{ "value.big = 9007199254740993", true },
		{ "value.big = 9007199254740992", false },
		{ "value.big > 9007199254740992", true },
		{ "value.half = 0.5", true }, { "value.half < .6", false },
		{ "value.s = xA", true }, { "value.s ~ ^x", true },
		{ "value.s !~ A$", false }, { "value.s > 1", false },
		{ "value.n", false }, { "value.n = null", true },
		{ "value.t", true }, { "value.t = true", true },
		{ "value.f", false }, { "value.a", true },
		{ "value.list.p = 2", true }, { "value.list.p = 3", false },
		{ "value.list.q = 3", true }, { "value.list.p != 2", false },
		{ "value.none", false }, { "value.none != 1", true },
		{ "value.\"odd.name\".b = 7", true }, { "value.odd.name.b = 7", false },
		{ "value ~ odd", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *condition = cases[i].condition;
		struct where w;
		struct err e = ERR_INIT;

		if (!strcmp(condition, "value.half < .6")) {
			CHECK_INT(where_parse(&w, condition, &e), -1);
			continue;
		}
		if (!CHECK_INT(holds(condition, slice_str(document)), cases[i].yes))
			printf("# %s\n", condition);
	}
}

static void
what_is_not_there_or_no_document_does_not_match(void)
{
	CHECK(!holds("value.a = 1", SLICE_NULL));
	CHECK(!holds("value.a = 1", slice_str("{\"a\":1")));
	CHECK(!holds("value.a = 1", slice_str("{\"a\":1} x")));
	CHECK(!holds("value.a = 1", slice_str("")));
	CHECK(holds("value.a != 1", slice_str("no json")));
	CHECK(holds("value = null", SLICE_NULL));
	CHECK(!holds("value", SLICE_NULL));
	CHECK(holds("value", slice_str("")));
	CHECK(holds("value = 05", slice_str("05")));
	CHECK(holds("header.a.b = 5", slice_str("5.0")));
}

static void
mistakes_are_usage_errors(void)
{
	static const char *const bad[] = { "", "=", "value. = 1", ".a=1",
		"value.a > x", "value.a >", "value ~ (", "value.\"a = 1",
		"value..a = 1", "value.\"a\"b = 1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct where w;
		struct err e = ERR_INIT;

		if (!CHECK_INT(where_parse(&w, bad[i], &e), -1))
			printf("# '%s'\n", bad[i]);
		CHECK_INT(e.code, ERR_USAGE);
	}
}

int
main(void)
{
	RUN(a_condition_holds_or_not);
	RUN(what_is_not_there_or_no_document_does_not_match);
	RUN(mistakes_are_usage_errors);
	return tap_done();
}
