/*
 * A sync fails: in a commit, in a checkpoint, of a checkpoint's own file. The
 * kernel tells it once, and takes what it threw away for written from then on.
 */
#include "watched.h"

/* The thread that saw a sync fail has noted it, should the loop not come to it. */
static void
a_sync_that_fails_is_noted_at_once(void)
{
	struct watched w, killed;
	struct partlog *l;
	char path[300], text[64] = "";

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 1, 100);
	checkpoint(&w);
	set_sync_error(&w, EIO);
	append(l, 1, 100);
	store_flush(w.f.s);
	snprintf(path, sizeof(path), "%s/.lock", w.f.dir);
	for (int i = 0; i < 2000 && !strstr(text, "sync-failed"); i++) {
		int fd = open(path, O_RDONLY);

		CHECK(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		poll(NULL, 0, 1);
	}
	CHECK(!w.f.s->failed);
	kill_into(&killed, &w, operations(&w));
	CHECK_INT(fixture_open(&killed.f), 0);
	CHECK(killed.f.s->suspect);
	release(&killed);
	set_sync_error(&w, 0);
	release(&w);
}

/* ---- a checkpoint's own file that cannot be synced ------------------------- */

static const char *broken; /* end of the path whose fsync fails */

static int
broken_fsync(const struct fs *fs, int fd)
{
	struct simfs *s = sim_of(fs);
	char path[64], name[400];
	size_t k = strlen(broken);
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	if (!k || n < (ssize_t)k || strcmp(name + n - k, broken))
		return simfs_sync(fs, fd);
	pthread_mutex_lock(&s->lock);
	s->sync_error = EIO;
	pthread_mutex_unlock(&s->lock);
	r = simfs_sync(fs, fd);
	pthread_mutex_lock(&s->lock);
	s->sync_error = 0;
	pthread_mutex_unlock(&s->lock);
	errno = EIO;
	return r;
}

/* Until a checkpoint has failed: nothing that it was to cover is given up. */
static void
checkpoint_fails(struct watched *w)
{
	uint64_t released = atomic_load(&w->f.s->wal->released);

	w->f.reports[0] = '\0';
	w->f.clock.fake_ms += 10000;
	w->f.s->checkpoint_due = true;
	for (int i = 0; i < 1000 && !strstr(w->f.reports, "tried again"); i++) {
		store_tick(w->f.s);
		store_poll(w->f.s);
		fixture_sleep(&w->f);
	}
	CHECK(strstr(w->f.reports, "checkpoint': Input/output error: tried again"));
	CHECK_INT(atomic_load(&w->f.s->wal->released), released);
	CHECK_INT(store_failed(w->f.s), 0);
}

static void
unsynced_checkpoint(const char *name)
{
	struct watched w, cut;
	struct partlog *l;
	struct fs fs;

	broken = "";
	init(&w);
	fs = w.sim.fs;
	fs.fsync = broken_fsync;
	w.f.o.fs = &fs;
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 5, 100);
	checkpoint(&w);
	acked(&w, l, 5, 100);
	broken = name ? name : w.f.dir;
	checkpoint_fails(&w);
	checkpoint_fails(&w);
	acked(&w, l, 5, 100);
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	has_all(&cut, NULL, 15);
	release(&cut);
	/* What could not be synced is written anew, not only synced again. */
	broken = "";
	checkpoint(&w);
	acked(&w, l, 5, 100);
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	has_all(&cut, NULL, 20);
	release(&cut);
	release(&w);
}

static void
a_checkpoint_that_was_not_synced_does_not_count(void)
{
	unsynced_checkpoint("/checkpoint.tmp");
	unsynced_checkpoint(NULL); /* the name */
}

/* The first one is synced by the first commit: that fails, and a start follows. */
static void
a_first_checkpoint_that_was_not_synced_is_written_again(void)
{
	struct watched w, cut;
	struct partlog *l;
	struct fs fs;

	broken = "";
	init(&w);
	fs = w.sim.fs;
	fs.fsync = broken_fsync;
	w.f.o.fs = &fs;
	CHECK(l = start_alone(&w.f));
	broken = "/checkpoint";
	CHECK(fixture_wait(&w.f, append(l, 5, 100).commit));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	fixture_stop(&w.f);
	broken = "";
	CHECK(l = start_alone(&w.f));
	acked(&w, l, 5, 100);
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	has_all(&cut, NULL, 10);
	release(&cut);
	release(&w);
}

/* ---- of two that sync a file, one is told of the failure ------------------- */

static atomic_bool gate, told;
static int gated_fd;

