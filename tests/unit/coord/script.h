/*
 * script.h - one group, and events for it, under a clock of our own. Members
 * are m1, m2, ... in the order of their joining; requests are named by tokens.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "coord/group.h"

#include "tap.h"
#include "wire/errors.h"

#define S(text) slice_str(text)
#define NONE SLICE_NULL

static struct group_limits limits;
static struct group *g;
static struct arena arena;
static struct group_turn turn;
static int64_t now;
static int ids;

static inline void
setup(void)
{
	limits = (struct group_limits){
		.min_session_ms = 6000, .max_session_ms = 1800000,
		.max_size = 100, .max_protocols = 10, .max_pending = 100,
		.max_bytes = 1 << 20,
	};
	now = 1000;
	ids = 0;
	g = group_new(S("g"), &limits, 5);
}

static inline void
teardown(void)
{
	group_free(g);
	arena_release(&arena);
}

static inline struct group_turn *
begin(void)
{
	arena_reset(&arena);
	turn = (struct group_turn){ .now = now, .wall = 1000000 + now, .arena = &arena };
	return &turn;
}

/* What the request `token` got in the last event, or NULL. */
static inline struct group_reply *
got(const char *token)
{
	for (struct group_reply *r = turn.first; r; r = r->next)
		if (!strcmp(r->token, token))
			return r;
	return NULL;
}

static inline int
error_of(const char *token)
{
	struct group_reply *r = got(token);

	return r ? r->error : 9999;
}

static inline struct group_join
request(const char *token, const char *member)
{
	static const struct group_protocol range = {
		{ "range", 5 }, { "\0\0\0\0\0\1\0\1t\0\0\0\0", 13 },
	};
	static char new_ids[1000][16];

	snprintf(new_ids[ids], sizeof(new_ids[ids]), "m%d", ids + 1);
	return (struct group_join){
		.member_id = S(member), .new_id = S(new_ids[ids++]),
		.client_id = S("client"), .client_host = S("/127.0.0.1"),
		.protocol_type = S("consumer"), .protocols = &range, .protocols_n = 1,
		.session_ms = 10000, .rebalance_ms = 60000,
		.needs_id = true, .skips = true, .token = (void *)(uintptr_t)token,
	};
}

static inline void
send_join(const struct group_join *j)
{
	group_join(g, j, begin());
}

static inline void
join(const char *token, const char *member)
{
	struct group_join j = request(token, member);

	send_join(&j);
}

/* As a client before JoinGroup 4: gets its id with the generation. */
static inline void
join_old(const char *token)
{
	struct group_join j = request(token, "");

	j.needs_id = false;
	send_join(&j);
}

static inline void
join_static(const char *token, const char *member, const char *instance)
{
	struct group_join j = request(token, member);

	j.instance_id = S(instance);
	send_join(&j);
}

static inline void
sync_as(const char *token, const char *member, int32_t generation,
	const struct group_assignment *a, int n)
{
	struct group_sync s = {
		.member_id = S(member), .generation = generation, .assignments = a,
		.assignments_n = n, .token = (void *)(uintptr_t)token,
	};

	group_sync(g, &s, begin());
}

static inline void
sync(const char *token, const char *member, int32_t generation)
{
	sync_as(token, member, generation, NULL, 0);
}

static inline int
heartbeat(const char *member, int32_t generation)
{
	return group_heartbeat(g, S(member), NONE, generation, begin());
}

static inline void
leave(const char *member)
{
	begin();
	CHECK_INT(group_leave(g, S(member), NONE, &turn), 0);
	group_left(g, &turn);
}

static inline void
pass(int64_t ms)
{
	now += ms;
	group_tick(g, begin());
}

/* A stable group of m1 (leader) to mN in generation 1. */
static inline void
stable(int n)
{
	char member[16];

	setup();
	for (int i = 0; i < n; i++)
		join_old("j");
	pass(0);
	for (int i = n; i > 0; i--) {
		snprintf(member, sizeof(member), "m%d", i);
		sync("s", member, 1);
	}
	CHECK_STR(group_state_name(g->state), "Stable");
	ids = 10;
}

#endif
