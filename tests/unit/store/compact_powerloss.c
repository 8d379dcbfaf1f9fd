/*
 * Power cuts at every operation of a run in which a log is compacted again
 * and again while it grows. After each one the newest value of every key
 * must be there, and nothing that was never written.
 */
#include "keyed.h"
#include "simfs.h"

enum { KEYS = 12, MAX_RECORDS = 4000, MAX_MARKS = 400 };

/* What was written, by offset. */
static struct { char key, value[16]; } written[MAX_RECORDS];
static int64_t written_n;
static struct { size_t op; int64_t end; } marks[MAX_MARKS];
static int marks_n;

static void
write_some(struct partlog *l, struct sender *s, uint32_t *rnd)
{
	char text[600];
	size_t n = 0;
	int count = 1 + (int)(sim_random(rnd) % 6);

	for (int i = 0; i < count; i++) {
		char key = (char)('a' + sim_random(rnd) % KEYS);
		bool tombstone = sim_random(rnd) % 5 == 0;

		written[written_n].key = key;
		snprintf(written[written_n].value, 16, tombstone ? "-" : "v%d",
			(int)written_n);
		if (tombstone)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c",
				i ? " " : "", key);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c=v%d",
				i ? " " : "", key, (int)written_n);
		written_n++;
	}
	CHECK_INT(send_text(l, s, text).error, 0);
}

static void
mark(struct fixture *f, struct simfs *sim, struct partlog *l)
{
	CHECK(fixture_wait(f, commit_newest(f->s)));
	pthread_mutex_lock(&sim->lock);
	marks[marks_n].op = sim->ops_n;
	pthread_mutex_unlock(&sim->lock);
	marks[marks_n++].end = partlog_high_watermark(l);
}

static bool
is_right(struct partlog *l, int64_t acknowledged)
{
	struct seen_list *x = see_all(l);
	int64_t end = partlog_end(l), last = -1;
	bool ok = CHECK(end >= acknowledged) && CHECK(end <= written_n);

	for (int i = 0; i < x->n; i++) {
		struct seen *s = &x->at[i];

		ok &= CHECK(s->offset > last) && CHECK(s->offset < end);
		last = s->offset;
		ok = ok && CHECK_INT(s->key[0], written[last].key) &&
			CHECK_STR(s->value, written[last].value);
	}
	for (char key = 'a'; ok && key < 'a' + KEYS; key++) {
		int64_t newest = -1, found = -1;

		for (int64_t i = 0; i < end; i++)
			if (written[i].key == key)
				newest = i;
		for (int i = 0; i < x->n; i++)
			if (x->at[i].key[0] == key)
				found = x->at[i].offset;
		if (newest < 0 || (found < 0 && !strcmp(written[newest].value, "-")))
			continue;
		ok = CHECK_INT(found, newest);
	}
	return ok;
}

/* What is clean has every key once: the file of offsets does not promise more. */
static bool
is_clean(struct partlog *l)
{
	struct seen_list *x = see_all(l);
	int count[KEYS] = { 0 };
	bool ok = true;

	for (int i = 0; i < x->n && x->at[i].offset < l->cleaned; i++)
		ok &= CHECK_INT(count[x->at[i].key[0] - 'a']++, 0);
	return ok;
}

static bool
check_cut(const char *dir, int64_t acknowledged)
{
	struct fixture f;
	struct fs fast = fast_fs();
	struct partlog *l;
	bool ok;

	fixture_init(&f);
	rmdir(f.dir);
	memcpy(f.dir, dir, strlen(dir) + 1);
	f.o.wal_bytes = 64 << 10;
	f.o.fs = &fast;
	keyed_options(&f);
	l = fixture_start(&f, &compacted);
	ok = CHECK(l) && is_right(l, acknowledged);
	/* And what was found can be cleaned again. */
	ok = ok && CHECK(clean(&f)) && is_right(l, acknowledged) && is_clean(l);
	if (!ok)
		printf("# %s\n# %s", f.e.msg, f.reports);
	fixture_release(&f);
	return ok;
}

static void
run_load(struct fixture *f, struct simfs *sim)
{
	struct sender s = SENDER_INIT;
	struct partlog *l = fixture_start(f, &compacted);
	uint32_t rnd = 7;

	written_n = marks_n = 0;
	if (!CHECK(l))
		return;
	mark(f, sim, l);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 30; i++) {
			write_some(l, &s, &rnd);
			if (i % 5 < 4)
				continue;
			mark(f, sim, l);
			/* No checkpoint has what is new: nothing to be cleaned yet. */
			store_tick(f->s);
			for (int k = 0; k < 50 && cleaner_is_busy(f->s->cleaner); k++)
				turn(f);
		}
		CHECK(clean(f));
		mark(f, sim, l);
	}
	CHECK(is_right(l, written_n));
	CHECK(see_all(l)->n < written_n / 3);
}

static void
cuts_lose_no_key(enum sim_fate fate)
{
	struct fixture f;
	struct simfs sim;
	char cut[256];
	int m = 0;

	fixture_init(&f);
	simfs_init(&sim, f.dir, true);
	f.o.fs = &sim.fs;
	f.o.wal_bytes = 64 << 10;
	keyed_options(&f);
	run_load(&f, &sim);
	fixture_stop(&f);
	snprintf(cut, sizeof(cut), "%.240s.cut", f.dir);
	for (size_t op = marks[0].op; op < sim.ops_n; op++) {
		bool ok;

		while (m + 1 < marks_n && marks[m + 1].op <= op)
			m++;
		sim_cut(&sim, op, fate, (uint32_t)op, cut);
		ok = check_cut(cut, marks[m].end);
		nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
		if (!ok) {
			printf("# cut at operation %zu of %zu\n", op, sim.ops_n);
			break;
		}
	}
	simfs_release(&sim);
	fixture_release(&f);
}

static void
cuts_that_lose_all_that_was_not_synced(void)
{
	cuts_lose_no_key(SIM_LOSE);
}

static void
cuts_that_keep_all(void)
{
	cuts_lose_no_key(SIM_KEEP);
}

static void
cuts_that_tear_what_was_not_synced(void)
{
	cuts_lose_no_key(SIM_MIX);
}

int
main(void)
{
	RUN(cuts_that_lose_all_that_was_not_synced);
	RUN(cuts_that_keep_all);
	RUN(cuts_that_tear_what_was_not_synced);
	return tap_done();
}
