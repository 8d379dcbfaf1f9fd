/*
 * Bytes that Apache Kafka 4.4's own classes (kafka-clients, group-coordinator)
 * made of the values below; ours must be the same.
 */
#include "tap.h"
#include "wire/messages.h"

static const struct uuid id = { {
	1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
} };

/* Compares what w holds with hex digits, and empties it. */
static void
check_hex(struct wire_writer *w, const char *want)
{
	struct buf hex = BUF_INIT;

	for (size_t i = 0; i < w->out.len; i++)
		buf_addf(&hex, "%02x", w->out.data[i]);
	CHECK(!w->bad);
	CHECK_STR(buf_cstr(&hex), want);
	buf_release(&hex);
	wire_writer_release(w);
}

static void
client_id_of_the_request_header_is_never_compact(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct request_header h = { .request_api_key = 18, .request_api_version = 3,
		.correlation_id = 7, .client_id = slice_str("kc") };

	request_header_write(&w, 1, &h);
	check_hex(&w, "001200030000000700026b63");
	request_header_write(&w, 2, &h);
	check_hex(&w, "001200030000000700026b6300");
	h.client_id = SLICE_NULL;
	request_header_write(&w, 2, &h);
	check_hex(&w, "0012000300000007ffff00");
}

static void
api_versions(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct api_versions_response_api key = { 18, 0, 5 };
	struct api_versions_response m;

	api_versions_response_init(&m);
	m.api_keys = &key;
	m.api_keys_n = 1;
	m.error_code = 35;
	api_versions_response_write(&w, 0, &m);
	check_hex(&w, "002300000001001200000005");
	m.error_code = 0;
	m.finalized_features_epoch = 1;
	api_versions_response_write(&w, 3, &m);
	check_hex(&w, "00000200120000000500000000000101080000000000000001");
}

static void
metadata_asks_for_all_or_none(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct metadata_request m;

	metadata_request_init(&m);
	CHECK(m.allow_auto_topic_creation);
	m.topics_n = -1;
	metadata_request_write(&w, 1, &m);
	check_hex(&w, "ffffffff");
	metadata_request_write(&w, 9, &m);
	check_hex(&w, "0001000000");
	m.topics_n = 0;
	m.allow_auto_topic_creation = false;
	metadata_request_write(&w, 4, &m);
	check_hex(&w, "0000000000");
	m.topics_n = -1;
	metadata_request_write(&w, 0, &m);
	CHECK(w.bad);
	wire_writer_release(&w);
}

static void
fetch_response_with_a_leader_in_a_tag(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct fetch_response_partition p;
	struct fetch_response_topic t;
	struct fetch_response m;

	fetch_response_partition_init(&p);
	CHECK_INT(p.preferred_read_replica, -1);
	p.partition_index = 3;
	p.error_code = 6;
	p.high_watermark = p.last_stable_offset = 5;
	p.log_start_offset = 0;
	p.aborted_transactions_n = -1;
	p.records.mem = slice_make("", 0);
	p.current_leader.leader_id = 1;
	p.current_leader.leader_epoch = 2;
	fetch_response_topic_init(&t);
	t.topic_id = id;
	t.partitions = &p;
	t.partitions_n = 1;
	fetch_response_init(&m);
	m.session_id = 9;
	m.responses = &t;
	m.responses_n = 1;
	fetch_response_write(&w, 13, &m);
	check_hex(&w, "00000000000000000009020102030405060708111213141516171802"
		"00000003000600000000000000050000000000000005000000000000000000"
		"ffffffff010101090000000100000002000000");
}

static void
produce_request_of_librdkafka_age(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct produce_request_partition p = { .records.mem = slice_make("", 0) };
	struct produce_request_topic t = { .name = slice_str("t"),
		.partition_data = &p, .partition_data_n = 1 };
	struct produce_request m = { .acks = -1, .timeout_ms = 30000,
		.topic_data = &t, .topic_data_n = 1 };

	produce_request_write(&w, 7, &m);
	check_hex(&w, "ffffffff0000753000000001000174000000010000000000000000");
}

static void
create_topics_response_says_why_configs_are_missing(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct create_topics_response_topic t;
	struct create_topics_response m;

	create_topics_response_topic_init(&t);
	t.name = slice_str("t");
	t.topic_id = id;
	t.error_message = SLICE_NULL;
	t.topic_config_error_code = 29;
	t.num_partitions = 1;
	t.replication_factor = 1;
	t.configs_n = -1;
	create_topics_response_init(&m);
	m.topics = &t;
	m.topics_n = 1;
	create_topics_response_write(&w, 7, &m);
	check_hex(&w, "0000000002027401020304050607081112131415161718000000000000"
		"01000100010002001d00");
}

static void
records_of_consumer_offsets(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	struct offset_commit_key key = { slice_str("g"), slice_str("t"), 2 };
	struct offset_commit_value value = { .offset = 42,
		.metadata = slice_str(""), .commit_timestamp = 1000, .topic_id = id };
	struct group_metadata_value_member member = { .member_id = slice_str("m"),
		.client_id = slice_str("c"), .client_host = slice_str("/127.0.0.1"),
		.rebalance_timeout = 300000, .session_timeout = 45000,
		.subscription = slice_str("\x01"), .assignment = slice_str("") };
	struct group_metadata_value group = { .protocol_type = slice_str("consumer"),
		.generation = 1, .protocol = slice_str("range"),
		.leader = slice_str("m"), .current_state_timestamp = 5,
		.members = &member, .members_n = 1 };

	offset_commit_key_write(&w, 0, &key);
	check_hex(&w, "00016700017400000002");
	offset_commit_value_write(&w, 4, &value);
	check_hex(&w, "000000000000002a000000000100000000000003e8010010"
		"01020304050607081112131415161718");
	group_metadata_value_write(&w, 3, &group);
	check_hex(&w, "0008636f6e73756d657200000001000572616e676500016d"
		"00000000000000050000000100016dffff000163000a2f3132372e302e302e31"
		"000493e00000afc8000000010100000000");
}

static void
defaults_are_the_schemas(void)
{
	struct fetch_request_partition p;
	struct metadata_response_topic t;
	struct create_topics_request c;
	struct join_group_request j;
	struct fetch_request f;

	fetch_request_init(&f);
	CHECK(slice_is_null(f.cluster_id));
	CHECK(slice_eq_str(f.rack_id, ""));
	CHECK_INT(f.max_bytes, INT32_MAX);
	CHECK_INT(f.session_epoch, -1);
	CHECK_INT(f.replica_state.replica_id, -1);
	fetch_request_partition_init(&p);
	CHECK_INT(p.high_watermark, INT64_MAX);
	metadata_response_topic_init(&t);
	CHECK_INT(t.topic_authorized_operations, INT32_MIN);
	create_topics_request_init(&c);
	CHECK_INT(c.timeout_ms, 60000);
	join_group_request_init(&j);
	CHECK_INT(j.rebalance_timeout_ms, -1);
	CHECK(slice_is_null(j.group_instance_id));
}

int
main(void)
{
	RUN(client_id_of_the_request_header_is_never_compact);
	RUN(api_versions);
	RUN(metadata_asks_for_all_or_none);
	RUN(fetch_response_with_a_leader_in_a_tag);
	RUN(produce_request_of_librdkafka_age);
	RUN(create_topics_response_says_why_configs_are_missing);
	RUN(records_of_consumer_offsets);
	RUN(defaults_are_the_schemas);
	return tap_done();
}
