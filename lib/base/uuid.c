#include "base/uuid.h"

#include <stdlib.h>
#include <sys/random.h>

const char *
uuid_text(const struct uuid *u, char out[UUID_TEXT])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-_";
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
