/* Disks that are full, that fail, that write less than asked; directories in use. */
#include "fixture.h"
#include "simfs.h"
#include "store/state.h"

static void
init(struct fixture *f, struct simfs *sim)
{
	fixture_init(f);
	simfs_init(sim, f->dir, false);
	f->o.fs = &sim->fs;
}

static void
release(struct fixture *f, struct simfs *sim)
{
	fixture_release(f);
	simfs_release(sim);
}

static void
set_sync_error(struct simfs *sim, int error)
{
	pthread_mutex_lock(&sim->lock);
	sim->sync_error = error;
	pthread_mutex_unlock(&sim->lock);
}

static struct append_result
append_producer(struct partlog *l, int32_t seq)
{
	struct buf b = make_batch(5, 100, T0, 33, 0, seq);
	struct append_result r = append_buf(l, &b);

	buf_release(&b);
	return r;
}

static void
a_full_disk_refuses_and_recovers(void)
{
	struct append_result r;
	struct simfs sim;
	struct fixture f;
	struct partlog *l;
	int32_t seq = 0;

	init(&f, &sim);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	for (; seq < 50; seq += 5)
		CHECK_INT(append_producer(l, seq).error, 0);
	CHECK(fixture_wait(&f, store_committed(f.s) + 1));
	for (int64_t space = 0; space < 700; space += 99) {
		pthread_mutex_lock(&sim.lock);
		sim.space = space < 600 ? space : 0;
		pthread_mutex_unlock(&sim.lock);
		r = append_producer(l, seq);
		CHECK_INT(r.error, KERR_KAFKA_STORAGE_ERROR);
		CHECK_INT(r.base_offset, -1);
		CHECK_INT(partlog_end(l), seq);
		CHECK_INT(verify_log(l, seq), seq);
	}
	CHECK_INT(store_failed(f.s), 0);
	CHECK(strstr(f.reports, "No space left"));
	pthread_mutex_lock(&sim.lock);
	sim.space = -1;
	pthread_mutex_unlock(&sim.lock);
	/* The same sequence number again: it was never seen. */
	r = append_producer(l, seq);
	CHECK_INT(r.error, 0);
	CHECK(!r.duplicate);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(verify_log(l, seq + 5), seq + 5);
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, NULL));
	CHECK_INT(partlog_end(l), seq + 5);
	CHECK_INT(verify_log(l, seq + 5), seq + 5);
	release(&f, &sim);
}

