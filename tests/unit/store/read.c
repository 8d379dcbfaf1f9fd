/* Fetching, rolling, the indexes and what is found by them. */
#include "fixture.h"

static const struct log_config small = {
	.segment_bytes = 4000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 4000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* n batches of three records at timestamps T0 + 100 i; waits for them. */
static void
fill(struct fixture *f, struct partlog *l, int n)
{
	struct append_result r = { 0 };

	for (int i = 0; i < n; i++) {
		struct buf b = make_batch(3, 50, T0 + 100 * i, -1, -1, -1);

		r = append_buf(l, &b);
		CHECK_INT(r.error, 0);
		CHECK_INT(r.base_offset, 3 * i);
		buf_release(&b);
	}
	CHECK(fixture_wait(f, r.commit));
}

static int64_t
file_size(const struct fixture *f, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/t-0/%s", f->dir, name);
	return fs_posix()->size_of(fs_posix(), path);
}

/* Bytes of a file, NULL-safe for the test: empty when it is not there. */
static struct buf
file_bytes(const struct fixture *f, const char *name)
{
	struct buf b = BUF_INIT;
	int64_t n = file_size(f, name);
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/t-0/%s", f->dir, name);
	fd = open(path, O_RDONLY);
	if (n > 0 && read(fd, buf_reserve(&b, (size_t)n), (size_t)n) == n)
		b.len = (size_t)n;
	close(fd);
	return b;
}

static void
every_offset_is_found(struct partlog *l, int64_t end)
{
	for (int64_t o = partlog_start(l); o < end; o++) {
		struct wire_records r;
		struct batch h;
		struct buf b;

		if (!CHECK_INT(partlog_read(l, o, end, 1, true, &r), 0) ||
		    !CHECK(r.len > 0))
			return;
		b = range_bytes(&r);
		batch_decode(b.data, &h);
		CHECK(h.base_offset <= o && o <= h.base_offset + h.last_offset_delta);
		CHECK_INT(h.size, b.len); /* one batch, for one byte */
		buf_release(&b);
	}
}

static void
offsets_are_found_in_every_segment(void)
{
	struct fixture f;
	struct partlog *l;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	fill(&f, l, 200);
	every_offset_is_found(l, 600);
	CHECK_INT(verify_log(l, 600), 600);
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, &small));
	every_offset_is_found(l, 600);
	CHECK_INT(verify_log(l, 600), 600);
	fixture_release(&f);
}

static void
ranges_respect_their_limits(void)
{
	struct wire_records all, r;
	struct fixture f;
	struct partlog *l;
	size_t one;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	fill(&f, l, 200);
	partlog_read(l, 0, 600, 1, true, &r);
	one = r.len;
	partlog_read(l, 0, 600, SIZE_MAX, true, &all);
	CHECK_INT(all.len, 200 * one);
	CHECK_INT(partlog_read(l, 0, 600, one - 1, false, &r), 0);
	CHECK_INT(r.len, 0);
	CHECK(!r.file);
	CHECK_INT(partlog_read(l, 0, 600, 0, true, &r), 0);
	CHECK_INT(r.len, one);
	for (size_t max = one; max < all.len; max += 777) {
		partlog_read(l, 30, 600, max, false, &r);
		CHECK_INT(r.pos, 10 * (int64_t)one);
		CHECK(r.len <= max && r.len > 0 && r.len % one == 0);
		/* Not less than it must be: an index interval and a batch. */
		CHECK(r.len + 4096 + 2 * one > max || r.pos + (int64_t)r.len ==
			(int64_t)all.len);
	}
	/* Offsets below the limit only, whole batches. */
	partlog_read(l, 0, 30, SIZE_MAX, true, &r);
	CHECK_INT(r.len, 10 * one);
	CHECK_INT(partlog_read(l, 600, 600, SIZE_MAX, true, &r), 0);
	CHECK_INT(r.len, 0);
	CHECK_INT(partlog_read(l, 601, 601, SIZE_MAX, true, &r),
		KERR_OFFSET_OUT_OF_RANGE);
	CHECK_INT(partlog_read(l, -1, 600, SIZE_MAX, true, &r),
		KERR_OFFSET_OUT_OF_RANGE);
	fixture_release(&f);
}

