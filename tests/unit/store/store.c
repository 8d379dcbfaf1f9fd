/* The store as a whole: appending, committing, reading, rolling, starting again. */
#include "fixture.h"
#include "store/state.h"

static void
appends_commits_and_reads(void)
{
	struct fixture f;
	struct partlog *l;
	struct append_result r;
	struct wire_records rec;

	fixture_init(&f);
	l = fixture_start(&f, NULL);
	if (!CHECK(l)) {
		printf("# %s\n", f.e.msg);
		return;
	}
	r = append(l, 10, 100);
	CHECK_INT(r.error, 0);
	CHECK_INT(r.base_offset, 0);
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(partlog_high_watermark(l), 0);
	CHECK_INT(partlog_read(l, 0, partlog_high_watermark(l), 1 << 20, true, &rec), 0);
	CHECK_INT(rec.len, 0);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(partlog_high_watermark(l), 10);
	CHECK_INT(f.committed, r.commit);
	CHECK_INT(store_backlog(f.s), 0);
	CHECK_INT(verify_log(l, 10), 10);
	for (int i = 0; i < 100; i++)
		r = append(l, 7, 100);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(verify_log(l, 710), 710);
	CHECK_INT(partlog_read(l, 711, 711, 1, true, &rec), KERR_OFFSET_OUT_OF_RANGE);
	CHECK_INT(partlog_read(l, 710, 710, 1, true, &rec), 0);
	fixture_stop(&f);
	l = fixture_start(&f, NULL);
	if (CHECK(l)) {
		CHECK_INT(partlog_end(l), 710);
		CHECK_INT(partlog_high_watermark(l), 710);
		CHECK_INT(verify_log(l, 710), 710);
		CHECK_STR(f.reports, "");
	}
	fixture_release(&f);
}

static const struct log_config small = {
	.segment_bytes = 2000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 2000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* n records of 100 bytes at T0 and later, one batch and one second each. */
static void
fill(struct fixture *f, struct partlog *l, int n)
{
	struct append_result r = { 0 };

	for (int i = 0; i < n; i++) {
		struct buf b = make_batch(1, 100, T0 + 1000 * i, -1, -1, -1);

		r = append_buf(l, &b);
		CHECK_INT(r.error, 0);
		buf_release(&b);
	}
	CHECK(fixture_wait(f, r.commit));
}

static int64_t
directory_bytes(const struct fixture *f)
{
	char command[400];
	long long n = -1;
	FILE *p;

	snprintf(command, sizeof(command),
		"cat /dev/null %s/t-0/*.log | wc -c", f->dir);
	p = popen(command, "r");
	if (!p || fscanf(p, "%lld", &n) != 1)
		n = -1;
	if (p)
		pclose(p);
	return n;
}

static void
let_time_pass(struct fixture *f, int64_t ms)
{
	f->clock.fake_ms += ms;
	store_tick(f->s);
	store_poll(f->s);
}

/* Deleted files go after a checkpoint, on a thread: soon, but not at once. */
static bool
files_shrink_to(struct fixture *f, int64_t bytes)
{
	int i;

	for (i = 0; i < 1000 && directory_bytes(f) != bytes; i++) {
		struct pollfd p = { f->wake, POLLIN, 0 };
		uint64_t n;

		let_time_pass(f, 100);
		if (poll(&p, 1, 5) > 0 && read(f->wake, &n, sizeof(n)) < 0)
			return false;
	}
	return i < 1000;
}

static void
old_segments_go_by_size(void)
{
	struct log_config c = small;
	struct fixture f;
	struct partlog *l;
	int64_t total;

	c.retention_bytes = 5000;
	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	fill(&f, l, 100);
	total = partlog_size(l);
	CHECK_INT(total, directory_bytes(&f));
	let_time_pass(&f, 10000);
	CHECK(partlog_start(l) > 0);
	CHECK(partlog_size(l) >= 5000 && partlog_size(l) < 7000);
	CHECK(files_shrink_to(&f, partlog_size(l)));
	CHECK_INT(verify_log(l, 100), 100 - partlog_start(l));
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, &c));
	CHECK(partlog_start(l) > 0);
	CHECK(partlog_size(l) >= 5000 && partlog_size(l) < 7000);
	CHECK_INT(verify_log(l, 100), 100 - partlog_start(l));
	fixture_release(&f);
}

