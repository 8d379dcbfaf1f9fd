/*
 * DescribeTopicPartitions: Metadata in pages (KIP-966). Topics come sorted by
 * name; an answer ends after so many partitions with a cursor, from which the
 * client asks on.
 */
#include <stdlib.h>

#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	MAX_PARTITIONS = 2000, /* Kafka's max.request.partition.size.limit */
	/* READ WRITE CREATE DELETE ALTER DESCRIBE DESCRIBE_CONFIGS ALTER_CONFIGS */
	TOPIC_OPERATIONS = 0xdf8,
};

/* The names to answer for, sorted, each once. */
struct names {
	struct slice *name;
	int32_t n;
};

static int
compare(struct slice a, struct slice b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int
by_name(const void *a, const void *b)
{
	return compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Those before `from` have been answered for. */
static struct names
names_of_all(struct request *rq, struct slice from)
{
	struct names all = { 0 };
	int n;
	struct topic *const *topics = meta_topics(rq->broker->meta, &n);

	all.name = arena_array(&rq->arena, (size_t)n, sizeof(*all.name));
	for (int i = 0; i < n; i++)
		if (compare(slice_str(topics[i]->name), from) >= 0)
			all.name[all.n++] = slice_str(topics[i]->name);
	return all;
}

static struct names
names_asked_for(struct request *rq,
	const struct describe_topic_partitions_request *q, struct slice from)
{
	struct names some = { 0 };
	int32_t n = 0;

	some.name = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*some.name));
	for (int32_t i = 0; i < q->topics_n; i++)
		if (compare(q->topics[i].name, from) >= 0)
			some.name[some.n++] = q->topics[i].name;
	if (some.n)
		qsort(some.name, (size_t)some.n, sizeof(*some.name), by_name);
	for (int32_t i = 0; i < some.n; i++)
		if (!n || !slice_eq(some.name[i], some.name[n - 1]))
			some.name[n++] = some.name[i];
	some.n = n;
	return some;
}

static void
put_partitions(struct request *rq, const struct topic *t, int32_t first, int32_t n,
	struct describe_topic_partitions_response_topic *out)
{
	const struct broker *b = rq->broker;

	out->partitions = arena_array(&rq->arena, (size_t)n, sizeof(*out->partitions));
	out->partitions_n = n;
	for (int32_t i = 0; i < n; i++) {
		struct describe_topic_partitions_response_partition *p =
			&out->partitions[i];

		describe_topic_partitions_response_partition_init(p);
		p->partition_index = first + i;
		p->leader_id = nodes_id(b, nodes_leader(b, t, first + i));
		p->leader_epoch = 0;
		p->replica_nodes = arena_array(&rq->arena, NODES_REPLICAS,
			sizeof(*p->replica_nodes));
		p->replica_nodes_n = nodes_replicas(b, t, first + i,
			p->replica_nodes);
		p->isr_nodes = p->replica_nodes;
		p->isr_nodes_n = p->replica_nodes_n;
		if (b->faults && nodes_lost_leader(b, t, first + i)) {
			p->error_code = KERR_LEADER_NOT_AVAILABLE;
			p->leader_id = -1;
		}
		p->eligible_leader_replicas_n = p->last_known_elr_n = 0;
	}
	out->topic_id = t->id;
	out->is_internal = t->internal;
}

static void
set_cursor(struct request *rq, struct slice name, int32_t partition,
	struct describe_topic_partitions_response *resp)
{
	struct describe_topic_partitions_response_cursor *c =
		arena_alloc(&rq->arena, sizeof(*c));

	c->topic_name = name;
	c->partition_index = partition;
	resp->next_cursor = c;
}

static int16_t
why_unknown(struct slice name)
{
	const char *why;
	int16_t error = meta_check_name(name, &why);

	return error ? error : KERR_UNKNOWN_TOPIC_OR_PARTITION;
}

/* Fills the page; `first` is where the topic of the cursor, `from`, goes on. */
static void
put_topics(struct request *rq, const struct names *names, struct slice from,
	int32_t first, int32_t room, struct describe_topic_partitions_response *resp)
{
	resp->topics = arena_array(&rq->arena, (size_t)names->n,
		sizeof(*resp->topics));
	for (int32_t i = 0; i < names->n && !resp->next_cursor; i++) {
		struct describe_topic_partitions_response_topic *out =
			&resp->topics[resp->topics_n];
		const struct topic *t = meta_topic(rq->broker->meta, names->name[i]);
		int32_t at = slice_eq(names->name[i], from) ? first : 0;
		int32_t n = t && at < t->partitions_n ? t->partitions_n - at : 0;

		if (!room) {
			set_cursor(rq, names->name[i], 0, resp);
			break;
		}
		if (n > room) {
			n = room;
			set_cursor(rq, names->name[i], at + n, resp);
		}
		room -= n;
		describe_topic_partitions_response_topic_init(out);
		resp->topics_n++;
		out->name = names->name[i];
		out->topic_authorized_operations = TOPIC_OPERATIONS;
		if (t)
			put_partitions(rq, t, at, n, out);
		else
			out->error_code = why_unknown(names->name[i]);
	}
}

/* A cursor is of a topic asked for, and of a partition that can be. */
static bool
is_cursor_good(const struct describe_topic_partitions_request *q)
{
	if (!q->cursor)
		return true;
	for (int32_t i = 0; i < q->topics_n; i++)
		if (slice_eq(q->topics[i].name, q->cursor->topic_name))
			return q->cursor->partition_index >= 0;
	return !q->topics_n && q->cursor->partition_index >= 0;
}

static void
refuse(struct request *rq, const struct describe_topic_partitions_request *q,
	struct describe_topic_partitions_response *resp)
{
	resp->topics_n = q->topics_n;
	resp->topics = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*resp->topics));
	for (int32_t i = 0; i < q->topics_n; i++) {
		describe_topic_partitions_response_topic_init(&resp->topics[i]);
		resp->topics[i].name = q->topics[i].name;
		resp->topics[i].error_code = KERR_INVALID_REQUEST;
	}
}

int
api_describe_topic_partitions(struct request *rq)
{
	struct describe_topic_partitions_response resp;
	struct describe_topic_partitions_request q;
	struct slice from = slice_str("");
	int32_t first = 0, room;
	struct names names;

	if (describe_topic_partitions_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_topic_partitions_response_init(&resp);
	if (q.cursor) {
		from = q.cursor->topic_name;
		first = q.cursor->partition_index;
	}
	room = q.response_partition_limit;
	if (room < 1)
		room = 1;
	if (room > MAX_PARTITIONS)
		room = MAX_PARTITIONS;
	if (is_cursor_good(&q)) {
		names = q.topics_n ? names_asked_for(rq, &q, from) :
			names_of_all(rq, from);
		put_topics(rq, &names, from, first, room, &resp);
	} else {
		refuse(rq, &q, &resp);
	}
	describe_topic_partitions_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
