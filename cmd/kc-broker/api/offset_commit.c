/* OffsetCommit: a group has read so far. */
#include "api/api.h"
#include "api/committed.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	GROUP_NOT_FOUND_SINCE = 9,
	TOPIC_ID_SINCE = 10,
};

static struct groups_offset
offset_of(struct request *rq, const struct offset_commit_request *q,
	const struct offset_commit_request_topic *qt,
	const struct offset_commit_request_partition *qp)
{
	struct committed c = {
		.partition = qp->partition_index,
		.leader_epoch = qp->committed_leader_epoch,
		.offset = qp->committed_offset,
		.metadata = qp->committed_metadata,
		.expires_at = q->retention_time_ms < 0 ? -1
			: loop_wall(rq->broker->loop) + q->retention_time_ms,
	};

	return committed_offset(rq, rq->version >= TOPIC_ID_SINCE ? &qt->topic_id : NULL,
		qt->name, c);
}

static void
answer(struct request *rq, const struct offset_commit_request *q,
	const struct groups_offset *o, uint64_t commit)
{
	struct offset_commit_response resp;

	offset_commit_response_init(&resp);
	resp.topics_n = q->topics_n;
	resp.topics = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*resp.topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct offset_commit_request_topic *qt = &q->topics[t];
		struct offset_commit_response_topic *rt = &resp.topics[t];

		offset_commit_response_topic_init(rt);
		rt->name = qt->name;
		rt->topic_id = qt->topic_id;
		rt->partitions_n = qt->partitions_n;
		rt->partitions = arena_array(&rq->arena, (size_t)qt->partitions_n,
			sizeof(*rt->partitions));
		for (int32_t p = 0; p < qt->partitions_n; p++) {
			offset_commit_response_partition_init(&rt->partitions[p]);
			rt->partitions[p].partition_index =
				qt->partitions[p].partition_index;
			rt->partitions[p].error_code = (o++)->error;
		}
	}
	offset_commit_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
}

int
api_offset_commit(struct request *rq)
{
	struct offset_commit_request q;
	struct groups_commit c;
	struct groups_offset *offsets;
	uint64_t commit = 0;
	size_t n = 0;
	int used = 0, good = 0;

	if (offset_commit_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	for (int32_t t = 0; t < q.topics_n; t++)
		n += (size_t)q.topics[t].partitions_n;
	offsets = arena_array(&rq->arena, n, sizeof(*offsets));
	for (int32_t t = 0; t < q.topics_n; t++) {
		for (int32_t p = 0; p < q.topics[t].partitions_n; p++) {
			offsets[used] = offset_of(rq, &q, &q.topics[t],
				&q.topics[t].partitions[p]);
			good += !offsets[used++].error;
		}
	}
	c = (struct groups_commit){
		.group = q.group_id,
		.member_id = q.member_id,
		.instance_id = q.group_instance_id,
		.generation = q.generation_id_or_member_epoch,
		.knows_epochs = rq->version >= GROUP_NOT_FOUND_SINCE,
		.unknown_group = rq->version >= GROUP_NOT_FOUND_SINCE
			? KERR_GROUP_ID_NOT_FOUND : KERR_ILLEGAL_GENERATION,
	};
	if (good)
		groups_commit_offsets(rq->broker->groups, &c, offsets, used, &commit);
	answer(rq, &q, offsets, commit);
	return 0;
}
