/* SyncGroup: the leader gives the assignments, the others wait for theirs. */
#include "api/api.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/messages.h"

static void
encode(struct request *rq, const struct group_reply *r)
{
	struct sync_group_response resp;

	sync_group_response_init(&resp);
	resp.error_code = r->error;
	resp.protocol_type = r->protocol_type;
	resp.protocol_name = r->protocol_name;
	resp.assignment = r->assignment;
	sync_group_response_write(request_reply(rq), rq->version, &resp);
}

int
api_sync_group(struct request *rq)
{
	struct sync_group_request q;
	struct group_sync s;
	struct group_assignment *assignments;

	if (sync_group_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	assignments = arena_array(&rq->arena, (size_t)q.assignments_n,
		sizeof(*assignments));
	for (int32_t i = 0; i < q.assignments_n; i++) {
		assignments[i].member_id = q.assignments[i].member_id;
		assignments[i].bytes = q.assignments[i].assignment;
	}
	s = (struct group_sync){
		.member_id = q.member_id,
		.instance_id = q.group_instance_id,
		.generation = q.generation_id,
		.protocol_type = q.protocol_type,
		.protocol_name = q.protocol_name,
		.assignments = assignments,
		.assignments_n = q.assignments_n,
		.token = group_wait_token(rq, encode),
	};
	groups_sync(rq->broker->groups, q.group_id, &s);
	return 0;
}
