/*
 * xalloc.h - allocation that cannot fail: out of memory ends the program.
 *
 * A tool that is out of memory has nothing better to do, and the broker
 * bounds every size before it allocates and recovers at its next start.
 * Static inline, because libreadline exports functions of these names.
 */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *
xalloc_check(void *p)
{
	if (!p) {
		fputs("kc: out of memory\n", stderr);
		abort();
	}
	return p;
}

/* Sizes of zero give a valid pointer to nothing. */
static inline void *
xmalloc(size_t n)
{
	return xalloc_check(malloc(n ? n : 1));
}

static inline void *
xcalloc(size_t n, size_t size)
{
	return xalloc_check(calloc(n ? n : 1, size ? size : 1));
}

/* Room for n items of the given size; the product is checked. */
static inline void *
xreallocarray(void *p, size_t n, size_t size)
{
	return xalloc_check(reallocarray(p, n ? n : 1, size ? size : 1));
}

static inline void *
xmemdup(const void *p, size_t n)
{
	void *q = xmalloc(n);

	if (n)
		memcpy(q, p, n);
	return q;
}

/* A copy of n bytes with a NUL after them: the one way to copy a string. */
static inline char *
xmemdup0(const void *p, size_t n)
{
	char *q = xmalloc(n + 1);

	if (n)
		memcpy(q, p, n);
	q[n] = '\0';
	return q;
}

static inline char *
xstrdup(const char *s)
{
	return xmemdup0(s, strlen(s));
}

#endif
