#include "coord/members.h"

#include "base/be.h"
#include "base/xalloc.h"

struct slice
slice_own(struct slice s)
{
	return s.data ? slice_make(xmemdup0(s.data, s.len), s.len) : s;
}

void
slice_free(struct slice *s)
{
	free((void *)(uintptr_t)s->data);
	*s = SLICE_NULL;
}

struct group_member *
members_get(const struct group *g, struct slice id)
{
	return map_get(&g->by_id, id);
}

struct group_member *
members_of_instance(const struct group *g, struct slice instance_id)
{
	return slice_is_null(instance_id) ? NULL
		: map_get(&g->by_instance, instance_id);
}

struct group_protocol *
members_copy_protocols(const struct group_protocol *p, int n)
{
	size_t size = (size_t)n * sizeof(*p);
	struct group_protocol *copy;
	char *at;

	for (int i = 0; i < n; i++)
		size += p[i].name.len + p[i].metadata.len;
	copy = xmalloc(size);
	at = (char *)(copy + n);
	for (int i = 0; i < n; i++) {
		memcpy(at, p[i].name.data, p[i].name.len);
		copy[i].name = slice_make(at, p[i].name.len);
		at += p[i].name.len;
		if (p[i].metadata.len)
			memcpy(at, p[i].metadata.data, p[i].metadata.len);
		copy[i].metadata = slice_make(at, p[i].metadata.len);
		at += p[i].metadata.len;
	}
	return copy;
}

void
members_update(struct group *g, struct group_member *m, const struct group_join *j)
{
	g->bytes -= m->bytes;
	free(m->protocols);
	m->protocols = members_copy_protocols(j->protocols, j->protocols_n);
	m->protocols_n = j->protocols_n;
	m->rebalance_ms = j->rebalance_ms;
	m->session_ms = j->session_ms;
	m->bytes = group_join_bytes(j);
	g->bytes += m->bytes;
}

struct group_member *
members_add(struct group *g, const struct group_join *j, struct slice id)
{
	struct group_member *m = xcalloc(1, sizeof(*m));

	m->id = slice_own(id);
	m->instance_id = slice_own(j->instance_id);
	m->client_id = slice_own(j->client_id);
	m->client_host = slice_own(j->client_host);
	m->expires = GROUP_NEVER;
	members_update(g, m, j);
	if (list_is_empty(&g->members)) {
		slice_free(&g->protocol_type);
		g->protocol_type = slice_own(j->protocol_type);
	}
	list_append(&g->members, &m->node);
	map_put(&g->by_id, m->id, m);
	if (!slice_is_null(m->instance_id))
		map_put(&g->by_instance, m->instance_id, m);
	if (!g->leader)
		g->leader = m;
	return m;
}

void
members_remove(struct group *g, struct group_member *m)
{
	if (m->join)
		g->joining--;
	list_remove(&m->node);
	map_del(&g->by_id, m->id);
	if (!slice_is_null(m->instance_id))
		map_del(&g->by_instance, m->instance_id);
	if (g->leader == m)
		g->leader = members_first(g);
	g->bytes -= m->bytes;
	slice_free(&m->id);
	slice_free(&m->instance_id);
	slice_free(&m->client_id);
	slice_free(&m->client_host);
	slice_free(&m->assignment);
	free(m->protocols);
	free(m);
}

void
members_rename(struct group *g, struct group_member *m, struct slice id)
{
	map_del(&g->by_id, m->id);
	slice_free(&m->id);
	m->id = slice_own(id);
	map_put(&g->by_id, m->id, m);
}

void
members_wait_join(struct group *g, struct group_member *m, void *token)
{
	g->joining += (token != NULL) - (m->join != NULL);
	m->join = token;
}

struct group_pending *
members_pending(const struct group *g, struct slice id)
{
	return map_get(&g->pending, id);
}

void
members_add_pending(struct group *g, struct slice id, int64_t expires)
{
	struct group_pending *p = xmalloc(sizeof(*p));

	p->id = slice_own(id);
	p->expires = expires;
	map_put(&g->pending, p->id, p);
}

