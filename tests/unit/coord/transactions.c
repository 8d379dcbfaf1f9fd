/*
 * Transactions over a real store and a disk that loses power: at every cut,
 * each is there in all partitions or in none, with the group's offset, and
 * none that was acknowledged is missing.
 */
#include "node.h"

/* ---- the coordinators' own topics, compacted ------------------------------ */

/* Every few batches are a segment, and anything dirty is cleaned. */
static void
make_small(struct node *n, const char *topic)
{
	struct topic *t = meta_topic(n->meta, S(topic));

	for (int32_t p = 0; CHECK(t) && p < t->partitions_n; p++)
		partlog_set_config(topic_partition(t, p), &compacted);
}

static void
compact(struct node *n)
{
	make_small(n, TRANSACTIONS_TOPIC);
	make_small(n, OFFSETS_TOPIC);
	CHECK(settle(n));
	CHECK(clean(&n->f));
}

static int
count(void *arg, const struct log_record *r)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

static int
records(struct node *n, const char *topic)
{
	struct topic *t = meta_topic(n->meta, S(topic));
	struct err e = ERR_INIT;
	int sum = 0;

	for (int32_t p = 0; CHECK(t) && p < t->partitions_n; p++)
		CHECK_INT(partlog_scan(topic_partition(t, p), 0, count, &sum, &e), 0);
	return sum;
}

/* ---- tests ---------------------------------------------------------------- */

struct mark {
	size_t op;
	int acknowledged;
};

static struct mark marks[MAX_TXNS];
static bool aborted[MAX_TXNS];
static int64_t ended; /* when the run was over */

static bool
check_cut(const char *dir, int acknowledged)
{
	static struct fs fast;
	struct node n = { 0 };
	bool ok;

	fast = fast_fs();
	fixture_init(&n.f);
	n.f.o.dir = dir;
	n.f.o.fs = &fast;
	n.f.clock.fake_ms = ended;
	ok = start(&n);
	if (ok && part(&n, 0)) {
		n.f.clock.fake_ms += TIMEOUT + 1; /* what is still open is given up */
		transactions_tick(n.transactions);
		ok = CHECK(settle(&n)) && check(&n, acknowledged, aborted);
	}
	stop(&n);
	fixture_release(&n.f);
	return ok;
}

static void
cuts_leave_all_or_nothing(int16_t version, enum sim_fate fate, int cuts,
	bool compacts)
{
	enum { TXNS = 40 };
	struct client p = { .version = version };
	struct node n = { 0 };
	struct simfs sim;
	size_t from;
	char cut[300];

	memset(aborted, 0, sizeof(aborted));
	fixture_init(&n.f);
	simfs_init(&sim, n.f.dir, true);
	n.f.o.fs = &sim.fs;
	if (compacts)
		keyed_options(&n.f);
	if (!set_up(&n))
		return;
	from = sim.ops_n;
	CHECK_INT(init(&n, &p), 0);
	for (int i = 0; i < TXNS; i++) {
		aborted[i] = i % 4 == 3;
		CHECK_INT(work(&n, &p, i), 0);
		if (i % 3 == 0)
			settle(&n); /* acks=all; else the end comes before the acknowledgement */
		CHECK_INT(end(&n, &p, !aborted[i]), 0);
		marks[i] = (struct mark){ sim.ops_n, i };
		if (compacts && i % 10 == 7)
			compact(&n);
		if (i % 10 == 9)
			CHECK_INT(init(&n, &p), 0);
	}
	ended = n.f.clock.fake_ms;
	stop(&n);
	snprintf(cut, sizeof(cut), "%s.cut", n.f.dir);
	for (int i = 0; i < cuts; i++) {
		size_t op = from + (sim.ops_n - from) * (size_t)i / (size_t)cuts;
		int known = -1;

		while (known + 1 < TXNS && marks[known + 1].op <= op)
			known++;
		sim_cut(&sim, op, fate, (uint32_t)i + 1, cut);
		if (!check_cut(cut, known)) {
			printf("# cut at operation %zu of %zu\n", op, sim.ops_n);
			i = cuts;
		}
		nftw(cut, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
	}
	simfs_release(&sim);
	fixture_release(&n.f);
}

static void
power_cuts_leave_all_or_nothing(void)
{
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_MIX, 200, false);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_MIX, 200, false);
}

static void
cuts_that_keep_or_lose_all_leave_all_or_nothing(void)
{
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_KEEP, 40, false);
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_LOSE, 40, false);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_KEEP, 40, false);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_LOSE, 40, false);
}

static void
cuts_amid_compaction_leave_all_or_nothing(void)
{
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_MIX, 60, true);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_MIX, 60, true);
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_LOSE, 60, true);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_KEEP, 60, true);
}

