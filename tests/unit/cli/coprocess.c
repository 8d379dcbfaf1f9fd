/* A command beside us: lines there and back, its words, its end. */
#include "cli/coprocess.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "tap.h"

static struct coprocess c;

static bool
start(const char *command)
{
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
		(char *)(uintptr_t)command, NULL };
	struct err e = ERR_INIT;

	return !coprocess_start(&c, argv, 0, &e);
}

/* Serves it until there is a line, or it is over, or ten seconds are. */
static enum coprocess_line
next(struct slice *line)
{
	struct pollfd fds[COPROCESS_FDS];
	enum coprocess_line is;

	for (int i = 0; i < 10000; i++) {
		is = coprocess_next(&c, line);
		if (is != COPROCESS_NONE || coprocess_is_over(&c))
			return is;
		coprocess_poll(&c, fds);
		if (poll(fds, COPROCESS_FDS, 1000) > 0)
			coprocess_serve(&c, fds);
	}
	return COPROCESS_NONE;
}

static void
lines_go_there_and_come_back(void)
{
	struct slice line;

	CHECK(start("cat"));
	coprocess_send(&c, slice_str("one\ntwo\n\nthree"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK(slice_eq_str(line, "one"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK(slice_eq_str(line, "two"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK_INT(line.len, 0);
	coprocess_send(&c, slice_str("!\n"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK(slice_eq_str(line, "three!"));
	coprocess_close_input(&c);
	CHECK_INT(next(&line), COPROCESS_NONE);
	CHECK(coprocess_is_over(&c));
	coprocess_end(&c, 1000);
	CHECK(WIFEXITED(c.status) && !WEXITSTATUS(c.status));
	coprocess_release(&c);
}

/* More than the pipes hold, both ways. */
static void
much_goes_through(void)
{
	struct slice line;
	long n = 0, bytes = 0;

	CHECK(start("cat"));
	for (int i = 0; i < 20000; i++)
		coprocess_send(&c, slice_str("a line that is neither short nor "
			"very long, but there are many of them\n"));
	CHECK(coprocess_unsent(&c) > 1000000);
	coprocess_close_input(&c);
	while (next(&line) == COPROCESS_LINE) {
		n++;
		bytes += (long)line.len + 1;
	}
	CHECK_INT(n, 20000);
	CHECK_INT(bytes, 20000 * 71);
	CHECK_INT(coprocess_unsent(&c), 0);
	coprocess_release(&c);
}

static void
a_line_may_be_too_long(void)
{
	struct slice line;

	CHECK(start("printf 12345678; cat"));
	c.limit = 7;
	CHECK_INT(next(&line), COPROCESS_TOO_LONG);
	coprocess_release(&c);
	coprocess_init(&c);
}

static void
its_end_and_its_words_are_known(void)
{
	struct slice line;
	struct buf how = BUF_INIT;

	CHECK(start("echo no >&2; printf 'a\\377b\\n' >&2; exit 3"));
	CHECK_INT(next(&line), COPROCESS_NONE);
	CHECK(coprocess_is_over(&c));
	coprocess_end(&c, 1000);
	coprocess_tell(&c, &how);
	CHECK_STR(buf_cstr(&how), "ended with status 3");
	CHECK_STR(buf_cstr(&c.words), "no\na?b\n");
	buf_clear(&how);
	coprocess_release(&c);

	CHECK(start("kill -9 $$"));
	next(&line);
	coprocess_end(&c, 1000);
	coprocess_tell(&c, &how);
	CHECK_STR(buf_cstr(&how), "was killed by signal 9 (Killed)");
	buf_release(&how);
	coprocess_release(&c);
}

/* Also one that has children, and does not listen. */
static void
one_that_does_not_end_is_ended(void)
{
	struct slice line;
	struct err e = ERR_INIT;
	int64_t child;

	CHECK(start("trap '' TERM; cat /dev/zero >/dev/null & echo $!; wait"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK(!num_int(line, 1, INT32_MAX, &child, &e));
	coprocess_end(&c, 50);
	CHECK_INT(c.pid, -1);
	CHECK(WIFSIGNALED(c.status));
	for (int i = 0; i < 1000 && !kill((pid_t)child, 0); i++)
		poll(NULL, 0, 10);
	CHECK(kill((pid_t)child, 0));
	coprocess_release(&c);
}

static void
it_can_be_started_again(void)
{
	struct slice line;

	CHECK(start("cat"));
	coprocess_send(&c, slice_str("half a"));
	coprocess_end(&c, 0);
	CHECK(start("cat"));
	coprocess_send(&c, slice_str("whole\n"));
	CHECK_INT(next(&line), COPROCESS_LINE);
	CHECK(slice_eq_str(line, "whole"));
	coprocess_release(&c);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	coprocess_init(&c);
	RUN(lines_go_there_and_come_back);
	RUN(much_goes_through);
	RUN(a_line_may_be_too_long);
	RUN(its_end_and_its_words_are_known);
	RUN(one_that_does_not_end_is_ended);
	RUN(it_can_be_started_again);
	return tap_done();
}
