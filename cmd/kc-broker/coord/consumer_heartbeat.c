/* consumer_heartbeat.c - members join, live on, and say what they want. */
#include "base/uuid.h"
#include "coord/consumer_records.h"
#include "coord/consumer_topics.h"
#include "meta/meta.h"
#include "wire/errors.h"

/* ---- what follows from what a member says ---- */

static bool
is_same(struct slice a, struct slice b)
{
	return (!a.len && !b.len) || slice_eq(a, b);
}

static bool
protocols_eq(const struct consumer_classic *a, const struct consumer_classic *b)
{
	if (a->session_ms != b->session_ms || a->protocols_n != b->protocols_n)
		return false;
	for (int i = 0; i < a->protocols_n; i++)
		if (!slice_eq(a->protocols[i].name, b->protocols[i].name) ||
		    !slice_eq(a->protocols[i].metadata, b->protocols[i].metadata))
			return false;
	return true;
}

static bool
said_the_same(const struct consumer_member *a, const struct consumer_member *b)
{
	return slice_eq(a->id, b->id) && is_same(a->instance_id, b->instance_id) &&
		is_same(a->rack_id, b->rack_id) && is_same(a->client_id, b->client_id) &&
		is_same(a->client_host, b->client_host) && is_same(a->regex, b->regex) &&
		is_same(a->assignor, b->assignor) && a->rebalance_ms == b->rebalance_ms &&
		a->is_classic == b->is_classic && protocols_eq(&a->classic, &b->classic) &&
		consumer_names_eq(a->names, a->names_n, b->names, b->names_n);
}

static bool
stands_the_same(const struct consumer_member *a, const struct consumer_member *b)
{
	return a->epoch == b->epoch && a->previous_epoch == b->previous_epoch &&
		a->state == b->state && parts_eq(&a->assigned, &b->assigned) &&
		parts_eq(&a->revoking, &b->revoking);
}

/* A new epoch when there is a reason; returns the one that is then. */
static int32_t
maybe_begin_epoch(struct consumer_group *g, const struct consumer_view *v, bool must,
	struct consumer_turn *t)
{
	int32_t epoch = g->epoch;
	int64_t hash;

	if (!must && g->meta_seen == meta_version(t->meta))
		return epoch;
	hash = consumer_hash(v, t);
	if (must || hash != g->hash)
		consumer_put_group(t, ++epoch, hash);
	if (g->has_old_metadata)
		consumer_put_gone(t, CONSUMER_OLD_METADATA, SLICE_NULL);
	g->meta_seen = meta_version(t->meta);
	return epoch;
}

static bool
may_assign(const struct consumer_group *g, const struct consumer_turn *t)
{
	return !g->target_at || !t->limits.interval_ms ||
		t->wall >= g->target_at + t->limits.interval_ms;
}

/* A static member is back under a new id, which takes all that the old one had. */
static void
replace(const struct consumer_member *old, struct consumer_turn *t)
{
	consumer_put_gone(t, CONSUMER_MEMBER_CURRENT, old->id);
	consumer_put_gone(t, CONSUMER_MEMBER_TARGET, old->id);
	consumer_put_gone(t, CONSUMER_MEMBER, old->id);
}

int16_t
consumer_update(struct consumer_group *g, const struct consumer_member *old,
	struct consumer_member *m, const struct parts *owned, struct consumer_turn *t)
{
	struct consumer_view v = { .g = g, .old = old, .member = m };
	bool is_replaced = old && !slice_eq(old->id, m->id);
	bool has_new_topics = old ? !is_same(old->regex, m->regex) ||
		!consumer_names_eq(old->names, old->names_n, m->names, m->names_n)
		: m->regex.len || m->names_n;
	int32_t epoch, target_epoch = g->target_epoch;
	struct parts target = old ? old->target : (struct parts){ 0 };
	struct parts wanted;
	bool patterns_changed;
	int16_t error;

	if (is_replaced)
		replace(old, t);
	if (!old || !said_the_same(old, m))
		consumer_put_member(t, m);
	error = consumer_resolve(&v, t, &patterns_changed);
	if (error)
		return error;
	epoch = maybe_begin_epoch(g, &v, has_new_topics || patterns_changed, t);
	if (g->target_epoch < epoch && may_assign(g, t)) {
		target = consumer_make_target(&v, epoch, t);
		target_epoch = epoch;
	} else if (is_replaced) {
		consumer_put_member_target(t, m->id, &target);
	}
	if (has_new_topics || m->state != CONSUMER_STABLE || m->epoch != target_epoch) {
		wanted = consumer_wanted(&v, m, t);
		consumer_reconcile(g, m, target_epoch, &target, has_new_topics, owned,
			&wanted, t->arena);
	}
	if (!old || is_replaced || !stands_the_same(old, m))
		consumer_put_current(t, m);
	return KERR_NONE;
}

