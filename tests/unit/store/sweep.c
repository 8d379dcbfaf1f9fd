/*
 * Every call that changes the disk, once as the one that fails: the nth
 * write, truncation, allocation, sync, rename, unlink, open or mkdir of a run
 * that does all that a store does. Whatever happens then, nothing that was
 * acknowledged is lost, nothing half-written is seen, a disk that was full
 * is taken into use again, and the next start succeeds.
 */
#include "fixture.h"
#include "simfs.h"
#include "store/state.h"

static const struct log_config small = {
	.segment_bytes = 8000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 20000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

enum { ROUNDS = 12 };

/* What the run may count on: acknowledged records of the log, its start. */
struct outcome {
	int64_t acked, start_asked, start_acked;
	bool started;
};

static void
wait_for(struct fixture *f, uint64_t commit, int64_t end, struct outcome *o)
{
	CHECK(fixture_wait(f, commit));
	if (!f->commit_error && end > o->acked)
		o->acked = end;
}

/* Appends of 5 records each, some of them large; a start moved, checkpoints. */
static void
run(struct fixture *f, struct simfs *sim, struct outcome *o)
{
	struct partlog *l = fixture_start(f, &small);
	struct append_result r;
	uint64_t commit;
	int64_t start;
	bool over;

	if (!l) {
		CHECK(f->e.code != ERR_NONE && *f->e.msg);
		return;
	}
	o->started = true;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t end = partlog_end(l);

		r = append(l, 5, i % 5 == 4 ? 1400 : 100);
		if (r.error) {
			CHECK_INT(r.error, KERR_KAFKA_STORAGE_ERROR);
			CHECK_INT(partlog_end(l), end);
		} else {
			wait_for(f, r.commit, end + 5, o);
		}
		if (i == ROUNDS / 2) {
			o->start_asked = partlog_high_watermark(l) / 2;
			if (!partlog_delete_records(l, o->start_asked, &start, &commit)) {
				CHECK(fixture_wait(f, commit));
				if (!f->commit_error)
					o->start_acked = start;
			}
		}
		f->clock.fake_ms += 6000;
		store_tick(f->s);
		CHECK_INT(verify_log(l, partlog_high_watermark(l)),
			partlog_high_watermark(l) - partlog_start(l));
	}
	/* One fault, and it is over: a disk that was full takes data again. */
	over = sim->calls > sim->fail_at;
	r = append(l, 5, 100);
	if (over && !store_failed(f->s) && CHECK_INT(r.error, 0))
		wait_for(f, r.commit, partlog_end(l), o);
}

static bool
try_one(int error, int64_t at, int64_t *calls)
{
	struct outcome o = { 0 };
	struct fixture f;
	struct simfs sim;
	struct partlog *l;
	int bad = tap_bad;

	fixture_init(&f);
	simfs_init(&sim, f.dir, false);
	f.o.fs = &sim.fs;
	f.o.wal_bytes = 64 << 10;
	sim.fail_with = error;
	sim.fail_at = at;
	run(&f, &sim, &o);
	if (f.s)
		fixture_stop(&f);
	*calls = sim.calls;
	sim.fail_with = 0;
	if (CHECK(l = fixture_start(&f, &small))) {
		CHECK(partlog_end(l) >= o.acked);
		CHECK(partlog_start(l) >= o.start_acked);
		CHECK(partlog_start(l) <= o.start_asked);
		CHECK_INT(verify_log(l, partlog_end(l)),
			partlog_end(l) - partlog_start(l));
		CHECK_INT(append(l, 1, 1).error, 0);
	}
	if (bad != tap_bad)
		printf("# call %" PRId64 " fails with %s: %s\n# %s\n", at,
			strerror(error), f.e.msg, f.reports);
	fixture_release(&f);
	simfs_release(&sim);
	return bad == tap_bad;
}

static void
sweep(int error)
{
	int64_t calls, ignored;

	try_one(error, INT64_MAX, &calls);
	CHECK(calls > 60);
	for (int64_t at = 0; at < calls; at++)
		if (!try_one(error, at, &ignored))
			return;
}

static void
no_call_that_fails_loses_anything(void)
{
	sweep(EIO);
}

static void
no_call_that_finds_the_disk_full_loses_anything(void)
{
	sweep(ENOSPC);
}

int
main(void)
{
	RUN(no_call_that_fails_loses_anything);
	RUN(no_call_that_finds_the_disk_full_loses_anything);
	return tap_done();
}
