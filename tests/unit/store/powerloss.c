/*
 * Power cuts at every point of a run that does all that a store does: small
 * and large batches, rolls, idempotent producers, deleted records, deleted
 * topics, checkpoints, a write-ahead log that goes round. What was
 * acknowledged must be there, whole, once.
 */
#include "fixture.h"
#include "simfs.h"

enum { LOGS = 4, MAX_BATCHES = 4096, MAX_MARKS = 4096 };

/* One batch that was appended, and one log at a moment. */
struct sent {
	int log;
	int64_t base, end;
	uint32_t crc;
	int32_t seq;
};

struct mark {
	size_t op;              /* operations done by then */
	int sent_n;             /* batches that were acknowledged */
	int64_t start[LOGS];    /* log starts that were */
	bool exists[LOGS];
};

static struct sent sent[MAX_BATCHES];
static int sent_n;
static struct mark marks[MAX_MARKS];
static int marks_n;
static int64_t asked_start[LOGS];
static int64_t deleted_at; /* offset of log 2's deletion in the metadata log, -1 = none */

static const struct log_config small = {
	.segment_bytes = 20000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 512,
	.max_message_bytes = 15000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* Commits so large that they go past the write-ahead log, or in pieces. */
static const struct log_config roomy = {
	.segment_bytes = 600 << 10, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 4096,
	.max_message_bytes = 600 << 10, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

static struct {
	const struct log_config *config;
	int64_t wal_bytes;
	size_t unit; /* bytes of records, and how many batches a turn, are as many times more */
	int batches;
} load;

static const char *const topics[LOGS] = { "a", "b", "c", "c" };

static struct partlog *
attach_log(struct fixture *f, int i)
{
	return fixture_attach(f, topics[i], i + 1, 0, load.config);
}

static void
send(struct partlog *l, int log, int32_t count, size_t size, int32_t *seq)
{
	struct buf b = make_batch(count, size, T0, *seq < 0 ? -1 : 100 + log,
		*seq < 0 ? -1 : 0, *seq);
	struct append_result r = append_buf(l, &b);
	struct batch h;

	batch_decode(b.data, &h);
	if (CHECK_INT(r.error, 0))
		sent[sent_n++] = (struct sent){ log, r.base_offset,
			r.base_offset + count, h.crc, *seq };
	if (*seq >= 0)
		*seq += count;
	buf_release(&b);
}

/* Something small in the metadata log, as every change of topics is. */
static struct append_result
change_topics(struct fixture *f)
{
	struct buf b = make_batch(1, 1, T0, -1, -1, -1);
	struct append_result r;

	partlog_append(store_metadata(f->s), b.data, b.len, APPEND_COORDINATOR, &r);
	buf_release(&b);
	return r;
}

/* A deletion may be on disk although the power went before it was acknowledged. */
static bool
is_there(struct fixture *f, const struct mark *m, int i)
{
	return m->exists[i] && (i != 2 || deleted_at < 0 ||
		partlog_end(store_metadata(f->s)) <= deleted_at);
}

static void
acknowledge(struct fixture *f, struct simfs *sim, struct partlog *const l[LOGS])
{
	struct mark *m = &marks[marks_n++];

	CHECK(fixture_wait(f, change_topics(f).commit));
	pthread_mutex_lock(&sim->lock);
	m->op = sim->ops_n;
	pthread_mutex_unlock(&sim->lock);
	m->sent_n = sent_n;
	for (int i = 0; i < LOGS; i++) {
		m->exists[i] = l[i];
		m->start[i] = l[i] ? partlog_start(l[i]) : 0;
	}
}

/* After a cut nobody knows the sequence numbers: then there are none. */
static void
run_load(struct fixture *f, struct simfs *sim, int turns, const struct mark *after)
{
	struct partlog *l[LOGS] = { NULL };
	int32_t seq[LOGS] = { 0 };
	uint64_t commit;
	uint32_t rnd = 1;
	int64_t start;

	for (int i = 0; i < LOGS; i++) {
		if (after ? is_there(f, after, i) : i < 3)
			CHECK(l[i] = attach_log(f, i));
		if (after)
			seq[i] = -1;
	}
	for (int i = 0; i < LOGS && after; i++)
		marks[0].exists[i] = l[i]; /* now it is decided */
	if (after)
		deleted_at = -1;
	if (!CHECK(!store_start(f->s, &f->e) && fixture_settle(f)))
		return;
	for (int turn = 0; turn < turns; turn++) {
		int n = load.batches * (1 + (int)(sim_random(&rnd) % 4));

		for (int k = 0; k < n; k++) {
			int i = (int)(sim_random(&rnd) % LOGS);
			bool large = sim_random(&rnd) % 8 == 0;

			if (l[i])
				send(l[i], i, 1 + (int32_t)(sim_random(&rnd) % 5),
					load.unit * (large ? 2500 :
						20 + sim_random(&rnd) % 200),
					&seq[i]);
		}
		if (turn % 40 == 30) {
			start = partlog_high_watermark(l[0]) / 2;
			if (start > asked_start[0])
				asked_start[0] = start;
			partlog_delete_records(l[0], start, &start, &commit);
		}
		if (turn % 23 == 22) {
			f->clock.fake_ms += 6000;
			store_tick(f->s);
		}
		if (turn == turns / 2 && !after) {
			/* The name goes, and comes back as another topic. */
			deleted_at = change_topics(f).base_offset;
			store_detach(f->s, l[2]);
			l[2] = NULL;
			acknowledge(f, sim, l);
			l[3] = attach_log(f, 3);
		}
		if (turn % 3)
			acknowledge(f, sim, l);
		else
			store_flush(f->s);
	}
	acknowledge(f, sim, l);
}

static const struct mark *
mark_before(size_t op)
{
	const struct mark *m = NULL;

	for (int i = 0; i < marks_n && marks[i].op <= op; i++)
		m = &marks[i];
	return m;
}

/* Are the batches that were acknowledged there, unchanged? */
static bool
has_sent(struct partlog *l, const struct sent *x)
{
	struct wire_records r;
	struct batch h;
	struct buf b;
	bool ok;

	if (x->base < partlog_start(l))
		return true;
	if (partlog_read(l, x->base, partlog_high_watermark(l), 1, true, &r) || !r.len)
		return false;
	b = range_bytes(&r);
	batch_decode(b.data, &h);
	ok = h.crc == x->crc && h.base_offset == x->base && batch_crc_ok(b.data, &h);
	buf_release(&b);
	return ok;
}

static bool
check_log(struct partlog *l, int i, const struct mark *m)
{
	int newest = -1;
	bool ok = true;

	for (int k = 0; k < m->sent_n; k++)
		if (sent[k].log == i) {
			ok &= CHECK(has_sent(l, &sent[k]));
			newest = k;
		}
	ok &= CHECK(verify_log(l, partlog_end(l)) ==
		partlog_end(l) - partlog_start(l));
	ok &= CHECK(partlog_high_watermark(l) == partlog_end(l));
	ok &= CHECK(partlog_start(l) >= m->start[i]);
	ok &= CHECK(partlog_start(l) <= asked_start[i]);
	/* The producer sends its last batch again. */
	if (newest >= 0 && sent[newest].seq >= 0 &&
	    sent[newest].end == partlog_end(l)) {
		struct buf b = make_batch((int32_t)(sent[newest].end - sent[newest].base),
			1, T0, 100 + i, 0, sent[newest].seq);
		struct append_result r = append_buf(l, &b);

		ok &= CHECK(r.duplicate) && CHECK_INT(r.base_offset, sent[newest].base);
		buf_release(&b);
	}
	return ok;
}

/* Recovers the directory and looks; then writes, ends cleanly, and looks again. */
static bool
check_disk(const char *dir, const struct mark *m, bool again)
{
	static struct fs fast;
	struct partlog *l[LOGS] = { NULL };
	struct append_result r = { 0 };
	struct fixture f;
	int64_t ends[LOGS] = { 0 };
	bool ok = true;

	fast = fast_fs();
	fixture_init(&f);
	f.o.dir = dir;
	f.o.fs = &fast;
	f.o.wal_bytes = load.wal_bytes;
	for (int round = 0; round < (again ? 2 : 1); round++) {
		ok &= CHECK_INT(fixture_open(&f), 0);
		for (int i = 0; ok && i < LOGS; i++)
			if (round ? l[i] != NULL : is_there(&f, m, i))
				ok &= CHECK(l[i] = attach_log(&f, i));
		ok = ok && CHECK_INT(store_start(f.s, &f.e), 0) &&
			CHECK(fixture_settle(&f));
		for (int i = 0; ok && i < LOGS; i++) {
			if (!l[i])
				continue;
			ok &= check_log(l[i], i, m);
			if (round)
				ok &= CHECK_INT(partlog_end(l[i]), ends[i]);
			r = append(l[i], 2, 50);
			ok &= CHECK_INT(r.error, 0);
			ends[i] = partlog_end(l[i]);
		}
		ok = ok && CHECK(fixture_wait(&f, r.commit));
		if (!ok)
			printf("# round %d: %s\n# %s\n", round, f.e.msg, f.reports);
		fixture_stop(&f);
	}
	fixture_release(&f);
	return ok;
}

static void
set_load(bool is_large)
{
	load.config = is_large ? &roomy : &small;
	load.wal_bytes = is_large ? 24 << 20 : 64 << 10;
	load.unit = is_large ? 40 : 1;
	load.batches = is_large ? 5 : 1;
}

static void
forget_run(void)
{
	sent_n = marks_n = 0;
	deleted_at = -1;
	memset(asked_start, 0, sizeof(asked_start));
}

static void
cuts_lose_nothing(enum sim_fate fate, uint32_t seed, int turns, int cuts)
{
	struct fixture f;
	struct simfs sim;
	char cut[300];

	forget_run();
	fixture_init(&f);
	simfs_init(&sim, f.dir, true);
	f.o.fs = &sim.fs;
	f.o.wal_bytes = load.wal_bytes;
	if (CHECK_INT(fixture_open(&f), 0))
		run_load(&f, &sim, turns, NULL);
	fixture_stop(&f);
	snprintf(cut, sizeof(cut), "%s.cut", f.dir);
	for (int i = 0; i < cuts; i++) {
		size_t op = marks[0].op + (sim.ops_n - marks[0].op) *
			(size_t)i / (size_t)cuts;

		sim_cut(&sim, op, fate, seed + (uint32_t)i, cut);
		if (!check_disk(cut, mark_before(op), i % 4 == 0)) {
			printf("# cut at operation %zu of %zu\n", op, sim.ops_n);
			i = cuts;
		}
		nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	}
	simfs_release(&sim);
	fixture_release(&f);
}

/*
 * The machine dies, starts, and dies again: while it recovers, or when it
 * had gone on for a while.
 */
static void
cuts_after_cuts_lose_nothing(void)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct simfs first, second;
		struct fixture f, g;
		struct mark m;
		char cut[300];
		size_t op;

		forget_run();
		fixture_init(&f);
		simfs_init(&first, f.dir, true);
		f.o.fs = &first.fs;
		f.o.wal_bytes = load.wal_bytes;
		if (CHECK_INT(fixture_open(&f), 0))
			run_load(&f, &first, 60, NULL);
		fixture_stop(&f);
		op = marks[0].op + (first.ops_n - marks[0].op) * seed / 61;
		m = *mark_before(op);

		fixture_init(&g);
		sim_cut(&first, op, SIM_MIX, seed, g.dir);
		simfs_init(&second, g.dir, true);
		sim_load(&second, g.dir);
		g.o.fs = &second.fs;
		g.o.wal_bytes = load.wal_bytes;
		/* Of the first run only what was acknowledged counts on. */
		sent_n = m.sent_n;
		marks[0] = m;
		marks[0].op = op = second.ops_n;
		marks_n = 1;
		if (CHECK_INT(fixture_open(&g), 0))
			run_load(&g, &second, 15, &m);
		fixture_stop(&g);
		snprintf(cut, sizeof(cut), "%s.cut", g.dir);
		for (uint32_t i = 0; i < 12; i++) {
			size_t at = op + (second.ops_n - op) * i / 12;

			sim_cut(&second, at, i % 3 ? SIM_MIX : SIM_LOSE, i, cut);
			if (!check_disk(cut, mark_before(at), false))
				i = 12;
			nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
		}
		simfs_release(&first);
		simfs_release(&second);
		fixture_release(&f);
		fixture_release(&g);
	}
}

