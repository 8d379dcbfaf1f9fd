/*
 * The index of aborted transactions of a log that is too large to be read in
 * one go: found again in slices, while the log goes on.
 */
#include "store/state.h"
#include "fixture.h"

enum { TRANSACTIONS = 3000 }; /* of two batches: more than one slice */

static const struct log_config config = {
	.segment_bytes = 100000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 4096,
	.max_message_bytes = 100000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* A transaction of one batch of two records, and its marker. */
static void
transact(struct partlog *l, int i)
{
	struct buf b = make_batch(2, 20, T0, 1, 0, 2 * i);
	struct txn_marker m = { 1, 0, 3, i % 3 == 0 };
	struct append_result r;

	be16_put(b.data + 21, BATCH_TRANSACTIONAL);
	batch_seal(b.data, b.len);
	r = append_buf(l, &b);
	CHECK_INT(r.error, 0);
	buf_release(&b);
	partlog_append_marker(l, &m, &r);
	CHECK_INT(r.error, 0);
}

/* Are the aborted ones of so many transactions all that is said to be aborted? */
static bool
is_right(struct partlog *l, int transactions)
{
	struct arena a = { 0 };
	struct aborted_txn *list;
	int n, i = 0;
	bool ok = CHECK_INT(partlog_aborted(l, 0, partlog_end(l), &a, &list, &n), 0);

	for (int k = 0; ok && k < transactions; k++)
		if (k % 3 && (i >= n || list[i].producer_id != 1 ||
		    list[i].first_offset != 3 * k || list[i++].last_offset != 3 * k + 2))
			ok = false;
	CHECK_INT(i, n);
	arena_release(&a);
	return CHECK(ok);
}

static void
lose_first_index(const struct fixture *f, const char *log)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s/%020d.txnindex", f->dir, log, 0);
	CHECK_INT(unlink(path), 0);
}

static struct partlog *
start(struct fixture *f)
{
	struct partlog *l = fixture_start(f, &config);

	if (!CHECK(l))
		printf("# %s\n", f->e.msg);
	return l;
}

/* A log of several segments, started again without one of their indexes. */
static struct partlog *
begin_lost(struct fixture *f)
{
	struct partlog *l;

	fixture_init(f);
	if (!(l = start(f)))
		return NULL;
	for (int i = 0; i < TRANSACTIONS; i++)
		transact(l, i);
	CHECK(fixture_settle(f));
	CHECK(l->segments_n > 3);
	fixture_stop(f);
	lose_first_index(f, "t-0");
	return start(f);
}

/* How many turns until this is what partlog_knows_aborted() says. */
static int
turns_until(struct fixture *f, struct partlog *l, int16_t error)
{
	for (int i = 0; i < 1000; i++) {
		if (partlog_knows_aborted(l) == error)
			return i;
		store_poll(f->s);
	}
	CHECK(false);
	return -1;
}

/* The first slice was not enough. */
static bool
is_at_it(struct partlog *l)
{
	struct arena a = { 0 };
	struct aborted_txn *list;
	int n;
	bool ok = CHECK(partlog_list(l) == 0) && CHECK_INT(partlog_aborted(l, 0,
		partlog_end(l), &a, &list, &n), KERR_OFFSET_NOT_AVAILABLE);

	arena_release(&a);
	return ok;
}

static int changes;

static void
on_change(struct log_watch *w)
{
	(void)w;
	changes++;
}

static void
it_is_found_in_slices_while_the_log_goes_on(void)
{
	struct fixture f;
	struct partlog *l = begin_lost(&f);
	uint64_t n = 0;
	int more = TRANSACTIONS;

	if (!l || !is_at_it(l))
		return;
	/* The loop comes back by itself. */
	CHECK(read(f.wake, &n, sizeof(n)) > 0 && n > 0);
	/* It grows, and gets another segment. */
	for (int k = l->segments_n; l->segments_n == k; more++)
		transact(l, more);
	transact(l, more++);
	CHECK(turns_until(&f, l, KERR_NONE) > 1);
	CHECK(is_right(l, more));
	transact(l, more++);
	CHECK(is_right(l, more));
	CHECK(strstr(f.reports, "! the index of aborted transactions of 't-0' is lost"));
	CHECK(strstr(f.reports, "is there again"));
	/* And it lasts. */
	fixture_stop(&f);
	if ((l = start(&f))) {
		CHECK_INT(partlog_list(l), 0);
		CHECK(!l->aborted_lost);
		CHECK(is_right(l, more));
	}
	fixture_release(&f);
}