/* ---- ConsumerGroupHeartbeat ---- */

static int16_t
fail(struct consumer_turn *t, int16_t error, const char *why)
{
	t->why = why;
	return error;
}

static int16_t
check_epoch(const struct consumer_member *m, const struct consumer_beat *b,
	struct consumer_turn *t)
{
	bool is_retry;

	if (b->epoch == CONSUMER_EPOCH_JOIN || b->epoch == m->epoch)
		return KERR_NONE;
	if (b->epoch > m->epoch)
		return fail(t, KERR_FENCED_MEMBER_EPOCH, arena_printf(t->arena,
			"The consumer group member has a greater member epoch (%d) "
			"than the one known by the group coordinator (%d). The member "
			"must abandon all its partitions and rejoin.", b->epoch,
			m->epoch));
	/* The answer with the new epoch may have been lost. */
	is_retry = b->epoch == m->previous_epoch && b->owned;
	for (int i = 0; is_retry && i < b->owned->n; i++)
		is_retry = parts_find(&m->assigned, &b->owned->v[i].topic,
			b->owned->v[i].number);
	if (is_retry)
		return KERR_NONE;
	return fail(t, KERR_FENCED_MEMBER_EPOCH, arena_printf(t->arena, "The consumer "
		"group member has a smaller member epoch (%d) than the one known by "
		"the group coordinator (%d). The member must abandon all its "
		"partitions and rejoin.", b->epoch, m->epoch));
}

static int16_t
unknown_member(const struct consumer_group *g, struct slice id, struct consumer_turn *t)
{
	return fail(t, KERR_UNKNOWN_MEMBER_ID, arena_printf(t->arena,
		"Member %.*s is not a member of group %.*s.", SLICE_ARG(id),
		SLICE_ARG(g->id)));
}

static int16_t
check_instance(const struct consumer_member *m, const struct consumer_beat *b,
	struct consumer_turn *t)
{
	if (!m)
		return fail(t, KERR_UNKNOWN_MEMBER_ID, arena_printf(t->arena,
			"Instance id %.*s is unknown.", SLICE_ARG(b->instance_id)));
	if (!slice_eq(m->id, b->member_id))
		return fail(t, KERR_FENCED_INSTANCE_ID, arena_printf(t->arena,
			"Static member %.*s with instance id %.*s was fenced by member "
			"%.*s.", SLICE_ARG(b->member_id), SLICE_ARG(b->instance_id),
			SLICE_ARG(m->id)));
	return KERR_NONE;
}

/* Who of the group this is; *old NULL = a new member. */
static int16_t
find_member(const struct consumer_group *g, const struct consumer_beat *b,
	struct consumer_member **old, struct consumer_turn *t)
{
	bool joins = b->epoch == CONSUMER_EPOCH_JOIN;
	int16_t error;

	if (slice_is_null(b->instance_id)) {
		*old = consumer_group_member(g, b->member_id);
		if (!*old)
			return joins ? KERR_NONE : unknown_member(g, b->member_id, t);
		return check_epoch(*old, b, t);
	}
	*old = consumer_group_instance(g, b->instance_id);
	if (!joins) {
		error = check_instance(*old, b, t);
		return error ? error : check_epoch(*old, b, t);
	}
	if (*old && !(*old)->is_classic && (*old)->epoch != CONSUMER_EPOCH_AWAY &&
	    !slice_eq((*old)->id, b->member_id))
		return fail(t, KERR_UNRELEASED_INSTANCE_ID, arena_printf(t->arena,
			"Static member %.*s with instance id %.*s cannot join the group "
			"because the instance id is owned by %.*s member.",
			SLICE_ARG(b->member_id), SLICE_ARG(b->instance_id),
			SLICE_ARG((*old)->id)));
	return KERR_NONE;
}

static struct slice
or_before(struct slice now, struct slice before)
{
	return slice_is_null(now) ? before : now;
}

/* The member as it will be, borrowing from the beat and from what it was. */
static struct consumer_member
merge(const struct consumer_member *old, const struct consumer_beat *b,
	struct slice id, struct arena *a)
{
	struct consumer_member m = { .rebalance_ms = -1 };

	if (old)
		m = *old;
	if (old && !slice_is_null(b->instance_id) && b->epoch == CONSUMER_EPOCH_JOIN)
		m.epoch = m.previous_epoch = 0; /* a static member begins again */
	m.id = id;
	m.instance_id = or_before(b->instance_id, m.instance_id);
	m.rack_id = or_before(b->rack_id, m.rack_id);
	m.client_id = b->client_id;
	m.client_host = b->client_host;
	m.regex = or_before(b->regex, m.regex);
	m.assignor = or_before(b->assignor, m.assignor);
	if (b->rebalance_ms != -1)
		m.rebalance_ms = b->rebalance_ms;
	if (b->names_n >= 0)
		m.names = consumer_names_sort(b->names, b->names_n, a, &m.names_n);
	m.is_classic = false;
	m.classic = (struct consumer_classic){ 0 };
	return m;
}

