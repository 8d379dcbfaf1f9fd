/*
 * AlterPartitionReassignments: other replicas for partitions (KIP-455). This
 * broker is all there can be: naming it changes nothing, others are refused.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
put_partition(struct request *rq, const struct topic *t,
	const struct alter_partition_reassignments_request_partition *in,
	struct alter_partition_reassignments_response_partition *out)
{
	const char *why = NULL;

	alter_partition_reassignments_response_partition_init(out);
	out->partition_index = in->partition_index;
	if (!t) {
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		why = "Unable to find the topic.";
	} else if (!topic_partition(t, in->partition_index)) {
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		why = "Unable to find the partition.";
	} else if (in->replicas_n < 0) {
		out->error_code = KERR_NO_REASSIGNMENT_IN_PROGRESS;
	} else {
		out->error_code = meta_check_replicas(in->replicas,
			in->replicas_n, rq->broker->node_id, &rq->arena, &why);
	}
	out->error_message = slice_str(why);
}

int
api_alter_partition_reassignments(struct request *rq)
{
	struct alter_partition_reassignments_request q;
	struct alter_partition_reassignments_response resp;

	if (alter_partition_reassignments_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	alter_partition_reassignments_response_init(&resp);
	resp.allow_replication_factor_change = q.allow_replication_factor_change;
	if (q.topics_n)
		resp.error_message = SLICE_NULL;
	resp.responses_n = q.topics_n;
	resp.responses = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp.responses));
	for (int32_t i = 0; i < q.topics_n; i++) {
		const struct alter_partition_reassignments_request_topic *in =
			&q.topics[i];
		struct alter_partition_reassignments_response_topic *out =
			&resp.responses[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->name);

		alter_partition_reassignments_response_topic_init(out);
		out->name = in->name;
		out->partitions_n = in->partitions_n;
		out->partitions = arena_array(&rq->arena,
			(size_t)in->partitions_n, sizeof(*out->partitions));
		for (int32_t k = 0; k < in->partitions_n; k++)
			put_partition(rq, t, &in->partitions[k],
				&out->partitions[k]);
	}
	alter_partition_reassignments_response_write(request_reply(rq),
		rq->version, &resp);
	request_finish(rq);
	return 0;
}
