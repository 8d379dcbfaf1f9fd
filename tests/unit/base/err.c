#include "base/err.h"

#include <errno.h>

#include "base/near.h"
#include "tap.h"

static void
a_sentence_is_set_and_wrapped(void)
{
	struct err e = ERR_INIT;

	CHECK_INT(err_set(&e, ERR_FORMAT, "line %d", 3), -1);
	CHECK_INT(e.code, ERR_FORMAT);
	CHECK_STR(e.msg, "line 3");
	CHECK_INT(err_wrap(&e, "file '%s'", "x"), -1);
	CHECK_STR(e.msg, "file 'x': line 3");
	CHECK_INT(e.code, ERR_FORMAT);
	errno = ENOENT;
	err_errno(&e, ERR_IO, "cannot open '%s'", "y");
	CHECK_STR(e.msg, "cannot open 'y': No such file or directory");
}

static void
long_sentences_end_in_dots(void)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_FAILED, "%*d", 5000, 1);
	CHECK_INT(strlen(e.msg), sizeof(e.msg) - 1);
	CHECK_STR(e.msg + strlen(e.msg) - 4, " ...");
	err_set(&e, ERR_FAILED, "%*d", (int)sizeof(e.msg) - 1, 1);
	CHECK_STR(e.msg + strlen(e.msg) - 3, "  1");
	err_wrap(&e, "frame");
	CHECK_INT(strlen(e.msg), sizeof(e.msg) - 1);
	CHECK(!strncmp(e.msg, "frame: ", 7));
	CHECK_STR(e.msg + strlen(e.msg) - 3, "...");
	err_errno(&e, ERR_FAILED, "%*d", (int)sizeof(e.msg) - 4, 1);
	CHECK_STR(e.msg + strlen(e.msg) - 3, "...");
}

static void
codes_are_the_exit_statuses_of_the_manual(void)
{
	CHECK_INT(err_status(ERR_NONE), 0);
	CHECK_INT(err_status(ERR_FAILED), 1);
	CHECK_INT(err_status(ERR_IO), 1);
	CHECK_INT(err_status(ERR_UNSUPPORTED), 1);
	CHECK_INT(err_status(ERR_USAGE), 2);
	CHECK_INT(err_status(ERR_NO), 3);
	CHECK_INT(err_status(ERR_PARTIAL), 4);
	CHECK_INT(err_status(ERR_REFUSED), 5);
	CHECK_INT(err_status(ERR_TEMPORARY), 75);
}

static const char *
meant(const char *word)
{
	static const char *const names[] = { "brokers", "value", "key", "partition" };
	struct near n = near_init(slice_str(word));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		near_offer(&n, names[i]);
	return n.name;
}

static void
near_names_are_found_and_far_ones_are_not(void)
{
	CHECK_STR(meant("borkers"), "brokers");
	CHECK_STR(meant("broker"), "brokers");
	CHECK_STR(meant("vlaue"), "value");
	CHECK_STR(meant("kye"), "key");
	CHECK_STR(meant("partitoins"), "partition");
	CHECK_STR(meant("value"), "value");
	CHECK(!meant("payload"));
	CHECK(!meant(""));
	CHECK(!meant("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

int
main(void)
{
	RUN(a_sentence_is_set_and_wrapped);
	RUN(long_sentences_end_in_dots);
	RUN(codes_are_the_exit_statuses_of_the_manual);
	RUN(near_names_are_found_and_far_ones_are_not);
	return tap_done();
}