static void
index_files_are_as_kafkas(void)
{
	static const char seg[] = "00000000000000000000";
	struct fixture f;
	struct partlog *l;
	struct buf offsets, times, log;
	char name[64];
	size_t pos = 0, entry = 0;
	struct batch h;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	fill(&f, l, 60);
	snprintf(name, sizeof(name), "%s.log", seg);
	log = file_bytes(&f, name);
	snprintf(name, sizeof(name), "%s.index", seg);
	offsets = file_bytes(&f, name);
	snprintf(name, sizeof(name), "%s.timeindex", seg);
	times = file_bytes(&f, name);
	CHECK(log.len > 3000 && log.len <= 4000);
	CHECK(offsets.len && offsets.len % 8 == 0);
	CHECK(times.len / 12 - offsets.len / 8 <= 1);
	for (entry = 0; entry < offsets.len / 8; entry++) {
		pos = be32_get(offsets.data + 8 * entry + 4);
		batch_decode(log.data + pos, &h);
		CHECK(batch_crc_ok(log.data + pos, &h));
		CHECK_INT(h.base_offset + h.last_offset_delta,
			be32_get(offsets.data + 8 * entry));
		CHECK_INT(h.max_timestamp, (int64_t)be64_get(times.data + 12 * entry));
		CHECK_INT(be32_get(times.data + 12 * entry + 8),
			be32_get(offsets.data + 8 * entry));
	}
	CHECK(log.len - pos < 700);
	/* The last timestamp of all has an entry when the segment ended. */
	for (pos = 0; pos < log.len; pos += (size_t)h.size)
		batch_decode(log.data + pos, &h);
	CHECK_INT(be64_get(times.data + times.len - 12), h.max_timestamp);
	CHECK_INT(be32_get(times.data + times.len - 4),
		h.base_offset + h.last_offset_delta);
	buf_release(&log);
	buf_release(&offsets);
	buf_release(&times);
	fixture_release(&f);
}

/* Damages or removes every index file of the log. */
static void
spoil_indexes(struct fixture *f, int how)
{
	char command[600];

	snprintf(command, sizeof(command), how == 0 ? "rm %s/t-0/*index" :
		how == 4 ? "rm %s/t-0/*.timeindex" : how == 5 ? "rm %s/t-0/*[0-9].index" :
		how == 1 ? "for i in %s/t-0/*index; do : > $i; done" :
		how == 2 ? "for i in %s/t-0/*index; do head -c 48 /dev/zero > $i; done" :
		"for i in %s/t-0/*index; do head -c 96 /dev/urandom > $i; done",
		f->dir);
	CHECK_INT(system(command), 0);
}

static void
indexes_are_made_again(void)
{
	for (int how = 0; how < 6; how++) {
		struct fixture f;
		struct partlog *l;
		int64_t offset, t;

		fixture_init(&f);
		if (!CHECK(l = fixture_start(&f, &small)))
			return;
		fill(&f, l, 200);
		fixture_stop(&f);
		spoil_indexes(&f, how);
		CHECK(l = fixture_start(&f, &small));
		every_offset_is_found(l, 600);
		CHECK_INT(partlog_offset_of_time(l, T0 + 100 * 77,
			partlog_high_watermark(l), &offset, &t), 0);
		CHECK_INT(offset, 3 * 77);
		CHECK_INT(partlog_offset_of_max_time(l, partlog_high_watermark(l), &offset, &t), 0);
		CHECK_INT(offset, 599);
		fixture_release(&f);
	}
}

static void
times_are_found(void)
{
	struct fixture f;
	struct partlog *l;
	int64_t offset, t;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	CHECK_INT(partlog_offset_of_time(l, 0, partlog_high_watermark(l), &offset, &t), 0);
	CHECK_INT(offset, -1);
	CHECK_INT(partlog_offset_of_max_time(l, partlog_high_watermark(l), &offset, &t), 0);
	CHECK_INT(offset, -1);
	fill(&f, l, 150);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 150; i++) {
			partlog_offset_of_time(l, T0 + 100 * i, partlog_high_watermark(l), &offset, &t);
			CHECK_INT(offset, 3 * i);
			CHECK_INT(t, T0 + 100 * i);
			partlog_offset_of_time(l, T0 + 100 * i + 2, partlog_high_watermark(l), &offset, &t);
			CHECK_INT(offset, 3 * i + 2);
			partlog_offset_of_time(l, T0 + 100 * i + 3, partlog_high_watermark(l), &offset, &t);
			CHECK_INT(offset, i == 149 ? -1 : 3 * i + 3);
		}
		partlog_offset_of_time(l, 0, partlog_high_watermark(l), &offset, &t);
		CHECK_INT(offset, 0);
		partlog_offset_of_max_time(l, partlog_high_watermark(l), &offset, &t);
		CHECK_INT(offset, 449);
		CHECK_INT(t, T0 + 14902);
		fixture_stop(&f);
		CHECK(l = fixture_start(&f, &small));
	}
	fixture_release(&f);
}

