/*
 * groups_consumer.c - groups of the consumer protocol in the registry: their
 * events, their records, and the way from and to classic groups.
 */
#include "base/num.h"
#include "config.h"
#include "coord/assignor.h"
#include "coord/consumer_classic.h"
#include "coord/consumer_records.h"
#include "coord/grouplog.h"
#include "coord/members.h"
#include "coord/rebalance.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "wire/errors.h"

/* ---- settings ---- */

/* A group's own value, within the broker's bounds. */
static int32_t
setting(const struct groups *gs, const struct settings *s, const char *name,
	int32_t otherwise, const char *min, const char *max)
{
	struct slice text = settings_get(s, name);
	const struct config *c = gs->parts.config;
	struct err e = ERR_INIT;
	int64_t v;

	if (slice_is_null(text) || num_int(text, 0, INT32_MAX, &v, &e))
		return otherwise;
	if (v < config_get_int64(c, min))
		v = config_get_int64(c, min);
	return (int32_t)(v > config_get_int64(c, max) ? config_get_int64(c, max) : v);
}

struct consumer_limits
groups_consumer_limits(const struct groups *gs, struct slice id)
{
	const struct settings *s = meta_settings(gs->parts.meta, SETTINGS_GROUP, id);
	struct consumer_limits l = gs->consumer;

	if (!s)
		return l;
	l.session_ms = setting(gs, s, "consumer.session.timeout.ms", l.session_ms,
		"group.consumer.min.session.timeout.ms",
		"group.consumer.max.session.timeout.ms");
	l.heartbeat_ms = setting(gs, s, "consumer.heartbeat.interval.ms", l.heartbeat_ms,
		"group.consumer.min.heartbeat.interval.ms",
		"group.consumer.max.heartbeat.interval.ms");
	l.interval_ms = setting(gs, s, "consumer.assignment.interval.ms", l.interval_ms,
		"group.consumer.min.assignment.interval.ms",
		"group.consumer.max.assignment.interval.ms");
	return l;
}

/* ---- turns ---- */

void
registry_begin_consumer(const struct group_entry *en, struct consumer_turn *t,
	struct arena *a)
{
	const struct groups *gs = en->groups;

	*t = (struct consumer_turn){
		.now = clock_mono_ms(gs->parts.clock),
		.wall = clock_wall_ms(gs->parts.clock),
		.arena = a,
		.meta = gs->parts.meta,
		.limits = groups_consumer_limits(gs, en->group->id),
	};
}

/* What was worked out for records that did not come to be is worked out again. */
static void
forget(struct consumer_group *g)
{
	g->meta_seen = g->regex_seen = 0;
}

/* Into the log: a classic group that ends, the records, a classic one that begins. */
static int16_t
store(struct group_entry *en, bool ends_classic, const struct consumer_record *first,
	const struct group *classic)
{
	struct grouplog l;
	int16_t error;

	grouplog_begin(&l, &en->groups->parts, en->group->id);
	if (ends_classic)
		grouplog_group(&l, NULL);
	for (const struct consumer_record *r = first; r; r = r->next)
		grouplog_consumer(&l, r);
	if (classic)
		grouplog_group(&l, classic);
	error = grouplog_end(&l, &en->commit);
	if (error)
		log_warn("cannot store group group=%.*s error=%s",
			SLICE_ARG(en->group->id), kerr_name(error));
	return error;
}

static void
apply(struct consumer_group *g, const struct consumer_turn *t)
{
	for (const struct consumer_record *r = t->first; r; r = r->next)
		consumer_apply(g, r, t->now);
}

int16_t
registry_end_consumer(struct group_entry *en, struct consumer_turn *t)
{
	int16_t error = t->first ? store(en, false, t->first, NULL) : KERR_NONE;

	if (error)
		forget(en->consumer);
	else
		apply(en->consumer, t);
	return error;
}

/* ---- from one kind to the other ---- */