/* A group of which so much is stored that it is read in slices. */
static void
commit_plainly(struct node *n, struct slice group, int times)
{
	for (int i = 0; i < times; i++) {
		struct groups_commit c = {
			.group = group, .member_id = S(""), .generation = -1,
		};
		struct groups_offset o = {
			.topic = S("t"),
			.c = { .offset = i, .metadata = S(""), .committed_at = T0,
				.expires_at = -1, .leader_epoch = -1 },
		};
		uint64_t commit;

		groups_commit_offsets(n->groups, &c, &o, 1, &commit);
		CHECK_INT(o.error, 0);
	}
}

static void
a_marker_counts_while_groups_are_loaded(void)
{
	enum { SEVERAL_SLICES = 600 };
	struct client p = { .version = TRANSACTION_V1 };
	struct node n = { .offsets_partitions = "3" };

	fixture_init(&n.f);
	if (!set_up(&n))
		return;
	CHECK_INT(internal_partition(S("g"), 3), 1);
	CHECK_INT(internal_partition(S("h"), 3), 2);
	commit_plainly(&n, S("h"), SEVERAL_SLICES);
	CHECK_INT(init(&n, &p), 0);
	CHECK_INT(commit_offset(&n, &p, 7), 0);
	settle(&n);
	stop(&n);
	if (start(&n)) {
		/* That of "g" has been read, that of "h" has not. */
		CHECK_INT(group_load_slice(n.groups, 0), KERR_COORDINATOR_LOAD_IN_PROGRESS);
		CHECK_INT(end(&n, &p, true), 0);
		CHECK_INT(group_load_slice(n.groups, INT64_MAX), 0);
		CHECK_INT(offset(&n), 7);
	}
	stop(&n);
	fixture_release(&n.f);
}

/* A power cut could take the record, and leave the decision. */
static void
a_commit_waits_for_its_records(void)
{
	struct client p = { .version = TRANSACTION_V1 };
	struct node n = { 0 };

	fixture_init(&n.f);
	if (!set_up(&n))
		return;
	CHECK_INT(init(&n, &p), 0);
	CHECK_INT(add(&n, &p, S("t"), 0), 0);
	settle(&n);
	CHECK_INT(produce(&n, &p, 0, 1), 0);
	CHECK_INT(end_once(&n, &p, true), KERR_CONCURRENT_TRANSACTIONS);
	settle(&n);
	CHECK_INT(end_once(&n, &p, true), 0);
	settle(&n);
	CHECK_INT(commit_offset(&n, &p, 1), 0);
	CHECK_INT(end_once(&n, &p, true), KERR_CONCURRENT_TRANSACTIONS);
	settle(&n);
	CHECK_INT(end_once(&n, &p, true), 0);
	settle(&n);
	/* What is not to be seen need not be there; but the markers before must. */
	CHECK_INT(commit_offset(&n, &p, 2), 0);
	settle(&n);
	CHECK_INT(end_once(&n, &p, true), 0);
	CHECK_INT(commit_offset(&n, &p, 3), 0);
	CHECK_INT(end_once(&n, &p, false), KERR_CONCURRENT_TRANSACTIONS);
	settle(&n);
	CHECK_INT(end_once(&n, &p, false), 0);
	settle(&n);
	p.sequence++;
	CHECK_INT(add(&n, &p, S("t"), 0), 0);
	CHECK_INT(produce(&n, &p, 0, 2), 0);
	CHECK_INT(end_once(&n, &p, false), 0);
	stop(&n);
	fixture_release(&n.f);
}

static bool
is_all_stable(struct node *n)
{
	return partlog_last_stable(part(n, 0)) == partlog_high_watermark(part(n, 0));
}

/* PREPARE is durable, and then there is no room for markers. */
static void
check_full_between_decision_and_markers(int16_t version, bool restarts)
{
	const bool none[2] = { false };
	struct client p = { .version = version };
	struct node n = { 0 };
	struct simfs sim;

	fixture_init(&n.f);
	simfs_init(&sim, n.f.dir, true);
	n.f.o.fs = &sim.fs;
	if (!set_up(&n))
		return;
	CHECK_INT(init(&n, &p), 0);
	CHECK_INT(work(&n, &p, 0), 0);
	settle(&n);
	n.full_once_decided = &sim;
	CHECK_INT(end_once(&n, &p, true), 0); /* it is decided */
	CHECK(!is_all_stable(&n));
	CHECK_INT(add(&n, &p, S("t"), 0), KERR_CONCURRENT_TRANSACTIONS);
	n.f.clock.fake_ms += 1000;
	transactions_tick(n.transactions);
	CHECK(!is_all_stable(&n));
	n.full_once_decided = NULL;
	set_space(&sim, -1);
	if (restarts) {
		stop(&n);
		CHECK(start(&n));
	} else {
		n.f.clock.fake_ms += 1000;
		transactions_tick(n.transactions);
		settle(&n);
	}
	check(&n, 0, none);
	CHECK_INT(work(&n, &p, 1), 0);
	settle(&n);
	CHECK_INT(end(&n, &p, true), 0);
	settle(&n);
	check(&n, 1, none);
	stop(&n);
	simfs_release(&sim);
	fixture_release(&n.f);
}

