/*
 * The indexes of a segment that is too large to be read in one go: made again
 * in slices, while others are served.
 */
#include "store/state.h"
#include "fixture.h"

enum {
	BATCHES = 6000, /* of 2 records, 5 KB: more than one slice, and than AT_ONCE */
	SEALED = 1, ACTIVE = 0,
};

/* Of 24 MB when it is to be sealed. */
static struct log_config
config_of(int sealed)
{
	return (struct log_config){
		.segment_bytes = sealed ? 24 << 20 : 1 << 30,
		.segment_ms = INT64_MAX, .retention_ms = -1,
		.retention_bytes = -1, .index_interval_bytes = 4096,
		.max_message_bytes = 100000, .timestamp_before_max_ms = INT64_MAX,
		.timestamp_after_max_ms = INT64_MAX, .compression = -1,
		.delete_old = true,
	};
}

static void
fill(struct partlog *l, int batches)
{
	for (int i = 0; i < batches; i++) {
		struct buf b = make_batch(2, 2500, T0 + partlog_end(l), -1, -1, -1);

		CHECK_INT(append_buf(l, &b).error, 0);
		buf_release(&b);
	}
}

static void
shell(const struct fixture *f, const char *what)
{
	char command[1500];

	snprintf(command, sizeof(command), "cd %s && %s", f->dir, what);
	CHECK_INT(system(command), 0);
}

/* The first log's indexes are lost, the other log is as it was. */
static bool
start(struct fixture *f, const struct log_config *c, struct partlog *l[2])
{
	return CHECK(fixture_open(f) == 0 &&
		(l[0] = fixture_attach(f, "t", 1, 0, c)) &&
		(l[1] = fixture_attach(f, "t", 1, 1, c)) &&
		store_start(f->s, &f->e) == 0);
}

static bool
begin_lost(struct fixture *f, int sealed, struct partlog *l[2])
{
	struct log_config c = config_of(sealed);

	fixture_init(f);
	if (!start(f, &c, l))
		return false;
	fill(l[0], BATCHES);
	fill(l[1], 10);
	CHECK_INT(l[0]->segments_n, 1 + sealed);
	CHECK(fixture_settle(f));
	fixture_stop(f);
	shell(f, "mkdir kept && mv t-0/00000000000000000000.*index kept");
	return start(f, &c, l);
}

static int16_t
read_at(struct partlog *l, int64_t offset, int64_t *base)
{
	struct wire_records r;
	int16_t error = partlog_read(l, offset, partlog_high_watermark(l), 1, true,
		&r);

	*base = -1;
	if (!error && CHECK(r.len)) {
		struct buf b = range_bytes(&r);

		*base = (int64_t)be64_get(b.data);
		buf_release(&b);
	}
	return error;
}

static int
turns_until_found(struct fixture *f, struct partlog *l, int64_t offset)
{
	int64_t base;

	for (int i = 0; i < 1000; i++) {
		if (read_at(l, offset, &base) == 0)
			return i;
		store_poll(f->s);
	}
	CHECK(false);
	return -1;
}

static void
all_is_found(struct partlog *l)
{
	int64_t base, offset, t;

	for (int64_t i = 0; i < 2 * BATCHES; i += 97) {
		CHECK_INT(read_at(l, i, &base), 0);
		CHECK_INT(base, i - i % 2);
	}
	CHECK_INT(partlog_offset_of_time(l, T0 + 5000, partlog_high_watermark(l),
		&offset, &t), 0);
	CHECK_INT(offset, 5000);
}

static int changes;

static void
on_change(struct log_watch *w)
{
	(void)w;
	changes++;
}

