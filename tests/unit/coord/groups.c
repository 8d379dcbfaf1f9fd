/* All groups together: what they write, and what a restart finds. Over a store in memory. */
#include "coord/groups.h"

#include "tap.h"

#include "config.h"
#include "coord/grouplog.h"
#include "coord/internal.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/fake_store.h"
#include "meta/meta.h"

#define S(text) slice_str(text)

static struct store *store;
static struct config *config;
static struct clock clk;
static struct meta *meta;
static struct groups *groups;
static int64_t woken_at;

/* What the last request with this token got. */
static struct answer {
	const char *token;
	int16_t error;
	int32_t generation;
	uint64_t commit;
	char member[64], assignment[16];
} answers[16];
static int answers_n;

/* What the broker would log. */
void
log_warn(const char *fmt, ...)
{
	(void)fmt;
}

void
log_info(const char *fmt, ...)
{
	(void)fmt;
}

void
log_error(const char *fmt, ...)
{
	(void)fmt;
}

static void
wake(void *arg, int64_t at)
{
	(void)arg;
	woken_at = at;
}

static void
answered(void *token, const struct group_reply *r, uint64_t commit)
{
	struct answer *a = &answers[answers_n++ % 16];

	*a = (struct answer){
		.token = token, .error = r->error, .generation = r->generation,
		.commit = commit,
	};
	snprintf(a->member, sizeof(a->member), "%.*s", SLICE_ARG(r->member_id));
	snprintf(a->assignment, sizeof(a->assignment), "%.*s", SLICE_ARG(r->assignment));
}

static const struct answer *
got(const char *token)
{
	static const struct answer nothing = { .error = 9999 };

	for (int i = answers_n; i-- > 0;)
		if (!strcmp(answers[i % 16].token, token))
			return &answers[i % 16];
	return &nothing;
}

static void
open_groups(void)
{
	struct groups_parts parts = {
		.config = config, .clock = &clk, .meta = meta,
		.wake = wake, .answer = answered,
	};
	struct err e = ERR_INIT;

	CHECK_INT(groups_open(&groups, &parts, &e), 0);
}

/* Only the log remembers. */
static void
restart(void)
{
	groups_close(groups);
	answers_n = 0;
	open_groups();
}

static void
add_topic(const char *name, int32_t partitions)
{
	struct arena a = { 0 };
	struct topic *t;
	uint64_t commit;
	const char *why;

	CHECK_INT(meta_create_topic(meta, S(name), partitions, NULL, 0, false, false,
		&a, &t, &commit, &why), 0);
	arena_release(&a);
}

static void
setup(void)
{
	struct err e = ERR_INIT;

	store = fake_store_new();
	config = config_new();
	clk = clock_fake(1000000);
	CHECK_INT(meta_open(&meta, store, &clk, config, &e), 0);
	answers_n = 0;
	open_groups();
	add_topic("t", 3);
}

static void
teardown(void)
{
	groups_close(groups);
	meta_close(meta);
	fake_store_free(store);
	config_free(config);
}

static void
pass(int64_t ms)
{
	clk.fake_ms += ms;
	groups_tick(groups);
}

static struct group_entry *
find(const char *id)
{
	struct group_entry *en;

	CHECK_INT(groups_find(groups, S(id), &en), 0);
	return en;
}

static int
count(void)
{
	int n = 0;

	CHECK_INT(groups_load(groups), 0);
	for (size_t i = 0; groups_next(groups, &i);)
		n++;
	return n;
}

static int16_t
commit_as(const char *group, const char *member, int32_t generation, int32_t partition,
	int64_t offset, const char *text, uint64_t *commit)
{
	struct groups_commit c = {
		.group = S(group), .member_id = S(member), .generation = generation,
		.unknown_group = KERR_GROUP_ID_NOT_FOUND,
	};
	struct groups_offset o = {
		.topic = S("t"),
		.c = {
			.partition = partition, .offset = offset, .leader_epoch = 2,
			.metadata = S(text), .committed_at = clk.fake_ms,
			.expires_at = -1,
		},
	};

	groups_commit_offsets(groups, &c, &o, 1, commit);
	return o.error;
}

