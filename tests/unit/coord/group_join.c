/* JoinGroup: who gets in, and who again. */
#include "script.h"

/* ---- joining ---- */

static void
an_unknown_member_gets_its_id_first(void)
{
	setup();
	join("a", "");
	CHECK_INT(error_of("a"), KERR_MEMBER_ID_REQUIRED);
	CHECK(slice_eq_str(got("a")->member_id, "m1"));
	CHECK_INT(g->state, GROUP_EMPTY);
	join("a", "m1");
	CHECK(!got("a"));
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(g->next_at, now);
	pass(0);
	CHECK_INT(error_of("a"), 0);
	CHECK_INT(got("a")->generation, 1);
	CHECK(slice_eq_str(got("a")->leader, "m1"));
	CHECK(slice_eq_str(got("a")->protocol_name, "range"));
	CHECK_INT(got("a")->members_n, 1);
	CHECK_INT(g->state, GROUP_COMPLETING);
	teardown();
}

static void
an_id_that_is_not_used_is_forgotten(void)
{
	setup();
	join("a", "");
	CHECK_INT(g->next_at, now + 10000);
	pass(10000);
	CHECK_INT(g->pending.len, 0);
	join("a", "m1");
	CHECK_INT(error_of("a"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

static void
a_generation_waits_for_ids_given_out(void)
{
	stable(1);
	join("b", "");
	CHECK_INT(error_of("b"), KERR_MEMBER_ID_REQUIRED);
	join("a", "m1"); /* the leader wants a rebalance */
	CHECK(!got("a"));
	join("b", "m11");
	CHECK_INT(error_of("a"), 0);
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(got("a")->members_n, 2);
	CHECK_INT(got("b")->members_n, 0);
	CHECK_INT(got("b")->generation, 2);
	teardown();
}

static void
an_old_client_gets_its_id_with_the_generation(void)
{
	setup();
	join_old("a");
	pass(0);
	CHECK_INT(error_of("a"), 0);
	CHECK(slice_eq_str(got("a")->member_id, "m1"));
	teardown();
}

static void
the_first_generation_waits_for_more_members(void)
{
	setup();
	limits.initial_delay_ms = 3000;
	join_old("a");
	pass(2000);
	CHECK(!got("a"));
	join_old("b");
	pass(1000); /* b came: the delay begins anew */
	CHECK(!got("a"));
	pass(2999);
	CHECK(!got("a"));
	pass(1);
	CHECK_INT(error_of("a"), 0);
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(got("a")->members_n, 2);
	teardown();
}

static void
the_first_generation_waits_no_longer_than_a_rebalance(void)
{
	setup();
	limits.initial_delay_ms = 50000;
	join_old("a");
	pass(40000);
	join_old("b");
	pass(10000); /* 10 of 60 s are left to wait */
	CHECK(!got("a"));
	pass(10000);
	CHECK_INT(error_of("a"), 0);
	teardown();
}

static void
session_time_outs_have_bounds(void)
{
	struct group_join j;

	setup();
	j = request("a", "");
	j.session_ms = 5999;
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_INVALID_SESSION_TIMEOUT);
	j.session_ms = 1800001;
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_INVALID_SESSION_TIMEOUT);
	j.session_ms = 6000;
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_MEMBER_ID_REQUIRED);
	teardown();
}