static void
others_are_served_meanwhile(void)
{
	for (int sealed = ACTIVE; sealed <= SEALED; sealed++) {
		struct log_watch w = { .changed = on_change };
		struct log_config c;
		struct partlog *l[2];
		struct fixture f;
		int64_t base, offset, t;
		uint64_t n = 0;

		if (!begin_lost(&f, sealed, l))
			return;
		changes = 0;
		list_init(&w.node);
		partlog_watch(l[0], &w);
		CHECK_INT(read_at(l[0], 4001, &base), KERR_OFFSET_NOT_AVAILABLE);
		/* The loop comes back by itself. */
		CHECK(read(f.wake, &n, sizeof(n)) > 0 && n > 0);
		/* What needs no index, and other logs, are there. */
		CHECK_INT(read_at(l[0], 0, &base), 0);
		CHECK_INT(read_at(l[1], 7, &base), 0);
		CHECK_INT(base, 6);
		/* It is not known how old it is: nothing goes, and no time is told. */
		CHECK(sealed != SEALED ||
			segment_max_timestamp(l[0]->segments[0]) == INT64_MAX);
		CHECK_INT(partlog_offset_of_time(l[0], T0 + 5000,
			partlog_high_watermark(l[0]), &offset, &t),
			KERR_OFFSET_NOT_AVAILABLE);
		fill(l[0], 3);
		changes = 0;
		CHECK(turns_until_found(&f, l[0], 4001) > 1);
		CHECK(changes > 0);
		partlog_unwatch(&w);
		all_is_found(l[0]);
		CHECK(fixture_settle(&f));
		CHECK_INT(read_at(l[0], 2 * BATCHES + 1, &base), 0);
		CHECK_INT(base, 2 * BATCHES);
		CHECK(strstr(f.reports, "! the index of '"));
		CHECK(strstr(f.reports, "is there again"));
		/* Byte for byte what was lost; and it lasts. */
		if (sealed)
			shell(&f, "cd kept && for i in *; do cmp $i ../t-0/$i || exit 1; done");
		CHECK(fixture_settle(&f));
		fixture_stop(&f);
		c = config_of(sealed);
		if (!start(&f, &c, l))
			return;
		all_is_found(l[0]);
		fixture_release(&f);
	}
}

static void
a_log_may_go_in_the_middle(void)
{
	struct partlog *l[2];
	struct fixture f;
	int64_t base;

	if (!begin_lost(&f, SEALED, l))
		return;
	CHECK_INT(read_at(l[0], 4001, &base), KERR_OFFSET_NOT_AVAILABLE);
	store_poll(f.s);
	store_detach(f.s, l[0]);
	for (int i = 0; i < 10; i++)
		store_poll(f.s);
	CHECK_INT(read_at(l[1], 7, &base), 0);
	fixture_release(&f);
}

/* An end, and what the scan of an internal log needs at once. */
static void
an_end_in_the_middle_and_a_scan(void)
{
	struct log_config c = config_of(SEALED);
	struct partlog *l[2];
	struct fixture f;
	int64_t base;

	if (!begin_lost(&f, SEALED, l))
		return;
	CHECK_INT(read_at(l[0], 4001, &base), KERR_OFFSET_NOT_AVAILABLE);
	store_poll(f.s);
	fixture_stop(&f);
	if (!start(&f, &c, l))
		return;
	CHECK_INT(read_at(l[0], 4001, &base), KERR_OFFSET_NOT_AVAILABLE);
	segment_need_index(l[0]->segments[0]);
	all_is_found(l[0]);
	fixture_release(&f);
}

/* A batch that is none: an error for who reads it, and no endless making. */
static void
a_damaged_log_ends_it(void)
{
	struct partlog *l[2];
	struct fixture f;
	int64_t base;
	int16_t error = KERR_OFFSET_NOT_AVAILABLE;
	uint8_t length[4], magic = 9;
	char path[400];
	int fd;

	if (!begin_lost(&f, SEALED, l))
		return;
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", f.dir, 0);
	fd = open(path, O_RDWR);
	CHECK(read_at(l[0], 3000, &base) == error);
	CHECK_INT(pread(fd, length, 4, 8), 4);
	CHECK_INT(pwrite(fd, &magic, 1, 4000 * (be32_get(length) + 12LL) + 16), 1);
	close(fd);
	for (int i = 0; i < 100 && error == KERR_OFFSET_NOT_AVAILABLE; i++) {
		error = read_at(l[0], 2 * 4500, &base);
		store_poll(f.s);
	}
	CHECK_INT(error, KERR_KAFKA_STORAGE_ERROR);
	CHECK(!l[0]->segments[0]->again);
	CHECK_INT(read_at(l[0], 9, &base), 0);
	fixture_release(&f);
}

int
main(void)
{
	RUN(others_are_served_meanwhile);
	RUN(a_log_may_go_in_the_middle);
	RUN(an_end_in_the_middle_and_a_scan);
	RUN(a_damaged_log_ends_it);
	return tap_done();
}
