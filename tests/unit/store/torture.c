/*
 * A data directory through several lives, each ended by a power cut at a
 * random moment of all that a store does: appends small and large (direct
 * mode), of idempotent producers and of transactions, in a write-ahead log
 * that is far too small, rolls, records and topics deleted, topics made again
 * under the old name, checkpoints. The disk is looked at as the cut may have
 * left it, for many cuts of every life; the next life goes on from one.
 *
 * Of every disk, after recovery, and again after a clean end and another
 * start:
 *	what was acknowledged is there, at its offset, byte for byte
 *	no offset is there twice, every checksum fits, nothing else is there
 *	log start <= last stable offset <= high watermark = log end
 *	an acknowledged log start holds, and is not above what was asked for
 *	a batch sent again is recognised, a gap in the sequence refused
 *	last stable offset and aborted transactions are what the log's own
 *	markers say
 *
 * KC_TORTURE is the number of runs (default 2), KC_TORTURE_SEED where to
 * begin; a run that fails names its seed.
 */
#include <inttypes.h>

#include "fixture.h"
#include "simfs.h"
#include "store/state.h"
#include "torture.h"

enum { LIVES = 5, TURNS = 200, CUTS = 10, PROBES = 4 };

/* ---- the load ------------------------------------------------------------- */

static void
send_one(struct model *m, struct life *x, int slot)
{
	uint32_t z = model_random(m, 10);
	size_t size = z == 0 ? 2500 : 20 + model_random(m, 300);
	int32_t count = 1 + (int32_t)model_random(m, 4);
	struct append_result r;
	struct sent b;

	if (!x->log[slot])
		return;
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
	if (CHECK_INT(r.error, 0))
		model_note_marker(m, x->topic[SLOT_TXN], &r);
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
	if (!l || slot == SLOT_RETENTION || slot == SLOT_TXN)
		return;
	start = partlog_start(l);
	hw = partlog_high_watermark(l);
	to = model_random(m, 4) ? start + (int64_t)model_random(m,
		(uint32_t)(hw - start + 1)) : hw;
	if (CHECK_INT(partlog_delete_records(l, to, &start, &commit), 0))
		model_note_start(m, x->topic[slot], to, commit);
}

