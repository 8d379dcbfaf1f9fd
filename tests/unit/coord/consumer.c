/*
 * Groups of the consumer protocol (KIP-848): steps of a member towards its
 * target, a load that walks at random, and the way from and to the classic
 * protocol.
 */
#include "node.h"

#include "coord/assignor.h"
#include "coord/consumer_classic.h"
#include "coord/consumer_protocol.h"
#include "coord/consumer_records.h"
#include "coord/consumer_topics.h"

/* ---- one step --------------------------------------------------------------- */

static const struct uuid topic = { { 1 } }, other = { { 2 } };

/* "0 1 2" of the topic. */
static struct parts
parts_of(struct arena *a, const char *numbers, int32_t epoch)
{
	struct parts p = parts_room(a, 20);

	for (char *end; *numbers; numbers = end + (*end == ' '))
		parts_put(&p, &topic, (int32_t)strtol(numbers, &end, 10), epoch);
	parts_sort(&p);
	return p;
}

static bool
is(struct arena *a, const struct parts *p, const char *numbers)
{
	struct parts want = parts_of(a, numbers, 0);

	return parts_same(p, &want);
}

/* A group whose member "b" has or must give up what is said. */
static struct consumer_group *
with_other(struct arena *a, const char *assigned, const char *revoking)
{
	struct consumer_group *g = consumer_group_new(S("g"));
	struct consumer_turn t = { .arena = a };
	struct consumer_member b = {
		.id = S("b"), .instance_id = SLICE_NULL, .regex = S(""),
		.state = CONSUMER_UNREVOKED, .rebalance_ms = 1000,
		.assigned = parts_of(a, assigned, 1),
		.revoking = parts_of(a, revoking, 1),
	};

	consumer_put_member(&t, &b);
	consumer_put_current(&t, &b);
	for (struct consumer_record *r = t.first; r; r = r->next)
		consumer_apply(g, r, 0);
	return g;
}

static void
steps_follow_the_state(void)
{
	static const struct step {
		const char *what;
		enum consumer_state state;
		int32_t epoch, target_epoch;
		const char *assigned, *revoking, *target;
		const char *owned;                 /* NULL = not said */
		const char *by_other, *other_gives; /* of member b */
		enum consumer_state to;
		int32_t to_epoch;
		const char *to_assigned, *to_revoking;
	} steps[] = {
		{ "a stable one at its target stays", CONSUMER_STABLE, 5, 5,
			"0 1", "", "0 1", "0 1", "", "", CONSUMER_STABLE, 5, "0 1", "" },
		{ "what is free is had at once", CONSUMER_STABLE, 5, 6,
			"0", "", "0 1 2", "0", "", "", CONSUMER_STABLE, 6, "0 1 2", "" },
		{ "what others have is waited for", CONSUMER_STABLE, 5, 6,
			"0", "", "0 1 2", "0", "1", "", CONSUMER_UNRELEASED, 6, "0 2", "" },
		{ "what others must give up, too", CONSUMER_STABLE, 5, 6,
			"0", "", "0 1", "0", "", "1", CONSUMER_UNRELEASED, 6, "0", "" },
		{ "giving up comes before getting", CONSUMER_STABLE, 5, 6,
			"0 1", "", "0 2", "0 1", "", "", CONSUMER_UNREVOKED, 5, "0", "1" },
		{ "who has given it up already need not", CONSUMER_STABLE, 5, 6,
			"0 1", "", "0 2", "0", "", "", CONSUMER_STABLE, 6, "0 2", "" },
		{ "who does not say is believed to have it", CONSUMER_STABLE, 5, 6,
			"0 1", "", "0", NULL, "", "", CONSUMER_UNREVOKED, 5, "0", "1" },
		{ "until it is given up nothing moves", CONSUMER_UNREVOKED, 5, 7,
			"0", "1", "0 3", "0 1", "", "", CONSUMER_UNREVOKED, 5, "0", "1" },
		{ "nor without a word", CONSUMER_UNREVOKED, 5, 7,
			"0", "1", "0 3", NULL, "", "", CONSUMER_UNREVOKED, 5, "0", "1" },
		{ "then it goes on to the newest target", CONSUMER_UNREVOKED, 5, 7,
			"0", "1", "0 3", "0", "", "", CONSUMER_STABLE, 7, "0 3", "" },
		{ "what was given up can come back", CONSUMER_UNREVOKED, 5, 7,
			"0", "1", "0 1", "0", "", "", CONSUMER_STABLE, 7, "0 1", "" },
		{ "who waits gets it when it is free", CONSUMER_UNRELEASED, 6, 6,
			"0", "", "0 1", "0", "", "", CONSUMER_STABLE, 6, "0 1", "" },
		{ "who waits may lose what it has", CONSUMER_UNRELEASED, 6, 7,
			"0 2", "", "0 1", "0 2", "1", "", CONSUMER_UNREVOKED, 6, "0", "2" },
	};
	struct arena a = { 0 };
	struct parts wanted = parts_room(&a, 1);

	parts_put(&wanted, &topic, 0, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *s = &steps[i];
		struct consumer_group *g = with_other(&a, s->by_other, s->other_gives);
		struct parts target = parts_of(&a, s->target, 0), owned;
		struct consumer_member m = {
			.id = S("a"), .state = s->state, .epoch = s->epoch,
			.assigned = parts_of(&a, s->assigned, 1),
			.revoking = parts_of(&a, s->revoking, 1),
		};
		bool ok;

		if (s->owned)
			owned = parts_of(&a, s->owned, 0);
		consumer_reconcile(g, &m, s->target_epoch, &target, false,
			s->owned ? &owned : NULL, &wanted, &a);
		ok = CHECK_INT(m.state, s->to);
		ok &= CHECK_INT(m.epoch, s->to_epoch);
		ok &= CHECK(is(&a, &m.assigned, s->to_assigned));
		ok &= CHECK(is(&a, &m.revoking, s->to_revoking));
		if (!ok)
			printf("# step: %s\n", s->what);
		consumer_group_free(g);
	}
	arena_release(&a);
}

