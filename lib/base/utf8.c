#include "base/utf8.h"

#include <string.h>

size_t
utf8_sequence(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	/* The second byte's range is where overlong forms, surrogates and
	 * code points past the end are excluded (Unicode, table 3-7). */
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool
utf8_is_valid(const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		uint64_t w;
		size_t len;

		if (n >= 8) {
			memcpy(&w, p, 8);
			if (!(w & 0x8080808080808080u)) {
				p += 8;
				n -= 8;
				continue;
			}
		}
		len = utf8_sequence(p, n);
		if (!len)
			return false;
		p += len;
		n -= len;
	}
	return true;
}

size_t
utf8_put(uint8_t *p, uint32_t code)
{
	if (code < 0x80) {
		p[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		p[0] = (uint8_t)(0xc0 | code >> 6);
		p[1] = (uint8_t)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		p[0] = (uint8_t)(0xe0 | code >> 12);
		p[1] = (uint8_t)(0x80 | (code >> 6 & 63));
		p[2] = (uint8_t)(0x80 | (code & 63));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | code >> 18);
	p[1] = (uint8_t)(0x80 | (code >> 12 & 63));
	p[2] = (uint8_t)(0x80 | (code >> 6 & 63));
	p[3] = (uint8_t)(0x80 | (code & 63));
	return 4;
}