/* A topic goes; half of the time another comes under its name at once. */
static void
replace_topic(struct model *m, struct fixture *f, struct life *x)
{
	int slot = (int)model_random(m, SLOT_RETENTION);

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

static void
run_turn(struct model *m, struct fixture *f, struct life *x)
{
	int n = 1 + (int)model_random(m, 5), what = (int)model_random(m, 100);

	for (int i = 0; i < n; i++)
		send_one(m, x, (int)model_random(m, SLOTS));
	if (what < 6)
		delete_records(m, x);
	else if (what < 9)
		replace_topic(m, f, x);
	else if (what < 30)
		end_transaction(m, x);
	if (!model_random(m, 12)) {
		f->clock.fake_ms += 6000 + model_random(m, 8000);
		store_tick(f->s);
	}
	if (model_random(m, 3)) {
		store_flush(f->s);
		store_poll(f->s);
	}
	if (!model_random(m, 4))
		CHECK(fixture_settle(f));
	model_mark(m, f);
}

/* ---- one disk ------------------------------------------------------------- */

static void
append_some(struct model *m, struct fixture *f, struct life *x)
{
	for (int i = 0; i < 40; i++) {
		int slot = (int)model_random(m, SLOTS);
		struct sent b = { .topic = x->topic[slot], .producer = -1,
			.serial = ++m->serial, .count = 2,
			.size = 400 + model_random(m, 2000) };

		if (x->log[slot])
			CHECK_INT(model_send(m, x->log[slot], &b).error, 0);
		if (!model_random(m, 4)) {
			store_flush(f->s);
			store_poll(f->s);
		}
	}
	CHECK(fixture_settle(f));
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
		for (int i = 0; i < SLOTS; i++)
			if (x.log[i])
				model_check_log(&m, &x, i, mark);
		for (int i = 0; i < SLOTS * PROBES; i++)
			if (x.log[i % SLOTS])
				model_check_read(&m, &x, i % SLOTS);
		model_adopt(&m, &x);
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

/* ---- lives ---------------------------------------------------------------- */

/* Cuts anywhere, and often soon after the start. */
static size_t
random_moment(struct model *m, size_t from, size_t to)
{
	size_t n = to - from;

	if (!model_random(m, 4) && n > 40)
		n = 40;
	return from + model_random(m, (uint32_t)n + 1);
}

static bool
cut_and_look(struct model *m, const struct simfs *sim, size_t from, const char *cut)
{
	size_t op = random_moment(m, from, sim->ops_n);
	enum sim_fate fate = (enum sim_fate[]){ SIM_LOSE, SIM_MIX, SIM_MIX, SIM_MIX,
		SIM_KEEP }[model_random(m, 5)];
	uint32_t seed = model_random(m, 1 << 20);
	bool good;

	sim_cut(sim, op, fate, seed, cut);
	good = disk_is_good(m, cut, model_mark_at(m, op), seed);
	nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	if (!good)
		printf("# life %d, operation %zu of %zu, fate %d\n", m->life, op,
			sim->ops_n, fate);
	return good;
}

/* One life in dir, the cuts of it, and the disk that the next one finds there. */
static bool
live(struct model *m, const char *dir)
{
	struct simfs sim;
	struct fixture f;
	struct life x;
	char cut[300];
	bool good = true;
	size_t from;

	fixture_init(&f);
	simfs_init(&sim, dir, true);
	sim_load(&sim, dir);
	from = sim.ops_n;
	f.o.dir = dir;
	f.o.fs = &sim.fs;
	f.o.wal_bytes = 64 << 10;
	if (!CHECK_INT(life_begin(&x, &f), 0)) {
		printf("# %s\n", f.e.msg);
		good = false;
	}
	model_begin_life(m, &x, from);
	for (int i = 0; i < SLOTS && good && !m->life; i++)
		life_new_topic(&x, m, &f, i);
	if (!m->life && good)
		CHECK(fixture_settle(&f));
	for (int i = 0; i < TURNS && good; i++)
		run_turn(m, &f, &x);
	/* One life in six ends in order, and is cut after that, too. */
	if (!model_random(m, 6) && f.s)
		fixture_stop(&f);
	pthread_mutex_lock(&sim.lock);
	sim.recording = false;
	pthread_mutex_unlock(&sim.lock);
	if (f.s)
		fixture_stop(&f);
	snprintf(cut, sizeof(cut), "%s.cut", dir);
	for (int i = 0; i < CUTS && good; i++)
		good = cut_and_look(m, &sim, from, cut);
	nftw(dir, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	sim_cut(&sim, random_moment(m, from, sim.ops_n), SIM_MIX, m->random, dir);
	simfs_release(&sim);
	fixture_release(&f);
	return good;
}

static void
nothing_is_lost_in_many_lives(void)
{
	const char *runs = getenv("KC_TORTURE"), *first = getenv("KC_TORTURE_SEED");
	long n = runs ? strtol(runs, NULL, 10) : 2;
	long seed = first ? strtol(first, NULL, 10) : 1;
	bool good = true;

	for (; n > 0 && good; n--, seed++) {
		struct model m = { .random = (uint32_t)seed };
		char dir[] = "/dev/shm/kc-torture-XXXXXX";

		if (!CHECK(mkdtemp(dir)))
			return;
		for (m.life = 0; m.life < LIVES && good; m.life++)
			good = live(&m, dir);
		if (!good)
			printf("# KC_TORTURE=1 KC_TORTURE_SEED=%ld\n", seed);
		nftw(dir, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
		model_release(&m);
	}
}

int
main(void)
{
	RUN(nothing_is_lost_in_many_lives);
	return tap_done();
}
