#include "base/buf.h"

#include "tap.h"

static void
the_empty_buffer_is_zero(void)
{
	struct buf b = BUF_INIT;

	CHECK_INT(buf_slice(&b).len, 0);
	CHECK(!slice_is_null(buf_slice(&b)));
	CHECK_STR(buf_cstr(&b), "");
	buf_release(&b);
	CHECK(!b.data && !b.cap);
	buf_release(&b);
}

static void
what_is_added_is_there_in_order(void)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, "a");
	buf_add(&b, "\0b", 2);
	buf_add(&b, NULL, 0);
	buf_addslice(&b, SLICE_NULL);
	buf_addc(&b, 'c');
	buf_addf(&b, "%s-%d", "d", 7);
	buf_addf(&b, "%s", "");
	CHECK(slice_eq(buf_slice(&b), slice_make("a\0bcd-7", 7)));
	CHECK_INT(buf_cstr(&b)[7], 0);
	CHECK_INT(b.len, 7);
	buf_release(&b);
}

static void
numbers_print_to_their_limits(void)
{
	static const struct { int64_t v; const char *text; } cases[] = {
		{ 0, "0" }, { -1, "-1" }, { 10, "10" },
		{ INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT;

		buf_addint(&b, cases[i].v);
		CHECK_STR(buf_cstr(&b), cases[i].text);
		buf_release(&b);
	}
}

static void
it_grows_byte_by_byte_and_all_at_once(void)
{
	struct buf b = BUF_INIT;
	bool same = true;

	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)(i % 251));
	buf_reserve(&b, 1 << 20);
	CHECK(b.cap - b.len >= 1 << 20);
	for (int i = 0; i < 100000; i++)
		same = same && b.data[i] == i % 251;
	CHECK(same);
	CHECK_INT(b.len, 100000);
	buf_release(&b);
}

static void
long_formats_fit(void)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, "x");
	buf_addf(&b, "%*d", 5000, 1);
	CHECK_INT(b.len, 5001);
	CHECK_INT(b.data[5000], '1');
	buf_release(&b);
}

static void
consuming_keeps_the_rest(void)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, "abcdef");
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	CHECK_STR(buf_cstr(&b), "cdef");
	buf_consume(&b, 4);
	CHECK_INT(b.len, 0);
	buf_addstr(&b, "again");
	CHECK_STR(buf_cstr(&b), "again");
	buf_clear(&b);
	CHECK_STR(buf_cstr(&b), "");
	buf_release(&b);
}

int
main(void)
{
	RUN(the_empty_buffer_is_zero);
	RUN(what_is_added_is_there_in_order);
	RUN(numbers_print_to_their_limits);
	RUN(it_grows_byte_by_byte_and_all_at_once);
	RUN(long_formats_fit);
	RUN(consuming_keeps_the_rest);
	return tap_done();
}
