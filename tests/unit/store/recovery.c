/* Starting again after a kill, with what a crash or a bad disk leaves behind. */
#include <sys/wait.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "fixture.h"
#include "simfs.h"

static struct fs fast;

static void
init(struct fixture *f)
{
	fast = fast_fs();
	fixture_init(f);
	f->o.fs = &fast;
}

/*
 * Runs fn on a started store with log "t-0" in a child that then dies as by
 * kill -9: nothing is closed, the page cache stays.
 */
static void
killed(struct fixture *f, const struct log_config *c,
	void (*fn)(struct fixture *f, struct partlog *l))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct partlog *l = fixture_start(f, c);

		if (!CHECK(l))
			printf("# %s\n", f->e.msg);
		else
			fn(f, l);
		fflush(stdout);
		_exit(tap_bad);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

static const struct log_config small = {
	.segment_bytes = 6000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 6000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

static void
append_acked(struct fixture *f, struct partlog *l)
{
	struct append_result r = { 0 };

	for (int i = 0; i < 50; i++) {
		struct buf b = make_batch(4, 40, T0, 9, 0, (int32_t)(
			partlog_end(l)));

		r = append_buf(l, &b);
		CHECK_INT(r.error, 0);
		buf_release(&b);
		if (i % 7 == 0)
			CHECK(fixture_wait(f, r.commit));
	}
	CHECK(fixture_wait(f, r.commit));
}

static void
append_unacked(struct fixture *f, struct partlog *l)
{
	append_acked(f, l);
	for (int i = 0; i < 5; i++)
		append(l, 4, 40);
}

static void
what_was_acknowledged_survives_a_kill(void)
{
	struct fixture f;
	struct partlog *l;

	init(&f);
	for (int round = 1; round < 5; round++) {
		killed(&f, &small, append_acked);
		if (!CHECK(l = fixture_start(&f, &small)))
			return;
		CHECK_INT(partlog_end(l), 200 * round);
		CHECK_INT(partlog_high_watermark(l), 200 * round);
		CHECK_INT(verify_log(l, 200 * round), 200 * round);
		CHECK_STR(f.reports, "");
		fixture_stop(&f);
	}
	fixture_release(&f);
}

static void
what_was_not_acknowledged_survives_a_kill_whole(void)
{
	struct fixture f;
	struct partlog *l;

	init(&f);
	killed(&f, &small, append_unacked);
	if (CHECK(l = fixture_start(&f, &small))) {
		CHECK_INT(partlog_end(l), 220);
		CHECK_INT(partlog_high_watermark(l), 220);
		CHECK_INT(verify_log(l, 220), 220);
	}
	fixture_release(&f);
}

static char *
log_path(const struct fixture *f, int64_t base, char out[400])
{
	snprintf(out, 400, "%s/t-0/%020" PRId64 ".log", f->dir, base);
	return out;
}

/* The base of the newest segment. */
static int64_t
newest_base(const struct fixture *f, int64_t end)
{
	char path[400];

	for (; end >= 0; end--)
		if (!access(log_path(f, end, path), F_OK))
			return end;
	return -1;
}

static void
a_tail_cut_at_any_byte_loses_whole_batches_only(void)
{
	struct fixture f;
	char path[400], saved[600], command[1400];
	int64_t size, base;

	init(&f);
	killed(&f, NULL, append_unacked);
	base = newest_base(&f, 220);
	size = fs_posix()->size_of(fs_posix(), log_path(&f, base, path));
	snprintf(saved, sizeof(saved), "%s.saved", f.dir);
	snprintf(command, sizeof(command), "cp -r %s %s", f.dir, saved);
	CHECK_INT(system(command), 0);
	for (int64_t n = 1; n < 700; n += n < 20 ? 1 : 37) {
		struct partlog *l;

		snprintf(command, sizeof(command), "rm -r %s; cp -r %s %s", f.dir,
			saved, f.dir);
		CHECK_INT(system(command), 0);
		CHECK_INT(truncate(path, size - n), 0);
		if (!CHECK(l = fixture_start(&f, NULL))) {
			printf("# %s\n", f.e.msg);
			break;
		}
		CHECK(partlog_end(l) >= 200 && partlog_end(l) < 220);
		CHECK_INT(verify_log(l, partlog_end(l)), partlog_end(l));
		CHECK_INT(append(l, 1, 1).error, 0);
		fixture_stop(&f);
		CHECK((n % 302 == 0) == !strstr(f.reports, "dropped"));
		f.reports[0] = '\0';
	}
	snprintf(command, sizeof(command), "rm -r %s", saved);
	CHECK_INT(system(command), 0);
	fixture_release(&f);
}

static void
flip(const char *path, int64_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t c;

	if (pread(fd, &c, 1, at) == 1) {
		c ^= 0x10;
		CHECK_INT(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
}

static void
a_damaged_tail_is_cut_and_said(void)
{
	struct fixture f;
	struct partlog *l;
	char path[400];

	init(&f);
	killed(&f, NULL, append_unacked);
	log_path(&f, 0, path);
	flip(path, fs_posix()->size_of(fs_posix(), path) - 400);
	if (CHECK(l = fixture_start(&f, NULL))) {
		CHECK(partlog_end(l) >= 200 && partlog_end(l) < 220);
		CHECK(strstr(f.reports, "cut '") && strstr(f.reports, path) &&
			strstr(f.reports, "dropped"));
		CHECK_INT(verify_log(l, partlog_end(l)), partlog_end(l));
	}
	fixture_release(&f);
}

/* Waits for a checkpoint that knows of logs: the first one is empty. */
static void
checkpoint(struct fixture *f)
{
	char path[400];
	int i;

	snprintf(path, sizeof(path), "%s/checkpoint", f->dir);
	f->clock.fake_ms += 10000;
	store_tick(f->s);
	for (i = 0; i < 1000 && f->o.fs->size_of(f->o.fs, path) < 100; i++) {
		fixture_sleep(f);
		store_poll(f->s);
	}
	CHECK(i < 2000);
}

/* A checkpoint that knows of everything, then more. */
static void
append_checkpoint_append(struct fixture *f, struct partlog *l)
{
	append_acked(f, l);
	checkpoint(f);
	for (int i = 0; i < 100; i++) {
		struct append_result r = append(l, 1, 1);

		CHECK(fixture_wait(f, r.commit));
	}
}

static void
a_durable_part_that_is_missing_is_refused(void)
{
	struct fixture f;
	struct partlog *l;
	char path[400];

	init(&f);
	killed(&f, NULL, append_checkpoint_append);
	CHECK_INT(truncate(log_path(&f, 0, path), 5000), 0);
	CHECK(!fixture_start(&f, NULL));
	CHECK_INT(f.e.code, ERR_CORRUPT);
	CHECK(strstr(f.e.msg, path) && strstr(f.e.msg, "--repair"));
	CHECK_INT(unlink(path), 0);
	CHECK(!fixture_start(&f, NULL));
	CHECK(strstr(f.e.msg, "missing"));
	/* Nothing was changed by looking. */
	CHECK(!fixture_start(&f, NULL));
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, NULL))) {
		CHECK_INT(partlog_end(l), 0);
		CHECK(strstr(f.reports, "missing"));
		CHECK_INT(append(l, 1, 1).error, 0);
	}
	fixture_release(&f);
}

