/*
 * A process is killed, another one starts, and then the power goes: what the
 * first one left to the kernel, the second one has built on. Each of these
 * lost something once, or refused to start; torture.c found them.
 */
#include "watched.h"

/* The newest operation that gives something this name. */
static size_t
newest_name(struct watched *w, const char *name)
{
	size_t found = 0;

	pthread_mutex_lock(&w->sim.lock);
	for (size_t i = 0; i < w->sim.ops_n; i++)
		if (w->sim.ops[i].made && !strcmp(w->sim.ops[i].made, name))
			found = i;
	pthread_mutex_unlock(&w->sim.lock);
	return found;
}

/*
 * The name of a checkpoint was there when the kill came, but not on disk: the
 * WAL that only the one before it needs is not overwritten.
 */
static void
a_checkpoint_that_was_found_is_there_for_good(void)
{
	struct watched w, killed, cut;
	struct partlog *l;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 1, 100);
	checkpoint(&w);
	for (int i = 0; i < 5; i++)
		acked(&w, l, 1, 100);
	checkpoint(&w);
	kill_into(&killed, &w, newest_name(&w, "checkpoint") + 1);
	if (CHECK(l = fixture_start(&killed.f, NULL))) {
		for (int i = 0; i < 6; i++)
			acked(&killed, l, 1, 100);
		cut_into(&cut, &killed, operations(&killed), SIM_LOSE);
		has_all(&cut, NULL, 12);
		release(&cut);
	}
	release(&killed);
	release(&w);
}

/* A group was in the WAL, but not synced; the next one is in another file. */
static void
a_group_that_was_found_is_there_for_good(void)
{
	struct watched w, killed, cut;
	struct partlog *l;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	for (int i = 0; i < 3; i++)
		acked(&w, l, 1, 100); /* of four blocks in the file */
	pthread_mutex_lock(&w.sim.lock);
	w.sim.held = true;
	pthread_mutex_unlock(&w.sim.lock);
	append(l, 1, 100);
	store_flush(w.f.s);
	for (int i = 0; i < 10000 && !w.sim.waiting; i++)
		poll(NULL, 0, 1);
	kill_into(&killed, &w, operations(&w));
	pthread_mutex_lock(&w.sim.lock);
	w.sim.held = false;
	pthread_mutex_unlock(&w.sim.lock);
	if (CHECK(l = start_alone(&killed.f))) {
		CHECK(fixture_settle(&killed.f));
		CHECK_INT(partlog_high_watermark(l), 4);
		CHECK_INT(killed.f.s->wal->current, 1);
		cut_into(&cut, &killed, operations(&killed), SIM_LOSE);
		has_all(&cut, NULL, 4);
		release(&cut);
	}
	release(&killed);
	release(&w);
}

/*
 * Nothing was synced by the first one, and there was no checkpoint: the log is
 * read from its files, and made durable before anything is put behind it.
 */
static struct append_result
put_keyed(struct partlog *l)
{
	struct append_result r;
	struct batch_builder b;

	batch_begin(&b);
	batch_add(&b, T0, slice_str("key"), slice_str("value"));
	batch_finish(&b);
	partlog_append(l, b.out.data, b.out.len, APPEND_CLIENT, &r);
	CHECK_INT(r.error, 0);
	buf_release(&b.out);
	return r;
}

static void
made_durable(const struct log_config *c)
{
	struct watched w, killed, cut;
	struct partlog *l;

	init(&w);
	w.f.o.fsync = FSYNC_NEVER;
	CHECK(l = fixture_start(&w.f, c));
	for (int i = 0; i < 5; i++)
		put_keyed(l);
	kill_into(&killed, &w, operations(&w));
	if (CHECK(l = fixture_start(&killed.f, c))) {
		CHECK_INT(partlog_high_watermark(l), 5);
		CHECK(fixture_wait(&killed.f, put_keyed(l).commit));
		cut_into(&cut, &killed, operations(&killed), SIM_LOSE);
		has_all(&cut, c, 6);
		release(&cut);
	}
	release(&killed);
	release(&w);
}

static void
what_was_never_synced_is_made_durable_first(void)
{
	struct log_config compacted = small;

	made_durable(&small);
	compacted.compact = true;
	compacted.delete_old = false;
	made_durable(&compacted);
}

/* Changes one byte of a file. */
static int
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR), r = -1;
	uint8_t byte;

	if (pread(fd, &byte, 1, at) == 1) {
		byte ^= 1;
		r = pwrite(fd, &byte, 1, at) == 1 ? 0 : -1;
	}
	close(fd);
	return r;
}

/* ---- cuts one after the other ----------------------------------------------- */

/*
 * Of three batches of one size the first is torn: the log is cut there. What
 * is put in its place does not bring the second one back, whether or not the
 * file is still as long as it was.
 */