static int16_t
commit(const char *group, int32_t partition, int64_t offset)
{
	uint64_t ignored;

	return commit_as(group, "", -1, partition, offset, "", &ignored);
}

static int64_t
offset_of(const char *group, int32_t partition)
{
	struct group_entry *en = find(group);
	const struct committed *c = en
		? offsets_get(&en->offsets, S("t"), partition) : NULL;

	return c ? c->offset : -1;
}

static void
join(const char *token, const char *group, const char *member)
{
	static const struct group_protocol range = {
		{ "range", 5 }, { "\0\0\0\0\0\1\0\1t\0\0\0\0", 13 },
	};
	struct group_join j = {
		.member_id = S(member), .client_id = S("client"), .client_host = S("/h"),
		.protocol_type = S("consumer"), .protocols = &range, .protocols_n = 1,
		.session_ms = 10000, .rebalance_ms = 60000,
		.token = (void *)(uintptr_t)token,
	};

	groups_join(groups, S(group), &j);
}

static void
sync(const char *token, const char *group, const char *member, int32_t generation)
{
	struct group_assignment a = { S(member), S("mine") };
	struct group_sync s = {
		.member_id = S(member), .generation = generation, .assignments = &a,
		.assignments_n = 1, .token = (void *)(uintptr_t)token,
	};

	groups_sync(groups, S(group), &s);
}

/* One member, in generation 1; its id is got("j")->member. */
static void
make_stable(const char *group)
{
	join("j", group, "");
	CHECK_INT(woken_at, clk.fake_ms);
	pass(0);
	CHECK_INT(got("j")->error, 0);
	CHECK_INT(got("j")->commit, 0);
	sync("s", group, got("j")->member, 1);
	CHECK_INT(got("s")->error, 0);
}

static void
offsets_are_there_after_a_restart(void)
{
	struct groups_offset o = { .topic = S("t"), .c = { .partition = 1 } };
	uint64_t seq;

	setup();
	CHECK_INT(offset_of("g", 1), -1);
	CHECK_INT(commit_as("g", "", -1, 1, 42, "here", &seq), 0);
	CHECK_INT(seq, store->seq);
	CHECK_INT(commit("g", 0, 7), 0);
	CHECK_INT(commit("g", 0, 8), 0);
	CHECK_INT(commit("other", 1, 9), 0);
	restart();
	CHECK_INT(offset_of("g", 1), 42);
	CHECK_INT(offset_of("g", 0), 8);
	CHECK_INT(offset_of("g", 2), -1);
	CHECK_INT(offset_of("other", 1), 9);
	CHECK(slice_eq_str(offsets_get(&find("g")->offsets, S("t"), 1)->metadata, "here"));
	CHECK_INT(offsets_get(&find("g")->offsets, S("t"), 1)->leader_epoch, 2);

	CHECK_INT(groups_delete_offsets(groups, S("g"), &o, 1, &seq), 0);
	CHECK_INT(o.error, 0);
	CHECK_INT(seq, store->seq);
	restart();
	CHECK_INT(offset_of("g", 1), -1);
	CHECK_INT(offset_of("g", 0), 8);
	CHECK_INT(count(), 2);
	teardown();
}

static void
members_are_there_after_a_restart(void)
{
	char member[64];

	setup();
	make_stable("g");
	CHECK_INT(got("s")->commit, store->seq);
	snprintf(member, sizeof(member), "%s", got("j")->member);
	restart();
	CHECK_INT(groups_heartbeat(groups, S("g"), S(member), SLICE_NULL, 1), 0);
	sync("s", "g", member, 1);
	CHECK_STR(got("s")->assignment, "mine");
	pass(9999);
	CHECK_INT(groups_heartbeat(groups, S("g"), S(member), SLICE_NULL, 1), 0);
	pass(10000);
	CHECK_INT(groups_heartbeat(groups, S("g"), S(member), SLICE_NULL, 1),
		KERR_UNKNOWN_MEMBER_ID);
	restart();
	CHECK_INT(find("g")->group->state, GROUP_EMPTY);
	CHECK_INT(find("g")->group->generation, 2);
	CHECK_INT(find("g")->group->state_since, 1000000 + 19999);
	teardown();
}

