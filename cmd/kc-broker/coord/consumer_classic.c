#include "coord/consumer_classic.h"

#include "coord/consumer_protocol.h"
#include "coord/consumer_records.h"
#include "coord/consumer_topics.h"
#include "coord/members.h"
#include "coord/rebalance.h"
#include "meta/meta.h"
#include "wire/errors.h"

#define PROTOCOL_TYPE "consumer"

/* ---- JoinGroup ---- */

static bool
has_protocol(const struct consumer_member *m, struct slice name)
{
	for (int i = 0; i < m->classic.protocols_n; i++)
		if (slice_eq(m->classic.protocols[i].name, name))
			return true;
	return false;
}

/* Is there a protocol of the request that all classic members have? */
static bool
supports(const struct consumer_group *g, const struct group_join *j)
{
	if (!slice_eq_str(j->protocol_type, PROTOCOL_TYPE))
		return false;
	for (int i = 0; i < j->protocols_n; i++) {
		bool all = true;

		FOR_CONSUMERS(g, m)
			all &= !m->is_classic || has_protocol(m, j->protocols[i].name);
		if (all)
			return true;
	}
	return false;
}

/* Who of the group it is; *old NULL = a new member, *id is the id it will have. */
static int16_t
find_member(const struct consumer_group *g, const struct group_join *j,
	struct consumer_member **old, struct slice *id)
{
	*id = j->member_id.len ? j->member_id : j->new_id;
	if (slice_is_null(j->instance_id)) {
		*old = consumer_group_member(g, *id);
		return KERR_NONE;
	}
	*old = consumer_group_instance(g, j->instance_id);
	if (!j->member_id.len)
		return KERR_NONE;
	if (!*old)
		return KERR_UNKNOWN_MEMBER_ID;
	return slice_eq((*old)->id, *id) ? KERR_NONE : KERR_FENCED_INSTANCE_ID;
}

static struct consumer_member
merge(const struct consumer_member *old, const struct group_join *j, struct slice id,
	const struct consumer_subscription *s, struct arena *a)
{
	struct consumer_member m = { 0 };

	if (old)
		m = *old;
	if (old && !j->member_id.len)
		m.epoch = m.previous_epoch = 0; /* a static member begins again */
	m.id = id;
	if (!slice_is_null(j->instance_id))
		m.instance_id = j->instance_id;
	if (!slice_is_null(s->rack_id))
		m.rack_id = s->rack_id;
	m.client_id = j->client_id;
	m.client_host = j->client_host;
	m.regex = slice_str("");
	m.rebalance_ms = j->rebalance_ms;
	m.names = consumer_names_sort(s->names, s->names_n, a, &m.names_n);
	m.is_classic = true;
	m.classic = (struct consumer_classic){
		.session_ms = j->session_ms,
		.protocols = (struct group_protocol *)(uintptr_t)j->protocols,
		.protocols_n = j->protocols_n,
	};
	return m;
}

/* The last member of the consumer protocol is back as a classic one. */
static int16_t
become_classic(const struct consumer_group *g, struct consumer_member *old,
	const struct consumer_subscription *s, struct consumer_joined *out,
	struct consumer_turn *t)
{
	struct consumer_member *m = &out->member;
	const struct consumer_view v = { .g = g, .old = old, .member = m };
	struct parts wanted = consumer_wanted(&v, m, t);

	out->replaced = old;
	out->rebalances = g->target_epoch < g->epoch || old->regex.len ||
		!consumer_names_eq(old->names, old->names_n, m->names, m->names_n);
	if (!out->rebalances)
		consumer_reconcile(g, m, g->target_epoch, &old->target, false, &s->owned,
			&wanted, t->arena);
	return KERR_NONE;
}

int16_t
consumer_classic_join(struct consumer_group *g, const struct group_join *j,
	bool may_downgrade, struct consumer_joined *out, struct consumer_turn *t)
{
	struct consumer_subscription s;
	struct consumer_member *old;
	struct slice id;
	int16_t error;

	*out = (struct consumer_joined){ .member_id = j->member_id, .generation = -1 };
	if (g->by_id.len >= (size_t)t->limits.max_size &&
	    !consumer_group_member(g, j->member_id))
		return KERR_GROUP_MAX_SIZE_REACHED;
	if (!supports(g, j))
		return KERR_INCONSISTENT_GROUP_PROTOCOL;
	if (!j->member_id.len && j->needs_id && slice_is_null(j->instance_id)) {
		out->member_id = j->new_id;
		return KERR_MEMBER_ID_REQUIRED;
	}
	error = find_member(g, j, &old, &id);
	if (error)
		return error;
	if (consumer_subscription_read(j->protocols[0].metadata, t->meta, t->arena, &s))
		return KERR_UNKNOWN_SERVER_ERROR;
	out->member = merge(old, j, id, &s, t->arena);
	out->member_id = id;
	out->protocol_name = j->protocols[0].name;
	if (may_downgrade && old && !old->is_classic && !slice_is_null(j->instance_id) &&
	    consumer_leaves_classic(g, &old, 1))
		error = become_classic(g, old, &s, out, t);
	else
		error = consumer_update(g, old, &out->member, &s.owned, t);
	out->generation = out->member.epoch;
	return error;
}

