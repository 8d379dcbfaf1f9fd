#include "cli/coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { BLOCK = 64 << 10, WORDS_MAX = 8 << 10 };

extern char **environ;

void
coprocess_init(struct coprocess *c)
{
	*c = (struct coprocess){ .pid = -1, .pidfd = -1, .in = -1, .out = -1,
		.err = -1, .limit = 64 << 20 };
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* One end is ours, and does not block. */
static int
make_pipe(int *ours, int *theirs, bool we_write, struct err *e)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return err_errno(e, ERR_IO, "cannot make a pipe");
	*ours = fds[we_write];
	*theirs = fds[!we_write];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Signals that we ignore or catch are its own again. */
static void
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigemptyset(&none);
	sigemptyset(&all);
	sigaddset(&all, SIGPIPE);
	posix_spawnattr_init(attr);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int
spawn(struct coprocess *c, char *const argv[], const int theirs[3], struct err *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int code;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	set_attributes(&attr);
	code = posix_spawnp(&c->pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (code) {
		c->pid = -1;
		errno = code;
		return err_errno(e, ERR_FAILED, "cannot run '%s'", argv[0]);
	}
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd >= 0)
		fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int
coprocess_start(struct coprocess *c, char *const argv[], unsigned flags,
	struct err *e)
{
	int theirs[3] = { -1, -1, -1 }, result = -1;

	buf_clear(&c->input);
	buf_clear(&c->output);
	buf_clear(&c->words);
	c->input_at = c->output_at = c->scanned = 0;
	c->ended = c->closing = false;
	c->status = 0;
	if (!make_pipe(&c->in, &theirs[0], true, e) &&
	    (flags & COPROCESS_STDOUT || !make_pipe(&c->out, &theirs[1], false, e)) &&
	    !make_pipe(&c->err, &theirs[2], false, e))
		result = spawn(c, argv, theirs, e);
	for (int i = 0; i < 3; i++)
		close_fd(&theirs[i]);
	if (result)
		coprocess_end(c, 0);
	return result;
}

/* ---- writing ------------------------------------------------------------------ */

static void
write_input(struct coprocess *c)
{
	while (c->in >= 0 && c->input_at < c->input.len) {
		ssize_t n = write(c->in, c->input.data + c->input_at,
			c->input.len - c->input_at);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			/* It reads no more; whether it answers is seen elsewhere. */
			close_fd(&c->in);
			c->input_at = c->input.len;
		} else if (n > 0) {
			c->input_at += (size_t)n;
		}
	}
	buf_clear(&c->input);
	c->input_at = 0;
	if (c->closing)
		close_fd(&c->in);
}

void
coprocess_send(struct coprocess *c, struct slice bytes)
{
	if (c->in < 0)
		return;
	if (c->input_at > BLOCK) {
		buf_consume(&c->input, c->input_at);
		c->input_at = 0;
	}
	buf_addslice(&c->input, bytes);
}

size_t
coprocess_unsent(const struct coprocess *c)
{
	return c->input.len - c->input_at;
}

void
coprocess_close_input(struct coprocess *c)
{
	c->closing = true;
	if (!coprocess_unsent(c))
		close_fd(&c->in);
}

/* ---- reading ------------------------------------------------------------------ */

static void
read_output(struct coprocess *c)
{
	ssize_t n;

	/* What was handed out is done with. */
	buf_consume(&c->output, c->output_at);
	c->scanned -= c->output_at;
	c->output_at = 0;
	n = read(c->out, buf_reserve(&c->output, BLOCK), BLOCK);
	if (n > 0)
		c->output.len += (size_t)n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		close_fd(&c->out);
}

/* Keeps the end of it, as text. */
static void
remember(struct coprocess *c, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; ) {
		size_t len = utf8_sequence(p + i, n - i);

		if (len && p[i])
			buf_add(&c->words, p + i, len);
		else
			buf_addc(&c->words, '?');
		i += len ? len : 1;
	}
	if (c->words.len > WORDS_MAX) {
		size_t cut = c->words.len - WORDS_MAX;

		while (cut < c->words.len && (c->words.data[cut] & 0xc0) == 0x80)
			cut++;
		buf_consume(&c->words, cut);
	}
}

