/*
 * Transactions over a real store and a disk that loses power: at every cut,
 * each is there in all partitions or in none, with the group's offset, and
 * none that was acknowledged is missing.
 */
#include "coord/transactions.h"

#include "config.h"
#include "coord/groups.h"
#include "coord/internal.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/meta.h"
#include "store/fixture.h"
#include "store/simfs.h"

#define S(text) slice_str(text)

enum { PARTS = 3, MAX_TXNS = 400, TIMEOUT = 60000 };

struct node {
	struct fixture f;
	struct config *config;
	struct meta *meta;
	struct groups *groups;
	struct transactions *transactions;
	const char *offsets_partitions; /* of __consumer_offsets, NULL = as it is */
	struct simfs *full; /* while transactions are opened, NULL = no */
};

static struct reply {
	int16_t error;
	int64_t id;
	int16_t epoch;
	uint64_t commit;
	bool come;
} reply;

void
log_info(const char *fmt, ...)
{
	(void)fmt;
}

void
log_warn(const char *fmt, ...)
{
	(void)fmt;
}

void
log_error(const char *fmt, ...)
{
	(void)fmt;
}

static void
answered(void *token, const struct transactions_reply *r, uint64_t commit)
{
	(void)token;
	reply = (struct reply){ r->error, r->producer_id, r->epoch, commit, true };
}

static void
wake(void *arg, int64_t at)
{
	(void)arg;
	(void)at;
}

static void
committed(void *arg, uint64_t seq, int16_t error)
{
	struct node *n = arg;

	if (n->transactions)
		transactions_committed(n->transactions, seq, error);
}

static bool
settle(struct node *n)
{
	uint64_t seq;

	do { /* what a commit's end appends is another commit */
		seq = commit_newest(n->f.s);
		if (!fixture_wait(&n->f, seq))
			return false;
	} while (commit_newest(n->f.s) != seq);
	return true;
}

static void
set_space(struct simfs *sim, int64_t bytes)
{
	pthread_mutex_lock(&sim->lock);
	sim->space = bytes;
	pthread_mutex_unlock(&sim->lock);
}

static bool
start(struct node *n)
{
	struct groups_parts gp = { .clock = &n->f.clock, .wake = wake };
	struct transactions_parts tp = {
		.clock = &n->f.clock, .wake = wake, .answer = answered,
	};

	n->f.o.committed = committed;
	n->f.o.committed_arg = n;
	n->config = config_new();
	if (n->offsets_partitions)
		CHECK_INT(config_set(n->config, "offsets.topic.num.partitions",
			n->offsets_partitions, NULL, &n->f.e), 0);
	if (!CHECK_INT(fixture_open(&n->f), 0) ||
	    !CHECK_INT(meta_open(&n->meta, n->f.s, &n->f.clock, n->config, &n->f.e), 0) ||
	    !CHECK_INT(store_start(n->f.s, &n->f.e), 0))
		return false;
	gp.config = tp.config = n->config;
	gp.meta = tp.meta = n->meta;
	CHECK_INT(groups_open(&n->groups, &gp, &n->f.e), 0);
	tp.groups = n->groups;
	if (n->full)
		set_space(n->full, 0);
	n->transactions = transactions_open(&tp);
	if (n->full)
		set_space(n->full, -1);
	return CHECK(settle(n));
}

static void
stop(struct node *n)
{
	transactions_close(n->transactions);
	n->transactions = NULL;
	groups_close(n->groups);
	meta_close(n->meta);
	fixture_stop(&n->f);
	config_free(n->config);
}

static struct partlog *
part(struct node *n, int32_t p)
{
	struct topic *t = meta_topic(n->meta, S("t"));

	return t ? topic_partition(t, p) : NULL;
}

/* ---- a producer ----------------------------------------------------------- */

struct producer {
	int64_t id;
	int16_t epoch, version;
	int32_t sequence;
};

static bool
wait_reply(struct node *n)
{
	for (int i = 0; i < 10 && !reply.come; i++)
		settle(n);
	return CHECK(reply.come) && fixture_wait(&n->f, reply.commit);
}

