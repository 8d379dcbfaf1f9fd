/* consumer_group.c - what a consumer group is: its records taken in, and questions about it. */
#include "coord/consumer_group.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "coord/assignor.h"
#include "coord/consumer_records.h"
#include "coord/consumer_topics.h"
#include "coord/members.h"
#include "wire/errors.h"

struct consumer_group *
consumer_group_new(struct slice id)
{
	struct consumer_group *g = xcalloc(1, sizeof(*g));

	g->id = slice_own(id);
	g->epoch = g->target_epoch = 1; /* of members that want nothing */
	g->next_at = GROUP_NEVER;
	list_init(&g->members);
	return g;
}

/* ---- members ---- */

struct consumer_member *
consumer_group_member(const struct consumer_group *g, struct slice id)
{
	struct consumer_member *m = map_get(&g->by_id, id);

	return m && m->is_known ? m : NULL;
}

struct consumer_member *
consumer_group_instance(const struct consumer_group *g, struct slice instance_id)
{
	return slice_is_null(instance_id) ? NULL : map_get(&g->by_instance, instance_id);
}

/* The records of a member come in any order: the first makes it. */
static struct consumer_member *
get_or_add(struct consumer_group *g, struct slice id)
{
	struct consumer_member *m = map_get(&g->by_id, id);

	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->id = slice_own(id);
	m->client_id = m->client_host = SLICE_NULL;
	m->rebalance_ms = -1;
	m->session_at = m->rebalance_at = m->join_at = m->sync_at = GROUP_NEVER;
	m->bytes = sizeof(*m) + id.len;
	g->bytes += m->bytes;
	list_append(&g->members, &m->node);
	map_put(&g->by_id, m->id, m);
	return m;
}

static void
forget_said(struct consumer_group *g, struct consumer_member *m)
{
	if (!slice_is_null(m->instance_id) &&
	    map_get(&g->by_instance, m->instance_id) == m)
		map_del(&g->by_instance, m->instance_id);
	slice_free(&m->instance_id);
	slice_free(&m->rack_id);
	slice_free(&m->client_id);
	slice_free(&m->client_host);
	slice_free(&m->regex);
	slice_free(&m->assignor);
	free(m->names);
	free(m->classic.protocols);
	m->names = NULL;
	m->classic = (struct consumer_classic){ 0 };
	m->is_classic = false;
}

static void
drop_member(struct consumer_group *g, struct consumer_member *m)
{
	forget_said(g, m);
	g->bytes -= m->bytes;
	list_remove(&m->node);
	map_del(&g->by_id, m->id);
	parts_free(&m->assigned);
	parts_free(&m->revoking);
	parts_free(&m->target);
	slice_free(&m->id);
	free(m);
}

static void
drop_regex(struct consumer_group *g, struct consumer_regex *r)
{
	g->bytes -= sizeof(*r) + r->pattern.len;
	map_del(&g->regexes, r->pattern);
	slice_free(&r->pattern);
	free(r->names);
	free(r);
}

void
consumer_group_free(struct consumer_group *g)
{
	struct consumer_regex *r;

	if (!g)
		return;
	FOR_CONSUMERS(g, m)
		drop_member(g, m);
	for (size_t i = 0; (r = map_next(&g->regexes, &i));)
		drop_regex(g, r);
	map_release(&g->by_id);
	map_release(&g->by_instance);
	map_release(&g->regexes);
	slice_free(&g->id);
	free(g);
}

/* ---- records ---- */

static void
apply_said(struct consumer_group *g, const struct consumer_record *r)
{
	const struct consumer_group_member_metadata_value *v = &r->value.member;
	const struct consumer_group_member_metadata_value_classic *c =
		v->classic_member_metadata;
	struct consumer_member *m = get_or_add(g, r->name);
	struct group_protocol *protocols;
	size_t before = m->bytes;

	forget_said(g, m);
	m->is_known = true;
	m->instance_id = slice_own(v->instance_id);
	m->rack_id = slice_own(v->rack_id);
	m->client_id = slice_own(v->client_id);
	m->client_host = slice_own(v->client_host);
	m->regex = slice_own(v->subscribed_topic_regex);
	m->assignor = slice_own(v->server_assignor);
	m->names = consumer_names_own(v->subscribed_topic_names,
		v->subscribed_topic_names_n, &m->names_n);
	m->rebalance_ms = v->rebalance_timeout_ms;
	if (c) {
		protocols = xreallocarray(NULL, (size_t)c->supported_protocols_n,
			sizeof(*protocols));
		for (int32_t i = 0; i < c->supported_protocols_n; i++)
			protocols[i] = (struct group_protocol){
				c->supported_protocols[i].name,
				c->supported_protocols[i].metadata };
		m->is_classic = c->supported_protocols_n > 0;
		m->classic.session_ms = c->session_timeout_ms;
		m->classic.protocols = members_copy_protocols(protocols,
			c->supported_protocols_n);
		m->classic.protocols_n = c->supported_protocols_n;
		free(protocols);
	}
	if (!slice_is_null(m->instance_id))
		map_put(&g->by_instance, m->instance_id, m);
	m->bytes = consumer_member_bytes(m);
	g->bytes += m->bytes - before;
}

