#include "cli/diag.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/sig.h"
#include "cli/term.h"

/* One program, one voice: set in main, read by whoever speaks. */
static const char *program = "kc";
static int level;
static bool pipe_closed;
static atomic_bool status_shown;

void
diag_init(const char *name)
{
	program = name;
}

const char *
diag_program(void)
{
	return program;
}

void
diag_set_level(int quiet, int verbose)
{
	level = quiet ? -1 : verbose;
}

int
diag_level(void)
{
	return level;
}

void
diag_pipe_closed(void)
{
	pipe_closed = true;
}

static void
write_stderr(const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(STDERR_FILENO, b->data + done, b->len - done);

		if (n < 0 && errno != EINTR)
			return; /* nobody is left to be told */
		done += n > 0 ? (size_t)n : 0;
	}
}

/* Everything harmful but LF and TAB is escaped. */
static void
add_escaped(struct buf *out, struct slice text)
{
	const char *p = text.data, *end = p + text.len;

	while (p < end) {
		size_t n = 0;

		while (p + n < end && p[n] != '\n' && p[n] != '\t')
			n++;
		term_escape(out, slice_make(p, n));
		p += n;
		if (p < end)
			buf_addc(out, *p++);
	}
}

static void __attribute__((format(printf, 2, 0)))
say(const char *kind, const char *fmt, va_list ap)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	int saved = errno;

	buf_addvf(&text, fmt, ap);
	if (atomic_exchange(&status_shown, false))
		buf_addstr(&line, "\r\033[K");
	buf_addf(&line, "%s: %s", program, kind);
	add_escaped(&line, buf_slice(&text));
	buf_addc(&line, '\n');
	write_stderr(&line);
	buf_release(&text);
	buf_release(&line);
	errno = saved;
}

void
diag_warn(const char *fmt, ...)
{
	va_list ap;

	if (level < 0)
		return;
	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

void
diag_note(const char *fmt, ...)
{
	va_list ap;

	if (level < 0)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
diag_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
diag_verbose(int from, const char *fmt, ...)
{
	va_list ap;

	if (level < from)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
diag_status_line(const char *text)
{
	struct buf line = BUF_INIT;

	if (!text && !atomic_load(&status_shown))
		return;
	buf_addf(&line, "\r%s\033[K", text ? text : "");
	atomic_store(&status_shown, text != NULL);
	write_stderr(&line);
	buf_release(&line);
}

/* Dies of the signal, so that the shell sees what ended us. */
static void
die_of(int sig)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, sig);
	signal(sig, SIG_DFL);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

/* Closes stdout, where a full disk may show only now. out may have closed it. */
static int
close_stdout(struct err *e)
{
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			return err_errno(e, ERR_IO, "cannot write to stdout");
		pipe_closed = true;
	}
	if (close(STDOUT_FILENO) && errno != EBADF)
		return err_errno(e, ERR_IO, "cannot write to stdout");
	return 0;
}

int
diag_finish(int result, const struct err *e)
{
	struct err closing = ERR_INIT;

	diag_status_line(NULL);
	if (close_stdout(&closing) && !result) {
		result = -1;
		e = &closing;
	}
	if (pipe_closed && (!result || e->code == ERR_IO || e->code == ERR_NONE))
		die_of(SIGPIPE);
	if (result && e->code != ERR_NONE) {
		if (*e->msg)
			diag_error("%s", e->msg);
		return err_status(e->code);
	}
	if (sig_caught())
		die_of(sig_caught());
	return result ? 1 : 0;
}
