/* limits: the size of a lone record's batch, and what a topic refuses. */
#include "kafka/limits.h"

#include "tap.h"

static const int64_t NOW = INT64_C(1795332687352), HOUR = 3600000;

static struct limits
limits_of(const char *const (*pairs)[2], int n)
{
	struct admin_config items[8];
	struct admin_configs k = { items, n };
	struct limits l;

	for (int i = 0; i < n; i++)
		items[i] = (struct admin_config){
			.name = (char *)(uintptr_t)pairs[i][0],
			.value = (char *)(uintptr_t)pairs[i][1],
		};
	limits_from_configs(&l, &k);
	return l;
}

/* In the order of their names, as admin_configs() gives them. */
static struct limits
kafka_defaults(void)
{
	static const char *const pairs[][2] = {
		{ "cleanup.policy", "delete" },
		{ "max.message.bytes", "1048588" },
		{ "message.timestamp.after.max.ms", "3600000" },
		{ "message.timestamp.before.max.ms", "9223372036854775807" },
		{ "message.timestamp.type", "CreateTime" },
	};

	return limits_of(pairs, 5);
}

static int
check_time(const struct limits *l, int64_t timestamp)
{
	const struct record r = { .value = slice_str("x"), .has_timestamp = true,
		.timestamp = timestamp };
	struct err e = ERR_INIT;

	return limits_check(l, &r, NOW, false, &e);
}

static void
counts_the_bytes_of_a_batch(void)
{
	static const struct record_header h[] = {
		{ { "n", 1 }, { NULL, 0 } }, { { "nn", 2 }, { "vvv", 3 } }
	};
	struct record r = { .key = SLICE_NULL, .value = SLICE_NULL };

	/* length, attributes, two deltas, two nulls, no headers */
	CHECK_INT(limits_batch_size(&r), 61 + 1 + 3 + 1 + 1 + 1);
	r.value = slice_str("");
	CHECK_INT(limits_batch_size(&r), 61 + 1 + 3 + 1 + 1 + 1);
	r.key = slice_str("key");
	r.value = slice_str("value");
	CHECK_INT(limits_batch_size(&r), 61 + 1 + 3 + 4 + 6 + 1);
	r.headers = h;
	r.headers_n = 2;
	CHECK_INT(limits_batch_size(&r), 61 + 1 + 3 + 4 + 6 + 1 + 2 + 1 + 3 + 4);
	/* 64 is the first length that needs two bytes of zig-zag varint */
	r = (struct record){ .value = slice_make("", 64) };
	CHECK_INT(limits_batch_size(&r), 61 + 2 + 3 + 1 + 2 + 64 + 1);
}

static void
refuses_the_first_byte_too_many(void)
{
	struct limits l;
	struct record r = { .value = slice_str("0123456789") };
	struct err e = ERR_INIT;

	limits_init(&l);
	l.batch_bytes = limits_batch_size(&r);
	CHECK_INT(limits_check(&l, &r, NOW, false, &e), 0);
	l.batch_bytes--;
	CHECK_INT(limits_check(&l, &r, NOW, false, &e), -1);
	CHECK_INT(e.code, ERR_FORMAT);
	CHECK_STR(e.msg, "record is too large: 78 bytes in its batch, the topic "
		"allows 77 (max.message.bytes; -z compresses)");
	CHECK_INT(limits_check(&l, &r, NOW, true, &e), 0);
}

static void
bounds_timestamps_both_ways(void)
{
	struct limits l = kafka_defaults();

	CHECK_INT(check_time(&l, NOW + HOUR), 0);
	CHECK_INT(check_time(&l, NOW + HOUR + 1), -1);
	CHECK_INT(check_time(&l, 1), 0);
	CHECK_INT(check_time(&l, INT64_MAX), -1);
	CHECK_INT(check_time(&l, INT64_MIN), 0);
	l.past_ms = HOUR;
	CHECK_INT(check_time(&l, NOW - HOUR), 0);
	CHECK_INT(check_time(&l, NOW - HOUR - 1), -1);
	CHECK_INT(check_time(&l, INT64_MIN), -1);
}

