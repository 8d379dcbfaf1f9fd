/*
 * assignor_uniform.c - equal shares, with as few moves as possible.
 *
 * Every partition has a place in one long row: topic after topic. Owners are
 * members by index, -1 is nobody. When all members want the same topics, the
 * shares are known beforehand; otherwise partitions are given to whoever of
 * those who want them has least, and then moved as long as a move makes two
 * members more equal.
 */
#include "coord/assignor.h"

#include <stdlib.h>

struct row {
	struct assignor_group *g;
	struct arena *arena;
	int *first;  /* by topic: its first place */
	int *owner;  /* by place */
	int *load;   /* by member: what it owns */
	int places;
};

static int
topic_of(const struct assignor_group *g, const struct uuid *id)
{
	int low = 0, high = g->topics_n - 1;

	while (low <= high) {
		int mid = (low + high) / 2;
		int c = memcmp(id, &g->topics[mid].id, sizeof(*id));

		if (!c)
			return mid;
		if (c < 0)
			high = mid - 1;
		else
			low = mid + 1;
	}
	return -1;
}

static int
compare_ints(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static bool
wants(const struct assignor_member *m, int topic)
{
	return m->topics_n && bsearch(&topic, m->topics, (size_t)m->topics_n,
		sizeof(topic), compare_ints);
}

static void
give(struct row *r, int place, int member)
{
	if (r->owner[place] >= 0)
		r->load[r->owner[place]]--;
	r->owner[place] = member;
	if (member >= 0)
		r->load[member]++;
}

/* Everybody keeps what it has and still wants. */
static void
begin(struct row *r, struct assignor_group *g, struct arena *a)
{
	*r = (struct row){ .g = g, .arena = a };
	r->first = arena_array(a, (size_t)g->topics_n + 1, sizeof(*r->first));
	r->load = arena_array(a, (size_t)g->members_n, sizeof(*r->load));
	for (int t = 0; t < g->topics_n; t++) {
		r->first[t] = r->places;
		r->places += g->topics[t].partitions_n;
	}
	r->first[g->topics_n] = r->places;
	r->owner = arena_array(a, (size_t)r->places, sizeof(*r->owner));
	for (int i = 0; i < r->places; i++)
		r->owner[i] = -1;
	for (int m = 0; m < g->members_n; m++) {
		const struct parts *have = &g->members[m].current;

		for (int i = 0, n; (n = parts_run(have, i)); i += n) {
			int t = topic_of(g, &have->v[i].topic);

			if (t < 0 || !wants(&g->members[m], t))
				continue;
			for (int k = i; k < i + n; k++) {
				int32_t p = have->v[k].number;

				if (p >= 0 && p < g->topics[t].partitions_n &&
				    r->owner[r->first[t] + p] < 0)
					give(r, r->first[t] + p, m);
			}
		}
	}
}

static void
end(struct row *r)
{
	struct assignor_group *g = r->g;

	for (int m = 0; m < g->members_n; m++)
		g->members[m].target = parts_room(r->arena, r->load[m]);
	for (int t = 0; t < g->topics_n; t++)
		for (int i = r->first[t]; i < r->first[t + 1]; i++)
			if (r->owner[i] >= 0)
				parts_put(&g->members[r->owner[i]].target,
					&g->topics[t].id, i - r->first[t], 0);
}

/* ---- all want the same ---- */

static bool
is_homogeneous(const struct assignor_group *g)
{
	for (int m = 0; m < g->members_n; m++)
		if (g->members[m].topics_n != g->topics_n)
			return false;
	return true;
}

/* Who has much already gets the larger share, where they are not all alike. */
static void
set_shares(const struct row *r, int *shares)
{
	int members = r->g->members_n, larger = r->places % members;
	int share = r->places / members, above = 0;

	for (int m = 0; m < members; m++) {
		shares[m] = share;
		above += r->load[m] > share;
	}
	for (int m = 0; m < members && larger && above; m++) {
		if (r->load[m] > share) {
			shares[m]++;
			larger--;
			above--;
		}
	}
	for (int m = 0; m < members && larger; m++) {
		if (shares[m] == share) {
			shares[m]++;
			larger--;
		}
	}
}

static void
share_out(struct row *r)
{
	int *shares = arena_array(r->arena, (size_t)r->g->members_n, sizeof(*shares));
	int m = 0;

	set_shares(r, shares);
	for (int i = r->places; i-- > 0;)
		if (r->owner[i] >= 0 && r->load[r->owner[i]] > shares[r->owner[i]])
			give(r, i, -1);
	for (int i = 0; i < r->places; i++) {
		if (r->owner[i] >= 0)
			continue;
		while (r->load[m] >= shares[m])
			m++;
		give(r, i, m);
	}
}

/* ---- each wants something else ---- */

/* The members that want a topic. */
struct audience {
	int topic, n;
	int *members;
};

static int
compare_audiences(const void *x, const void *y)
{
	const struct audience *a = x, *b = y;

	return a->n != b->n ? compare_ints(&a->n, &b->n)
		: compare_ints(&a->topic, &b->topic);
}

static struct audience *
audiences(const struct row *r)
{
	const struct assignor_group *g = r->g;
	struct audience *all = arena_array(r->arena, (size_t)g->topics_n, sizeof(*all));

	for (int m = 0; m < g->members_n; m++)
		for (int t = 0; t < g->members[m].topics_n; t++)
			all[g->members[m].topics[t]].n++;
	for (int t = 0; t < g->topics_n; t++) {
		all[t].topic = t;
		all[t].members = arena_array(r->arena, (size_t)all[t].n, sizeof(int));
		all[t].n = 0;
	}
	for (int m = 0; m < g->members_n; m++)
		for (int t = 0; t < g->members[m].topics_n; t++) {
			struct audience *one = &all[g->members[m].topics[t]];

			one->members[one->n++] = m;
		}
	return all;
}

static int
least(const struct row *r, const struct audience *of)
{
	int best = of->members[0];

	for (int i = 1; i < of->n; i++)
		if (r->load[of->members[i]] < r->load[best])
			best = of->members[i];
	return best;
}

/* Moves partitions of one topic from who has most to who has least. */
static bool
balance_topic(struct row *r, const struct audience *of)
{
	bool any = false;

	for (;;) {
		int to = least(r, of), from = -1;

		for (int i = r->first[of->topic]; i < r->first[of->topic + 1]; i++)
			if (from < 0 || r->load[r->owner[i]] > r->load[r->owner[from]])
				from = i;
		if (from < 0 || r->load[r->owner[from]] <= r->load[to] + 1)
			return any;
		give(r, from, to);
		any = true;
	}
}

static void
balance(struct row *r)
{
	struct audience *all = audiences(r);
	int n = r->g->topics_n;
	bool any;

	/* Those whom few want first: the others can still make up for them. */
	qsort(all, (size_t)n, sizeof(*all), compare_audiences);
	for (int t = 0; t < n; t++)
		for (int i = r->first[all[t].topic]; all[t].n &&
			i < r->first[all[t].topic + 1]; i++)
			if (r->owner[i] < 0)
				give(r, i, least(r, &all[t]));
	/* Every move makes the sum of the squared loads smaller: it ends. */
	do {
		any = false;
		for (int t = 0; t < n; t++)
			if (all[t].n > 1)
				any |= balance_topic(r, &all[t]);
	} while (any);
}

void
assignor_uniform(struct assignor_group *g, struct arena *a)
{
	struct row r;

	if (!g->members_n)
		return;
	begin(&r, g, a);
	if (is_homogeneous(g))
		share_out(&r);
	else
		balance(&r);
	end(&r);
}
