#include "coord/group.h"

#include "base/xalloc.h"
#include "coord/members.h"
#include "coord/rebalance.h"
#include "wire/errors.h"

/*
 * A member that has not been in a generation cannot send heartbeats, and its
 * going away is not seen while its JoinGroup is parked: it waits this long.
 */
enum { NEW_MEMBER_MS = 5 * 60 * 1000 };

const char *
group_state_name(enum group_state s)
{
	static const char *const names[] = {
		"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead",
	};

	return names[s];
}

struct group *
group_new(struct slice id, const struct group_limits *limits, int64_t wall)
{
	struct group *g = xcalloc(1, sizeof(*g));

	g->id = slice_own(id);
	g->limits = limits;
	g->state_since = wall;
	list_init(&g->members);
	g->join_at = g->sync_at = g->next_at = GROUP_NEVER;
	return g;
}

void
group_free(struct group *g)
{
	struct group_pending *p;

	if (!g)
		return;
	FOR_MEMBERS(g, m)
		members_remove(g, m);
	for (size_t i = 0; (p = map_next(&g->pending, &i));)
		members_remove_pending(g, p);
	map_release(&g->by_id);
	map_release(&g->by_instance);
	map_release(&g->pending);
	slice_free(&g->id);
	slice_free(&g->protocol_type);
	slice_free(&g->protocol_name);
	free(g);
}

/* ---- JoinGroup ---- */

size_t
group_join_bytes(const struct group_join *j)
{
	size_t n = sizeof(struct group_member) + j->instance_id.len +
		j->client_id.len + j->client_host.len;

	for (int i = 0; i < j->protocols_n; i++)
		n += j->protocols[i].name.len + j->protocols[i].metadata.len +
			sizeof(j->protocols[i]);
	return n;
}

/* A retry may come while the first try still waits: that one is answered. */
static void
park_join(struct group *g, struct group_member *m, void *token, struct group_turn *t)
{
	rebalance_answer_join(g, m, KERR_REBALANCE_IN_PROGRESS, m->id, t);
	members_wait_join(g, m, token);
}

static void
add_member(struct group *g, const struct group_join *j, struct slice id,
	struct group_turn *t)
{
	struct group_member *m = members_add(g, j, id);

	m->is_new = true;
	m->expires = t->now + NEW_MEMBER_MS;
	rebalance_due(g, m->expires);
	if (g->state == GROUP_PREPARING && g->initial)
		g->initial_extended = true;
	park_join(g, m, j->token, t);
	rebalance_run(g, t);
}

static void
update_member(struct group *g, struct group_member *m, const struct group_join *j,
	struct group_turn *t)
{
	members_update(g, m, j);
	park_join(g, m, j->token, t);
	rebalance_run(g, t);
}

/*
 * A static member is back under a new id. Who used the old one is fenced.
 * In a stable group it keeps the assignment, without a rebalance, unless its
 * protocols would change the group's choice.
 */
static void
replace_static(struct group *g, struct group_member *m, const struct group_join *j,
	struct group_turn *t)
{
	struct slice old_leader = arena_copy(t->arena, g->leader->id);
	struct group_reply *r;

	rebalance_answer_join(g, m, KERR_FENCED_INSTANCE_ID, m->id, t);
	rebalance_answer_sync(m, KERR_FENCED_INSTANCE_ID, t);
	members_rename(g, m, j->new_id);
	members_update(g, m, j);
	m->is_new = false;
	rebalance_renew(g, m, t);
	if (g->state != GROUP_STABLE ||
		!slice_eq(members_vote(g), g->protocol_name)) {
		members_wait_join(g, m, j->token);
		/* The leader may have got the old id already: it must assign again. */
		if (g->state != GROUP_PREPARING)
			rebalance_begin(g, t);
		else
			rebalance_maybe_complete(g, t);
		return;
	}
	t->store = true;
	r = rebalance_reply_joined(g, m, j->token, t);
	if (j->skips) {
		r->skip_assignment = m == g->leader;
	} else {
		/* It must not assign: let it believe that its former self leads. */
		r->leader = old_leader;
		r->members = NULL;
		r->members_n = 0;
	}
}