static void
apply_current(struct consumer_group *g, const struct consumer_record *r, int64_t now)
{
	const struct consumer_group_current_member_assignment_value *v = &r->value.current;
	struct consumer_member *m = get_or_add(g, r->name);
	struct arena a = { 0 };
	struct parts assigned = consumer_parts_assigned(v, &a);
	struct parts revoking = consumer_parts_revoking(v, &a);
	size_t before = m->bytes;

	m->epoch = v->member_epoch;
	m->previous_epoch = v->previous_member_epoch;
	/* A state to come: the member finds its way from the start. */
	m->state = v->state == CONSUMER_UNREVOKED || v->state == CONSUMER_UNRELEASED
		? (enum consumer_state)v->state : CONSUMER_STABLE;
	parts_free(&m->assigned);
	parts_free(&m->revoking);
	m->assigned = parts_own(&assigned);
	m->revoking = parts_own(&revoking);
	m->rebalance_at = GROUP_NEVER;
	if (m->state == CONSUMER_UNREVOKED && !m->is_classic && m->rebalance_ms >= 0) {
		m->rebalance_at = now + m->rebalance_ms;
		if (m->rebalance_at < g->next_at)
			g->next_at = m->rebalance_at;
	}
	m->bytes = consumer_member_bytes(m);
	g->bytes += m->bytes - before;
	arena_release(&a);
}

static void
apply_member_target(struct consumer_group *g, const struct consumer_record *r)
{
	struct consumer_member *m = get_or_add(g, r->name);
	struct arena a = { 0 };
	struct parts target = consumer_parts_target(&r->value.member_target, &a);
	size_t before = m->bytes;

	parts_free(&m->target);
	m->target = parts_own(&target);
	m->bytes = consumer_member_bytes(m);
	g->bytes += m->bytes - before;
	arena_release(&a);
}

static void
apply_regex(struct consumer_group *g, const struct consumer_record *r)
{
	struct consumer_regex *x = map_get(&g->regexes, r->name);

	if (!x) {
		x = xcalloc(1, sizeof(*x));
		x->pattern = slice_own(r->name);
		g->bytes += sizeof(*x) + r->name.len;
		map_put(&g->regexes, x->pattern, x);
	}
	free(x->names);
	x->names = consumer_names_own(r->value.regex.topics, r->value.regex.topics_n,
		&x->names_n);
	x->version = (uint64_t)r->value.regex.version;
}

static void
apply_gone(struct consumer_group *g, const struct consumer_record *r)
{
	struct consumer_member *m = map_get(&g->by_id, r->name);
	struct consumer_regex *x;

	switch (r->kind) {
	case CONSUMER_GROUP:
		g->is_stored = false;
		break;
	case CONSUMER_OLD_METADATA:
		g->has_old_metadata = false;
		break;
	case CONSUMER_TARGET:
		g->target_epoch = -1;
		g->target_at = 0;
		break;
	case CONSUMER_MEMBER:
		if (m)
			drop_member(g, m);
		break;
	case CONSUMER_MEMBER_TARGET:
		if (m)
			parts_free(&m->target);
		break;
	case CONSUMER_MEMBER_CURRENT:
		if (!m)
			break;
		m->epoch = m->previous_epoch = CONSUMER_EPOCH_LEAVE;
		parts_free(&m->assigned);
		parts_free(&m->revoking);
		break;
	case CONSUMER_REGEX:
		x = map_get(&g->regexes, r->name);
		if (x)
			drop_regex(g, x);
		break;
	}
}

void
consumer_apply(struct consumer_group *g, const struct consumer_record *r, int64_t now)
{
	if (r->is_gone) {
		apply_gone(g, r);
		return;
	}
	switch (r->kind) {
	case CONSUMER_GROUP:
		g->is_stored = true;
		g->epoch = r->value.group.epoch;
		g->hash = r->value.group.metadata_hash;
		break;
	case CONSUMER_OLD_METADATA:
		g->has_old_metadata = true;
		break;
	case CONSUMER_TARGET:
		g->target_epoch = r->value.target.assignment_epoch;
		g->target_at = r->value.target.assignment_timestamp;
		break;
	case CONSUMER_MEMBER:
		apply_said(g, r);
		break;
	case CONSUMER_MEMBER_TARGET:
		apply_member_target(g, r);
		break;
	case CONSUMER_MEMBER_CURRENT:
		apply_current(g, r, now);
		break;
	case CONSUMER_REGEX:
		apply_regex(g, r);
		break;
	}
}

