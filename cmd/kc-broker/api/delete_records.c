/* DeleteRecords: moves a log's start; -1 means up to the high watermark (KIP-107). */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* A topic that is only compacted keeps what is newest, as Kafka has it. */
static int16_t
check(const struct request *rq, const struct topic *t, const struct partlog *log,
	int32_t partition)
{
	int16_t error;

	if (!log)
		return KERR_UNKNOWN_TOPIC_OR_PARTITION;
	error = nodes_check(rq, t, partition);
	if (error)
		return error;
	if (t->internal)
		return KERR_INVALID_TOPIC_EXCEPTION;
	return partlog_deletes(log) ? KERR_NONE : KERR_POLICY_VIOLATION;
}

static void
delete_partition(const struct request *rq, const struct topic *t,
	const struct delete_records_request_partition *in,
	struct delete_records_response_partition *out, uint64_t *commit)
{
	struct partlog *log = t ? topic_partition(t, in->partition_index) : NULL;
	uint64_t c = 0;

	delete_records_response_partition_init(out);
	out->partition_index = in->partition_index;
	out->error_code = check(rq, t, log, in->partition_index);
	if (!out->error_code)
		out->error_code = partlog_delete_records(log, in->offset,
			&out->low_watermark, &c);
	if (out->error_code)
		out->low_watermark = -1;
	if (c > *commit)
		*commit = c;
}

static void
on_commit(struct request *rq, int16_t error)
{
	struct delete_records_response *resp = rq->state;

	for (int i = 0; error && i < resp->topics_n; i++)
		for (int k = 0; k < resp->topics[i].partitions_n; k++) {
			resp->topics[i].partitions[k].error_code = error;
			resp->topics[i].partitions[k].low_watermark = -1;
		}
	delete_records_response_write(request_reply(rq), rq->version, resp);
	request_finish(rq);
}

int
api_delete_records(struct request *rq)
{
	struct delete_records_request q;
	struct delete_records_response *resp;
	uint64_t commit = 0;

	if (delete_records_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	delete_records_response_init(resp);
	resp->topics_n = q.topics_n;
	resp->topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp->topics));
	for (int i = 0; i < q.topics_n; i++) {
		const struct delete_records_request_topic *in = &q.topics[i];
		struct delete_records_response_topic *out = &resp->topics[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->name);

		delete_records_response_topic_init(out);
		out->name = arena_copy(&rq->arena, in->name);
		out->partitions_n = in->partitions_n;
		out->partitions = arena_array(&rq->arena,
			(size_t)in->partitions_n, sizeof(*out->partitions));
		for (int k = 0; k < in->partitions_n; k++)
			delete_partition(rq, t, &in->partitions[k],
				&out->partitions[k], &commit);
	}
	rq->state = resp;
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
