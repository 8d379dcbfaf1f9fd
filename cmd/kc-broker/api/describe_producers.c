/*
 * DescribeProducers: what partitions know of the producers that wrote to
 * them, and of transactions that are open there (KIP-664).
 */
#include "api/api.h"
#include "api/named.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

static int
count(void *arg, const struct producer_state *p)
{
	(void)p;
	++*(int *)arg;
	return 0;
}

static int
add(void *arg, const struct producer_state *p)
{
	struct describe_producers_response_partition *out = arg;
	struct describe_producers_response_producer *to =
		&out->active_producers[out->active_producers_n++];

	describe_producers_response_producer_init(to);
	to->producer_id = p->id;
	to->producer_epoch = p->epoch;
	to->last_sequence = p->last_sequence;
	to->last_timestamp = p->last_timestamp;
	to->coordinator_epoch = p->coordinator_epoch;
	to->current_txn_start_offset = p->txn_start;
	return 0;
}

static void
describe(struct request *rq, const struct topic *t, int32_t partition,
	struct describe_producers_response_partition *out)
{
	const struct partlog *log = t ? topic_partition(t, partition) : NULL;
	int n = 0;

	describe_producers_response_partition_init(out);
	out->partition_index = partition;
	if (!log) {
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		out->error_message = slice_str(kerr_message(out->error_code));
		return;
	}
	partlog_each_producer(log, count, &n);
	out->active_producers = arena_array(&rq->arena, (size_t)n,
		sizeof(*out->active_producers));
	partlog_each_producer(log, add, out);
}

int
api_describe_producers(struct request *rq)
{
	struct describe_producers_request q;
	struct describe_producers_response resp;
	uint64_t walk = named_walk(rq);

	if (describe_producers_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_producers_response_init(&resp);
	resp.topics_n = q.topics_n;
	resp.topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp.topics));
	for (int32_t i = 0; i < q.topics_n; i++) {
		const struct describe_producers_request_topic *in = &q.topics[i];
		struct describe_producers_response_topic *out = &resp.topics[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->name);

		describe_producers_response_topic_init(out);
		out->name = in->name;
		out->partitions = arena_array(&rq->arena,
			(size_t)in->partition_indexes_n, sizeof(*out->partitions));
		for (int32_t k = 0; k < in->partition_indexes_n; k++)
			if (!named_before(t, in->partition_indexes[k], walk))
				describe(rq, t, in->partition_indexes[k],
					&out->partitions[out->partitions_n++]);
	}
	describe_producers_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
