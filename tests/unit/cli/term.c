#include "cli/term.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "tap.h"

static const char *
escaped(const char *p, size_t n)
{
	static struct buf b;

	buf_clear(&b);
	term_escape(&b, slice_make(p, n));
	return buf_cstr(&b);
}

static void
controls_and_bad_utf8_are_escaped(void)
{
	CHECK_STR(escaped("plain ~ text", 12), "plain ~ text");
	CHECK_STR(escaped("a\0b", 3), "a\\x00b");
	CHECK_STR(escaped("\x1b[31m\x07\t\n\x7f", 9), "\\x1b[31m\\x07\\x09\\x0a\\x7f");
	CHECK_STR(escaped("\xc2\x9b" "31m", 5), "\\xc2\\x9b31m"); /* C1: CSI in one */
	CHECK_STR(escaped("\xff\xfe", 2), "\\xff\\xfe");
	CHECK_STR(escaped("\xe2\x80\xae!", 4), "\\xe2\\x80\\xae!"); /* right to left */
	CHECK_STR(escaped("日本 ä 🎉", 14), "日本 ä 🎉");
}

static void
widths_are_columns(void)
{
	CHECK_INT(term_columns(slice_str("")), 0);
	CHECK_INT(term_columns(SLICE_NULL), 0);
	CHECK_INT(term_columns(slice_str("abc")), 3);
	CHECK_INT(term_columns(slice_str("äöü")), 3);
	CHECK_INT(term_columns(slice_str("日本")), 4);
	CHECK_INT(term_columns(slice_str("e\xcc\x81")), 1); /* combining */
	CHECK_INT(term_columns(slice_str("\xff")), 1);
}

static void
colour_obeys_choice_environment_and_terminal(void)
{
	int fds[2], tty = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK_INT(pipe(fds), 0);
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	CHECK(term_color(fds[1], "always"));
	CHECK(!term_color(fds[1], "never"));
	CHECK(!term_color(fds[1], "auto"));
	CHECK(!term_color(fds[1], NULL));
	CHECK(term_is_tty(tty));
	CHECK(term_color(tty, NULL));
	CHECK(term_color(tty, "auto"));
	CHECK(!term_color(tty, "never"));
	setenv("NO_COLOR", "", 1);
	CHECK(term_color(tty, NULL));
	setenv("NO_COLOR", "1", 1);
	CHECK(!term_color(tty, NULL));
	CHECK(term_color(tty, "always"));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	CHECK(!term_color(tty, NULL));
	CHECK_INT(term_width(fds[1]), 80);
	close(tty);
}

static void
documents_print_exactly(void)
{
	struct json *o = json_object(), *l = json_array();
	struct buf b = BUF_INIT;

	json_add_str(o, "topic", "a\"ä\n");
	json_add_int(o, "offset", INT64_MAX);
	json_add_int(o, "low", INT64_MIN);
	json_add_bool(o, "internal", false);
	json_add_null(o, "leader");
	json_add_text(o, "key", slice_make("\xff\0", 2));
	json_add_text(o, "nul", slice_make("a\0", 2));
	json_add_text(o, "none", SLICE_NULL);
	json_add_int(l, NULL, 1);
	json_add_str(l, NULL, "");
	json_add(o, "list", l);
	json_print(&b, o);
	CHECK_STR(buf_cstr(&b), "{\"topic\":\"a\\\"ä\\n\",\"offset\":9223372036854775807,"
		"\"low\":-9223372036854775808,\"internal\":false,\"leader\":null,"
		"\"key\":{\"base64\":\"/wA=\"},\"nul\":{\"base64\":\"YQA=\"},"
		"\"none\":null,\"list\":[1,\"\"]}\n");
	buf_release(&b);
	json_free(o);
}

static const char *
progress(int64_t total, int64_t done, int64_t ms)
{
	static struct buf b;
	struct clock c = clock_fake(1000);
	struct progress p;

	progress_init(&p, "records", total, &c);
	buf_clear(&b);
	progress_text(&p, done, 1000 + ms, &b);
	return buf_cstr(&b);
}

static void
progress_says_how_much_how_fast_how_long(void)
{
	CHECK_STR(progress(-1, 0, 0), "0 records");
	CHECK_STR(progress(-1, 500, 1000), "500 records, 500/s");
	CHECK_STR(progress(4000, 1000, 2000), "1000 of 4000 records, 25%, 500/s, 6s left");
	CHECK_STR(progress(4000, 4000, 2000), "4000 of 4000 records, 100%, 2000/s");
	CHECK_STR(progress(0, 0, 10), "0 of 0 records");
}

int
main(void)
{
	RUN(controls_and_bad_utf8_are_escaped);
	RUN(widths_are_columns);
	RUN(colour_obeys_choice_environment_and_terminal);
	RUN(documents_print_exactly);
	RUN(progress_says_how_much_how_fast_how_long);
	return tap_done();
}