static void
a_topic_that_is_not_wanted_any_more_is_given_up_before_the_next_target(void)
{
	struct arena a = { 0 };
	struct consumer_group *g = with_other(&a, "", "");
	struct parts wanted = parts_room(&a, 1), target = parts_of(&a, "0 1", 0);
	struct parts owned = parts_of(&a, "0 1", 0);
	struct consumer_member m = {
		.id = S("a"), .epoch = 5, .assigned = parts_of(&a, "0 1", 3),
	};

	parts_put(&wanted, &other, 0, 0);
	consumer_reconcile(g, &m, 5, &target, true, &owned, &wanted, &a);
	CHECK_INT(m.state, CONSUMER_UNREVOKED);
	CHECK_INT(m.epoch, 5);
	CHECK(is(&a, &m.assigned, "") && is(&a, &m.revoking, "0 1"));
	/* Said to be gone: only the epoch is still to come. */
	owned = parts_of(&a, "", 0);
	consumer_reconcile(g, &m, 6, &target, false, &owned, &wanted, &a);
	CHECK_INT(m.state, CONSUMER_STABLE);
	CHECK_INT(m.epoch, 6);
	CHECK(is(&a, &m.assigned, "") && is(&a, &m.revoking, ""));
	consumer_group_free(g);
	arena_release(&a);
}

/* ---- many steps ------------------------------------------------------------- */

enum { NUMBERS = 7, CONSUMERS = 6 };

struct world {
	struct node n;
	struct consumer_group *g;
	struct arena a;
	struct uuid id; /* of topic "w", which has NUMBERS partitions */
	uint32_t rnd;
};

/* What a consumer believes. */
struct consumer {
	char id[16];
	bool joined;
	int32_t epoch;
	bool has[NUMBERS];
};

static bool
open_world(struct world *w)
{
	struct topic *t;
	uint64_t commit;
	const char *why;
	bool ok;

	*w = (struct world){ .rnd = 1 };
	fixture_init(&w->n.f);
	ok = set_up(&w->n) && CHECK_INT(meta_create_topic(w->n.meta, S("w"), NUMBERS,
		NULL, 0, false, false, &w->a, &t, &commit, &why), 0);
	if (ok)
		w->id = t->id;
	w->g = consumer_group_new(S("g"));
	return ok;
}

