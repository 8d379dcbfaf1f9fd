/*
 * A data directory through several lives. Each ends in one of these ways, at
 * a random moment, the start included:
 *	a power cut		what was not synced is lost, torn, or there
 *	a kill			what the kernel had is there, on disk or not
 *	a sync that fails	and a kill after it: the next start suspects all
 *	an end in order
 * In between it does all that a store does: appends small and large (direct
 * mode, bursts), of idempotent producers and of transactions, rolls, records
 * and topics deleted, topics made again under the old name, compaction,
 * checkpoints; in a write-ahead log that is far too small, and of another
 * size in the next life; under every policy of fsync; on a disk that is full
 * for a while. Threads are held up by chance. Every life's disk is looked at
 * as a power cut would have left it at a few moments more.
 *
 * Of every disk, after recovery, and again after a clean end and another
 * start:
 *	what was acknowledged is there, at its offset, byte for byte
 *	no offset is there twice, every checksum fits, nothing else is there
 *	a producer's batches follow each other
 *	log start <= last stable offset <= high watermark = log end
 *	an acknowledged log start holds, and is not above what was asked for
 *	a batch sent again is recognised, a gap in the sequence refused
 *	last stable offset and aborted transactions are what the log's own
 *	markers say
 *	of every key of the compacted log the newest value is there
 *
 * KC_TORTURE is the number of chains (default 12), KC_TORTURE_SEED where to
 * begin; a chain that fails names its seed. Threads make two runs of a seed
 * differ: KC_TORTURE_TRACE=DIR prints what was done to the disk, and writes it
 * to DIR as it was when the power went.
 */
#include <inttypes.h>

#include "fixture.h"
#include "simfs.h"
#include "store/state.h"
#include "torture.h"

enum { TURNS = 120, CUTS = 2, PROBES = 2, PATIENCE = 200 };

/* How a life ends. */
enum end { END_CUT, END_KILL, END_ORDER };

/* The disk that a life is on. */
struct world {
	char base[32];
	int disks;
	char dir[64];
	struct simfs sim;
	size_t from; /* operations that were done before this life */
};

/* ---- the load ------------------------------------------------------------- */

static void
send_one(struct model *m, struct life *x, int slot)
{
	uint32_t z = model_random(m, 10);
	size_t size = z == 0 ? 2500 : z < 5 ? 100 : 20 + model_random(m, 300);
	int32_t count = z < 5 ? 1 : 1 + (int32_t)model_random(m, 4);
	struct append_result r;
	struct sent b;

	if (!x->log[slot])
		return;
	if (slot == SLOT_KEYED) {
		model_send_keyed(m, x->log[slot], x->topic[slot]);
		return;
	}
	if (slot == SLOT_LARGE && z < 4) {
		size = 3000 + model_random(m, 12000);
		count = 1 + (int32_t)model_random(m, 2);
	}
	b = (struct sent){ .topic = x->topic[slot], .producer = -1, .serial = ++m->serial,
		.count = count, .size = size };
	if (slot != SLOT_PLAIN) {
		b.producer = 100 * (m->life + 1) + slot;
		b.sequence = x->sequence[slot];
		b.transactional = slot == SLOT_TXN;
	}
	r = model_send(m, x->log[slot], &b);
	if (r.error == KERR_KAFKA_STORAGE_ERROR && x->may_refuse)
		return;
	if (CHECK_INT(r.error, 0) && CHECK(!r.duplicate))
		x->sequence[slot] += count;
	x->open_txn |= b.transactional;
}

static void
end_transaction(struct model *m, struct life *x)
{
	struct txn_marker t = { .producer_id = 100 * (m->life + 1) + SLOT_TXN,
		.commit = model_random(m, 2), .coordinator_epoch = m->life };
	struct append_result r;

	if (!x->log[SLOT_TXN] || !x->open_txn)
		return;
	partlog_append_marker(x->log[SLOT_TXN], &t, &r);
	if (r.error == KERR_KAFKA_STORAGE_ERROR && x->may_refuse)
		return;
	if (CHECK_INT(r.error, 0))
		model_note_marker(m, x->log[SLOT_TXN], x->topic[SLOT_TXN], &r);
	x->open_txn = false;
}