static void
replace_classic(struct group_entry *en, struct group *g)
{
	struct groups *gs = en->groups;

	map_del(&gs->entries, en->group->id);
	group_free(en->group);
	en->group = g;
	map_put(&gs->entries, g->id, en);
}

int16_t
groups_consumer_drop(struct group_entry *en)
{
	struct arena a = { 0 };
	struct consumer_turn t;
	int16_t error;

	registry_begin_consumer(en, &t, &a);
	consumer_bury(en->consumer, &t);
	error = store(en, false, t.first, NULL);
	if (!error) {
		consumer_group_free(en->consumer);
		en->consumer = NULL;
	}
	arena_release(&a);
	return error;
}

/* The entry as a classic group; `joined` may be NULL. */
static int16_t
downgrade(struct group_entry *en, struct consumer_member *const *gone, int n,
	const struct consumer_joined *joined, bool rebalances, struct arena *a)
{
	struct consumer_turn ct;
	struct group_turn t;
	struct group *g;
	int16_t error;

	registry_begin_consumer(en, &ct, a);
	registry_begin(en->groups, &t, a);
	consumer_bury(en->consumer, &ct);
	g = consumer_to_classic(en->consumer, gone, n, joined, &en->groups->limits,
		en->groups->parts.meta, &t);
	error = store(en, false, ct.first, g);
	if (error) {
		group_free(g);
		return error;
	}
	consumer_group_free(en->consumer);
	en->consumer = NULL;
	en->stored = true;
	replace_classic(en, g);
	if (rebalances)
		rebalance_begin(g, &t); /* nobody waits yet: no replies */
	log_info("consumer group became a classic group group=%.*s", SLICE_ARG(g->id));
	return KERR_NONE;
}

static bool
may_downgrade(const struct group_entry *en, int gone)
{
	int64_t stay = (int64_t)en->consumer->by_id.len - gone;

	return en->groups->may_downgrade && stay > 0 && stay <= en->groups->limits.max_size;
}

/* These go; when only classic members stay, the group is theirs again. */
static int16_t
fence(struct group_entry *en, struct consumer_member *const *gone, int n, struct arena *a)
{
	struct consumer_turn t;

	if (may_downgrade(en, n) && consumer_leaves_classic(en->consumer, gone, n))
		return downgrade(en, gone, n, NULL, true, a);
	registry_begin_consumer(en, &t, a);
	consumer_fence(en->consumer, gone, n, &t);
	return registry_end_consumer(en, &t);
}

/* A classic group becomes one of the consumer protocol. *out owned, not in the entry yet. */
static int16_t
upgrade(const struct group_entry *en, struct consumer_turn *t, struct consumer_group **out)
{
	const struct group *classic = en->group;
	int16_t error;

	*out = consumer_group_new(classic->id);
	if (classic->state == GROUP_EMPTY)
		return KERR_NONE;
	if (!en->groups->may_upgrade) {
		t->why = arena_printf(t->arena, "Cannot upgrade classic group %.*s to "
			"consumer group because online upgrade is disabled.",
			SLICE_ARG(classic->id));
		error = KERR_GROUP_ID_NOT_FOUND;
	} else {
		error = consumer_from_classic(classic, t);
	}
	if (!error) {
		apply(*out, t);
		consumer_loaded(*out, t);
	}
	return error;
}

/* ---- ConsumerGroupHeartbeat ---- */

static int16_t
not_found(struct slice id, bool is_classic, struct consumer_turn *t)
{
	t->why = is_classic ? arena_printf(t->arena, "Group %.*s is not a consumer group.",
		SLICE_ARG(id)) : arena_printf(t->arena, "Consumer group %.*s not found.",
		SLICE_ARG(id));
	return KERR_GROUP_ID_NOT_FOUND;
}

/* What a member takes that is not there yet. */
static size_t
size_of(const struct consumer_beat *b)
{
	size_t n = sizeof(struct consumer_member) + b->client_id.len +
		b->client_host.len + b->regex.len;

	for (int i = 0; i < b->names_n; i++)
		n += sizeof(*b->names) + b->names[i].len;
	return n;
}