void
consumer_classic_joined(struct consumer_group *g, const struct consumer_joined *j,
	const struct consumer_turn *t)
{
	struct consumer_member *m = consumer_group_member(g, j->member_id);

	m->join_at = GROUP_NEVER;
	m->sync_at = t->now + m->rebalance_ms;
	if (m->sync_at < g->next_at)
		g->next_at = m->sync_at;
	consumer_renew(g, m, t);
}

/* ---- SyncGroup, Heartbeat, LeaveGroup ---- */

int16_t
consumer_classic_leaver(const struct consumer_group *g, struct slice member_id,
	struct slice instance_id, struct consumer_member **out)
{
	if (slice_is_null(instance_id)) {
		*out = consumer_group_member(g, member_id);
		return *out ? KERR_NONE : KERR_UNKNOWN_MEMBER_ID;
	}
	*out = consumer_group_instance(g, instance_id);
	if (!*out)
		return KERR_UNKNOWN_MEMBER_ID;
	/* An administrator knows a static member by its instance id only. */
	return !member_id.len || slice_eq((*out)->id, member_id) ? KERR_NONE
		: KERR_FENCED_INSTANCE_ID;
}

static int16_t
find_classic(const struct consumer_group *g, struct slice member_id,
	struct slice instance_id, int32_t generation, struct consumer_member **m)
{
	int16_t error = consumer_classic_leaver(g, member_id, instance_id, m);

	if (error)
		return error;
	if (!member_id.len)
		return KERR_FENCED_INSTANCE_ID;
	if (!(*m)->is_classic)
		return KERR_UNKNOWN_MEMBER_ID;
	return (*m)->epoch == generation ? KERR_NONE : KERR_ILLEGAL_GENERATION;
}

/* It is told to join again, and has as long as for any rebalance. */
static int16_t
call_back(struct consumer_group *g, struct consumer_member *m, const struct consumer_turn *t)
{
	if (m->join_at == GROUP_NEVER)
		m->join_at = t->now + m->rebalance_ms;
	if (m->join_at < g->next_at)
		g->next_at = m->join_at;
	return KERR_REBALANCE_IN_PROGRESS;
}

int16_t
consumer_classic_sync(struct consumer_group *g, const struct group_sync *s,
	struct slice *assignment, struct consumer_turn *t)
{
	struct consumer_member *m;
	struct consumer_subscription sub;
	int16_t error = find_classic(g, s->member_id, s->instance_id, s->generation, &m);

	if (error)
		return error;
	if ((!slice_is_null(s->protocol_type) &&
	     !slice_eq_str(s->protocol_type, PROTOCOL_TYPE)) ||
	    (!slice_is_null(s->protocol_name) &&
	     !slice_eq(s->protocol_name, m->classic.protocols[0].name)))
		return KERR_INCONSISTENT_GROUP_PROTOCOL;
	/* Who must give up partitions has joined already, and will again when it has. */
	if (g->target_epoch > m->epoch && m->state != CONSUMER_UNREVOKED)
		return call_back(g, m, t);
	if (consumer_subscription_read(m->classic.protocols[0].metadata, t->meta,
	    t->arena, &sub))
		return KERR_UNKNOWN_SERVER_ERROR;
	*assignment = consumer_assignment_write(&m->assigned, sub.version, t->meta,
		t->arena);
	m->sync_at = GROUP_NEVER;
	consumer_renew(g, m, t);
	return KERR_NONE;
}

/* Does it wait for something that somebody else still has? */
static bool
waits(const struct consumer_group *g, const struct consumer_member *m)
{
	for (int i = 0; i < m->target.n; i++) {
		const struct part *p = &m->target.v[i];

		if (!parts_find(&m->assigned, &p->topic, p->number) &&
		    consumer_group_owner(g, &p->topic, p->number))
			return true;
	}
	return false;
}

int16_t
consumer_classic_heartbeat(struct consumer_group *g, struct slice member_id,
	struct slice instance_id, int32_t generation, struct consumer_turn *t)
{
	struct consumer_member *m;
	int16_t error = find_classic(g, member_id, instance_id, generation, &m);

	if (error)
		return error;
	consumer_renew(g, m, t);
	if (m->epoch < g->target_epoch || m->state == CONSUMER_UNREVOKED ||
	    (m->state == CONSUMER_UNRELEASED && !waits(g, m)))
		return call_back(g, m, t);
	return KERR_NONE;
}

/* ---- to a classic group ---- */

static bool
is_among(struct consumer_member *const *some, int n, const struct consumer_member *m)
{
	for (int i = 0; i < n; i++)
		if (some[i] == m)
			return true;
	return false;
}

bool
consumer_leaves_classic(const struct consumer_group *g,
	struct consumer_member *const *gone, int n)
{
	FOR_CONSUMERS(g, m)
		if (!m->is_classic && !is_among(gone, n, m))
			return false;
	return true;
}

