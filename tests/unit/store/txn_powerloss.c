/*
 * Power cuts at every point of a run full of transactions, over rolls,
 * checkpoints and deleted records: after each, the log knows of its
 * transactions exactly what its batches say.
 */
#include "store/state.h"
#include "fixture.h"
#include "simfs.h"

enum { LOGS = 2, PRODUCERS = 5, MAX_EVENTS = 4096, MAX_MARKS = 1024 };

enum kind { PLAIN, DATA, COMMIT, ABORT };

/* What was appended, in order; pid is the producer's number. */
struct event {
	int log, pid;
	enum kind kind;
	int64_t base, end;
};

static struct event events[MAX_EVENTS];
static int events_n;
static struct { size_t op; int64_t end[LOGS]; } marks[MAX_MARKS];
static int marks_n;

static const struct log_config small = {
	.segment_bytes = 2500, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 512,
	.max_message_bytes = 2500, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* What is known of transactions once everything up to `end` is in a log. */
struct model {
	int64_t open[PRODUCERS]; /* first offset, -1 = none */
	struct aborted_txn aborted[512];
	int aborted_n;
};

static void
model_of(int log, int64_t end, struct model *m)
{
	memset(m->open, -1, sizeof(m->open));
	m->aborted_n = 0;
	for (int i = 0; i < events_n && m->aborted_n < 512; i++) {
		const struct event *e = &events[i];

		if (e->log != log || e->end > end || e->kind == PLAIN)
			continue;
		if (e->kind == DATA) {
			if (m->open[e->pid] < 0)
				m->open[e->pid] = e->base;
			continue;
		}
		if (e->kind == ABORT && m->open[e->pid] >= 0)
			m->aborted[m->aborted_n++] = (struct aborted_txn){
				e->pid, m->open[e->pid], e->base };
		m->open[e->pid] = -1;
	}
}

static void
note(int log, int pid, enum kind kind, const struct append_result *r, int count)
{
	if (CHECK_INT(r->error, 0) && CHECK(events_n < MAX_EVENTS))
		events[events_n++] = (struct event){ log, pid, kind,
			r->base_offset, r->base_offset + count };
}

static void
write_something(struct partlog *l, int log, uint32_t *rnd, int32_t *seq)
{
	int pid = (int)(sim_random(rnd) % PRODUCERS);
	int32_t count = 1 + (int32_t)(sim_random(rnd) % 3);
	struct txn_marker m = { pid, 0, 1, sim_random(rnd) % 2 };
	struct append_result r;
	struct buf b;

	if (sim_random(rnd) % 6 == 0) {
		r = append(l, count, 30);
		note(log, pid, PLAIN, &r, count);
		return;
	}
	if (partlog_txn_start(l, pid) >= 0 && sim_random(rnd) % 2) {
		partlog_append_marker(l, &m, &r);
		note(log, pid, m.commit ? COMMIT : ABORT, &r, 1);
		return;
	}
	b = make_batch(count, 40, T0, pid, 0, seq[pid]);
	be16_put(b.data + 21, BATCH_TRANSACTIONAL);
	batch_seal(b.data, b.len);
	r = append_buf(l, &b);
	note(log, pid, DATA, &r, count);
	seq[pid] += count;
	buf_release(&b);
}

static void
acknowledge(struct fixture *f, struct simfs *sim, struct partlog *const l[LOGS])
{
	CHECK(fixture_settle(f));
	pthread_mutex_lock(&sim->lock);
	marks[marks_n].op = sim->ops_n;
	pthread_mutex_unlock(&sim->lock);
	for (int i = 0; i < LOGS; i++)
		marks[marks_n].end[i] = partlog_high_watermark(l[i]);
	marks_n++;
}

static void
run_load(struct fixture *f, struct simfs *sim)
{
	int32_t seq[LOGS][PRODUCERS] = { { 0 } };
	struct partlog *l[LOGS];
	uint64_t commit;
	uint32_t rnd = 1;
	int64_t start;

	for (int i = 0; i < LOGS; i++)
		if (!CHECK(l[i] = fixture_attach(f, "t", i + 1, i, &small)))
			return;
	if (!CHECK(!store_start(f->s, &f->e)))
		return;
	acknowledge(f, sim, l);
	for (int turn = 0; turn < 250; turn++) {
		for (uint32_t k = sim_random(&rnd) % 4; k-- > 0; ) {
			int i = (int)(sim_random(&rnd) % LOGS);

			write_something(l[i], i, &rnd, seq[i]);
		}
		if (turn % 50 == 35) {
			start = partlog_high_watermark(l[0]) / 2;
			partlog_delete_records(l[0], start, &start, &commit);
		}
		if (turn % 19 == 18) {
			f->clock.fake_ms += 6000;
			store_tick(f->s);
		}
		if (turn % 3)
			acknowledge(f, sim, l);
		else
			store_flush(f->s);
	}
	acknowledge(f, sim, l);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * Where the log start has passed the first record of a transaction, and its
 * index had to be made again, it begins at the log start: to readers that is
 * the same.
 */
static bool
check_aborted(struct partlog *l, const struct model *m, int64_t from, int64_t to)
{
	int64_t start = partlog_start(l), sum = 0, want_sum = 0;
	struct arena a = { 0 };
	struct aborted_txn *list;
	int n, want = 0;
	bool ok = CHECK_INT(partlog_aborted(l, from, to, &a, &list, &n), 0);

	for (int i = 0; i < n; i++)
		sum += list[i].producer_id + 10 * list[i].last_offset +
			7 * later(list[i].first_offset, start);
	for (int i = 0; i < m->aborted_n; i++) {
		const struct aborted_txn *t = &m->aborted[i];

		if (t->last_offset < from || t->first_offset >= to)
			continue;
		want_sum += t->producer_id + 10 * t->last_offset +
			7 * later(t->first_offset, start);
		want++;
	}
	ok &= CHECK_INT(n, want) && CHECK_INT(sum, want_sum);
	arena_release(&a);
	return ok;
}

static bool
check_log(struct partlog *l, int log)
{
	int64_t start = partlog_start(l), end = partlog_end(l), stable = end;
	struct model m;
	bool ok = true;

	model_of(log, end, &m);
	for (int pid = 0; pid < PRODUCERS; pid++) {
		ok &= CHECK_INT(partlog_txn_start(l, pid), m.open[pid]);
		if (m.open[pid] >= 0 && later(m.open[pid], start) < stable)
			stable = later(m.open[pid], start);
	}
	ok &= CHECK_INT(partlog_last_stable(l), stable);
	ok &= check_aborted(l, &m, start, end);
	ok &= check_aborted(l, &m, start + (end - start) / 3, end);
	ok &= check_aborted(l, &m, start, start + (end - start) / 3 + 1);
	return ok;
}

/* Recovers, looks, and again after a clean end. */
static bool
check_disk(const char *dir, const int64_t acked[LOGS])
{
	static struct fs fast;
	struct partlog *l[LOGS];
	struct fixture f;
	bool ok = true;

	fast = fast_fs();
	fixture_init(&f);
	f.o.dir = dir;
	f.o.fs = &fast;
	f.o.wal_bytes = 64 << 10;
	for (int round = 0; ok && round < 2; round++) {
		ok = CHECK_INT(fixture_open(&f), 0);
		for (int i = 0; ok && i < LOGS; i++)
			if ((ok = CHECK(l[i] = fixture_attach(&f, "t", i + 1, i, &small))))
				ok = CHECK(partlog_last_stable(l[i]) <=
						partlog_high_watermark(l[i])) &&
					CHECK(partlog_high_watermark(l[i]) <=
						partlog_end(l[i])) &&
					CHECK(partlog_end(l[i]) >= acked[i]);
		ok = ok && CHECK_INT(store_start(f.s, &f.e), 0) &&
			CHECK(fixture_settle(&f));
		for (int i = 0; ok && i < LOGS; i++)
			ok = check_log(l[i], i);
		if (!ok)
			printf("# round %d: %s\n# %s\n", round, f.e.msg, f.reports);
		fixture_stop(&f);
	}
	fixture_release(&f);
	return ok;
}

static void
cuts_keep_transactions(enum sim_fate fate, uint32_t seed, int cuts)
{
	struct fixture f;
	struct simfs sim;
	char cut[300];

	events_n = marks_n = 0;
	fixture_init(&f);
	simfs_init(&sim, f.dir, true);
	f.o.fs = &sim.fs;
	f.o.wal_bytes = 64 << 10;
	if (CHECK_INT(fixture_open(&f), 0))
		run_load(&f, &sim);
	fixture_stop(&f);
	snprintf(cut, sizeof(cut), "%s.cut", f.dir);
	for (int i = 0, k = 0; i < cuts; i++) {
		size_t op = marks[0].op + (sim.ops_n - marks[0].op) *
			(size_t)i / (size_t)cuts;

		while (k + 1 < marks_n && marks[k + 1].op <= op)
			k++;
		sim_cut(&sim, op, fate, seed + (uint32_t)i, cut);
		if (!check_disk(cut, marks[k].end)) {
			printf("# cut at operation %zu of %zu\n", op, sim.ops_n);
			i = cuts;
		}
		nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	}
	simfs_release(&sim);
	fixture_release(&f);
}

static void
cuts_that_lose_all_that_was_not_synced(void)
{
	cuts_keep_transactions(SIM_LOSE, 1, 80);
}

static void
cuts_that_keep_all(void)
{
	cuts_keep_transactions(SIM_KEEP, 2, 30);
}

static void
cuts_that_tear_what_was_not_synced(void)
{
	cuts_keep_transactions(SIM_MIX, 3, 120);
}

int
main(void)
{
	RUN(cuts_that_lose_all_that_was_not_synced);
	RUN(cuts_that_keep_all);
	RUN(cuts_that_tear_what_was_not_synced);
	return tap_done();
}
