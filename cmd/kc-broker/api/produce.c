/*
 * Produce: appends one record batch a partition, and answers once the group
 * commit has them on disk, or not at all (acks=0; an error then closes the
 * connection, which is the only way to tell). acks=1 waits as acks=all does:
 * who has a record acknowledged wants to be able to read it.
 */
#include <stdlib.h>

#include "api/api.h"
#include "api/named.h"
#include "base/xalloc.h"
#include "broker.h"
#include "coord/transactions.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/quota.h"
#include "net/request.h"
#include "net/worker.h"
#include "store/batch.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	TOPIC_ID_SINCE = 13,
	ZSTD_SINCE = 7, /* KIP-110 */
	ABORTABLE_SINCE = 11,
	ADDS_SINCE = 12, /* partitions to their transaction: KIP-890 part 2 */
};

/* Goes through one request; lives in its arena. */
struct produce {
	struct work work;
	struct request *rq;
	struct slice body;
	struct produce_request q; /* its slices are of the frame, until keep() */
	bool kept;
	int topic, partition;     /* the next one to be appended */
	struct append_check *check; /* of its batch, when the worker has made one */
	struct uuid checked_id;   /* the topic that it was made for */
	struct produce_response resp;
	uint64_t commit; /* of the last append, 0 = none */
	bool failed;     /* some partition */
	bool twice;      /* some partition is named twice */
	int16_t acks;
};

static void act(struct produce *p);

static void
refuse(struct produce_response_partition *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = why ? slice_str(why) : slice_str(kerr_message(error));
}

/* What is refused before the log sees it. */
static bool
is_acceptable(const struct request *rq, struct slice records,
	struct produce_response_partition *out)
{
	struct batch b;

	if (records.len < BATCH_HEADER) {
		refuse(out, records.len ? KERR_CORRUPT_MESSAGE : KERR_INVALID_RECORD,
			"a partition needs exactly one record batch");
		return false;
	}
	batch_decode(records.data, &b);
	if ((b.attributes & BATCH_CODEC_MASK) == CODEC_ZSTD &&
	    rq->version < ZSTD_SINCE) {
		refuse(out, KERR_UNSUPPORTED_COMPRESSION_TYPE, NULL);
		return false;
	}
	return true;
}

/* As Kafka's leaders say what the coordinator told them (KIP-890). */
static int16_t
leader_error(const struct request *rq, int16_t error)
{
	switch (error) {
	case KERR_PRODUCER_FENCED:
		return KERR_INVALID_PRODUCER_EPOCH;
	case KERR_TRANSACTION_ABORTABLE:
		return rq->version < ABORTABLE_SINCE ? KERR_INVALID_TXN_STATE : error;
	case KERR_CONCURRENT_TRANSACTIONS:
	case KERR_COORDINATOR_NOT_AVAILABLE:
	case KERR_NOT_COORDINATOR:
		/* the client tries again */
		return rq->version < ADDS_SINCE ? KERR_NOT_ENOUGH_REPLICAS
			: KERR_CONCURRENT_TRANSACTIONS;
	}
	return error;
}

/*
 * KIP-890: no transaction begins in a partition without its coordinator's
 * knowing: it could not be ended. New producers leave the telling to us. Every
 * batch asks, not the first alone: what the log has open may be decided
 * already, and wait for its marker.
 */
static int16_t
admit(struct request *rq, const struct produce *p, const struct topic *t,
	int32_t partition, struct slice records)
{
	struct transactions_part part = { slice_str(t->name), partition };
	struct transactions *ts = rq->broker->transactions;
	struct transactions_producer producer;
	struct batch b;

	batch_decode(records.data, &b);
	if (!(b.attributes & BATCH_TRANSACTIONAL))
		return KERR_NONE;
	if (slice_is_null(p->q.transactional_id))
		return KERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
	producer = (struct transactions_producer){
		p->q.transactional_id, b.producer_id, b.producer_epoch, TRANSACTION_V2,
	};
	return leader_error(rq, rq->version >= ADDS_SINCE
		? transactions_add(ts, &producer, &part, 1)
		: transactions_verify(ts, &producer, &part));
}

/* The records that made the log refuse their batch. */
static void
name_bad(struct request *rq, const struct append_result *r,
	struct produce_response_partition *out)
{
	out->record_errors = arena_array(&rq->arena, (size_t)r->bad_n,
		sizeof(*out->record_errors));
	out->record_errors_n = r->bad_n;
	for (int i = 0; i < r->bad_n; i++) {
		struct produce_response_record_error *e = &out->record_errors[i];

		produce_response_record_error_init(e);
		e->batch_index = r->bad[i].index;
		e->batch_index_error_message = slice_str(r->bad[i].message);
	}
}