/* With the gate shut, whoever is told of the failure does not come back. */
static int
gated_fdatasync(const struct fs *fs, int fd)
{
	int r = simfs_sync(fs, fd);

	while (r < 0 && atomic_load(&gate)) {
		atomic_store(&told, true);
		poll(NULL, 0, 1);
	}
	return r;
}

static int
gated_close(const struct fs *fs, int fd)
{
	while (fd == gated_fd && atomic_load(&gate))
		poll(NULL, 0, 1);
	return simfs_close(fs, fd);
}

static void
start_gated(struct watched *w, struct fs *fs, struct partlog **l)
{
	init(w);
	*fs = w->sim.fs;
	fs->fdatasync = gated_fdatasync;
	fs->close = gated_close;
	w->f.o.fs = fs;
	gated_fd = -1;
	atomic_store(&told, false);
	CHECK(*l = start_alone(&w->f));
	w->f.s->checkpoint_retry = 0;
	acked(w, *l, 1, 100);
	checkpoint(w);
}

/* With an append that is not handed over yet, and a checkpoint that syncs it. */
static void
append_and_checkpoint(struct watched *w, struct partlog *l)
{
	append(l, 1, 70000);
	w->f.s->checkpoint_due = true;
	store_poll(w->f.s);
	CHECK(w->f.s->checkpointing);
}

static void
await_flag(const atomic_bool *flag)
{
	for (int i = 0; i < 5000 && !atomic_load(flag); i++)
		poll(NULL, 0, 1);
	CHECK(atomic_load(flag));
}

static void
a_commit_is_not_durable_when_the_checkpoint_was_told(void)
{
	struct watched w;
	struct partlog *l;
	struct fs fs;
	size_t from;

	start_gated(&w, &fs, &l);
	set_sync_error(&w, EIO);
	append_and_checkpoint(&w, l);
	await_flag(&w.f.s->sync_failed);
	set_sync_error(&w, 0);
	from = operations(&w);
	store_flush(w.f.s);
	/* Its sync succeeds, and comes back before the loop hears of the other. */
	for (int i = 0; i < 50 && operations(&w) < from + 2; i++)
		poll(NULL, 0, 1);
	CHECK(operations(&w) > from);
	CHECK(fixture_settle(&w.f));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(partlog_high_watermark(l), 1);
	release(&w);
}

/* It was told, but has not passed it on when the commit asks. */
static void
a_commit_waits_for_the_checkpoint_that_is_being_told(void)
{
	struct watched w;
	struct partlog *l;
	struct fs fs;

	start_gated(&w, &fs, &l);
	atomic_store(&gate, true);
	set_sync_error(&w, EIO);
	append_and_checkpoint(&w, l);
	await_flag(&told);
	set_sync_error(&w, 0);
	store_flush(w.f.s);
	for (int i = 0; i < 50 && partlog_high_watermark(l) == 1; i++) {
		store_poll(w.f.s);
		poll(NULL, 0, 1);
	}
	CHECK_INT(partlog_high_watermark(l), 1);
	atomic_store(&gate, false);
	CHECK(fixture_settle(&w.f));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(partlog_high_watermark(l), 1);
	release(&w);
}

static void
a_checkpoint_does_not_count_when_the_commit_was_told(void)
{
	struct watched w, cut;
	struct partlog *l;
	struct fs fs;

	start_gated(&w, &fs, &l);
	atomic_store(&gate, true);
	gated_fd = open("/dev/null", O_RDONLY);
	keeper_close(w.f.s->keeper, gated_fd);
	append_and_checkpoint(&w, l); /* behind the gate */
	set_sync_error(&w, EIO);
	store_flush(w.f.s);
	await_flag(&told);
	set_sync_error(&w, 0);
	atomic_store(&gate, false);
	CHECK(fixture_settle(&w.f));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	fixture_stop(&w.f);
	CHECK(l = start_alone(&w.f));
	CHECK(fixture_settle(&w.f));
	CHECK_INT(partlog_high_watermark(l), 2);
	cut_into(&cut, &w, operations(&w), SIM_LOSE);
	has_all(&cut, NULL, 2);
	release(&cut);
	release(&w);
}

int
main(void)
{
	RUN(a_sync_that_fails_is_noted_at_once);
	RUN(a_checkpoint_that_was_not_synced_does_not_count);
	RUN(a_first_checkpoint_that_was_not_synced_is_written_again);
	RUN(a_commit_is_not_durable_when_the_checkpoint_was_told);
	RUN(a_commit_waits_for_the_checkpoint_that_is_being_told);
	RUN(a_checkpoint_does_not_count_when_the_commit_was_told);
	return tap_done();
}
