/*
 * Crashes that lost something once, or would: each is a way of going wrong
 * that was found by looking, or by the load of torture.c, and has its own test.
 *
 * What keeps the store safe, and the test that was seen to fail when it was
 * taken away:
 *
 *	nonce in the WAL's frames          bytes_of_a_client_are_no_frames
 *	names synced before the first      a_start_writes_behind_the_newest_group
 *	  commit of a run
 *	data directory synced after a new  a_directory_is_synced_with_its_first_segment
 *	  segment was synced directly
 *	checkpoint's directory synced      a_checkpoint_is_there_before_files_go
 *	removals of a topic that is gone   a_removal_spares_the_next_topic
 *	  are forgotten
 *	a failed sync fails all after it   nothing_is_durable_after_a_failed_sync
 *	the newest group is committed      what_is_found_is_seen_once_it_is_durable
 *	  again, and visible after that
 *	bytes written again after a        a_failed_sync_is_made_good_by_the_next_start
 *	  failed sync: WAL group, frames,
 *	  and what was synced directly
 *	segments that follow nothing are   what_follows_nothing_is_removed
 *	  removed, and their names synced
 *	epochs rise with each start        wal.c: frames_of_two_lives_are_no_group
 *	a group between two files is       wal.c: a_group_missing_between_files_is_damage
 *	  missed
 *	groups that follow damage make     wal.c: a_torn_group_does_not_count,
 *	  it damage                          recovery.c: damage_in_the_wal_is_told_...
 *	a group counts when all of it is   wal.c: a_torn_group_does_not_count,
 *	  there                              powerloss.c: cuts_that_tear_...
 *
 * tests/guards takes them away, one by one, and expects these tests to fail.
 */
#include "watched.h"

/* ---- the write-ahead log -------------------------------------------------- */

/* A frame that says "the log of topic 2 starts at 2^40", in a commit to come. */
static void
forge(uint8_t *p)
{
	struct uuid victim = test_id(2);

	memset(p, 0, WAL_FRAME);
	be32_put(p, WAL_MAGIC);
	be64_put(p + 8, 1ULL << 60);
	be64_put(p + 16, 1000000);
	memcpy(p + 24, victim.b, 16);
	be32_put(p + 44, WAL_FIRST | WAL_LAST | WAL_LOG_START);
	be64_put(p + 48, UINT64_MAX);
	be64_put(p + 64, 1ULL << 40);
	be64_put(p + 72, 1ULL << 40);
	be32_put(p + 4, crc32c(0, p + 8, WAL_FRAME - 8));
}

/* One record whose value has such a frame wherever a block of the WAL begins. */
static struct append_result
append_forged(struct partlog *l, size_t size)
{
	uint8_t *value = xcalloc(1, size);
	struct buf b = BUF_INIT;
	struct append_result r;
	size_t in_front;

	for (int pass = 0; pass < 2; pass++) {
		b.len = BATCH_HEADER;
		buf_grow(&b, size + 200);
		put_record(&b, 0, 0, SLICE_NULL, slice_make(value, size));
		in_front = WAL_FRAME + b.len - size - 1; /* the count of headers is last */
		for (size_t at = WAL_BLOCK - in_front; at + WAL_FRAME <= size;
		    at += WAL_BLOCK)
			forge(value + at);
	}
	finish_batch(&b, 0, 1, T0, T0, -1, -1, -1);
	r = append_buf(l, &b);
	buf_release(&b);
	free(value);
	return r;
}

static void
bytes_of_a_client_are_no_frames(void)
{
	struct partlog *l, *victim;
	struct watched w, after;
	size_t at;

	init(&w);
	w.f.o.wal_bytes = 1 << 20;
	CHECK_INT(fixture_open(&w.f), 0);
	l = fixture_attach(&w.f, "t", 1, 0, NULL);
	victim = fixture_attach(&w.f, "victim", 2, 0, NULL);
	CHECK_INT(store_start(w.f.s, &w.f.e), 0);
	acked(&w, victim, 10, 100);
	/* A lap of forged frames, then a new one in which little was written. */
	for (int i = 0; i < 60; i++) {
		struct append_result r = append_forged(l, 60000);

		CHECK(!r.error && fixture_wait(&w.f, r.commit));
		if (i % 4 == 3)
			checkpoint(&w);
	}
	for (int i = 0; i < 6; i++)
		acked(&w, l, 1, 10);
	at = operations(&w);
	cut_into(&after, &w, at, SIM_KEEP);
	after.f.o.wal_bytes = 1 << 20;
	if (CHECK_INT(fixture_open(&after.f), 0)) {
		CHECK(fixture_attach(&after.f, "t", 1, 0, NULL));
		CHECK(victim = fixture_attach(&after.f, "victim", 2, 0, NULL));
		CHECK_INT(partlog_start(victim), 0);
		CHECK_INT(partlog_end(victim), 10);
	} else {
		printf("# %s\n", after.f.e.msg);
	}
	release(&after);
	release(&w);
}

