/* What else is asked of a group, and what was stored of it. */
#include "script.h"

static void
heartbeats_tell_how_things_are(void)
{
	setup();
	CHECK_INT(heartbeat("m1", 0), KERR_UNKNOWN_MEMBER_ID);
	join_old("a");
	pass(0);
	CHECK_INT(heartbeat("m1", 1), 0); /* before the assignment, too */
	CHECK_INT(heartbeat("m1", 2), KERR_ILLEGAL_GENERATION);
	CHECK_INT(heartbeat("m2", 1), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

static void
who_may_commit(void)
{
	setup();
	CHECK_INT(group_check_commit(g, S(""), NONE, -1, begin()), 0);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, 1, begin()), KERR_UNKNOWN_MEMBER_ID);
	join_old("a");
	pass(0);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, 1, begin()),
		KERR_REBALANCE_IN_PROGRESS);
	sync("a", "m1", 1);
	CHECK_INT(group_check_commit(g, S(""), NONE, -1, begin()), KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, -1, begin()), KERR_ILLEGAL_GENERATION);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, 2, begin()), KERR_ILLEGAL_GENERATION);
	CHECK_INT(group_check_commit(g, S("m2"), NONE, 1, begin()), KERR_UNKNOWN_MEMBER_ID);
	/* a commit is a sign of life, and good until the next generation begins */
	pass(9000);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, 1, begin()), 0);
	pass(9000);
	CHECK_INT(g->state, GROUP_STABLE);
	join("b", "");
	join("b", "m11");
	CHECK_INT(g->by_id.len, 1);
	join_old("b");
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(group_check_commit(g, S("m1"), NONE, 1, begin()), 0);
	teardown();
}

static void
who_may_be_deleted(void)
{
	stable(1);
	CHECK_INT(group_check_delete(g), KERR_NON_EMPTY_GROUP);
	CHECK_INT(group_check_offset_delete(g), 0);
	leave("m1");
	CHECK_INT(group_check_delete(g), 0);
	CHECK_INT(group_check_offset_delete(g), 0);
	group_kill(g, KERR_COORDINATOR_NOT_AVAILABLE, begin());
	CHECK_INT(group_check_delete(g), KERR_GROUP_ID_NOT_FOUND);
	CHECK_INT(group_check_offset_delete(g), KERR_GROUP_ID_NOT_FOUND);
	teardown();
}

static void
subscriptions_are_read_from_the_metadata(void)
{
	stable(1);
	CHECK(group_subscribes(g, S("t")));
	CHECK(!group_subscribes(g, S("u")));
	leave("m1");
	CHECK(!group_subscribes(g, S("t")));
	teardown();
}

static void
metadata_that_cannot_be_read_counts_as_subscribed(void)
{
	const struct group_protocol bad = { S("range"), { "\0\0\0\0\0\2\0\1t\0\5u", 12 } };
	struct group_join j;

	setup();
	j = request("a", "");
	j.needs_id = false;
	j.protocols = &bad;
	send_join(&j);
	pass(0);
	CHECK(group_subscribes(g, S("x")));
	teardown();
	setup();
	j = request("a", "");
	j.needs_id = false;
	j.protocol_type = S("connect");
	send_join(&j);
	pass(0);
	CHECK(!group_subscribes(g, S("t")));
	CHECK_INT(group_check_offset_delete(g), KERR_NON_EMPTY_GROUP);
	teardown();
}

static void
a_dead_group_answers_everybody(void)
{
	setup();
	join_old("a");
	join_old("b");
	pass(0);
	sync("b", "m2", 1);
	group_kill(g, KERR_COORDINATOR_NOT_AVAILABLE, begin());
	CHECK_INT(error_of("b"), KERR_COORDINATOR_NOT_AVAILABLE);
	CHECK_INT(heartbeat("m1", 1), KERR_COORDINATOR_NOT_AVAILABLE);
	join_old("c");
	CHECK_INT(error_of("c"), KERR_COORDINATOR_NOT_AVAILABLE);
	sync("c", "m1", 1);
	CHECK_INT(error_of("c"), KERR_COORDINATOR_NOT_AVAILABLE);
	teardown();
}

static void
generations_wrap(void)
{
	stable(1);
	g->generation = INT32_MAX;
	join("a", "m1");
	CHECK_INT(got("a")->generation, 1);
	teardown();
}

static void
a_restored_group_keeps_its_members_for_a_session(void)
{
	struct group_join j;

	setup();
	group_restore(g, 7, S("consumer"), S("range"), 12345);
	j = request("", "m1");
	group_restore_member(g, &j, S("one"), begin());
	j = request("", "m2");
	j.instance_id = S("i2");
	group_restore_member(g, &j, S("two"), begin());
	group_restored(g, S("m2"), begin());
	CHECK_INT(g->state, GROUP_STABLE);
	CHECK(slice_eq_str(g->leader->id, "m2"));
	CHECK_INT(heartbeat("m1", 7), 0);
	sync("a", "m1", 7);
	CHECK(slice_eq_str(got("a")->assignment, "one"));
	join("a", "m1");
	CHECK_INT(error_of("a"), 0);
	CHECK_INT(got("a")->generation, 7);
	pass(10000);
	CHECK_INT(g->by_id.len, 0);
	CHECK_INT(g->state, GROUP_EMPTY);
	CHECK_INT(g->generation, 8);
	teardown();
}

int
main(void)
{
	RUN(heartbeats_tell_how_things_are);
	RUN(who_may_commit);
	RUN(who_may_be_deleted);
	RUN(subscriptions_are_read_from_the_metadata);
	RUN(metadata_that_cannot_be_read_counts_as_subscribed);
	RUN(a_dead_group_answers_everybody);
	RUN(generations_wrap);
	RUN(a_restored_group_keeps_its_members_for_a_session);
	return tap_done();
}
