#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

enum { LINE = 1200 }; /* bytes, longer lines are cut: err.msg fits */

static const char *const names[] = { "error", "warn", "info", "debug" };
static enum log_level level = LOG_INFO;

void
log_set_level(enum log_level l)
{
	level = l;
}

enum log_level
log_level(void)
{
	return level;
}

int
log_level_of(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* One write a line, so that lines of several processes do not mix. */
static void __attribute__((format(printf, 2, 0)))
print(enum log_level l, const char *fmt, va_list ap)
{
	char line[LINE], when[NUM_TIME_TEXT];
	int n, m;

	if (l > level)
		return;
	num_time_text(clock_wall_ms(clock_system()), when);
	n = snprintf(line, sizeof(line), "%s %s ", when, names[l]);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	n += m < LINE - n - 2 ? m : LINE - n - 2;
	/* What peers send must not forge lines nor drive a terminal. */
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* there is nowhere left to complain */
}

#define LOG_DEFINE(name, l)                     \
	void                                    \
	log_##name(const char *fmt, ...)        \
	{                                       \
		va_list ap;                     \
						\
		va_start(ap, fmt);              \
		print(l, fmt, ap);              \
		va_end(ap);                     \
	}

LOG_DEFINE(error, LOG_ERROR)
LOG_DEFINE(warn, LOG_WARN)
LOG_DEFINE(info, LOG_INFO)
LOG_DEFINE(debug, LOG_DEBUG)
