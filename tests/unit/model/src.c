/* One text a place, and nothing else passes for one. */
#include "model/src.h"

#include "tap.h"

static bool
is_bad(const char *text)
{
	struct err e = ERR_INIT;
	struct src s;

	return src_parse(slice_str(text), &s, &e) && e.code == ERR_FORMAT;
}

static bool
comes_back(const char *text)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct src s;
	bool same = !src_parse(slice_str(text), &s, &e);

	if (same) {
		src_put(&out, &s);
		same = slice_eq_str(buf_slice(&out), text);
	}
	buf_release(&out);
	return same;
}

static void
parts_are_found(void)
{
	struct err e = ERR_INIT;
	struct src s;

	CHECK(!src_parse(slice_str("or.ders_1/12/345"), &s, &e));
	CHECK(slice_eq_str(s.topic, "or.ders_1"));
	CHECK_INT(s.partition, 12);
	CHECK_INT(s.offset, 345);
}

static void
what_is_written_is_what_was_read(void)
{
	CHECK(comes_back("t/0/0"));
	CHECK(comes_back("t/2147483647/9223372036854775807"));
}

static void
nothing_else_is_a_place(void)
{
	static const char *const bad[] = {
		"", "t", "t/0", "t/0/", "/0/0", "t//0", "t/0/0/", "t/0/0/0",
		"a/b/0/0", "t/00/0", "t/0/01", "t/-1/0", "t/0/-1", "t/+1/0",
		"t/ 0/0", "t/0/0 ", "t/0x1/0", "t/1e3/0", "t/2147483648/0",
		"t/0/9223372036854775808", "t/0/99999999999999999999",
	};
	struct err e = ERR_INIT;
	struct src s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK(is_bad(bad[i])))
			printf("# '%s'\n", bad[i]);
	CHECK(src_parse(SLICE_NULL, &s, &e));
}

int
main(void)
{
	RUN(parts_are_found);
	RUN(what_is_written_is_what_was_read);
	RUN(nothing_else_is_a_place);
	return tap_done();
}