static void
old_segments_go_by_age(void)
{
	struct log_config c = small;
	struct fixture f;
	struct partlog *l;

	c.retention_ms = 50000;
	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	fill(&f, l, 100);
	fixture_stop(&f);
	/* Nothing is known of the old segments but their files. */
	CHECK(l = fixture_start(&f, &c));
	let_time_pass(&f, 100000);
	CHECK(partlog_start(l) > 40 && partlog_start(l) <= 50);
	CHECK_INT(verify_log(l, 100), 100 - partlog_start(l));
	/* At last the active segment goes, too, and its offsets do not come back. */
	let_time_pass(&f, 400000);
	CHECK_INT(partlog_start(l), 100);
	CHECK_INT(partlog_size(l), 0);
	CHECK(files_shrink_to(&f, 0));
	CHECK_INT(append(l, 1, 1).base_offset, 100);
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, &c));
	CHECK_INT(partlog_start(l), 100);
	CHECK_INT(verify_log(l, 101), 1);
	fixture_release(&f);
}

static void
segments_without_timestamps_are_as_old_as_their_files(void)
{
	struct log_config c = small;
	struct fixture f;
	struct partlog *l;

	c.retention_ms = 1000000;
	fixture_init(&f);
	f.clock.fake_ms = clock_wall_ms(clock_system());
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	for (int i = 0; i < 100; i++) {
		struct buf b = make_batch(1, 100, -1, -1, -1, -1);

		CHECK_INT(append_buf(l, &b).error, 0);
		buf_release(&b);
	}
	CHECK(fixture_wait(&f, commit_newest(f.s)));
	CHECK(l->segments_n > 2);
	let_time_pass(&f, 500000);
	CHECK_INT(partlog_start(l), 0);
	let_time_pass(&f, 600000);
	CHECK_INT(partlog_start(l), 100);
	fixture_release(&f);
}

static void
replies_keep_deleted_segments(void)
{
	struct log_config c = small;
	struct wire_records r;
	struct fixture f;
	struct partlog *l;
	struct buf b;

	c.retention_ms = 1000;
	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	fill(&f, l, 100);
	CHECK_INT(partlog_read(l, 0, 100, 5000, true, &r), 0);
	r.file->refs++;
	let_time_pass(&f, 1000000);
	let_time_pass(&f, 1000000);
	CHECK_INT(partlog_start(l), 100);
	b = range_bytes(&r);
	CHECK_INT(b.len, r.len);
	buf_release(&b);
	store_detach(f.s, l);
	b = range_bytes(&r);
	CHECK_INT(b.len, r.len);
	buf_release(&b);
	if (!--r.file->refs)
		r.file->release(r.file);
	fixture_release(&f);
}

struct watcher {
	struct log_watch w;
	int calls;
	bool once;
};

static void
changed(struct log_watch *w)
{
	struct watcher *x = container_of(w, struct watcher, w);

	x->calls++;
	if (x->once)
		partlog_unwatch(w);
}

static void
watchers_are_told_when_something_is_visible(void)
{
	struct watcher a = { { .changed = changed }, 0, false };
	struct watcher b = { { .changed = changed }, 0, true };
	struct fixture f;
	struct partlog *l;
	uint64_t commit;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	partlog_watch(l, &a.w);
	partlog_watch(l, &b.w);
	commit = append(l, 1, 1).commit;
	CHECK_INT(a.calls, 0);
	CHECK(fixture_wait(&f, commit));
	CHECK_INT(a.calls, 1);
	CHECK_INT(b.calls, 1);
	CHECK(fixture_wait(&f, append(l, 1, 1).commit));
	CHECK_INT(a.calls, 2);
	CHECK_INT(b.calls, 1);
	store_detach(f.s, l);
	CHECK_INT(a.calls, 3);
	fixture_release(&f);
}