static void
close_world(struct world *w)
{
	consumer_group_free(w->g);
	arena_release(&w->a);
	stop(&w->n);
	fixture_release(&w->n.f);
}

static struct consumer_turn
turn_of(struct world *w)
{
	arena_reset(&w->a);
	w->n.f.clock.fake_ms += 10;
	return (struct consumer_turn){
		.now = w->n.f.clock.fake_ms, .wall = w->n.f.clock.fake_ms,
		.arena = &w->a, .meta = w->n.meta,
		.limits = { .session_ms = 45000, .heartbeat_ms = 5000, .max_size = 100,
			.assignor = assignor_find(S("uniform")) },
	};
}

static void
apply(struct world *w, const struct consumer_turn *t)
{
	for (struct consumer_record *r = t->first; r; r = r->next)
		consumer_apply(w->g, r, t->now);
}

/* As a client: what it must give up goes at once, what it gets comes then. */
static void
hear(struct consumer *c, const struct consumer_answer *a)
{
	c->epoch = a->epoch;
	if (!a->has_assignment)
		return;
	memset(c->has, 0, sizeof(c->has));
	for (int i = 0; i < a->assignment.n; i++)
		c->has[a->assignment.v[i].number] = true;
}

static void
beat(struct world *w, struct consumer *c, bool is_lost)
{
	struct consumer_turn t = turn_of(w);
	struct parts owned = parts_room(&w->a, NUMBERS);
	struct slice name = S("w");
	struct consumer_answer answer;
	struct consumer_beat b = {
		.member_id = S(c->id), .epoch = c->joined ? c->epoch : 0,
		.instance_id = SLICE_NULL, .rack_id = SLICE_NULL,
		.client_id = S("c"), .client_host = S("/127.0.0.1"),
		.rebalance_ms = 60000, .names = &name, .names_n = 1,
		.regex = SLICE_NULL, .assignor = SLICE_NULL, .owned = &owned,
	};
	int16_t error;

	for (int i = 0; i < NUMBERS; i++)
		if (c->has[i])
			parts_put(&owned, &w->id, i, 0);
	error = consumer_heartbeat(w->g, &b, &answer, &t);
	if (error) {
		memset(c->has, 0, sizeof(c->has));
		c->joined = false;
		return;
	}
	apply(w, &t);
	if (is_lost)
		return;
	c->joined = true;
	hear(c, &answer);
}

static void
leave(struct world *w, struct consumer *c)
{
	struct consumer_turn t = turn_of(w);
	struct consumer_answer answer;
	const struct consumer_beat b = {
		.member_id = S(c->id), .epoch = CONSUMER_EPOCH_LEAVE,
		.instance_id = SLICE_NULL,
	};

	memset(c->has, 0, sizeof(c->has));
	if (!consumer_leave(w->g, &b, &answer, &t))
		apply(w, &t);
	c->joined = false;
}

/* How many have each partition: never more than one, at the end exactly one. */
static bool
is_held_once(const struct consumer *c, bool by_all)
{
	for (int i = 0; i < NUMBERS; i++) {
		int holders = 0;

		for (int k = 0; k < CONSUMERS; k++)
			holders += c[k].has[i];
		if (holders > 1 || (by_all && !holders))
			return CHECK_INT(holders, 1);
	}
	return true;
}

static void
no_partition_is_ever_with_two(void)
{
	struct world w;

	if (!open_world(&w))
		return;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct consumer c[CONSUMERS] = { 0 };
		bool ok = true;

		w.rnd = seed;
		for (int k = 0; k < CONSUMERS; k++)
			snprintf(c[k].id, sizeof(c[k].id), "s%u-%d", (unsigned)seed, k);
		for (int i = 0; i < 150 && ok; i++) {
			struct consumer *x = &c[sim_random(&w.rnd) % CONSUMERS];
			uint32_t what = sim_random(&w.rnd) % 20;

			if (what == 0 && x->joined)
				leave(&w, x);
			else
				beat(&w, x, what == 1 && x->joined);
			ok = is_held_once(c, false);
		}
		for (int i = 0; i < 10 * CONSUMERS && ok; i++)
			beat(&w, &c[i % CONSUMERS], false);
		ok &= is_held_once(c, true);
		ok &= CHECK_STR(consumer_group_state(w.g), "Stable");
		if (!ok)
			printf("# seed %u\n", (unsigned)seed);
		for (int k = 0; k < CONSUMERS; k++)
			leave(&w, &c[k]);
		CHECK_STR(consumer_group_state(w.g), "Empty");
	}
	close_world(&w);
}

