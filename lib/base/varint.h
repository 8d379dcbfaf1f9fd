/*
 * varint.h - base-128 integers, least group first. Records in a batch use
 * the zig-zag forms; lengths of flexible messages the unsigned one.
 *
 * Reading returns the bytes used, or 0 when the input is short or longer
 * than its type allows (5 bytes for 32 bits, 10 for 64).
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { VARINT_MAX = 5, VARLONG_MAX = 10 };

static inline size_t
uvarlong_get(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	/* Lengths and deltas in records are nearly always this small. */
	if (n && p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	if (n > 1 && p[1] < 0x80) {
		*out = (uint64_t)(p[0] & 0x7f) | (uint64_t)p[1] << 7;
		return 2;
	}
	for (size_t i = 0; i < n && i < VARLONG_MAX; i++) {
		v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (!(p[i] & 0x80)) {
			if (i == VARLONG_MAX - 1 && p[i] > 1)
				return 0;
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

static inline size_t
uvarint_get(const uint8_t *p, size_t n, uint32_t *out)
{
	uint64_t v;
	size_t used = uvarlong_get(p, n < VARINT_MAX ? n : VARINT_MAX, &v);

	if (!used || v > UINT32_MAX)
		return 0;
	*out = (uint32_t)v;
	return used;
}

static inline size_t
varlong_get(const uint8_t *p, size_t n, int64_t *out)
{
	uint64_t u;
	size_t used = uvarlong_get(p, n, &u);

	if (used)
		*out = (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
	return used;
}

static inline size_t
varint_get(const uint8_t *p, size_t n, int32_t *out)
{
	uint32_t u;
	size_t used = uvarint_get(p, n, &u);

	if (used)
		*out = (int32_t)(u >> 1) ^ -(int32_t)(u & 1);
	return used;
}

/* Writing needs VARLONG_MAX bytes of room and returns the bytes written. */
static inline size_t
uvarlong_put(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)v | 0x80;
	p[n++] = (uint8_t)v;
	return n;
}

static inline size_t
varlong_put(uint8_t *p, int64_t v)
{
	return uvarlong_put(p, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

#endif