/* The first of a group, or the first that speaks the consumer protocol. */
static int16_t
begin_group(struct group_entry *en, const struct consumer_beat *b,
	struct consumer_answer *out, struct consumer_turn *t)
{
	struct consumer_group *g;
	struct group_turn gt;
	int16_t error = upgrade(en, t, &g);

	if (!error)
		error = consumer_heartbeat(g, b, out, t);
	if (!error)
		error = store(en, en->stored, t->first, NULL);
	if (error) {
		consumer_group_free(g);
		return error;
	}
	/* Some of it is there already, and comes to the same again. */
	apply(g, t);
	registry_begin(en->groups, &gt, t->arena);
	group_kill(en->group, KERR_REBALANCE_IN_PROGRESS, &gt);
	for (const struct group_reply *r = gt.first, *next; r; r = next) {
		next = r->next;
		en->groups->parts.answer(r->token, r, 0);
	}
	if (en->group->by_id.len)
		log_info("classic group became a consumer group group=%.*s",
			SLICE_ARG(g->id));
	replace_classic(en, group_new(g->id, &en->groups->limits, t->wall));
	en->stored = false;
	en->consumer = g;
	return KERR_NONE;
}

static int16_t
leave(struct group_entry *en, const struct consumer_beat *b, struct consumer_answer *out,
	struct consumer_turn *t)
{
	struct consumer_member *m = consumer_group_member(en->consumer, b->member_id);
	int16_t error = consumer_leave(en->consumer, b, out, t);

	if (error)
		return error;
	if (b->epoch == CONSUMER_EPOCH_LEAVE && may_downgrade(en, 1) &&
	    consumer_leaves_classic(en->consumer, &m, 1))
		return downgrade(en, &m, 1, NULL, true, t->arena);
	return registry_end_consumer(en, t);
}

static int16_t
beat(struct group_entry *en, const struct consumer_beat *b, struct consumer_answer *out,
	struct consumer_turn *t)
{
	struct consumer_member *m;
	int16_t error;

	if (b->epoch < 0)
		return leave(en, b, out, t);
	error = consumer_heartbeat(en->consumer, b, out, t);
	if (!error)
		error = registry_end_consumer(en, t);
	else
		forget(en->consumer);
	if (!error && (m = consumer_group_member(en->consumer, out->member_id)))
		consumer_renew(en->consumer, m, t);
	return error;
}

int16_t
groups_consumer_heartbeat(struct groups *gs, struct slice id,
	const struct consumer_beat *b, struct arena *a, struct consumer_answer *out,
	const char **why, uint64_t *commit)
{
	struct consumer_turn t = { .arena = a };
	struct consumer_member *m;
	struct group_entry *en;
	int16_t error = groups_find(gs, id, &en);

	*commit = 0;
	*why = NULL;
	if (error)
		return error;
	if (b->epoch == CONSUMER_EPOCH_JOIN && (!registry_has_room(gs, size_of(b)) ||
	    (!en && gs->entries.len >= GROUPS_MAX)))
		return KERR_GROUP_MAX_SIZE_REACHED;
	if (!en && b->epoch == CONSUMER_EPOCH_JOIN)
		en = registry_add(gs, id);
	if (en)
		registry_begin_consumer(en, &t, a);
	if (en && en->consumer) {
		error = beat(en, b, out, &t);
	} else if (b->epoch != CONSUMER_EPOCH_JOIN) {
		error = not_found(id, en != NULL, &t);
	} else {
		error = begin_group(en, b, out, &t);
		if (!error && (m = consumer_group_member(en->consumer, out->member_id)))
			consumer_renew(en->consumer, m, &t);
	}
	*why = t.why;
	if (!en)
		return error;
	*commit = en->commit;
	registry_follow(en);
	registry_free_blank(en);
	return error;
}

/* ---- classic members ---- */

