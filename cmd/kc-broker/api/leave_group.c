/* LeaveGroup: members go at once, by member id or, static ones, by instance id. */
#include "api/api.h"
#include "api/group_wait.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/messages.h"

enum { SEVERAL_SINCE = 3 };

int
api_leave_group(struct request *rq)
{
	struct leave_group_request q;
	struct leave_group_response resp;
	struct groups_leaver *leavers;
	uint64_t commit;
	int n = 1;

	if (leave_group_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	leave_group_response_init(&resp);
	if (rq->version >= SEVERAL_SINCE)
		n = q.members_n;
	leavers = arena_array(&rq->arena, (size_t)n, sizeof(*leavers));
	resp.members = arena_array(&rq->arena, (size_t)n, sizeof(*resp.members));
	for (int i = 0; i < n; i++) {
		if (rq->version < SEVERAL_SINCE) {
			leavers[i].member_id = q.member_id;
			continue;
		}
		leavers[i].member_id = q.members[i].member_id;
		leavers[i].instance_id = q.members[i].group_instance_id;
	}
	resp.error_code = groups_leave(rq->broker->groups, q.group_id, leavers, n,
		&commit);
	if (rq->version < SEVERAL_SINCE && !resp.error_code)
		resp.error_code = leavers[0].error;
	for (int i = 0; i < n && rq->version >= SEVERAL_SINCE && !resp.error_code; i++) {
		struct leave_group_response_member *m = &resp.members[resp.members_n++];

		leave_group_response_member_init(m);
		m->member_id = leavers[i].member_id;
		m->group_instance_id = leavers[i].instance_id;
		m->error_code = leavers[i].error;
	}
	leave_group_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
