#include "base/crc32c.h"

#include <string.h>

/* Reflected polynomial 0x82f63b78; eight tables give eight bytes a step. */
static uint32_t table[8][256];

static void __attribute__((constructor))
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			table[t][i] = (table[t - 1][i] >> 8) ^
				table[0][table[t - 1][i] & 0xff];
}

static uint32_t
crc_table(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		uint32_t lo = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 |
			(uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

		crc = table[7][lo & 0xff] ^ table[6][lo >> 8 & 0xff] ^
			table[5][lo >> 16 & 0xff] ^ table[4][lo >> 24] ^
			table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
			table[0][p[7]];
	}
	while (n--)
		crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

static uint32_t __attribute__((target("sse4.2")))
crc_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc, w;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		c = _mm_crc32_u64(c, w);
	}
	while (n--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return (uint32_t)c;
}

static int
has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t
crc_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	return crc_table(crc, p, n);
}

static int
has_hardware(void)
{
	return 0;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~(has_hardware() ? crc_hardware : crc_table)(~crc, p, n);
}
