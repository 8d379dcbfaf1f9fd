#include "base/crc32c.h"

#include <string.h>

#define POLY 0x82f63b78u /* reflected */

/* Eight tables give eight bytes a step. */
static uint32_t table[8][256];

static void __attribute__((constructor))
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? (c >> 1) ^ POLY : c >> 1;
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

/*
 * The instruction takes three cycles and can be begun every cycle: three
 * lanes of LANE bytes are summed side by side, and joined through skip[],
 * which says what LANE zero bytes make of a checksum.
 */
enum { LANE = 1024 };

static uint32_t skip[4][256];

static uint64_t
load(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return w;
}

static uint32_t
skip_lane(uint32_t crc)
{
	return skip[0][crc & 0xff] ^ skip[1][crc >> 8 & 0xff] ^
		skip[2][crc >> 16 & 0xff] ^ skip[3][crc >> 24];
}

static uint32_t __attribute__((target("sse4.2")))
crc_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= 3 * LANE; n -= 3 * LANE, p += 2 * LANE) {
		uint64_t c1 = 0, c2 = 0;

		for (const uint8_t *end = p + LANE; p < end; p += 8) {
			c = _mm_crc32_u64(c, load(p));
			c1 = _mm_crc32_u64(c1, load(p + LANE));
			c2 = _mm_crc32_u64(c2, load(p + 2 * LANE));
		}
		c = skip_lane(skip_lane((uint32_t)c) ^ (uint32_t)c1) ^ (uint32_t)c2;
	}
	for (; n >= 8; n -= 8, p += 8)
		c = _mm_crc32_u64(c, load(p));
	while (n--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return (uint32_t)c;
}

static int
has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}

/* A checksum is linear in its bits: 32 of them tell all of it. */
static void __attribute__((constructor))
make_skip(void)
{
	static const uint8_t zeros[LANE];

	__builtin_cpu_init();
	if (!has_hardware())
		return;
	for (int bit = 0; bit < 32; bit++) {
		uint32_t c = crc_hardware((uint32_t)1 << bit, zeros, LANE);

		for (int i = 1 << bit % 8; i < 256; i++)
			if (i >> bit % 8 & 1)
				skip[bit / 8][i] ^= c;
	}
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

/* ---- joining ------------------------------------------------------------ */

/*
 * A checksum is a polynomial modulo POLY, bit 31 of it the constant term: n
 * bytes more multiply it by x^8n. power[k] is x^(8 * 2^k).
 */
static uint32_t power[64];

static uint32_t
multiply_bits(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a; a <<= 1) {
		product ^= b & -(a >> 31);
		b = (b >> 1) ^ (POLY & -(b & 1));
	}
	return product;
}

static void __attribute__((constructor))
make_powers(void)
{
	uint32_t x = (uint32_t)1 << 23; /* x^8 */

	for (int k = 0; k < 64; k++, x = multiply_bits(x, x))
		power[k] = x;
}

#if defined(__x86_64__)
#include <wmmintrin.h>

/*
 * The product of two numbers whose bit 31 is the constant term has it in bit
 * 62. Its lower half is what comes behind x^31: the checksum instruction
 * multiplies by x^32 and divides.
 */
static uint32_t __attribute__((target("sse4.2,pclmul")))
join_hardware(uint32_t first, size_t n)
{
	for (int k = 0; n; n >>= 1, k++) {
		__m128i product;
		uint64_t bits;

		if (!(n & 1))
			continue;
		product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)power[k]),
			_mm_cvtsi32_si128((int)first), 0);
		bits = (uint64_t)_mm_cvtsi128_si64(product) << 1;
		first = _mm_crc32_u32(0, (uint32_t)bits) ^ (uint32_t)(bits >> 32);
	}
	return first;
}

static int
can_multiply(void)
{
	return has_hardware() && __builtin_cpu_supports("pclmul");
}
#else
static uint32_t
join_hardware(uint32_t first, size_t n)
{
	(void)n;
	return first;
}

static int
can_multiply(void)
{
	return 0;
}
#endif

static uint32_t
join_bits(uint32_t first, size_t n)
{
	for (int k = 0; n; n >>= 1, k++)
		if (n & 1)
			first = multiply_bits(power[k], first);
	return first;
}

uint32_t
crc32c_join(uint32_t first, uint32_t second, size_t n)
{
	return (can_multiply() ? join_hardware : join_bits)(first, n) ^ second;
}
