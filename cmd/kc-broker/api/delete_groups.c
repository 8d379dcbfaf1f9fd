/* DeleteGroups: groups without members, and their offsets (KIP-229). */
#include "api/api.h"
#include "api/group_wait.h"
#include "base/map.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

int
api_delete_groups(struct request *rq)
{
	struct delete_groups_request q;
	struct delete_groups_response resp;
	struct map seen = { 0 };
	uint64_t commit = 0;

	if (delete_groups_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	delete_groups_response_init(&resp);
	resp.results = arena_array(&rq->arena, (size_t)q.groups_names_n,
		sizeof(*resp.results));
	for (int32_t i = 0; i < q.groups_names_n; i++) {
		struct delete_groups_response_group *g = &resp.results[resp.results_n];

		if (map_put(&seen, q.groups_names[i], g))
			continue;
		resp.results_n++;
		delete_groups_response_group_init(g);
		g->group_id = q.groups_names[i];
		g->error_code = groups_delete(rq->broker->groups, g->group_id, &commit);
		if (g->error_code)
			g->error_message = slice_str(kerr_message(g->error_code));
	}
	map_release(&seen);
	delete_groups_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
