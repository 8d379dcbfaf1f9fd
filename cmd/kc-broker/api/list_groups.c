/* ListGroups: all groups, or those in some states (KIP-518) or of some types. */
#include <strings.h>

#include "api/api.h"
#include "broker.h"
#include "coord/groups.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/messages.h"

/* No filter lets everything pass. Case and blanks around do not matter. */
static bool
passes(const struct slice *filter, int32_t n, const char *word)
{
	for (int32_t i = 0; i < n; i++) {
		const char *p = filter[i].data;
		size_t len = filter[i].len;

		for (; len && *p == ' '; p++)
			len--;
		while (len && p[len - 1] == ' ')
			len--;
		if (len == strlen(word) && !strncasecmp(p, word, len))
			return true;
	}
	return !n;
}

int
api_list_groups(struct request *rq)
{
	struct list_groups_request q;
	struct list_groups_response resp;
	struct groups *gs = rq->broker->groups;
	struct group_entry *en;
	size_t n = 0;

	if (list_groups_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	list_groups_response_init(&resp);
	resp.error_code = groups_load(gs);
	for (size_t i = 0; !resp.error_code && groups_next(gs, &i);)
		n++;
	resp.groups = arena_array(&rq->arena, n, sizeof(*resp.groups));
	for (size_t i = 0; n && (en = groups_next(gs, &i));) {
		struct list_groups_response_group *g = &resp.groups[resp.groups_n];
		const char *state = en->consumer ? consumer_group_state(en->consumer)
			: group_state_name(en->group->state);
		const char *type = en->consumer ? "consumer" : "classic";

		if (!nodes_coordinates(rq, en->group->id) ||
		    !passes(q.states_filter, q.states_filter_n, state) ||
		    !passes(q.types_filter, q.types_filter_n, type))
			continue;
		resp.groups_n++;
		list_groups_response_group_init(g);
		g->group_id = en->group->id;
		g->protocol_type = en->consumer ? slice_str("consumer")
			: slice_is_null(en->group->protocol_type)
			? slice_str("") : en->group->protocol_type;
		g->group_state = slice_str(state);
		g->group_type = slice_str(type);
	}
	list_groups_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
