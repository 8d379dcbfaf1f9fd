/* ConsumerGroupDescribe (KIP-848): groups of the consumer protocol, their members and who has what. */
#include "api/api.h"
#include "base/map.h"
#include "broker.h"
#include "coord/groups.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* Bits of AclOperation that exist for groups: what a client may do without an authorizer. */
enum {
	GROUP_OPERATIONS = 1 << 3 /* READ */ | 1 << 6 /* DELETE */ |
		1 << 8 /* DESCRIBE */ | 1 << 10 /* DESCRIBE_CONFIGS */ |
		1 << 11 /* ALTER_CONFIGS */,
};

typedef struct consumer_group_describe_response_member described;

/* What it has: also what it must give up and has not yet. */
static void
fill_assignment(struct request *rq, const struct consumer_member *m, described *out)
{
	struct parts all = parts_or(&m->assigned, &m->revoking, &rq->arena);
	struct consumer_group_describe_response_assignment *a = &out->assignment;

	a->topic_partitions = arena_array(&rq->arena, (size_t)parts_topics(&all),
		sizeof(*a->topic_partitions));
	for (int i = 0, n; (n = parts_run(&all, i)); i += n) {
		const struct topic *t = meta_topic_by_id(rq->broker->meta, &all.v[i].topic);
		struct consumer_group_describe_response_assigned_partitions *tp;

		if (!t)
			continue;
		tp = &a->topic_partitions[a->topic_partitions_n++];
		tp->topic_id = t->id;
		tp->topic_name = slice_str(t->name);
		tp->partitions = parts_numbers(&all, i, n, &rq->arena);
		tp->partitions_n = n;
	}
}

static void
fill_target(struct request *rq, const struct consumer_member *m, described *out)
{
	const struct parts *p = &m->target;
	struct consumer_group_describe_response_target *a = &out->target_assignment;

	a->topic_partitions = arena_array(&rq->arena, (size_t)parts_topics(p),
		sizeof(*a->topic_partitions));
	for (int i = 0, n; (n = parts_run(p, i)); i += n) {
		const struct topic *t = meta_topic_by_id(rq->broker->meta, &p->v[i].topic);
		struct consumer_group_describe_response_target_partitions *tp;

		if (!t)
			continue;
		tp = &a->topic_partitions[a->topic_partitions_n++];
		tp->topic_id = t->id;
		tp->topic_name = slice_str(t->name);
		tp->partitions = parts_numbers(p, i, n, &rq->arena);
		tp->partitions_n = n;
	}
}

static void
fill_members(struct request *rq, const struct consumer_group *g,
	struct consumer_group_describe_response_group *out)
{
	out->members = arena_array(&rq->arena, g->by_id.len, sizeof(*out->members));
	FOR_CONSUMERS(g, m) {
		described *d = &out->members[out->members_n++];

		consumer_group_describe_response_member_init(d);
		d->member_id = m->id;
		d->instance_id = m->instance_id;
		d->rack_id = m->rack_id;
		d->member_epoch = m->epoch;
		d->client_id = m->client_id;
		d->client_host = m->client_host;
		d->subscribed_topic_names = m->names;
		d->subscribed_topic_names_n = m->names_n;
		d->subscribed_topic_regex = m->regex;
		d->member_type = m->is_classic ? 0 : 1;
		fill_assignment(rq, m, d);
		fill_target(rq, m, d);
	}
}

static void
describe(struct request *rq, struct slice id, bool operations,
	struct consumer_group_describe_response_group *out)
{
	struct consumer_limits limits;
	const struct consumer_group *g;
	struct group_entry *en;

	consumer_group_describe_response_group_init(out);
	out->group_id = id;
	out->error_code = groups_find(rq->broker->groups, id, &en);
	if (!out->error_code && !id.len)
		out->error_code = KERR_INVALID_GROUP_ID;
	if (!out->error_code && (!en || !en->consumer)) {
		out->error_code = KERR_GROUP_ID_NOT_FOUND;
		out->error_message = slice_str(arena_printf(&rq->arena, en ?
			"Group %.*s is not a consumer group." : "Group %.*s not found.",
			SLICE_ARG(id)));
	}
	if (out->error_code)
		return;
	g = en->consumer;
	limits = groups_consumer_limits(rq->broker->groups, id);
	out->group_state = slice_str(consumer_group_state(g));
	out->group_epoch = g->epoch;
	out->assignment_epoch = g->target_epoch;
	out->assignor_name = slice_str(consumer_group_assignor(g, &limits));
	if (operations)
		out->authorized_operations = GROUP_OPERATIONS;
	fill_members(rq, g, out);
}

int
api_consumer_group_describe(struct request *rq)
{
	struct consumer_group_describe_request q;
	struct consumer_group_describe_response resp;
	struct map seen = { 0 };

	if (consumer_group_describe_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	consumer_group_describe_response_init(&resp);
	resp.groups = arena_array(&rq->arena, (size_t)q.group_ids_n, sizeof(*resp.groups));
	for (int32_t i = 0; i < q.group_ids_n; i++)
		if (!map_put(&seen, q.group_ids[i], resp.groups))
			describe(rq, q.group_ids[i], q.include_authorized_operations,
				&resp.groups[resp.groups_n++]);
	map_release(&seen);
	consumer_group_describe_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
