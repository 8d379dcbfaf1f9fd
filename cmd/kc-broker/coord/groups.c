/* groups.c - what members and administrators ask of groups. */
#include "coord/groups.h"

#include "base/uuid.h"
#include "coord/consumer_classic.h"
#include "coord/registry.h"
#include "wire/errors.h"

enum { CLIENT_ID_MAX = 1000 }; /* bytes of it in a member id */

static void
refuse(struct groups *gs, void *token, int16_t error, struct slice member_id)
{
	struct group_reply r = {
		.error = error, .generation = -1, .member_id = member_id,
		.leader = slice_str(""), .assignment = slice_str(""),
	};

	gs->parts.answer(token, &r, 0);
}

/* "<client or instance id>-<random>", as Kafka makes them. */
static struct slice
new_member_id(const struct group_join *j, struct arena *a)
{
	struct slice head = slice_is_null(j->instance_id) ? j->client_id : j->instance_id;
	struct uuid u = uuid_random();
	const uint8_t *b = u.b;

	if (head.len > CLIENT_ID_MAX)
		head = slice_str("member");
	return slice_str(arena_printf(a, "%.*s-%02x%02x%02x%02x-%02x%02x-%02x%02x-"
		"%02x%02x-%02x%02x%02x%02x%02x%02x", SLICE_ARG(head), b[0], b[1], b[2],
		b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
		b[14], b[15]));
}

void
groups_join(struct groups *gs, struct slice id, struct group_join *j)
{
	struct group_entry *en;
	struct arena a = { 0 };
	struct group_turn t;
	int16_t error = groups_find(gs, id, &en);

	if (!error && !id.len)
		error = KERR_INVALID_GROUP_ID;
	else if (!error && !en && j->member_id.len)
		error = KERR_UNKNOWN_MEMBER_ID;
	else if (!error && ((!en && gs->entries.len >= GROUPS_MAX) ||
		!registry_has_room(gs, group_join_bytes(j))))
		error = KERR_GROUP_MAX_SIZE_REACHED;
	if (error) {
		refuse(gs, j->token, error, j->member_id);
		return;
	}
	if (!en)
		en = registry_add(gs, id);
	j->new_id = new_member_id(j, &a);
	if (en->consumer && registry_is_empty(en) && !j->member_id.len)
		error = groups_consumer_drop(en);
	if (error) {
		refuse(gs, j->token, error, j->member_id);
	} else if (en->consumer) {
		groups_consumer_join(en, j);
	} else {
		registry_begin(gs, &t, &a);
		group_join(en->group, j, &t);
		registry_end(en, &t);
		return;
	}
	arena_release(&a);
}

void
groups_sync(struct groups *gs, struct slice id, const struct group_sync *s)
{
	struct group_entry *en;
	struct arena a = { 0 };
	struct group_turn t;
	int16_t error = groups_find(gs, id, &en);

	if (!error && !id.len)
		error = KERR_INVALID_GROUP_ID;
	else if (!error && !en)
		error = KERR_UNKNOWN_MEMBER_ID;
	if (error) {
		refuse(gs, s->token, error, s->member_id);
		return;
	}
	if (en->consumer) {
		groups_consumer_sync(en, s);
		return;
	}
	registry_begin(gs, &t, &a);
	group_sync(en->group, s, &t);
	registry_end(en, &t);
}

int16_t
groups_heartbeat(struct groups *gs, struct slice id, struct slice member_id,
	struct slice instance_id, int32_t generation)
{
	struct group_entry *en;
	struct consumer_turn ct;
	struct group_turn t;
	int16_t error = groups_find(gs, id, &en);

	if (error)
		return error;
	if (!id.len)
		return KERR_INVALID_GROUP_ID;
	if (!en)
		return KERR_UNKNOWN_MEMBER_ID;
	if (en->consumer) {
		registry_begin_consumer(en, &ct, NULL);
		error = consumer_classic_heartbeat(en->consumer, member_id, instance_id,
			generation, &ct);
		registry_follow(en);
		return error;
	}
	registry_begin(gs, &t, NULL);
	error = group_heartbeat(en->group, member_id, instance_id, generation, &t);
	registry_follow(en);
	return error;
}

int16_t
groups_leave(struct groups *gs, struct slice id, struct groups_leaver *leavers,
	int n, uint64_t *commit)
{
	struct group_entry *en;
	struct arena a = { 0 };
	struct group_turn t;
	bool any = false;
	int16_t error = groups_find(gs, id, &en);

	*commit = 0;
	if (error)
		return error;
	if (!id.len)
		return KERR_INVALID_GROUP_ID;
	for (int i = 0; i < n && !en; i++)
		leavers[i].error = KERR_UNKNOWN_MEMBER_ID;
	if (!en)
		return KERR_NONE;
	if (en->consumer) {
		error = groups_consumer_leave(en, leavers, n);
		*commit = en->commit;
		return error;
	}
	registry_begin(gs, &t, &a);
	for (int i = 0; i < n; i++) {
		leavers[i].error = group_leave(en->group, leavers[i].member_id,
			leavers[i].instance_id, &t);
		any |= !leavers[i].error;
	}
	if (any)
		group_left(en->group, &t);
	*commit = registry_end(en, &t);
	return KERR_NONE;
}

int16_t
groups_delete(struct groups *gs, struct slice id, uint64_t *commit)
{
	struct group_entry *en;
	int16_t error = groups_find(gs, id, &en);

	if (error)
		return error;
	error = en ? group_check_delete(en->group) : KERR_GROUP_ID_NOT_FOUND;
	if (!error && !registry_is_empty(en))
		error = KERR_NON_EMPTY_GROUP;
	if (!error)
		error = registry_bury(en, commit);
	if (!error)
		registry_free(en);
	return error;
}