static void
cuts_that_lose_all_that_was_not_synced(void)
{
	cuts_lose_nothing(SIM_LOSE, 1, 200, 100);
}

static void
cuts_that_keep_all(void)
{
	cuts_lose_nothing(SIM_KEEP, 2, 200, 40);
}

static void
cuts_that_tear_what_was_not_synced(void)
{
	cuts_lose_nothing(SIM_MIX, 3, 200, 140);
}

static void
cuts_among_large_commits(void)
{
	set_load(true);
	cuts_lose_nothing(SIM_LOSE, 4, 30, 20);
	cuts_lose_nothing(SIM_MIX, 5, 30, 20);
	set_load(false);
}

/* The appends of one commit, in this order: log and bytes. */
static const struct { int log; size_t size; } mixture[] = {
	/* 0 is put together from pieces until it is worth a sync of its own,
	 * goes on in a second segment, and is small there. */
	{ 0, 100000 }, { 1, 3000 }, { 0, 100000 }, { 1, 100 }, { 0, 70000 },
	{ 0, 100 }, { 1, 10 }, { 0, 340000 }, { 1, 200 }, { 0, 5000 }, { 0, 300 },
	/* 2 fills the stage, segment by segment, until there is only room for
	 * what comes behind something that found none. */
	{ 2, 200000 }, { 2, 200000 }, { 2, 200000 }, { 2, 200000 }, { 2, 200000 },
	{ 1, 100 }, { 2, 200000 }, { 2, 200000 }, { 2, 200000 }, { 2, 200000 },
	{ 2, 200000 }, { 2, 5000 }, { 2, 5000 }, { 2, 200000 }, { 2, 5000 },
	{ 2, 100 }, { 1, 100 }, { 2, 100 }, { 0, 100 }, { 1, 2000 }, { 0, 100 },
};