static void
add_classic(struct group *to, const struct consumer_member *m, struct group_turn *t)
{
	const struct group_join j = {
		.member_id = m->id, .instance_id = m->instance_id,
		.client_id = m->client_id, .client_host = m->client_host,
		.protocol_type = slice_str(PROTOCOL_TYPE),
		.protocols = m->classic.protocols,
		.protocols_n = m->classic.protocols_n,
		.session_ms = m->classic.session_ms,
		.rebalance_ms = m->rebalance_ms,
	};

	rebalance_renew(to, members_add(to, &j, m->id), t);
}

static void
give_assignment(struct group *to, struct slice id, const struct parts *target,
	const struct meta *meta, struct group_turn *t)
{
	struct group_member *m = members_get(to, id);
	struct consumer_subscription s;

	if (consumer_subscription_read(group_member_metadata(m, to->protocol_name), meta,
	    t->arena, &s))
		s.version = 0; /* checked when it joined: of a damaged log only */
	m->assignment = slice_own(consumer_assignment_write(target, s.version, meta,
		t->arena));
}

struct group *
consumer_to_classic(const struct consumer_group *g, struct consumer_member *const *gone,
	int n, const struct consumer_joined *joined, const struct group_limits *limits,
	const struct meta *meta, struct group_turn *t)
{
	const struct consumer_member *replaced = joined ? joined->replaced : NULL;
	struct group *to = group_new(g->id, limits, t->wall);

	to->generation = g->epoch;
	to->state = GROUP_STABLE;
	FOR_CONSUMERS(g, m)
		if (m != replaced && !is_among(gone, n, m))
			add_classic(to, m, t);
	if (replaced)
		add_classic(to, &joined->member, t);
	to->protocol_name = slice_own(members_vote(to));
	FOR_CONSUMERS(g, m)
		if (m != replaced && !is_among(gone, n, m))
			give_assignment(to, m->id, &m->target, meta, t);
	if (replaced)
		give_assignment(to, joined->member.id, &replaced->target, meta, t);
	return to;
}

/* ---- to a consumer group ---- */

static int16_t
refuse(const struct group *g, const char *why, struct consumer_turn *t)
{
	t->why = arena_printf(t->arena, "Cannot upgrade classic group %.*s to consumer "
		"group because %s.", SLICE_ARG(g->id), why);
	return KERR_GROUP_ID_NOT_FOUND;
}

static int16_t
convert_member(const struct group *classic, const struct group_member *m,
	struct consumer_member *out, struct consumer_turn *t)
{
	struct slice metadata = group_member_metadata(m, classic->protocol_name);
	int got = consumer_assignment_read(m->assignment, t->meta, t->arena,
		&out->assigned);
	struct consumer_subscription s;

	if (slice_is_null(metadata)) /* before its first generation */
		metadata = m->protocols[0].metadata;

	if (got > 0)
		return refuse(classic, "an unsupported custom assignor is in use. Please "
			"refer to the documentation or switch to a default assignor "
			"before re-attempting the upgrade", t);
	if (got < 0 || consumer_subscription_read(metadata, t->meta, t->arena, &s))
		return refuse(classic, "the embedded consumer protocol is malformed", t);
	out->target = out->assigned;
	for (int i = 0; i < out->assigned.n; i++)
		out->assigned.v[i].epoch = classic->generation;
	out->id = m->id;
	out->instance_id = m->instance_id;
	out->rack_id = s.rack_id;
	out->client_id = m->client_id;
	out->client_host = m->client_host;
	out->regex = slice_str("");
	out->names = consumer_names_sort(s.names, s.names_n, t->arena, &out->names_n);
	out->rebalance_ms = m->rebalance_ms;
	out->is_classic = true;
	out->classic = (struct consumer_classic){
		m->session_ms, m->protocols, m->protocols_n };
	out->epoch = out->previous_epoch = classic->generation;
	return KERR_NONE;
}

int16_t
consumer_from_classic(const struct group *classic, struct consumer_turn *t)
{
	struct consumer_member *all = arena_array(t->arena, classic->by_id.len,
		sizeof(*all));
	int n = 0;
	int16_t error;

	if (!slice_eq_str(classic->protocol_type, PROTOCOL_TYPE))
		return refuse(classic, "the group does not use the consumer embedded "
			"protocol", t);
	if (classic->by_id.len > (size_t)t->limits.max_size)
		return refuse(classic, "the group size exceeds the consumer group "
			"maximum size", t);
	FOR_MEMBERS(classic, m) {
		error = convert_member(classic, m, &all[n++], t);
		if (error)
			return error;
	}
	for (int i = 0; i < n; i++)
		consumer_put_member(t, &all[i]);
	consumer_put_group(t, classic->generation, 0);
	for (int i = 0; i < n; i++)
		consumer_put_member_target(t, all[i].id, &all[i].target);
	consumer_put_target(t, classic->generation, 0);
	for (int i = 0; i < n; i++)
		consumer_put_current(t, &all[i]);
	return KERR_NONE;
}
