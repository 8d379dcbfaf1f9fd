/*
 * replay_via.c - --via: records go through a command, a batch at a time. The
 * command is started anew for each batch, gets its lines (kc-record(5), with
 * src), and its answer counts only once it has ended with 0: it may drop,
 * change and add lines, and buffer as it likes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/replayer.h"
#include "model/envelope.h"
#include "model/src.h"

extern char **environ;

struct replay_via {
	char *command;
	struct buf in, out;   /* lines for it, lines of it */
	struct envelope_reader reader;
	pid_t pid;
	int to, from;         /* pipes; -1 = closed */
};

struct replay_via *
replay_via_new(const char *command)
{
	struct replay_via *v = xcalloc(1, sizeof(*v));

	v->command = xstrdup(command);
	v->to = v->from = -1;
	return v;
}

void
replay_via_free(struct replay_via *v)
{
	if (!v)
		return;
	envelope_reader_release(&v->reader);
	buf_release(&v->in);
	buf_release(&v->out);
	free(v->command);
	free(v);
}

void
replay_via_add(struct replay_via *v, const struct record *rec)
{
	envelope_write(&v->in, rec, ENVELOPE_SRC);
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A shell as the user's own would be, with signals as they are by default. */
static int
spawn(struct replay_via *v, int in[2], int out[2], struct err *e)
{
	char shell[] = "/bin/sh", flag[] = "-c";
	char *argv[] = { shell, flag, v->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int code;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	code = posix_spawn(&v->pid, shell, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	errno = code;
	return code ? err_errno(e, ERR_FAILED, "--via: cannot start '%s'",
		v->command) : 0;
}

static int
start(struct replay_via *v, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, result;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		result = err_errno(e, ERR_IO, "cannot make a pipe");
	else
		result = spawn(v, in, out, e);
	close_end(&in[0]);
	close_end(&out[1]);
	v->to = in[1];
	v->from = out[0];
	if (result) {
		close_end(&v->to);
		close_end(&v->from);
		return -1;
	}
	fcntl(v->to, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Writes what it takes; one that does not read all of it may still be right. */
static void
feed(struct replay_via *v, size_t *at)
{
	ssize_t n = write(v->to, v->in.data + *at, v->in.len - *at);

	if (n > 0)
		*at += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || *at == v->in.len)
		close_end(&v->to);
}

/* True at the end of its output. */
static bool
drink(struct replay_via *v)
{
	ssize_t n = read(v->from, buf_reserve(&v->out, 65536), 65536);

	if (n > 0)
		v->out.len += (size_t)n;
	return !n || (n < 0 && errno != EINTR);
}

static int
exchange(struct replay_via *v, int timeout_ms, struct err *e)
{
	int64_t until = clock_mono_ms(clock_system()) + timeout_ms;
	size_t at = 0;

	if (!v->in.len)
		close_end(&v->to);
	for (;;) {
		struct pollfd fds[] = { { v->from, POLLIN, 0 },
			{ v->to, POLLOUT, 0 }, { sig_fd(), POLLIN, 0 } };

		poll(fds, 3, 1000);
		if (v->to >= 0 && fds[1].revents)
			feed(v, &at);
		if (fds[0].revents && drink(v))
			return 0;
		if (sig_caught())
			return -1;
		if (clock_mono_ms(clock_system()) > until)
			return err_set(e, ERR_FAILED, "--via: '%s' did not end "
				"within %d ms (raise --timeout?)", v->command,
				timeout_ms);
	}
}

static int
wait_for(struct replay_via *v, bool kill_it, struct err *e)
{
	int status = 0;

	close_end(&v->to);
	close_end(&v->from);
	if (kill_it)
		kill(v->pid, SIGKILL);
	while (waitpid(v->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (kill_it)
		return -1;
	if (WIFSIGNALED(status))
		return err_set(e, ERR_FAILED, "--via: '%s' was ended by signal %d",
			v->command, WTERMSIG(status));
	return WEXITSTATUS(status) ? err_set(e, ERR_FAILED, "--via: '%s' ended "
		"with status %d", v->command, WEXITSTATUS(status)) : 0;
}

static int
take_answers(struct replay_via *v,
	int (*send)(void *arg, const struct record *rec, struct err *e), void *arg,
	struct err *e)
{
	struct slice rest = buf_slice(&v->out);
	int line = 0;

	while (rest.len) {
		const char *p = rest.data, *end = memchr(p, '\n', rest.len);
		size_t n = end ? (size_t)(end - p) : rest.len;
		struct record rec;
		struct src src;

		line++;
		if (envelope_read(&v->reader, slice_make(p, n), &rec, e))
			return err_wrap(e, "--via: line %d of its answer", line);
		if (slice_is_null(rec.src))
			return err_set(e, ERR_FORMAT, "--via: line %d of its answer "
				"has no src, which says what it came from", line);
		if (src_parse(rec.src, &src, e))
			return err_wrap(e, "--via: line %d of its answer", line);
		if (send(arg, &rec, e))
			return -1;
		rest = slice_make(p + n + !!end, rest.len - n - !!end);
	}
	return 0;
}

int
replay_via_run(struct replay_via *v, int timeout_ms,
	int (*send)(void *arg, const struct record *rec, struct err *e), void *arg,
	struct err *e)
{
	int result = 0;

	buf_clear(&v->out);
	if (v->in.len) {
		result = start(v, e);
		if (!result) {
			bool failed = exchange(v, timeout_ms, e);

			result = wait_for(v, failed, e);
		}
	}
	buf_clear(&v->in);
	return result ? -1 : take_answers(v, send, arg, e);
}
