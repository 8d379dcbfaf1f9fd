/*
 * DescribeQuorum: who keeps the metadata log (KIP-595). One voter, which
 * leads: the controller, that is the first virtual broker. The others of
 * them observe it, and as the log is one, meta/'s own, have all of it.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
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

/* A leader has caught up with itself now, and so has who reads its memory. */
static void
put_voter(struct request *rq, int64_t end, int64_t now,
	struct describe_quorum_response_partition *out)
{
	struct describe_quorum_response_voter *v = arena_alloc(&rq->arena, sizeof(*v));

	describe_quorum_response_voter_init(v);
	v->replica_id = nodes_id(rq->broker, 0);
	v->log_end_offset = end;
	v->last_fetch_timestamp = v->last_caught_up_timestamp = now;
	out->current_voters = v;
	out->current_voters_n = 1;
}

static void
put_observers(struct request *rq, int64_t end, int64_t now,
	struct describe_quorum_response_partition *out)
{
	int n = rq->broker->nodes - 1;
	struct describe_quorum_response_observer *o = arena_array(&rq->arena,
		(size_t)n, sizeof(*o));

	for (int i = 0; i < n; i++) {
		describe_quorum_response_observer_init(&o[i]);
		o[i].replica_id = nodes_id(rq->broker, i + 1);
		o[i].log_end_offset = end;
		o[i].last_fetch_timestamp = o[i].last_caught_up_timestamp = now;
	}
	out->observers = o;
	out->observers_n = n;
}

static void
put_quorum(struct request *rq, struct describe_quorum_response_partition *out)
{
	const struct broker *b = rq->broker;
	const struct partlog *log = meta_log(b->meta);
	int64_t now = clock_wall_ms(b->clock);

	out->leader_id = nodes_id(b, 0);
	out->leader_epoch = LEADER_EPOCH;
	out->high_watermark = partlog_high_watermark(log);
	put_voter(rq, partlog_end(log), now, out);
	put_observers(rq, partlog_end(log), now, out);
}

/* Of the voter, wherever the request came to. */
static void
put_node(struct request *rq, struct describe_quorum_response *resp)
{
	struct describe_quorum_response_listener *listener =
		arena_alloc(&rq->arena, sizeof(*listener));
	int32_t port;

	resp->nodes = arena_alloc(&rq->arena, sizeof(*resp->nodes));
	resp->nodes_n = 1;
	describe_quorum_response_node_init(resp->nodes);
	resp->nodes->node_id = nodes_id(rq->broker, 0);
	resp->nodes->listeners = listener;
	resp->nodes->listeners_n = 1;
	describe_quorum_response_listener_init(listener);
	listener->name = slice_str("PLAINTEXT");
	listener->host = nodes_host(rq, 0, &port);
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