static void
logs_are_detached_in_the_middle_of_a_commit(void)
{
	struct fixture f;
	struct partlog *l;
	uint64_t commit;

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	for (int i = 0; i < 50; i++) {
		append(l, 10, 100);
		if (i % 2)
			store_flush(f.s);
		commit = append(store_metadata(f.s), 1, 1).commit;
		store_detach(f.s, l);
		CHECK(l = fixture_attach(&f, "t", 2 + i, 0, NULL));
		CHECK_INT(append(l, 1, 1).base_offset, 0);
	}
	CHECK(fixture_wait(&f, commit));
	let_time_pass(&f, 10000);
	fixture_release(&f);
}

static void
ephemeral_stores_are_visible_at_once(void)
{
	struct append_result r;
	struct fixture f;
	struct partlog *l;
	char path[300];

	fixture_init(&f);
	f.o.ephemeral = true;
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	for (int i = 0; i < 100; i++) {
		r = append(l, 3, 100);
		CHECK_INT(r.commit, 0);
		CHECK_INT(partlog_high_watermark(l), 3 * (i + 1));
	}
	CHECK_INT(verify_log(l, 300), 300);
	snprintf(path, sizeof(path), "%s/wal", f.dir);
	CHECK(access(path, F_OK));
	snprintf(path, sizeof(path), "%s/.lock", f.dir);
	CHECK(access(path, F_OK));
	store_tick(f.s);
	store_detach(f.s, l);
	fixture_release(&f);
}

static void
every_append_is_a_commit_with_fsync_always(void)
{
	struct append_result a, b;
	struct fixture f;
	struct partlog *l;

	fixture_init(&f);
	f.o.fsync = FSYNC_ALWAYS;
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	a = append(l, 1, 1);
	b = append(l, 1, 1);
	CHECK_INT(b.commit, a.commit + 1);
	CHECK(fixture_wait(&f, b.commit));
	CHECK_INT(partlog_high_watermark(l), 2);
	fixture_release(&f);
}

static void
duplicates_wait_for_the_first_copy(void)
{
	struct append_result a, d;
	struct fixture f;
	struct partlog *l;
	struct buf b = make_batch(5, 10, T0, 77, 0, 0);

	fixture_init(&f);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	a = append_buf(l, &b);
	buf_release(&b);
	b = make_batch(5, 10, T0, 77, 0, 0);
	d = append_buf(l, &b);
	CHECK(d.duplicate && !d.error);
	CHECK_INT(d.base_offset, 0);
	CHECK(d.commit >= a.commit);
	CHECK_INT(partlog_end(l), 5);
	CHECK(fixture_wait(&f, d.commit));
	buf_release(&b);
	fixture_release(&f);
}

enum { MANY = 1200 };

/* Does this append send what was appended to the disk? */
static bool
is_forced(struct fixture *f, struct partlog *l)
{
	f->s->checkpoint_due = false;
	CHECK_INT(append(l, 1, 100).error, 0);
	/* With fsync never, the checkpoint syncs. */
	return f->o.fsync == FSYNC_NEVER ? f->s->checkpoint_due : !f->s->open;
}

static void
flushes_are_forced_as_altered(void)
{
	static const enum fsync_policy policies[] = { FSYNC_NEVER, FSYNC_INTERVAL };

	for (int i = 0; i < 2; i++) {
		struct log_config c = test_config;
		struct fixture f;
		struct partlog *l;

		fixture_init(&f);
		f.o.fsync = policies[i];
		f.o.interval_ms = 3600 * 1000;
		c.flush_messages = c.flush_ms = INT64_MAX;
		if (!CHECK(l = fixture_start(&f, &c)))
			return;
		for (int k = 0; k < 4; k++)
			CHECK(!is_forced(&f, l));
		c.flush_messages = 3; /* of the four there are, too */
		partlog_set_config(l, &c);
		CHECK(is_forced(&f, l));
		CHECK(!is_forced(&f, l));
		CHECK(!is_forced(&f, l));
		CHECK(is_forced(&f, l));
		c.flush_messages = INT64_MAX;
		c.flush_ms = 5000;
		partlog_set_config(l, &c);
		CHECK(!is_forced(&f, l));
		f.clock.fake_ms += 5000;
		CHECK(is_forced(&f, l));
		fixture_release(&f);
	}
}

