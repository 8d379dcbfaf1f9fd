#include "coord/rebalance.h"

#include "coord/members.h"
#include "wire/errors.h"

void
rebalance_set_state(struct group *g, enum group_state s, struct group_turn *t)
{
	g->state = s;
	g->state_since = t->wall;
}

void
rebalance_due(struct group *g, int64_t at)
{
	if (at < g->next_at)
		g->next_at = at;
}

void
rebalance_renew(struct group *g, struct group_member *m, struct group_turn *t)
{
	m->expires = t->now + m->session_ms;
	rebalance_due(g, m->expires);
}

static bool
all_joined(const struct group *g)
{
	return (size_t)g->joining == g->by_id.len && !g->pending.len;
}

/* ---- replies ---- */

struct group_reply *
rebalance_reply(struct group_turn *t, void *token, int16_t error, struct slice member_id)
{
	struct group_reply *r = arena_alloc(t->arena, sizeof(*r));

	r->token = token;
	r->error = error;
	r->generation = -1;
	r->member_id = arena_copy(t->arena, member_id);
	r->leader = slice_str("");
	r->assignment = slice_str("");
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
	return r;
}

void
rebalance_answer_join(struct group *g, struct group_member *m, int16_t error,
	struct slice member_id, struct group_turn *t)
{
	if (m->join)
		rebalance_reply(t, m->join, error, member_id);
	members_wait_join(g, m, NULL);
}

void
rebalance_answer_sync(struct group_member *m, int16_t error, struct group_turn *t)
{
	if (m->sync)
		rebalance_reply(t, m->sync, error, m->id);
	m->sync = NULL;
}

struct group_reply *
rebalance_reply_joined(struct group *g, struct group_member *m, void *token,
	struct group_turn *t)
{
	struct group_reply *r = rebalance_reply(t, token, KERR_NONE, m->id);

	r->generation = g->generation;
	r->protocol_type = g->protocol_type;
	r->protocol_name = g->protocol_name;
	r->leader = g->leader ? arena_copy(t->arena, g->leader->id) : slice_str("");
	if (m == g->leader) {
		r->members = arena_array(t->arena, g->by_id.len, sizeof(*r->members));
		FOR_MEMBERS(g, one)
			r->members[r->members_n++] = one;
	}
	return r;
}

/* Nobody keeps an assignment, and who waits for one gets the error. */
static void
rebalance_revoke(struct group *g, int16_t error, struct group_turn *t)
{
	FOR_MEMBERS(g, m) {
		slice_free(&m->assignment);
		if (!m->sync)
			continue;
		rebalance_answer_sync(m, error, t);
		rebalance_renew(g, m, t);
	}
}

/* ---- from one generation to the next ---- */

void
rebalance_drop(struct group *g, struct group_member *m, struct group_turn *t)
{
	rebalance_answer_join(g, m, KERR_UNKNOWN_MEMBER_ID, slice_str(""), t);
	rebalance_answer_sync(m, KERR_UNKNOWN_MEMBER_ID, t);
	members_remove(g, m);
}

/* The leader must be one who is here. False when nobody is. */
static bool
elect_leader(struct group *g)
{
	if (g->leader && g->leader->join)
		return true;
	FOR_MEMBERS(g, m) {
		if (m->join) {
			g->leader = m;
			return true;
		}
	}
	return false;
}

static void
begin_generation(struct group *g, struct group_turn *t)
{
	struct slice chosen = members_first(g) ? members_vote(g) : SLICE_NULL;

	g->generation = g->generation == INT32_MAX ? 1 : g->generation + 1;
	slice_free(&g->protocol_name);
	g->protocol_name = slice_own(chosen);
	rebalance_set_state(g, members_first(g) ? GROUP_COMPLETING : GROUP_EMPTY, t);
}

/* PreparingRebalance ends: with those who came. */
static void
complete_join(struct group *g, struct group_turn *t)
{
	g->join_at = GROUP_NEVER;
	FOR_MEMBERS(g, m)
		if (!m->join && slice_is_null(m->instance_id))
			rebalance_drop(g, m, t);
	if (!elect_leader(g) && members_first(g)) {
		/* Only static members, and none came: until their sessions end. */
		g->join_at = t->now + members_rebalance_ms(g);
		rebalance_due(g, g->join_at);
		return;
	}
	begin_generation(g, t);
	if (g->state == GROUP_EMPTY) {
		t->store = true;
		return;
	}
	FOR_MEMBERS(g, m) {
		if (m->join)
			rebalance_reply_joined(g, m, m->join, t);
		members_wait_join(g, m, NULL);
		m->is_new = false;
		m->needs_sync = true;
		rebalance_renew(g, m, t);
	}
	g->sync_at = t->now + members_rebalance_ms(g);
	rebalance_due(g, g->sync_at);
}