/* Of what was appended to it while the disk was busy, nothing is lost either. */
static void
a_commit_of_all_sizes_is_whole(void)
{
	struct partlog *l[LOGS] = { NULL };
	struct log_config tight = roomy;
	int32_t seq[LOGS] = { 0 };
	struct fixture f;
	struct simfs sim;
	char cut[300];

	set_load(true);
	load.wal_bytes = 128 << 20; /* it has to fit */
	forget_run();
	fixture_init(&f);
	simfs_init(&sim, f.dir, true);
	f.o.fs = &sim.fs;
	f.o.wal_bytes = load.wal_bytes;
	CHECK_INT(fixture_open(&f), 0);
	for (int i = 0; i < 2; i++)
		CHECK(l[i] = attach_log(&f, i));
	tight.segment_bytes = 240000;
	CHECK(l[2] = fixture_attach(&f, topics[2], 3, 0, &tight));
	CHECK(!store_start(f.s, &f.e) && fixture_settle(&f));
	acknowledge(&f, &sim, l);
	sim.held = true;
	send(l[1], 1, 1, 10, &seq[1]);
	store_flush(f.s);
	while (!sim.waiting)
		poll(NULL, 0, 1);
	for (size_t i = 0; i < sizeof(mixture) / sizeof(*mixture); i++)
		send(l[mixture[i].log], mixture[i].log, 1, mixture[i].size,
			&seq[mixture[i].log]);
	sim.held = false;
	acknowledge(&f, &sim, l);
	fixture_stop(&f);
	snprintf(cut, sizeof(cut), "%s.cut", f.dir);
	sim_cut(&sim, marks[1].op, SIM_LOSE, 1, cut);
	check_disk(cut, &marks[1], true);
	nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	simfs_release(&sim);
	fixture_release(&f);
	set_load(false);
}

int
main(void)
{
	set_load(false);
	RUN(cuts_that_lose_all_that_was_not_synced);
	RUN(cuts_that_keep_all);
	RUN(cuts_that_tear_what_was_not_synced);
	RUN(cuts_after_cuts_lose_nothing);
	RUN(cuts_among_large_commits);
	RUN(a_commit_of_all_sizes_is_whole);
	return tap_done();
}