static void
a_start_writes_behind_the_newest_group(void)
{
	struct watched w, after, again;
	struct partlog *l;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 1, 100);
	checkpoint(&w);
	for (int i = 0; i < 5; i++)
		acked(&w, l, 1, 100);
	cut_into(&after, &w, operations(&w), SIM_LOSE);
	if (CHECK(l = fixture_start(&after.f, NULL))) {
		CHECK_INT(partlog_high_watermark(l), 6);
		acked(&after, l, 1, 100);
		cut_into(&again, &after, operations(&after), SIM_LOSE);
		if (CHECK(l = fixture_start(&again.f, NULL)))
			CHECK_INT(partlog_high_watermark(l), 7);
		release(&again);
	}
	release(&after);
	release(&w);
}

/* ---- names ---------------------------------------------------------------- */

static void
a_directory_is_synced_with_its_first_segment(void)
{
	struct watched w, after;
	struct partlog *l, *other;

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	acked(&w, l, 1, 100);
	/* A partition that is made now, and whose first batch is synced directly. */
	CHECK(other = fixture_attach(&w.f, "u", 2, 0, &small));
	acked(&w, other, 1, 18000);
	cut_into(&after, &w, operations(&w), SIM_LOSE);
	CHECK_INT(fixture_open(&after.f), 0);
	CHECK(fixture_attach(&after.f, "t", 1, 0, &small));
	CHECK(other = fixture_attach(&after.f, "u", 2, 0, &small));
	CHECK_INT(partlog_end(other), 1);
	release(&after);
	release(&w);
}

/*
 * A checkpoint saw the log empty. What comes first is synced directly, a
 * segment and more of it; the first frame in the WAL is of the next one.
 */
static void
first_segments_that_were_synced_directly_are_found(void)
{
	struct watched w, after;
	struct partlog *l;

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	checkpoint(&w);
	acked(&w, l, 1, 18000);
	acked(&w, l, 1, 18000);
	acked(&w, l, 1, 100);
	CHECK_INT(l->segments_n, 2);
	cut_into(&after, &w, operations(&w), SIM_LOSE);
	CHECK(l = fixture_start(&after.f, &small));
	CHECK_INT(partlog_start(l), 0);
	CHECK_INT(verify_log(l, 3), 3);
	release(&after);
	release(&w);
}

/* Segments that a checkpoint lets go are gone only once it is there for good. */
static void
a_checkpoint_is_there_before_files_go(void)
{
	struct watched w;
	struct partlog *l;
	int64_t start;
	uint64_t commit;
	size_t from;

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	for (int i = 0; i < 40; i++)
		acked(&w, l, 1, 2000);
	checkpoint(&w);
	CHECK_INT(partlog_delete_records(l, 35, &start, &commit), 0);
	CHECK(fixture_wait(&w.f, commit));
	from = operations(&w);
	checkpoint(&w);
	checkpoint(&w);
	fixture_stop(&w.f);
	/* Of the names in the data directory as few as may be, of the others all:
	 * the old checkpoint must not be beside what the new one let go. */
	for (size_t op = from; op < w.sim.ops_n; op++) {
		struct watched after;

		if (w.sim.ops[op].kind != SIM_NAME)
			continue;
		cut_into(&after, &w, op + 1, SIM_OLD_ROOT);
		if (CHECK(l = fixture_start(&after.f, &small))) {
			CHECK(partlog_start(l) == 0 || partlog_start(l) == 35);
			CHECK_INT(verify_log(l, 40), 40 - partlog_start(l));
		} else {
			printf("# operation %zu: %s\n", op, after.f.e.msg);
		}
		release(&after);
	}
	release(&w);
}