static void
what_was_cut_off_does_not_come_back(void)
{
	struct watched w, first, second;
	struct partlog *l;
	struct buf b;
	struct stat st;
	char path[300];

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 1, 100);
	for (int i = 0; i < 3; i++) {
		b = make_batch(1, 100, T0, 7, 0, i);
		CHECK_INT(append_buf(l, &b).error, 0);
		buf_release(&b);
	}
	cut_into(&first, &w, operations(&w), SIM_KEEP);
	simfs_release(&first.sim);
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", first.f.dir, 0);
	CHECK(!stat(path, &st));
	CHECK_INT(flip(path, st.st_size / 4 + 100), 0);
	simfs_init(&first.sim, first.f.dir, true);
	sim_load(&first.sim, first.f.dir);
	if (CHECK(l = start_alone(&first.f))) {
		CHECK_INT(partlog_end(l), 1);
		acked(&first, l, 1, 100);
		cut_into(&second, &first, operations(&first), SIM_LOSE);
		has_all(&second, NULL, 2);
		release(&second);
	}
	release(&first);
	release(&w);
}

/*
 * A start after a clean end does not look for segments that follow nothing:
 * once there can be one the end is not taken for clean any more.
 */
static void
the_clean_mark_does_not_outlive_a_new_segment(void)
{
	struct watched w, cut;
	struct partlog *l;
	char path[300];

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	acked(&w, l, 1, 12000);
	fixture_stop(&w.f);
	sim_op(&w.sim, SIM_SYNC, 1)->at = (int64_t)w.sim.ops_n; /* in time it gets there */
	CHECK(l = fixture_start(&w.f, &small));
	append(l, 1, 12000);
	CHECK_INT(l->segments_n, 2);
	snprintf(path, sizeof(path), "%020d.log", 1);
	cut_into(&cut, &w, newest_name(&w, path) + 1, SIM_OLD_ROOT);
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", cut.f.dir, 1);
	CHECK(!access(path, F_OK));
	snprintf(path, sizeof(path), "%s/clean", cut.f.dir);
	CHECK(access(path, F_OK));
	release(&cut);
	release(&w);
}

/* What a checkpoint counts of an index is on disk: the file may have had other entries. */
static void
indexes_that_a_checkpoint_counts_are_on_disk(void)
{
	static const char *const files[] = { "index", "timeindex" };
	struct watched w, cut;
	struct partlog *l;
	char path[300];
	struct stat st, kept;

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	/* Nothing is written to a segment between a checkpoint and its seal. */
	for (int i = 0; i < 30; i++) {
		acked(&w, l, 1, 1000);
		checkpoint(&w);
	}
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/t-0/%020d.%s", w.f.dir, 0, files[i]);
		CHECK(!stat(path, &st) && st.st_size > 0);
		snprintf(path, sizeof(path), "%s/t-0/%020d.%s", cut.f.dir, 0, files[i]);
		CHECK(!stat(path, &kept) && kept.st_size == st.st_size);
	}
	release(&cut);
	release(&w);
}

/* An earlier life of the file had entries, and this one none: they are not there again. */
static void
an_index_without_entries_is_on_disk(void)
{
	struct log_config few = small;
	struct watched w, cut;
	const struct fs *fs = &w.sim.fs;
	struct partlog *l;
	char path[300];
	int fd;

	few.index_interval_bytes = 1 << 20;
	init(&w);
	CHECK(l = fixture_start(&w.f, &few));
	acked(&w, l, 1, 1000);
	snprintf(path, sizeof(path), "%s/t-0/%020d.index", w.f.dir, 0);
	CHECK((fd = fs->open(fs, path, O_RDWR | O_CREAT)) >= 0);
	CHECK(!fs_write_all(fs, fd, "\0\0\0\5\0\0\7\0", 8, 0) && !fs->fsync(fs, fd));
	fs->close(fs, fd);
	for (int i = 0; i < 30; i++)
		acked(&w, l, 1, 1000);
	checkpoint(&w);
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	snprintf(path, sizeof(path), "%s/t-0/%020d.index", cut.f.dir, 0);
	CHECK_INT(fs->size_of(fs, path), 0);
	release(&cut);
	release(&w);
}

int
main(void)
{
	RUN(a_checkpoint_that_was_found_is_there_for_good);
	RUN(a_group_that_was_found_is_there_for_good);
	RUN(what_was_never_synced_is_made_durable_first);
	RUN(what_was_cut_off_does_not_come_back);
	RUN(the_clean_mark_does_not_outlive_a_new_segment);
	RUN(indexes_that_a_checkpoint_counts_are_on_disk);
	RUN(an_index_without_entries_is_on_disk);
	return tap_done();
}
