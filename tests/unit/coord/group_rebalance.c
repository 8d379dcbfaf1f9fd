/* SyncGroup, and members that come, die and leave meanwhile. */
#include "script.h"

/* ---- syncing ---- */

static void
the_leader_assigns_and_everybody_gets_it(void)
{
	const struct group_assignment a[] = {
		{ S("m2"), S("two") }, { S("m1"), S("one") }, { S("gone"), S("x") },
	};

	setup();
	join_old("a");
	join_old("b");
	join_old("c");
	pass(0);
	sync("b", "m2", 1);
	CHECK(!got("b"));
	CHECK(!turn.store);
	sync_as("a", "m1", 1, a, 3);
	CHECK(turn.store);
	CHECK_INT(g->state, GROUP_STABLE);
	CHECK_INT(g->state_since, 1000000 + now);
	CHECK(slice_eq_str(got("a")->assignment, "one"));
	CHECK(slice_eq_str(got("b")->assignment, "two"));
	CHECK(slice_eq_str(got("b")->protocol_type, "consumer"));
	CHECK(slice_eq_str(got("b")->protocol_name, "range"));
	sync("c", "m3", 1); /* late, and forgotten by the leader */
	CHECK_INT(error_of("c"), 0);
	CHECK(slice_eq_str(got("c")->assignment, ""));
	CHECK(!turn.store);
	teardown();
}

static void
old_assignments_do_not_survive(void)
{
	const struct group_assignment a[] = { { S("m1"), S("1") }, { S("m2"), S("2") } };

	stable(2);
	join("a", "m1");
	join("b", "m2");
	sync_as("a", "m1", 2, a, 2);
	join("a", "m1");
	join("b", "m2");
	sync_as("a", "m1", 3, a, 1);
	sync("b", "m2", 3);
	CHECK(slice_eq_str(got("b")->assignment, ""));
	teardown();
}

