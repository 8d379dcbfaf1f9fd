/*
 * slice.h - a borrowed run of bytes: pointer and length, no NUL, no owner.
 *
 * `data == NULL` is Kafka's null; an empty slice that is not null points
 * somewhere. Payloads, keys, names from the wire travel as slices.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const void *data; /* NULL = null */
	size_t len;
};

#define SLICE_NULL ((struct slice){ NULL, 0 })
/* For printf: "%.*s", SLICE_ARG(s). */
#define SLICE_ARG(s) (int)(s).len, (s).data ? (const char *)(s).data : ""

static inline struct slice
slice_make(const void *data, size_t len)
{
	return (struct slice){ data, len };
}

/* Of a C string; NULL gives the null slice. */
static inline struct slice
slice_str(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static inline bool
slice_is_null(struct slice s)
{
	return !s.data;
}

/* Null equals only null. */
static inline bool
slice_eq(struct slice a, struct slice b)
{
	if (!a.data || !b.data)
		return a.data == b.data;
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static inline bool
slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

#endif
