/*
 * Transactions in one log: markers, the last stable offset, the index of
 * those that were aborted, and all of it after restarts, kills and losses.
 */
#include <sys/wait.h>

#include "store/state.h"
#include "fixture.h"

static const struct log_config small = {
	.segment_bytes = 1000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 1000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* The next sequence of each producer, 0 to 9. */
static int32_t sequences[10];

static struct append_result
send_as(struct partlog *l, int64_t pid, int16_t epoch, int32_t seq, int32_t count,
	int attributes)
{
	struct buf b = make_batch(count, 50, T0, pid, epoch, seq);
	struct append_result r;

	be16_put(b.data + 21, (uint16_t)attributes);
	batch_seal(b.data, b.len);
	r = append_buf(l, &b);
	buf_release(&b);
	return r;
}

/* Two records of a transaction; returns their first offset. */
static int64_t
send(struct partlog *l, int pid)
{
	struct append_result r = send_as(l, pid, 0, sequences[pid], 2,
		BATCH_TRANSACTIONAL);

	CHECK_INT(r.error, 0);
	sequences[pid] += 2;
	return r.base_offset;
}

static int16_t
end_as(struct partlog *l, int64_t pid, int16_t epoch, int32_t coordinator,
	bool commit, int64_t *offset)
{
	struct txn_marker m = { pid, epoch, coordinator, commit };
	struct append_result r;

	partlog_append_marker(l, &m, &r);
	CHECK(!r.error == !r.message);
	if (offset)
		*offset = r.base_offset;
	return r.error;
}

static int64_t
end(struct partlog *l, int64_t pid, bool commit)
{
	int64_t offset;

	CHECK_INT(end_as(l, pid, 0, 3, commit, &offset), 0);
	return offset;
}

static struct partlog *
begin(struct fixture *f, const struct log_config *c)
{
	struct partlog *l;

	fixture_init(f);
	memset(sequences, 0, sizeof(sequences));
	l = fixture_start(f, c);
	if (!CHECK(l))
		printf("# %s\n", f->e.msg);
	return l;
}

static struct partlog *
again(struct fixture *f, const struct log_config *c)
{
	struct partlog *l = fixture_start(f, c);

	if (!CHECK(l))
		printf("# %s\n", f->e.msg);
	return l;
}

/* "pid first-last, ..." of the transactions with records in [from, to). */
static const char *
aborted(struct partlog *l, int64_t from, int64_t to)
{
	static char text[4096];
	struct arena a = { 0 };
	struct aborted_txn *list;
	size_t at = 0;
	int n;

	text[0] = '\0';
	if (!CHECK_INT(partlog_aborted(l, from, to, &a, &list, &n), 0))
		return "error";
	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
			"%s%d %d-%d", i ? ", " : "", (int)list[i].producer_id,
			(int)list[i].first_offset, (int)list[i].last_offset);
	arena_release(&a);
	return text;
}

/* ---- markers ------------------------------------------------------------ */

static void
a_marker_is_what_kafka_writes(void)
{
	/* Kafka 4.3.1's, of producer 4711 in epoch 5, coordinator epoch 7. */
	static const uint8_t records[] = { 0x20, 0, 0, 0, 8, 0, 0, 0, 1,
		12, 0, 0, 0, 0, 0, 7, 0 };
	struct txn_marker m = { 4711, 5, 7, true }, got;
	struct batch_builder bb;
	struct batch b;

	marker_write(&m, T0, false, &bb);
	batch_decode(bb.out.data, &b);
	CHECK(batch_crc_ok(bb.out.data, &b));
	CHECK_INT(b.size, 78);
	CHECK_INT(b.attributes, BATCH_TRANSACTIONAL | BATCH_CONTROL);
	CHECK_INT(b.producer_id, 4711);
	CHECK_INT(b.producer_epoch, 5);
	CHECK_INT(b.base_sequence, -1);
	CHECK_INT(b.count, 1);
	CHECK_INT(b.base_timestamp, T0);
	CHECK_INT(b.max_timestamp, T0);
	CHECK(!memcmp(bb.out.data + BATCH_HEADER, records, sizeof(records)));
	CHECK(marker_read(bb.out.data, &b, &got));
	CHECK(got.commit);
	CHECK_INT(got.producer_id, 4711);
	CHECK_INT(got.producer_epoch, 5);
	CHECK_INT(got.coordinator_epoch, 7);
	/* Other control records, and none. */
	bb.out.data[BATCH_HEADER + 8] = 2;
	CHECK(!marker_read(bb.out.data, &b, &got));
	b.count = 0;
	CHECK(!marker_read(bb.out.data, &b, &got));
	buf_release(&bb.out);
}

