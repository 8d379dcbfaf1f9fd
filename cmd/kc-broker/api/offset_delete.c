/* OffsetDelete: forgets offsets of topics that nobody in the group reads (KIP-496). */
#include "api/api.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
fill(struct request *rq, const struct offset_delete_request *q,
	const struct groups_offset *o, struct offset_delete_response *resp)
{
	resp->topics_n = q->topics_n;
	resp->topics = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*resp->topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct offset_delete_request_topic *qt = &q->topics[t];
		struct offset_delete_response_topic *rt = &resp->topics[t];

		offset_delete_response_topic_init(rt);
		rt->name = qt->name;
		rt->partitions_n = qt->partitions_n;
		rt->partitions = arena_array(&rq->arena, (size_t)qt->partitions_n,
			sizeof(*rt->partitions));
		for (int32_t p = 0; p < qt->partitions_n; p++) {
			offset_delete_response_partition_init(&rt->partitions[p]);
			rt->partitions[p].partition_index =
				qt->partitions[p].partition_index;
			rt->partitions[p].error_code = (o++)->error;
		}
	}
}

int
api_offset_delete(struct request *rq)
{
	struct offset_delete_request q;
	struct offset_delete_response resp;
	struct groups_offset *offsets;
	uint64_t commit;
	size_t n = 0;
	int used = 0;

	if (offset_delete_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	for (int32_t t = 0; t < q.topics_n; t++)
		n += (size_t)q.topics[t].partitions_n;
	offsets = arena_array(&rq->arena, n, sizeof(*offsets));
	for (int32_t t = 0; t < q.topics_n; t++) {
		const struct topic *topic = meta_topic(rq->broker->meta, q.topics[t].name);

		for (int32_t p = 0; p < q.topics[t].partitions_n; p++) {
			struct groups_offset *o = &offsets[used++];

			o->topic = q.topics[t].name;
			o->c.partition = q.topics[t].partitions[p].partition_index;
			if (!topic || !topic_partition(topic, o->c.partition))
				o->error = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		}
	}
	offset_delete_response_init(&resp);
	resp.error_code = groups_delete_offsets(rq->broker->groups, q.group_id,
		offsets, used, &commit);
	if (!resp.error_code)
		fill(rq, &q, offsets, &resp);
	offset_delete_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