/* ---- from and to the classic protocol ---------------------------------------- */

static struct group_limits classic_limits = {
	.min_session_ms = 6000, .max_session_ms = 1800000,
	.max_size = 100, .max_protocols = 10, .max_pending = 100, .max_bytes = 1 << 20,
};

/* A ConsumerProtocolSubscription of version 1 to topic "w", owning nothing. */
static const struct group_protocol range = {
	{ "range", 5 }, { "\0\1\0\0\0\1\0\1w\377\377\377\377\0\0\0\0", 17 },
};

static void
put_classic(struct world *w, struct group *g, const char *type, const char *id,
	struct slice assignment)
{
	struct group_turn t = { .now = 1, .wall = 1, .arena = &w->a };
	const struct group_join j = {
		.member_id = S(id), .instance_id = SLICE_NULL, .client_id = S("c"),
		.client_host = S("/127.0.0.1"), .protocol_type = S(type),
		.protocols = &range, .protocols_n = 1, .session_ms = 10000,
		.rebalance_ms = 60000,
	};

	group_restore_member(g, &j, assignment, &t);
}

static struct slice
assignment_of(struct world *w, int from, int to)
{
	struct parts p = parts_room(&w->a, NUMBERS);

	for (int i = from; i < to; i++)
		parts_put(&p, &w->id, i, 0);
	return consumer_assignment_write(&p, 1, w->n.meta, &w->a);
}

/* Of generation 4: "a" has 0 to 3, "b" has 4 to 6. */
static struct group *
classic_group(struct world *w, const char *type)
{
	struct group_turn t = { .now = 1, .wall = 1, .arena = &w->a };
	struct group *g = group_new(S("g"), &classic_limits, 1);

	group_restore(g, 4, S(type), S("range"), 1);
	put_classic(w, g, type, "a", assignment_of(w, 0, 4));
	put_classic(w, g, type, "b", assignment_of(w, 4, NUMBERS));
	group_restored(g, S("a"), &t);
	return g;
}

static bool
has_run(const struct parts *p, int from, int to)
{
	bool ok = CHECK_INT(p->n, to - from);

	for (int i = 0; ok && i < p->n; i++)
		ok = CHECK_INT(p->v[i].number, from + i);
	return ok;
}

static void
a_classic_group_becomes_a_consumer_group_and_classic_again(void)
{
	struct world w;
	struct group *classic, *back;
	const struct consumer_member *m;
	struct consumer_turn t;
	struct group_turn gt;

	if (!open_world(&w))
		return;
	t = turn_of(&w);
	classic = classic_group(&w, "consumer");
	CHECK_INT(consumer_from_classic(classic, &t), 0);
	apply(&w, &t);
	consumer_loaded(w.g, &t);
	group_free(classic);
	/* As it was: nobody has anything to do. */
	CHECK_STR(consumer_group_state(w.g), "Stable");
	CHECK_INT(w.g->epoch, 4);
	CHECK_INT(w.g->target_epoch, 4);
	CHECK_INT(w.g->by_id.len, 2);
	if (CHECK(m = consumer_group_member(w.g, S("a")))) {
		CHECK(m->is_classic);
		CHECK_INT(m->epoch, 4);
		CHECK_INT(m->classic.session_ms, 10000);
		CHECK_INT(m->names_n, 1);
		has_run(&m->assigned, 0, 4);
		has_run(&m->target, 0, 4);
	}
	if (CHECK(m = consumer_group_member(w.g, S("b"))))
		has_run(&m->assigned, 4, NUMBERS);
	/* Both heartbeat as classic members, and have nothing to do. */
	t = turn_of(&w);
	CHECK_INT(consumer_classic_heartbeat(w.g, S("a"), SLICE_NULL, 4, &t), 0);
	CHECK_INT(consumer_classic_heartbeat(w.g, S("b"), SLICE_NULL, 3, &t),
		KERR_ILLEGAL_GENERATION);
	/* And back. */
	gt = (struct group_turn){ .now = 1, .wall = 1, .arena = &w.a };
	back = consumer_to_classic(w.g, NULL, 0, NULL, &classic_limits, w.n.meta, &gt);
	CHECK_INT(back->state, GROUP_STABLE);
	CHECK_INT(back->generation, 4);
	CHECK_INT(back->by_id.len, 2);
	CHECK(slice_eq_str(back->protocol_name, "range"));
	t = turn_of(&w);
	consumer_group_free(w.g);
	w.g = consumer_group_new(S("g"));
	CHECK_INT(consumer_from_classic(back, &t), 0);
	apply(&w, &t);
	CHECK(m = consumer_group_member(w.g, S("b")));
	has_run(&m->assigned, 4, NUMBERS);
	group_free(back);
	close_world(&w);
}