static void
repair_cuts_where_the_damage_is(void)
{
	struct fixture f;
	struct partlog *l;
	char path[400];

	init(&f);
	killed(&f, NULL, append_checkpoint_append);
	CHECK_INT(truncate(log_path(&f, 0, path), 5000), 0);
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, NULL))) {
		CHECK_INT(partlog_end(l), 5000 / 249 * 4);
		CHECK_INT(verify_log(l, partlog_end(l)), partlog_end(l));
	}
	f.o.repair = false;
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, NULL));
	fixture_release(&f);
}

static void
damage_in_the_wal_is_told_from_its_end(void)
{
	struct fixture f;
	char path[400];
	bool found = false;

	init(&f);
	killed(&f, NULL, append_acked);
	snprintf(path, sizeof(path), "%s/wal/0", f.dir);
	/* In the first group's header: later ones were acknowledged. */
	flip(path, 20);
	CHECK(!fixture_start(&f, NULL));
	CHECK_INT(f.e.code, ERR_CORRUPT);
	CHECK(strstr(f.e.msg, "wal/0") && strstr(f.e.msg, "--repair"));
	flip(path, 20);
	/* In the last one: it may not have been finished. */
	for (int64_t at = 60 * 4096; at >= 0 && !found; at -= 4096) {
		uint8_t magic[4] = { 0 };
		int fd = open(path, O_RDONLY);

		found = pread(fd, magic, 4, at) == 4 && !memcmp(magic, "kcWL", 4);
		close(fd);
		if (found)
			flip(path, at + 100);
	}
	CHECK(found);
	CHECK(fixture_start(&f, NULL));
	fixture_release(&f);
}

