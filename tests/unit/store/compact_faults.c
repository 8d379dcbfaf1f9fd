/* Compaction on disks that fail, and ends in the middle of it. */
#include "keyed.h"
#include "simfs.h"

enum { KEYS = 5, BIG = 150000 };

/* Values of keys k0 to k4, again and again: the newest must be there. */
static char newest[KEYS][16];

static void
fill(struct partlog *l)
{
	struct sender s = SENDER_INIT;
	char text[600];

	for (int i = 0; i < 60; i++) {
		snprintf(newest[i % KEYS], sizeof(newest[0]), "v%d", i);
		snprintf(text, sizeof(text), "k%d=v%d one%d=%050d", i % KEYS, i, i, i);
		CHECK_INT(send_text(l, &s, text).error, 0);
	}
}

static bool
is_right(struct partlog *l)
{
	struct seen_list *x = see_all(l);
	const char *found[KEYS] = { NULL };
	int once = 0;
	int64_t last = -1;
	bool ok = CHECK_INT(partlog_end(l), 120);

	for (int i = 0; i < x->n; i++) {
		ok &= CHECK(x->at[i].offset > last);
		last = x->at[i].offset;
		if (x->at[i].key[0] == 'k')
			found[x->at[i].key[1] - '0'] = x->at[i].value;
		else
			once++;
	}
	for (int i = 0; i < KEYS; i++)
		ok &= CHECK_STR(found[i] ? found[i] : "none", newest[i]);
	return ok & CHECK_INT(once, 60);
}

/* Up to the moment at which the cleaner has all it waits for, to merge segments. */
static struct partlog *
prepare(struct fixture *f, struct simfs *sim, bool recording)
{
	struct log_config c = compacted;
	struct partlog *l;

	fixture_init(f);
	simfs_init(sim, f->dir, recording);
	f->o.fs = &sim->fs;
	keyed_options(f);
	if (!CHECK(l = fixture_start(f, &compacted)))
		return NULL;
	fill(l);
	c.segment_bytes = 4000;
	partlog_set_config(l, &c);
	CHECK(fixture_wait(f, commit_newest(f->s)));
	f->s->checkpoint_due = true;
	store_poll(f->s);
	for (int i = 0; i < 2000 && !f->s->checkpoints_done; i++)
		turn(f);
	return l;
}

static void
a_fault_anywhere_leaves_the_log_whole(void)
{
	bool met = true;

	for (int64_t at = 0; met && at < 400; at++) {
		struct fixture f;
		struct simfs sim;
		struct partlog *l = prepare(&f, &sim, false);
		bool ok;

		if (!l)
			return;
		pthread_mutex_lock(&sim.lock);
		sim.calls = 0;
		sim.fail_at = at;
		sim.fail_with = EIO;
		pthread_mutex_unlock(&sim.lock);
		store_tick(f.s);
		for (int i = 0; i < 2000 && cleaner_is_busy(f.s->cleaner); i++)
			turn(&f);
		pthread_mutex_lock(&sim.lock);
		met = sim.calls > at;
		sim.fail_with = 0;
		pthread_mutex_unlock(&sim.lock);
		ok = CHECK_INT(store_failed(f.s), 0) && is_right(l);
		/* Files that were closed meanwhile are still found. */
		f.s->turn++;
		segment_close_idle(f.s, 0);
		ok = ok && is_right(l);
		f.clock.fake_ms += 70000;
		ok = ok && CHECK(clean(&f)) && is_right(l);
		if (!ok)
			printf("# call %d\n# %s", (int)at, f.reports);
		fixture_stop(&f);
		l = fixture_start(&f, &compacted);
		ok &= CHECK(l) && is_right(l);
		/* A start is what it takes, whatever was left half done. */
		ok = ok && CHECK(clean(&f)) && is_right(l) && CHECK(!l->uncleanable) &&
			CHECK(l->cleaned > 100);
		if (!ok)
			printf("# call %d, after the start\n# %s", (int)at, f.reports);
		fixture_release(&f);
		simfs_release(&sim);
		if (!ok)
			break;
	}
	CHECK(!met);
}