static void
members_need_a_protocol_in_common(void)
{
	struct group_protocol other = { S("other"), S("") };
	struct group_join j;

	setup();
	j = request("a", "");
	j.protocols_n = 0;
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	j = request("a", "");
	j.protocol_type = S("");
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	j = request("a", "");
	j.protocols_n = limits.max_protocols + 1;
	send_join(&j);
	CHECK_INT(error_of("a"), KERR_INVALID_REQUEST);
	teardown();

	stable(1);
	j = request("b", "");
	j.protocols = &other;
	send_join(&j);
	CHECK_INT(error_of("b"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	j = request("b", "");
	j.protocol_type = S("connect");
	send_join(&j);
	CHECK_INT(error_of("b"), KERR_INCONSISTENT_GROUP_PROTOCOL);
	CHECK_INT(g->state, GROUP_STABLE);
	teardown();
}

static void
most_votes_choose_the_protocol(void)
{
	const struct group_protocol abc[] = {
		{ S("a"), S("1a") }, { S("b"), S("1b") }, { S("c"), S("1c") },
	};
	const struct group_protocol cba[] = {
		{ S("c"), S("2c") }, { S("b"), S("2b") }, { S("x"), S("") },
	};
	struct group_join j;

	setup();
	for (int i = 0; i < 3; i++) {
		j = request(i ? "cba" : "abc", "");
		j.needs_id = false;
		j.protocols = i ? cba : abc;
		j.protocols_n = 3;
		send_join(&j);
	}
	pass(0); /* a is not everybody's; b has one vote, c two */
	CHECK(slice_eq_str(got("abc")->protocol_name, "c"));
	CHECK(slice_eq_str(group_member_metadata(got("abc")->members[1], S("c")), "2c"));
	teardown();
}

static void
a_full_group_takes_nobody(void)
{
	stable(2);
	limits.max_size = 2;
	join("c", "");
	CHECK_INT(error_of("c"), KERR_GROUP_MAX_SIZE_REACHED);
	CHECK(slice_eq_str(got("c")->member_id, ""));
	/* when the limit was lowered the last to come again must go */
	limits.max_size = 1;
	join("a", "m1");
	CHECK(!got("a"));
	join("b", "m2");
	CHECK_INT(error_of("b"), KERR_GROUP_MAX_SIZE_REACHED);
	CHECK_INT(g->by_id.len, 1);
	teardown();
}

static void
metadata_is_limited(void)
{
	setup();
	limits.max_bytes = 100;
	join("a", "");
	CHECK_INT(error_of("a"), KERR_GROUP_MAX_SIZE_REACHED);
	limits.max_bytes = 1 << 20;
	limits.max_pending = 1;
	join("a", "");
	CHECK_INT(error_of("a"), KERR_MEMBER_ID_REQUIRED);
	join("b", "");
	CHECK_INT(error_of("b"), KERR_GROUP_MAX_SIZE_REACHED);
	teardown();
}

static void
a_second_join_takes_the_place_of_the_first(void)
{
	stable(2);
	join("first", "m1");
	CHECK(!got("first"));
	join("second", "m1");
	CHECK_INT(error_of("first"), KERR_REBALANCE_IN_PROGRESS);
	CHECK(!got("second"));
	join("b", "m2");
	CHECK(!got("first"));
	CHECK_INT(error_of("second"), 0);
	teardown();
}

static void
a_new_member_waits_five_minutes_at_most(void)
{
	struct group_join j;

	stable(1);
	j = request("a", "m1");
	j.rebalance_ms = 3600000;
	send_join(&j); /* alone: at once */
	sync("a", "m1", 2);
	join_old("b"); /* m1 does not come, but it lives */
	for (int i = 0; i < 30; i++) {
		CHECK_INT(heartbeat("m1", 2), KERR_REBALANCE_IN_PROGRESS);
		CHECK(!got("b"));
		pass(9999);
	}
	pass(1000);
	CHECK_INT(error_of("b"), KERR_UNKNOWN_MEMBER_ID);
	teardown();
}

/* ---- rejoining ---- */

static void
a_follower_that_asks_again_is_told_again(void)
{
	stable(2);
	join("b", "m2");
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(got("b")->generation, 1);
	CHECK_INT(got("b")->members_n, 0);
	CHECK_INT(g->state, GROUP_STABLE);
	teardown();
}

static void
the_leader_may_ask_for_a_rebalance(void)
{
	stable(2);
	join("a", "m1");
	CHECK(!got("a"));
	CHECK_INT(g->state, GROUP_PREPARING);
	CHECK_INT(heartbeat("m2", 1), KERR_REBALANCE_IN_PROGRESS);
	join("b", "m2");
	CHECK_INT(error_of("a"), 0);
	CHECK_INT(error_of("b"), 0);
	CHECK_INT(got("a")->generation, 2);
	CHECK_INT(got("a")->members_n, 2);
	teardown();
}

static void
changed_metadata_makes_a_rebalance(void)
{
	struct group_protocol p = { S("range"), S("changed") };
	struct group_join j;

	stable(2);
	j = request("b", "m2");
	j.protocols = &p;
	send_join(&j);
	CHECK(!got("b"));
	CHECK_INT(g->state, GROUP_PREPARING);
	join("a", "m1");
	CHECK_INT(error_of("b"), 0);
	CHECK(slice_eq_str(group_member_metadata(got("a")->members[1], S("range")),
		"changed"));
	/* and once more, before the leader has assigned */
	p.metadata = S("again");
	j.token = (void *)(uintptr_t)"b2";
	send_join(&j);
	CHECK(!got("b2"));
	CHECK_INT(g->state, GROUP_PREPARING);
	teardown();
}

static void
a_lost_reply_is_repeated_before_the_sync(void)
{
	setup();
	join_old("a");
	join_old("b");
	pass(0);
	join("a2", "m1");
	CHECK_INT(error_of("a2"), 0);
	CHECK_INT(got("a2")->members_n, 2);
	join("b2", "m2");
	CHECK_INT(error_of("b2"), 0);
	CHECK_INT(got("b2")->members_n, 0);
	CHECK_INT(g->state, GROUP_COMPLETING);
	teardown();
}

static void
joins_while_rebalancing_all_get_the_same_generation(void)
{
	stable(2);
	join_old("c");
	join_old("d");
	join("b", "m2");
	join_old("e");
	CHECK(!got("c"));
	join("a", "m1");
	CHECK_INT(g->by_id.len, 5);
	for (const char *t = "abcde"; *t; t++) {
		char token[2] = { *t, 0 };

		CHECK_INT(error_of(token), 0);
		CHECK_INT(got(token)->generation, 2);
		CHECK_INT(got(token)->members_n, *t == 'a' ? 5 : 0);
	}
	/* two more, before anybody has synced */
	join_old("f");
	sync("s", "m2", 2);
	CHECK_INT(error_of("s"), KERR_REBALANCE_IN_PROGRESS);
	teardown();
}

int
main(void)
{
	RUN(an_unknown_member_gets_its_id_first);
	RUN(an_id_that_is_not_used_is_forgotten);
	RUN(a_generation_waits_for_ids_given_out);
	RUN(an_old_client_gets_its_id_with_the_generation);
	RUN(the_first_generation_waits_for_more_members);
	RUN(the_first_generation_waits_no_longer_than_a_rebalance);
	RUN(session_time_outs_have_bounds);
	RUN(members_need_a_protocol_in_common);
	RUN(most_votes_choose_the_protocol);
	RUN(a_full_group_takes_nobody);
	RUN(metadata_is_limited);
	RUN(a_second_join_takes_the_place_of_the_first);
	RUN(a_new_member_waits_five_minutes_at_most);
	RUN(a_follower_that_asks_again_is_told_again);
	RUN(the_leader_may_ask_for_a_rebalance);
	RUN(changed_metadata_makes_a_rebalance);
	RUN(a_lost_reply_is_repeated_before_the_sync);
	RUN(joins_while_rebalancing_all_get_the_same_generation);
	return tap_done();
}