/* A disk that does not give back some sectors of wal/0. */
static struct {
	int fd;            /* wal/0 as it was opened last */
	int64_t from, to;  /* bytes of it */
	int hits;
} bad;

static int
open_bad(const struct fs *fs, const char *path, int flags)
{
	const char *name = strstr(path, "/wal/0");
	int fd = fast.open(fs, path, flags);

	if (name && !name[6])
		bad.fd = fd;
	else if (fd == bad.fd)
		bad.fd = -1;
	return fd;
}

static ssize_t
pread_bad(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
	if (fd == bad.fd && at < bad.to && at + (int64_t)n > bad.from) {
		bad.hits++;
		errno = EIO;
		return -1;
	}
	return fast.pread(fs, fd, p, n, at);
}

/* The start is refused and names the WAL, or nothing is missing; then the disk is well. */
static void
a_sector_of_the_wal_that_cannot_be_read_loses_nothing(void)
{
	struct fixture f;
	struct partlog *l;
	struct fs fs;
	int refused = 0;

	for (int64_t at = 0; at < 40 * 2048; at += 2048) {
		init(&f);
		killed(&f, &small, append_acked);
		fs = fast;
		fs.open = open_bad;
		fs.pread = pread_bad;
		f.o.fs = &fs;
		bad.from = at;
		bad.to = at + 512;
		if ((l = fixture_start(&f, &small))) {
			CHECK_INT(partlog_end(l), 200);
			CHECK_INT(verify_log(l, 200), 200);
		} else if (!CHECK_INT(f.e.code, ERR_IO) || !CHECK(strstr(f.e.msg,
				"cannot read the write-ahead log 'wal/0'"))) {
			printf("# at %d: %s\n", (int)at, f.e.msg);
		} else {
			refused++;
		}
		fixture_stop(&f);
		f.o.fs = &fast;
		if (CHECK(l = fixture_start(&f, &small))) {
			CHECK_INT(partlog_end(l), 200);
			CHECK_INT(verify_log(l, 200), 200);
		}
		fixture_release(&f);
	}
	CHECK(refused > 0 && bad.hits > 0);
}

static void
a_damaged_checkpoint_is_refused(void)
{
	struct fixture f;
	struct partlog *l;
	char path[400];

	init(&f);
	killed(&f, NULL, append_checkpoint_append);
	snprintf(path, sizeof(path), "%s/checkpoint", f.dir);
	flip(path, 60);
	CHECK(!fixture_start(&f, NULL));
	CHECK(strstr(f.e.msg, path) && strstr(f.e.msg, "--repair"));
	CHECK_INT(unlink(path), 0);
	CHECK(!fixture_start(&f, NULL));
	CHECK(strstr(f.e.msg, path) && strstr(f.e.msg, "missing"));
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, NULL))) {
		CHECK_INT(partlog_end(l), 300);
		CHECK_INT(verify_log(l, 300), 300);
	}
	fixture_release(&f);
}

static void
remove_wal(const struct fixture *f)
{
	char path[400];

	for (int i = 0; i < WAL_FILES; i++) {
		snprintf(path, sizeof(path), "%s/wal/%d", f->dir, i);
		CHECK_INT(unlink(path), 0);
	}
}

/* What was only in it may be lost; after a clean end nothing was. */
static void
a_write_ahead_log_that_is_missing_is_refused(void)
{
	struct fixture f;
	struct partlog *l;

	init(&f);
	killed(&f, NULL, append_checkpoint_append);
	remove_wal(&f);
	for (int i = 0; i < 2; i++) {
		CHECK(!fixture_start(&f, NULL));
		CHECK_INT(f.e.code, ERR_CORRUPT);
		CHECK(strstr(f.e.msg, "/wal' is missing") && strstr(f.e.msg, "--repair"));
	}
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, NULL)))
		CHECK_INT(verify_log(l, 300), 300);
	f.o.repair = false;
	fixture_stop(&f);
	remove_wal(&f);
	if (CHECK(l = fixture_start(&f, NULL)))
		CHECK_INT(verify_log(l, 300), 300);
	fixture_release(&f);
}

