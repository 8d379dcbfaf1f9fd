#include "cli/in.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/sig.h"
#include "tap.h"

static struct err e;

/* A file with these bytes, opened. */
static void
open_bytes(struct in *in, const void *p, size_t n)
{
	int fd = memfd_create("in", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, p, n) != (ssize_t)n || in_open(in, path, &e))
		abort();
	in->name = "file";
	close(fd);
}

static void
open_text(struct in *in, const char *text)
{
	open_bytes(in, text, strlen(text));
}

static void
expect(struct in *in, const char *text)
{
	struct slice line;

	CHECK_INT(in_next(in, -1, &line, &e), IN_LINE);
	if (!slice_eq_str(line, text))
		CHECK_STR("another line", text);
}

static void
expect_status(struct in *in, enum in_status want)
{
	struct slice line;

	CHECK_INT(in_next(in, 0, &line, &e), want);
}

static void
lines_are_counted_and_the_last_may_be_open(void)
{
	struct in in;

	open_text(&in, "one\n\nthree\r\nlast");
	expect(&in, "one");
	CHECK_INT(in.line, 1);
	expect(&in, "");
	expect(&in, "three\r");
	expect(&in, "last");
	CHECK_INT(in.line, 4);
	expect_status(&in, IN_EOF);
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_text(&in, "");
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_text(&in, "\n");
	expect(&in, "");
	expect_status(&in, IN_EOF);
	in_close(&in);
}

static void
delimiters_may_be_longer_than_a_byte(void)
{
	struct in in;

	open_text(&in, "a-b--c---d--");
	in.delimiter = slice_str("--");
	expect(&in, "a-b");
	expect(&in, "c");
	expect(&in, "-d");
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_bytes(&in, "a\0b\0", 4);
	in.delimiter = slice_make("\0", 1);
	expect(&in, "a");
	expect(&in, "b");
	expect_status(&in, IN_EOF);
	in_close(&in);
}

static void
without_a_delimiter_the_file_is_one_line(void)
{
	struct in in;

	open_text(&in, "a\nb\n");
	in.delimiter = slice_str("");
	expect(&in, "a\nb\n");
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_text(&in, "");
	in.delimiter = slice_str("");
	expect(&in, "");
	expect_status(&in, IN_EOF);
	in_close(&in);
}

/* A long delimiter in small writes: it is cut in every possible place. */
static void
a_delimiter_cut_by_a_read_is_found(void)
{
	static const char text[] = "one<-->two<--<-->three<-->";
	struct in in = { .fd = -1 };
	struct slice line;
	int fds[2], got = 0;

	CHECK_INT(pipe(fds), 0);
	in_open(&in, "-", &e);
	in.fd = fds[0];
	in.delimiter = slice_str("<-->");
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		static const char *const want[] = { "one", "two<--", "three" };

		CHECK_INT(write(fds[1], text + i, 1), 1);
		if (in_next(&in, 0, &line, &e) == IN_LINE)
			CHECK(slice_eq_str(line, want[got++]));
	}
	CHECK_INT(got, 3);
	close(fds[1]);
	expect_status(&in, IN_EOF);
	in_close(&in);
}

static void
lines_over_the_limit_are_skipped_and_numbered(void)
{
	enum { BIG = 3 << 20 };
	char *text = malloc(BIG + 64);
	struct in in;
	size_t n = 0;

	n += (size_t)snprintf(text, 64, "ok\n");
	memset(text + n, 'x', BIG);
	n += BIG;
	n += (size_t)snprintf(text + n, 32, "\n12345\n123456\nlast");
	open_bytes(&in, text, n);
	in.limit = 5;
	expect(&in, "ok");
	expect_status(&in, IN_TOO_LONG);
	CHECK_INT(in.line, 2);
	CHECK(in.buf.cap < 2 << 20); /* it was not kept */
	expect(&in, "12345");
	expect_status(&in, IN_TOO_LONG);
	CHECK_INT(in.line, 4);
	expect(&in, "last");
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_bytes(&in, text, BIG); /* too long, and no delimiter ends it */
	in.limit = 1000;
	expect(&in, "ok");
	expect_status(&in, IN_TOO_LONG);
	expect_status(&in, IN_EOF);
	in_close(&in);
	open_bytes(&in, text, n); /* long, but allowed */
	expect(&in, "ok");
	CHECK_INT(in_next(&in, -1, &(struct slice){ 0 }, &e), IN_LINE);
	CHECK_INT(in.line, 2);
	expect(&in, "12345");
	in_close(&in);
	free(text);
}

