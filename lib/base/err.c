#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
mark_cut(char *msg, size_t size)
{
	memcpy(msg + size - 4, "...", 4);
}

int
err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);

	e->code = code;
	if (n >= (int)sizeof(e->msg))
		mark_cut(e->msg, sizeof(e->msg));
	return -1;
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_errno(struct err *e, enum err_code code, const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	if (snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", why) >=
	    (int)(sizeof(e->msg) - n))
		mark_cut(e->msg, sizeof(e->msg));
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char frame[sizeof(e->msg)], old[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(frame, sizeof(frame), fmt, ap);
	va_end(ap);
	memcpy(old, e->msg, sizeof(old));
	if (snprintf(e->msg, sizeof(e->msg), "%s: %s", frame, old) >=
	    (int)sizeof(e->msg))
		mark_cut(e->msg, sizeof(e->msg));
	return -1;
}

int
err_status(enum err_code code)
{
	static const int status[] = {
#define X(name, status) [name] = status,
		ERR_CODES(X)
#undef X
	};

	return status[code];
}