static int
count_controls(void *arg, const struct log_record *r)
{
	int *n = arg;

	n[r->control ? 1 : 0]++;
	n[2] += r->transactional;
	CHECK_INT(r->producer_id, 1);
	return 0;
}

static void
a_scan_meets_records_and_markers(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);
	int n[3] = { 0 };

	send(l, 1);
	end(l, 1, true);
	CHECK_INT(send_as(l, 1, 0, 2, 3, 0).error, 0);
	CHECK_INT(partlog_scan(l, 0, count_controls, n, &f.e), 0);
	CHECK_INT(n[0], 5);
	CHECK_INT(n[1], 1);
	CHECK_INT(n[2], 3);
	fixture_release(&f);
}

static void
epochs_and_coordinators_only_rise(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);

	CHECK_INT(send_as(l, 1, 5, 0, 2, BATCH_TRANSACTIONAL).error, 0);
	CHECK_INT(partlog_txn_start(l, 1), 0);
	CHECK_INT(end_as(l, 1, 4, 3, true, NULL), KERR_INVALID_PRODUCER_EPOCH);
	CHECK_INT(end_as(l, 1, 5, 3, true, NULL), 0);
	CHECK_INT(partlog_txn_start(l, 1), -1);
	CHECK_INT(end_as(l, 1, 5, 2, true, NULL),
		KERR_TRANSACTION_COORDINATOR_FENCED);
	/* The same marker once more, and one of a producer that never wrote. */
	CHECK_INT(end_as(l, 1, 5, 3, true, NULL), 0);
	CHECK_INT(end_as(l, 2, 0, 0, false, NULL), 0);
	/* Our own is never fenced, and keeps what was the epoch. */
	CHECK_INT(end_as(l, 2, 0, 9, false, NULL), 0);
	CHECK_INT(end_as(l, 2, 0, MARKER_OURS, false, NULL), 0);
	CHECK_INT(end_as(l, 2, 0, 8, false, NULL),
		KERR_TRANSACTION_COORDINATOR_FENCED);
	/* The sequence goes on behind a marker of the same epoch. */
	CHECK_INT(send_as(l, 1, 5, 1, 2, BATCH_TRANSACTIONAL).error,
		KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(send_as(l, 1, 5, 2, 2, BATCH_TRANSACTIONAL).error, 0);
	CHECK_INT(partlog_txn_start(l, 1), 7);
	/* One of a higher epoch fences and starts over (KIP-890). */
	CHECK_INT(end_as(l, 1, 6, 3, false, NULL), 0);
	CHECK_INT(send_as(l, 1, 5, 4, 2, BATCH_TRANSACTIONAL).error,
		KERR_INVALID_PRODUCER_EPOCH);
	CHECK_INT(send_as(l, 1, 6, 4, 2, BATCH_TRANSACTIONAL).error,
		KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(send_as(l, 1, 6, 0, 2, BATCH_TRANSACTIONAL).error, 0);
	fixture_release(&f);
}

static void
a_batch_of_an_ended_transaction_is_no_duplicate(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);

	CHECK_INT(send_as(l, 1, 0, 0, 2, BATCH_TRANSACTIONAL).error, 0);
	CHECK(send_as(l, 1, 0, 0, 2, BATCH_TRANSACTIONAL).duplicate);
	end(l, 1, false);
	CHECK_INT(send_as(l, 1, 0, 0, 2, BATCH_TRANSACTIONAL).error,
		KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(send_as(l, 1, 0, 1, 1, BATCH_TRANSACTIONAL).error,
		KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	fixture_stop(&f);
	l = again(&f, &test_config);
	CHECK_INT(send_as(l, 1, 0, 0, 2, BATCH_TRANSACTIONAL).error,
		KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CHECK_INT(send_as(l, 1, 0, 2, 2, BATCH_TRANSACTIONAL).base_offset, 3);
	CHECK(send_as(l, 1, 0, 2, 2, BATCH_TRANSACTIONAL).duplicate);
	fixture_release(&f);
}

static void
a_transaction_takes_no_other_batches(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);

	send(l, 1);
	CHECK_INT(send_as(l, 1, 0, 2, 2, 0).error, KERR_INVALID_TXN_STATE);
	/* Sent once more it is known again. */
	CHECK(send_as(l, 1, 0, 0, 2, BATCH_TRANSACTIONAL).duplicate);
	CHECK_INT(send_as(l, 2, 0, 0, 2, 0).error, 0);
	CHECK_INT(append(l, 1, 10).error, 0);
	end(l, 1, true);
	CHECK_INT(send_as(l, 1, 0, 2, 2, 0).error, 0);
	fixture_release(&f);
}

static void
a_coordinator_opens_one_without_sequences(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);
	struct append_result r;

	for (int i = 0; i < 3; i++) {
		struct batch_builder bb;

		batch_begin(&bb);
		bb.attributes = BATCH_TRANSACTIONAL;
		bb.producer_id = 9;
		bb.producer_epoch = (int16_t)(i < 2 ? 1 : 0);
		batch_add(&bb, T0, slice_str("k"), slice_str("v"));
		batch_finish(&bb);
		partlog_append(l, bb.out.data, bb.out.len, APPEND_COORDINATOR, &r);
		CHECK_INT(r.error, i < 2 ? 0 : KERR_INVALID_PRODUCER_EPOCH);
		CHECK(!r.duplicate);
		CHECK_INT(r.base_offset, i < 2 ? i : -1);
		buf_release(&bb.out);
	}
	CHECK_INT(partlog_txn_start(l, 9), 0);
	CHECK_INT(partlog_last_stable(l), 0);
	CHECK_INT(end_as(l, 9, 1, 0, true, NULL), 0);
	CHECK_INT(partlog_txn_start(l, 9), -1);
	fixture_release(&f);
}

/* ---- the last stable offset ----------------------------------------------- */

struct counter {
	struct log_watch watch;
	int n;
};

static void
count_change(struct log_watch *w)
{
	container_of(w, struct counter, watch)->n++;
}

static void
the_oldest_open_transaction_holds_back(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);
	struct counter c = { .watch.changed = count_change };
	int before;

	append(l, 5, 10);
	CHECK_INT(send(l, 1), 5);
	CHECK_INT(send(l, 2), 7);
	CHECK_INT(send(l, 3), 9);
	CHECK_INT(partlog_last_stable(l), 0);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_high_watermark(l), 11);
	CHECK_INT(partlog_last_stable(l), 5);
	CHECK_INT(end(l, 2, true), 11);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_last_stable(l), 5);
	partlog_watch(l, &c.watch);
	/* The marker is not visible yet. */
	CHECK_INT(end(l, 1, false), 12);
	CHECK_INT(partlog_last_stable(l), 5);
	before = c.n;
	CHECK(fixture_settle(&f));
	CHECK(c.n > before);
	CHECK_INT(partlog_last_stable(l), 9);
	/* Begun again behind 3. */
	CHECK_INT(send(l, 1), 13);
	end(l, 3, true);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_last_stable(l), 13);
	end(l, 1, true);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_last_stable(l), partlog_end(l));
	partlog_unwatch(&c.watch);
	fixture_release(&f);
}