static void
answer(struct group_entry *en, void *token, struct group_reply *r, uint64_t commit)
{
	if (slice_is_null(r->leader))
		r->leader = slice_str("");
	if (slice_is_null(r->assignment))
		r->assignment = slice_str("");
	en->groups->parts.answer(token, r, commit);
}

void
groups_consumer_join(struct group_entry *en, struct group_join *j)
{
	struct groups *gs = en->groups;
	struct consumer_joined joined = { .member_id = j->member_id, .generation = -1 };
	struct group_reply r = { .protocol_type = slice_str("consumer") };
	struct arena a = { 0 };
	struct consumer_turn t;

	registry_begin_consumer(en, &t, &a);
	if (!gs->may_upgrade && !gs->may_downgrade)
		r.error = KERR_INCONSISTENT_GROUP_PROTOCOL;
	else if (!registry_has_room(gs, group_join_bytes(j)))
		r.error = KERR_GROUP_MAX_SIZE_REACHED;
	else
		r.error = consumer_classic_join(en->consumer, j, may_downgrade(en, 0),
			&joined, &t);
	if (!r.error && joined.replaced)
		r.error = downgrade(en, NULL, 0, &joined, joined.rebalances, &a);
	else if (!r.error && !(r.error = registry_end_consumer(en, &t)))
		consumer_classic_joined(en->consumer, &joined, &t);
	if (r.error && en->consumer)
		forget(en->consumer);
	r.member_id = joined.member_id;
	r.generation = r.error ? -1 : joined.generation;
	if (r.error)
		r.protocol_type = SLICE_NULL;
	else
		r.protocol_name = joined.protocol_name;
	answer(en, j->token, &r, r.error ? 0 : en->commit);
	registry_follow(en);
	arena_release(&a);
}

void
groups_consumer_sync(struct group_entry *en, const struct group_sync *s)
{
	struct group_reply r = { .generation = -1, .member_id = s->member_id };
	struct arena a = { 0 };
	struct consumer_turn t;

	registry_begin_consumer(en, &t, &a);
	r.error = consumer_classic_sync(en->consumer, s, &r.assignment, &t);
	if (!r.error) {
		r.protocol_type = s->protocol_type;
		r.protocol_name = s->protocol_name;
	}
	answer(en, s->token, &r, r.error ? 0 : en->commit);
	registry_follow(en);
	arena_release(&a);
}

int16_t
groups_consumer_leave(struct group_entry *en, struct groups_leaver *leavers, int n)
{
	struct arena a = { 0 };
	struct consumer_member **gone = arena_array(&a, (size_t)n,
		sizeof(struct consumer_member *));
	int gone_n = 0, k;
	int16_t error = KERR_NONE;

	for (int i = 0; i < n; i++) {
		struct consumer_member *m;

		leavers[i].error = consumer_classic_leaver(en->consumer,
			leavers[i].member_id, leavers[i].instance_id, &m);
		if (leavers[i].error)
			continue;
		for (k = 0; k < gone_n && gone[k] != m;)
			k++;
		if (k == gone_n)
			gone[gone_n++] = m;
	}
	if (gone_n)
		error = fence(en, gone, gone_n, &a);
	registry_follow(en);
	arena_release(&a);
	return error;
}

void
registry_tick_consumer(struct group_entry *en)
{
	struct arena a = { 0 };
	struct consumer_member **gone;
	struct consumer_turn t;
	int n;

	registry_begin_consumer(en, &t, &a);
	gone = consumer_expired(en->consumer, &t, &n);
	for (int i = 0; i < n; i++)
		log_info("member of consumer group expired group=%.*s member=%.*s",
			SLICE_ARG(en->group->id), SLICE_ARG(gone[i]->id));
	/* When that cannot be written, again in a second. */
	if (n && fence(en, gone, n, &a))
		en->consumer->next_at = t.now + 1000;
	else if (n && en->consumer)
		consumer_expired(en->consumer, &t, &n); /* when the next is due */
	arena_release(&a);
}
