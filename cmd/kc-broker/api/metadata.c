/*
 * Metadata: this broker, and topics with their partitions. A topic that does
 * not exist is created when the client and the configuration allow it, and is
 * in this very reply: Kafka says UNKNOWN_TOPIC_OR_PARTITION first and has the
 * client ask again.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/faults.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

/*
 * Bits by AclOperation: without an authorizer everything that makes sense.
 * Topic: READ WRITE CREATE DELETE ALTER DESCRIBE DESCRIBE_CONFIGS ALTER_CONFIGS.
 * Cluster: CREATE ALTER DESCRIBE CLUSTER_ACTION DESCRIBE_CONFIGS ALTER_CONFIGS
 * IDEMPOTENT_WRITE.
 */
enum {
	TOPIC_OPERATIONS = 0xdf8,
	CLUSTER_OPERATIONS = 0x1fa0,
};

/* What is asked for, copied so that it outlives the frame. */
struct asked {
	bool all;
	bool topic_operations, cluster_operations;
	int32_t n;
	struct wanted *topics;
};

struct wanted {
	struct slice name; /* null = by id */
	struct uuid id;
	int16_t error;
	bool created;      /* by this request */
};

static void
put_partitions(struct request *rq, const struct topic *t,
	struct metadata_response_topic *out)
{
	const struct broker *b = rq->broker;

	out->partitions = arena_array(&rq->arena, (size_t)t->partitions_n,
		sizeof(*out->partitions));
	out->partitions_n = t->partitions_n;
	for (int32_t i = 0; i < t->partitions_n; i++) {
		struct metadata_response_partition *p = &out->partitions[i];

		metadata_response_partition_init(p);
		p->partition_index = i;
		p->leader_id = nodes_id(b, nodes_leader(b, t, i));
		p->leader_epoch = 0;
		p->replica_nodes = arena_array(&rq->arena, NODES_REPLICAS,
			sizeof(*p->replica_nodes));
		p->replica_nodes_n = nodes_replicas(b, t, i, p->replica_nodes);
		p->isr_nodes = p->replica_nodes;
		p->isr_nodes_n = p->replica_nodes_n;
		if (b->faults && nodes_lost_leader(b, t, i)) {
			p->error_code = KERR_LEADER_NOT_AVAILABLE;
			p->leader_id = -1;
		}
	}
}

static void
put_topic(struct request *rq, const struct topic *t, const struct asked *q,
	struct metadata_response_topic *out)
{
	metadata_response_topic_init(out);
	out->name = slice_str(t->name);
	out->topic_id = t->id;
	out->is_internal = t->internal;
	if (q->topic_operations)
		out->topic_authorized_operations = TOPIC_OPERATIONS;
	out->error_code = faults_topic(rq, t->name);
	if (!out->error_code)
		put_partitions(rq, t, out);
}

static void
put_error(const struct request *rq, const struct wanted *w, const struct asked *q,
	struct metadata_response_topic *out)
{
	metadata_response_topic_init(out);
	out->error_code = w->error;
	out->topic_id = w->id;
	out->name = w->name;
	if (slice_is_null(w->name) && rq->version < 12)
		out->name = slice_str("");
	if (q->topic_operations)
		out->topic_authorized_operations = TOPIC_OPERATIONS;
}

static void
put_all(struct request *rq, const struct asked *q, struct metadata_response *resp)
{
	int n;
	struct topic *const *topics = meta_topics(rq->broker->meta, &n);

	resp->topics = arena_array(&rq->arena, (size_t)n, sizeof(*resp->topics));
	for (int i = 0; i < n; i++)
		put_topic(rq, topics[i], q, &resp->topics[i]);
	resp->topics_n = n;
}

static struct topic *
find(struct request *rq, const struct wanted *w)
{
	if (slice_is_null(w->name))
		return meta_topic_by_id(rq->broker->meta, &w->id);
	return meta_topic(rq->broker->meta, w->name);
}

static void
put_wanted(struct request *rq, struct asked *q, int16_t error,
	struct metadata_response *resp)
{
	resp->topics = arena_array(&rq->arena, (size_t)q->n, sizeof(*resp->topics));
	resp->topics_n = q->n;
	for (int32_t i = 0; i < q->n; i++) {
		struct wanted *w = &q->topics[i];
		const struct topic *t = NULL;

		if (error && w->created)
			w->error = error;
		if (!w->error)
			t = find(rq, w);
		if (!w->error && !t) /* also when it was deleted while we waited */
			w->error = slice_is_null(w->name) ? KERR_UNKNOWN_TOPIC_ID :
				KERR_UNKNOWN_TOPIC_OR_PARTITION;
		if (t)
			put_topic(rq, t, q, &resp->topics[i]);
		else
			put_error(rq, w, q, &resp->topics[i]);
	}
}