void
consumer_loaded(struct consumer_group *g, const struct consumer_turn *t)
{
	FOR_CONSUMERS(g, m) {
		if (!m->is_known)
			drop_member(g, m);
		else
			consumer_renew(g, m, t);
	}
}

void
consumer_bury(const struct consumer_group *g, struct consumer_turn *t)
{
	const struct consumer_regex *r;

	FOR_CONSUMERS(g, m) {
		consumer_put_gone(t, CONSUMER_MEMBER_CURRENT, m->id);
		consumer_put_gone(t, CONSUMER_MEMBER_TARGET, m->id);
	}
	consumer_put_gone(t, CONSUMER_TARGET, SLICE_NULL);
	FOR_CONSUMERS(g, m)
		consumer_put_gone(t, CONSUMER_MEMBER, m->id);
	for (size_t i = 0; (r = map_next(&g->regexes, &i));)
		consumer_put_gone(t, CONSUMER_REGEX, r->pattern);
	if (g->has_old_metadata)
		consumer_put_gone(t, CONSUMER_OLD_METADATA, SLICE_NULL);
	consumer_put_gone(t, CONSUMER_GROUP, SLICE_NULL);
}

/* ---- questions ---- */

const char *
consumer_group_state(const struct consumer_group *g)
{
	if (list_is_empty(&g->members))
		return "Empty";
	if (g->epoch > g->target_epoch)
		return "Assigning";
	FOR_CONSUMERS(g, m)
		if (m->state != CONSUMER_STABLE || m->epoch != g->target_epoch)
			return "Reconciling";
	return "Stable";
}

const char *
consumer_group_assignor(const struct consumer_group *g, const struct consumer_limits *l)
{
	const struct consumer_member *none = NULL;

	return consumer_choose_assignor(g, none, none, l)->name;
}

bool
consumer_group_subscribes(const struct consumer_group *g, struct slice topic)
{
	const struct consumer_regex *r;

	FOR_CONSUMERS(g, m)
		if (consumer_names_have(m->names, m->names_n, topic))
			return true;
	for (size_t i = 0; (r = map_next(&g->regexes, &i));)
		if (consumer_names_have(r->names, r->names_n, topic))
			return true;
	return false;
}

const struct consumer_member *
consumer_group_owner(const struct consumer_group *g, const struct uuid *topic,
	int32_t number)
{
	FOR_CONSUMERS(g, m)
		if (parts_find(&m->assigned, topic, number) ||
		    parts_find(&m->revoking, topic, number))
			return m;
	return NULL;
}

static int16_t
stale(const struct consumer_member *m)
{
	return m->is_classic ? KERR_ILLEGAL_GENERATION : KERR_STALE_MEMBER_EPOCH;
}

int16_t
consumer_check_commit(const struct consumer_group *g, const struct consumer_commit *c,
	const struct uuid *topic, int32_t number)
{
	const struct consumer_member *m;
	const struct part *p;

	if (c->epoch < 0 && list_is_empty(&g->members))
		return KERR_NONE;
	if (c->is_transactional && c->epoch == -1 && !c->member_id.len &&
	    slice_is_null(c->instance_id))
		return KERR_NONE;
	m = consumer_group_member(g, c->member_id);
	if (!m)
		return KERR_UNKNOWN_MEMBER_ID;
	if (!c->is_transactional && !m->is_classic && !c->knows_epochs)
		return KERR_UNSUPPORTED_VERSION;
	if (c->epoch == m->epoch)
		return KERR_NONE;
	if (c->epoch > m->epoch)
		return stale(m);
	p = parts_find(&m->assigned, topic, number);
	if (!p)
		p = parts_find(&m->revoking, topic, number);
	return p && c->epoch >= p->epoch ? KERR_NONE : stale(m);
}

int16_t
consumer_check_fetch(const struct consumer_group *g, struct slice member_id, int32_t epoch)
{
	const struct consumer_member *m;

	if (slice_is_null(member_id) && epoch < 0)
		return KERR_NONE;
	m = slice_is_null(member_id) ? NULL : consumer_group_member(g, member_id);
	if (!m)
		return KERR_UNKNOWN_MEMBER_ID;
	return epoch == m->epoch ? KERR_NONE : stale(m);
}
