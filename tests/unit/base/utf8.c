#include "base/utf8.h"

#include <stdlib.h>

#include "tap.h"

/* The definition, by the code point: decode loosely, then ask what is allowed. */
static size_t
naive(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 :
		p[0] >> 3 == 30 ? 4 : 0;
	uint32_t code = len == 1 ? p[0] : len ? p[0] & (0x7fu >> len) : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	return code >= least[len] && code <= 0x10ffff &&
		(code < 0xd800 || code > 0xdfff) ? len : 0;
}

static void
every_three_bytes_agree_with_the_definition(void)
{
	int bad = 0;

	for (uint32_t w = 0; w < 1 << 24; w++) {
		uint8_t p[4] = { w >> 16 & 0xff, w >> 8 & 0xff, w & 0xff, 0x80 };

		for (size_t n = 3; n <= 4; n++)
			bad += utf8_sequence(p, n) != naive(p, n);
	}
	CHECK_INT(bad, 0);
}

static void
every_four_byte_form_agrees_with_the_definition(void)
{
	static const uint8_t last[] = { 0x00, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xff };
	int bad = 0;

	for (uint32_t w = 0xf00000; w < 1 << 24; w++)
		for (size_t i = 0; i < sizeof(last); i++) {
			uint8_t p[4] = { w >> 16 & 0xff, w >> 8 & 0xff, w & 0xff, last[i] };

			bad += utf8_sequence(p, 4) != naive(p, 4);
		}
	CHECK_INT(bad, 0);
}

static void
every_code_point_is_written_and_read(void)
{
	int bad = 0;

	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		uint8_t p[4] = { 0 };
		size_t n = utf8_put(p, code), want = code >= 0xd800 && code <= 0xdfff ? 0 : n;

		bad += utf8_sequence(p, n) != want || utf8_is_valid(p, n) != (want > 0);
		for (size_t k = 0; k < n; k++)
			bad += utf8_sequence(p, k) != 0;
	}
	CHECK_INT(bad, 0);
}

/* The fast path takes eight bytes at a time: put one bad byte everywhere. */
static void
a_bad_byte_is_found_wherever_it_is(void)
{
	uint8_t p[64];
	int bad = 0;

	for (size_t n = 0; n < sizeof(p); n++) {
		memset(p, 'a', sizeof(p));
		bad += !utf8_is_valid(p, n);
		for (size_t i = 0; i < n; i++) {
			p[i] = 0xff;
			bad += utf8_is_valid(p, n);
			p[i] = 0x80;
			bad += utf8_is_valid(p, n);
			p[i] = 0xc3; /* valid only with a byte behind it */
			bad += utf8_is_valid(p, n);
			if (i + 1 < n) {
				p[i + 1] = 0xa4;
				bad += !utf8_is_valid(p, n);
				p[i + 1] = 'a';
			}
			p[i] = 'a';
		}
	}
	CHECK_INT(bad, 0);
}

static void
random_texts_agree_with_the_definition(void)
{
	int bad = 0;

	srandom(3);
	for (int round = 0; round < 200000; round++) {
		uint8_t p[24];
		size_t n = (size_t)random() % sizeof(p), i = 0, len = 1;

		for (size_t k = 0; k < n; k++)
			p[k] = random() % 3 ? (uint8_t)(random() % 128) : (uint8_t)random();
		while (i < n && (len = naive(p + i, n - i)))
			i += len;
		bad += utf8_is_valid(p, n) != (i == n);
	}
	CHECK_INT(bad, 0);
}

int
main(void)
{
	RUN(every_three_bytes_agree_with_the_definition);
	RUN(every_four_byte_form_agrees_with_the_definition);
	RUN(every_code_point_is_written_and_read);
	RUN(a_bad_byte_is_found_wherever_it_is);
	RUN(random_texts_agree_with_the_definition);
	return tap_done();
}
