/*
 * OffsetFetch: how far groups have read. A partition without an offset is
 * offset -1, not an error; a group that is not known has no offsets. The
 * reply waits until what it tells is on disk.
 *
 * From version 8 for several groups. Both forms are answered by the same
 * code, which fills the newer one.
 */
#include "api/api.h"
#include "api/group_wait.h"
#include "api/named.h"
#include "base/map.h"
#include "broker.h"
#include "coord/groups.h"
#include "coord/pending.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	GROUP_ERROR_SINCE = 2,
	SEVERAL_SINCE = 8,
	TOPIC_ID_SINCE = 10,
};

typedef struct offset_fetch_response_group_partition fetched;

static void
fill_partition(fetched *p, int32_t partition, const struct committed *c, int16_t error)
{
	offset_fetch_response_group_partition_init(p);
	p->partition_index = partition;
	p->committed_offset = c ? c->offset : -1;
	p->committed_leader_epoch = c ? c->leader_epoch : -1;
	p->metadata = c ? c->metadata : slice_str("");
	p->error_code = error;
}

/* KIP-447: no offset is told, as long as a transaction has one pending. */
static int16_t
unstable(const struct group_entry *en, bool stable, struct slice topic, int32_t partition)
{
	return stable && en && pending_has(&en->pending, topic, partition)
		? KERR_UNSTABLE_OFFSET_COMMIT : KERR_NONE;
}

/* The topics that were asked for. */
static void
fill_asked(struct request *rq, const struct group_entry *en, bool stable,
	const struct offset_fetch_request_group *q,
	struct offset_fetch_response_group *r)
{
	bool by_id = rq->version >= TOPIC_ID_SINCE;
	uint64_t walk = named_walk(rq);

	r->topics_n = q->topics_n;
	r->topics = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*r->topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct offset_fetch_request_group_topic *qt = &q->topics[t];
		struct offset_fetch_response_group_topic *rt = &r->topics[t];
		const struct topic *topic = by_id
			? meta_topic_by_id(rq->broker->meta, &qt->topic_id)
			: meta_topic(rq->broker->meta, qt->name);
		struct slice name = by_id && topic ? slice_str(topic->name) : qt->name;
		int16_t error = by_id && !topic ? KERR_UNKNOWN_TOPIC_ID : r->error_code;

		offset_fetch_response_group_topic_init(rt);
		rt->name = qt->name;
		rt->topic_id = qt->topic_id;
		rt->partitions = arena_array(&rq->arena,
			(size_t)qt->partition_indexes_n, sizeof(*rt->partitions));
		for (int32_t p = 0; p < qt->partition_indexes_n; p++) {
			int32_t number = qt->partition_indexes[p];
			int16_t pe = error ? error : unstable(en, stable, name, number);

			if (named_before(topic, number, walk))
				continue;
			fill_partition(&rt->partitions[rt->partitions_n++], number,
				en && !pe ? offsets_get(&en->offsets, name, number)
				: NULL, pe);
		}
	}
}

/* Every topic of which there is an offset. */
static void
fill_all(struct request *rq, const struct group_entry *en, bool stable,
	struct offset_fetch_response_group *r)
{
	const struct offsets_topic *t;

	if (!en)
		return;
	r->topics = arena_array(&rq->arena, en->offsets.topics.len, sizeof(*r->topics));
	for (size_t i = 0; (t = map_next(&en->offsets.topics, &i));) {
		const struct topic *topic = meta_topic(rq->broker->meta, t->name);
		struct offset_fetch_response_group_topic *rt;

		if (!topic && rq->version >= TOPIC_ID_SINCE)
			continue; /* cannot be named */
		rt = &r->topics[r->topics_n++];
		offset_fetch_response_group_topic_init(rt);
		rt->name = t->name;
		if (topic)
			rt->topic_id = topic->id;
		rt->partitions_n = t->parts_n;
		rt->partitions = arena_array(&rq->arena, (size_t)t->parts_n,
			sizeof(*rt->partitions));
		for (int p = 0; p < t->parts_n; p++) {
			int16_t pe = unstable(en, stable, t->name, t->parts[p].partition);

			fill_partition(&rt->partitions[p], t->parts[p].partition,
				pe ? NULL : &t->parts[p], pe);
		}
	}
}

