/* The assignors: what must be true of every target, for random groups; and some by hand. */
#include "coord/assignor.h"

#include <stdlib.h>

#include "tap.h"

enum { MAX_TOPICS = 8, MAX_MEMBERS = 12, ROUNDS = 400 };

static struct assignor_topic topics[MAX_TOPICS];
static struct assignor_member members[MAX_MEMBERS];
static int wanted[MAX_MEMBERS][MAX_TOPICS];
static char names[MAX_MEMBERS][8];
static struct arena arena;
static uint64_t seed = 42;

static int
below(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int)(seed >> 33) % n;
}

static struct assignor_group
group(int topics_n, int members_n, bool alike)
{
	for (int t = 0; t < topics_n; t++) {
		memset(&topics[t].id, 0, sizeof(topics[t].id));
		topics[t].id.b[0] = (uint8_t)(t + 1);
		topics[t].partitions_n = below(7);
	}
	for (int m = 0; m < members_n; m++) {
		snprintf(names[m], sizeof(names[m]), "m%02d", m);
		members[m] = (struct assignor_member){ .id = slice_str(names[m]),
			.topics = wanted[m] };
		for (int t = 0; t < topics_n; t++)
			if (alike || below(2))
				wanted[m][members[m].topics_n++] = t;
	}
	return (struct assignor_group){ topics, topics_n, members, members_n };
}

static bool
wants(const struct assignor_member *m, int t)
{
	for (int i = 0; i < m->topics_n; i++)
		if (m->topics[i] == t)
			return true;
	return false;
}

static int
owner(const struct assignor_group *g, int t, int32_t p)
{
	int found = -1;

	for (int m = 0; m < g->members_n; m++) {
		if (!parts_find(&g->members[m].target, &g->topics[t].id, p))
			continue;
		if (found >= 0)
			return -2;
		found = m;
	}
	return found;
}

/* Each partition that anybody wants is with exactly one who wants it. */
static bool
is_complete(const struct assignor_group *g)
{
	int total = 0, given = 0;

	for (int t = 0; t < g->topics_n; t++) {
		bool any = false;

		for (int m = 0; m < g->members_n; m++)
			any |= wants(&g->members[m], t);
		for (int32_t p = 0; p < g->topics[t].partitions_n; p++) {
			int m = owner(g, t, p);

			if (m == -2 || (any && m < 0) || (m >= 0 && !wants(&g->members[m], t)))
				return false;
			total += any;
		}
	}
	for (int m = 0; m < g->members_n; m++)
		given += g->members[m].target.n;
	return given == total;
}

/* No partition could go to another member and make the two more equal. */
static bool
is_balanced(const struct assignor_group *g)
{
	for (int t = 0; t < g->topics_n; t++)
		for (int32_t p = 0; p < g->topics[t].partitions_n; p++) {
			int from = owner(g, t, p);

			for (int m = 0; from >= 0 && m < g->members_n; m++)
				if (wants(&g->members[m], t) && g->members[from].target.n >
				    g->members[m].target.n + 1)
					return false;
		}
	return true;
}

static void
remember(struct assignor_group *g)
{
	for (int m = 0; m < g->members_n; m++)
		g->members[m].current = g->members[m].target;
}

static int
moved(const struct assignor_group *g)
{
	int n = 0;

	for (int m = 0; m < g->members_n; m++)
		n += parts_minus(&g->members[m].current, &g->members[m].target, &arena).n;
	return n;
}

static void
rounds(void (*assign)(struct assignor_group *g, struct arena *a), bool alike, bool uniform)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct assignor_group g = group(1 + below(MAX_TOPICS),
			1 + below(MAX_MEMBERS), alike);

		arena_reset(&arena);
		assign(&g, &arena);
		CHECK(is_complete(&g));
		CHECK(!uniform || is_balanced(&g));
		remember(&g);
		assign(&g, &arena);
		CHECK_INT(moved(&g), 0);
		/* The last one goes: only what it had finds a new place. */
		if (--g.members_n == 0)
			continue;
		assign(&g, &arena);
		CHECK(is_complete(&g));
		CHECK(!uniform || is_balanced(&g));
		CHECK(!uniform || !alike || moved(&g) == 0);
	}
}

static void
uniform_is_complete_balanced_and_sticky_when_all_want_the_same(void)
{
	rounds(assignor_uniform, true, true);
}

static void
uniform_is_when_members_want_different_topics(void)
{
	rounds(assignor_uniform, false, true);
}

static void
range_is_complete_and_repeatable(void)
{
	rounds(assignor_range, true, false);
}

static void
range_is_when_members_want_different_topics(void)
{
	rounds(assignor_range, false, false);
}

/* One more member takes its share, and nothing else moves. */
static void
uniform_gives_a_new_member_its_share_and_moves_no_more(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		int n = 1 + below(MAX_MEMBERS - 1), places = 0;
		struct assignor_group g = group(3, n + 1, true);

		arena_reset(&arena);
		for (int t = 0; t < 3; t++)
			places += topics[t].partitions_n;
		g.members_n = n;
		assignor_uniform(&g, &arena);
		remember(&g);
		g.members_n = n + 1;
		assignor_uniform(&g, &arena);
		CHECK(is_balanced(&g));
		CHECK_INT(moved(&g), places / (n + 1));
	}
}

static void
range_gives_runs_of_each_topic_to_static_members_first(void)
{
	struct assignor_group g = group(2, 3, true);

	topics[0].partitions_n = topics[1].partitions_n = 5;
	members[2].instance_id = slice_str("static");
	assignor_range(&g, &arena);
	/* The static one first, then by id; the same numbers of both topics. */
	CHECK_INT(members[2].target.n, 4);
	CHECK_INT(members[2].target.v[0].number, 0);
	CHECK_INT(members[2].target.v[3].number, 1);
	CHECK_INT(members[0].target.v[0].number, 2);
	CHECK_INT(members[0].target.n, 4);
	CHECK_INT(members[1].target.n, 2);
	CHECK_INT(members[1].target.v[1].number, 4);
	CHECK(assignor_find(slice_str("range")) && assignor_find(slice_str("uniform")));
	CHECK(!assignor_find(slice_str("cooperative")));
}

int
main(void)
{
	RUN(uniform_is_complete_balanced_and_sticky_when_all_want_the_same);
	RUN(uniform_is_when_members_want_different_topics);
	RUN(uniform_gives_a_new_member_its_share_and_moves_no_more);
	RUN(range_is_complete_and_repeatable);
	RUN(range_is_when_members_want_different_topics);
	RUN(range_gives_runs_of_each_topic_to_static_members_first);
	arena_release(&arena);
	return tap_done();
}