static void
a_full_disk_between_decision_and_markers_is_no_harm(void)
{
	check_full_between_decision_and_markers(TRANSACTION_V1, false);
	check_full_between_decision_and_markers(TRANSACTION_V1, true);
	check_full_between_decision_and_markers(TRANSACTION_V2, false);
	check_full_between_decision_and_markers(TRANSACTION_V2, true);
}

static void
check_start_without_room(struct simfs *sim, bool is_known)
{
	struct client p = { .id = 4711, .version = TRANSACTION_V1 };
	struct node n = { 0 };

	fixture_init(&n.f);
	simfs_init(sim, n.f.dir, true);
	n.f.o.fs = &sim->fs;
	if (!set_up(&n))
		return;
	if (is_known)
		CHECK_INT(init(&n, &p), 0);
	CHECK_INT(produce(&n, &p, 0, 1), 0); /* which nobody added */
	settle(&n);
	stop(&n);
	n.full = sim;
	if (start(&n)) {
		CHECK(!is_all_stable(&n));
		n.f.clock.fake_ms += 1000;
		transactions_tick(n.transactions);
		settle(&n);
		CHECK_INT(is_all_stable(&n), !is_known);
		if (is_known) {
			CHECK_INT(end(&n, &p, true), 0);
			settle(&n);
			CHECK(is_all_stable(&n));
		}
	}
	stop(&n);
	simfs_release(sim);
	fixture_release(&n.f);
}

static void
a_start_without_room_is_made_good_later(void)
{
	struct simfs sim;

	check_start_without_room(&sim, false);
	check_start_without_room(&sim, true);
}

static void
do_transactions(struct node *n, struct client *p, int from, int until)
{
	for (int i = from; i < until; i++) {
		CHECK_INT(work(n, p, i), 0);
		settle(n);
		CHECK_INT(end(n, p, true), 0);
		settle(n);
	}
}

static void
what_is_compacted_brings_all_back(int16_t version, bool commits)
{
	enum { BEFORE = 30, AFTER = 5 };
	struct client p = { .version = version };
	struct client open = { .version = version, .name = "open" };
	const bool none[BEFORE + AFTER] = { false };
	struct node n = { 0 };
	int states, offsets;

	fixture_init(&n.f);
	keyed_options(&n.f);
	if (!set_up(&n))
		return;
	CHECK_INT(init(&n, &open), 0);
	CHECK_INT(commit_offset(&n, &open, 900), 0);
	settle(&n);
	CHECK_INT(end(&n, &open, true), 0);
	CHECK_INT(init(&n, &p), 0);
	do_transactions(&n, &p, 0, 3);
	make_small(&n, TRANSACTIONS_TOPIC);
	make_small(&n, OFFSETS_TOPIC);
	do_transactions(&n, &p, 3, BEFORE - 5);
	/* One stays open, with an offset that is pending, and more behind it. */
	CHECK_INT(commit_offset(&n, &open, 1000), 0);
	do_transactions(&n, &p, BEFORE - 5, BEFORE);
	states = records(&n, TRANSACTIONS_TOPIC);
	offsets = records(&n, OFFSETS_TOPIC);
	compact(&n);
	CHECK(records(&n, TRANSACTIONS_TOPIC) < states / 4);
	CHECK(records(&n, OFFSETS_TOPIC) < offsets * 3 / 4);
	stop(&n);
	if (start(&n)) {
		struct transactions_view v;

		check(&n, BEFORE - 1, none);
		do_transactions(&n, &p, BEFORE, BEFORE + AFTER);
		CHECK_INT(transactions_find(n.transactions, S("open"), &v), 0);
		CHECK_INT(v.state->state, TRANSACTION_ONGOING);
		CHECK_INT(end(&n, &open, commits), 0);
		settle(&n);
		CHECK_INT(offset_of(&n, S("open")), commits ? 1000 : 900);
	}
	stop(&n);
	fixture_release(&n.f);
}

static void
compaction_leaves_all_that_a_start_needs(void)
{
	what_is_compacted_brings_all_back(TRANSACTION_V1, true);
	what_is_compacted_brings_all_back(TRANSACTION_V1, false);
	what_is_compacted_brings_all_back(TRANSACTION_V2, false);
}

int
main(void)
{
	RUN(a_start_without_room_is_made_good_later);
	RUN(a_marker_counts_while_groups_are_loaded);
	RUN(a_commit_waits_for_its_records);
	RUN(a_full_disk_between_decision_and_markers_is_no_harm);
	RUN(power_cuts_leave_all_or_nothing);
	RUN(cuts_amid_compaction_leave_all_or_nothing);
	RUN(compaction_leaves_all_that_a_start_needs);
	RUN(cuts_that_keep_or_lose_all_leave_all_or_nothing);
	return tap_done();
}