static void
without_a_commit_it_moves_at_once(void)
{
	struct fixture f;
	struct partlog *l;

	fixture_init(&f);
	f.o.fsync = FSYNC_NEVER;
	memset(sequences, 0, sizeof(sequences));
	l = again(&f, &test_config);
	send(l, 1);
	CHECK_INT(partlog_last_stable(l), 0);
	end(l, 1, false);
	CHECK_INT(partlog_last_stable(l), 3);
	CHECK_STR(aborted(l, 0, 3), "1 0-2");
	fixture_release(&f);
}

static void
deleted_records_leave_it_at_the_start(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);
	int64_t start;
	uint64_t commit;

	send(l, 1);
	append(l, 5, 10);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_delete_records(l, 4, &start, &commit), 0);
	CHECK_INT(partlog_last_stable(l), 4);
	CHECK_INT(partlog_txn_start(l, 1), 0);
	end(l, 1, false);
	CHECK(fixture_settle(&f));
	CHECK_INT(partlog_last_stable(l), 8);
	CHECK_STR(aborted(l, 4, 8), "1 0-7");
	fixture_release(&f);
}

static void
an_open_transaction_does_not_expire(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);

	send(l, 1);
	CHECK_INT(send_as(l, 2, 0, 0, 2, 0).error, 0);
	f.clock.fake_ms += 48 * 3600 * 1000LL;
	store_tick(f.s);
	CHECK_INT(partlog_txn_start(l, 1), 0);
	CHECK(!producers_find(&l->producers, 2));
	end(l, 1, true);
	f.clock.fake_ms += 48 * 3600 * 1000LL;
	store_tick(f.s);
	CHECK(!producers_find(&l->producers, 1));
	fixture_release(&f);
}

