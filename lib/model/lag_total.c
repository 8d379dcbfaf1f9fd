#include "model/lag_total.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

const char *const lag_by_names[] = {
	[LAG_BY_MEMBER] = "member", [LAG_BY_CLIENT] = "client",
	[LAG_BY_INSTANCE] = "instance", [LAG_BY_HOST] = "host",
	[LAG_BY_TOPIC] = "topic", NULL
};

enum lag_by
lag_by_parse(const char *name)
{
	int i = 0;

	while (strcmp(lag_by_names[i], name))
		i++;
	return (enum lag_by)i;
}

static const char *
key_of(const struct lag_partition *p, enum lag_by by)
{
	const struct lag_member *m = p->member;

	if (by == LAG_BY_TOPIC)
		return p->topic->name;
	if (!m)
		return "";
	switch (by) {
	case LAG_BY_CLIENT:
		return m->client_id;
	case LAG_BY_INSTANCE:
		return m->instance_id ? m->instance_id : m->id;
	case LAG_BY_HOST:
		return m->host;
	default:
		return m->id;
	}
}

static void
add(int64_t *sum, int64_t n)
{
	if (n >= 0)
		*sum = (*sum < 0 ? 0 : *sum) + n;
}

static void
add_row(struct lag_total *t, const struct lag_partition *p)
{
	t->partitions_n++;
	t->failed_n += lag_reason_is_failure(p->reason);
	add(&t->lag, p->lag);
	add(&t->lost, p->lost);
	add(&t->unread, p->unread);
	if (p->age_source != LAG_AGE_NONE && p->age_ms > t->age_ms)
		t->age_ms = p->age_ms;
	t->is_ageless |= p->lag > 0 && p->age_source == LAG_AGE_NONE;
	if (p->status > t->status)
		t->status = p->status;
}

static int
by_key(const void *a, const void *b)
{
	const struct lag_total *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int
by_lag(const void *a, const void *b)
{
	const struct lag_total *x = a, *y = b;
	int c;

	if (x->lag != y->lag)
		return x->lag > y->lag ? -1 : 1;
	c = strcmp(x->group->name, y->group->name);
	return c ? c : strcmp(x->key, y->key);
}

/* Sums of one key become one item. */
static int
fold(struct lag_total *items, int n)
{
	int kept = 0;

	if (n)
		qsort(items, (size_t)n, sizeof(*items), by_key);
	for (int i = 0; i < n; i++) {
		struct lag_total *last = kept ? &items[kept - 1] : NULL;

		if (!last || strcmp(last->key, items[i].key)) {
			items[kept++] = items[i];
			continue;
		}
		last->partitions_n += items[i].partitions_n;
		last->failed_n += items[i].failed_n;
		add(&last->lag, items[i].lag);
		add(&last->lost, items[i].lost);
		add(&last->unread, items[i].unread);
		if (items[i].age_ms > last->age_ms)
			last->age_ms = items[i].age_ms;
		last->is_ageless |= items[i].is_ageless;
		if (items[i].status > last->status)
			last->status = items[i].status;
	}
	/* Rows that are read to their ends say nothing of the others. */
	for (int i = 0; i < kept; i++)
		if (items[i].is_ageless && !items[i].age_ms)
			items[i].age_ms = -1;
	return kept;
}

/* Members without partitions are there too: they may be the reason. */
static int
add_idle(const struct lag_group *g, enum lag_by by, struct lag_total *items)
{
	int n = 0;

	for (int i = 0; by != LAG_BY_TOPIC && i < g->members_n; i++) {
		const struct lag_partition none = { .member = &g->members[i] };

		if (!g->members[i].partitions_n)
			items[n++] = (struct lag_total){ g, key_of(&none, by),
				none.member, 0, 0, -1, -1, -1, -1, LAG_OK, false };
	}
	return n;
}

void
lag_totals_init(struct lag_totals *t, const struct lag_snapshot *s, enum lag_by by)
{
	size_t cap = 0;

	for (int i = 0; i < s->groups_n; i++)
		cap += (size_t)s->groups[i].partitions_n +
			(size_t)(s->groups[i].members_n > 0 ?
			s->groups[i].members_n : 0);
	*t = (struct lag_totals){ .by = by, .items = xcalloc(cap, sizeof(*t->items)) };
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];
		struct lag_total *mine = t->items + t->n;
		int n = add_idle(g, by, mine);

		for (int k = 0; k < g->partitions_n; k++) {
			const struct lag_partition *p = &g->partitions[k];

			if (!p->topic || (p->lag >= 0 && !p->counts))
				continue;
			mine[n] = (struct lag_total){ g, key_of(p, by), p->member,
				0, 0, -1, -1, -1, -1, LAG_OK, false };
			add_row(&mine[n++], p);
		}
		t->n += fold(mine, n);
	}
	if (t->n)
		qsort(t->items, (size_t)t->n, sizeof(*t->items), by_lag);
}

void
lag_totals_release(struct lag_totals *t)
{
	free(t->items);
	*t = (struct lag_totals){ 0 };
}