static void
delete_records(struct model *m, struct life *x)
{
	int slot = (int)model_random(m, SLOTS);
	struct partlog *l = x->log[slot];
	int64_t to, start, hw;
	uint64_t commit;

	/* What its markers say is followed from the log's first batch on. */
	if (!l || slot == SLOT_RETENTION || slot == SLOT_TXN || slot == SLOT_KEYED)
		return;
	start = partlog_start(l);
	hw = partlog_high_watermark(l);
	to = model_random(m, 4) ? start + (int64_t)model_random(m,
		(uint32_t)(hw - start + 1)) : hw;
	if (CHECK_INT(partlog_delete_records(l, to, &start, &commit), 0))
		model_note_start(m, x->topic[slot], to, model_commit(l->store));
}

/* A topic goes; half of the time another comes under its name at once. */
static void
replace_topic(struct model *m, struct fixture *f, struct life *x)
{
	int slot = (int)model_random(m, SLOTS);

	if (slot == SLOT_RETENTION)
		return;
	if (x->log[slot]) {
		model_set_topic(m, f, slot, 0);
		store_detach(f->s, x->log[slot]);
		x->log[slot] = NULL;
		x->topic[slot] = 0;
		if (model_random(m, 2))
			return;
	}
	life_new_topic(x, m, f, slot);
}

/* Runs the loop for a while, or until all commits have ended. */
static void
settle(struct fixture *f)
{
	for (int i = 0; i < PATIENCE && !store_failed(f->s) &&
	    store_committed(f->s) < commit_newest(f->s); i++) {
		store_flush(f->s);
		store_poll(f->s);
		fixture_sleep(f);
	}
}

static void
run_turn(struct model *m, struct fixture *f, struct life *x)
{
	int n = model_random(m, 10) ? 1 + (int)model_random(m, 5) : 40;
	int what = (int)model_random(m, 100);

	for (int i = 0; i < n; i++)
		send_one(m, x, (int)model_random(m, SLOTS));
	if (what < 6)
		delete_records(m, x);
	else if (what < 9 && !x->may_refuse)
		replace_topic(m, f, x);
	else if (what < 30)
		end_transaction(m, x);
	if (!model_random(m, 10)) {
		f->clock.fake_ms += 6000 + model_random(m, 8000);
		store_tick(f->s);
	}
	if (model_random(m, 3)) {
		store_flush(f->s);
		store_poll(f->s);
	}
	if (!model_random(m, 4))
		settle(f);
	model_mark(m, f);
}

/* ---- one disk ------------------------------------------------------------- */

static void
append_some(struct model *m, struct fixture *f, struct life *x)
{
	for (int i = 0; i < 30; i++) {
		int slot = (int)model_random(m, SLOTS);
		struct sent b = { .topic = x->topic[slot], .producer = -1,
			.serial = ++m->serial, .count = 2,
			.size = 400 + model_random(m, 2000) };

		if (x->log[slot] && slot == SLOT_KEYED)
			model_send_keyed(m, x->log[slot], x->topic[slot]);
		else if (x->log[slot])
			CHECK_INT(model_send(m, x->log[slot], &b).error, 0);
		if (!model_random(m, 4)) {
			store_flush(f->s);
			store_poll(f->s);
		}
	}
	CHECK(fixture_settle(f));
}

static void
look(struct model *m, struct life *x, const struct mark *mark)
{
	for (int i = 0; i < SLOTS; i++)
		model_check(m, x, i, mark);
	for (int i = 0; i < SLOTS * PROBES; i++)
		if (x->log[i % SLOTS] && i % SLOTS != SLOT_KEYED)
			model_check_read(m, x, i % SLOTS);
}

