/*
 * OffsetForLeaderEpoch: where the log of an epoch ended (KIP-101, KIP-320).
 * One node leads every partition in epoch 0 for ever, so that is the log's end.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	NO_EPOCH = -1,
	LEADER_EPOCH = 0,
};

/* The epoch in which the client believes the leader to be. */
static int16_t
check_current(int32_t epoch)
{
	if (epoch == NO_EPOCH || epoch == LEADER_EPOCH)
		return KERR_NONE;
	return epoch > LEADER_EPOCH ? KERR_UNKNOWN_LEADER_EPOCH :
		KERR_FENCED_LEADER_EPOCH;
}

static void
end_of_epoch(const struct partlog *log, int32_t epoch,
	struct offset_for_leader_epoch_response_partition *out)
{
	/* Undefined, or not begun yet: epoch and offset stay at -1. */
	if (epoch == NO_EPOCH || epoch > LEADER_EPOCH)
		return;
	/* Before the first: ended where the log starts, as Kafka has it. */
	out->leader_epoch = epoch;
	out->end_offset = epoch < LEADER_EPOCH ? partlog_start(log) :
		partlog_end(log);
}

static void
answer_partition(const struct request *rq, const struct topic *t,
	const struct offset_for_leader_epoch_request_partition *in,
	struct offset_for_leader_epoch_response_partition *out)
{
	const struct partlog *log = t ? topic_partition(t, in->partition) : NULL;

	offset_for_leader_epoch_response_partition_init(out);
	out->partition = in->partition;
	out->error_code = log ? check_current(in->current_leader_epoch) :
		KERR_UNKNOWN_TOPIC_OR_PARTITION;
	if (!out->error_code)
		out->error_code = nodes_check(rq, t, in->partition);
	if (!out->error_code)
		end_of_epoch(log, in->leader_epoch, out);
}

int
api_offset_for_leader_epoch(struct request *rq)
{
	struct offset_for_leader_epoch_request q;
	struct offset_for_leader_epoch_response resp;

	if (offset_for_leader_epoch_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	offset_for_leader_epoch_response_init(&resp);
	resp.topics_n = q.topics_n;
	resp.topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp.topics));
	for (int32_t i = 0; i < q.topics_n; i++) {
		const struct offset_for_leader_epoch_request_topic *in = &q.topics[i];
		struct offset_for_leader_epoch_response_topic *out = &resp.topics[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->topic);

		offset_for_leader_epoch_response_topic_init(out);
		out->topic = in->topic;
		out->partitions_n = in->partitions_n;
		out->partitions = arena_array(&rq->arena,
			(size_t)in->partitions_n, sizeof(*out->partitions));
		for (int32_t k = 0; k < in->partitions_n; k++)
			answer_partition(rq, t, &in->partitions[k],
				&out->partitions[k]);
	}
	offset_for_leader_epoch_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
