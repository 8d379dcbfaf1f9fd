#include "base/uuid.h"

#include <stdlib.h>
#include <sys/random.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	"abcdefghijklmnopqrstuvwxyz0123456789-_";

const char *
uuid_text(const struct uuid *u, char out[UUID_TEXT])
{
	uint32_t bits = 0;
	int have = 0, n = 0;

	for (int i = 0; i < 16; i++) {
		bits = bits << 8 | u->b[i];
		for (have += 8; have >= 6; have -= 6)
			out[n++] = digits[bits >> (have - 6) & 63];
	}
	out[n++] = digits[bits << (6 - have) & 63];
	out[n] = '\0';
	return out;
}

int
uuid_parse(struct slice text, struct uuid *out)
{
	const char *p = text.data, *digit;
	uint32_t bits = 0;
	int have = 0, n = 0;
	struct uuid u;

	if (text.len != UUID_TEXT - 1)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (!p[i] || !(digit = strchr(digits, p[i])))
			return -1;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if ((have += 6) >= 8)
			u.b[n++] = (uint8_t)(bits >> (have -= 8));
	}
	if (bits & ((1u << have) - 1)) /* stray bits: not what uuid_text() writes */
		return -1;
	*out = u;
	return 0;
}

struct uuid
uuid_random(void)
{
	struct uuid u;

	do {
		/* Up to 256 bytes arrive whole once the pool is seeded. */
		if (getrandom(u.b, sizeof(u.b), 0) != sizeof(u.b))
			abort();
		u.b[6] = (u.b[6] & 0x0f) | 0x40;
		u.b[8] = (u.b[8] & 0x3f) | 0x80;
	} while (u.b[0] >> 2 == 62); /* '-' first would look like an option */
	return u;
}