/* The power goes after a clean end: what that says must be so on disk, too. */
static void
an_end_amid_cleaning_is_a_clean_one(void)
{
	for (int turns = 0; turns < 14; turns++) {
		enum sim_fate fates[] = { SIM_LOSE, SIM_KEEP, SIM_OLD_ROOT, SIM_NEW_ROOT };
		struct fixture f, g;
		struct simfs sim;
		struct partlog *l = prepare(&f, &sim, true);
		char cut[256];
		bool ok = true;

		if (!l)
			return;
		store_tick(f.s);
		for (int i = 0; i < turns && cleaner_is_busy(f.s->cleaner); i++)
			turn(&f);
		fixture_stop(&f);
		snprintf(cut, sizeof(cut), "%.240s.cut", f.dir);
		for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]) && ok; i++) {
			sim_cut(&sim, sim.ops_n, fates[i], 1, cut);
			fixture_init(&g);
			rmdir(g.dir);
			memcpy(g.dir, cut, strlen(cut) + 1);
			keyed_options(&g);
			l = fixture_start(&g, &compacted);
			ok = CHECK(l) && is_right(l);
			if (!ok)
				printf("# %d turns, fate %d: %s\n# %s\n", turns,
					(int)i, g.e.msg, g.reports);
			fixture_release(&g);
		}
		fixture_release(&f);
		simfs_release(&sim);
		if (!ok)
			break;
	}
}

/* One log that cannot be cleaned keeps no other from it. */
static void
a_fault_in_one_log_is_its_own(void)
{
	struct fixture f;
	struct partlog *l, *other;
	char path[300];

	fixture_init(&f);
	keyed_options(&f);
	f.e = (struct err)ERR_INIT;
	CHECK(!fixture_open(&f));
	l = fixture_attach(&f, "t", 1, 0, &compacted);
	other = fixture_attach(&f, "u", 2, 0, &compacted);
	CHECK(!store_start(f.s, &f.e));
	fill(l);
	fill(other);
	CHECK(fixture_wait(&f, commit_newest(f.s)));
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", f.dir, 0);
	CHECK(!unlink(path));
	CHECK(clean(&f));
	CHECK_INT(l->cleaned, -1);
	CHECK(other->cleaned > 0);
	CHECK(strstr(f.reports, "compaction of 't-0' stopped"));
	fixture_release(&f);
}

/*
 * A log that no checkpoint knows was never compacted: its torn end is mended
 * from the WAL, and what was synced directly behind it stays.
 */
static void
a_young_log_keeps_what_was_synced_directly(void)
{
	struct log_config c = compacted;
	struct sender s = SENDER_INIT;
	struct fixture f, g;
	struct simfs sim;
	struct partlog *l;
	char cut[256], *big = xcalloc(1, BIG);

	c.segment_bytes = BIG;
	fixture_init(&f);
	simfs_init(&sim, f.dir, true);
	f.o.fs = &sim.fs;
	l = fixture_start(&f, &c);
	memset(big, 'x', BIG - 100);
	memcpy(big, "a=", 2);
	for (int i = 0; i < 2; i++) {
		/* The small one goes through the WAL, the other one has no room beside it. */
		CHECK_INT(send_text(l, &s, i ? big : "a=1 b=1 c=1").error, 0);
		CHECK(fixture_wait(&f, commit_newest(f.s)));
	}
	CHECK_INT(l->segments_n, 2);
	CHECK(f.s->stats.direct_bytes > 0 && !f.s->checkpoints_done);
	snprintf(cut, sizeof(cut), "%.240s.cut", f.dir);
	sim_cut(&sim, sim.ops_n, SIM_LOSE, 1, cut);
	fixture_init(&g);
	rmdir(g.dir);
	memcpy(g.dir, cut, strlen(cut) + 1);
	l = fixture_start(&g, &c);
	if (!CHECK(l) || !CHECK_INT(partlog_end(l), 4) || !CHECK_INT(see_all(l)->n, 4))
		printf("# %s\n# %s\n", g.e.msg, g.reports);
	fixture_release(&g);
	fixture_release(&f);
	simfs_release(&sim);
	free(big);
}

int
main(void)
{
	RUN(a_fault_anywhere_leaves_the_log_whole);
	RUN(an_end_amid_cleaning_is_a_clean_one);
	RUN(a_fault_in_one_log_is_its_own);
	RUN(a_young_log_keeps_what_was_synced_directly);
	return tap_done();
}