static void
what_follows_nothing_is_removed(void)
{
	struct append_result r;
	struct watched w, after, later;
	struct partlog *l;
	size_t from, at;
	char path[400];

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	for (int i = 0; i < 7; i++)
		acked(&w, l, 1, 2000);
	checkpoint(&w);          /* there is room in the WAL, however slow the keeper is */
	append(l, 3, 500);       /* the end of a segment, for the WAL */
	r = append(l, 1, 16500); /* the next one, synced directly, and first */
	from = operations(&w);
	CHECK(fixture_wait(&w.f, r.commit));
	for (at = from; at < w.sim.ops_n && w.sim.ops[at].kind != SIM_WRITE; at++)
		;
	cut_into(&after, &w, at, SIM_LOSE);
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", after.f.dir, 10);
	CHECK(!access(path, F_OK));
	if (CHECK(l = fixture_start(&after.f, &small))) {
		CHECK(access(path, F_OK));
		CHECK_INT(partlog_end(l), 7);
		/* For good: it must not be there when the log has come that far. */
		cut_into(&later, &after, operations(&after), SIM_LOSE);
		snprintf(path, sizeof(path), "%s/t-0/%020d.log", later.f.dir, 10);
		CHECK(access(path, F_OK));
		release(&later);
		for (int i = 0; i < 30; i++)
			acked(&after, l, 1, 300);
		fixture_stop(&after.f);
		CHECK(l = fixture_start(&after.f, &small));
		CHECK_INT(partlog_end(l), 37);
		CHECK_INT(verify_log(l, 37), 37);
	}
	release(&after);
	release(&w);
}

static void
a_removal_spares_the_next_topic(void)
{
	struct watched w;
	struct partlog *l;
	int64_t start;
	uint64_t commit;

	init(&w);
	CHECK(l = fixture_start(&w.f, &small));
	for (int i = 0; i < 40; i++)
		acked(&w, l, 1, 2000);
	CHECK_INT(partlog_delete_records(l, 35, &start, &commit), 0);
	CHECK(fixture_wait(&w.f, commit));
	w.f.clock.fake_ms += 1000;
	retention_tick(w.f.s, clock_mono_ms(&w.f.clock));
	store_detach(w.f.s, l);
	append(store_metadata(w.f.s), 1, 1);
	CHECK(l = fixture_attach(&w.f, "t", 2, 0, &small));
	acked(&w, l, 4, 40);
	for (int i = 0; i < 3; i++) {
		checkpoint(&w);
		acked(&w, l, 4, 40);
	}
	fixture_stop(&w.f);
	CHECK_INT(fixture_open(&w.f), 0);
	if (CHECK(l = fixture_attach(&w.f, "t", 2, 0, &small)))
		CHECK_INT(verify_log(l, partlog_end(l)), 16);
	release(&w);
}

/* ---- syncs that fail ------------------------------------------------------ */

static void
nothing_is_durable_after_a_failed_sync(void)
{
	struct watched w, after;
	struct partlog *l;
	size_t from;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	for (int i = 0; i < 5; i++)
		acked(&w, l, 1, 100);
	checkpoint(&w); /* or its syncs would be the ones that fail */
	set_sync_error(&w, EIO);
	append(l, 1, 100);
	store_flush(w.f.s);
	/* The thread has failed; before the loop knows, more is handed over. */
	for (int i = 0; i < 10000 && !w.sim.failures; i++)
		poll(NULL, 0, 1);
	set_sync_error(&w, 0);
	from = operations(&w);
	append(l, 1, 100);
	store_flush(w.f.s);
	for (int i = 0; i < 50 && operations(&w) < from + 2; i++)
		poll(NULL, 0, 1);
	CHECK(fixture_settle(&w.f));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(partlog_high_watermark(l), 5);
	cut_into(&after, &w, operations(&w), SIM_LOSE);
	if (CHECK(l = fixture_start(&after.f, NULL)))
		CHECK_INT(partlog_end(l), 5);
	else
		printf("# %s\n", after.f.e.msg);
	release(&after);
	release(&w);
}

/* The syncs of the start wait: what was found is not seen meanwhile. */
static void
what_is_found_is_seen_once_it_is_durable(void)
{
	struct watched w, after;
	struct partlog *l;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 5, 100);
	/* Written to the WAL, but the power goes before it is synced. */
	append(l, 5, 100);
	pthread_mutex_lock(&w.sim.lock);
	w.sim.held = true;
	pthread_mutex_unlock(&w.sim.lock);
	store_flush(w.f.s);
	for (int i = 0; i < 1000 && !w.sim.waiting; i++)
		poll(NULL, 0, 1);
	cut_into(&after, &w, operations(&w), SIM_KEEP);
	pthread_mutex_lock(&w.sim.lock);
	w.sim.held = false;
	pthread_mutex_unlock(&w.sim.lock);
	after.sim.held = true;
	CHECK_INT(fixture_open(&after.f), 0);
	CHECK(l = fixture_attach(&after.f, "t", 1, 0, NULL));
	CHECK_INT(store_start(after.f.s, &after.f.e), 0);
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(partlog_high_watermark(l), 5);
	pthread_mutex_lock(&after.sim.lock);
	after.sim.held = false;
	pthread_mutex_unlock(&after.sim.lock);
	CHECK(fixture_settle(&after.f));
	CHECK_INT(partlog_high_watermark(l), 10);
	release(&after);
	release(&w);
}

