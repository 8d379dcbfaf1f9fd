#include "cli/diag.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/out.h"
#include "cli/prompt.h"
#include "cli/sig.h"
#include "tap.h"

/* How a child ended: exit status, or -signal; and what it said. */
static int status;
static char said[4096];

static void
collect(pid_t pid, int fd)
{
	size_t n = 0;
	ssize_t got;
	int st;

	while ((got = read(fd, said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(fd);
	waitpid(pid, &st, 0);
	status = WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

/* Runs a main in a child, with stdout being `out` (-1 = /dev/null). */
static void
run(int (*fn)(void), int out)
{
	int fds[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) || (pid = fork()) < 0)
		abort();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		dup2(out >= 0 ? out : open("/dev/null", O_WRONLY), STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		diag_init("kc-x");
		_exit(fn());
	}
	close(fds[1]);
	collect(pid, fds[0]);
}

static int
succeed(void)
{
	struct err e = ERR_INIT;

	diag_warn("odd %s", "thing");
	diag_note("a fact");
	diag_verbose(1, "unseen");
	return diag_finish(0, &e);
}

static int
succeed_verbosely(void)
{
	struct err e = ERR_INIT;

	diag_set_level(0, 1);
	diag_verbose(1, "one");
	diag_verbose(2, "two");
	return diag_finish(0, &e);
}

static int
succeed_quietly(void)
{
	struct err e = ERR_INIT;

	diag_set_level(1, 3);
	diag_warn("warning");
	diag_note("note");
	diag_verbose(1, "verbose");
	diag_error("item %d", 7);
	return diag_finish(0, &e);
}

static void
messages_go_to_stderr_by_level(void)
{
	run(succeed, -1);
	CHECK_INT(status, 0);
	CHECK_STR(said, "kc-x: warning: odd thing\nkc-x: a fact\n");
	run(succeed_verbosely, -1);
	CHECK_STR(said, "kc-x: one\n");
	run(succeed_quietly, -1);
	CHECK_STR(said, "kc-x: item 7\n");
}

static int
fail_with_foreign_bytes(void)
{
	struct err e;

	return diag_finish(err_set(&e, ERR_TEMPORARY, "bad \x1b[2J\xff\ttopic\nnext"), &e);
}

static void
a_failure_is_told_and_escaped(void)
{
	run(fail_with_foreign_bytes, -1);
	CHECK_INT(status, 75);
	CHECK_STR(said, "kc-x: bad \\x1b[2J\\xff\ttopic\nnext\n");
}

static int
print(void)
{
	struct err e = ERR_INIT;

	printf("hello\n");
	return diag_finish(0, &e);
}

static int
print_by_out(void)
{
	struct err e = ERR_INIT;
	struct out o;
	int result;

	sig_init();
	out_init(&o, STDOUT_FILENO);
	buf_addstr(&o.buf, "hello\n");
	result = out_close(&o, &e);
	return diag_finish(result, &e);
}

/* The pipe closes, and then what was written cannot be committed. */
static int
fail_after_a_closed_pipe(void)
{
	struct err e = ERR_INIT;
	struct out o;

	sig_init();
	out_init(&o, STDOUT_FILENO);
	buf_addstr(&o.buf, "hello\n");
	out_close(&o, &e);
	return diag_finish(err_set(&e, ERR_REFUSED, "commit refused"), &e);
}

static void
a_full_disk_behind_stdout_is_exit_1(void)
{
	int full = open("/dev/full", O_WRONLY);

	run(print, full);
	CHECK_INT(status, 1);
	CHECK_STR(said, "kc-x: cannot write to stdout: No space left on device\n");
	run(print_by_out, full);
	CHECK_INT(status, 1);
	CHECK_STR(said, "kc-x: cannot write to stdout: No space left on device\n");
	close(full);
}

static void
a_closed_pipe_is_a_quiet_sigpipe(void)
{
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	close(fds[0]);
	run(print, fds[1]);
	CHECK_INT(status, -SIGPIPE);
	CHECK_STR(said, "");
	run(print_by_out, fds[1]);
	CHECK_INT(status, -SIGPIPE);
	CHECK_STR(said, "");
	run(fail_after_a_closed_pipe, fds[1]);
	CHECK_INT(status, 5);
	CHECK_STR(said, "kc-x: commit refused\n");
	close(fds[1]);
}

static int
stop_orderly(void)
{
	struct err e = ERR_INIT;

	sig_init();
	raise(SIGTERM);
	diag_note("flushed");
	return diag_finish(0, &e);
}

static int
stop_cut_short(void)
{
	struct err e = ERR_INIT;

	sig_init();
	raise(SIGINT);
	return diag_finish(-1, &e);
}

static int
stop_and_fail(void)
{
	struct err e = ERR_INIT;

	sig_init();
	raise(SIGINT);
	return diag_finish(err_set(&e, ERR_FAILED, "3 records are lost"), &e);
}

static int
two_signals(void)
{
	sig_init();
	raise(SIGTERM);
	raise(SIGINT);
	return 0;
}

static int
ignored_signal(void)
{
	signal(SIGHUP, SIG_IGN);
	sig_init();
	raise(SIGHUP);
	return sig_caught() ? 9 : 0;
}

static void
a_signal_ends_the_program_as_itself(void)
{
	run(stop_orderly, -1);
	CHECK_INT(status, -SIGTERM);
	CHECK_STR(said, "kc-x: flushed\n");
	run(stop_cut_short, -1);
	CHECK_INT(status, -SIGINT);
	CHECK_STR(said, "");
	run(stop_and_fail, -1);
	CHECK_INT(status, 1);
	CHECK_STR(said, "kc-x: 3 records are lost\n");
	run(two_signals, -1);
	CHECK_INT(status, -SIGINT);
	run(ignored_signal, -1);
	CHECK_INT(status, 0);
}

static int
ask_without_terminal(void)
{
	struct err e = ERR_INIT;

	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	return diag_finish(prompt_yes("delete topic 'a'?", &e), &e);
}

static int
ask(void)
{
	struct err e = ERR_INIT;

	sig_init();
	return diag_finish(prompt_yes("delete?", &e), &e);
}

/* Answers on a pseudo terminal, once the question is there. */
static void
answer(const char *text)
{
	size_t n = 0;
	ssize_t got;
	int fd, st;
	pid_t pid;

	fflush(stdout);
	pid = forkpty(&fd, NULL, NULL, NULL);
	if (!pid) {
		setenv("TERM", "dumb", 1);
		diag_init("kc-x");
		_exit(ask());
	}
	for (bool sent = false; n < sizeof(said) - 1; ) {
		got = read(fd, said + n, sizeof(said) - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
		said[n] = '\0';
		if (!sent && strstr(said, "[y/N] ")) {
			sent = true;
			if (write(fd, text, strlen(text)) < 0)
				break;
		}
	}
	close(fd);
	waitpid(pid, &st, 0);
	status = WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

static void
questions_need_a_terminal_and_a_yes(void)
{
	run(ask_without_terminal, -1);
	CHECK_INT(status, 2);
	CHECK_STR(said, "kc-x: delete topic 'a'? (there is no terminal to ask on; "
		"try: --yes)\n");
	answer("y\n");
	CHECK_INT(status, 0);
	CHECK(strstr(said, "delete? [y/N] ") != NULL);
	answer("yes\n");
	CHECK_INT(status, 0);
	answer("\n");
	CHECK_INT(status, 1);
	CHECK(strstr(said, "not confirmed, nothing done") != NULL);
	answer("yessir\n");
	CHECK_INT(status, 1);
	answer("\x04"); /* end of file */
	CHECK_INT(status, 1);
	answer("\x03"); /* Ctrl-C */
	CHECK_INT(status, -SIGINT);
}

static int
show_status(void)
{
	struct err e = ERR_INIT;

	diag_status_line("10%");
	diag_status_line("20%");
	diag_note("word");
	diag_status_line(NULL);
	return diag_finish(0, &e);
}

static void
messages_wipe_the_passing_line(void)
{
	run(show_status, -1);
	CHECK_STR(said, "\r10%\033[K\r20%\033[K\r\033[Kkc-x: word\n");
}

int
main(void)
{
	RUN(messages_go_to_stderr_by_level);
	RUN(a_failure_is_told_and_escaped);
	RUN(a_full_disk_behind_stdout_is_exit_1);
	RUN(a_closed_pipe_is_a_quiet_sigpipe);
	RUN(a_signal_ends_the_program_as_itself);
	RUN(questions_need_a_terminal_and_a_yes);
	RUN(messages_wipe_the_passing_line);
	return tap_done();
}
