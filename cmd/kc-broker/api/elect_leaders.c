/*
 * ElectLeaders: the preferred replica shall lead (KIP-183), or any that lives
 * (KIP-460). Every partition has one replica, which leads: no need.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { PREFERRED = 0, UNCLEAN = 1 };

/* The sentences name nothing, so that a reply is not many times its request. */
static void
put_partition(const struct elect_leaders_request *q,
	const struct topic *t, struct elect_leaders_response_partition *out)
{
	const char *why = "Leader election not needed for topic partition.";

	out->error_code = KERR_ELECTION_NOT_NEEDED;
	if (q->election_type != PREFERRED && q->election_type != UNCLEAN) {
		out->error_code = KERR_INVALID_REQUEST;
		why = "Unknown election type";
	} else if (!t) {
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		why = "No such topic";
	} else if (!topic_partition(t, out->partition_id)) {
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
		why = "No such partition";
	}
	out->error_message = slice_str(why);
}

static void
put_wanted(struct request *rq, const struct elect_leaders_request *q,
	struct elect_leaders_response *resp)
{
	resp->replica_election_results_n = q->topic_partitions_n;
	resp->replica_election_results = arena_array(&rq->arena,
		(size_t)q->topic_partitions_n,
		sizeof(*resp->replica_election_results));
	for (int32_t i = 0; i < q->topic_partitions_n; i++) {
		const struct elect_leaders_request_topic *in =
			&q->topic_partitions[i];
		struct elect_leaders_response_topic *out =
			&resp->replica_election_results[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->topic);

		elect_leaders_response_topic_init(out);
		out->topic = in->topic;
		out->partition_result_n = in->partitions_n;
		out->partition_result = arena_array(&rq->arena,
			(size_t)in->partitions_n, sizeof(*out->partition_result));
		for (int32_t k = 0; k < in->partitions_n; k++) {
			elect_leaders_response_partition_init(
				&out->partition_result[k]);
			out->partition_result[k].partition_id = in->partitions[k];
			put_partition(q, t, &out->partition_result[k]);
		}
	}
}

/* Of all partitions those that need no election are not listed; topics are. */
static void
put_all(struct request *rq, struct elect_leaders_response *resp)
{
	int n;
	struct topic *const *topics = meta_topics(rq->broker->meta, &n);

	resp->replica_election_results_n = n;
	resp->replica_election_results = arena_array(&rq->arena, (size_t)n,
		sizeof(*resp->replica_election_results));
	for (int i = 0; i < n; i++) {
		elect_leaders_response_topic_init(
			&resp->replica_election_results[i]);
		resp->replica_election_results[i].topic =
			slice_str(topics[i]->name);
	}
}

int
api_elect_leaders(struct request *rq)
{
	struct elect_leaders_response resp;
	struct elect_leaders_request q;

	if (elect_leaders_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	elect_leaders_response_init(&resp);
	if (q.election_type != PREFERRED && q.election_type != UNCLEAN)
		resp.error_code = KERR_INVALID_REQUEST;
	if (q.topic_partitions_n >= 0)
		put_wanted(rq, &q, &resp);
	else if (!resp.error_code)
		put_all(rq, &resp);
	elect_leaders_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