static void
join_unknown(struct group *g, const struct group_join *j, struct group_turn *t)
{
	struct group_member *old = members_of_instance(g, j->instance_id);
	int64_t expires = t->now + j->session_ms;

	if (old) {
		replace_static(g, old, j, t);
	} else if (j->needs_id && slice_is_null(j->instance_id)) {
		members_add_pending(g, j->new_id, expires);
		rebalance_due(g, expires);
		rebalance_reply(t, j->token, KERR_MEMBER_ID_REQUIRED, j->new_id);
	} else {
		add_member(g, j, j->new_id, t);
	}
}

/* 0, FENCED_INSTANCE_ID or UNKNOWN_MEMBER_ID. */
static int16_t
check_member(const struct group *g, struct slice member_id, struct slice instance_id)
{
	if (!slice_is_null(instance_id)) {
		struct group_member *m = members_of_instance(g, instance_id);

		if (!m)
			return KERR_UNKNOWN_MEMBER_ID;
		if (!slice_eq(m->id, member_id))
			return KERR_FENCED_INSTANCE_ID;
	}
	return members_get(g, member_id) ? KERR_NONE : KERR_UNKNOWN_MEMBER_ID;
}

static void
join_known(struct group *g, const struct group_join *j, struct group_turn *t)
{
	struct group_pending *p = members_pending(g, j->member_id);
	int16_t error = p ? 0 : check_member(g, j->member_id, j->instance_id);
	struct group_member *m = members_get(g, j->member_id);

	if (p && !slice_is_null(j->instance_id)) {
		rebalance_reply(t, j->token, KERR_UNKNOWN_SERVER_ERROR, slice_str(""));
	} else if (p) {
		members_remove_pending(g, p);
		add_member(g, j, j->member_id, t);
	} else if (error) {
		rebalance_reply(t, j->token, error, j->member_id);
	} else if (g->state == GROUP_EMPTY) {
		rebalance_reply(t, j->token, KERR_UNKNOWN_MEMBER_ID, j->member_id);
	} else if (g->state == GROUP_PREPARING || !members_match(m, j) ||
		(g->state == GROUP_STABLE && m == g->leader)) {
		/*
		 * In a stable group the leader's wish is enough: what is to be
		 * assigned may have changed although the members have not.
		 */
		update_member(g, m, j, t);
	} else {
		/* The reply was lost, or a follower asks again: here it is. */
		rebalance_reply_joined(g, m, j->token, t);
	}
}

/* Is there room for this member? */
static bool
accepts(const struct group *g, const struct group_join *j)
{
	const struct group_member *m = members_get(g, j->member_id);

	if (!m && g->bytes + group_join_bytes(j) > g->limits->max_bytes)
		return false;
	if (!j->member_id.len && g->pending.len >= g->limits->max_pending + g->by_id.len)
		return false;
	switch (g->state) {
	case GROUP_PREPARING:
		/* Those who are here count, so that the last to come must go. */
		return (m && m->join) || g->joining < g->limits->max_size;
	case GROUP_COMPLETING:
	case GROUP_STABLE:
		return m || g->by_id.len < (size_t)g->limits->max_size;
	case GROUP_EMPTY:
	case GROUP_DEAD:
		break;
	}
	return true;
}

void
group_join(struct group *g, const struct group_join *j, struct group_turn *t)
{
	struct group_member *m;
	struct group_pending *p;
	int16_t error = 0;

	if (g->state == GROUP_DEAD)
		error = KERR_COORDINATOR_NOT_AVAILABLE;
	else if (j->session_ms < g->limits->min_session_ms ||
		j->session_ms > g->limits->max_session_ms)
		error = KERR_INVALID_SESSION_TIMEOUT;
	else if (j->protocols_n > g->limits->max_protocols)
		error = KERR_INVALID_REQUEST;
	if (error) {
		rebalance_reply(t, j->token, error, j->member_id);
		return;
	}
	if (!accepts(g, j)) {
		if ((m = members_get(g, j->member_id)))
			rebalance_drop(g, m, t);
		if ((p = members_pending(g, j->member_id)))
			members_remove_pending(g, p);
		rebalance_reply(t, j->token, KERR_GROUP_MAX_SIZE_REACHED, slice_str(""));
	} else if (!members_support(g, j)) {
		rebalance_reply(t, j->token, KERR_INCONSISTENT_GROUP_PROTOCOL, j->member_id);
	} else if (!j->member_id.len) {
		join_unknown(g, j, t);
	} else {
		join_known(g, j, t);
	}
}