static void
append_at(struct partlog *l, int64_t timestamp, int64_t segment)
{
	struct buf b = make_batch(1, 100, timestamp, -1, -1, -1);

	CHECK_INT(append_buf(l, &b).error, 0);
	CHECK_INT(partlog_active(l)->base, segment);
	buf_release(&b);
}

/* Of the newest segment. */
static int64_t
reserved(struct fixture *f, struct partlog *l)
{
	char path[400];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "%s/t-0/%020" PRId64 ".log", f->dir,
		partlog_active(l)->base);
	CHECK_INT(stat(path, &st), 0);
	return (int64_t)st.st_blocks * 512;
}

static void
the_next_segment_is_as_altered(void)
{
	struct log_config c = test_config;
	struct fixture f;
	struct partlog *l;
	int64_t left;

	fixture_init(&f);
	c.segment_bytes = 4 << 20;
	c.segment_ms = 100000;
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	append_at(l, T0, 0);
	CHECK(reserved(&f, l) < 4 << 20);
	CHECK_INT(l->jitter_ms, 0);
	c.preallocate = true;
	c.segment_jitter_ms = 50000;
	partlog_set_config(l, &c);
	append_at(l, T0 + 100000, 0);
	append_at(l, T0 + 100001, 2);
	CHECK(reserved(&f, l) >= 4 << 20);
	CHECK(l->jitter_ms >= 0 && l->jitter_ms < 50000);
	left = c.segment_ms - l->jitter_ms;
	append_at(l, T0 + 100001 + left, 2);
	append_at(l, T0 + 100002 + left, 4);
	c.preallocate = false;
	c.segment_jitter_ms = 0;
	partlog_set_config(l, &c);
	append_at(l, T0 + 300000 + left, 5);
	CHECK(reserved(&f, l) < 4 << 20);
	CHECK_INT(l->jitter_ms, 0);
	fixture_release(&f);
}

static void
many_partitions_share_few_descriptors(void)
{
	static struct partlog *l[MANY];
	struct append_result r = { 0 };
	struct wire_records rec;
	struct fixture f;

	fixture_init(&f);
	for (int round = 0; round < 2; round++) {
		CHECK_INT(fixture_open(&f), 0);
		for (int i = 0; i < MANY; i++)
			CHECK(l[i] = fixture_attach(&f, "many", 1, i, &small));
		CHECK_INT(store_start(f.s, &f.e), 0);
		for (int i = 0; i < MANY; i++) {
			CHECK_INT(partlog_end(l[i]), 2 * round);
			r = append(l[i], 2, 10);
			CHECK_INT(r.error, 0);
			if (i % 100 == 99)
				CHECK(fixture_wait(&f, r.commit));
		}
		CHECK(fixture_wait(&f, r.commit));
		for (int i = 0; i < MANY; i++) {
			CHECK_INT(partlog_read(l[i], 0, 2, 100, true, &rec), 0);
			CHECK(rec.file && rec.file->fd >= 0 && rec.file->fd < 1000);
			if (i % 100 == 99)
				store_flush(f.s);
		}
		let_time_pass(&f, 10000);
		fixture_stop(&f);
	}
	CHECK_STR(f.reports, "");
	fixture_release(&f);
}

int
main(void)
{
	RUN(appends_commits_and_reads);
	RUN(old_segments_go_by_size);
	RUN(old_segments_go_by_age);
	RUN(segments_without_timestamps_are_as_old_as_their_files);
	RUN(replies_keep_deleted_segments);
	RUN(watchers_are_told_when_something_is_visible);
	RUN(logs_are_detached_in_the_middle_of_a_commit);
	RUN(ephemeral_stores_are_visible_at_once);
	RUN(every_append_is_a_commit_with_fsync_always);
	RUN(duplicates_wait_for_the_first_copy);
	RUN(flushes_are_forced_as_altered);
	RUN(the_next_segment_is_as_altered);
	RUN(many_partitions_share_few_descriptors);
	return tap_done();
}
