#include "kafka/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/producer.h"

enum {
	SLICE_MS = 2000,            /* a signal is seen between two of these */
	TIMEOUT_DEFAULT_MS = 60000, /* librdkafka's transaction.timeout.ms */
	NAMED_MAX = 5,              /* topics in a sentence */
};

/* What the calls of a transaction work on. */
struct job {
	rd_kafka_t *rk;
	const rd_kafka_topic_partition_list_t *offsets;
	const rd_kafka_consumer_group_metadata_t *group;
};

static rd_kafka_error_t *
do_init(const struct job *j, int ms)
{
	return rd_kafka_init_transactions(j->rk, ms);
}

static rd_kafka_error_t *
do_offsets(const struct job *j, int ms)
{
	return rd_kafka_send_offsets_to_transaction(j->rk, j->offsets, j->group, ms);
}

static rd_kafka_error_t *
do_commit(const struct job *j, int ms)
{
	return rd_kafka_commit_transaction(j->rk, ms);
}

static rd_kafka_error_t *
do_abort(const struct job *j, int ms)
{
	return rd_kafka_abort_transaction(j->rk, ms);
}

static int64_t
now_mono(void)
{
	return clock_mono_ms(clock_system());
}

/* The deadline of something that starts now, and what a signal makes of it. */
static void
limit(int64_t *deadline, bool *signalled)
{
	if (*signalled || !sig_caught())
		return;
	*signalled = true;
	if (*deadline - PRODUCER_STOP_MS > now_mono())
		*deadline = now_mono() + PRODUCER_STOP_MS;
}

/* The same call again while it is retriable and time is left. returns owned, or NULL */
static rd_kafka_error_t *
persist(struct producer *p, rd_kafka_error_t *(*call)(const struct job *, int),
	const struct job *j)
{
	int64_t deadline = p->o.timeout_ms < 0 ? INT64_MAX :
		now_mono() + p->o.timeout_ms;
	bool signalled = false;

	for (;;) {
		rd_kafka_error_t *error;
		int64_t left;

		limit(&deadline, &signalled);
		left = deadline - now_mono();
		error = call(j, left < 1 ? 1 : left < SLICE_MS ? (int)left : SLICE_MS);
		if (!error || !rd_kafka_error_is_retriable(error) ||
		    now_mono() >= deadline)
			return error;
		rd_kafka_error_destroy(error);
		rd_kafka_poll(j->rk, 20);
	}
}

static bool
is_fence(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__FENCED ||
		code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
		code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/*
 * An abort may ask for a new epoch (KIP-360). When the broker dies between
 * giving it and saying so, its successor refuses the older one, as it refuses
 * who was fenced by a twin: there is no telling which. The epoch is not taken
 * anew here: were there a twin, it would be fenced, and its offsets passed over.
 */
static bool
may_be_own_epoch(const struct producer *p, rd_kafka_resp_err_t code)
{
	return is_fence(code) && p->txn.aborting &&
		client_losses(p->client) != p->txn.losses_before;
}

bool
txn_is_fenced(const struct producer *p)
{
	char why[512];

	return is_fence(rd_kafka_fatal_error(client_handle(p->client), why,
		sizeof(why)));
}

/* Ours from librdkafka's, which is destroyed. Fatal ones stay with the producer. */
static int
take_error(struct producer *p, rd_kafka_error_t *error, const char *what,
	struct err *e)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error), real;
	bool fatal = rd_kafka_error_is_fatal(error);
	char why[512] = "";

	real = fatal ? rd_kafka_fatal_error(client_handle(p->client), why,
		sizeof(why)) : 0;
	if (may_be_own_epoch(p, real))
		err_set(e, ERR_TEMPORARY, "the broker was lost while it gave this "
			"run a new epoch, and nothing is sent with the older one "
			"(run it again, if no other run has taken over)");
	else
		client_error(p->client, real ? real : code,
			real ? why : rd_kafka_error_string(error), e);
	err_wrap(e, "%s (transactional id '%s')", what, p->txn.id);
	if (fatal)
		p->fatal = *e;
	rd_kafka_error_destroy(error);
	return -1;
}

/* ---- opening ---- */

void
producer_txn_setup(struct producer *p, rd_kafka_conf_t *rk_conf)
{
	const char *given = conf_get(p->conf, "transaction.timeout.ms");
	int64_t timeout = TIMEOUT_DEFAULT_MS, records = p->o.timeout_ms;
	struct err ignored;
	char number[24];

	if (given)
		num_int(slice_str(given), 1, INT32_MAX, &timeout, &ignored);
	/* Records must fail while the transaction can still be aborted. */
	if (records < 0 || records > timeout * 4 / 5)
		records = timeout * 4 / 5;
	if (!conf_get(p->conf, "message.timeout.ms")) {
		snprintf(number, sizeof(number), "%" PRId64, records);
		rd_kafka_conf_set(rk_conf, "message.timeout.ms", number, NULL, 0);
	}
	rd_kafka_conf_set(rk_conf, "transactional.id", p->txn.id, NULL, 0);
}