/* ---- the aborted ---------------------------------------------------------- */

/*
 * 20 transactions by turns of three producers, every other one aborted, in
 * segments of about three batches; a fourth stays open from the start on.
 */
static void
fill(struct partlog *l)
{
	send(l, 4);
	send(l, 1);
	for (int i = 0; i < 20; i++) {
		int pid = 1 + i % 3;

		send(l, 1 + (i + 1) % 3);
		send(l, pid);
		end(l, pid, i % 2);
	}
}

/* What a reader of the whole log, batch by batch, would know. */
static void
expect(struct partlog *l, int64_t from, int64_t to, char *text, size_t size)
{
	int64_t open[10], offset = partlog_start(l);
	struct aborted_txn list[64];
	int n = 0;
	size_t at = 0;

	memset(open, -1, sizeof(open));
	while (offset < partlog_end(l)) {
		struct wire_records r;
		struct txn_marker m;
		struct batch h;
		struct buf b;

		CHECK_INT(partlog_read(l, offset, partlog_end(l), 1, true, &r), 0);
		b = range_bytes(&r);
		batch_decode(b.data, &h);
		if (!(h.attributes & BATCH_CONTROL) && open[h.producer_id] < 0)
			open[h.producer_id] = h.base_offset;
		if (h.attributes & BATCH_CONTROL) {
			CHECK(marker_read(b.data, &h, &m));
			if (!m.commit && open[h.producer_id] >= 0)
				list[n++] = (struct aborted_txn){ h.producer_id,
					open[h.producer_id], h.base_offset };
			open[h.producer_id] = -1;
		}
		offset = h.base_offset + h.last_offset_delta + 1;
		buf_release(&b);
	}
	text[0] = '\0';
	/* By first offset: a producer has one at a time, so few are out of order. */
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++)
			if (list[k].first_offset < list[i].first_offset) {
				struct aborted_txn t = list[i];

				list[i] = list[k];
				list[k] = t;
			}
	for (int i = 0; i < n; i++)
		if (list[i].last_offset >= from && list[i].first_offset < to)
			at += (size_t)snprintf(text + at, size - at, "%s%d %d-%d",
				at ? ", " : "", (int)list[i].producer_id,
				(int)list[i].first_offset, (int)list[i].last_offset);
}

static void
check_filled(struct partlog *l)
{
	int64_t step = partlog_end(l) / 6;
	char want[4096];

	CHECK_INT(partlog_last_stable(l), 0);
	CHECK_INT(partlog_txn_start(l, 4), 0);
	for (int64_t from = 0; from < partlog_end(l); from += step)
		for (int64_t to = from + 1; to <= partlog_end(l); to += step) {
			expect(l, from, to, want, sizeof(want));
			CHECK_STR(aborted(l, from, to), want);
		}
	expect(l, 0, partlog_end(l), want, sizeof(want));
	CHECK(strlen(want) > 80);
}

static void
aborted_ranges_go_across_segments(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &small);

	fill(l);
	CHECK(l->segments_n > 10);
	CHECK(fixture_settle(&f));
	check_filled(l);
	fixture_release(&f);
}

/* Contents of a segment's .txnindex; empty when there is none. */
static struct buf
index_file(const struct fixture *f, int64_t base)
{
	struct buf b = BUF_INIT;
	char path[400];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/t-0/%020" PRId64 ".txnindex", f->dir, base);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return b;
	n = read(fd, buf_reserve(&b, 65536), 65536);
	b.len = n > 0 ? (size_t)n : 0;
	close(fd);
	return b;
}

static void
the_file_is_kafkas(void)
{
	static const uint8_t want[34] = { 0, 0,
		0, 0, 0, 0, 0, 0, 0, 1, /* producer */
		0, 0, 0, 0, 0, 0, 0, 2, /* first */
		0, 0, 0, 0, 0, 0, 0, 4, /* marker */
		0, 0, 0, 0, 0, 0, 0, 0, /* stable then: 4 is open */ };
	struct fixture f;
	struct partlog *l = begin(&f, &test_config);
	struct buf b;

	send(l, 4);
	send(l, 1);
	end(l, 1, false);
	send(l, 2);
	end(l, 2, true);
	fixture_stop(&f);
	b = index_file(&f, 0);
	CHECK_INT(b.len, 34);
	CHECK(b.len == 34 && !memcmp(b.data, want, 34));
	buf_release(&b);
	fixture_release(&f);
	/* Without an abort there is none. */
	l = begin(&f, &small);
	for (int i = 0; i < 9; i++) {
		send(l, 1);
		end(l, 1, true);
	}
	fixture_stop(&f);
	b = index_file(&f, 0);
	CHECK(!b.data);
	fixture_release(&f);
}

