/*
 * uuid.h - 16 bytes that name a topic, printed as Kafka prints them: base64
 * with the URL alphabet, unpadded, 22 characters.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct uuid {
	uint8_t b[16];
};

enum { UUID_TEXT = 23 }; /* characters and NUL */

/* A random version 4 UUID; never all zero, nor starting with '-' in text. */
struct uuid uuid_random(void);
const char *uuid_text(const struct uuid *u, char out[UUID_TEXT]);
/* Of exactly that text: 0, or -1 when it is anything else. */
int uuid_parse(struct slice text, struct uuid *out);

static inline bool
uuid_is_zero(const struct uuid *u)
{
	static const struct uuid zero;

	return !memcmp(u, &zero, sizeof(zero));
}

static inline bool
uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

#endif