static void
segments_stay_until_they_are_read_and_readers_are_told(void)
{
	struct log_watch w = { .changed = on_change };
	struct fixture f;
	struct partlog *l = begin_lost(&f);
	struct log_config c = config;

	if (!l || !is_at_it(l))
		return;
	c.retention_bytes = 1;
	partlog_set_config(l, &c);
	store_tick(f.s);
	CHECK_INT(partlog_start(l), 0);
	list_init(&w.node);
	partlog_watch(l, &w);
	turns_until(&f, l, KERR_NONE);
	CHECK_INT(changes, 1);
	partlog_unwatch(&w);
	CHECK(is_right(l, TRANSACTIONS));
	store_tick(f.s);
	CHECK(partlog_start(l) > 0);
	fixture_release(&f);
}

static void
a_log_may_go_in_the_middle(void)
{
	struct fixture f;
	struct partlog *l = begin_lost(&f);

	if (!l || !is_at_it(l))
		return;
	store_detach(f.s, l);
	for (int i = 0; i < 10; i++)
		store_poll(f.s);
	fixture_release(&f);
}

/* Neither an end nor a checkpoint in the middle makes what is lost the truth. */
static void
an_end_in_the_middle_forgets_nothing(void)
{
	struct fixture f;
	struct partlog *l = begin_lost(&f);

	for (int i = 0; l && i < 3; i++) {
		if (i ? !is_at_it(l) : !CHECK_INT(partlog_list(l), 0))
			return;
		transact(l, TRANSACTIONS + i);
		fixture_stop(&f);
		l = start(&f);
	}
	if (!l || !is_at_it(l))
		return;
	turns_until(&f, l, KERR_NONE);
	CHECK(is_right(l, TRANSACTIONS + 3));
	fixture_release(&f);
}

static void
one_after_the_other(void)
{
	struct fixture f;
	struct partlog *l = begin_lost(&f), *other;
	int turns;

	if (!l)
		return;
	fixture_stop(&f);
	/* Another one, as lost. */
	if (fixture_open(&f) < 0 || !(l = fixture_attach(&f, "t", 1, 0, &config)) ||
	    !(other = fixture_attach(&f, "t", 1, 1, &config)) ||
	    store_start(f.s, &f.e) < 0) {
		CHECK(false);
		return;
	}
	for (int i = 0; i < TRANSACTIONS; i++)
		transact(other, i);
	CHECK(fixture_settle(&f));
	other->aborted_lost = true;
	if (!is_at_it(l) || !is_at_it(other))
		return;
	turns = turns_until(&f, l, KERR_NONE);
	CHECK_INT(partlog_knows_aborted(other), KERR_OFFSET_NOT_AVAILABLE);
	CHECK(turns_until(&f, other, KERR_NONE) >= turns);
	CHECK(is_right(l, TRANSACTIONS) && is_right(other, TRANSACTIONS));
	fixture_release(&f);
}

static void
a_damaged_log_is_an_error_and_tried_again_later(void)
{
	struct fixture f;
	struct partlog *l = begin_lost(&f);
	uint8_t magic = 9, was;
	char path[400];
	int fd;

	if (!l || !is_at_it(l))
		return;
	snprintf(path, sizeof(path), "%s/t-0/%020" PRId64 ".log", f.dir,
		l->segments[l->segments_n - 2]->base);
	fd = open(path, O_RDWR);
	CHECK_INT(pread(fd, &was, 1, 16), 1);
	CHECK_INT(pwrite(fd, &magic, 1, 16), 1);
	turns_until(&f, l, KERR_KAFKA_STORAGE_ERROR);
	CHECK(strstr(f.reports, "cannot find aborted transactions"));
	CHECK(!l->cleaning);
	/* Not again and again. */
	store_poll(f.s);
	CHECK_INT(partlog_knows_aborted(l), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(pwrite(fd, &was, 1, 16), 1);
	close(fd);
	CHECK_INT(partlog_knows_aborted(l), KERR_KAFKA_STORAGE_ERROR);
	f.clock.fake_ms += 10000;
	CHECK_INT(partlog_knows_aborted(l), KERR_OFFSET_NOT_AVAILABLE);
	turns_until(&f, l, KERR_NONE);
	CHECK(is_right(l, TRANSACTIONS));
	fixture_release(&f);
}

int
main(void)
{
	RUN(it_is_found_in_slices_while_the_log_goes_on);
	RUN(segments_stay_until_they_are_read_and_readers_are_told);
	RUN(a_log_may_go_in_the_middle);
	RUN(an_end_in_the_middle_forgets_nothing);
	RUN(one_after_the_other);
	RUN(a_damaged_log_is_an_error_and_tried_again_later);
	return tap_done();
}
