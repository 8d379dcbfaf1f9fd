#include "cli/out.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static struct err e;

static void
bytes_arrive_when_flushed(void)
{
	struct out o;
	char got[16] = { 0 };
	int fds[2];

	CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
	out_init(&o, fds[1]);
	CHECK(!o.unbuffered);
	buf_addstr(&o.buf, "abc");
	CHECK_INT(out_maybe_flush(&o, &e), 0);
	CHECK_INT(read(fds[0], got, sizeof(got)), -1);
	CHECK_INT(out_flush(&o, &e), 0);
	CHECK_INT(read(fds[0], got, sizeof(got)), 3);
	CHECK_STR(got, "abc");
	o.limit = 2;
	buf_addstr(&o.buf, "de");
	CHECK_INT(out_maybe_flush(&o, &e), 0);
	CHECK_INT(read(fds[0], got, sizeof(got)), 2);
	o.limit = 100;
	o.unbuffered = true;
	buf_addstr(&o.buf, "f");
	CHECK_INT(out_maybe_flush(&o, &e), 0);
	CHECK_INT(read(fds[0], got, sizeof(got)), 1);
	CHECK_INT(out_close(&o, &e), 0);
	CHECK_INT(read(fds[0], got, sizeof(got)), 0);
	close(fds[0]);
}

static void
a_full_disk_is_an_error(void)
{
	struct out o;

	out_init(&o, open("/dev/full", O_WRONLY));
	buf_addstr(&o.buf, "abc");
	CHECK_INT(out_flush(&o, &e), -1);
	CHECK_INT(e.code, ERR_IO);
	CHECK_STR(e.msg, "cannot write to the output: No space left on device");
	CHECK(!out_is_closed(&o));
	CHECK_INT(out_close(&o, &e), -1);
}

static void
a_closed_pipe_is_remembered(void)
{
	struct out o;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(pipe(fds), 0);
	close(fds[0]);
	out_init(&o, fds[1]);
	buf_addstr(&o.buf, "abc");
	CHECK_INT(out_flush(&o, &e), -1);
	CHECK_INT(e.code, ERR_IO);
	CHECK(out_is_closed(&o));
	CHECK_INT(out_flush(&o, &e), -1);
	CHECK_INT(out_close(&o, &e), -1);
}

static void
print(char *got, size_t size, bool terminal, struct out_table *t)
{
	struct out o;
	int fds[2];
	ssize_t n;

	CHECK_INT(pipe(fds), 0);
	out_init(&o, fds[1]);
	CHECK_INT(out_table_print(t, &o, terminal, &e), 0);
	CHECK_INT(out_close(&o, &e), 0);
	n = read(fds[0], got, size - 1);
	got[n > 0 ? n : 0] = '\0';
	close(fds[0]);
}

static void
tables_are_aligned_for_people_and_tabbed_for_programs(void)
{
	static const char *const columns[] = { "TOPIC", "SIZE", "NOTE" };
	struct out_table *t = out_table_new(columns, 3);
	char got[512];

	out_table_right(t, 1);
	out_table_cell(t, "orders");
	out_table_cell(t, "%d", 7);
	out_table_cell(t, "x");
	out_table_cell(t, "日本");
	out_table_cell(t, "%d", 12345);
	out_table_cell(t, "a\tb\x1b[m");
	print(got, sizeof(got), true, t);
	CHECK_STR(got,
		"TOPIC    SIZE  NOTE\n"
		"orders      7  x\n"
		"日本    12345  a\\x09b\\x1b[m\n");
	print(got, sizeof(got), false, t);
	CHECK_STR(got, "orders\t7\tx\n日本\t12345\ta\\x09b\\x1b[m\n");
	out_table_free(t);
}

static void
a_table_without_rows_has_a_header_for_people_only(void)
{
	static const char *const columns[] = { "TOPIC" };
	struct out_table *t = out_table_new(columns, 1);
	char got[64];

	print(got, sizeof(got), true, t);
	CHECK_STR(got, "TOPIC\n");
	print(got, sizeof(got), false, t);
	CHECK_STR(got, "");
	out_table_free(t);
	out_table_free(NULL);
}

int
main(void)
{
	RUN(bytes_arrive_when_flushed);
	RUN(a_full_disk_is_an_error);
	RUN(a_closed_pipe_is_remembered);
	RUN(tables_are_aligned_for_people_and_tabbed_for_programs);
	RUN(a_table_without_rows_has_a_header_for_people_only);
	return tap_done();
}