/* Who leads it, and where that is: the client need not ask (KIP-951). */
static void
hint(struct request *rq, struct produce *p, const struct topic *t,
	struct produce_response_partition *out)
{
	int leader = nodes_leader(rq->broker, t, out->index);
	struct produce_response_node *n;

	out->current_leader.leader_id = nodes_id(rq->broker, leader);
	out->current_leader.leader_epoch = 0;
	if (!p->resp.node_endpoints)
		p->resp.node_endpoints = arena_array(&rq->arena,
			(size_t)rq->broker->nodes, sizeof(*n));
	for (int i = 0; i < p->resp.node_endpoints_n; i++)
		if (p->resp.node_endpoints[i].node_id == nodes_id(rq->broker, leader))
			return;
	n = &p->resp.node_endpoints[p->resp.node_endpoints_n++];
	produce_response_node_init(n);
	n->node_id = nodes_id(rq->broker, leader);
	n->host = nodes_host(rq, leader, &n->port);
}

/* ---- what takes long to unpack -------------------------------------------- */

static void
run_check(struct work *w)
{
	append_check_run(container_of(w, struct produce, work)->check);
}

static void
checked(struct work *w)
{
	struct produce *p = container_of(w, struct produce, work);

	if (request_worked(p->rq)) {
		act(p);
		return;
	}
	append_check_free(p->check);
	request_finish(p->rq);
}

/* The frame goes when the handler returns: a copy of it stays. */
static void
keep(struct produce *p)
{
	struct request *rq = p->rq;

	if (p->kept)
		return;
	p->kept = true;
	wire_reader_init(&rq->in, arena_copy(&rq->arena, p->body), &rq->arena);
	/* As it could be read before, it can be now. */
	produce_request_read(&rq->in, rq->version, &p->q);
}

/*
 * The batch of the partition that is next goes to the worker, and the request
 * on from there. One at a time: what it unpacks to may be large.
 */
static void
check_first(struct produce *p, const struct partlog *log)
{
	struct slice s;

	keep(p);
	s = p->q.topic_data[p->topic].partition_data[p->partition].records.mem;
	p->checked_id = *partlog_topic_id(log);
	p->check = append_check_new(log, (uint8_t *)(uintptr_t)s.data, s.len);
	p->work = (struct work){ .run = run_check, .done = checked };
	request_work(p->rq, &p->work);
}

static void
drop_check(struct produce *p)
{
	if (p->check)
		append_check_free(p->check);
	p->check = NULL;
}

/* Was the topic deleted meanwhile, and made again with other rules? */
static bool
is_checked(struct produce *p, const struct partlog *log)
{
	if (p->check && !uuid_eq(&p->checked_id, partlog_topic_id(log)))
		drop_check(p);
	return p->check != NULL;
}

/* ---- append --------------------------------------------------------------- */

/* May the batch go to this log? Otherwise *out says why not. */
static bool
may_append(struct produce *p, const struct topic *t, struct slice records,
	struct produce_response_partition *out)
{
	struct request *rq = p->rq;
	int16_t error;

	if (t->internal) {
		refuse(out, KERR_INVALID_TOPIC_EXCEPTION,
			"internal topics are written by the broker only");
		return false;
	}
	error = nodes_check(rq, t, out->index);
	if (error) {
		refuse(out, error, NULL);
		if (error == KERR_NOT_LEADER_OR_FOLLOWER && rq->broker->nodes > 1)
			hint(rq, p, t, out);
		return false;
	}
	return is_acceptable(rq, records, out);
}

/* False: the worker has it first, and it comes again. */
static bool
append(struct produce *p, const struct topic *t,
	const struct produce_request_partition *in,
	struct produce_response_partition *out)
{
	struct partlog *log = topic_partition(t, in->index);
	struct slice records = in->records.mem;
	struct append_result r;
	int16_t error;

	if (!log) {
		refuse(out, KERR_UNKNOWN_TOPIC_OR_PARTITION, NULL);
		return true;
	}
	if (!may_append(p, t, records, out))
		return true;
	if (partlog_is_heavy(records.data, records.len) && !is_checked(p, log)) {
		check_first(p, log);
		return false;
	}
	error = admit(p->rq, p, t, in->index, records);
	if (error) {
		refuse(out, error, NULL);
		return true;
	}
	/* The frame's bytes are ours until the handler returns: the log writes
	 * offsets into them in place. */
	if (p->check)
		partlog_append_checked(log, p->check, &r);
	else
		partlog_append(log, (uint8_t *)(uintptr_t)records.data, records.len,
			APPEND_CLIENT, &r);
	out->log_start_offset = partlog_start(log);
	if (r.error) {
		refuse(out, r.error, r.message);
		name_bad(p->rq, &r, out);
		return true;
	}
	out->base_offset = r.base_offset;
	out->log_append_time_ms = r.append_time;
	if (r.commit > p->commit)
		p->commit = r.commit;
	return true;
}

