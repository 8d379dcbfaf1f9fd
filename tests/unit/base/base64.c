#include "base/base64.h"

#include <stdlib.h>

#include "tap.h"

static void
the_vectors_of_rfc_4648(void)
{
	static const char *const cases[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" }, { "\xfb\xef\xbe", "++++" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT;

		base64_encode(&b, cases[i][0], strlen(cases[i][0]));
		CHECK_STR(buf_cstr(&b), cases[i][1]);
		buf_clear(&b);
		CHECK_INT(base64_decode(&b, cases[i][1], strlen(cases[i][1])), 0);
		CHECK_STR(buf_cstr(&b), cases[i][0]);
		buf_release(&b);
	}
}

static void
what_is_not_canonical_is_refused(void)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "=", "==", "====", "A===", "Zg==Zg==", "Zm8=Zm8=",
		"Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm9-", "Zm9_", "Zg=A", "Z===", "\xff\xff\xff\xff",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b = BUF_INIT;

		buf_addstr(&b, "x");
		if (base64_decode(&b, bad[i], strlen(bad[i])) != -1)
			CHECK_STR(bad[i], "refused");
		CHECK_STR(buf_cstr(&b), "x");
		buf_release(&b);
	}
}

/* One text per bytes: of all four-character texts, what is read is written back. */
static void
reading_is_the_inverse_of_writing(void)
{
	struct buf bytes = BUF_INIT, text = BUF_INIT;
	int read = 0, bad = 0;

	for (uint32_t w = 0; w < 1 << 24; w++) {
		char t[4] = { (char)('+' + (w >> 18)), (char)('+' + (w >> 12 & 63)),
			(char)('+' + (w >> 6 & 63)), (char)('+' + (w & 63)) };

		buf_clear(&bytes);
		if (base64_decode(&bytes, t, 4) < 0)
			continue;
		read++;
		buf_clear(&text);
		base64_encode(&text, bytes.data, bytes.len);
		bad += text.len != 4 || memcmp(text.data, t, 4);
	}
	CHECK(read > 100000);
	CHECK_INT(bad, 0);
	srandom(5);
	for (int n = 0; n < 2000; n++) {
		uint8_t p[2000];

		for (int i = 0; i < n; i++)
			p[i] = (uint8_t)random();
		buf_clear(&text);
		buf_clear(&bytes);
		base64_encode(&text, p, (size_t)n);
		bad += base64_decode(&bytes, text.data, text.len) ||
			bytes.len != (size_t)n || (n && memcmp(bytes.data, p, (size_t)n));
	}
	CHECK_INT(bad, 0);
	buf_release(&bytes);
	buf_release(&text);
}

int
main(void)
{
	RUN(the_vectors_of_rfc_4648);
	RUN(what_is_not_canonical_is_refused);
	RUN(reading_is_the_inverse_of_writing);
	return tap_done();
}