static void
says_how_far_off_a_timestamp_is(void)
{
	struct limits l = kafka_defaults();
	const struct record r = { .value = slice_str("x"), .has_timestamp = true,
		.timestamp = NOW + 3 * HOUR };
	struct err e = ERR_INIT;

	l.now_option = "--now";
	limits_check(&l, &r, NOW, false, &e);
	CHECK_STR(e.msg, "timestamp 2026-11-22T10:31:27.352Z is 3 hours ahead of "
		"now, the topic allows 60 minutes (message.timestamp.after.max.ms; "
		"--now drops timestamps)");
}

static void
knows_the_older_bound(void)
{
	static const char *const pairs[][2] = {
		{ "message.timestamp.difference.max.ms", "3600000" },
	};
	struct limits l = limits_of(pairs, 1);

	CHECK_INT(check_time(&l, NOW + HOUR + 1), -1);
	CHECK_INT(check_time(&l, NOW - HOUR - 1), -1);
}

static void
leaves_times_to_log_append_time(void)
{
	static const char *const pairs[][2] = {
		{ "message.timestamp.after.max.ms", "3600000" },
		{ "message.timestamp.type", "LogAppendTime" },
	};
	struct limits l = limits_of(pairs, 2);

	CHECK_INT(check_time(&l, NOW + 100 * HOUR), 0);
}

static int64_t
kept(const char *policy, const char *type, const char *retention)
{
	const char *const pairs[][2] = {
		{ "cleanup.policy", policy },
		{ "message.timestamp.type", type },
		{ "retention.ms", retention },
	};

	return limits_of(pairs, 3).kept_ms;
}

static void
knows_what_retention_deletes(void)
{
	CHECK_INT(kept("delete", "CreateTime", "3600000"), HOUR);
	CHECK_INT(kept("compact,delete", "CreateTime", "3600000"), HOUR);
	CHECK_INT(kept("compact", "CreateTime", "3600000"), INT64_MAX);
	CHECK_INT(kept("delete", "CreateTime", "-1"), INT64_MAX);
	/* the time of arrival counts, not the record's */
	CHECK_INT(kept("delete", "LogAppendTime", "3600000"), INT64_MAX);
}

static void
wants_keys_in_compacted_topics(void)
{
	static const char *const pairs[][2] = {
		{ "cleanup.policy", "compact,delete" },
	};
	struct limits l = limits_of(pairs, 1);
	struct record r = { .value = slice_str("x") };
	struct err e = ERR_INIT;

	CHECK_INT(limits_check(&l, &r, NOW, false, &e), -1);
	r.key = slice_str("");
	CHECK_INT(limits_check(&l, &r, NOW, false, &e), 0);
}

static void
knowing_nothing_refuses_nothing(void)
{
	struct limits l;

	limits_init(&l);
	CHECK_INT(check_time(&l, INT64_MAX), 0);
	CHECK_INT(check_time(&l, INT64_MIN), 0);
}

static void
checks_topic_names(void)
{
	static char long_name[251];
	struct err e = ERR_INIT;

	memset(long_name, 'a', 250);
	CHECK_INT(admin_check_name(slice_make(long_name, 249), &e), 0);
	CHECK_INT(admin_check_name(slice_make(long_name, 250), &e), -1);
	CHECK_INT(e.code, ERR_USAGE);
	CHECK_INT(admin_check_name(slice_str("Az09._-"), &e), 0);
	CHECK_INT(admin_check_name(slice_str("..."), &e), 0);
	CHECK_INT(admin_check_name(slice_str(""), &e), -1);
	CHECK_INT(admin_check_name(slice_str("."), &e), -1);
	CHECK_INT(admin_check_name(slice_str(".."), &e), -1);
	CHECK_INT(admin_check_name(slice_str("a b"), &e), -1);
	CHECK_INT(admin_check_name(slice_str("\xc3\xa9"), &e), -1);
	CHECK_INT(admin_check_name(slice_make("a\0b", 3), &e), -1);
}

int
main(void)
{
	RUN(counts_the_bytes_of_a_batch);
	RUN(refuses_the_first_byte_too_many);
	RUN(bounds_timestamps_both_ways);
	RUN(says_how_far_off_a_timestamp_is);
	RUN(knows_the_older_bound);
	RUN(leaves_times_to_log_append_time);
	RUN(knows_what_retention_deletes);
	RUN(wants_keys_in_compacted_topics);
	RUN(knowing_nothing_refuses_nothing);
	RUN(checks_topic_names);
	return tap_done();
}