void
rebalance_begin(struct group *g, struct group_turn *t)
{
	if (g->state == GROUP_COMPLETING)
		rebalance_revoke(g, KERR_REBALANCE_IN_PROGRESS, t);
	FOR_MEMBERS(g, m)
		m->needs_sync = false;
	g->sync_at = GROUP_NEVER;
	g->initial = g->state == GROUP_EMPTY;
	g->initial_extended = false;
	rebalance_set_state(g, GROUP_PREPARING, t);
	if (g->initial) {
		/* The first of many: the others get a moment to come, too. */
		g->initial_delay = g->limits->initial_delay_ms;
		g->initial_left = members_rebalance_ms(g) - g->initial_delay;
		if (g->initial_left < 0)
			g->initial_left = 0;
		g->join_at = t->now + g->initial_delay;
	} else if (all_joined(g)) {
		complete_join(g, t);
		return;
	} else {
		g->join_at = t->now + members_rebalance_ms(g);
	}
	rebalance_due(g, g->join_at);
}

void
rebalance_maybe_complete(struct group *g, struct group_turn *t)
{
	if (g->state == GROUP_PREPARING && !g->initial && all_joined(g))
		complete_join(g, t);
}

void
rebalance_run(struct group *g, struct group_turn *t)
{
	if (g->state == GROUP_PREPARING)
		rebalance_maybe_complete(g, t);
	else
		rebalance_begin(g, t);
}

/* After members went without being asked to. */
static void
members_went(struct group *g, struct group_turn *t)
{
	if (g->state == GROUP_STABLE || g->state == GROUP_COMPLETING)
		rebalance_begin(g, t);
	else if (g->state == GROUP_PREPARING && all_joined(g))
		complete_join(g, t);
}

/* ---- time ---- */

static void
expire_pending(struct group *g, struct group_turn *t)
{
	struct group_pending *p;
	bool any = false;

	for (size_t i = 0; (p = map_next(&g->pending, &i));) {
		if (p->expires > t->now)
			continue;
		members_remove_pending(g, p);
		any = true;
	}
	if (any && g->state == GROUP_PREPARING && all_joined(g))
		complete_join(g, t);
}

static void
expire_members(struct group *g, struct group_turn *t)
{
	bool any = false;

	FOR_MEMBERS(g, m) {
		if (m->expires > t->now)
			continue;
		/* Who waits for an answer from here is not late; it is renewed then. */
		if (!m->is_new && (m->join || m->sync)) {
			m->expires = GROUP_NEVER;
			continue;
		}
		rebalance_drop(g, m, t);
		any = true;
	}
	if (any)
		members_went(g, t);
}

/* Members that joined and did not ask for their assignment in time. */
static void
expire_syncs(struct group *g, struct group_turn *t)
{
	bool any = false;

	g->sync_at = GROUP_NEVER;
	FOR_MEMBERS(g, m) {
		if (!m->needs_sync)
			continue;
		rebalance_drop(g, m, t);
		any = true;
	}
	if (any)
		rebalance_begin(g, t);
}

static void
end_join_phase(struct group *g, struct group_turn *t)
{
	int64_t delay = g->initial_delay;

	if (!g->initial || !g->initial_extended || !g->initial_left || !delay) {
		complete_join(g, t);
		return;
	}
	g->initial_extended = false;
	g->initial_delay = g->limits->initial_delay_ms;
	if (g->initial_delay > g->initial_left)
		g->initial_delay = g->initial_left;
	g->initial_left = g->initial_left > delay ? g->initial_left - delay : 0;
	g->join_at = t->now + g->initial_delay;
}

void
group_tick(struct group *g, struct group_turn *t)
{
	struct group_pending *p;

	if (g->next_at > t->now)
		return;
	expire_pending(g, t);
	expire_members(g, t);
	if (g->sync_at <= t->now)
		expire_syncs(g, t);
	if (g->join_at <= t->now)
		end_join_phase(g, t);
	g->next_at = g->join_at < g->sync_at ? g->join_at : g->sync_at;
	for (size_t i = 0; (p = map_next(&g->pending, &i));)
		rebalance_due(g, p->expires);
	FOR_MEMBERS(g, m)
		rebalance_due(g, m->expires);
}

void
group_store_failed(struct group *g, struct group_turn *t)
{
	if (g->state != GROUP_STABLE)
		return;
	rebalance_revoke(g, KERR_REBALANCE_IN_PROGRESS, t);
	rebalance_begin(g, t);
}
