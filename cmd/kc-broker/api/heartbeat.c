/* Heartbeat: a member lives; the answer tells it when it has to join again. */
#include "api/api.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/messages.h"

int
api_heartbeat(struct request *rq)
{
	struct heartbeat_request q;
	struct heartbeat_response resp;

	if (heartbeat_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	heartbeat_response_init(&resp);
	resp.error_code = groups_heartbeat(rq->broker->groups, q.group_id,
		q.member_id, q.group_instance_id, q.generation_id);
	heartbeat_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