int
producer_txn_init(struct producer *p, struct err *e)
{
	struct job j = { .rk = client_handle(p->client) };
	rd_kafka_error_t *error = persist(p, do_init, &j);

	if (!error)
		return 0;
	if (sig_caught() && rd_kafka_error_is_retriable(error)) {
		rd_kafka_error_destroy(error);
		return -1;
	}
	return take_error(p, error, "cannot start transactions", e);
}

/* ---- one transaction ---- */

bool
txn_is_open(const struct producer *p)
{
	return p->txn.open;
}

int
txn_begin(struct producer *p, struct err *e)
{
	rd_kafka_error_t *error;

	if (p->fatal.code || p->txn.unsettled.code) {
		*e = p->fatal.code ? p->fatal : p->txn.unsettled;
		return -1;
	}
	error = rd_kafka_begin_transaction(client_handle(p->client));
	if (error)
		return take_error(p, error, "cannot begin a transaction", e);
	p->txn.open = true;
	p->txn.number++;
	p->txn.failed = (struct err)ERR_INIT;
	p->txn.lost = false;
	p->txn.acked_before = producer_totals(p).acked;
	return 0;
}

void
producer_txn_fail(struct producer *p, const struct err *why)
{
	if (p->txn.open && !p->txn.failed.code)
		p->txn.failed = *why;
}

void
producer_txn_lost(struct producer *p)
{
	p->totals.failed++;
	p->txn.lost = true;
}

/* How it ended is not known here; who comes next with this id finds out. */
static int
unsettled(struct producer *p, struct err *e)
{
	e->code = ERR_TEMPORARY;
	err_wrap(e, "the transaction's end is not confirmed, run it again");
	p->txn.unsettled = *e;
	p->txn.open = false;
	return -1;
}

static void
count_aborted(struct producer *p)
{
	int64_t undone = producer_totals(p).acked - p->txn.acked_before;

	p->handed -= undone;
	p->totals.failed += undone;
}

int
txn_abort(struct producer *p, struct err *e)
{
	static const struct err dropped = { ERR_TEMPORARY, "the transaction is aborted" };
	int64_t batch_bytes = p->txn.batch_bytes;
	rd_kafka_error_t *error;
	struct job j = { 0 };

	if (!p->txn.open)
		return 0;
	j.rk = client_handle(p->client);
	/* Records that are dropped now are no failures of their own. */
	producer_txn_fail(p, &dropped);
	p->txn.losses_before = client_losses(p->client);
	p->txn.aborting = true;
	error = persist(p, do_abort, &j);
	if (error) {
		bool retriable = rd_kafka_error_is_retriable(error);

		take_error(p, error, "cannot abort", e);
		if (retriable)
			return unsettled(p, e);
		p->txn.open = false;
		p->fatal = *e;
		return -1;
	}
	count_aborted(p);
	p->txn.open = p->txn.aborting = false;
	p->txn.batch_bytes = 0;
	return batch_bytes ? producer_reopen(p, batch_bytes, e) : 0;
}

/*
 * Aborts because of *e, which stays unless the abort fails too. What was refused
 * is that in any case: Kafka does not know of a transaction that it has taken
 * nothing of, and so refuses to end it.
 */
static int
give_up(struct producer *p, struct err *e)
{
	struct err why = ERR_INIT;

	if (txn_abort(p, &why) && e->code != ERR_REFUSED)
		*e = why;
	return -1;
}

static rd_kafka_topic_partition_list_t *
make_list(const struct group_offsets *offsets)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(offsets->n);

	for (int i = 0; i < offsets->n; i++) {
		const struct group_offset *o = &offsets->items[i];
		rd_kafka_topic_partition_t *t = rd_kafka_topic_partition_list_add(
			list, o->topic, o->partition);

		t->offset = o->offset;
		if (!o->metadata)
			continue;
		t->metadata_size = strlen(o->metadata);
		t->metadata = xmemdup0(o->metadata, t->metadata_size);
	}
	return list;
}

/* The brokers do not say no, they are asked for ever: we look ourselves. */
static int
check_topics(struct producer *p, const struct group_offsets *offsets, struct err *e)
{
	for (int i = 0; i < offsets->n; i++) {
		const char *name = offsets->items[i].topic;
		struct slice key = slice_str(name);
		struct known *k = map_get(&p->txn.known, key);
		int32_t partition = offsets->items[i].partition;

		if (k && partition < k->partitions)
			continue;
		if (!k) {
			k = xcalloc(1, sizeof(*k));
			k->name = xstrdup(name);
			map_put(&p->txn.known, slice_str(k->name), k);
		}
		if (producer_count_partitions(p, name, &k->partitions, e))
			return -1;
		if (partition >= k->partitions)
			return err_set(e, ERR_NOT_FOUND, "this cluster has no '%s' "
				"[%" PRId32 "], whose offset should be committed "
				"(records and offsets are committed together only "
				"within one cluster)", name, partition);
	}
	return 0;
}

