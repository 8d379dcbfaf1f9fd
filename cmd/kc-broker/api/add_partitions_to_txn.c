/*
 * AddPartitionsToTxn: all of a transaction's partitions are added, or none.
 * From version 4 it is what brokers send each other: several transactions,
 * and the question whether partitions are in one. Here brokers have no need
 * of it. Older requests are answered by the same code, which fills the newer.
 */
#include "api/api.h"
#include "api/transaction_wait.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	FENCED_SINCE = 2,
	SEVERAL_SINCE = 4,
	ABORTABLE_SINCE = 5,
};

typedef struct add_partitions_to_txn_request_transaction asked;
typedef struct add_partitions_to_txn_response_transaction answered;

static int16_t
error_in(const struct request *rq, int16_t error)
{
	if (error == KERR_TRANSACTION_ABORTABLE && rq->version < ABORTABLE_SINCE)
		return KERR_INVALID_TXN_STATE;
	return transaction_fenced(error, rq->version >= FENCED_SINCE);
}

/* The partitions, with the error of each that is not there. False: some are not. */
static bool
prepare(struct request *rq, const asked *q, answered *r,
	struct transactions_part *parts, int *n)
{
	bool all = true;

	r->transactional_id = q->transactional_id;
	r->topic_results_n = q->topics_n;
	r->topic_results = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*r->topic_results));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct add_partitions_to_txn_request_topic *qt = &q->topics[t];
		struct add_partitions_to_txn_response_topic *rt = &r->topic_results[t];
		const struct topic *topic = meta_topic(rq->broker->meta, qt->name);

		rt->name = qt->name;
		rt->results_by_partition_n = qt->partitions_n;
		rt->results_by_partition = arena_array(&rq->arena,
			(size_t)qt->partitions_n, sizeof(*rt->results_by_partition));
		for (int32_t p = 0; p < qt->partitions_n; p++) {
			struct add_partitions_to_txn_response_partition *rp =
				&rt->results_by_partition[p];

			rp->partition_index = qt->partitions[p];
			if (!topic || !topic_partition(topic, rp->partition_index)) {
				rp->partition_error_code =
					KERR_UNKNOWN_TOPIC_OR_PARTITION;
				all = false;
			}
			parts[(*n)++] = (struct transactions_part){
				qt->name, rp->partition_index };
		}
	}
	return all;
}

/* One error for all that have none yet. */
static void
fill(answered *r, int16_t error)
{
	for (int32_t t = 0; t < r->topic_results_n; t++) {
		struct add_partitions_to_txn_response_topic *rt = &r->topic_results[t];

		for (int32_t p = 0; p < rt->results_by_partition_n; p++)
			if (!rt->results_by_partition[p].partition_error_code)
				rt->results_by_partition[p].partition_error_code = error;
	}
}

static void
verify(struct request *rq, const struct transactions_producer *producer,
	const struct transactions_part *parts, answered *r)
{
	for (int32_t t = 0; t < r->topic_results_n; t++) {
		struct add_partitions_to_txn_response_topic *rt = &r->topic_results[t];

		for (int32_t p = 0; p < rt->results_by_partition_n; p++, parts++)
			rt->results_by_partition[p].partition_error_code = error_in(rq,
				transactions_verify(rq->broker->transactions,
					producer, parts));
	}
}

static void
act(struct request *rq, const asked *q, answered *r)
{
	struct transactions_producer producer = {
		q->transactional_id, q->producer_id, q->producer_epoch, TRANSACTION_V1,
	};
	struct transactions_part *parts;
	size_t room = 0;
	int n = 0;

	for (int32_t t = 0; t < q->topics_n; t++)
		room += (size_t)q->topics[t].partitions_n;
	parts = arena_array(&rq->arena, room, sizeof(*parts));
	if (!prepare(rq, q, r, parts, &n))
		fill(r, KERR_OPERATION_NOT_ATTEMPTED);
	else if (q->verify_only)
		verify(rq, &producer, parts, r);
	else
		fill(r, error_in(rq, transactions_add(rq->broker->transactions,
			&producer, parts, n)));
}

/* A request before version 4, in the form of the later ones. */
static void
widen(struct request *rq, const struct add_partitions_to_txn_request *q, asked *w)
{
	*w = (asked){
		.transactional_id = q->v3_and_below_transactional_id,
		.producer_id = q->v3_and_below_producer_id,
		.producer_epoch = q->v3_and_below_producer_epoch,
		.topics_n = q->v3_and_below_topics_n,
		.topics = arena_array(&rq->arena, (size_t)q->v3_and_below_topics_n,
			sizeof(*w->topics)),
	};
	for (int32_t t = 0; t < w->topics_n; t++) {
		w->topics[t].name = q->v3_and_below_topics[t].name;
		w->topics[t].partitions = q->v3_and_below_topics[t].partitions;
		w->topics[t].partitions_n = q->v3_and_below_topics[t].partitions_n;
	}
}

static void
narrow(struct request *rq, const answered *w, struct add_partitions_to_txn_response *resp)
{
	struct add_partitions_to_txn_response_old_topic *topics = arena_array(&rq->arena,
		(size_t)w->topic_results_n, sizeof(*topics));

	resp->results_by_topic_v3_and_below = topics;
	resp->results_by_topic_v3_and_below_n = w->topic_results_n;
	for (int32_t t = 0; t < w->topic_results_n; t++) {
		const struct add_partitions_to_txn_response_topic *from =
			&w->topic_results[t];

		topics[t].name = from->name;
		topics[t].results_by_partition_n = from->results_by_partition_n;
		topics[t].results_by_partition = arena_array(&rq->arena,
			(size_t)from->results_by_partition_n,
			sizeof(*topics[t].results_by_partition));
		for (int32_t p = 0; p < from->results_by_partition_n; p++) {
			topics[t].results_by_partition[p].partition_index =
				from->results_by_partition[p].partition_index;
			topics[t].results_by_partition[p].partition_error_code =
				from->results_by_partition[p].partition_error_code;
		}
	}
}

int
api_add_partitions_to_txn(struct request *rq)
{
	struct add_partitions_to_txn_request q;
	struct add_partitions_to_txn_response resp;
	asked old;
	answered one = { 0 };

	if (add_partitions_to_txn_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	add_partitions_to_txn_response_init(&resp);
	if (rq->version < SEVERAL_SINCE) {
		widen(rq, &q, &old);
		act(rq, &old, &one);
		narrow(rq, &one, &resp);
	} else {
		resp.results_by_transaction_n = q.transactions_n;
		resp.results_by_transaction = arena_array(&rq->arena,
			(size_t)q.transactions_n, sizeof(*resp.results_by_transaction));
		for (int32_t i = 0; i < q.transactions_n; i++)
			act(rq, &q.transactions[i], &resp.results_by_transaction[i]);
	}
	add_partitions_to_txn_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