/* ---- restarts and losses -------------------------------------------------- */

static void
do_checkpoint(struct fixture *f)
{
	uint64_t done = f->s->checkpoints_done;

	CHECK(fixture_settle(f));
	for (int i = 0; i < 1000 && f->s->checkpoints_done == done; i++) {
		struct pollfd p = { f->wake, POLLIN, 0 };
		uint64_t n;

		f->clock.fake_ms += 6000;
		store_tick(f->s);
		store_poll(f->s);
		if (poll(&p, 1, 10) > 0)
			CHECK(read(f->wake, &n, sizeof(n)) > 0);
	}
	CHECK(f->s->checkpoints_done > done);
}

/* A child does the work and dies: 0 without, 1 with checkpoint, 2 = work goes on after it. */
static void
killed(struct fixture *f, int how)
{
	pid_t pid;
	int status;

	memset(sequences, 0, sizeof(sequences));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct partlog *l = again(f, &small);

		if (how == 2) {
			send(l, 4);
			send(l, 1);
			end(l, 1, false);
			send(l, 1);
			do_checkpoint(f);
			end(l, 1, false);
			end(l, 4, false);
		}
		fill(l);
		CHECK(fixture_settle(f));
		if (how == 1)
			do_checkpoint(f);
		fflush(stdout);
		_exit(tap_bad);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

/* Would a reader have the index made again? */
static bool
is_lost(struct partlog *l)
{
	if (partlog_list(l) < 0)
		return true;
	for (int i = 0; i < l->segments_n; i++)
		if (segment_load_aborted(l->segments[i]) < 0)
			return true;
	return l->aborted_lost;
}

static void
a_clean_end_keeps_all(void)
{
	struct fixture f;
	struct partlog *l = begin(&f, &small);

	fill(l);
	fixture_stop(&f);
	if ((l = again(&f, &small))) {
		CHECK(!is_lost(l));
		check_filled(l);
		end(l, 4, true);
		fixture_settle(&f);
		CHECK(partlog_last_stable(l) > 0);
	}
	fixture_release(&f);
}

static void
a_kill_keeps_all(void)
{
	for (int how = 0; how < 3; how++) {
		struct fixture f;
		struct partlog *l;
		char want[4096];

		fixture_init(&f);
		killed(&f, how);
		for (int round = 0; round < 2; round++) {
			if (!(l = again(&f, &small)))
				break;
			CHECK(!is_lost(l));
			if (how < 2) {
				check_filled(l);
			} else {
				expect(l, 0, partlog_end(l), want, sizeof(want));
				CHECK_STR(aborted(l, 0, partlog_end(l)), want);
			}
			fixture_stop(&f);
		}
		fixture_release(&f);
	}
}

/* A crash may leave entries of markers that were never acknowledged. */
static void
what_an_earlier_life_left_goes(void)
{
	/* None, one that is not in the file yet, and one that is. */
	for (int aborts = 0; aborts < 3; aborts++) {
		struct fixture f;
		struct partlog *l = begin(&f, &small);
		uint8_t junk[5 * ABORTED_ENTRY] = { 0 };
		char path[400];
		struct buf b;
		int fd;

		snprintf(path, sizeof(path), "%s/t-0/%020d.txnindex", f.dir, 0);
		send(l, 1);
		if (aborts)
			end(l, 1, false);
		if (aborts == 2)
			do_checkpoint(&f);
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		CHECK_INT(write(fd, junk, sizeof(junk)), sizeof(junk));
		close(fd);
		while (l->segments_n < 2)
			append(l, 1, 100);
		b = index_file(&f, 0);
		CHECK_INT(b.len, aborts ? ABORTED_ENTRY : 0);
		CHECK(!aborts || b.data[9] == 1);
		buf_release(&b);
		fixture_release(&f);
	}
}

enum loss { LOSE_FILE, CUT_FILE, FLIP_BIT, LOSE_ALL, LOSSES };

static void
lose(const struct fixture *f, enum loss how, int64_t base)
{
	char path[400];
	uint8_t c;
	int fd;

	snprintf(path, sizeof(path), "%s/t-0/%020" PRId64 ".txnindex", f->dir, base);
	if (how == LOSE_FILE || how == LOSE_ALL) {
		unlink(path);
		return;
	}
	fd = open(path, O_RDWR);
	if (!CHECK(fd >= 0))
		return;
	if (how == CUT_FILE) {
		CHECK_INT(ftruncate(fd, 20), 0);
	} else if (CHECK_INT(pread(fd, &c, 1, 17), 1)) {
		c ^= 4;
		CHECK_INT(pwrite(fd, &c, 1, 17), 1);
	}
	close(fd);
}

static void
a_lost_or_damaged_index_is_made_again(void)
{
	for (int how = 0; how < LOSSES; how++)
		for (int active = 0; active < 2; active++) {
			struct fixture f;
			struct partlog *l = begin(&f, &small);
			struct segment *g = NULL;
			struct buf before, after;
			int64_t base;
			int aborts = 0;

			fill(l);
			/* An abort for the active segment. */
			send(l, 1);
			end(l, 1, false);
			for (int i = 0; i < l->segments_n - !active; i++)
				if (l->segments[i]->aborted.n && (active || !g))
					g = l->segments[i];
			if (!CHECK(g) || !CHECK((g == partlog_active(l)) == active))
				return;
			base = g->base;
			for (int i = 0; i < l->segments_n; i++)
				aborts += l->segments[i]->aborted.n != 0;
			CHECK(aborts > 3);
			fixture_stop(&f);
			before = index_file(&f, base);
			CHECK(before.len > 0);
			lose(&f, how, base);
			for (int64_t i = 0; how == LOSE_ALL && i < 100; i++)
				lose(&f, how, i);
			if (!(l = again(&f, &small)))
				return;
			check_filled(l);
			fixture_stop(&f);
			after = index_file(&f, base);
			CHECK(before.len == after.len &&
				!memcmp(before.data, after.data, before.len));
			buf_release(&before);
			buf_release(&after);
			/* And it lasts. */
			if ((l = again(&f, &small))) {
				CHECK(!is_lost(l));
				check_filled(l);
			}
			fixture_release(&f);
		}
}

static void
retention_takes_the_index_along(void)
{
	struct fixture f;
	struct log_config c = small;
	struct partlog *l = begin(&f, &small);
	struct buf b;
	int64_t base = -1;
	char want[4096];

	fill(l);
	for (int i = 0; base < 0; i++)
		if (l->segments[i]->aborted.n)
			base = l->segments[i]->base;
	do_checkpoint(&f);
	b = index_file(&f, base);
	CHECK(b.len > 0);
	buf_release(&b);
	c.retention_bytes = 3000;
	partlog_set_config(l, &c);
	do_checkpoint(&f);
	CHECK(partlog_start(l) > base);
	CHECK_INT(partlog_last_stable(l), partlog_start(l));
	fixture_stop(&f);
	b = index_file(&f, base);
	CHECK(!b.data);
	if ((l = again(&f, &c))) {
		CHECK_INT(partlog_last_stable(l), partlog_start(l));
		CHECK(!is_lost(l));
		/* Those from before the start are known still. */
		expect(l, partlog_start(l), partlog_end(l), want, sizeof(want));
		CHECK(strlen(aborted(l, partlog_start(l), partlog_end(l))) >=
			strlen(want));
	}
	fixture_release(&f);
}

int
main(void)
{
	RUN(a_marker_is_what_kafka_writes);
	RUN(a_scan_meets_records_and_markers);
	RUN(epochs_and_coordinators_only_rise);
	RUN(a_batch_of_an_ended_transaction_is_no_duplicate);
	RUN(a_transaction_takes_no_other_batches);
	RUN(a_coordinator_opens_one_without_sequences);
	RUN(the_oldest_open_transaction_holds_back);
	RUN(without_a_commit_it_moves_at_once);
	RUN(deleted_records_leave_it_at_the_start);
	RUN(an_open_transaction_does_not_expire);
	RUN(aborted_ranges_go_across_segments);
	RUN(the_file_is_kafkas);
	RUN(a_clean_end_keeps_all);
	RUN(a_kill_keeps_all);
	RUN(what_an_earlier_life_left_goes);
	RUN(a_lost_or_damaged_index_is_made_again);
	RUN(retention_takes_the_index_along);
	return tap_done();
}
