/* The configs of topics: what is a value, and what is in force. */
#include "tap.h"

#include "meta/topic_config.h"

static const char *
problem(const char *name, const char *value)
{
	static struct err e;

	e = (struct err)ERR_INIT;
	if (topic_config_check(topic_config(slice_str(name)), slice_str(value), &e) == 0)
		return NULL;
	return e.msg;
}

static bool
is_value(const char *name, const char *value)
{
	const char *why = problem(name, value);

	if (why)
		printf("# %s\n", why);
	return !why;
}

/* As asked of an Apache Kafka 4.3.1 node with validate-only CreateTopics. */
static void
values_are_what_kafka_takes(void)
{
	CHECK(is_value("cleanup.policy", ""));
	CHECK(is_value("cleanup.policy", "delete,delete"));
	CHECK(is_value("cleanup.policy", " compact , delete"));
	CHECK(problem("cleanup.policy", "foo"));
	CHECK(problem("cleanup.policy", "compact,"));
	CHECK(problem("segment.bytes", "1048575"));
	CHECK(is_value("segment.bytes", "1048576"));
	CHECK(is_value("segment.bytes", " 1048576"));
	CHECK(problem("segment.bytes", "2147483648"));
	CHECK(problem("segment.bytes", "abc"));
	CHECK(problem("segment.bytes", "1.5"));
	CHECK(is_value("max.message.bytes", "+5"));
	CHECK(problem("max.message.bytes", "0x10"));
	CHECK(problem("max.message.bytes", "-1"));
	CHECK(is_value("retention.ms", "-1"));
	CHECK(problem("retention.ms", "-2"));
	CHECK(problem("retention.ms", ""));
	CHECK(is_value("retention.ms", "9223372036854775807"));
	CHECK(problem("retention.ms", "9223372036854775808"));
	CHECK(is_value("retention.bytes", "-5"));
	CHECK(is_value("preallocate", "TRUE"));
	CHECK(is_value("preallocate", " true "));
	CHECK(problem("preallocate", "yes"));
	CHECK(is_value("compression.type", "uncompressed"));
	CHECK(problem("compression.type", "none"));
	CHECK(problem("compression.type", "GZIP"));
	CHECK(is_value("compression.gzip.level", "-1"));
	CHECK(problem("compression.gzip.level", "0"));
	CHECK(problem("compression.gzip.level", "10"));
	CHECK(problem("compression.lz4.level", "18"));
	CHECK(is_value("min.cleanable.dirty.ratio", "0.25"));
	CHECK(problem("min.cleanable.dirty.ratio", "1.1"));
	CHECK(problem("min.cleanable.dirty.ratio", "abc"));
	CHECK(problem("min.cleanable.dirty.ratio", "nan"));
	CHECK(is_value("leader.replication.throttled.replicas", "*"));
	CHECK(is_value("leader.replication.throttled.replicas", "1:1,2:3"));
	CHECK(is_value("leader.replication.throttled.replicas", ""));
	CHECK(problem("leader.replication.throttled.replicas", "a"));
	CHECK(problem("leader.replication.throttled.replicas", "1:1,"));
	CHECK(problem("leader.replication.throttled.replicas", "1:"));
	CHECK(problem("message.timestamp.type", "createtime"));
	CHECK(problem("remote.storage.enable", "true"));
	CHECK(is_value("remote.storage.enable", "false"));
	CHECK(is_value("min.insync.replicas", "2"));
}

static void
refusals_name_config_value_and_reason(void)
{
	CHECK_STR(problem("segment.bytes", "1"), "Invalid value 1 for "
		"configuration segment.bytes: Value must be at least 1048576");
	CHECK_STR(problem("retention.ms", "x"), "Invalid value x for "
		"configuration retention.ms: Not a number of type LONG");
	CHECK_STR(problem("compression.type", "none"), "Invalid value none for "
		"configuration compression.type: String must be one of: "
		"uncompressed, zstd, lz4, snappy, gzip, producer");
}

static void
rows_are_sorted_and_their_defaults_are_values(void)
{
	int n;
	const struct topic_config *c = topic_configs(&n);

	CHECK(n > 30);
	for (int i = 0; i < n; i++) {
		if (i)
			CHECK(strcmp(c[i - 1].name, c[i].name) < 0);
		CHECK(topic_config(slice_str(c[i].name)) == &c[i]);
		if (c[i].value)
			CHECK(is_value(c[i].name, c[i].value));
		else
			CHECK(c[i].hidden);
		CHECK(c[i].doc && c[i].doc[strlen(c[i].doc) - 1] == '.');
	}
	CHECK(!topic_config(slice_str("nope")));
}

/* A server property's default is the topic's, so that one place can't drift from the other. */
static void
server_properties_agree_with_rows(void)
{
	struct config *server = config_new();
	static const struct map none;
	char tmp[TOPIC_CONFIG_TEXT];
	int n;
	const struct topic_config *c = topic_configs(&n);
	int keys_n, synonyms = 0;
	const struct config_key *keys = config_keys(&keys_n);

	for (int i = 0; i < n; i++) {
		const char *v = topic_config_get(&none, server, &c[i], tmp);

		if (c[i].value)
			CHECK_STR(v, c[i].value);
		CHECK_INT(topic_config_source(&none, server, &c[i]), SOURCE_DEFAULT);
	}
	for (int i = 0; i < keys_n; i++) {
		if (!keys[i].topic)
			continue;
		synonyms++;
		CHECK(topic_config(slice_str(keys[i].topic)));
	}
	CHECK(synonyms > 15);
	config_free(server);
}

