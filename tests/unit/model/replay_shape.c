/* What records become: headers, timestamps, partitions, and where they came from. */
#include "model/replay_shape.h"

#include "tap.h"

static const struct record_header own[] = {
	{ { "a", 1 }, { "1", 1 } }, { { "b", 1 }, { NULL, 0 } }, { { "a", 1 }, { "", 0 } },
	{ { REPLAY_TAG, sizeof(REPLAY_TAG) - 1 }, { "old/0/0", 7 } },
};

static struct record
record(void)
{
	return (struct record){ .topic = slice_str("orders"), .partition = 3,
		.offset = 42, .has_timestamp = true, .timestamp = 1000,
		.key = slice_str("k"), .value = slice_str("v"), .headers = own,
		.headers_n = 4 };
}

static struct replay_shape
shape(void)
{
	return (struct replay_shape){ .topic = slice_str("copy"),
		.run = slice_str("job.1") };
}

static void
a_copy_tells_where_it_came_from(void)
{
	struct replay_shape s = shape();
	struct record r = record(), out;

	replay_shape(&s, &r, &out);
	CHECK(slice_eq_str(out.topic, "copy"));
	CHECK_INT(out.partition, 3);
	CHECK_INT(out.timestamp, 1000);
	CHECK_INT(out.headers_n, 4);
	CHECK(slice_eq_str(out.headers[2].key, "a"));
	CHECK(slice_eq_str(out.headers[2].value, ""));
	CHECK(slice_eq_str(replay_header(&out, REPLAY_TAG), "job.1/3/42"));
	/* a line that went through a command says it itself */
	r.src = slice_str("orders/9/7");
	replay_shape(&s, &r, &out);
	CHECK(slice_eq_str(replay_header(&out, REPLAY_TAG), "job.1/9/7"));
	replay_shape_release(&s);
}

static void
without_tags_all_stays(void)
{
	struct replay_shape s = shape();
	struct record r = record(), out;

	s.run = SLICE_NULL;
	replay_shape(&s, &r, &out);
	CHECK_INT(out.headers_n, 4);
	CHECK(slice_eq_str(replay_header(&out, REPLAY_TAG), "old/0/0"));
	replay_shape_release(&s);
}

static void
headers_go_and_come(void)
{
	struct replay_shape s = shape();
	struct record r = record(), out;
	struct err e;

	s.run = SLICE_NULL;
	CHECK_INT(replay_shape_headers(&s, "-a", &e), 0);
	CHECK_INT(replay_shape_headers(&s, "+c=x=y", &e), 0);
	CHECK_INT(replay_shape_headers(&s, "+null", &e), 0);
	replay_shape(&s, &r, &out);
	CHECK_INT(out.headers_n, 4);
	CHECK(slice_eq_str(out.headers[2].value, "x=y"));
	CHECK(slice_is_null(out.headers[3].value));
	CHECK_INT(replay_shape_headers(&s, "none", &e), 0);
	replay_shape(&s, &r, &out);
	CHECK_INT(out.headers_n, 2);
	CHECK_INT(replay_shape_headers(&s, "x", &e), -1);
	CHECK_INT(replay_shape_headers(&s, "-", &e), -1);
	CHECK_INT(replay_shape_headers(&s, "+=x", &e), -1);
	replay_shape_release(&s);
}

static void
timestamps_and_partitions(void)
{
	struct replay_shape s = shape();
	struct record r = record(), out;
	int64_t start;
	struct err e;

	CHECK_INT(replay_shape_timestamp(&s, "shift=@5000", 9, &start, &e), 0);
	CHECK_INT(start, 5000);
	s.shift_ms = 250;
	CHECK_INT(replay_shape_partition(&s, "7", &e), 0);
	replay_shape(&s, &r, &out);
	CHECK_INT(out.timestamp, 1250);
	CHECK_INT(out.partition, 7);
	CHECK_INT(replay_shape_timestamp(&s, "now", 9, &start, &e), 0);
	CHECK_INT(replay_shape_partition(&s, "key", &e), 0);
	replay_shape(&s, &r, &out);
	CHECK(!out.has_timestamp);
	CHECK_INT(out.partition, -1);
	CHECK_INT(replay_shape_timestamp(&s, "shifty", 9, &start, &e), -1);
	CHECK_INT(replay_shape_timestamp(&s, "shift=x", 9, &start, &e), -1);
	CHECK_INT(replay_shape_partition(&s, "-1", &e), -1);
	replay_shape_release(&s);
}

static bool
read_tag(const char *text, struct slice *run, int32_t *partition, int64_t *offset)
{
	const struct record_header h = { slice_str(REPLAY_TAG), slice_str(text) };
	const struct record r = { .headers = &h, .headers_n = 1 };

	return replay_tag(&r, run, partition, offset);
}

static void
tags_are_read(void)
{
	static const char *const bad[] = { NULL, "", "/", "r/1", "/1/2", "r/1/", "r//1",
		"r/1/x", "r/99999999999/1", "r/1/-1" };
	int32_t partition;
	int64_t offset;
	struct slice run;

	CHECK(read_tag("job.1/12/9007199254740993", &run, &partition, &offset));
	CHECK(slice_eq_str(run, "job.1"));
	CHECK_INT(partition, 12);
	CHECK_INT(offset, 9007199254740993);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK(!read_tag(bad[i], &run, &partition, &offset)))
			printf("# %s\n", bad[i] ? bad[i] : "null");
}

static void
digests_tell_apart(void)
{
	struct record r = record(), other = record();
	uint64_t d = replay_digest(&r, true);

	CHECK(replay_digest(&other, true) == d);
	other.headers_n = 3; /* the tag does not count */
	CHECK(replay_digest(&other, true) == d);
	other.headers_n = 2;
	CHECK(replay_digest(&other, true) != d);
	other = record();
	other.timestamp++;
	CHECK(replay_digest(&other, true) != d);
	CHECK(replay_digest(&other, false) == replay_digest(&r, false));
	other = record();
	other.value = SLICE_NULL;
	r.value = slice_str("");
	CHECK(replay_digest(&other, true) != replay_digest(&r, true));
	other.value = slice_str("k");
	other.key = slice_str("v"); /* not one for the other */
	CHECK(replay_digest(&other, true) != d);
}

int
main(void)
{
	RUN(a_copy_tells_where_it_came_from);
	RUN(without_tags_all_stays);
	RUN(headers_go_and_come);
	RUN(timestamps_and_partitions);
	RUN(tags_are_read);
	RUN(digests_tell_apart);
	return tap_done();
}