static void
what_is_asked_in_vain_leaves_nothing(void)
{
	struct groups_leaver l = { .member_id = S("x") };
	uint64_t seq;

	setup();
	join("a", "g", "nobody");
	CHECK_INT(got("a")->error, KERR_UNKNOWN_MEMBER_ID);
	join("a", "", "");
	CHECK_INT(got("a")->error, KERR_INVALID_GROUP_ID);
	sync("s", "g", "x", 1);
	CHECK_INT(got("s")->error, KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(groups_heartbeat(groups, S("g"), S("x"), SLICE_NULL, 1),
		KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(groups_leave(groups, S("g"), &l, 1, &seq), 0);
	CHECK_INT(l.error, KERR_UNKNOWN_MEMBER_ID);
	CHECK_INT(commit_as("g", "x", 3, 0, 1, "", &seq), KERR_GROUP_ID_NOT_FOUND);
	CHECK_INT(groups_delete(groups, S("g"), &seq), KERR_GROUP_ID_NOT_FOUND);
	CHECK_INT(groups_delete_offsets(groups, S("g"), NULL, 0, &seq),
		KERR_GROUP_ID_NOT_FOUND);
	CHECK_INT(count(), 0);
	CHECK(!meta_topic(meta, S(OFFSETS_TOPIC)));
	teardown();
}

static void
metadata_has_a_limit(void)
{
	char text[3 * 4097 + 1] = "";
	uint64_t seq;

	setup();
	memset(text, 'x', 4097);
	CHECK_INT(commit_as("g", "", -1, 0, 1, text, &seq), KERR_OFFSET_METADATA_TOO_LARGE);
	CHECK_INT(count(), 0);
	/* in characters, not bytes; those beyond the BMP count twice */
	for (int i = 0; i < 4096; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	text[3 * 4096] = '\0';
	CHECK_INT(commit_as("g", "", -1, 0, 1, text, &seq), 0);
	memset(text, '\0', sizeof(text));
	for (int i = 0; i < 2049; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 4);
	CHECK_INT(commit_as("g", "", -1, 0, 1, text, &seq), KERR_OFFSET_METADATA_TOO_LARGE);
	teardown();
}

static void
who_has_offsets_goes_on_when_there_is_no_room(void)
{
	uint64_t seq;

	setup();
	CHECK_INT(commit("g", 0, 1), 0);
	groups->bytes_max = groups->bytes;
	CHECK_INT(commit("g", 0, 2), 0);
	CHECK_INT(offset_of("g", 0), 2);
	CHECK_INT(commit_as("g", "", -1, 0, 3, "longer", &seq),
		KERR_INVALID_COMMIT_OFFSET_SIZE);
	CHECK_INT(commit("g", 1, 1), KERR_INVALID_COMMIT_OFFSET_SIZE);
	CHECK_INT(commit("h", 0, 1), KERR_INVALID_COMMIT_OFFSET_SIZE);
	CHECK_INT(offset_of("g", 0), 2);
	teardown();
}

static void
what_cannot_be_stored_did_not_happen(void)
{
	setup();
	CHECK_INT(commit("g", 0, 1), 0);
	store->fail_append = KERR_KAFKA_STORAGE_ERROR;
	CHECK_INT(commit("g", 0, 2), KERR_NOT_COORDINATOR);
	CHECK_INT(offset_of("g", 0), 1);
	join("j", "m", "");
	pass(0);
	CHECK_INT(got("j")->error, 0);
	sync("s", "m", got("j")->member, 1);
	CHECK_INT(got("s")->error, KERR_NOT_COORDINATOR);
	CHECK_INT(got("s")->commit, 0);
	CHECK_STR(got("s")->assignment, "");
	CHECK_INT(find("m")->group->state, GROUP_PREPARING);
	store->fail_append = 0;
	teardown();
}

static void
an_empty_group_can_be_deleted(void)
{
	struct groups_leaver l;
	uint64_t seq = 0;

	setup();
	make_stable("g");
	CHECK_INT(commit_as("g", got("j")->member, 1, 0, 5, "", &seq), 0);
	CHECK_INT(groups_delete(groups, S("g"), &seq), KERR_NON_EMPTY_GROUP);
	l = (struct groups_leaver){ .member_id = S(got("j")->member) };
	CHECK_INT(groups_leave(groups, S("g"), &l, 1, &seq), 0);
	CHECK_INT(l.error, 0);
	CHECK_INT(seq, store->seq);
	CHECK_INT(groups_delete(groups, S("g"), &seq), 0);
	CHECK_INT(seq, store->seq);
	CHECK_INT(count(), 0);
	restart();
	CHECK_INT(count(), 0);
	teardown();
}

static void
offsets_expire_and_take_their_group_along(void)
{
	const int64_t week = 7 * 24 * 3600 * 1000LL, check = 600000;
	struct groups_leaver l;
	uint64_t seq;

	setup();
	CHECK_INT(commit("simple", 0, 1), 0);
	make_stable("g");
	CHECK_INT(commit_as("g", got("j")->member, 1, 0, 5, "", &seq), 0);
	l = (struct groups_leaver){ .member_id = S(got("j")->member) };
	CHECK_INT(groups_leave(groups, S("g"), &l, 1, &seq), 0);
	pass(week - check);
	CHECK_INT(count(), 2);
	CHECK_INT(commit("simple", 1, 1), 0); /* a sign of life for this one only */
	pass(check);
	CHECK_INT(count(), 1);
	CHECK_INT(offset_of("simple", 0), -1);
	CHECK_INT(offset_of("simple", 1), 1);
	pass(week);
	CHECK_INT(count(), 0);
	restart();
	CHECK_INT(count(), 0);
	teardown();
}

static void
a_deleted_topic_takes_its_offsets_along(void)
{
	uint64_t seq;

	setup();
	CHECK_INT(commit("g", 0, 1), 0);
	CHECK_INT(commit("g", 2, 1), 0);
	CHECK_INT(meta_delete_topic(meta, meta_topic(meta, S("t")), &seq), 0);
	CHECK_INT(count(), 0);
	teardown();
}

static void
who_waits_when_the_broker_ends_is_told(void)
{
	setup();
	join("j", "g", "");
	CHECK_INT(got("j")->error, 9999);
	groups_close(groups);
	CHECK_INT(got("j")->error, KERR_COORDINATOR_NOT_AVAILABLE);
	open_groups();
	teardown();
}

static void
a_group_has_the_partition_that_kafka_gives_it(void)
{
	CHECK_INT(internal_partition(S(""), 50), 0);
	CHECK_INT(internal_partition(S("a"), 50), 47);
	CHECK_INT(internal_partition(S("test-group"), 50), 12);
	CHECK_INT(internal_partition(S("gr\u00fc\u00dfe"), 50), 23);
	CHECK_INT(internal_partition(S("\U0001f600 x"), 50), 1);
	CHECK_INT(internal_partition(S("polygenelubricants"), 50), 0); /* INT_MIN */
}

int
main(void)
{
	RUN(offsets_are_there_after_a_restart);
	RUN(members_are_there_after_a_restart);
	RUN(what_is_asked_in_vain_leaves_nothing);
	RUN(metadata_has_a_limit);
	RUN(who_has_offsets_goes_on_when_there_is_no_room);
	RUN(what_cannot_be_stored_did_not_happen);
	RUN(an_empty_group_can_be_deleted);
	RUN(offsets_expire_and_take_their_group_along);
	RUN(a_deleted_topic_takes_its_offsets_along);
	RUN(who_waits_when_the_broker_ends_is_told);
	RUN(a_group_has_the_partition_that_kafka_gives_it);
	return tap_done();
}
