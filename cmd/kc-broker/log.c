#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"

enum { LINE = 1200 }; /* bytes, longer lines are cut: err.msg fits */

static const char *const names[] = { "error", "warn", "info", "debug" };
static enum log_level level = LOG_INFO;
static bool json;
static int fd = STDERR_FILENO;
static const char *file;

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

int
log_level_of_kafka(struct slice name)
{
	static const struct {
		const char *name;
		enum log_level level;
	} all[] = {
		{ "FATAL", LOG_ERROR }, { "ERROR", LOG_ERROR },
		{ "WARN", LOG_WARN }, { "INFO", LOG_INFO },
		{ "DEBUG", LOG_DEBUG }, { "TRACE", LOG_DEBUG },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (slice_eq_str(name, all[i].name))
			return (int)all[i].level;
	return -1;
}

const char *
log_level_kafka(void)
{
	static const char *const kafka[] = { "ERROR", "WARN", "INFO", "DEBUG" };

	return kafka[level];
}

void
log_set_json(bool on)
{
	json = on;
}

int
log_open(const char *path, struct err *e)
{
	int to = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (to < 0)
		return err_errno(e, ERR_IO, "cannot open the log '%s'", path);
	if (fd != STDERR_FILENO)
		close(fd);
	fd = to;
	file = path;
	return 0;
}

void
log_reopen(void)
{
	struct err e = ERR_INIT;

	if (file && log_open(file, &e))
		log_error("%s (the old file is still written to)", e.msg);
}

/* ---- as JSON -------------------------------------------------------------- */

static void
put_json(struct buf *out, const char *name, const char *text, size_t n)
{
	buf_addf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
	for (size_t i = 0, len; i < n; i += len) {
		/* A name that came with a request may be anything. */
		len = utf8_sequence((const uint8_t *)text + i, n - i);
		if (text[i] == '"' || text[i] == '\\')
			buf_addc(out, '\\');
		if (len)
			buf_add(out, text + i, len);
		else
			buf_addc(out, '?');
		len += !len;
	}
	buf_addc(out, '"');
}

/* "key=" at p? Returns the key's length. */
static size_t
key_at(const char *p)
{
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz_");

	return n && p[n] == '=' ? n : 0;
}

/* The first pair of the line that has only pairs behind it, or its end. */
static const char *
pairs_of(const char *text)
{
	const char *p = text;

	while (*p && !((p == text || p[-1] == ' ') && key_at(p)))
		p++;
	return p;
}

static void
put_pairs(struct buf *out, const char *p)
{
	char name[64];
	size_t n;

	while (*p) {
		const char *value, *end;

		n = key_at(p);
		if (!n || n >= sizeof(name)) {
			p++;
			continue;
		}
		memcpy(name, p, n);
		name[n] = '\0';
		value = p + n + 1;
		end = *value == '"' ? strchr(++value, '"') : strchr(value, ' ');
		if (!end)
			end = value + strlen(value);
		put_json(out, name, value, (size_t)(end - value));
		p = end + (*end != '\0');
		p += strspn(p, " ");
	}
}

static void
write_json(const char *when, enum log_level l, char *text)
{
	struct buf out = BUF_INIT;
	const char *pairs = pairs_of(text);
	bool lost;
	size_t n = (size_t)(pairs - text);

	while (n && text[n - 1] == ' ')
		n--;
	buf_addc(&out, '{');
	put_json(&out, "time", when, strlen(when));
	put_json(&out, "level", names[l], strlen(names[l]));
	put_json(&out, "message", text, n);
	put_pairs(&out, pairs);
	buf_addstr(&out, "}\n");
	lost = write(fd, out.data, out.len) < 0;
	(void)lost; /* there is nowhere left to complain */
	buf_release(&out);
}

/* ---- a line --------------------------------------------------------------- */

/* One write a line, so that lines of several processes do not mix. */
static void __attribute__((format(printf, 2, 0)))
print(enum log_level l, const char *fmt, va_list ap)
{
	char line[LINE], when[NUM_TIME_TEXT];
	int n, m;

	if (l > level)
		return;
	num_time_text(clock_wall_ms(clock_system()), when);
	n = json ? 0 : snprintf(line, sizeof(line), "%s %s ", when, names[l]);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	n += m < LINE - n - 2 ? m : LINE - n - 2;
	/* What peers send must not forge lines nor drive a terminal. */
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	if (json) {
		line[n] = '\0';
		write_json(when, l, line);
		return;
	}
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) < 0)
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

void
log_failure(const struct err *e)
{
	if (fd != STDERR_FILENO || json)
		log_error("%s", e->msg);
}
