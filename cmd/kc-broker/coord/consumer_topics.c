#include "coord/consumer_topics.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "coord/consumer_records.h"
#include "coord/regex.h"
#include "meta/meta.h"
#include "wire/errors.h"

/* Patterns are looked at again not more often than this: all topics are. */
enum { RESOLVE_MS = 1000 };

/* ---- names ---- */

static int
compare_names(const void *x, const void *y)
{
	const struct slice *a = x, *b = y;
	size_t n = a->len < b->len ? a->len : b->len;
	int c = n ? memcmp(a->data, b->data, n) : 0;

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

bool
consumer_names_have(const struct slice *names, int n, struct slice name)
{
	return n && bsearch(&name, names, (size_t)n, sizeof(name), compare_names);
}

bool
consumer_names_eq(const struct slice *a, int an, const struct slice *b, int bn)
{
	if (an != bn)
		return false;
	for (int i = 0; i < an; i++)
		if (!slice_eq(a[i], b[i]))
			return false;
	return true;
}

static int
sort_names(struct slice *names, int n)
{
	int unique = 0;

	if (n > 1)
		qsort(names, (size_t)n, sizeof(*names), compare_names);
	for (int i = 0; i < n; i++)
		if (!unique || compare_names(&names[unique - 1], &names[i]))
			names[unique++] = names[i];
	return unique;
}

struct slice *
consumer_names_sort(const struct slice *names, int n, struct arena *a, int *out_n)
{
	struct slice *out = arena_array(a, (size_t)n, sizeof(*out));

	if (n)
		memcpy(out, names, (size_t)n * sizeof(*out));
	*out_n = sort_names(out, n);
	return out;
}

struct slice *
consumer_names_own(const struct slice *names, int n, int *out_n)
{
	size_t size = (size_t)n * sizeof(*names);
	struct slice *out;
	char *at;

	for (int i = 0; i < n; i++)
		size += names[i].len;
	out = xmalloc(size);
	at = (char *)(out + n);
	for (int i = 0; i < n; i++) {
		if (names[i].len)
			memcpy(at, names[i].data, names[i].len);
		out[i] = slice_make(at, names[i].len);
		at += names[i].len;
	}
	*out_n = sort_names(out, n);
	return out;
}

size_t
consumer_member_bytes(const struct consumer_member *m)
{
	size_t n = sizeof(*m) + m->id.len + m->instance_id.len + m->rack_id.len +
		m->client_id.len + m->client_host.len + m->regex.len + m->assignor.len;

	for (int i = 0; i < m->names_n; i++)
		n += sizeof(m->names[i]) + m->names[i].len;
	for (int i = 0; i < m->classic.protocols_n; i++)
		n += sizeof(m->classic.protocols[i]) + m->classic.protocols[i].name.len +
			m->classic.protocols[i].metadata.len;
	return n + (size_t)(m->assigned.n + m->revoking.n + m->target.n) *
		sizeof(struct part);
}

/* ---- the members of a view ---- */

static bool
is_gone(const struct consumer_view *v, const struct consumer_member *m)
{
	for (int i = 0; i < v->gone_n; i++)
		if (v->gone[i] == m)
			return true;
	return m == v->old || !m->is_known;
}

/* The next after m, NULL = begin; the one that is new comes last. */
static const struct consumer_member *
next_member(const struct consumer_view *v, const struct consumer_member *m)
{
	if (m && m == v->member)
		return NULL;
	do
		m = consumer_group_next(v->g, m);
	while (m && is_gone(v, m));
	return m ? m : v->member;
}

static int
subscribers(const struct consumer_view *v, struct slice pattern)
{
	int n = 0;

	for (const struct consumer_member *m = NULL; (m = next_member(v, m));)
		n += m->regex.len && slice_eq(m->regex, pattern);
	return n;
}

static const struct consumer_regex *
resolved(const struct consumer_view *v, struct slice pattern)
{
	for (int i = 0; i < v->regexes_n; i++)
		if (slice_eq(v->regexes[i].pattern, pattern))
			return &v->regexes[i];
	return map_get(&v->g->regexes, pattern);
}

/* ---- patterns ---- */

/* The topics that match, as the topics are now. */
static int16_t
resolve(struct consumer_view *v, struct slice pattern, struct consumer_turn *t)
{
	struct consumer_regex *out = &v->regexes[v->regexes_n];
	struct regex *r = regex_new(pattern, t->arena, &t->why);
	struct topic *const *topics;
	int n, got = 0;

	if (!r) {
		t->why = arena_printf(t->arena, "SubscribedTopicRegex `%.*s` is not a "
			"valid regular expression: %s.", SLICE_ARG(pattern), t->why);
		return KERR_INVALID_REGULAR_EXPRESSION;
	}
	topics = meta_topics((struct meta *)(uintptr_t)t->meta, &n);
	*out = (struct consumer_regex){ .pattern = pattern,
		.version = meta_version(t->meta) };
	out->names = arena_array(t->arena, (size_t)n, sizeof(*out->names));
	for (int i = 0; i < n && got >= 0; i++) {
		got = regex_match(r, slice_str(topics[i]->name));
		if (got > 0)
			out->names[out->names_n++] = slice_str(topics[i]->name);
	}
	regex_free(r);
	if (got < 0) {
		t->why = arena_printf(t->arena, "SubscribedTopicRegex `%.*s` takes too "
			"long to match.", SLICE_ARG(pattern));
		return KERR_INVALID_REGULAR_EXPRESSION;
	}
	v->regexes_n++;
	return KERR_NONE;
}

/* Resolves one, and puts its record. */
static int16_t
renew(struct consumer_view *v, struct slice pattern, struct consumer_turn *t,
	bool *changed)
{
	const struct consumer_regex *old = map_get(&v->g->regexes, pattern);
	const struct consumer_regex *now = &v->regexes[v->regexes_n];
	int16_t error = resolve(v, pattern, t);

	if (error)
		return error;
	if (!old || !consumer_names_eq(old->names, old->names_n, now->names, now->names_n))
		*changed = true;
	else if (old->version == now->version)
		return KERR_NONE;
	consumer_put_regex(t, pattern, now->names, now->names_n, now->version);
	return KERR_NONE;
}

int16_t
consumer_resolve(struct consumer_view *v, struct consumer_turn *t, bool *changed)
{
	struct consumer_group *g = (struct consumer_group *)(uintptr_t)v->g;
	struct slice mine = v->member && v->member->regex.len ? v->member->regex : SLICE_NULL;
	bool again = g->regex_seen != meta_version(t->meta) &&
		(!g->regex_seen || t->now - g->regex_at >= RESOLVE_MS);
	const struct consumer_regex *r;
	int16_t error;

	*changed = false;
	if (slice_is_null(mine) && !g->regexes.len)
		return KERR_NONE;
	v->regexes = arena_array(t->arena, g->regexes.len + 1, sizeof(*v->regexes));
	if (!slice_is_null(mine) && (again || !map_get(&g->regexes, mine)) &&
	    (error = renew(v, mine, t, changed)))
		return error;
	for (size_t i = 0; (r = map_next(&g->regexes, &i));) {
		if (!subscribers(v, r->pattern))
			consumer_put_gone(t, CONSUMER_REGEX, r->pattern);
		else if (again && !slice_eq(r->pattern, mine))
			renew(v, r->pattern, t, changed);
	}
	if (again) {
		g->regex_seen = meta_version(t->meta);
		g->regex_at = t->now;
	}
	return KERR_NONE;
}

/* ---- topics ---- */

static void
add_topics(struct parts *p, const struct slice *names, int n, const struct meta *meta)
{
	for (int i = 0; i < n; i++) {
		const struct topic *topic = meta_topic(meta, names[i]);

		if (topic)
			parts_put(p, &topic->id, 0, 0);
	}
}

struct parts
consumer_wanted(const struct consumer_view *v, const struct consumer_member *m,
	struct consumer_turn *t)
{
	const struct consumer_regex *r = m->regex.len ? resolved(v, m->regex) : NULL;
	struct parts p = parts_room(t->arena, m->names_n + (r ? r->names_n : 0));

	add_topics(&p, m->names, m->names_n, t->meta);
	if (r)
		add_topics(&p, r->names, r->names_n, t->meta);
	parts_sort(&p);
	return p;
}

static bool
want_the_same(const struct consumer_member *a, const struct consumer_member *b)
{
	return consumer_names_eq(a->names, a->names_n, b->names, b->names_n) &&
		a->regex.len == b->regex.len &&
		(!a->regex.len || slice_eq(a->regex, b->regex));
}

/* What anybody wants. Members in a row that want the same are looked at once. */
static struct parts
all_wanted(const struct consumer_view *v, struct consumer_turn *t)
{
	const struct consumer_member *before = NULL;
	struct parts all = { 0 };

	for (const struct consumer_member *m = NULL; (m = next_member(v, m));) {
		struct parts one;

		if (before && want_the_same(before, m))
			continue;
		one = consumer_wanted(v, m, t);
		all = parts_or(&all, &one, t->arena);
		before = m;
	}
	return all;
}

int64_t
consumer_hash(const struct consumer_view *v, struct consumer_turn *t)
{
	struct parts all = all_wanted(v, t);
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a: only we compare it */

	for (int i = 0; i < all.n; i++) {
		const struct topic *topic = meta_topic_by_id(t->meta, &all.v[i].topic);
		uint32_t n = (uint32_t)topic->partitions_n;

		for (size_t k = 0; k < sizeof(struct uuid); k++)
			h = (h ^ all.v[i].topic.b[k]) * 0x100000001b3;
		for (int k = 0; k < 4; k++)
			h = (h ^ (n >> 8 * k & 0xff)) * 0x100000001b3;
	}
	return all.n ? (int64_t)h : 0;
}

/* ---- the target ---- */

const struct assignor *
consumer_choose_assignor(const struct consumer_group *g,
	const struct consumer_member *old, const struct consumer_member *member,
	const struct consumer_limits *l)
{
	const struct consumer_view v = { .g = g, .old = old, .member = member };
	const struct assignor *best = NULL, *one;
	int most = 0;

	for (const struct consumer_member *m = NULL; (m = next_member(&v, m));) {
		int n = 0;

		one = m->assignor.len ? assignor_find(m->assignor) : NULL;
		if (!one || one == best)
			continue;
		for (const struct consumer_member *k = NULL; (k = next_member(&v, k));)
			n += slice_eq(k->assignor, m->assignor);
		if (n > most) {
			most = n;
			best = one;
		}
	}
	return best ? best : l->assignor;
}

/* The numbers of a member's topics in the list of all. */
static void
find_topics(const struct consumer_view *v, const struct consumer_member *m,
	const struct parts *all, struct assignor_member *am, struct consumer_turn *t)
{
	struct parts wanted = consumer_wanted(v, m, t);

	am->topics = arena_array(t->arena, (size_t)wanted.n, sizeof(*am->topics));
	for (int i = 0; i < wanted.n; i++)
		am->topics[am->topics_n++] = (int)(parts_find(all, &wanted.v[i].topic, 0)
			- all->v);
}

static struct assignor_group
describe(const struct consumer_view *v, struct consumer_turn *t)
{
	struct parts all = all_wanted(v, t);
	struct assignor_group ag = { .topics_n = all.n };
	const struct consumer_member *before = NULL;

	ag.topics = arena_array(t->arena, (size_t)all.n, sizeof(*ag.topics));
	for (int i = 0; i < all.n; i++) {
		ag.topics[i].id = all.v[i].topic;
		ag.topics[i].partitions_n =
			meta_topic_by_id(t->meta, &all.v[i].topic)->partitions_n;
	}
	ag.members = arena_array(t->arena, v->g->by_id.len + 1, sizeof(*ag.members));
	for (const struct consumer_member *m = NULL; (m = next_member(v, m));) {
		struct assignor_member *am = &ag.members[ag.members_n++];

		am->id = m->id;
		am->instance_id = m->instance_id;
		am->current = m->target;
		if (before && want_the_same(before, m)) {
			am->topics = am[-1].topics;
			am->topics_n = am[-1].topics_n;
		} else {
			find_topics(v, m, &all, am, t);
		}
		before = m;
	}
	return ag;
}

struct parts
consumer_make_target(const struct consumer_view *v, int32_t epoch, struct consumer_turn *t)
{
	const struct assignor *how = consumer_choose_assignor(v->g, v->old, v->member,
		&t->limits);
	struct assignor_group ag = describe(v, t);
	struct parts mine = { 0 };
	int i = 0;

	how->assign(&ag, t->arena);
	for (const struct consumer_member *m = NULL; (m = next_member(v, m)); i++) {
		const struct parts *target = &ag.members[i].target;
		bool is_new = m == v->member &&
			(!v->old || !slice_eq(v->old->id, m->id));

		if (is_new || !parts_same(&m->target, target))
			consumer_put_member_target(t, m->id, target);
		if (m == v->member)
			mine = *target;
	}
	consumer_put_target(t, epoch, t->wall);
	return mine;
}