static void
a_full_disk_at_the_first_append_is_no_harm(void)
{
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	sim.space = 0;
	CHECK_INT(append(l, 1, 1).error, KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(append(l, 1, 1).error, KERR_KAFKA_STORAGE_ERROR);
	sim.space = -1;
	CHECK_INT(append(l, 1, 1).base_offset, 0);
	CHECK(fixture_wait(&f, 1));
	CHECK_INT(verify_log(l, 1), 1);
	release(&f, &sim);
}

static void
a_failed_sync_fails_the_store_for_appends(void)
{
	struct append_result r;
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	CHECK(fixture_wait(&f, append(l, 10, 100).commit));
	set_sync_error(&sim, EIO);
	append(l, 3, 100);
	r = append(l, 3, 100);
	CHECK_INT(r.error, 0);
	CHECK_INT(partlog_end(l), 16);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(f.commit_error, KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(f.committed, r.commit);
	CHECK_INT(store_failed(f.s), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(store_backlog(f.s), 0);
	/* Nobody saw them, nobody will. */
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(partlog_high_watermark(l), 10);
	CHECK_INT(verify_log(l, 10), 10);
	/* There is no second try, even when the disk says that it is well. */
	set_sync_error(&sim, 0);
	CHECK_INT(append(l, 1, 1).error, KERR_KAFKA_STORAGE_ERROR);
	CHECK(strstr(f.reports, "Input/output error"));
	fixture_stop(&f);
	/* What the kernel kept is there after the restart, whole. */
	CHECK(l = fixture_start(&f, NULL));
	CHECK_INT(partlog_end(l), 16);
	CHECK_INT(verify_log(l, 16), 16);
	release(&f, &sim);
}

static void
a_failed_sync_after_a_roll_goes_back_to_the_right_segment(void)
{
	struct log_config c = test_config;
	struct append_result r;
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	c.segment_bytes = 2000;
	init(&f, &sim);
	if (!CHECK(l = fixture_start(&f, &c)))
		return;
	CHECK(fixture_wait(&f, append(l, 10, 100).commit));
	set_sync_error(&sim, EIO);
	for (int i = 0; i < 6; i++)
		r = append(l, 10, 100);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(verify_log(l, 10), 10);
	release(&f, &sim);
}

static void
a_failed_checkpoint_sync_fails_the_store(void)
{
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	/* The start's own checkpoint is over: the next one has something to sync. */
	for (int i = 0; i < 500 && (f.s->checkpoint_due || f.s->checkpointing); i++) {
		store_tick(f.s);
		fixture_sleep(&f);
		store_poll(f.s);
	}
	CHECK(fixture_wait(&f, append(l, 10, 100).commit));
	set_sync_error(&sim, EIO);
	f.clock.fake_ms += 10000;
	store_tick(f.s);
	for (int i = 0; i < 500 && !store_failed(f.s); i++) {
		fixture_sleep(&f);
		store_poll(f.s);
	}
	CHECK_INT(store_failed(f.s), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(verify_log(l, 10), 10);
	release(&f, &sim);
}

static void
the_last_sync_that_fails_is_told(void)
{
	static const struct {
		enum fsync_policy policy;
		const char *lost;
	} all[] = {
		{ FSYNC_GROUP, "Input/output error: only what was not acknowledged "
			"may be lost" },
		{ FSYNC_ALWAYS, "only what was not acknowledged may be lost" },
		{ FSYNC_INTERVAL, "what was acknowledged in the 10 ms before that "
			"may be lost" },
		{ FSYNC_NEVER, "what was written since the start may be lost" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct simfs sim;
		struct fixture f;
		struct partlog *l;

		init(&f, &sim);
		f.o.fsync = all[i].policy;
		CHECK(l = fixture_start(&f, NULL));
		append(l, 10, 100);
		CHECK_INT(fixture_stop(&f), 0);
		CHECK(l = fixture_start(&f, NULL));
		append(l, 10, 100);
		CHECK(fixture_settle(&f));
		set_sync_error(&sim, EIO);
		CHECK_INT(fixture_stop(&f), -1);
		CHECK_INT(f.e.code, ERR_IO);
		if (!CHECK(strstr(f.e.msg, all[i].lost)))
			printf("# %s\n", f.e.msg);
		CHECK(!strstr(f.reports, "no more appends"));
		set_sync_error(&sim, 0);
		CHECK(l = fixture_start(&f, NULL));
		CHECK_INT(verify_log(l, 20), 20);
		CHECK_INT(fixture_stop(&f), 0);
		release(&f, &sim);
	}
}

/* Told then, and at the end, too. */
static void
a_store_that_failed_does_not_end_well(void)
{
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	CHECK(l = fixture_start(&f, NULL));
	set_sync_error(&sim, EIO);
	CHECK(fixture_wait(&f, append(l, 10, 100).commit));
	CHECK(strstr(f.reports, "no more appends"));
	set_sync_error(&sim, 0);
	CHECK_INT(fixture_stop(&f), -1);
	CHECK(strstr(f.e.msg, "cannot make data durable in"));
	release(&f, &sim);
}

static void
a_last_checkpoint_that_finds_no_room_is_told(void)
{
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	CHECK(l = fixture_start(&f, NULL));
	CHECK(fixture_wait(&f, append(l, 10, 100).commit));
	sim.space = 0;
	CHECK_INT(fixture_stop(&f), -1);
	CHECK(strstr(f.e.msg, "No space left on device: nothing is lost"));
	CHECK(!strstr(f.reports, "tried again"));
	sim.space = -1;
	CHECK(l = fixture_start(&f, NULL));
	CHECK_INT(verify_log(l, 10), 10);
	release(&f, &sim);
}

static void
short_writes_are_finished(void)
{
	struct append_result r = { 0 };
	struct simfs sim;
	struct fixture f;
	struct partlog *l;

	init(&f, &sim);
	sim.short_writes = 100;
	if (!CHECK(l = fixture_start(&f, NULL)))
		return;
	for (int i = 0; i < 20; i++)
		r = append(l, 10, 100);
	CHECK_INT(r.error, 0);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(verify_log(l, 200), 200);
	fixture_stop(&f);
	CHECK(l = fixture_start(&f, NULL));
	CHECK_INT(verify_log(l, 200), 200);
	release(&f, &sim);
}

static void
a_directory_in_use_is_refused(void)
{
	struct fixture f, g;

	fixture_init(&f);
	CHECK(fixture_start(&f, NULL));
	fixture_init(&g);
	g.o.dir = f.dir;
	CHECK_INT(fixture_open(&g), -1);
	CHECK_INT(g.e.code, ERR_EXISTS);
	CHECK(strstr(g.e.msg, f.dir) && strstr(g.e.msg, "--data-dir"));
	fixture_release(&g);
	fixture_release(&f);
}

static void
a_directory_that_cannot_be_made_is_refused(void)
{
	struct fixture f;

	fixture_init(&f);
	f.o.dir = "/proc/kc";
	CHECK_INT(fixture_open(&f), -1);
	CHECK(strstr(f.e.msg, "'/proc/kc'"));
	fixture_release(&f);
}

int
main(void)
{
	RUN(a_full_disk_refuses_and_recovers);
	RUN(a_full_disk_at_the_first_append_is_no_harm);
	RUN(a_failed_sync_fails_the_store_for_appends);
	RUN(a_failed_sync_after_a_roll_goes_back_to_the_right_segment);
	RUN(a_failed_checkpoint_sync_fails_the_store);
	RUN(the_last_sync_that_fails_is_told);
	RUN(a_store_that_failed_does_not_end_well);
	RUN(a_last_checkpoint_that_finds_no_room_is_told);
	RUN(short_writes_are_finished);
	RUN(a_directory_in_use_is_refused);
	RUN(a_directory_that_cannot_be_made_is_refused);
	return tap_done();
}
