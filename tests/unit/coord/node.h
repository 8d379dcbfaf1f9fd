/*
 * node.h - the coordinators over a real store, and a producer with
 * transactions: for tests of both.
 */
#ifndef NODE_H
#define NODE_H

#include "coord/transactions.h"

#include "config.h"
#include "coord/groups.h"
#include "coord/internal.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/meta.h"
#include "store/keyed.h"
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
	struct simfs *full_once_decided; /* from the next commit on, NULL = no */
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

static inline void
answered(void *token, const struct transactions_reply *r, uint64_t commit)
{
	(void)token;
	reply = (struct reply){ r->error, r->producer_id, r->epoch, commit, true };
}

static inline void
wake(void *arg, int64_t at)
{
	(void)arg;
	(void)at;
}

static inline void
set_space(struct simfs *sim, int64_t bytes)
{
	pthread_mutex_lock(&sim->lock);
	sim->space = bytes;
	pthread_mutex_unlock(&sim->lock);
}

static inline void
committed(void *arg, uint64_t seq, int16_t error)
{
	struct node *n = arg;

	if (n->full_once_decided)
		set_space(n->full_once_decided, 0);
	if (n->transactions)
		transactions_committed(n->transactions, seq, error);
}

static inline bool
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

static inline bool
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

static inline void
stop(struct node *n)
{
	transactions_close(n->transactions);
	n->transactions = NULL;
	groups_close(n->groups);
	meta_close(n->meta);
	fixture_stop(&n->f);
	config_free(n->config);
}

static inline struct partlog *
part(struct node *n, int32_t p)
{
	struct topic *t = meta_topic(n->meta, S("t"));

	return t ? topic_partition(t, p) : NULL;
}

/* ---- a producer ----------------------------------------------------------- */

struct client {
	const char *name; /* its transactional id, NULL = "x" */
	int64_t id;
	int16_t epoch, version;
	int32_t sequence;
};

static inline struct slice
name_of(const struct client *p)
{
	return slice_str(p->name ? p->name : "x");
}

static inline bool
wait_reply(struct node *n)
{
	/* And no longer: what the answer came with is not on its way yet. */
	for (int i = 0; i < 1000 && !reply.come; i++) {
		store_flush(n->f.s);
		fixture_sleep(&n->f);
		store_poll(n->f.s);
	}
	return CHECK(reply.come) &&
		(!reply.commit || fixture_wait(&n->f, reply.commit));
}

static inline int16_t
init(struct node *n, struct client *p)
{
	struct transaction_init q = { .producer_id = -1, .epoch = -1, .timeout_ms = TIMEOUT };

	reply.come = false;
	transactions_init(n->transactions, name_of(p), &q, NULL);
	wait_reply(n);
	p->id = reply.id;
	p->epoch = reply.epoch;
	p->sequence = 0;
	return reply.error;
}

static inline int16_t
end_once(struct node *n, struct client *p, bool commits)
{
	struct transaction_end q = {
		.producer_id = p->id, .epoch = p->epoch, .commit = commits,
		.client_version = p->version,
	};

	reply.come = false;
	transactions_end(n->transactions, name_of(p), &q, NULL);
	wait_reply(n);
	if (p->version == TRANSACTION_V2 && !reply.error) {
		p->epoch = reply.epoch;
		p->sequence = 0;
	}
	return reply.error;
}

/* As clients do, who ask again. */
static inline int16_t
end(struct node *n, struct client *p, bool commits)
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

static inline int16_t
add(struct node *n, const struct client *p, struct slice topic, int32_t partition)
{
	struct transactions_producer tp = { name_of(p), p->id, p->epoch, p->version };
	struct transactions_part tpart = { topic, partition };

	return transactions_add(n->transactions, &tp, &tpart, 1);
}

static inline int16_t
produce(struct node *n, const struct client *p, int32_t partition, int value)
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

/* Its own group, or "g". */
static inline struct slice
group_of(const struct client *p)
{
	return slice_str(p->name ? p->name : "g");
}

static inline int16_t
commit_offset(struct node *n, const struct client *p, int value)
{
	struct groups_producer gp = { p->id, p->epoch };
	struct groups_commit c = {
		.group = group_of(p), .member_id = S(""), .generation = -1, .producer = &gp,
	};
	struct groups_offset o = {
		.topic = S("t"),
		.c = { .offset = value, .metadata = S("m"), .committed_at = T0,
			.expires_at = -1, .leader_epoch = -1 },
	};
	struct transactions_part tpart;
	uint64_t commit;
	int16_t error = transactions_group_part(n->transactions, group_of(p), &tpart);

	if (!error)
		error = add(n, p, tpart.topic, tpart.partition);
	if (error)
		return error;
	groups_commit_offsets(n->groups, &c, &o, 1, &commit);
	return o.error;
}

/* Everything of a transaction but its end. */
static inline int16_t
work(struct node *n, struct client *p, int value)
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

static inline bool
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

struct values {
	int values[MAX_TXNS], n; /* committed, in their order */
	int open[MAX_TXNS], open_n;
	int idle;                /* markers that end nothing */
};

static inline int
see_value(void *arg, const struct log_record *r)
{
	struct values *s = arg;

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

static inline struct values
read_committed(struct node *n, int32_t partition)
{
	struct values s = { .n = 0 };
	struct err e = ERR_INIT;

	partlog_scan(part(n, partition), 0, see_value, &s, &e);
	CHECK_INT(partlog_last_stable(part(n, partition)),
		partlog_high_watermark(part(n, partition)));
	return s;
}

static inline int64_t
offset_of(struct node *n, struct slice group)
{
	const struct committed *c = NULL;
	struct group_entry *en;

	CHECK_INT(groups_find(n->groups, group, &en), 0);
	if (en) {
		c = offsets_get(&en->offsets, S("t"), 0);
		CHECK(list_is_empty(&en->pending));
	}
	return c ? c->offset : -1;
}

static inline int64_t
offset(struct node *n)
{
	return offset_of(n, S("g"));
}

/* Nothing is open, all partitions agree, and the group's offset with them. */
static inline bool
check(struct node *n, int acknowledged, const bool *aborted)
{
	struct values first = read_committed(n, 0), other;
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

#endif