/* Many lines of random lengths, compared byte by byte. */
static void
what_comes_out_is_what_went_in(void)
{
	enum { N = 4 << 20 };
	char *text = malloc(N);
	struct slice line;
	struct in in;
	size_t at = 0;
	bool ok = true;

	srandom(11);
	for (size_t i = 0; i < N; i++)
		text[i] = random() % (i < N / 2 ? 20 : 5000) ? 'a' + (char)(i % 26) : '\n';
	text[N - 1] = '\n';
	open_bytes(&in, text, N);
	while (in_next(&in, -1, &line, &e) == IN_LINE) {
		ok = ok && !memcmp(text + at, line.data, line.len) &&
			text[at + line.len] == '\n';
		at += line.len + 1;
	}
	CHECK(ok);
	CHECK_INT(at, N);
	in_close(&in);
	free(text);
}

static void
a_pause_is_idle_and_a_whole_line_is_known(void)
{
	struct in in;
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	in_open(&in, "-", &e);
	CHECK_STR(in.name, "stdin");
	in.fd = fds[0];
	expect_status(&in, IN_IDLE);
	CHECK_INT(write(fds[1], "a\nb\npart", 8), 8);
	CHECK(!in_has_line(&in));
	expect(&in, "a");
	CHECK(in_has_line(&in));
	expect(&in, "b");
	CHECK(!in_has_line(&in));
	expect_status(&in, IN_IDLE);
	CHECK_INT(in_next(&in, 20, &(struct slice){ 0 }, &e), IN_IDLE);
	CHECK_INT(write(fds[1], "ial\n", 4), 4);
	expect(&in, "partial");
	close(fds[1]);
	expect_status(&in, IN_EOF);
	CHECK(in_has_line(&in));
	in_close(&in);
}

static void
failures_name_the_file(void)
{
	struct in in;

	CHECK_INT(in_open(&in, "/nonexistent/x", &e), -1);
	CHECK_STR(e.msg, "cannot open '/nonexistent/x': No such file or directory");
	CHECK_INT(e.code, ERR_IO);
	CHECK_INT(in_open(&in, "/tmp", &e), 0);
	expect_status(&in, IN_ERROR);
	CHECK_STR(e.msg, "cannot read '/tmp': Is a directory");
	in_close(&in);
}

/* Last: a signal stays caught. */
static void
a_signal_ends_the_wait(void)
{
	struct slice line;
	struct in in;
	int fds[2];

	sig_init();
	CHECK_INT(pipe(fds), 0);
	in_open(&in, "-", &e);
	in.fd = fds[0];
	CHECK_INT(write(fds[1], "a\nb\n", 4), 4);
	expect(&in, "a");
	raise(SIGTERM);
	CHECK_INT(sig_caught(), SIGTERM);
	expect(&in, "b"); /* already read */
	CHECK_INT(in_next(&in, -1, &line, &e), IN_SIGNAL);
	in_close(&in);
	close(fds[1]);
}

int
main(void)
{
	RUN(lines_are_counted_and_the_last_may_be_open);
	RUN(delimiters_may_be_longer_than_a_byte);
	RUN(without_a_delimiter_the_file_is_one_line);
	RUN(a_delimiter_cut_by_a_read_is_found);
	RUN(lines_over_the_limit_are_skipped_and_numbered);
	RUN(what_comes_out_is_what_went_in);
	RUN(a_pause_is_idle_and_a_whole_line_is_known);
	RUN(failures_name_the_file);
	RUN(a_signal_ends_the_wait);
	return tap_done();
}
