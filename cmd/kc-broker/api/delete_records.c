/* DeleteRecords: moves a log's start; -1 means up to the high watermark (KIP-107). */
#include "api/api.h"
#include "api/named.h"
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

/* From the end: of a partition that is named twice the last one counts, as in Kafka. */
static void
delete_topic(struct request *rq, const struct delete_records_request_topic *in,
	struct delete_records_response_topic *out, uint64_t walk, uint64_t *commit)
{
	const struct topic *t = meta_topic(rq->broker->meta, in->name);
	struct delete_records_response_partition *end;

	delete_records_response_topic_init(out);
	out->name = arena_copy(&rq->arena, in->name);
	out->partitions = arena_array(&rq->arena, (size_t)in->partitions_n,
		sizeof(*out->partitions));
	out->partitions = end = out->partitions + in->partitions_n;
	for (int k = in->partitions_n; k-- > 0;)
		if (!named_before(t, in->partitions[k].partition_index, walk))
			delete_partition(rq, t, &in->partitions[k],
				--out->partitions, commit);
	out->partitions_n = (int32_t)(end - out->partitions);
}

int
api_delete_records(struct request *rq)
{
	struct delete_records_request q;
	struct delete_records_response *resp;
	uint64_t commit = 0, walk = named_walk(rq);

	if (delete_records_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	delete_records_response_init(resp);
	resp->topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp->topics));
	resp->topics += q.topics_n;
	for (int i = q.topics_n; i-- > 0;) {
		delete_topic(rq, &q.topics[i], resp->topics - 1, walk, &commit);
		if (resp->topics[-1].partitions_n) {
			resp->topics--;
			resp->topics_n++;
		}
	}
	rq->state = resp;
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
