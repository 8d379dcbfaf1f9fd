/* assignor_range.c - and the table of assignors. */
#include "coord/assignor.h"

#include <stdlib.h>

const struct assignor *
assignor_find(struct slice name)
{
	static const struct assignor all[] = {
		{ "range", assignor_range },
		{ "uniform", assignor_uniform },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (slice_eq_str(name, all[i].name))
			return &all[i];
	return NULL;
}

static int
compare_slices(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.data, b.data, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Static members by instance id, so that a restart moves nothing; then the others by id. */
static int
compare(const void *x, const void *y)
{
	const struct assignor_member *a = *(struct assignor_member *const *)x;
	const struct assignor_member *b = *(struct assignor_member *const *)y;
	bool a_is_static = !slice_is_null(a->instance_id);
	bool b_is_static = !slice_is_null(b->instance_id);

	if (a_is_static != b_is_static)
		return a_is_static ? -1 : 1;
	return a_is_static ? compare_slices(a->instance_id, b->instance_id)
		: compare_slices(a->id, b->id);
}

void
assignor_range(struct assignor_group *g, struct arena *a)
{
	struct share { int members, served; int32_t next; } *shares =
		arena_array(a, (size_t)g->topics_n, sizeof(*shares));
	struct assignor_member **order = arena_array(a, (size_t)g->members_n,
		sizeof(struct assignor_member *));

	for (int i = 0; i < g->members_n; i++) {
		order[i] = &g->members[i];
		for (int t = 0; t < order[i]->topics_n; t++)
			shares[order[i]->topics[t]].members++;
	}
	qsort(order, (size_t)g->members_n, sizeof(struct assignor_member *), compare);
	for (int i = 0; i < g->members_n; i++) {
		struct assignor_member *m = order[i];
		int n = 0;

		for (int t = 0; t < m->topics_n; t++)
			n += g->topics[m->topics[t]].partitions_n /
				shares[m->topics[t]].members + 1;
		m->target = parts_room(a, n);
		for (int t = 0; t < m->topics_n; t++) {
			const struct assignor_topic *topic = &g->topics[m->topics[t]];
			struct share *s = &shares[m->topics[t]];
			int32_t end = s->next + topic->partitions_n / s->members +
				(s->served++ < topic->partitions_n % s->members);

			for (; s->next < end; s->next++)
				parts_put(&m->target, &topic->id, s->next, 0);
		}
	}
}
