/* Static members (KIP-345). */
#include "script.h"

/* Static i1 (m1, leader) and dynamic m2, with assignments one and two. */
static void
stable_static(void)
{
	const struct group_assignment a[] = { { S("m1"), S("one") }, { S("m2"), S("two") } };

	setup();
	join_static("a", "", "i1");
	join_old("b");
	pass(0);
	CHECK_INT(error_of("a"), 0);
	sync_as("a", "m1", 1, a, 2);
	sync("b", "m2", 1);
	ids = 10;
}

static void
a_static_member_restarts_without_a_rebalance(void)
{
	stable_static();
	join_static("a", "", "i1");
	CHECK_INT(error_of("a"), 0);
	CHECK(turn.store);
	CHECK_INT(g->state, GROUP_STABLE);
	CHECK_INT(got("a")->generation, 1);
	CHECK(slice_eq_str(got("a")->member_id, "m11"));
	CHECK(slice_eq_str(got("a")->leader, "m11"));
	CHECK(got("a")->skip_assignment);
	CHECK_INT(got("a")->members_n, 2);
	/* the new self gets the assignment, the old one is fenced */
	sync("a", "m11", 1);
	CHECK(slice_eq_str(got("a")->assignment, "one"));
	CHECK_INT(group_heartbeat(g, S("m1"), S("i1"), 1, begin()), KERR_FENCED_INSTANCE_ID);
	CHECK_INT(group_heartbeat(g, S("m1"), NONE, 1, begin()), KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(group_heartbeat(g, S("m11"), S("i1"), 1, begin()), 0);
	CHECK_INT(group_heartbeat(g, S("m11"), S("i9"), 1, begin()), KERR_UNKNOWN_MEMBER_ID);
	join_static("old", "m1", "i1");
	CHECK_INT(error_of("old"), KERR_FENCED_INSTANCE_ID);
	teardown();
}

static void
an_old_static_leader_believes_another_leads(void)
{
	struct group_join j;

	stable_static();
	j = request("a", "");
	j.instance_id = S("i1");
	j.skips = false; /* before JoinGroup 9 it would assign anew */
	send_join(&j);
	CHECK_INT(error_of("a"), 0);
	CHECK(slice_eq_str(got("a")->leader, "m1"));
	CHECK(!got("a")->skip_assignment);
	CHECK_INT(got("a")->members_n, 0);
	teardown();
}

static void
a_static_member_with_other_protocols_makes_a_rebalance(void)
{
	const struct group_protocol p[] = {
		{ S("sticky"), S("") }, { S("range"), S("") },
	};
	struct group_join j;

	stable_static();
	leave("m2");
	join_static("a", "m1", "i1");
	CHECK_INT(error_of("a"), 0);
	sync("a", "m1", 2);
	j = request("a", "");
	j.instance_id = S("i1");
	j.protocols = p;
	j.protocols_n = 2;
	send_join(&j); /* alone, its first choice wins */
	CHECK(g->state == GROUP_COMPLETING);
	CHECK_INT(got("a")->generation, 3);
	CHECK(slice_eq_str(got("a")->protocol_name, "sticky"));
	teardown();
}

static void
a_static_member_that_restarts_before_the_assignment_makes_a_rebalance(void)
{
	setup();
	join_static("a", "", "i1");
	join_static("b", "", "i2");
	pass(0);
	sync("b", "m2", 1);
	join_static("b2", "", "i2");
	CHECK_INT(error_of("b"), KERR_FENCED_INSTANCE_ID);
	CHECK(!got("b2"));
	CHECK_INT(g->state, GROUP_PREPARING);
	join_static("a", "m1", "i1");
	CHECK_INT(error_of("b2"), 0);
	CHECK(slice_eq_str(got("b2")->member_id, "m3"));
	CHECK_INT(got("a")->members_n, 2);
	teardown();
}

static void
a_parked_join_of_the_old_self_is_fenced(void)
{
	stable_static();
	join_static("a", "m1", "i1"); /* the leader; waits for m2 */
	CHECK(!got("a"));
	join_static("a2", "", "i1");
	CHECK_INT(error_of("a"), KERR_FENCED_INSTANCE_ID);
	CHECK(slice_eq_str(got("a")->member_id, "m1"));
	CHECK(!got("a2"));
	join("b", "m2");
	CHECK_INT(error_of("a2"), 0);
	CHECK(slice_eq_str(got("a2")->leader, "m12"));
	CHECK_INT(got("a2")->members_n, 2);
	teardown();
}

static void
static_members_stay_through_a_rebalance_they_miss(void)
{
	stable_static();
	join_old("c");
	join("b", "m2");
	CHECK_INT(group_heartbeat(g, S("m1"), S("i1"), 1, begin()), KERR_REBALANCE_IN_PROGRESS);
	for (int i = 0; i < 7; i++) {
		pass(9000);
		group_heartbeat(g, S("m1"), S("i1"), g->generation, begin());
	}
	CHECK_INT(g->generation, 2);
	CHECK_INT(g->by_id.len, 3);
	CHECK(g->leader && slice_eq_str(g->leader->id, "m2"));
	teardown();
}

static void
a_rebalance_without_anybody_waits_for_the_sessions(void)
{
	setup();
	join_static("a", "", "i1");
	join_static("b", "", "i2");
	pass(0);
	sync("a", "m1", 1);
	sync("b", "m2", 1);
	/* by instance id, as an administrator does it */
	begin();
	CHECK_INT(group_leave(g, S(""), S("i2"), &turn), 0);
	group_left(g, &turn);
	CHECK_INT(g->state, GROUP_PREPARING);
	for (int i = 0; i < 7; i++) {
		pass(9000);
		CHECK_INT(group_heartbeat(g, S("m1"), S("i1"), 1, begin()),
			KERR_REBALANCE_IN_PROGRESS);
	}
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(g->by_id.len, 1);
	pass(10000);
	CHECK_INT(g->state, GROUP_EMPTY);
	CHECK(turn.store);
	teardown();
}

static void
leaving_with_a_wrong_instance_is_refused(void)
{
	stable_static();
	begin();
	CHECK_INT(group_leave(g, S("m2"), S("i1"), &turn), KERR_FENCED_INSTANCE_ID);
	CHECK_INT(group_leave(g, S("m1"), S("i9"), &turn), KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(group_leave(g, S("m1"), S("i1"), &turn), 0);
	group_left(g, &turn);
	teardown();
}

int
main(void)
{
	RUN(a_static_member_restarts_without_a_rebalance);
	RUN(an_old_static_leader_believes_another_leads);
	RUN(a_static_member_with_other_protocols_makes_a_rebalance);
	RUN(a_static_member_that_restarts_before_the_assignment_makes_a_rebalance);
	RUN(a_parked_join_of_the_old_self_is_fenced);
	RUN(static_members_stay_through_a_rebalance_they_miss);
	RUN(a_rebalance_without_anybody_waits_for_the_sessions);
	RUN(leaving_with_a_wrong_instance_is_refused);
	return tap_done();
}