int
txn_check_group(struct producer *p, const char *group, struct err *e)
{
	int timeout = p->o.timeout_ms < 0 ? TIMEOUT_DEFAULT_MS : p->o.timeout_ms;
	const struct rd_kafka_group_list *list;
	rd_kafka_resp_err_t code;
	int members = 0;

	code = rd_kafka_list_groups(client_handle(p->client), group, &list, timeout);
	if (code)
		return client_error(p->client, code, NULL, e);
	for (int i = 0; i < list->group_cnt; i++)
		members += list->groups[i].member_cnt;
	rd_kafka_group_list_destroy(list);
	if (members)
		return err_set(e, ERR_REFUSED, "the group has members (stop them "
			"first; kc-lag members GROUP names them)");
	return 0;
}

/*
 * What an abort of librdkafka's may be worth another try; rights and names
 * that are wrong stay wrong.
 */
static void
classify(struct err *e)
{
	if (e->code == ERR_FAILED)
		e->code = ERR_TEMPORARY;
}

/* Of the transaction: a refusal of one is a refusal of all, and does not say of which. */
static void
name_topics(struct producer *p, struct err *e)
{
	struct buf names = BUF_INIT;
	struct topic *t;
	int n = 0;

	for (size_t i = 0; (t = map_next(&p->topics, &i)); )
		if (t->txn == p->txn.number && n++ < NAMED_MAX)
			buf_addf(&names, "%s'%s'", n > 1 ? ", " : "", t->name);
	if (n)
		err_wrap(e, "%s %s%s", n > 1 ? "one of the topics" : "topic",
			buf_cstr(&names), n > NAMED_MAX ? ", ..." : "");
	buf_release(&names);
}

static int
fail_call(struct producer *p, rd_kafka_error_t *error, const char *what,
	struct err *e)
{
	bool of_topic = rd_kafka_error_code(error) ==
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	bool retriable = rd_kafka_error_is_retriable(error);
	bool abortable = rd_kafka_error_txn_requires_abort(error);

	take_error(p, error, what, e);
	if (of_topic)
		name_topics(p, e);
	if (abortable) {
		classify(e);
		return give_up(p, e);
	}
	if (retriable)
		return unsettled(p, e);
	p->txn.open = false;
	if (!p->fatal.code)
		p->fatal = *e;
	return -1;
}

/* To commit a topic's offsets is to have read it; the same code also tells of topics that are written to. */
static bool
is_unread(const rd_kafka_error_t *error)
{
	return rd_kafka_error_code(error) ==
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
		!strstr(rd_kafka_error_string(error), "add partition");
}

static int
send_offsets(struct producer *p, const struct txn_source *source,
	const struct group_offsets *offsets, struct err *e)
{
	struct job j = { .rk = client_handle(p->client) };
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_consumer_group_metadata_t *group;
	rd_kafka_error_t *error;
	char what[512];
	bool unread;

	if (check_topics(p, offsets, e))
		return give_up(p, e);
	group = source->member ? consume_membership(source->member) :
		rd_kafka_consumer_group_metadata_new(source->group);
	j.group = group;
	j.offsets = list = make_list(offsets);
	error = persist(p, do_offsets, &j);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_consumer_group_metadata_destroy(group);
	if (!error)
		return 0;
	snprintf(what, sizeof(what), "cannot commit offsets of group '%s'",
		source->group);
	/* Nothing was committed yet: time that ran out here is an abort. */
	if (rd_kafka_error_is_retriable(error)) {
		take_error(p, error, what, e);
		classify(e);
		return give_up(p, e);
	}
	unread = is_unread(error);
	fail_call(p, error, what, e);
	return !unread || e->code != ERR_REFUSED ? -1 : err_set(e, ERR_REFUSED,
		"topic '%s': %s (transactional id '%s'): not authorised for the "
		"topic (it needs READ)", offsets->items[0].topic, what, p->txn.id);
}

int
txn_commit(struct producer *p, const struct txn_source *source,
	const struct group_offsets *offsets, struct err *e)
{
	struct job j = { .rk = client_handle(p->client) };
	rd_kafka_error_t *error;

	if (producer_flush(p, -1, e)) {
		p->txn.open = false;
		return -1;
	}
	if (p->txn.failed.code) {
		*e = p->txn.failed;
		if (e->code != ERR_TEMPORARY && e->code != ERR_REFUSED)
			e->code = ERR_FAILED;
		err_wrap(e, "the transaction is aborted");
		return give_up(p, e);
	}
	if (source && offsets->n && send_offsets(p, source, offsets, e))
		return -1;
	error = persist(p, do_commit, &j);
	if (error)
		return fail_call(p, error, "cannot commit", e);
	p->txn.open = false;
	return 0;
}

void
producer_txn_release(struct producer *p)
{
	struct known *k;

	for (size_t i = 0; (k = map_next(&p->txn.known, &i)); ) {
		free(k->name);
		free(k);
	}
	map_release(&p->txn.known);
}