static void
set_server(struct config *server, const char *name, const char *value)
{
	struct err e = ERR_INIT;

	if (!CHECK(config_set(server, name, value, NULL, &e) == 0))
		printf("# %s\n", e.msg);
}

static void
an_override_wins_over_the_server(void)
{
	struct config *server = config_new();
	const struct topic_config *c = topic_config(slice_str("retention.ms"));
	struct map o = { 0 };
	char tmp[TOPIC_CONFIG_TEXT];

	CHECK_STR(topic_config_get(&o, server, c, tmp), "604800000");
	set_server(server, "log.retention.hours", "2");
	CHECK_STR(topic_config_get(&o, server, c, tmp), "7200000");
	CHECK_INT(topic_config_source(&o, server, c), SOURCE_STATIC);
	set_server(server, "log.retention.ms", "5000");
	CHECK_STR(topic_config_get(&o, server, c, tmp), "5000");
	topic_config_put(&o, c, slice_str("7"));
	topic_config_put(&o, c, slice_str("9"));
	CHECK_STR(topic_config_get(&o, server, c, tmp), "9");
	CHECK_INT(topic_config_source(&o, server, c), SOURCE_TOPIC);
	CHECK_STR(topic_config_default(server, c, tmp), "5000");
	topic_config_del(&o, c);
	CHECK_STR(topic_config_get(&o, server, c, tmp), "5000");
	topic_config_release(&o);
	config_free(server);
}

static void
put(struct map *o, const char *name, const char *value)
{
	topic_config_put(o, topic_config(slice_str(name)), slice_str(value));
}

static void
logs_get_what_is_in_force(void)
{
	struct config *server = config_new();
	struct map o = { 0 };
	struct log_config c;

	topic_config_log(&o, server, &c);
	CHECK_INT(c.segment_bytes, 1073741824);
	CHECK_INT(c.segment_ms, 604800000);
	CHECK_INT(c.retention_ms, 604800000);
	CHECK_INT(c.retention_bytes, -1);
	CHECK_INT(c.index_interval_bytes, 4096);
	CHECK_INT(c.max_message_bytes, 1048588);
	CHECK_INT(c.timestamp_before_max_ms, INT64_MAX);
	CHECK_INT(c.timestamp_after_max_ms, 3600000);
	CHECK_INT(c.compression, -1);
	CHECK(!c.append_time && !c.compact && c.delete_old);

	put(&o, "cleanup.policy", " compact");
	put(&o, "message.timestamp.type", "LogAppendTime");
	put(&o, "compression.type", " zstd ");
	put(&o, "retention.bytes", "-7");
	put(&o, "segment.bytes", " 2097152");
	set_server(server, "message.max.bytes", "2000");
	topic_config_log(&o, server, &c);
	CHECK(c.append_time && c.compact && !c.delete_old);
	CHECK_INT(c.compression, 4);
	CHECK_INT(c.retention_bytes, -1);
	CHECK_INT(c.segment_bytes, 2097152);
	CHECK_INT(c.max_message_bytes, 2000);
	put(&o, "internal.segment.bytes", "100");
	put(&o, "cleanup.policy", "");
	topic_config_log(&o, server, &c);
	CHECK_INT(c.segment_bytes, 100);
	CHECK(!c.compact && !c.delete_old);
	topic_config_release(&o);
	config_free(server);
}

static void
contradictions_are_found(void)
{
	struct config *server = config_new();
	struct map o = { 0 };
	struct err e = ERR_INIT;

	put(&o, "min.compaction.lag.ms", "10");
	CHECK(topic_config_check_all(&o, server, &e) == 0);
	put(&o, "max.compaction.lag.ms", "5");
	CHECK(topic_config_check_all(&o, server, &e) < 0);
	CHECK_STR(e.msg, "conflict topic config setting min.compaction.lag.ms "
		"(10) > max.compaction.lag.ms (5)");
	topic_config_release(&o);
	config_free(server);
}

static void
lists_are_taken_apart(void)
{
	struct slice list = slice_str(" a ,b,,c"), item;

	CHECK(topic_config_item(&list, &item) && slice_eq_str(item, "a"));
	CHECK(topic_config_item(&list, &item) && slice_eq_str(item, "b"));
	CHECK(topic_config_item(&list, &item) && slice_eq_str(item, ""));
	CHECK(topic_config_item(&list, &item) && slice_eq_str(item, "c"));
	CHECK(!topic_config_item(&list, &item));
}

int
main(void)
{
	RUN(values_are_what_kafka_takes);
	RUN(refusals_name_config_value_and_reason);
	RUN(rows_are_sorted_and_their_defaults_are_values);
	RUN(server_properties_agree_with_rows);
	RUN(an_override_wins_over_the_server);
	RUN(logs_get_what_is_in_force);
	RUN(contradictions_are_found);
	RUN(lists_are_taken_apart);
	return tap_done();
}