/* Bytes that are as they should be, but not ours. */
static void
a_checkpoint_of_another_version_is_refused(void)
{
	static uint8_t old[40] = "KCCKPT02";
	struct fixture f;
	struct partlog *l;
	char path[400];
	int fd;

	init(&f);
	killed(&f, NULL, append_checkpoint_append);
	snprintf(path, sizeof(path), "%s/checkpoint", f.dir);
	be32_put(old + 36, crc32c(0, old, 36));
	fd = open(path, O_WRONLY | O_TRUNC);
	CHECK(write(fd, old, sizeof(old)) == sizeof(old));
	close(fd);
	CHECK(!fixture_start(&f, NULL));
	CHECK_INT(f.e.code, ERR_CORRUPT);
	CHECK(strstr(f.e.msg, "of another version") && strstr(f.e.msg, path));
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, NULL)))
		CHECK_INT(verify_log(l, 300), 300);
	fixture_release(&f);
}

/* Enough for the WAL to go round several times, with checkpoints between. */
static void
append_much(struct fixture *f, struct partlog *l)
{
	struct append_result r = { 0 };

	for (int i = 0; i < 600; i++) {
		r = append(l, 3, 300);
		CHECK_INT(r.error, 0);
		if (i % 3 == 0)
			CHECK(fixture_wait(f, r.commit));
	}
	CHECK(fixture_wait(f, r.commit));
}

static void
the_wal_goes_round(void)
{
	struct fixture f;
	struct partlog *l;

	init(&f);
	f.o.wal_bytes = 128 << 10;
	for (int round = 1; round < 4; round++)
		killed(&f, NULL, append_much);
	if (CHECK(l = fixture_start(&f, NULL))) {
		CHECK_INT(partlog_end(l), 5400);
		CHECK_INT(verify_log(l, 5400), 5400);
	}
	fixture_release(&f);
}

static void
the_wal_alone_brings_everything_back(void)
{
	struct fixture f;
	struct partlog *l;
	char command[600];

	init(&f);
	killed(&f, &small, append_acked);
	/* As if nothing of the segments had reached the disk. */
	snprintf(command, sizeof(command), "rm -r %s/t-0", f.dir);
	CHECK_INT(system(command), 0);
	if (CHECK(l = fixture_start(&f, &small))) {
		CHECK_INT(partlog_end(l), 200);
		CHECK_INT(verify_log(l, 200), 200);
	} else {
		printf("# %s\n", f.e.msg);
	}
	fixture_release(&f);
}

