/* JoinGroup: a member enters its group, and waits for the generation to begin. */
#include "api/api.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/messages.h"

enum {
	MEMBER_ID_REQUIRED_SINCE = 4,
	NULL_PROTOCOL_SINCE = 7,
	SKIP_ASSIGNMENT_SINCE = 9,
};

static void
encode(struct request *rq, const struct group_reply *r)
{
	struct join_group_response resp;

	join_group_response_init(&resp);
	resp.error_code = r->error;
	resp.generation_id = r->generation;
	resp.protocol_type = r->protocol_type;
	resp.protocol_name = r->protocol_name;
	if (slice_is_null(r->protocol_name) && rq->version < NULL_PROTOCOL_SINCE)
		resp.protocol_name = slice_str("");
	resp.leader = r->leader;
	resp.skip_assignment = r->skip_assignment;
	resp.member_id = r->member_id;
	resp.members_n = r->members_n;
	resp.members = arena_array(&rq->arena, (size_t)r->members_n,
		sizeof(*resp.members));
	for (int i = 0; i < r->members_n; i++) {
		const struct group_member *m = r->members[i];

		join_group_response_member_init(&resp.members[i]);
		resp.members[i].member_id = m->id;
		resp.members[i].group_instance_id = m->instance_id;
		resp.members[i].metadata = group_member_metadata(m, r->protocol_name);
	}
	join_group_response_write(request_reply(rq), rq->version, &resp);
}

int
api_join_group(struct request *rq)
{
	struct join_group_request q;
	struct group_join j;
	struct group_protocol *protocols;

	if (join_group_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	protocols = arena_array(&rq->arena, (size_t)q.protocols_n, sizeof(*protocols));
	for (int32_t i = 0; i < q.protocols_n; i++) {
		protocols[i].name = q.protocols[i].name;
		protocols[i].metadata = q.protocols[i].metadata;
	}
	j = (struct group_join){
		.member_id = q.member_id,
		.instance_id = q.group_instance_id,
		.client_id = slice_is_null(rq->client_id) ? slice_str("") : rq->client_id,
		.client_host = request_client_host(rq),
		.protocol_type = q.protocol_type,
		.protocols = protocols,
		.protocols_n = q.protocols_n,
		.session_ms = q.session_timeout_ms,
		/* version 0 has one time-out for both */
		.rebalance_ms = rq->version < 1 ? q.session_timeout_ms
			: q.rebalance_timeout_ms,
		.needs_id = rq->version >= MEMBER_ID_REQUIRED_SINCE,
		.skips = rq->version >= SKIP_ASSIGNMENT_SINCE,
		.token = group_wait_token(rq, encode),
	};
	groups_join(rq->broker->groups, q.group_id, &j);
	return 0;
}
