#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	"abcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *out, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint8_t *q = buf_reserve(out, n / 3 * 4 + 4), *start = q;

	for (; n >= 3; n -= 3, p += 3) {
		*q++ = (uint8_t)digits[p[0] >> 2];
		*q++ = (uint8_t)digits[(p[0] & 3) << 4 | p[1] >> 4];
		*q++ = (uint8_t)digits[(p[1] & 15) << 2 | p[2] >> 6];
		*q++ = (uint8_t)digits[p[2] & 63];
	}
	if (n) {
		uint8_t b = n > 1 ? p[1] : 0;

		*q++ = (uint8_t)digits[p[0] >> 2];
		*q++ = (uint8_t)digits[(p[0] & 3) << 4 | b >> 4];
		*q++ = n > 1 ? (uint8_t)digits[(b & 15) << 2] : '=';
		*q++ = '=';
	}
	out->len += (size_t)(q - start);
}

static int
value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
base64_decode(struct buf *out, const void *text, size_t n)
{
	const uint8_t *p = text;
	size_t pad = 0;
	uint8_t *q;

	if (n % 4)
		return -1;
	if (n && p[n - 1] == '=')
		pad = p[n - 2] == '=' ? 2 : 1;
	q = buf_reserve(out, n / 4 * 3);
	for (size_t i = 0; i < n; i += 4) {
		size_t skip = i + 4 == n ? pad : 0;
		int a = value(p[i]), b = value(p[i + 1]);
		int c = skip > 1 ? 0 : value(p[i + 2]);
		int d = skip ? 0 : value(p[i + 3]);

		if (a < 0 || b < 0 || c < 0 || d < 0)
			return -1;
		/* Bits behind the last byte must be zero: one text per bytes. */
		if ((skip == 2 && (b & 15)) || (skip == 1 && (c & 3)))
			return -1;
		*q++ = (uint8_t)(a << 2 | b >> 4);
		if (skip < 2)
			*q++ = (uint8_t)(b << 4 | c >> 2);
		if (!skip)
			*q++ = (uint8_t)(c << 6 | d);
	}
	out->len += n / 4 * 3 - pad;
	return 0;
}