/* ---- SyncGroup ---- */

static bool
differs(struct slice asked, struct slice is)
{
	return !slice_is_null(asked) && !slice_is_null(is) && !slice_eq(asked, is);
}

static int16_t
check_sync(const struct group *g, const struct group_sync *s)
{
	int16_t error;

	if (g->state == GROUP_DEAD)
		return KERR_COORDINATOR_NOT_AVAILABLE;
	if (g->state == GROUP_EMPTY)
		return KERR_UNKNOWN_MEMBER_ID;
	error = check_member(g, s->member_id, s->instance_id);
	if (error)
		return error;
	if (s->generation != g->generation)
		return KERR_ILLEGAL_GENERATION;
	if (differs(s->protocol_type, g->protocol_type) ||
		differs(s->protocol_name, g->protocol_name))
		return KERR_INCONSISTENT_GROUP_PROTOCOL;
	if (g->state == GROUP_PREPARING)
		return KERR_REBALANCE_IN_PROGRESS;
	return KERR_NONE;
}

static void
reply_synced(struct group *g, struct group_member *m, void *token,
	struct group_turn *t)
{
	struct group_reply *r = rebalance_reply(t, token, KERR_NONE, m->id);

	r->protocol_type = g->protocol_type;
	r->protocol_name = g->protocol_name;
	if (m->assignment.data)
		r->assignment = m->assignment;
}

/* The leader has decided. Members it forgot get nothing. */
static void
assign(struct group *g, const struct group_sync *s, struct group_turn *t)
{
	FOR_MEMBERS(g, m)
		slice_free(&m->assignment);
	for (int i = 0; i < s->assignments_n; i++) {
		struct group_member *m = members_get(g, s->assignments[i].member_id);

		if (!m)
			continue;
		slice_free(&m->assignment);
		m->assignment = slice_own(s->assignments[i].bytes);
	}
	rebalance_set_state(g, GROUP_STABLE, t);
	t->store = true;
	FOR_MEMBERS(g, m) {
		if (!m->sync)
			continue;
		reply_synced(g, m, m->sync, t);
		m->sync = NULL;
		rebalance_renew(g, m, t);
	}
}

void
group_sync(struct group *g, const struct group_sync *s, struct group_turn *t)
{
	int16_t error = check_sync(g, s);
	struct group_member *m;

	if (error) {
		rebalance_reply(t, s->token, error, s->member_id);
		return;
	}
	m = members_get(g, s->member_id);
	m->needs_sync = false;
	if (g->state == GROUP_STABLE) {
		reply_synced(g, m, s->token, t);
		return;
	}
	rebalance_answer_sync(m, KERR_REBALANCE_IN_PROGRESS, t);
	m->sync = s->token;
	if (m == g->leader)
		assign(g, s, t);
}

/* ---- the others ---- */

int16_t
group_heartbeat(struct group *g, struct slice member_id, struct slice instance_id,
	int32_t generation, struct group_turn *t)
{
	int16_t error;

	if (g->state == GROUP_DEAD)
		return KERR_COORDINATOR_NOT_AVAILABLE;
	error = check_member(g, member_id, instance_id);
	if (error)
		return error;
	if (generation != g->generation)
		return KERR_ILLEGAL_GENERATION;
	rebalance_renew(g, members_get(g, member_id), t);
	return g->state == GROUP_PREPARING ? KERR_REBALANCE_IN_PROGRESS : KERR_NONE;
}