static void
fill_group(struct request *rq, const struct offset_fetch_request_group *q, bool stable,
	struct offset_fetch_response_group *r, uint64_t *commit)
{
	struct group_entry *en;

	offset_fetch_response_group_init(r);
	r->group_id = q->group_id;
	r->error_code = groups_find(rq->broker->groups, q->group_id, &en);
	if (en && en->commit > *commit)
		*commit = en->commit;
	if (en && en->consumer && !r->error_code)
		r->error_code = consumer_check_fetch(en->consumer, q->member_id,
			q->member_epoch);
	if (r->error_code && q->topics_n < 0)
		return;
	if (q->topics_n >= 0)
		fill_asked(rq, en, stable, q, r);
	else
		fill_all(rq, en, stable, r);
}

/* A request before version 8, in the form of the later ones. */
static void
widen_request(struct request *rq, const struct offset_fetch_request *q,
	struct offset_fetch_request_group *g)
{
	offset_fetch_request_group_init(g);
	g->group_id = q->group_id;
	g->topics_n = q->topics_n;
	if (q->topics_n < 0)
		return; /* all of them */
	g->topics = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*g->topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		g->topics[t].name = q->topics[t].name;
		g->topics[t].partition_indexes = q->topics[t].partition_indexes;
		g->topics[t].partition_indexes_n = q->topics[t].partition_indexes_n;
	}
}

static void
narrow_response(struct request *rq, const struct offset_fetch_response_group *g,
	struct offset_fetch_response *resp)
{
	if (rq->version >= GROUP_ERROR_SINCE)
		resp->error_code = g->error_code;
	resp->topics_n = g->topics_n;
	resp->topics = arena_array(&rq->arena, (size_t)g->topics_n, sizeof(*resp->topics));
	for (int32_t t = 0; t < g->topics_n; t++) {
		const struct offset_fetch_response_group_topic *gt = &g->topics[t];
		struct offset_fetch_response_topic *rt = &resp->topics[t];

		offset_fetch_response_topic_init(rt);
		rt->name = gt->name;
		rt->partitions_n = gt->partitions_n;
		rt->partitions = arena_array(&rq->arena, (size_t)gt->partitions_n,
			sizeof(*rt->partitions));
		for (int32_t p = 0; p < gt->partitions_n; p++) {
			const fetched *from = &gt->partitions[p];

			offset_fetch_response_partition_init(&rt->partitions[p]);
			rt->partitions[p].partition_index = from->partition_index;
			rt->partitions[p].committed_offset = from->committed_offset;
			rt->partitions[p].committed_leader_epoch =
				from->committed_leader_epoch;
			rt->partitions[p].metadata = from->metadata;
			rt->partitions[p].error_code = from->error_code;
		}
	}
}

int
api_offset_fetch(struct request *rq)
{
	struct offset_fetch_request q;
	struct offset_fetch_response resp;
	struct offset_fetch_request_group asked;
	struct offset_fetch_response_group group;
	struct map seen = { 0 };
	uint64_t commit = 0;

	if (offset_fetch_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	offset_fetch_response_init(&resp);
	if (rq->version < SEVERAL_SINCE) {
		widen_request(rq, &q, &asked);
		fill_group(rq, &asked, q.require_stable, &group, &commit);
		narrow_response(rq, &group, &resp);
	} else {
		resp.groups = arena_array(&rq->arena, (size_t)q.groups_n,
			sizeof(*resp.groups));
		for (int32_t i = 0; i < q.groups_n; i++)
			if (!map_put(&seen, q.groups[i].group_id, resp.groups))
				fill_group(rq, &q.groups[i], q.require_stable,
					&resp.groups[resp.groups_n++], &commit);
		map_release(&seen);
	}
	offset_fetch_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