/*
 * Starts on a disk as a cut left it and looks, twice: what the first start
 * has shown is acknowledged from then on. Changes the disk, not the model.
 */
static bool
disk_is_good(const struct model *was, const char *dir, const struct mark *mark,
	uint32_t seed)
{
	struct model m = model_copy(was);
	static struct fs fast;
	struct fixture f;
	struct life x;
	int bad = tap_bad;

	fast = fast_fs();
	m.random = seed;
	fixture_init(&f);
	f.o.dir = dir;
	f.o.fs = &fast;
	f.o.wal_bytes = 64 << 10;
	for (int round = 0; round < 2 && bad == tap_bad; round++) {
		if (!CHECK_INT(life_begin(&x, &f), 0))
			break;
		if (!round)
			model_check_topics(&m, &x, mark);
		look(&m, &x, mark);
		model_adopt(&m, &x, 0);
		mark = NULL;
		append_some(&m, &f, &x);
		fixture_stop(&f);
	}
	if (bad != tap_bad)
		printf("# %s\n# %s\n", f.e.msg, f.reports);
	fixture_release(&f);
	model_release(&m);
	return bad == tap_bad;
}

/* ---- moments -------------------------------------------------------------- */

/* Cuts anywhere, and often soon after the start. */
static size_t
random_moment(struct model *m, size_t from, size_t to)
{
	size_t n = to - from;

	if (m->life && !model_random(m, 3) && n > 60)
		n = 60;
	return from + model_random(m, (uint32_t)n + 1);
}

static enum sim_fate
random_fate(struct model *m)
{
	static const enum sim_fate fates[] = { SIM_LOSE, SIM_MIX, SIM_MIX, SIM_MIX,
		SIM_KEEP, SIM_OLD_ROOT, SIM_NEW_ROOT };

	return fates[model_random(m, sizeof(fates) / sizeof(*fates))];
}

static void
trace(const struct model *m, const struct world *w, size_t until)
{
	static const char *const kinds[] = { "write", "truncate", "sync", "sync all",
		"name", "failed", "all failed" };
	size_t k = 0;

	for (size_t i = 0; i < until; i++) {
		const struct sim_op *op = &w->sim.ops[i];
		const char *name = "?";

		for (int j = 0; j < w->sim.names_n; j++)
			if (w->sim.names[j].node == op->node)
				name = w->sim.names[j].path + strlen(w->dir);
		for (; i >= w->from && k < m->marks_n && m->marks[k].op <= i; k++)
			printf("# mark: %" PRIu64 "\n", m->marks[k].committed);
		printf("# %zu %s %s(%d) at %" PRId64 " len %zu -%s +%s(%d)\n", i, kinds[op->kind],
			name, op->node, op->at, op->len, op->gone ? op->gone : "",
			op->made ? op->made : "", op->child);
	}
}

static bool
cut_and_look(struct model *m, const struct world *w)
{
	size_t op = random_moment(m, w->from, w->sim.ops_n);
	enum sim_fate fate = random_fate(m);
	uint32_t seed = model_random(m, 1 << 20);
	char cut[80];
	bool good;

	snprintf(cut, sizeof(cut), "%s.cut", w->dir);
	sim_cut(&w->sim, op, fate, seed, cut);
	good = disk_is_good(m, cut, model_mark_at(m, op), seed);
	nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	if (!good)
		printf("# life %d, operation %zu of %zu from %zu, fate %d\n", m->life,
			op, w->sim.ops_n, w->from, fate);
	if (!good && getenv("KC_TORTURE_TRACE")) {
		trace(m, w, op);
		sim_cut(&w->sim, op, fate, seed, getenv("KC_TORTURE_TRACE"));
	}
	return good;
}

/* ---- lives ---------------------------------------------------------------- */