static void
answer(struct request *rq, int16_t error)
{
	struct asked *q = rq->state;
	struct metadata_response resp;
	int nodes = rq->broker->nodes;
	char cluster[UUID_TEXT];

	metadata_response_init(&resp);
	resp.brokers = arena_array(&rq->arena, (size_t)nodes, sizeof(*resp.brokers));
	resp.brokers_n = nodes;
	for (int i = 0; i < nodes; i++) {
		metadata_response_broker_init(&resp.brokers[i]);
		resp.brokers[i].node_id = nodes_id(rq->broker, i);
		resp.brokers[i].host = nodes_host(rq, i, &resp.brokers[i].port);
	}
	resp.controller_id = rq->broker->node_id;
	resp.cluster_id = slice_str(uuid_text(meta_cluster_id(rq->broker->meta),
		cluster));
	if (q->cluster_operations)
		resp.cluster_authorized_operations = CLUSTER_OPERATIONS;
	if (q->all)
		put_all(rq, q, &resp);
	else
		put_wanted(rq, q, error, &resp);
	metadata_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
}

/* What is wrong with the question itself. */
static int16_t
check_wanted(const struct request *rq, const struct wanted *w)
{
	const char *why;

	if (!slice_is_null(w->name))
		return meta_check_name(w->name, &why);
	/* v10 and v11 have the id, but no meaning for it. */
	if (rq->version < 12)
		return KERR_INVALID_REQUEST;
	return uuid_is_zero(&w->id) ? KERR_UNKNOWN_TOPIC_ID : 0;
}

/* Each topic once, in the order of the request. */
static void
copy_topics(struct request *rq, const struct metadata_request *in, struct asked *q)
{
	struct map names = { 0 }, ids = { 0 };

	q->topics = arena_array(&rq->arena, (size_t)in->topics_n, sizeof(*q->topics));
	for (int32_t i = 0; i < in->topics_n; i++) {
		struct wanted *w = &q->topics[q->n];
		struct slice name = in->topics[i].name;
		struct slice id = slice_make(w->id.b, sizeof(w->id.b));

		w->id = in->topics[i].topic_id;
		/* An id wins over a name. */
		if (!uuid_is_zero(&w->id) || slice_is_null(name)) {
			if (map_get(&ids, id))
				continue;
			map_put(&ids, id, w);
		} else {
			if (map_get(&names, name))
				continue;
			w->name = arena_copy(&rq->arena, name);
			map_put(&names, w->name, w);
		}
		w->error = check_wanted(rq, w);
		q->n++;
	}
	map_release(&names);
	map_release(&ids);
}

static bool
may_create(const struct request *rq, const struct metadata_request *in)
{
	/* Before v4 there was no choice: the field defaults to true. */
	return in->allow_auto_topic_creation &&
		config_get_bool(rq->broker->config, "auto.create.topics.enable");
}

static uint64_t
create_missing(struct request *rq, struct asked *q)
{
	struct meta *m = rq->broker->meta;
	struct topic *t;
	const char *why;
	uint64_t commit;
	int16_t error;

	meta_begin(m);
	for (int32_t i = 0; i < q->n; i++) {
		struct wanted *w = &q->topics[i];

		/* The coordinators make their own topics, when they need them. */
		if (w->error || slice_is_null(w->name) ||
		    meta_topic(m, w->name) || meta_is_internal(w->name))
			continue;
		w->error = meta_create_topic(m, w->name, -1, NULL, 0, false, false,
			&rq->arena, &t, &commit, &why);
		w->created = !w->error;
	}
	error = meta_end(m, &commit);
	for (int32_t i = 0; error && i < q->n; i++)
		if (q->topics[i].created)
			q->topics[i].error = error;
	return commit;
}

int
api_metadata(struct request *rq)
{
	struct metadata_request in;
	struct asked *q;
	uint64_t commit = 0;

	if (metadata_request_read(&rq->in, rq->version, &in) < 0)
		return -1;
	q = arena_alloc(&rq->arena, sizeof(*q));
	q->all = in.topics_n < 0 || (rq->version == 0 && !in.topics_n);
	q->topic_operations = in.include_topic_authorized_operations;
	q->cluster_operations = in.include_cluster_authorized_operations;
	rq->state = q;
	if (!q->all) {
		copy_topics(rq, &in, q);
		if (may_create(rq, &in))
			commit = create_missing(rq, q);
	}
	request_wait_commit(rq, commit, answer);
	return 0;
}
