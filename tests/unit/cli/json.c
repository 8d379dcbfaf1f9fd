/* Documents are read strictly, integers to the last digit, and printed as read. */
#include "cli/json.h"

#include "tap.h"

static struct json *
parse(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(slice_str(text), &e);

	if (!j)
		printf("# %s: %s\n", text, e.msg);
	return j;
}

static void
members_and_items_are_found(void)
{
	struct json *j = parse(" {\"a\":\"x\",\"b\":[1,null,true,{}],\"c\":{\"d\":-5}}\n");
	const struct json *b, *item;
	int64_t n = 0;
	bool yes = false;

	CHECK_STR(json_string(json_get(j, "a")), "x");
	CHECK(!json_string(json_get(j, "b")));
	CHECK(!json_get(j, "A") && !json_get(j, "d"));
	b = json_get(j, "b");
	CHECK_STR(json_name(b), "b");
	CHECK(json_is_array(b) && !json_is_object(b) && json_is_object(j));
	item = json_first(b);
	CHECK(json_int(item, &n) && n == 1 && !json_name(item));
	item = json_next(item);
	CHECK(json_is_null(item) && !json_bool(item, &yes));
	item = json_next(item);
	CHECK(json_bool(item, &yes) && yes && !json_is_null(item));
	item = json_next(item);
	CHECK(json_is_object(item) && !json_first(item) && !json_next(item));
	CHECK(json_int(json_get(json_get(j, "c"), "d"), &n) && n == -5);
	json_free(j);
}

static void
what_is_absent_is_of_no_type(void)
{
	struct json *j = parse("[]");
	int64_t n;
	bool yes;

	CHECK(!json_get(j, "a") && !json_get(NULL, "a") && !json_first(NULL));
	CHECK(!json_string(NULL) && !json_int(NULL, &n) && !json_bool(NULL, &yes));
	CHECK(!json_is_null(NULL) && !json_is_object(NULL) && !json_is_array(NULL));
	json_free(j);
}

static void
integers_are_exact(void)
{
	static const int64_t want[] = { INT64_MAX, INT64_MIN, 9007199254740993, 0, -1 };
	struct json *j = parse("[9223372036854775807,-9223372036854775808,"
		"9007199254740993,0,-1]");
	const struct json *item = json_first(j);

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		int64_t n = 42;

		CHECK(json_int(item, &n));
		CHECK_INT(n, want[i]);
		item = json_next(item);
	}
	json_free(j);
}

static void
other_numbers_are_no_integers(void)
{
	struct json *j = parse("[9223372036854775808,1.0,1e3,1.5,\"1\",true,null,[1]]");
	int64_t n;

	for (const struct json *item = json_first(j); item; item = json_next(item))
		CHECK(!json_int(item, &n));
	json_free(j);
}

static void
what_is_read_prints_the_same(void)
{
	static const char text[] = "{\"n\":9223372036854775807,\"f\":0.10,"
		"\"s\":\"1\\\"2\\u001f\xc3\xa4 -3\",\"a\":[1E5,{\"-1\":-0}],"
		"\"z\":null}\n";
	struct json *j = parse(text);
	struct buf b = BUF_INIT;

	json_print(&b, j);
	CHECK_STR(buf_cstr(&b), text);
	buf_release(&b);
	json_free(j);
}

static void
what_is_not_json_is_refused(void)
{
	const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "byte 1: the document is cut short" },
		{ "{\"a\":1", "byte 7: the document is cut short" },
		{ "{\"a\":1}}", "byte 8: not JSON" },
		{ "{\"a\":1} {}", "byte 9: not JSON" },
		{ "{'a':1}", NULL },
		{ "[01]", "byte 2: not a number" },
		{ "[1.]", "byte 2: not a number" },
		{ "[\"1\",-.5]", "byte 6: not a number" },
		{ "[1,]", "byte 4: not JSON" },
		{ "[\"a\nb\"]", "byte 4: control character in a string" },
		{ "[\"a\\u0000b\"]", "byte 4: \\u0000 in a string" },
		{ "{\"\\u0000\":1}", "byte 3: \\u0000 in a string" },
		{ "[\v1]", "byte 2: control character" },
		{ "[\"\xff\"]", "not UTF-8" },
		{ "[\"\\ud800\"]", NULL },
		{ "NaN", "byte 1: not JSON" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		struct json *j = json_parse(slice_str(bad[i].text), &e);

		CHECK(!j);
		CHECK_INT(e.code, ERR_FORMAT);
		if (bad[i].why)
			CHECK_STR(e.msg, bad[i].why);
		json_free(j);
	}
}

static void
nothing_hides_behind_a_nul(void)
{
	struct err e = ERR_INIT;

	CHECK(!json_parse(slice_make("{}\0", 3), &e));
	CHECK(!json_parse(slice_make("{}\0{}", 5), &e));
	CHECK(!json_parse(slice_make("[\"a\0b\"]", 7), &e));
}

int
main(void)
{
	RUN(members_and_items_are_found);
	RUN(what_is_absent_is_of_no_type);
	RUN(integers_are_exact);
	RUN(other_numbers_are_no_integers);
	RUN(what_is_read_prints_the_same);
	RUN(what_is_not_json_is_refused);
	RUN(nothing_hides_behind_a_nul);
	return tap_done();
}
