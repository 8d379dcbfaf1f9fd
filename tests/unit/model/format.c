/* Templates print what kcat 1.7.1 prints for them, and refuse the rest. */
#include "model/format.h"

#include "tap.h"

static const struct record_header headers[] = {
	{ { "a", 1 }, { "1", 1 } }, { { "n", 1 }, { NULL, 0 } },
	{ { "a", 1 }, { "2", 1 } },
};
static const struct record full = {
	.topic = { "t", 1 }, .partition = 3, .offset = 7, .has_timestamp = true,
	.timestamp = 1795438645423, .key = { "key1", 4 }, .value = { "v1", 2 },
	.headers = headers, .headers_n = 3,
};
static const struct record empty = { .topic = { "t", 1 }, .partition = 3 };

static bool
prints(const char *text, const char *null_text, const struct record *r,
	const char *want, size_t want_len)
{
	struct buf out = BUF_INIT;
	struct format *f;
	struct err e = ERR_INIT;
	bool ok = !format_parse(&f, text, null_text, &e);

	if (ok) {
		format_write(f, r, &out);
		ok = slice_eq(buf_slice(&out), slice_make(want, want_len));
		format_free(f);
	}
	if (!ok)
		printf("# '%s' gives '%s' %s\n", text, buf_cstr(&out), e.msg);
	buf_release(&out);
	return ok;
}

#define PRINTS(text, nul, r, want) CHECK(prints(text, nul, r, want, sizeof(want) - 1))

static void
tokens_print_as_kcats(void)
{
	PRINTS("%t [%p] at %o: key %k: %s\\n", "", &full, "t [3] at 7: key key1: v1\n");
	PRINTS("%S|%K|%T|%h|%%", "", &full, "2|4|1795438645423|a=1,n=NULL,a=2|%");
	PRINTS("%R", "", &full, "\0\0\0\x02");
	PRINTS("\\n\\r\\t\\\\\\0\\x41\\xff", "", &full, "\n\r\t\\\0A\xff");
	PRINTS("", "", &full, "");
	PRINTS("100%%%s", "", &full, "100%v1");
}

static void
null_is_told_apart(void)
{
	PRINTS("%s,%k,%S,%K,%T,%h", "", &empty, ",,-1,-1,-1,");
	PRINTS("%s,%k", "NULL", &empty, "NULL,NULL");
	PRINTS("%R", "", &empty, "\xff\xff\xff\xff");
}

static void
mistakes_name_their_place(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "%s %z", "no token '%z' at byte 4" },
		{ "%s%", "format ends in '%'" },
		{ "ab\\q", "no such escape at byte 3" },
		{ "\\x4", "no such escape at byte 1" },
		{ "\\", "no such escape at byte 1" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct format *f;
		struct err e = ERR_INIT;

		CHECK_INT(format_parse(&f, bad[i].text, "", &e), -1);
		CHECK_INT(e.code, ERR_USAGE);
		if (!CHECK(strstr(e.msg, bad[i].why) != NULL))
			printf("# %s\n", e.msg);
	}
}

int
main(void)
{
	RUN(tokens_print_as_kcats);
	RUN(null_is_told_apart);
	RUN(mistakes_name_their_place);
	return tap_done();
}
