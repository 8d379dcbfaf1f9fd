/* The records of __consumer_offsets: the bytes are Kafka's, and come back. */
#include "coord/records.h"

#include "tap.h"

#define S(text) slice_str(text)
#define BYTES(text) slice_make(text, sizeof(text) - 1)

static const struct group_limits limits = { .max_size = 10 };

static void
offset_records_are_kafkas(void)
{
	struct wire_writer w = { 0 };
	struct committed c = {
		.offset = 42, .leader_epoch = 5, .metadata = S("hi"),
		.committed_at = 0x0102, .expires_at = -1,
	}, back = { 0 };
	struct record_key k;

	record_offset_key(&w, S("g"), S("top"), 7);
	CHECK(slice_eq(buf_slice(&w.out), BYTES("\0\1\0\1g\0\3top\0\0\0\7")));
	CHECK_INT(record_read_key(buf_slice(&w.out), &k), 0);
	CHECK_INT(k.kind, RECORD_OFFSET);
	CHECK(slice_eq_str(k.group, "g"));
	CHECK(slice_eq_str(k.topic, "top"));
	CHECK_INT(k.partition, 7);

	record_offset_value(&w, &c);
	CHECK(slice_eq(buf_slice(&w.out), BYTES("\0\4\0\0\0\0\0\0\0\x2a\0\0\0\5\3hi"
		"\0\0\0\0\0\0\1\2\0")));
	CHECK_INT(record_read_offset(buf_slice(&w.out), &back), 0);
	CHECK_INT(back.offset, 42);
	CHECK_INT(back.leader_epoch, 5);
	CHECK(slice_eq_str(back.metadata, "hi"));
	CHECK_INT(back.committed_at, 0x0102);
	CHECK_INT(back.expires_at, -1);

	c.expires_at = 9;
	record_offset_value(&w, &c);
	CHECK(slice_eq(buf_slice(&w.out), BYTES("\0\1\0\0\0\0\0\0\0\x2a\0\2hi"
		"\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\x09")));
	CHECK_INT(record_read_offset(buf_slice(&w.out), &back), 0);
	CHECK_INT(back.expires_at, 9);
	wire_writer_release(&w);
}

static void
group_records_are_kafkas(void)
{
	const struct group_protocol p = { S("range"), S("meta") };
	const struct group_join j = {
		.member_id = S("m"), .instance_id = S("i"), .client_id = S("c"),
		.client_host = S("/h"), .protocol_type = S("consumer"),
		.protocols = &p, .protocols_n = 1, .session_ms = 6, .rebalance_ms = 8,
	};
	struct arena a = { 0 };
	struct group_turn t = { .now = 100, .arena = &a };
	struct group *g = group_new(S("g"), &limits, 0), *back;
	struct wire_writer w = { 0 };
	struct record_key k;
	struct group_member *m;

	record_group_key(&w, S("g"));
	CHECK(slice_eq(buf_slice(&w.out), BYTES("\0\2\0\1g")));
	CHECK_INT(record_read_key(buf_slice(&w.out), &k), 0);
	CHECK_INT(k.kind, RECORD_GROUP);
	CHECK(slice_eq_str(k.group, "g"));

	group_restore(g, 3, S("consumer"), S("range"), 0x0a0b);
	group_restore_member(g, &j, S("assigned"), &t);
	record_group_value(&w, g);
	CHECK(slice_eq(buf_slice(&w.out), BYTES("\0\3\0\x08" "consumer\0\0\0\3\0\5range"
		"\0\1m\0\0\0\0\0\0\x0a\x0b\0\0\0\1\0\1m\0\1i\0\1c\0\2/h\0\0\0\x08"
		"\0\0\0\6\0\0\0\4meta\0\0\0\x08" "assigned")));

	back = group_new(S("g"), &limits, -1);
	CHECK_INT(record_read_group(buf_slice(&w.out), back, &a, &t), 0);
	CHECK_INT(back->state, GROUP_STABLE);
	CHECK_INT(back->generation, 3);
	CHECK_INT(back->state_since, 0x0a0b);
	m = back->leader;
	CHECK(m && slice_eq_str(m->id, "m"));
	CHECK(m && slice_eq_str(m->instance_id, "i"));
	CHECK(m && slice_eq_str(m->assignment, "assigned"));
	CHECK(m && slice_eq_str(group_member_metadata(m, S("range")), "meta"));
	CHECK(m && m->expires == 106);
	group_free(back);
	group_free(g);
	wire_writer_release(&w);
	arena_release(&a);
}

static void
an_empty_group_comes_back_empty(void)
{
	struct arena a = { 0 };
	struct group_turn t = { .arena = &a };
	struct group *g = group_new(S("g"), &limits, 77), *back = group_new(S("g"), &limits, -1);
	struct wire_writer w = { 0 };

	record_group_value(&w, g);
	CHECK_INT(record_read_group(buf_slice(&w.out), back, &a, &t), 0);
	CHECK_INT(back->state, GROUP_EMPTY);
	CHECK(slice_is_null(back->protocol_type));
	CHECK(slice_is_null(back->protocol_name));
	CHECK_INT(back->state_since, 77);
	group_free(back);
	group_free(g);
	wire_writer_release(&w);
	arena_release(&a);
}

static void
what_is_not_ours_is_told_apart(void)
{
	struct record_key k;
	struct committed c;
	struct group *g = group_new(S("g"), &limits, 0);
	struct group_turn t = { 0 };
	struct arena a = { 0 };

	CHECK_INT(record_read_key(BYTES("\0\3\0\1g"), &k), 0); /* a KIP-848 group */
	CHECK_INT(k.kind, RECORD_OTHER);
	CHECK_INT(record_read_key(BYTES("\0"), &k), -1);
	CHECK_INT(record_read_key(BYTES("\0\2\0\5g"), &k), -1);
	CHECK_INT(record_read_offset(BYTES("\0\5"), &c), -1);
	CHECK_INT(record_read_offset(BYTES("\0\3\0"), &c), -1);
	CHECK_INT(record_read_group(BYTES("\0\x63"), g, &a, &t), -1);
	group_free(g);
	arena_release(&a);
}

int
main(void)
{
	RUN(offset_records_are_kafkas);
	RUN(group_records_are_kafkas);
	RUN(an_empty_group_comes_back_empty);
	RUN(what_is_not_ours_is_told_apart);
	return tap_done();
}
