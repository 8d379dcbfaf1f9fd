/*
 * CreateTopics: each topic is made, or refused, on its own; those made are
 * one append, and the reply waits until it is on disk.
 */
#include <inttypes.h>

#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/quota.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { STRICT_SINCE = 6 }; /* of quotas (KIP-599) */

static int16_t
check_assignments(struct request *rq, const struct create_topics_request_topic *in,
	const char **why)
{
	bool *seen;
	int16_t error;

	if (in->num_partitions != -1) {
		*why = "A manual partition assignment was specified, but "
			"numPartitions was not set to -1.";
		return KERR_INVALID_REQUEST;
	}
	if (in->replication_factor != -1) {
		*why = "A manual partition assignment was specified, but "
			"replication factor was not set to -1.";
		return KERR_INVALID_REQUEST;
	}
	seen = arena_array(&rq->arena, (size_t)in->assignments_n, sizeof(*seen));
	for (int32_t i = 0; i < in->assignments_n; i++) {
		const struct create_topics_request_assignment *s = &in->assignments[i];
		int32_t p = s->partition_index;

		if (p < 0 || p >= in->assignments_n) {
			*why = "partitions should be a consecutive 0-based "
				"integer sequence";
			return KERR_INVALID_REPLICA_ASSIGNMENT;
		}
		if (seen[p]) {
			*why = arena_printf(&rq->arena, "Found multiple manual "
				"partition assignments for partition %" PRId32, p);
			return KERR_INVALID_REPLICA_ASSIGNMENT;
		}
		seen[p] = true;
		error = meta_check_replicas(s->broker_ids, s->broker_ids_n,
			rq->broker->node_id, &rq->arena, why);
		if (error)
			return error;
	}
	return 0;
}

static int16_t
check_replication_factor(struct request *rq, int16_t factor, const char **why)
{
	if (factor == -1 || (factor >= 1 && factor <= rq->broker->nodes))
		return 0;
	if (factor < 1)
		*why = "Replication factor must be larger than 0, or -1 to use "
			"the default value.";
	else if (config_get_bool(rq->broker->config, "kc.replication.factor.clamp"))
		return 0;
	else
		*why = arena_printf(&rq->arena, "Unable to replicate the partition "
			"%d time(s): kc-broker is one node (ask for 1 or -1, or "
			"start it with -o kc.replication.factor.clamp=true)", factor);
	return KERR_INVALID_REPLICATION_FACTOR;
}

/* NULL when a value is null: *why says so. */
static struct config_change *
config_changes(struct request *rq, const struct create_topics_request_topic *in,
	const char **why)
{
	struct config_change *c = arena_array(&rq->arena, (size_t)in->configs_n,
		sizeof(*c));

	for (int32_t i = 0; i < in->configs_n; i++) {
		c[i].name = in->configs[i].name;
		c[i].value = in->configs[i].value;
		if (slice_is_null(c[i].value)) {
			*why = arena_printf(&rq->arena, "Null value not supported "
				"for topic configs: %.*s", SLICE_ARG(c[i].name));
			return NULL;
		}
	}
	return c;
}

/* KIP-525: every config that the new topic has. */
static void
describe(struct request *rq, const struct map *overrides,
	struct create_topics_response_topic *out)
{
	const struct config *server = rq->broker->config;
	char tmp[TOPIC_CONFIG_TEXT];
	int n;
	const struct topic_config *c = topic_configs(&n);

	out->configs = arena_array(&rq->arena, (size_t)n, sizeof(*out->configs));
	for (int i = 0; i < n; i++) {
		struct create_topics_response_config *o =
			&out->configs[out->configs_n];

		if (c[i].hidden)
			continue;
		create_topics_response_config_init(o);
		o->name = slice_str(c[i].name);
		o->value = arena_copy(&rq->arena, slice_str(
			topic_config_get(overrides, server, &c[i], tmp)));
		o->config_source = (int8_t)topic_config_source(overrides, server,
			&c[i]);
		out->configs_n++;
	}
}

static void
describe_new(struct request *rq, const struct topic *t,
	const struct config_change *changes, int changes_n,
	struct create_topics_response_topic *out)
{
	struct map wanted = { 0 };

	if (t) {
		out->topic_id = t->id;
		describe(rq, &t->configs, out);
		return;
	}
	for (int i = 0; i < changes_n; i++)
		topic_config_put(&wanted, topic_config(changes[i].name),
			changes[i].value);
	describe(rq, &wanted, out);
	topic_config_release(&wanted);
}