static void
reply(struct request *rq)
{
	struct produce *p = rq->state;

	if (p->acks) {
		produce_response_write(request_reply(rq), rq->version, &p->resp);
		request_finish(rq);
	} else if (p->failed) {
		request_abort(rq);
	} else {
		rq->silent = true;
		request_finish(rq);
	}
}

static void
on_commit(struct request *rq, int16_t error)
{
	struct produce *p = rq->state;

	for (int i = 0; error && i < p->resp.responses_n; i++) {
		struct produce_response_topic *t = &p->resp.responses[i];

		for (int k = 0; k < t->partition_responses_n; k++) {
			struct produce_response_partition *out =
				&t->partition_responses[k];

			if (!out->error_code)
				refuse(out, error, NULL);
			out->base_offset = -1;
		}
	}
	reply(rq);
}

static struct topic *
find_topic(const struct request *rq, const struct produce_request_topic *in)
{
	struct meta *m = rq->broker->meta;

	return rq->version >= TOPIC_ID_SINCE ? meta_topic_by_id(m, &in->topic_id) :
		meta_topic(m, in->name);
}

/* False: to be gone on with. */
static bool
produce_partition(struct produce *p, const struct topic *t,
	const struct produce_request_partition *in,
	struct produce_response_partition *out)
{
	bool by_id = p->rq->version >= TOPIC_ID_SINCE;

	produce_response_partition_init(out);
	out->index = in->index;
	out->base_offset = -1;
	if (p->acks < -1 || p->acks > 1)
		refuse(out, KERR_INVALID_REQUIRED_ACKS, NULL);
	else if (p->twice)
		refuse(out, KERR_INVALID_REQUEST, "a partition is named twice in "
			"the request: nothing of it is appended");
	else if (!t)
		refuse(out, by_id ? KERR_UNKNOWN_TOPIC_ID :
			KERR_UNKNOWN_TOPIC_OR_PARTITION, NULL);
	else if (!append(p, t, in, out))
		return false;
	drop_check(p);
	p->failed |= out->error_code != KERR_NONE;
	return true;
}

static bool
produce_topic(struct produce *p)
{
	struct produce_response_topic *out = &p->resp.responses[p->topic];
	const struct produce_request_topic *in = &p->q.topic_data[p->topic];
	struct arena *a = &p->rq->arena;
	struct topic *t = find_topic(p->rq, in);

	if (!out->partition_responses) {
		produce_response_topic_init(out);
		out->name = arena_copy(a, in->name);
		out->topic_id = in->topic_id;
		out->partition_responses_n = in->partition_data_n;
		out->partition_responses = arena_array(a,
			(size_t)in->partition_data_n,
			sizeof(*out->partition_responses));
	}
	for (; p->partition < in->partition_data_n; p->partition++)
		if (!produce_partition(p, t, &in->partition_data[p->partition],
		    &out->partition_responses[p->partition]))
			return false;
	return true;
}

/*
 * Kafka appends the last batch of a partition, and says nothing of the others:
 * whoever sent them would take them for acknowledged.
 */
static bool
names_twice(struct request *rq, const struct produce_request *q)
{
	uint64_t walk = named_walk(rq);

	for (int i = 0; i < q->topic_data_n; i++) {
		const struct produce_request_topic *in = &q->topic_data[i];
		const struct topic *t = find_topic(rq, in);

		for (int k = 0; k < in->partition_data_n; k++)
			if (named_before(t, in->partition_data[k].index, walk))
				return true;
	}
	return false;
}

/* From where it is to its end, or until a batch has to be checked first. */
static void
act(struct produce *p)
{
	for (; p->topic < p->q.topic_data_n; p->topic++, p->partition = 0)
		if (!produce_topic(p))
			return;
	if (p->acks && p->commit)
		request_wait_commit(p->rq, p->commit, on_commit);
	else
		reply(p->rq);
}

int
api_produce(struct request *rq)
{
	struct slice body = slice_make(rq->in.p, (size_t)(rq->in.end - rq->in.p));
	struct produce_request q;
	struct produce *p;

	if (produce_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	p = arena_alloc(&rq->arena, sizeof(*p));
	p->rq = rq;
	p->body = body;
	p->q = q;
	p->acks = q.acks;
	p->twice = names_twice(rq, &q);
	produce_response_init(&p->resp);
	p->resp.throttle_time_ms = quota_charge(rq, QUOTA_PRODUCE,
		(double)body.len);
	p->resp.responses_n = q.topic_data_n;
	p->resp.responses = arena_array(&rq->arena, (size_t)q.topic_data_n,
		sizeof(*p->resp.responses));
	rq->state = p;
	act(p);
	return 0;
}