static int16_t
init(struct node *n, struct producer *p)
{
	struct transaction_init q = { .producer_id = -1, .epoch = -1, .timeout_ms = TIMEOUT };

	reply.come = false;
	transactions_init(n->transactions, S("x"), &q, NULL);
	wait_reply(n);
	p->id = reply.id;
	p->epoch = reply.epoch;
	p->sequence = 0;
	return reply.error;
}

static int16_t
end_once(struct node *n, struct producer *p, bool commits)
{
	struct transaction_end q = {
		.producer_id = p->id, .epoch = p->epoch, .commit = commits,
		.client_version = p->version,
	};

	reply.come = false;
	transactions_end(n->transactions, S("x"), &q, NULL);
	wait_reply(n);
	if (p->version == TRANSACTION_V2 && !reply.error) {
		p->epoch = reply.epoch;
		p->sequence = 0;
	}
	return reply.error;
}

/* As clients do, who ask again. */
static int16_t
end(struct node *n, struct producer *p, bool commits)
{
	int16_t error;

	for (int i = 0; i < 3; i++) {
		error = end_once(n, p, commits);
		if (error != KERR_CONCURRENT_TRANSACTIONS)
			break;
		settle(n);
	}
	return error;
}

static int16_t
add(struct node *n, const struct producer *p, struct slice topic, int32_t partition)
{
	struct transactions_producer tp = { S("x"), p->id, p->epoch, p->version };
	struct transactions_part tpart = { topic, partition };

	return transactions_add(n->transactions, &tp, &tpart, 1);
}

static int16_t
produce(struct node *n, const struct producer *p, int32_t partition, int value)
{
	struct append_result r;
	struct buf b = BUF_INIT;
	b.len = BATCH_HEADER;
	buf_grow(&b, 200);
	put_record(&b, 0, 0, SLICE_NULL, slice_make(&value, sizeof(value)));
	finish_batch(&b, BATCH_TRANSACTIONAL, 1, T0, T0, p->id, p->epoch, p->sequence);
	partlog_append(part(n, partition), b.data, b.len, APPEND_CLIENT, &r);
	buf_release(&b);
	return r.error;
}

static int16_t
commit_offset(struct node *n, const struct producer *p, int value)
{
	struct groups_producer gp = { p->id, p->epoch };
	struct groups_commit c = {
		.group = S("g"), .member_id = S(""), .generation = -1, .producer = &gp,
	};
	struct groups_offset o = {
		.topic = S("t"),
		.c = { .offset = value, .metadata = S("m"), .committed_at = T0,
			.expires_at = -1, .leader_epoch = -1 },
	};
	struct transactions_part tpart;
	uint64_t commit;
	int16_t error = transactions_group_part(n->transactions, S("g"), &tpart);

	if (!error)
		error = add(n, p, tpart.topic, tpart.partition);
	if (error)
		return error;
	groups_commit_offsets(n->groups, &c, &o, 1, &commit);
	return o.error;
}

/* Everything of a transaction but its end. */
static int16_t
work(struct node *n, struct producer *p, int value)
{
	int16_t error = 0;

	for (int32_t i = 0; !error && i < PARTS; i++) {
		error = add(n, p, S("t"), i);
		if (!error)
			error = produce(n, p, i, value);
	}
	p->sequence++;
	return error ? error : commit_offset(n, p, value);
}

static bool
set_up(struct node *n)
{
	struct arena a = { 0 };
	struct topic *t;
	uint64_t commit;
	const char *why;
	bool ok = start(n);

	if (ok)
		ok = CHECK_INT(meta_create_topic(n->meta, S("t"), PARTS, NULL, 0, false,
			false, &a, &t, &commit, &why), 0) && CHECK(settle(n));
	arena_release(&a);
	return ok;
}

/* ---- what readers of committed records see -------------------------------- */

struct seen {
	int values[MAX_TXNS], n; /* committed, in their order */
	int open[MAX_TXNS], open_n;
	int idle;                /* markers that end nothing */
};