/* A kill is not between a sync that fails and the note of it. */
static size_t
behind_note(const struct simfs *sim, size_t from, size_t op)
{
	bool failed = false;

	for (size_t i = from; i < sim->ops_n && (i < op || failed); i++) {
		const struct sim_op *o = &sim->ops[i];

		if (o->kind == SIM_FAILED || o->kind == SIM_FAILED_ALL)
			failed = true;
		else if (o->kind == SIM_WRITE && o->len == 32 && !o->at)
			failed = false; /* .lock */
		if (!failed && i >= op)
			return i + 1;
	}
	return failed ? sim->ops_n : op;
}

static void
next_disk(struct world *w)
{
	snprintf(w->dir, sizeof(w->dir), "%s/%d", w->base, w->disks++);
}

/* The disk on which the next life begins; the model learns what is there. */
static void
pass_on(struct model *m, struct world *w, enum end end)
{
	struct simfs old = w->sim;
	char dir[64];
	size_t op = end == END_ORDER ? old.ops_n :
		behind_note(&old, w->from, random_moment(m, w->from, old.ops_n));

	if (getenv("KC_TORTURE_TRACE"))
		printf("# ends %d at operation %zu of %zu, acknowledged %" PRIu64 "\n",
			end, op, old.ops_n, model_mark_at(m, op)->committed);
	memcpy(dir, w->dir, sizeof(dir));
	old.root = dir;
	next_disk(w);
	model_end_life(m, model_mark_at(m, op));
	m->holes &= end == END_CUT;
	if (end == END_CUT) {
		sim_cut(&old, op, random_fate(m), m->random, w->dir);
		simfs_init(&w->sim, w->dir, true);
		sim_load(&w->sim, w->dir);
	} else {
		simfs_fork(&w->sim, &old, op, end == END_KILL ?
			model_random(m, 3000) : 0, w->dir);
	}
	w->from = w->sim.ops_n;
	nftw(dir, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	simfs_release(&old);
}

static void
set_fault(struct simfs *sim, int sync_error, int64_t space)
{
	pthread_mutex_lock(&sim->lock);
	sim->sync_error = sync_error;
	sim->space = space;
	pthread_mutex_unlock(&sim->lock);
}

/* What it does, with one fault at most. Did a sync fail? */
static bool
spend(struct model *m, struct fixture *f, struct life *x)
{
	int turns = (int)model_random(m, model_random(m, 2) ? TURNS : TURNS / 8);
	int failing = model_random(m, 8) ? -1 : (int)model_random(m, TURNS);
	int full = model_random(m, 6) ? -1 : (int)model_random(m, TURNS);
	struct simfs *sim = sim_of(f->o.fs);

	for (int i = 0; i < turns; i++) {
		if (i == full || i == full + 5)
			set_fault(sim, 0, i == full ? (int64_t)model_random(m, 30000) : -1);
		x->may_refuse = full >= 0 && i >= full && i < full + 5;
		if (i == failing)
			set_fault(sim, EIO, sim->space);
		x->may_refuse |= failing >= 0 && i >= failing;
		run_turn(m, f, x);
		if (store_failed(f->s))
			break;
	}
	x->may_refuse = false;
	set_fault(sim, 0, -1);
	return store_failed(f->s);
}

static bool
begin(struct model *m, struct fixture *f, struct life *x, const struct world *w)
{
	int bad = tap_bad;

	m->marks_n = 0;
	*MODEL_ADD(m, marks) = (struct mark){ w->from, 0 };
	if (!CHECK_INT(life_begin(x, f), 0)) {
		printf("# %s\n", f->e.msg);
		return false;
	}
	if (m->life) {
		model_check_topics(m, x, m->marks);
		look(m, x, m->marks);
	}
	/* What was found was made durable before it was seen. */
	model_mark(m, f);
	model_adopt(m, x, m->marks_n > 1 && store_committed(f->s) ?
		store_committed(f->s) : WITH_THE_END);
	m->holes = !f->s->durable;
	for (int i = 0; i < SLOTS && !m->life; i++)
		life_new_topic(x, m, f, i);
	return bad == tap_bad;
}

/* The store is stopped: did it end in order? Its last syncs may have failed. */
static bool
ended_in_order(const struct world *w)
{
	for (size_t i = w->from; i < w->sim.ops_n; i++)
		if (w->sim.ops[i].kind == SIM_FAILED ||
		    w->sim.ops[i].kind == SIM_FAILED_ALL)
			return false;
	return true;
}

/* One life in w->dir, the cuts of it, and the disk that the next one finds. */
static bool
live(struct model *m, struct world *w)
{
	static const enum fsync_policy policies[] = { FSYNC_GROUP, FSYNC_GROUP,
		FSYNC_GROUP, FSYNC_GROUP, FSYNC_ALWAYS, FSYNC_INTERVAL, FSYNC_NEVER };
	static const int wal_kib[] = { 64, 64, 64, 96, 160, 1024 };
	enum end end = (enum end[]){ END_CUT, END_CUT, END_CUT, END_KILL, END_KILL,
		END_ORDER }[model_random(m, 6)];
	struct fixture f;
	struct life x;
	bool good;

	fixture_init(&f);
	f.o.dir = w->dir;
	f.o.fs = &w->sim.fs;
	f.o.wal_bytes = wal_kib[model_random(m, 6)] << 10;
	f.o.fsync = policies[model_random(m, 7)];
	f.o.interval_ms = 0;
	f.o.cleaner = true;
	f.o.cleaner_buffer = 1 << 16;
	w->sim.delays = model_random(m, 3) ? m->random | 1 : 0;
	if (getenv("KC_TORTURE_TRACE"))
		printf("# life %d on %s: policy %d, wal %d, from %zu\n", m->life, w->dir,
			f.o.fsync, (int)f.o.wal_bytes, w->from);
	good = begin(m, &f, &x, w);
	if (good && spend(m, &f, &x) && end == END_ORDER)
		end = END_KILL;
	if (good && end == END_ORDER) {
		fixture_stop(&f);
		if (ended_in_order(w))
			*MODEL_ADD(m, marks) = (struct mark){ w->sim.ops_n, WITH_THE_END };
		else
			end = END_KILL;
	}
	pthread_mutex_lock(&w->sim.lock);
	w->sim.recording = false;
	w->sim.delays = 0;
	pthread_mutex_unlock(&w->sim.lock);
	if (!good)
		printf("# %s", f.reports);
	if (f.s)
		fixture_stop(&f);
	for (int i = 0; i < CUTS && good; i++)
		good = cut_and_look(m, w);
	fixture_release(&f);
	if (good)
		pass_on(m, w, end);
	else
		printf("# life %d, policy %d, end %d\n", m->life, f.o.fsync, end);
	return good;
}

static bool
chain(uint32_t seed)
{
	struct model m = { .random = seed };
	struct world w = { .base = "/dev/shm/kc-torture-XXXXXX" };
	int lives = 3 + (int)model_random(&m, 4);
	bool good = CHECK(mkdtemp(w.base));

	next_disk(&w);
	mkdir(w.dir, 0700);
	simfs_init(&w.sim, w.dir, true);
	for (; m.life < lives && good; m.life++)
		good = live(&m, &w);
	nftw(w.base, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	simfs_release(&w.sim);
	model_release(&m);
	return good;
}

static void
nothing_is_lost_in_many_lives(void)
{
	const char *chains = getenv("KC_TORTURE"), *first = getenv("KC_TORTURE_SEED");
	long n = chains ? strtol(chains, NULL, 10) : 12;
	long seed = first ? strtol(first, NULL, 10) : 1;

	for (; n > 0; n--, seed++)
		if (!chain((uint32_t)seed)) {
			printf("# KC_TORTURE=1 KC_TORTURE_SEED=%ld\n", seed);
			return;
		}
}

int
main(void)
{
	RUN(nothing_is_lost_in_many_lives);
	return tap_done();
}