static void
pass_on(const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

static void
read_words(struct coprocess *c)
{
	uint8_t bytes[4096];
	ssize_t n = read(c->err, bytes, sizeof(bytes));

	if (n > 0) {
		pass_on(bytes, (size_t)n);
		remember(c, bytes, (size_t)n);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		close_fd(&c->err);
	}
}

static void
reap(struct coprocess *c, int flags)
{
	if (c->pid > 0 && !c->ended && waitpid(c->pid, &c->status, flags) == c->pid)
		c->ended = true;
}

void
coprocess_poll(const struct coprocess *c, struct pollfd fds[COPROCESS_FDS])
{
	bool writes = coprocess_unsent(c) > 0;

	fds[0] = (struct pollfd){ writes ? c->in : -1, POLLOUT, 0 };
	fds[1] = (struct pollfd){ c->out, POLLIN, 0 };
	fds[2] = (struct pollfd){ c->err, POLLIN, 0 };
	fds[3] = (struct pollfd){ c->ended ? -1 : c->pidfd, POLLIN, 0 };
}

void
coprocess_serve(struct coprocess *c, const struct pollfd fds[COPROCESS_FDS])
{
	if (fds[0].revents)
		write_input(c);
	if (fds[1].revents && c->out >= 0)
		read_output(c);
	if (fds[2].revents && c->err >= 0)
		read_words(c);
	if (fds[3].revents)
		reap(c, WNOHANG);
}

enum coprocess_line
coprocess_next(struct coprocess *c, struct slice *line)
{
	const uint8_t *from = c->output.data + c->output_at, *lf = NULL;

	if (c->output.len > c->scanned)
		lf = memchr(c->output.data + c->scanned, '\n',
			c->output.len - c->scanned);
	if (!lf) {
		c->scanned = c->output.len;
		return c->output.len - c->output_at > c->limit ?
			COPROCESS_TOO_LONG : COPROCESS_NONE;
	}
	*line = slice_make(from, (size_t)(lf - from));
	c->output_at += line->len + 1;
	c->scanned = c->output_at;
	return line->len > c->limit ? COPROCESS_TOO_LONG : COPROCESS_LINE;
}

bool
coprocess_is_over(const struct coprocess *c)
{
	/* What it said before its end is still to be read. */
	return c->pid > 0 && c->out < 0;
}

/* ---- ending ------------------------------------------------------------------- */

static void
await_end(struct coprocess *c, int grace_ms)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + grace_ms;

	for (reap(c, WNOHANG); !c->ended; reap(c, WNOHANG)) {
		int64_t left = end - clock_mono_ms(clock);
		struct pollfd fds[2] = { { c->pidfd, POLLIN, 0 }, { c->err, POLLIN, 0 } };

		if (left <= 0 || poll(fds, 2, (int)left) < 0)
			return;
		if (fds[1].revents)
			read_words(c);
	}
}

void
coprocess_end(struct coprocess *c, int grace_ms)
{
	close_fd(&c->in);
	close_fd(&c->out);
	if (c->pid > 0) {
		await_end(c, grace_ms);
		/* The rest of its group too: who is left reads from nobody. */
		kill(-c->pid, SIGKILL);
		reap(c, 0);
		while (c->err >= 0 && poll(&(struct pollfd){ c->err, POLLIN, 0 }, 1, 0) > 0)
			read_words(c);
	}
	close_fd(&c->err);
	close_fd(&c->pidfd);
	c->pid = -1;
}

void
coprocess_release(struct coprocess *c)
{
	coprocess_end(c, 0);
	buf_release(&c->input);
	buf_release(&c->output);
	buf_release(&c->words);
}

void
coprocess_tell(const struct coprocess *c, struct buf *out)
{
	if (WIFSIGNALED(c->status))
		buf_addf(out, "was killed by signal %d (%s)", WTERMSIG(c->status),
			strsignal(WTERMSIG(c->status)));
	else
		buf_addf(out, "ended with status %d", WEXITSTATUS(c->status));
}