static int
see(void *arg, const struct log_record *r)
{
	struct seen *s = arg;

	if (!r->control) {
		memcpy(&s->open[s->open_n++], r->value.data, sizeof(int));
		return 0;
	}
	s->idle += !s->open_n;
	for (int i = 0; i < s->open_n && ((const uint8_t *)r->key.data)[3] == 1; i++)
		s->values[s->n++] = s->open[i];
	s->open_n = 0;
	return 0;
}

static struct seen
read_committed(struct node *n, int32_t partition)
{
	struct seen s = { .n = 0 };
	struct err e = ERR_INIT;

	partlog_scan(part(n, partition), 0, see, &s, &e);
	CHECK_INT(partlog_last_stable(part(n, partition)),
		partlog_high_watermark(part(n, partition)));
	return s;
}

static int64_t
offset(struct node *n)
{
	const struct committed *c = NULL;
	struct group_entry *en;

	CHECK_INT(groups_find(n->groups, S("g"), &en), 0);
	if (en) {
		c = offsets_get(&en->offsets, S("t"), 0);
		CHECK(list_is_empty(&en->pending));
	}
	return c ? c->offset : -1;
}

/* Nothing is open, all partitions agree, and the group's offset with them. */
static bool
check(struct node *n, int acknowledged, const bool *aborted)
{
	struct seen first = read_committed(n, 0), other;
	int last = -1, wanted = 0;
	bool ok = true;

	for (int32_t p = 1; p < PARTS; p++) {
		other = read_committed(n, p);
		ok &= CHECK_INT(other.n, first.n);
		ok &= CHECK(!memcmp(other.values, first.values,
			(size_t)first.n * sizeof(int)));
	}
	/* What has its marker gets no second one: it would end the next transaction. */
	ok &= CHECK_INT(first.idle, 0);
	for (int i = 0; i < first.n; i++) {
		ok &= CHECK(first.values[i] > last);
		last = first.values[i];
		ok &= CHECK(!aborted[last]);
		wanted += last <= acknowledged;
	}
	for (int i = 0; i <= acknowledged; i++)
		wanted -= !aborted[i];
	ok &= CHECK_INT(wanted, 0);
	ok &= CHECK_INT(offset(n), last);
	return ok;
}

/* ---- tests ---------------------------------------------------------------- */

struct mark {
	size_t op;
	int acknowledged;
};

static struct mark marks[MAX_TXNS];
static bool aborted[MAX_TXNS];

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
cuts_leave_all_or_nothing(int16_t version, enum sim_fate fate, int cuts)
{
	enum { TXNS = 40 };
	struct producer p = { .version = version };
	struct node n = { 0 };
	struct simfs sim;
	size_t from;
	char cut[300];

	memset(aborted, 0, sizeof(aborted));
	fixture_init(&n.f);
	simfs_init(&sim, n.f.dir, true);
	n.f.o.fs = &sim.fs;
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
		if (i % 10 == 9)
			CHECK_INT(init(&n, &p), 0);
	}
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
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_MIX, 200);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_MIX, 200);
}

static void
cuts_that_keep_or_lose_all_leave_all_or_nothing(void)
{
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_KEEP, 40);
	cuts_leave_all_or_nothing(TRANSACTION_V1, SIM_LOSE, 40);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_KEEP, 40);
	cuts_leave_all_or_nothing(TRANSACTION_V2, SIM_LOSE, 40);
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
	struct producer p = { .version = TRANSACTION_V1 };
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
	struct producer p = { .version = TRANSACTION_V1 };
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
	/* What is not to be seen need not be there. */
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

static void
check_start_without_room(struct simfs *sim, bool is_known)
{
	struct producer p = { .id = 4711, .version = TRANSACTION_V1 };
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

int
main(void)
{
	RUN(a_start_without_room_is_made_good_later);
	RUN(a_marker_counts_while_groups_are_loaded);
	RUN(a_commit_waits_for_its_records);
	RUN(power_cuts_leave_all_or_nothing);
	RUN(cuts_that_keep_or_lose_all_leave_all_or_nothing);
	return tap_done();
}