/* How many the topic shall have; 0 for what cannot be. */
static int32_t
partitions(const struct request *rq, const struct create_topics_request_topic *in)
{
	if (in->assignments_n)
		return in->assignments_n;
	if (in->num_partitions == -1)
		return (int32_t)config_get_int64(rq->broker->config,
			"num.partitions");
	return in->num_partitions < 0 ? 0 : in->num_partitions;
}

static int16_t
create(struct request *rq, const struct create_topics_request_topic *in,
	bool validate_only, struct create_topics_response_topic *out,
	const char **why)
{
	struct meta *m = rq->broker->meta;
	struct config_change *changes;
	struct topic *t;
	uint64_t commit;
	int32_t n = partitions(rq, in);
	int16_t error = meta_check_name(in->name, why);

	if (error)
		return error;
	/* Who asks for what exists hears that, whatever else is wrong. */
	if (!meta_topic(m, in->name)) {
		error = in->assignments_n ? check_assignments(rq, in, why) :
			check_replication_factor(rq, in->replication_factor, why);
		if (error)
			return error;
	}
	changes = config_changes(rq, in, why);
	if (!changes)
		return KERR_INVALID_CONFIG;
	if (!validate_only && !quota_may_change(rq, STRICT_SINCE, n))
		return KERR_THROTTLING_QUOTA_EXCEEDED;
	error = meta_create_topic(m, in->name, n, changes, in->configs_n, false,
		validate_only, &rq->arena, &t, &commit, why);
	if (error)
		return error;
	out->num_partitions = n;
	out->replication_factor = 1;
	if (rq->version >= 5)
		describe_new(rq, t, changes, in->configs_n, out);
	return 0;
}

static void
fail(struct create_topics_response_topic *out, int16_t error, const char *why)
{
	struct slice name = out->name;

	create_topics_response_topic_init(out);
	out->name = name;
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct create_topics_response *resp, int16_t error, const char *why)
{
	for (int32_t i = 0; i < resp->topics_n; i++)
		if (!resp->topics[i].error_code)
			fail(&resp->topics[i], error, why);
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error, NULL);
	create_topics_response_write(request_reply(rq), rq->version, rq->state);
	request_finish(rq);
}

/*
 * One entry for each name of the request; a name given twice is refused as
 * a whole. which[i] is the request's topic of entry i.
 */
static struct create_topics_response *
begin_reply(struct request *rq, const struct create_topics_request *q, int32_t *which)
{
	struct create_topics_response *resp = arena_alloc(&rq->arena, sizeof(*resp));
	struct map seen = { 0 };

	create_topics_response_init(resp);
	resp->topics = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*resp->topics));
	for (int32_t i = 0; i < q->topics_n; i++) {
		struct create_topics_response_topic *out = map_get(&seen,
			q->topics[i].name);

		if (out) {
			fail(out, KERR_INVALID_REQUEST, "Duplicate topic name.");
			continue;
		}
		which[resp->topics_n] = i;
		out = &resp->topics[resp->topics_n++];
		create_topics_response_topic_init(out);
		out->name = arena_copy(&rq->arena, q->topics[i].name);
		out->error_message = SLICE_NULL;
		map_put(&seen, out->name, out);
	}
	map_release(&seen);
	return resp;
}

/* As in Kafka too many are too many together, even to validate. */
static void
check_total(struct request *rq, const struct create_topics_request *q,
	struct create_topics_response *resp)
{
	int64_t total = 0;

	for (int32_t i = 0; i < q->topics_n; i++)
		total += partitions(rq, &q->topics[i]);
	if (total > META_MAX_OPERATION)
		fail_all(resp, KERR_POLICY_VIOLATION,
			"Excessively large number of partitions per request.");
}

int
api_create_topics(struct request *rq)
{
	struct create_topics_request q;
	struct create_topics_response *resp;
	uint64_t commit;
	int32_t *which;
	int16_t error;

	if (create_topics_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	which = arena_array(&rq->arena, (size_t)q.topics_n, sizeof(*which));
	resp = begin_reply(rq, &q, which);
	rq->state = resp;
	check_total(rq, &q, resp);
	meta_begin(rq->broker->meta);
	for (int32_t i = 0; i < resp->topics_n; i++) {
		struct create_topics_response_topic *out = &resp->topics[i];
		const char *why = NULL;

		if (out->error_code)
			continue;
		error = create(rq, &q.topics[which[i]], q.validate_only, out, &why);
		if (error)
			fail(out, error, why);
	}
	error = meta_end(rq->broker->meta, &commit);
	if (error)
		fail_all(resp, error, NULL);
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
