/*
 * CreatePartitions (KIP-195): more partitions for topics that exist.
 */
#include <inttypes.h>

#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/quota.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { STRICT_SINCE = 3 }; /* of quotas (KIP-599) */

static int16_t
check_assignments(struct request *rq, const struct topic *t,
	const struct create_partitions_request_topic *in, const char **why)
{
	int32_t more = in->count - t->partitions_n;
	int16_t error = 0;

	if (in->assignments_n != more) {
		*why = arena_printf(&rq->arena, "Attempted to add %" PRId32
			" additional partition(s), but only %" PRId32
			" assignment(s) were specified.", more, in->assignments_n);
		return KERR_INVALID_REPLICA_ASSIGNMENT;
	}
	for (int32_t i = 0; i < in->assignments_n && !error; i++)
		error = meta_check_replicas(in->assignments[i].broker_ids,
			in->assignments[i].broker_ids_n, rq->broker->node_id,
			&rq->arena, why);
	return error;
}

static int16_t
grow(struct request *rq, const struct create_partitions_request_topic *in,
	bool validate_only, const char **why)
{
	struct meta *m = rq->broker->meta;
	struct topic *t = meta_topic(m, in->name);
	uint64_t commit;
	int16_t error;

	if (!t)
		return KERR_UNKNOWN_TOPIC_OR_PARTITION;
	if (t->internal) {
		*why = "the partitions of an internal topic are the broker's own "
			"affair";
		return KERR_INVALID_REQUEST;
	}
	/* First without a trace: the assignments count from a number that is right. */
	error = meta_add_partitions(m, t, in->count, true, &rq->arena, &commit, why);
	if (!error && in->assignments_n >= 0)
		error = check_assignments(rq, t, in, why);
	if (error || validate_only)
		return error;
	if (!quota_may_change(rq, STRICT_SINCE, in->count - t->partitions_n))
		return KERR_THROTTLING_QUOTA_EXCEEDED;
	return meta_add_partitions(m, t, in->count, false, &rq->arena, &commit, why);
}

static void
fail(struct create_partitions_response_topic *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct create_partitions_response *resp, int16_t error)
{
	for (int32_t i = 0; i < resp->results_n; i++)
		if (!resp->results[i].error_code)
			fail(&resp->results[i], error, NULL);
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error);
	create_partitions_response_write(request_reply(rq), rq->version, rq->state);
	request_finish(rq);
}

/* One entry a name; which[i] is the request's topic of entry i. */
static struct create_partitions_response *
begin_reply(struct request *rq, const struct create_partitions_request *q,
	int32_t *which)
{
	struct create_partitions_response *resp =
		arena_alloc(&rq->arena, sizeof(*resp));
	struct map seen = { 0 };

	create_partitions_response_init(resp);
	resp->results = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*resp->results));
	for (int32_t i = 0; i < q->topics_n; i++) {
		struct create_partitions_response_topic *out = map_get(&seen,
			q->topics[i].name);

		if (out) {
			fail(out, KERR_INVALID_REQUEST, "Duplicate topic name.");
			continue;
		}
		which[resp->results_n] = i;
		out = &resp->results[resp->results_n++];
		create_partitions_response_topic_init(out);
		out->name = arena_copy(&rq->arena, q->topics[i].name);
		map_put(&seen, out->name, out);
	}
	map_release(&seen);
	return resp;
}

int
api_create_partitions(struct request *rq)
{
	struct create_partitions_request q;
	struct create_partitions_response *resp;
	uint64_t commit;
	int32_t *which;
	int16_t error;

	if (create_partitions_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	which = arena_array(&rq->arena, (size_t)q.topics_n, sizeof(*which));
	resp = begin_reply(rq, &q, which);
	rq->state = resp;
	meta_begin(rq->broker->meta);
	for (int32_t i = 0; i < resp->results_n; i++) {
		const char *why = NULL;

		if (resp->results[i].error_code)
			continue;
		error = grow(rq, &q.topics[which[i]], q.validate_only, &why);
		if (error)
			fail(&resp->results[i], error, why);
	}
	error = meta_end(rq->broker->meta, &commit);
	if (error)
		fail_all(resp, error);
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