static void
a_new_member_takes_over_step_by_step(void)
{
	struct consumer c = { .id = "new" };
	struct world w;
	struct group *classic;
	struct consumer_turn t;
	const struct consumer_member *a;

	if (!open_world(&w))
		return;
	t = turn_of(&w);
	classic = classic_group(&w, "consumer");
	CHECK_INT(consumer_from_classic(classic, &t), 0);
	apply(&w, &t);
	consumer_loaded(w.g, &t);
	group_free(classic);
	beat(&w, &c, false);
	CHECK(c.joined);
	/* Until the classic ones have joined again it has nothing. */
	for (int i = 0; i < NUMBERS; i++)
		CHECK(!c.has[i]);
	t = turn_of(&w);
	CHECK_INT(consumer_classic_heartbeat(w.g, S("a"), SLICE_NULL, 4, &t),
		KERR_REBALANCE_IN_PROGRESS);
	a = consumer_group_member(w.g, S("a"));
	CHECK(a->join_at == t.now + 60000);
	CHECK(!consumer_leaves_classic(w.g, NULL, 0));
	leave(&w, &c);
	CHECK(consumer_leaves_classic(w.g, NULL, 0));
	close_world(&w);
}

static void
what_cannot_become_a_consumer_group_is_refused(void)
{
	static const struct {
		const char *type;
		int max_size;
		struct slice assignment; /* of "a", when it is not a good one */
		const char *why;
	} cases[] = {
		{ "connect", 100, { 0 }, "does not use the consumer embedded protocol" },
		{ "consumer", 1, { 0 }, "exceeds the consumer group maximum size" },
		{ "consumer", 100, { "\0\1\0\0\0\0\0\0\0\1x", 11 }, "custom assignor" },
		{ "consumer", 100, { "\0\1\0\0\0\5", 6 }, "malformed" },
	};
	struct world w;

	if (!open_world(&w))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consumer_turn t = turn_of(&w);
		struct group *g = classic_group(&w, cases[i].type);

		t.limits.max_size = cases[i].max_size;
		if (cases[i].assignment.data)
			put_classic(&w, g, "consumer", "bad", cases[i].assignment);
		CHECK_INT(consumer_from_classic(g, &t), KERR_GROUP_ID_NOT_FOUND);
		if (!CHECK(t.why && strstr(t.why, cases[i].why)))
			printf("# case %zu: %s\n", i, t.why ? t.why : "nothing");
		CHECK(!t.first);
		group_free(g);
	}
	close_world(&w);
}

int
main(void)
{
	RUN(steps_follow_the_state);
	RUN(a_topic_that_is_not_wanted_any_more_is_given_up_before_the_next_target);
	RUN(no_partition_is_ever_with_two);
	RUN(a_classic_group_becomes_a_consumer_group_and_classic_again);
	RUN(a_new_member_takes_over_step_by_step);
	RUN(what_cannot_become_a_consumer_group_is_refused);
	return tap_done();
}