static void
a_sync_must_fit_the_generation(void)
{
	struct group_sync s = {
		.member_id = S("m1"), .generation = 1, .token = (void *)(uintptr_t)"s",
		.protocol_type = S("consumer"), .protocol_name = S("range"),
	};

	stable(1);
	group_sync(g, &s, begin());
	CHECK_INT(error_of("s"), 0);
	s.protocol_name = S("sticky");
	group_sync(g, &s, begin());
	CHECK_INT(error_of("s"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	s.protocol_name = S("range");
	s.protocol_type = S("connect");
	group_sync(g, &s, begin());
	CHECK_INT(error_of("s"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	sync("s", "m1", 2);
	CHECK_INT(error_of("s"), KERR_ILLEGAL_GENERATION);
	sync("s", "m9", 1);
	CHECK_INT(error_of("s"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
	setup();
	sync("s", "m1", 1);
	CHECK_INT(error_of("s"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

static void
an_assignment_that_cannot_be_stored_is_none(void)
{
	setup();
	join_old("a");
	pass(0);
	sync("a", "m1", 1);
	CHECK(turn.store);
	group_store_failed(g, begin());
	CHECK_INT(g->state, GROUP_PREPARING);
	join("a", "m1");
	CHECK_INT(got("a")->generation, 2);
	teardown();
}

/* ---- dying ---- */

static void
a_silent_member_is_removed(void)
{
	stable(2);
	pass(9000);
	CHECK_INT(heartbeat("m1", 1), 0);
	pass(1000);
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(heartbeat("m1", 1), KERR_REBALANCE_IN_PROGRESS);
	CHECK_INT(heartbeat("m2", 1), KERR_UNKNOWN_MEMBER_ID);
	join("a", "m1");
	CHECK_INT(got("a")->generation, 2);
	CHECK_INT(got("a")->members_n, 1);
	teardown();
}

static void
who_waits_for_the_group_is_not_late(void)
{
	stable(2);
	join("a", "m1");
	for (int i = 0; i < 3; i++) {
		pass(9999);
		CHECK(!got("a"));
		CHECK_INT(heartbeat("m2", 1), KERR_REBALANCE_IN_PROGRESS);
	}
	join("b", "m2");
	CHECK_INT(error_of("a"), 0);
	pass(9999); /* the sessions began anew */
	CHECK_INT(g->by_id.len, 2);
	teardown();
}

static void
who_does_not_rejoin_in_time_is_removed(void)
{
	stable(3);
	join("b", "m2");
	join("c", "m3");
	CHECK_INT(g->state, GROUP_STABLE); /* they only asked */
	join_old("d");
	join("b", "m2");
	join("c", "m3");
	for (int i = 0; i < 6; i++) {
		CHECK_INT(heartbeat("m1", 1), KERR_REBALANCE_IN_PROGRESS);
		pass(9990);
		CHECK(!got("b"));
	}
	pass(60);
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(g->by_id.len, 3);
	/* m1 led, and was not here: somebody else does now */
	CHECK(slice_eq_str(got("b")->leader, "m2"));
	CHECK_INT(got("b")->members_n, 3);
	CHECK_INT(heartbeat("m1", 2), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

static void
a_leader_that_dies_before_it_assigns_frees_the_others(void)
{
	setup();
	join_old("a");
	join_old("b");
	pass(0);
	sync("b", "m2", 1);
	pass(10000);
	CHECK_INT(error_of("b"), KERR_REBALANCE_IN_PROGRESS);
	CHECK_INT(g->state, GROUP_PREPARING);
	join("b", "m2");
	CHECK_INT(got("b")->generation, 2);
	CHECK(slice_eq_str(got("b")->leader, "m2"));
	CHECK_INT(got("b")->members_n, 1);
	teardown();
}

static void
who_joins_but_never_syncs_is_removed(void)
{
	setup();
	join_old("a");
	join_old("b");
	join_old("c");
	pass(0);
	sync("b", "m2", 1);
	sync("a", "m1", 1);
	CHECK_INT(g->state, GROUP_STABLE);
	for (int i = 0; i < 6; i++) {
		pass(9990);
		CHECK_INT(heartbeat("m1", 1), 0);
		CHECK_INT(heartbeat("m2", 1), 0);
		CHECK_INT(heartbeat("m3", 1), 0);
	}
	pass(60);
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(g->by_id.len, 2);
	CHECK_INT(heartbeat("m3", 1), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

static void
a_member_that_dies_while_others_sync_does_not_stop_them(void)
{
	setup();
	join_old("a");
	join_old("b");
	join_old("c");
	pass(0);
	sync("b", "m2", 1);
	leave("m3"); /* before the leader assigns */
	CHECK_INT(error_of("b"), KERR_REBALANCE_IN_PROGRESS);
	join("a", "m1");
	join("b", "m2");
	CHECK_INT(got("a")->members_n, 2);
	sync("b", "m2", 2);
	sync("a", "m1", 2);
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(g->state, GROUP_STABLE);
	teardown();
}

static void
without_members_a_group_is_empty(void)
{
	stable(2);
	leave("m1");
	CHECK(!turn.store);
	CHECK_INT(g->state, GROUP_PREPARING);
	leave("m2");
	CHECK(turn.store);
	CHECK_INT(g->state, GROUP_EMPTY);
	CHECK_INT(g->generation, 2);
	CHECK(slice_is_null(g->protocol_name));
	CHECK(slice_eq_str(g->protocol_type, "consumer"));
	CHECK(!g->leader);
	CHECK_INT(g->next_at <= now, 0);
	join("a", "m1");
	CHECK_INT(error_of("a"), KERR_UNKNOWN_MEMBER_ID);
	join_old("a");
	pass(0);
	CHECK_INT(got("a")->generation, 3);
	teardown();
}

/* ---- leaving ---- */

static void
several_leave_at_once(void)
{
	stable(3);
	begin();
	CHECK_INT(group_leave(g, S("m1"), NONE, &turn), 0);
	CHECK_INT(group_leave(g, S("m9"), NONE, &turn), KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(group_leave(g, S(""), NONE, &turn), KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(group_leave(g, S("m2"), NONE, &turn), 0);
	group_left(g, &turn);
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(g->by_id.len, 1);
	join("c", "m3");
	CHECK(slice_eq_str(got("c")->leader, "m3"));
	teardown();
}

static void
an_id_given_out_can_leave(void)
{
	stable(1);
	join("b", "");
	join("a", "m1");
	CHECK(!got("a")); /* waits for m11 */
	leave("m11");
	CHECK_INT(error_of("a"), 0);
	teardown();
}

static void
a_parked_request_of_who_leaves_is_answered(void)
{
	stable(2);
	join("b", "m2");
	join_old("c");
	join("b", "m2");
	leave("m2");
	CHECK_INT(error_of("b"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
	setup();
	join_old("a");
	join_old("b");
	pass(0);
	sync("b", "m2", 1);
	leave("m2");
	CHECK_INT(error_of("b"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

int
main(void)
{
	RUN(the_leader_assigns_and_everybody_gets_it);
	RUN(old_assignments_do_not_survive);
	RUN(a_sync_must_fit_the_generation);
	RUN(an_assignment_that_cannot_be_stored_is_none);
	RUN(a_silent_member_is_removed);
	RUN(who_waits_for_the_group_is_not_late);
	RUN(who_does_not_rejoin_in_time_is_removed);
	RUN(a_leader_that_dies_before_it_assigns_frees_the_others);
	RUN(who_joins_but_never_syncs_is_removed);
	RUN(a_member_that_dies_while_others_sync_does_not_stop_them);
	RUN(without_members_a_group_is_empty);
	RUN(several_leave_at_once);
	RUN(an_id_given_out_can_leave);
	RUN(a_parked_request_of_who_leaves_is_answered);
	return tap_done();
}