int16_t
group_leave(struct group *g, struct slice member_id, struct slice instance_id,
	struct group_turn *t)
{
	struct group_pending *p = members_pending(g, member_id);
	struct group_member *m;
	int16_t error;

	if (g->state == GROUP_DEAD)
		return KERR_COORDINATOR_NOT_AVAILABLE;
	if (p) {
		members_remove_pending(g, p);
		return KERR_NONE;
	}
	/* An administrator knows a static member by its instance id only. */
	if (!member_id.len) {
		m = members_of_instance(g, instance_id);
		if (!m)
			return KERR_UNKNOWN_MEMBER_ID;
	} else {
		error = check_member(g, member_id, instance_id);
		if (error)
			return error;
		m = members_get(g, member_id);
	}
	rebalance_drop(g, m, t);
	return KERR_NONE;
}

void
group_left(struct group *g, struct group_turn *t)
{
	if (g->state == GROUP_STABLE || g->state == GROUP_COMPLETING)
		rebalance_begin(g, t);
	else
		rebalance_maybe_complete(g, t);
}

int16_t
group_check_commit(struct group *g, struct slice member_id, struct slice instance_id,
	int32_t generation, struct group_turn *t)
{
	int16_t error;

	if (g->state == GROUP_DEAD)
		return KERR_COORDINATOR_NOT_AVAILABLE;
	if (generation < 0 && g->state == GROUP_EMPTY)
		return KERR_NONE;
	if (generation < 0 && !member_id.len && slice_is_null(instance_id))
		return KERR_UNKNOWN_MEMBER_ID;
	error = check_member(g, member_id, instance_id);
	if (error)
		return error;
	if (generation != g->generation)
		return KERR_ILLEGAL_GENERATION;
	if (g->state == GROUP_COMPLETING)
		return KERR_REBALANCE_IN_PROGRESS;
	rebalance_renew(g, members_get(g, member_id), t);
	return KERR_NONE;
}

int16_t
group_check_offset_delete(const struct group *g)
{
	if (g->state == GROUP_DEAD)
		return KERR_GROUP_ID_NOT_FOUND;
	if (g->state != GROUP_EMPTY && !slice_eq_str(g->protocol_type, "consumer"))
		return KERR_NON_EMPTY_GROUP;
	return KERR_NONE;
}

int16_t
group_check_delete(const struct group *g)
{
	if (g->state == GROUP_DEAD)
		return KERR_GROUP_ID_NOT_FOUND;
	return g->state == GROUP_EMPTY ? KERR_NONE : KERR_NON_EMPTY_GROUP;
}

void
group_kill(struct group *g, int16_t error, struct group_turn *t)
{
	FOR_MEMBERS(g, m) {
		rebalance_answer_join(g, m, error, m->id, t);
		rebalance_answer_sync(m, error, t);
	}
	rebalance_set_state(g, GROUP_DEAD, t);
	g->join_at = g->sync_at = g->next_at = GROUP_NEVER;
}

/* ---- what was stored ---- */

void
group_restore(struct group *g, int32_t generation, struct slice protocol_type,
	struct slice protocol_name, int64_t state_since)
{
	g->generation = generation;
	g->state_since = state_since;
	g->protocol_type = protocol_type.len ? slice_own(protocol_type) : SLICE_NULL;
	g->protocol_name = slice_own(protocol_name);
}

void
group_restore_member(struct group *g, const struct group_join *j,
	struct slice assignment, struct group_turn *t)
{
	struct group_member *m = members_get(g, j->member_id);

	if (m || members_of_instance(g, j->instance_id))
		return; /* the record is not one of ours: the first counts */
	m = members_add(g, j, j->member_id);
	m->assignment = slice_own(assignment);
	g->state = GROUP_STABLE;
	rebalance_renew(g, m, t);
}

void
group_restored(struct group *g, struct slice leader, struct group_turn *t)
{
	struct group_member *m = members_get(g, leader);

	if (m)
		g->leader = m;
	/* The limit was lowered meanwhile: the last to join again stay out. */
	if (g->by_id.len > (size_t)g->limits->max_size)
		rebalance_begin(g, t);
}
