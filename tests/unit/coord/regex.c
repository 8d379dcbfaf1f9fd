/* Patterns of topic names: RE2's language, whole names, and an end to all patience. */
#include "coord/regex.h"

#include "tap.h"

static struct arena arena;

static int
match(const char *pattern, const char *text)
{
	const char *why;
	struct regex *r = regex_new(slice_str(pattern), &arena, &why);
	int got = r ? regex_match(r, slice_str(text)) : -2;

	regex_free(r);
	return got;
}

static void
whole_names_match(void)
{
	CHECK_INT(match("orders", "orders"), 1);
	CHECK_INT(match("order", "orders"), 0);
	CHECK_INT(match("rders", "orders"), 0);
	CHECK_INT(match("^orders$", "orders"), 1);
	CHECK_INT(match("orders|bills", "bills"), 1);
	CHECK_INT(match("orders|bills", "bills2"), 0);
	CHECK_INT(match("o.*[[:alpha:]]\\w", "orders"), 1);
	CHECK_INT(match("(?i)ORDERS", "orders"), 1);
	CHECK_INT(match("(?P<a>o)(?:r)\\p{L}+", "orders"), 1);
	CHECK_INT(match("\\Qa.b\\E", "a.b"), 1);
	CHECK_INT(match("\\Qa.b\\E", "axb"), 0);
	CHECK_INT(match("a{2,3}?", "aaa"), 1);
	CHECK_INT(match("[]a]+", "]a"), 1);
	CHECK_INT(match("", ""), 1);
}

static void
what_re2_does_not_have_is_refused(void)
{
	static const char *const bad[] = {
		"(", ")", "[a", "a**", "*", "a{1001}", "a{2,1001}", "(a)\\1", "\\k<a>",
		"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?R)", "(?(1)a)", "a*+",
		"a++", "(*COMMIT)", "\\", "\\K", "\\R", "\\X", "\\g{1}", "(?x)a", "\\C",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (match(bad[i], "a") != -2)
			CHECK_STR(bad[i], "refused");
}

static void
no_pattern_takes_for_ever(void)
{
	CHECK_INT(match("(a|a)*[x-z]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), -1);
	CHECK_INT(match("(a|aa)+[^c]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), -1);
}

int
main(void)
{
	RUN(whole_names_match);
	RUN(what_re2_does_not_have_is_refused);
	RUN(no_pattern_takes_for_ever);
	arena_release(&arena);
	return tap_done();
}