/*
 * The kernel keeps what it could not write, and takes it for written: the
 * next start, on the same machine, finds it, and has to write it again.
 */
static void
made_good(int32_t records, size_t size, size_t segment, size_t wal)
{
	struct watched w, after;
	struct partlog *l;
	size_t from, at;

	init(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	acked(&w, l, 5, 100);
	checkpoint(&w);
	set_sync_error(&w, EIO);
	CHECK(fixture_wait(&w.f, append(l, records, size).commit));
	CHECK_INT(store_failed(w.f.s), KERR_KAFKA_STORAGE_ERROR);
	set_sync_error(&w, 0);
	fixture_stop(&w.f);
	/* Clean pages are what nobody syncs: only what is written from here on is. */
	from = operations(&w);
	CHECK(l = fixture_start(&w.f, NULL));
	CHECK_INT(partlog_end(l), 5 + records);
	CHECK(fixture_settle(&w.f));
	at = operations(&w);
	for (size_t i = from; i < at; i++) {
		const struct sim_op *op = &w.sim.ops[i];

		if (op->kind == SIM_WRITE && op->len > 500 && op->len % WAL_BLOCK)
			segment--;
		else if (op->kind == SIM_WRITE && op->len > 500)
			wal--;
	}
	CHECK_INT(segment, 0);
	CHECK_INT(wal, 0);
	/* Once all of it is on disk there is no reason for that any more. */
	checkpoint(&w);
	CHECK(!w.f.s->suspect);
	cut_into(&after, &w, operations(&w), SIM_LOSE);
	CHECK(l = fixture_start(&after.f, NULL));
	CHECK(!after.f.s->suspect);
	CHECK_INT(partlog_end(l), 5 + records);
	release(&after);
	release(&w);
}

static void
a_failed_sync_is_made_good_by_the_next_start(void)
{
	/* The WAL's newest group, and the one that commits it again. */
	made_good(5, 100, 1, 2);
	/* What is synced directly is in no group, and the checkpoint has what is. */
	made_good(1, 70000, 1, 0);
}

/* ---- files that somebody took --------------------------------------------- */

static void
a_segment_that_is_missing_is_named(void)
{
	struct watched w;
	struct partlog *l;
	char path[400];

	init(&w);
	w.f.o.fs = fs_posix();
	CHECK(l = fixture_start(&w.f, &small));
	for (int i = 0; i < 40; i++)
		acked(&w, l, 1, 2000);
	fixture_stop(&w.f);
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", w.f.dir, 9);
	CHECK_INT(unlink(path), 0);
	CHECK(!fixture_start(&w.f, &small));
	CHECK_INT(w.f.e.code, ERR_CORRUPT);
	CHECK(strstr(w.f.e.msg, "t-0' has lost a segment: offsets 9 to 17 ") &&
		strstr(w.f.e.msg, "--repair"));
	w.f.o.repair = true;
	CHECK(l = fixture_start(&w.f, &small));
	CHECK_INT(partlog_end(l), 40);
	CHECK(strstr(w.f.reports, "offsets 9 to 17 "));
	release(&w);
}

static void
a_directory_in_use_names_the_process(void)
{
	struct watched w, other;
	char text[64];

	init(&w);
	CHECK(fixture_start(&w.f, NULL));
	init(&other);
	other.f.o.dir = w.f.dir;
	CHECK_INT(fixture_open(&other.f), -1);
	snprintf(text, sizeof(text), "by process %d ", (int)getpid());
	CHECK(strstr(other.f.e.msg, text));
	release(&other);
	release(&w);
}

int
main(void)
{
	RUN(bytes_of_a_client_are_no_frames);
	RUN(a_start_writes_behind_the_newest_group);
	RUN(a_directory_is_synced_with_its_first_segment);
	RUN(first_segments_that_were_synced_directly_are_found);
	RUN(a_checkpoint_is_there_before_files_go);
	RUN(what_follows_nothing_is_removed);
	RUN(a_removal_spares_the_next_topic);
	RUN(nothing_is_durable_after_a_failed_sync);
	RUN(what_is_found_is_seen_once_it_is_durable);
	RUN(a_failed_sync_is_made_good_by_the_next_start);
	RUN(a_segment_that_is_missing_is_named);
	RUN(a_directory_in_use_names_the_process);
	return tap_done();
}