static void
times_out_of_order_are_found(void)
{
	static const int64_t at[] = { 500, 100, 900, 50, 900, 10, 700 };
	struct append_result r = { 0 };
	struct fixture f;
	struct partlog *l;
	int64_t offset, t;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	for (int i = 0; i < 7; i++) {
		struct buf b = make_batch(1, 400, T0 + at[i], -1, -1, -1);

		r = append_buf(l, &b);
		buf_release(&b);
	}
	CHECK(fixture_wait(&f, r.commit));
	partlog_offset_of_time(l, T0 + 501, partlog_high_watermark(l), &offset, &t);
	CHECK_INT(offset, 2);
	partlog_offset_of_time(l, T0 + 1, partlog_high_watermark(l), &offset, &t);
	CHECK_INT(offset, 0);
	partlog_offset_of_max_time(l, partlog_high_watermark(l), &offset, &t);
	CHECK_INT(offset, 2);
	CHECK_INT(t, T0 + 900);
	fixture_release(&f);
}

static void
times_are_found_inside_compressed_batches(void)
{
	for (int codec = CODEC_GZIP; codec <= CODEC_ZSTD; codec++) {
		struct log_config c = test_config;
		struct append_result r;
		struct fixture f;
		struct partlog *l;
		int64_t offset, t;
		struct buf b;

		c.compression = codec;
		fixture_init(&f);
		if (!CHECK(l = fixture_start(&f, &c)))
			return;
		b = make_batch(100, 100, T0, -1, -1, -1);
		append_buf(l, &b);
		buf_release(&b);
		b = make_batch(100, 100, T0 + 1000, -1, -1, -1);
		r = append_buf(l, &b);
		buf_release(&b);
		CHECK(fixture_wait(&f, r.commit));
		partlog_offset_of_time(l, T0 + 57, partlog_high_watermark(l), &offset, &t);
		CHECK_INT(offset, 57);
		partlog_offset_of_time(l, T0 + 1001, partlog_high_watermark(l), &offset, &t);
		CHECK_INT(offset, 101);
		partlog_offset_of_max_time(l, partlog_high_watermark(l), &offset, &t);
		CHECK_INT(offset, 199);
		fixture_release(&f);
	}
}

static int
count_record(void *arg, const struct log_record *r)
{
	int64_t *next = arg;

	if (!CHECK_INT(r->offset, *next) || r->value.len != 50)
		return 7;
	++*next;
	return *next == 500 ? 9 : 0;
}

static void
scans_give_every_record_until_told_to_stop(void)
{
	struct fixture f;
	struct partlog *l;
	int64_t next = 0;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	fill(&f, l, 150);
	CHECK_INT(partlog_scan(l, 0, count_record, &next, &f.e), 0);
	CHECK_INT(next, 450);
	next = 400;
	CHECK_INT(partlog_scan(l, 400, count_record, &next, &f.e), 0);
	CHECK_INT(next, 450);
	append(l, 60, 50);
	next = 440;
	CHECK_INT(partlog_scan(l, 440, count_record, &next, &f.e), 9);
	CHECK_INT(next, 500);
	fixture_release(&f);
}

static void
segments_end_by_age_and_offset(void)
{
	struct log_config c = small;
	struct append_result r;
	struct fixture f;
	struct partlog *l;
	struct buf b;

	c.segment_ms = 1000;
	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	append(l, 1, 10);
	b = make_batch(1, 10, T0 + 1001, -1, -1, -1);
	append_buf(l, &b);
	buf_release(&b);
	CHECK(file_size(&f, "00000000000000000001.log") > 0);
	/* Without timestamps the clock decides. */
	b = make_batch(1, 10, -1, -1, -1, -1);
	be64_put(b.data + 35, UINT64_MAX);
	batch_seal(b.data, b.len);
	r = append_buf(l, &b);
	CHECK_INT(r.error, 0);
	buf_release(&b);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(verify_log(l, 3), 3);
	fixture_release(&f);
}

int
main(void)
{
	RUN(offsets_are_found_in_every_segment);
	RUN(ranges_respect_their_limits);
	RUN(index_files_are_as_kafkas);
	RUN(indexes_are_made_again);
	RUN(times_are_found);
	RUN(times_out_of_order_are_found);
	RUN(times_are_found_inside_compressed_batches);
	RUN(scans_give_every_record_until_told_to_stop);
	RUN(segments_end_by_age_and_offset);
	return tap_done();
}
