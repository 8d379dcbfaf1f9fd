/* DescribeGroups: state and members of classic groups. */
#include "api/api.h"
#include "base/map.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { NOT_FOUND_SINCE = 6 };

/* Bits of AclOperation that exist for groups: what a client may do without an authorizer. */
enum {
	GROUP_OPERATIONS = 1 << 3 /* READ */ | 1 << 6 /* DELETE */ |
		1 << 8 /* DESCRIBE */ | 1 << 10 /* DESCRIBE_CONFIGS */ |
		1 << 11 /* ALTER_CONFIGS */,
};

static struct slice
or_empty(struct slice s)
{
	return slice_is_null(s) ? slice_str("") : s;
}

static void
fill_members(struct request *rq, const struct group *group,
	struct describe_groups_response_group *g)
{
	g->members = arena_array(&rq->arena, group->by_id.len, sizeof(*g->members));
	for (struct list *i = group->members.next; i != &group->members; i = i->next) {
		const struct group_member *m = container_of(i, struct group_member, node);
		struct describe_groups_response_member *rm = &g->members[g->members_n++];

		describe_groups_response_member_init(rm);
		rm->member_id = m->id;
		rm->group_instance_id = m->instance_id;
		rm->client_id = m->client_id;
		rm->client_host = m->client_host;
		rm->member_assignment = or_empty(m->assignment);
		/* Between generations the metadata may be of another protocol. */
		rm->member_metadata = group->state != GROUP_STABLE ? slice_str("")
			: or_empty(group_member_metadata(m, group->protocol_name));
	}
}

static void
describe(struct request *rq, struct slice id, bool operations,
	struct describe_groups_response_group *g)
{
	struct group_entry *en;

	describe_groups_response_group_init(g);
	g->group_id = id;
	g->error_code = groups_find(rq->broker->groups, id, &en);
	g->group_state = slice_str("");
	g->protocol_type = g->protocol_data = slice_str("");
	if (!g->error_code && (!en || en->consumer)) {
		g->group_state = slice_str(group_state_name(GROUP_DEAD));
		if (rq->version >= NOT_FOUND_SINCE) {
			g->error_code = KERR_GROUP_ID_NOT_FOUND;
			g->error_message = slice_str(arena_printf(&rq->arena,
				en ? "Group %.*s is not a classic group." :
				"Group %.*s not found.", SLICE_ARG(id)));
		}
	}
	if (operations && !g->error_code)
		g->authorized_operations = GROUP_OPERATIONS;
	if (!en || en->consumer)
		return;
	g->group_state = slice_str(group_state_name(en->group->state));
	g->protocol_type = or_empty(en->group->protocol_type);
	if (en->group->state == GROUP_STABLE)
		g->protocol_data = or_empty(en->group->protocol_name);
	fill_members(rq, en->group, g);
}

int
api_describe_groups(struct request *rq)
{
	struct describe_groups_request q;
	struct describe_groups_response resp;
	struct map seen = { 0 };

	if (describe_groups_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_groups_response_init(&resp);
	resp.groups = arena_array(&rq->arena, (size_t)q.groups_n, sizeof(*resp.groups));
	for (int32_t i = 0; i < q.groups_n; i++)
		if (!map_put(&seen, q.groups[i], resp.groups))
			describe(rq, q.groups[i], q.include_authorized_operations,
				&resp.groups[resp.groups_n++]);
	map_release(&seen);
	describe_groups_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
