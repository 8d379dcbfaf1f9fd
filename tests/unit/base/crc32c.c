/* The source itself, to reach both of its ways. */
#include "base/crc32c.c"

#include <stdlib.h>

#include "tap.h"

/* RFC 3720, appendix B.4, and the usual check value. */
static void
known_vectors(void)
{
	uint8_t p[32];

	CHECK_INT(crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_INT(crc32c(0, "", 0), 0);
	memset(p, 0, sizeof(p));
	CHECK_INT(crc32c(0, p, 32), 0x8a9136aa);
	memset(p, 0xff, sizeof(p));
	CHECK_INT(crc32c(0, p, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		p[i] = (uint8_t)i;
	CHECK_INT(crc32c(0, p, 32), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		p[i] = (uint8_t)(31 - i);
	CHECK_INT(crc32c(0, p, 32), 0x113fdb5c);
}

static uint32_t
bit_by_bit(uint32_t crc, const uint8_t *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return crc;
}

static void
table_hardware_and_definition_agree_at_every_length_and_address(void)
{
	uint8_t p[300];
	int bad = 0;

	srandom(1);
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)random();
	for (size_t at = 0; at < 9; at++)
		for (size_t n = 0; n < 260; n++) {
			uint32_t start = (uint32_t)random();
			uint32_t want = bit_by_bit(start, p + at, n);

			bad += crc_table(start, p + at, n) != want;
			if (has_hardware())
				bad += crc_hardware(start, p + at, n) != want;
		}
	CHECK_INT(bad, 0);
}

static void
long_sums_agree_too(void)
{
	static uint8_t p[9 * 1024 + 64];
	int bad = 0;

	srandom(2);
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)random();
	for (size_t n = 3 * 1024 - 2; n < sizeof(p) - 9; n += 1 + n % 250) {
		uint32_t start = (uint32_t)random();

		bad += crc_hardware(start, p + n % 9, n) !=
			crc_table(start, p + n % 9, n);
	}
	CHECK_INT(bad, 0);
}

static void
a_sum_can_be_made_in_parts(void)
{
	const char *text = "the quick brown fox jumps over the lazy dog";
	size_t n = strlen(text);

	for (size_t i = 0; i <= n; i++)
		CHECK_INT(crc32c(crc32c(0, text, i), text + i, n - i), crc32c(0, text, n));
}

static void
sums_of_parts_are_joined(void)
{
	static uint8_t p[70000];
	int bad = 0;

	srandom(3);
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)random();
	for (size_t n = 0; n < sizeof(p); n += 1 + n / 5)
		for (size_t part = 0; part <= n; part += 1 + part / 3)
			bad += crc32c_join(crc32c(0, p, part),
				crc32c(0, p + part, n - part), n - part) !=
				crc32c(0, p, n);
	CHECK_INT(bad, 0);
}

static void
joining_is_the_same_without_the_instruction(void)
{
	int bad = 0;

	srandom(4);
	for (int i = 0; i < 100000; i++) {
		uint32_t sum = (uint32_t)random() << 1 ^ (uint32_t)random();
		size_t n = ((size_t)random() << 31 ^ (size_t)random()) >> i % 62;

		bad += crc32c_join(sum, 0, n) != join_bits(sum, n);
	}
	CHECK_INT(bad, 0);
}

int
main(void)
{
	RUN(known_vectors);
	RUN(table_hardware_and_definition_agree_at_every_length_and_address);
	RUN(long_sums_agree_too);
	RUN(a_sum_can_be_made_in_parts);
	RUN(sums_of_parts_are_joined);
	RUN(joining_is_the_same_without_the_instruction);
	return tap_done();
}
