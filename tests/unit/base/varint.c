#include "base/varint.h"

#include "base/be.h"
#include "tap.h"

static const int64_t edges[] = {
	0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, INT32_MAX, INT32_MIN,
	(int64_t)INT32_MAX + 1, (int64_t)INT32_MIN - 1, (int64_t)1 << 62,
	INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MIN + 1,
};
enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

static void
known_encodings(void)
{
	static const struct { int64_t v; uint8_t bytes[10]; size_t n; } cases[] = {
		{ 0, { 0 }, 1 }, { -1, { 1 }, 1 }, { 1, { 2 }, 1 }, { 63, { 0x7e }, 1 },
		{ -64, { 0x7f }, 1 }, { 64, { 0x80, 0x01 }, 2 },
		{ INT32_MAX, { 0xfe, 0xff, 0xff, 0xff, 0x0f }, 5 },
		{ INT32_MIN, { 0xff, 0xff, 0xff, 0xff, 0x0f }, 5 },
		{ INT64_MAX, { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 }, 10 },
		{ INT64_MIN, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 }, 10 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t b[VARLONG_MAX];
		size_t n = varlong_put(b, cases[i].v);

		CHECK_INT(n, cases[i].n);
		CHECK(!memcmp(b, cases[i].bytes, n));
	}
}

static void
what_is_written_is_read_and_short_input_is_not(void)
{
	for (int i = 0; i < EDGES; i++)
		for (int64_t d = -2; d <= 2; d++) {
			int64_t v = (int64_t)((uint64_t)edges[i] + (uint64_t)d), got = 0;
			uint8_t b[VARLONG_MAX];
			uint64_t u = 0;
			size_t n = varlong_put(b, v);

			CHECK_INT(varlong_get(b, sizeof(b), &got), n);
			CHECK_INT(got, v);
			for (size_t k = 0; k < n; k++)
				CHECK_INT(varlong_get(b, k, &got), 0);
			n = uvarlong_put(b, (uint64_t)v);
			CHECK_INT(uvarlong_get(b, n, &u), n);
			CHECK(u == (uint64_t)v);
		}
}

static void
thirty_two_bits_are_a_limit(void)
{
	for (int i = 0; i < EDGES; i++) {
		uint8_t b[VARLONG_MAX];
		size_t n = varlong_put(b, edges[i]);
		bool fits = edges[i] >= INT32_MIN && edges[i] <= INT32_MAX;
		int32_t got = 0;

		CHECK_INT(varint_get(b, n, &got), fits ? n : 0);
		if (fits)
			CHECK_INT(got, edges[i]);
	}
}

static void
endless_and_overflowing_input_is_refused(void)
{
	uint8_t b[16];
	uint64_t u;
	uint32_t w;

	memset(b, 0x80, sizeof(b));
	CHECK_INT(uvarlong_get(b, sizeof(b), &u), 0);
	b[9] = 2; /* bit 64 */
	CHECK_INT(uvarlong_get(b, sizeof(b), &u), 0);
	b[9] = 1;
	CHECK_INT(uvarlong_get(b, sizeof(b), &u), 10);
	memset(b, 0x80, sizeof(b));
	CHECK_INT(uvarint_get(b, sizeof(b), &w), 0);
	b[4] = 0x10; /* bit 32 */
	CHECK_INT(uvarint_get(b, sizeof(b), &w), 0);
	b[4] = 0x0f;
	CHECK_INT(uvarint_get(b, sizeof(b), &w), 5);
	b[5] = 0; /* six bytes, though the value would fit */
	b[4] = 0x80;
	CHECK_INT(uvarint_get(b, sizeof(b), &w), 0);
	CHECK_INT(uvarint_get(NULL, 0, &w), 0);
}

static void
big_endian_at_any_address(void)
{
	uint8_t b[16] = { 0 };

	be16_put(b + 1, 0x0102);
	CHECK(b[1] == 1 && b[2] == 2 && be16_get(b + 1) == 0x0102);
	be32_put(b + 3, 0x01020304);
	CHECK(b[3] == 1 && b[6] == 4 && be32_get(b + 3) == 0x01020304);
	be64_put(b + 5, 0x0102030405060708);
	CHECK(b[5] == 1 && b[12] == 8 && be64_get(b + 5) == 0x0102030405060708);
}

int
main(void)
{
	RUN(known_encodings);
	RUN(what_is_written_is_read_and_short_input_is_not);
	RUN(thirty_two_bits_are_a_limit);
	RUN(endless_and_overflowing_input_is_refused);
	RUN(big_endian_at_any_address);
	return tap_done();
}
