/* TxnOffsetCommit: a group has read so far, if the transaction is committed. */
#include "api/api.h"
#include "api/committed.h"
#include "api/group_wait.h"
#include "api/transaction_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	ABORTABLE_SINCE = 4,
	ADDS_SINCE = 5, /* KIP-890 part 2: no AddOffsetsToTxn came before */
	TOPIC_ID_SINCE = 6,
};

static struct groups_offset
offset_of(struct request *rq, const struct txn_offset_commit_request_topic *qt,
	const struct txn_offset_commit_request_partition *qp)
{
	struct committed c = {
		.partition = qp->partition_index,
		.leader_epoch = qp->committed_leader_epoch,
		.offset = qp->committed_offset,
		.metadata = qp->committed_metadata,
		.expires_at = -1,
	};

	return committed_offset(rq, rq->version >= TOPIC_ID_SINCE ? &qt->topic_id : NULL,
		qt->name, c);
}

/* Does the transaction take offsets of this group? */
static int16_t
admit(struct request *rq, const struct txn_offset_commit_request *q)
{
	struct transactions *ts = rq->broker->transactions;
	struct transactions_producer producer = {
		q->transactional_id, q->producer_id, q->producer_epoch, TRANSACTION_V2,
	};
	struct transactions_part part;
	int16_t error = q->group_id.len ? transactions_group_part(ts, q->group_id, &part)
		: KERR_INVALID_GROUP_ID;

	if (!error)
		error = rq->version >= ADDS_SINCE
			? transactions_add(ts, &producer, &part, 1)
			: transactions_verify(ts, &producer, &part);
	if (error == KERR_TRANSACTION_ABORTABLE && rq->version < ABORTABLE_SINCE)
		return KERR_INVALID_TXN_STATE;
	return transaction_fenced(error, false);
}

static void
answer(struct request *rq, const struct txn_offset_commit_request *q,
	const struct groups_offset *o, uint64_t commit)
{
	struct txn_offset_commit_response resp;

	txn_offset_commit_response_init(&resp);
	resp.topics_n = q->topics_n;
	resp.topics = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*resp.topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct txn_offset_commit_request_topic *qt = &q->topics[t];
		struct txn_offset_commit_response_topic *rt = &resp.topics[t];

		txn_offset_commit_response_topic_init(rt);
		rt->name = qt->name;
		rt->topic_id = qt->topic_id;
		rt->partitions_n = qt->partitions_n;
		rt->partitions = arena_array(&rq->arena, (size_t)qt->partitions_n,
			sizeof(*rt->partitions));
		for (int32_t p = 0; p < qt->partitions_n; p++) {
			txn_offset_commit_response_partition_init(&rt->partitions[p]);
			rt->partitions[p].partition_index =
				qt->partitions[p].partition_index;
			rt->partitions[p].error_code = (o++)->error;
		}
	}
	txn_offset_commit_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
}

int
api_txn_offset_commit(struct request *rq)
{
	struct txn_offset_commit_request q;
	struct groups_producer producer;
	struct groups_offset *offsets;
	struct groups_commit c;
	uint64_t commit = 0;
	int used = 0, good = 0;
	int16_t error;
	size_t n = 0;

	if (txn_offset_commit_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	for (int32_t t = 0; t < q.topics_n; t++)
		n += (size_t)q.topics[t].partitions_n;
	offsets = arena_array(&rq->arena, n, sizeof(*offsets));
	for (int32_t t = 0; t < q.topics_n; t++) {
		for (int32_t p = 0; p < q.topics[t].partitions_n; p++) {
			offsets[used] = offset_of(rq, &q.topics[t],
				&q.topics[t].partitions[p]);
			good += !offsets[used++].error;
		}
	}
	producer = (struct groups_producer){ q.producer_id, q.producer_epoch };
	c = (struct groups_commit){
		.group = q.group_id,
		.member_id = q.member_id,
		.instance_id = q.group_instance_id,
		.generation = q.generation_id_or_member_epoch,
		.unknown_group = rq->version >= TOPIC_ID_SINCE
			? KERR_GROUP_ID_NOT_FOUND : KERR_ILLEGAL_GENERATION,
		.producer = &producer,
	};
	error = good ? admit(rq, &q) : KERR_NONE;
	for (int i = 0; i < used; i++)
		if (!offsets[i].error)
			offsets[i].error = error;
	if (good && !error)
		groups_commit_offsets(rq->broker->groups, &c, offsets, used, &commit);
	answer(rq, &q, offsets, commit);
	return 0;
}