void
members_remove_pending(struct group *g, struct group_pending *p)
{
	map_del(&g->pending, p->id);
	slice_free(&p->id);
	free(p);
}

int32_t
members_rebalance_ms(const struct group *g)
{
	int32_t max = 0;

	FOR_MEMBERS(g, m) {
		if (m->rebalance_ms > max)
			max = m->rebalance_ms;
	}
	return max;
}

static const struct group_protocol *
find_protocol(const struct group_member *m, struct slice name)
{
	for (int i = 0; i < m->protocols_n; i++)
		if (slice_eq(m->protocols[i].name, name))
			return &m->protocols[i];
	return NULL;
}

struct slice
group_member_metadata(const struct group_member *m, struct slice protocol)
{
	const struct group_protocol *p = find_protocol(m, protocol);

	return p ? p->metadata : SLICE_NULL;
}

bool
members_match(const struct group_member *m, const struct group_join *j)
{
	if (m->protocols_n != j->protocols_n)
		return false;
	for (int i = 0; i < j->protocols_n; i++)
		if (!slice_eq(m->protocols[i].name, j->protocols[i].name) ||
			!slice_eq(m->protocols[i].metadata, j->protocols[i].metadata))
			return false;
	return true;
}

static bool
all_have(const struct group *g, struct slice protocol)
{
	FOR_MEMBERS(g, m)
		if (!find_protocol(m, protocol))
			return false;
	return true;
}

bool
members_support(const struct group *g, const struct group_join *j)
{
	if (g->state == GROUP_EMPTY)
		return j->protocol_type.len && j->protocols_n;
	if (!slice_eq(g->protocol_type, j->protocol_type))
		return false;
	for (int i = 0; i < j->protocols_n; i++)
		if (all_have(g, j->protocols[i].name))
			return true;
	return false;
}

struct slice
members_vote(const struct group *g)
{
	/* What all have, the first member has: its protocols are the ballot. */
	struct group_member *first = members_first(g);
	int n = first->protocols_n, best = -1;
	int *votes = xcalloc((size_t)n, sizeof(*votes)); /* -1 = not eligible */

	for (int i = 0; i < n; i++)
		votes[i] = all_have(g, first->protocols[i].name) ? 0 : -1;
	FOR_MEMBERS(g, m) {
		for (int p = 0; p < m->protocols_n; p++) {
			const struct group_protocol *c = find_protocol(first,
				m->protocols[p].name);

			if (c && votes[c - first->protocols] >= 0) {
				votes[c - first->protocols]++;
				break;
			}
		}
	}
	for (int i = 0; i < n; i++)
		if (votes[i] >= 0 && (best < 0 || votes[i] > votes[best]))
			best = i;
	free(votes);
	return best < 0 ? SLICE_NULL : first->protocols[best].name;
}

/*
 * The head of a ConsumerProtocolSubscription, common to all its versions:
 * version int16, topics int32 count of int16-length strings.
 */
static bool
subscription_has(struct slice metadata, struct slice topic)
{
	const uint8_t *p = metadata.data, *end = p + metadata.len;
	int32_t n;

	if (metadata.len < 6)
		return true;
	n = (int32_t)be32_get(p + 2);
	p += 6;
	for (; n > 0; n--) {
		int16_t len;

		if (end - p < 2)
			return true;
		len = (int16_t)be16_get(p);
		p += 2;
		if (len < 0 || end - p < len)
			return true;
		if (slice_eq(slice_make(p, (size_t)len), topic))
			return true;
		p += len;
	}
	return false;
}

bool
group_subscribes(const struct group *g, struct slice topic)
{
	if (!slice_eq_str(g->protocol_type, "consumer"))
		return false;
	FOR_MEMBERS(g, m) {
		if (subscription_has(group_member_metadata(m, g->protocol_name), topic))
			return true;
	}
	return false;
}
