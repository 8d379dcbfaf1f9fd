/* Lines of acknowledgements: read, written, refused. */
#include "model/ack.h"

#include <stdio.h>

#include "tap.h"

static struct ack_reader rd;

static int
read_line(const char *line, struct ack *out)
{
	struct err e = ERR_INIT;

	return ack_read(&rd, slice_str(line), out, &e);
}

static void
lines_are_read(void)
{
	struct ack a;

	CHECK_INT(read_line("{\"ack\":\"orders/3/42\"}", &a), 0);
	CHECK(slice_eq_str(a.src.topic, "orders") && !a.through && !a.failed);
	CHECK_INT(a.src.partition, 3);
	CHECK_INT(a.src.offset, 42);
	CHECK_INT(read_line("{ \"ack\" : \"o.p/3/..9007199254740993\", \"by\": 1 }", &a), 0);
	CHECK(slice_eq_str(a.src.topic, "o.p") && a.through);
	CHECK_INT(a.src.offset, 9007199254740993);
	CHECK_INT(read_line("{\"nack\":\"o/0/0\"}", &a), 0);
	CHECK(a.failed);
}

static void
others_are_refused(void)
{
	static const char *const bad[] = { "", "ack", "[]", "{}", "{\"ack\":\"o/1\"}",
		"{\"ack\":5}", "{\"ack\":null}", "{\"ack\":\"o/1/..\"}", "{\"ack\":\"o/1/.2\"}",
		"{\"ack\":\"o/1/2\",\"nack\":\"o/1/2\"}", "{\"ack\":\"o/1/2\"} x", "{\"ack\":\"o/1/2\"" };
	struct ack a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK_INT(read_line(bad[i], &a), -1))
			printf("# %s\n", bad[i]);
}

static void
what_is_written_is_read(void)
{
	struct ack a = { .src = { slice_str("orders"), 3, 42 }, .through = true }, b;
	struct buf out = BUF_INIT;

	ack_write(&out, &a);
	CHECK(slice_eq_str(buf_slice(&out), "{\"ack\":\"orders/3/..42\"}\n"));
	out.len--;
	CHECK_INT(read_line(buf_cstr(&out), &b), 0);
	CHECK(b.through && b.src.offset == 42);
	buf_release(&out);
}

int
main(void)
{
	RUN(lines_are_read);
	RUN(others_are_refused);
	RUN(what_is_written_is_read);
	ack_reader_release(&rd);
	return tap_done();
}