int16_t
consumer_heartbeat(struct consumer_group *g, const struct consumer_beat *b,
	struct consumer_answer *out, struct consumer_turn *t)
{
	struct consumer_member *old, m;
	struct slice id = b->member_id;
	struct uuid made;
	char text[UUID_TEXT];
	bool is_full = b->rebalance_ms != -1 && b->owned &&
		(b->names_n >= 0 || !slice_is_null(b->regex));
	int16_t error;

	if (g->by_id.len >= (size_t)t->limits.max_size && !consumer_group_member(g, id))
		return fail(t, KERR_GROUP_MAX_SIZE_REACHED, arena_printf(t->arena,
			"The consumer group has reached its maximum capacity of %d "
			"members.", t->limits.max_size));
	error = find_member(g, b, &old, t);
	if (error)
		return error;
	if (!id.len) {
		made = uuid_random();
		id = arena_copy(t->arena, slice_str(uuid_text(&made, text)));
	}
	m = merge(old, b, id, t->arena);
	error = consumer_update(g, old, &m, b->owned, t);
	if (error)
		return error;
	*out = (struct consumer_answer){
		.member_id = id, .epoch = m.epoch,
		.heartbeat_ms = t->limits.heartbeat_ms,
		.has_assignment = b->epoch == CONSUMER_EPOCH_JOIN || is_full || !old ||
			!parts_eq(&old->assigned, &m.assigned),
		.assignment = m.assigned,
	};
	return KERR_NONE;
}

/* ---- leaving ---- */

/* A static member says that it comes back: all stays, and nobody else gets it. */
static void
go_away(const struct consumer_member *old, struct consumer_turn *t)
{
	struct consumer_member m = *old;

	m.epoch = CONSUMER_EPOCH_AWAY;
	m.revoking = (struct parts){ 0 };
	m.assigned = parts_room(t->arena, old->assigned.n);
	for (int i = 0; i < old->assigned.n; i++)
		parts_put(&m.assigned, &old->assigned.v[i].topic,
			old->assigned.v[i].number, 0);
	consumer_put_current(t, &m);
}

int16_t
consumer_leave(struct consumer_group *g, const struct consumer_beat *b,
	struct consumer_answer *out, struct consumer_turn *t)
{
	struct consumer_member *m;
	int16_t error;

	*out = (struct consumer_answer){ .member_id = b->member_id, .epoch = b->epoch };
	if (slice_is_null(b->instance_id)) {
		m = consumer_group_member(g, b->member_id);
		if (!m)
			return unknown_member(g, b->member_id, t);
	} else {
		m = consumer_group_instance(g, b->instance_id);
		error = check_instance(m, b, t);
		if (error)
			return error;
	}
	if (b->epoch == CONSUMER_EPOCH_AWAY)
		go_away(m, t);
	else
		consumer_fence(g, &m, 1, t);
	return KERR_NONE;
}

void
consumer_fence(struct consumer_group *g, struct consumer_member *const *gone, int n,
	struct consumer_turn *t)
{
	const struct consumer_view v = { .g = g, .gone_n = n,
		.gone = (const struct consumer_member *const *)gone };
	struct consumer_view left = v;
	bool changed;

	for (int i = 0; i < n; i++)
		replace(gone[i], t);
	consumer_resolve(&left, t, &changed);
	consumer_put_group(t, g->epoch + 1, consumer_hash(&left, t));
}

/* ---- time ---- */

static void
due(struct consumer_group *g, int64_t at)
{
	if (at < g->next_at)
		g->next_at = at;
}

void
consumer_renew(struct consumer_group *g, struct consumer_member *m,
	const struct consumer_turn *t)
{
	m->session_at = t->now + (m->is_classic ? m->classic.session_ms
		: t->limits.session_ms);
	due(g, m->session_at);
}

static int64_t
first_deadline(const struct consumer_member *m)
{
	int64_t at = m->session_at;

	if (m->rebalance_at < at)
		at = m->rebalance_at;
	if (m->join_at < at)
		at = m->join_at;
	return m->sync_at < at ? m->sync_at : at;
}

struct consumer_member **
consumer_expired(struct consumer_group *g, const struct consumer_turn *t, int *n)
{
	struct consumer_member **gone = arena_array(t->arena, g->by_id.len,
		sizeof(struct consumer_member *));

	*n = 0;
	g->next_at = GROUP_NEVER;
	FOR_CONSUMERS(g, m) {
		if (first_deadline(m) <= t->now)
			gone[(*n)++] = m;
		else
			due(g, first_deadline(m));
	}
	return gone;
}
