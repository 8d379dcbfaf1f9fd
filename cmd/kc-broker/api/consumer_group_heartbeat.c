/* ConsumerGroupHeartbeat (KIP-848): a member joins, says what it wants, learns what it has, leaves. */
#include "api/api.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/assignor.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* From here on the member makes its id (KIP-1082). */
enum { OWN_ID_SINCE = 1 };

static const char *
find_fault(const struct request *rq, const struct consumer_group_heartbeat_request *q)
{
	bool joins = q->member_epoch == CONSUMER_EPOCH_JOIN;

	if (!q->member_id.len && (rq->version >= OWN_ID_SINCE || q->member_epoch > 0 ||
	    q->member_epoch == CONSUMER_EPOCH_LEAVE))
		return "MemberId can't be empty.";
	if (!q->group_id.len)
		return "GroupId can't be empty.";
	if (!slice_is_null(q->instance_id) && !q->instance_id.len)
		return "InstanceId can't be empty.";
	if (!slice_is_null(q->rack_id) && !q->rack_id.len)
		return "RackId can't be empty.";
	if (joins && q->rebalance_timeout_ms == -1)
		return "RebalanceTimeoutMs must be provided in first request.";
	if (joins && q->topic_partitions_n)
		return "TopicPartitions must be empty when (re-)joining.";
	if (joins && q->subscribed_topic_names_n < 0 &&
	    slice_is_null(q->subscribed_topic_regex))
		return "Either SubscribedTopicNames or SubscribedTopicRegex must be "
			"non-null when (re-)joining.";
	if (q->member_epoch == CONSUMER_EPOCH_AWAY && slice_is_null(q->instance_id))
		return "InstanceId can't be null.";
	if (q->member_epoch < CONSUMER_EPOCH_AWAY)
		return "MemberEpoch is invalid.";
	return NULL;
}

/* One of group.consumer.assignors? */
static bool
is_assignor(const struct request *rq, struct slice name)
{
	const char *p = config_get(rq->broker->config, "group.consumer.assignors");

	for (;;) {
		size_t n = strcspn(p, ",");

		if (slice_eq(name, slice_make(p, n)))
			return true;
		if (!p[n])
			return false;
		p += n + 1;
	}
}

static struct parts
owned_parts(struct request *rq, const struct consumer_group_heartbeat_request *q)
{
	struct parts p;
	int n = 0;

	for (int32_t i = 0; i < q->topic_partitions_n; i++)
		n += q->topic_partitions[i].partitions_n;
	p = parts_room(&rq->arena, n);
	for (int32_t i = 0; i < q->topic_partitions_n; i++)
		for (int32_t k = 0; k < q->topic_partitions[i].partitions_n; k++)
			parts_put(&p, &q->topic_partitions[i].topic_id,
				q->topic_partitions[i].partitions[k], 0);
	parts_sort(&p);
	return p;
}

static void
fill_assignment(struct request *rq, const struct parts *p,
	struct consumer_group_heartbeat_response *resp)
{
	struct consumer_group_heartbeat_response_assignment *a;

	a = resp->assignment = arena_alloc(&rq->arena, sizeof(*a));
	a->topic_partitions = arena_array(&rq->arena, (size_t)parts_topics(p),
		sizeof(*a->topic_partitions));
	for (int i = 0, n; (n = parts_run(p, i)); i += n) {
		struct consumer_group_heartbeat_response_topic_partitions *tp =
			&a->topic_partitions[a->topic_partitions_n++];

		tp->topic_id = p->v[i].topic;
		tp->partitions = parts_numbers(p, i, n, &rq->arena);
		tp->partitions_n = n;
	}
}

static int16_t
beat(struct request *rq, const struct consumer_group_heartbeat_request *q,
	struct consumer_group_heartbeat_response *resp, const char **why,
	uint64_t *commit)
{
	struct parts owned = owned_parts(rq, q);
	struct consumer_answer answer;
	const struct consumer_beat b = {
		.member_id = q->member_id,
		.epoch = q->member_epoch,
		.instance_id = q->instance_id,
		.rack_id = q->rack_id,
		.client_id = slice_is_null(rq->client_id) ? slice_str("") : rq->client_id,
		.client_host = request_client_host(rq),
		.rebalance_ms = q->rebalance_timeout_ms,
		.names = q->subscribed_topic_names,
		.names_n = q->subscribed_topic_names_n,
		.regex = q->subscribed_topic_regex,
		.assignor = q->server_assignor,
		.owned = q->topic_partitions_n < 0 ? NULL : &owned,
	};
	int16_t error = groups_consumer_heartbeat(rq->broker->groups, q->group_id, &b,
		&rq->arena, &answer, why, commit);

	if (error)
		return error;
	resp->member_id = answer.member_id;
	resp->member_epoch = answer.epoch;
	resp->heartbeat_interval_ms = answer.heartbeat_ms;
	if (answer.has_assignment)
		fill_assignment(rq, &answer.assignment, resp);
	return KERR_NONE;
}

int
api_consumer_group_heartbeat(struct request *rq)
{
	struct consumer_group_heartbeat_request q;
	struct consumer_group_heartbeat_response resp;
	const char *why;
	uint64_t commit = 0;

	if (consumer_group_heartbeat_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	consumer_group_heartbeat_response_init(&resp);
	why = find_fault(rq, &q);
	if (why) {
		resp.error_code = KERR_INVALID_REQUEST;
	} else if (!slice_is_null(q.server_assignor) && !is_assignor(rq, q.server_assignor)) {
		resp.error_code = KERR_UNSUPPORTED_ASSIGNOR;
		why = arena_printf(&rq->arena, "ServerAssignor %.*s is not supported. "
			"Supported assignors: %s.", SLICE_ARG(q.server_assignor),
			config_get(rq->broker->config, "group.consumer.assignors"));
	} else {
		resp.error_code = beat(rq, &q, &resp, &why, &commit);
	}
	if (resp.error_code)
		resp.error_message = slice_str(why ? why : kerr_message(resp.error_code));
	consumer_group_heartbeat_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
