/* raw: lines as values, keys in front of delimiters, escapes. */
#include "model/raw.h"

#include "tap.h"

static void
check_line(const struct raw_form *form, const char *line, const char *key,
	const char *value)
{
	struct record r;

	raw_read(form, slice_str(line), &r);
	CHECK(slice_eq(r.key, slice_str(key)));
	CHECK(slice_eq(r.value, slice_str(value)));
	CHECK_INT(r.partition, -1);
	CHECK(!r.has_timestamp);
}

static void
a_line_is_a_value(void)
{
	const struct raw_form form = { .key = SLICE_NULL };

	check_line(&form, "a=b", NULL, "a=b");
	check_line(&form, "", NULL, "");
}

static void
the_first_delimiter_ends_the_key(void)
{
	const struct raw_form form = { .key_delimiter = slice_str("::") };

	check_line(&form, "k::v::w", "k", "v::w");
	check_line(&form, "::v", "", "v");
	check_line(&form, "k::", "k", "");
	check_line(&form, "k:v", NULL, "k:v");
}

static void
empty_is_null_when_wanted(void)
{
	const struct raw_form form = { .key_delimiter = slice_str("="),
		.empty_is_null = true };

	check_line(&form, "=", NULL, NULL);
	check_line(&form, "", NULL, NULL);
	check_line(&form, "k=v", "k", "v");
}

static void
every_record_has_the_key(void)
{
	const struct raw_form form = { .key = slice_str("k") };

	check_line(&form, "v", "k", "v");
}

static void
check_unescape(const char *text, const char *want, size_t n)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	if (CHECK_INT(raw_unescape(text, &out, &e), 0))
		CHECK(slice_eq(buf_slice(&out), slice_make(want, n)));
	buf_release(&out);
}

static void
escapes_mean_bytes(void)
{
	check_unescape("ab", "ab", 2);
	check_unescape("\\n\\t\\r\\0\\\\", "\n\t\r\0\\", 5);
	check_unescape("\\x1f\\xFf", "\x1f\xff", 2);
	check_unescape("\\x00z", "\0z", 2);
}

static void
others_mean_nothing(void)
{
	static const char *const bad[] = { "", "\\", "\\q", "\\x", "\\x1", "\\xg1", "a\\" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		CHECK_INT(raw_unescape(bad[i], &out, &e), -1);
		CHECK_INT(e.code, ERR_USAGE);
		buf_release(&out);
	}
}

int
main(void)
{
	RUN(a_line_is_a_value);
	RUN(the_first_delimiter_ends_the_key);
	RUN(empty_is_null_when_wanted);
	RUN(every_record_has_the_key);
	RUN(escapes_mean_bytes);
	RUN(others_mean_nothing);
	return tap_done();
}
