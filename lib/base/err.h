/*
 * err.h - what went wrong: a code that decides the exit status, and one
 * sentence for a person, built where the facts are known.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and takes
 * `struct err *e` last, never NULL. On success *e is untouched. On failure
 * the callee has set it; callers may add a frame in front with err_wrap().
 * Wording: no capital, no full stop, subject in single quotes, remedy in
 * parentheses: "cannot reach broker 'h:9092': connection refused (is it
 * running? try: kc-broker)".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

/* name, exit status of a program that ends because of it (DESIGN section 4) */
#define ERR_CODES(X)                                                        \
	X(ERR_NONE, 0)                                                      \
	X(ERR_FAILED, 1)    /* anything without a code of its own */        \
	X(ERR_IO, 1)        /* a local file or stream failed */             \
	X(ERR_FORMAT, 1)    /* input bytes are not what they should be */   \
	X(ERR_CORRUPT, 1)   /* stored bytes are damaged */                  \
	X(ERR_NOT_FOUND, 1) /* the named thing does not exist */            \
	X(ERR_EXISTS, 1)    /* the named thing exists already */            \
	X(ERR_FULL, 1)      /* no space, or a limit is reached */           \
	X(ERR_UNSUPPORTED, 1) /* this version or build cannot do it */      \
	X(ERR_USAGE, 2)     /* options, arguments, configuration */         \
	X(ERR_NO, 3)        /* ran correctly and the answer is no */        \
	X(ERR_PARTIAL, 4)   /* some records or items failed */              \
	X(ERR_REFUSED, 5)   /* authentication, authorisation, fenced */     \
	X(ERR_TEMPORARY, 75) /* unreachable or out of time; try again */

enum err_code {
#define X(name, status) name,
	ERR_CODES(X)
#undef X
};

struct err {
	enum err_code code;
	char msg[1024]; /* NUL-ended; cut with "..." when longer */
};

#define ERR_INIT { .code = ERR_NONE }

/* Sets code and sentence; returns -1 so that `return err_set(...)` reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* As err_set(), with ": " and the text of errno behind the sentence. */
int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<frame>: " in front of the sentence that is there; returns -1. */
int err_wrap(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit status that belongs to a code. */
int err_status(enum err_code code);

#endif
