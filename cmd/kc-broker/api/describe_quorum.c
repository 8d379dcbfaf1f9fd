/*
 * DescribeQuorum: who keeps the metadata log (KIP-595). Here one voter, this
 * broker, which leads, and the log is meta/'s own.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { LEADER_EPOCH = 1 }; /* of the quorum; 0 is before an election */

static bool
is_metadata_log(const struct describe_quorum_request *q)
{
	return q->topics_n == 1 && q->topics[0].partitions_n == 1 &&
		!q->topics[0].partitions[0].partition_index &&
		slice_eq_str(q->topics[0].topic_name, "__cluster_metadata");
}

static void
put_quorum(struct request *rq, struct describe_quorum_response_partition *out)
{
	const struct partlog *log = meta_log(rq->broker->meta);
	struct describe_quorum_response_voter *self =
		arena_alloc(&rq->arena, sizeof(*self));

	describe_quorum_response_voter_init(self);
	self->replica_id = rq->broker->node_id;
	self->log_end_offset = partlog_end(log);
	/* A leader has caught up with itself now. */
	self->last_fetch_timestamp = rq->broker->clock->wall_ms(rq->broker->clock);
	self->last_caught_up_timestamp = self->last_fetch_timestamp;
	out->leader_id = rq->broker->node_id;
	out->leader_epoch = LEADER_EPOCH;
	out->high_watermark = partlog_high_watermark(log);
	out->current_voters = self;
	out->current_voters_n = 1;
}

static void
put_node(struct request *rq, struct describe_quorum_response *resp)
{
	struct describe_quorum_response_listener *listener =
		arena_alloc(&rq->arena, sizeof(*listener));
	int32_t port;

	resp->nodes = arena_alloc(&rq->arena, sizeof(*resp->nodes));
	resp->nodes_n = 1;
	describe_quorum_response_node_init(resp->nodes);
	resp->nodes->node_id = rq->broker->node_id;
	resp->nodes->listeners = listener;
	resp->nodes->listeners_n = 1;
	describe_quorum_response_listener_init(listener);
	listener->name = slice_str("PLAINTEXT");
	listener->host = request_host(rq, &port);
	listener->port = (uint16_t)port;
}

static void
put_topic(struct request *rq, bool is_known,
	const struct describe_quorum_request_topic *in,
	struct describe_quorum_response_topic *out)
{
	describe_quorum_response_topic_init(out);
	out->topic_name = in->topic_name;
	out->partitions_n = in->partitions_n;
	out->partitions = arena_array(&rq->arena, (size_t)in->partitions_n,
		sizeof(*out->partitions));
	for (int32_t i = 0; i < in->partitions_n; i++) {
		struct describe_quorum_response_partition *p = &out->partitions[i];

		describe_quorum_response_partition_init(p);
		p->partition_index = in->partitions[i].partition_index;
		if (is_known) {
			put_quorum(rq, p);
		} else {
			p->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
			p->error_message = slice_str(kerr_message(p->error_code));
		}
	}
}

int
api_describe_quorum(struct request *rq)
{
	struct describe_quorum_response resp;
	struct describe_quorum_request q;
	bool is_known;

	if (describe_quorum_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_quorum_response_init(&resp);
	/* That log alone can be asked for: with others it is unknown too. */
	is_known = is_metadata_log(&q);
	resp.topics_n = q.topics_n;
	resp.topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp.topics));
	for (int32_t i = 0; i < q.topics_n; i++)
		put_topic(rq, is_known, &q.topics[i], &resp.topics[i]);
	if (is_known)
		put_node(rq, &resp);
	describe_quorum_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
