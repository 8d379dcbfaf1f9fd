/* Committed offsets: keeping, and letting go. */
#include "coord/offsets.h"

#include "coord/group.h"
#include "tap.h"

#define S(text) slice_str(text)
enum { WEEK = 1000 };

static const struct group_limits limits = {
	.max_session_ms = 100000, .max_size = 10, .max_protocols = 10, .max_bytes = 10000,
};
static struct arena arena;

static struct committed
at(int32_t partition, int64_t offset)
{
	return (struct committed){
		.partition = partition, .offset = offset, .leader_epoch = 3,
		.metadata = S("m"), .committed_at = 100, .expires_at = -1,
	};
}

static void
what_was_put_is_there_until_removed(void)
{
	struct offsets o = { 0 };
	struct committed c;

	CHECK(!offsets_get(&o, S("t"), 0));
	for (int i = 99; i >= 0; i--) {
		c = at(i * 7 % 100, i);
		offsets_put(&o, S(i % 2 ? "odd" : "even"), &c);
	}
	CHECK_INT(o.n, 100);
	CHECK_INT(o.topics.len, 2);
	c = at(7, 1000);
	c.metadata = S("");
	offsets_put(&o, S("odd"), &c);
	CHECK_INT(o.n, 100);
	CHECK_INT(offsets_get(&o, S("odd"), 7)->offset, 1000);
	CHECK(slice_eq_str(offsets_get(&o, S("odd"), 7)->metadata, ""));
	CHECK(slice_eq_str(offsets_get(&o, S("even"), 14)->metadata, "m"));
	CHECK_INT(offsets_get(&o, S("even"), 14)->leader_epoch, 3);
	CHECK(!offsets_get(&o, S("odd"), 14));
	CHECK(!offsets_remove(&o, S("odd"), 14));
	for (int i = 0; i < 100; i++)
		CHECK(offsets_remove(&o, S(i % 2 ? "odd" : "even"), i));
	CHECK_INT(o.n, 0);
	CHECK_INT(o.topics.len, 0);
	offsets_release(&o);
}

static void
a_simple_consumer_is_forgotten_after_its_last_commit(void)
{
	struct group *g = group_new(S("g"), &limits, 5000);
	struct committed c = at(0, 1);

	CHECK(!offsets_expired(g, S("t"), &c, 100 + WEEK - 1, WEEK));
	CHECK(offsets_expired(g, S("t"), &c, 100 + WEEK, WEEK));
	c.expires_at = 7;
	CHECK(offsets_expired(g, S("t"), &c, 7, WEEK));
	CHECK(!offsets_expired(g, S("t"), &c, 6, WEEK));
	group_free(g);
}

static void
a_group_is_forgotten_after_it_became_empty(void)
{
	struct group *g = group_new(S("g"), &limits, -1);
	struct committed c = at(0, 1);

	group_restore(g, 3, S("consumer"), SLICE_NULL, 500);
	CHECK(!offsets_expired(g, S("t"), &c, 500 + WEEK - 1, WEEK));
	CHECK(offsets_expired(g, S("t"), &c, 500 + WEEK, WEEK));
	g->state_since = -1; /* of an old record: not known */
	CHECK(offsets_expired(g, S("t"), &c, 100 + WEEK, WEEK));
	group_free(g);
}

static void
while_members_read_only_what_they_do_not_read_expires(void)
{
	const struct group_protocol p = {
		S("range"), { "\0\0\0\0\0\1\0\1t\0\0\0\0", 13 },
	};
	const struct group_join j = {
		.member_id = S("m"), .client_id = S(""), .client_host = S(""),
		.protocol_type = S("consumer"), .protocols = &p, .protocols_n = 1,
		.session_ms = 10,
	};
	struct group_turn t = { .arena = &arena };
	struct group *g = group_new(S("g"), &limits, -1);
	struct committed c = at(0, 1);

	group_restore(g, 3, S("consumer"), S("range"), 500);
	group_restore_member(g, &j, S(""), &t);
	CHECK(!offsets_expired(g, S("t"), &c, 100 * WEEK, WEEK));
	CHECK(offsets_expired(g, S("u"), &c, 100 + WEEK, WEEK));
	CHECK(!offsets_expired(g, S("u"), &c, 100 + WEEK - 1, WEEK));
	group_leave(g, S("m"), SLICE_NULL, &t);
	g->state = GROUP_PREPARING; /* and while they come and go, nothing */
	CHECK(!offsets_expired(g, S("u"), &c, 100 * WEEK, WEEK));
	group_free(g);
	arena_release(&arena);
}

int
main(void)
{
	RUN(what_was_put_is_there_until_removed);
	RUN(a_simple_consumer_is_forgotten_after_its_last_commit);
	RUN(a_group_is_forgotten_after_it_became_empty);
	RUN(while_members_read_only_what_they_do_not_read_expires);
	return tap_done();
}