static void
producers_are_known_after_a_kill(void)
{
	struct fixture f;
	struct partlog *l;

	init(&f);
	for (int clean = 0; clean < 2; clean++) {
		struct append_result r;
		struct buf b;

		if (!clean)
			killed(&f, &small, append_acked);
		if (!CHECK(l = fixture_start(&f, &small)))
			return;
		b = make_batch(4, 40, T0, 9, 0, 196);
		r = append_buf(l, &b);
		CHECK(r.duplicate && !r.error);
		CHECK_INT(r.base_offset, 196);
		buf_release(&b);
		b = make_batch(4, 40, T0, 9, 0, 204);
		r = append_buf(l, &b);
		CHECK_INT(r.error, KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
		buf_release(&b);
		fixture_stop(&f);
	}
	fixture_release(&f);
}

static void
delete_and_die(struct fixture *f, struct partlog *l)
{
	int64_t start;
	uint64_t commit;

	append_acked(f, l);
	CHECK_INT(partlog_delete_records(l, 201, &start, &commit),
		KERR_OFFSET_OUT_OF_RANGE);
	CHECK_INT(partlog_delete_records(l, 150, &start, &commit), 0);
	CHECK_INT(start, 150);
	CHECK(fixture_wait(f, commit));
}

static void
deleted_records_stay_deleted(void)
{
	struct wire_records r;
	struct fixture f;
	struct partlog *l;

	init(&f);
	killed(&f, &small, delete_and_die);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	CHECK_INT(partlog_start(l), 150);
	CHECK_INT(partlog_end(l), 200);
	CHECK_INT(verify_log(l, 200), 50);
	CHECK_INT(partlog_read(l, 149, 200, 1, true, &r), KERR_OFFSET_OUT_OF_RANGE);
	/* The segments below go, once a checkpoint knows. */
	CHECK(!newest_base(&f, 90));
	f.clock.fake_ms += 11000;
	store_tick(f.s);
	fixture_stop(&f);
	CHECK(newest_base(&f, 90) < 0);
	CHECK(newest_base(&f, 150) > 0);
	CHECK(l = fixture_start(&f, &small));
	CHECK_INT(partlog_start(l), 150);
	CHECK_INT(verify_log(l, 200), 50);
	fixture_release(&f);
}

static void
a_topic_made_again_does_not_get_the_old_files(void)
{
	struct fixture f;
	struct partlog *l, *again;
	char path[400];

	init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	append_acked(&f, l);
	store_detach(f.s, l);
	/* The metadata log is not empty: there are topics, "t" is not one. */
	append(store_metadata(f.s), 1, 1);
	CHECK(again = fixture_attach(&f, "t", 2, 0, &small));
	CHECK_INT(partlog_end(again), 0);
	CHECK_INT(append(again, 1, 1).base_offset, 0);
	CHECK(fixture_wait(&f, append(again, 1, 1).commit));
	fixture_stop(&f);
	CHECK(access(log_path(&f, 180, path), F_OK));
	/* The same with another id, as a broker might after a crash. */
	snprintf(path, sizeof(path), "%s/clean", f.dir);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(fixture_open(&f), 0);
	CHECK(l = fixture_attach(&f, "t", 3, 0, &small));
	CHECK_INT(store_start(f.s, &f.e), 0);
	CHECK_INT(partlog_end(l), 0);
	fixture_release(&f);
}

static void
directories_of_no_topic_are_removed(void)
{
	struct fixture f;
	struct partlog *l;
	char path[400], mine[400];

	init(&f);
	if (!CHECK(l = fixture_start(&f, &small)))
		return;
	CHECK(fixture_wait(&f, append(store_metadata(f.s), 1, 1).commit));
	CHECK(fixture_wait(&f, append(l, 1, 1).commit));
	fixture_stop(&f);
	snprintf(path, sizeof(path), "%s/clean", f.dir);
	CHECK_INT(unlink(path), 0);
	snprintf(mine, sizeof(mine), "%s/backup-7", f.dir);
	CHECK_INT(mkdir(mine, 0700), 0);
	CHECK_INT(fixture_open(&f), 0);
	CHECK_INT(store_start(f.s, &f.e), 0);
	fixture_stop(&f);
	CHECK(access(log_path(&f, 0, path), F_OK));
	CHECK(!access(mine, F_OK));
	CHECK(strstr(f.reports, "backup-7' belongs to no topic: left alone"));
	fixture_release(&f);
}

static void
every_policy_starts_again(void)
{
	for (int policy = FSYNC_GROUP; policy <= FSYNC_NEVER; policy++) {
		struct fixture f;
		struct partlog *l;

		init(&f);
		f.o.fsync = (enum fsync_policy)policy;
		for (int i = 0; i < 2; i++) {
			if (!CHECK(l = fixture_start(&f, &small)))
				return;
			append_acked(&f, l);
			CHECK_INT(partlog_high_watermark(l), partlog_end(l));
			fixture_stop(&f);
		}
		killed(&f, &small, append_acked);
		/* And the policy may change in between. */
		f.o.fsync = (enum fsync_policy)((policy + 2) % 4);
		if (CHECK(l = fixture_start(&f, &small))) {
			CHECK_INT(partlog_end(l), 600);
			CHECK_INT(partlog_high_watermark(l), 600);
			CHECK_INT(verify_log(l, 600), 600);
			append_acked(&f, l);
		}
		fixture_stop(&f);
		CHECK(l = fixture_start(&f, &small));
		CHECK_INT(verify_log(l, 800), 800);
		fixture_release(&f);
	}
}

int
main(void)
{
	RUN(what_was_acknowledged_survives_a_kill);
	RUN(what_was_not_acknowledged_survives_a_kill_whole);
	RUN(a_tail_cut_at_any_byte_loses_whole_batches_only);
	RUN(a_damaged_tail_is_cut_and_said);
	RUN(a_durable_part_that_is_missing_is_refused);
	RUN(repair_cuts_where_the_damage_is);
	RUN(damage_in_the_wal_is_told_from_its_end);
	RUN(a_sector_of_the_wal_that_cannot_be_read_loses_nothing);
	RUN(a_damaged_checkpoint_is_refused);
	RUN(a_checkpoint_of_another_version_is_refused);
	RUN(a_write_ahead_log_that_is_missing_is_refused);
	RUN(the_wal_goes_round);
	RUN(the_wal_alone_brings_everything_back);
	RUN(producers_are_known_after_a_kill);
	RUN(deleted_records_stay_deleted);
	RUN(a_topic_made_again_does_not_get_the_old_files);
	RUN(directories_of_no_topic_are_removed);
	RUN(every_policy_starts_again);
	return tap_done();
}
