/* be.h - big-endian integers at any address, as Kafka's protocol has them. */
#ifndef BASE_BE_H
#define BASE_BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BE_DEFINE(bits)                                                 \
	static inline uint##bits##_t be##bits##_get(const void *p)      \
	{                                                               \
		uint##bits##_t v;                                       \
		memcpy(&v, p, sizeof(v));                               \
		return be##bits##toh(v);                                \
	}                                                               \
	static inline void be##bits##_put(void *p, uint##bits##_t v)    \
	{                                                               \
		v = htobe##bits(v);                                     \
		memcpy(p, &v, sizeof(v));                               \
	}

BE_DEFINE(16)
BE_DEFINE(32)
BE_DEFINE(64)

#undef BE_DEFINE
#endif
