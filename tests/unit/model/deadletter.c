/* Dead letters: what each scheme's headers say, and what is written. */
#include "model/deadletter.h"

#include <stdlib.h>

#include "model/envelope.h"
#include "tap.h"

static struct arena arena;
static struct record_header headers[64];
static struct record record;
static struct deadletter d;

static void
begin(void)
{
	arena_reset(&arena);
	record = (struct record){ .topic = slice_str("orders"), .partition = 3,
		.offset = 42, .key = slice_str("k"), .value = slice_str("v"),
		.headers = headers };
}

static void
add_bytes(const char *name, const void *value, size_t n)
{
	headers[record.headers_n++] = (struct record_header){ slice_str(name),
		slice_make(value, n) };
}

static void
add(const char *name, const char *value)
{
	headers[record.headers_n++] = (struct record_header){ slice_str(name),
		slice_str(value) };
}

static void
read_it(void)
{
	deadletter_read(&record, &d, &arena);
}

static bool
is(struct slice s, const char *text)
{
	if (slice_eq_str(s, text))
		return true;
	printf("# is '%.*s'\n", SLICE_ARG(s));
	return false;
}

static void
add_connect(const char *topic, const char *offset, const char *class)
{
	add("__connect.errors.topic", topic);
	add("__connect.errors.partition", "2");
	add("__connect.errors.offset", offset);
	add("__connect.errors.connector.name", "sink");
	add("__connect.errors.task.id", "0");
	add("__connect.errors.stage", "VALUE_CONVERTER");
	add("__connect.errors.class.name", "org.apache.kafka.connect.json.JsonConverter");
	add("__connect.errors.exception.class.name", class);
	add("__connect.errors.exception.message", NULL);
	add("__connect.errors.exception.stacktrace", "stack");
}

static void
add_spring(const char *topic, const void *offset)
{
	add("kafka_dlt-original-topic", topic);
	add_bytes("kafka_dlt-original-partition", "\0\0\0\1", 4);
	add_bytes("kafka_dlt-original-offset", offset, 8);
	add_bytes("kafka_dlt-original-timestamp", "\0\0\1\x9a\0\0\0\0", 8);
	add("kafka_dlt-original-timestamp-type", "LogAppendTime");
	add("kafka_dlt-original-consumer-group", "billing");
}

static void
add_smallrye(const char *topic, const char *offset, const char *class)
{
	add("dead-letter-exception-class-name", class);
	add("dead-letter-reason", "no such thing");
	add("dead-letter-topic", topic);
	add("dead-letter-partition", "0");
	add("dead-letter-offset", offset);
}

/* ---- reading ------------------------------------------------------------------- */

static void
no_headers_no_scheme(void)
{
	begin();
	add("trace", "1");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_NONE);
	CHECK_INT(d.hops_n, 0);
	CHECK_INT(d.origin.partition, -1);
	CHECK_INT(d.origin.offset, -1);
	CHECK_INT(d.attempts, -1);
	CHECK(slice_is_null(d.origin.topic) && is(d.value, "v") && is(d.key, "k"));
	CHECK(!d.warning && !d.payload_lost);
}

static void
connect_is_text(void)
{
	begin();
	add_connect("orders", "9007199254740993", "java.lang.E");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_CONNECT);
	CHECK(is(d.origin.topic, "orders"));
	CHECK_INT(d.origin.partition, 2);
	CHECK_INT(d.origin.offset, 9007199254740993);
	CHECK(is(d.error.class, "java.lang.E") && is(d.error.stage, "VALUE_CONVERTER"));
	CHECK(slice_is_null(d.error.message));
	CHECK(!d.warning);
}

static void
connect_died_twice_the_last_counts(void)
{
	begin();
	add_connect("orders", "5", "java.lang.First");
	add("trace", "x");
	add_connect("orders.dlq", "7", "java.lang.Second");
	read_it();
	CHECK_INT(d.hops_n, 2);
	CHECK(is(d.origin.topic, "orders.dlq") && is(d.error.class, "java.lang.Second"));
	CHECK(is(d.hops[1].origin.topic, "orders"));
	CHECK_INT(d.hops[1].origin.offset, 5);
}

static void
smallrye_died_twice_the_first_counts(void)
{
	begin();
	add_smallrye("b", "1", "java.lang.Second");
	add_smallrye("a", "9", "java.lang.First");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SMALLRYE);
	CHECK_INT(d.hops_n, 2);
	CHECK(is(d.origin.topic, "b") && is(d.error.class, "java.lang.Second"));
	CHECK(is(d.hops[1].error.class, "java.lang.First"));
}

static void
spring_numbers_are_big_endian(void)
{
	begin();
	add_spring("orders", "\0\0\0\0\0\0\1\2");
	add("kafka_dlt-exception-fqcn", "a.B");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SPRING);
	CHECK_INT(d.origin.partition, 1);
	CHECK_INT(d.origin.offset, 258);
	CHECK(d.origin.has_timestamp);
	CHECK_INT(d.origin.timestamp, 0x19a00000000);
	CHECK_INT(d.origin.timestamp_type, TIMESTAMP_APPEND);
	CHECK(is(d.origin.group, "billing") && is(d.error.class, "a.B"));
}

/* Originals are appended, exceptions replaced: they belong to the newest. */
static void
spring_died_twice(void)
{
	begin();
	add_spring("orders", "\0\0\0\0\0\0\0\1");
	add("kafka_dlt-exception-fqcn", "a.B");
	add_spring("orders-retry", "\0\0\0\0\0\0\0\2");
	read_it();
	CHECK_INT(d.hops_n, 2);
	CHECK(is(d.origin.topic, "orders-retry") && is(d.error.class, "a.B"));
	CHECK_INT(d.hops[1].origin.offset, 1);
	CHECK(slice_is_null(d.hops[1].error.class));
}

static void
binary_is_told_by_its_length(void)
{
	begin();
	add("kafka_dlt-original-topic", "t");
	add("kafka_dlt-original-partition", "1234"); /* 4 bytes: an integer */
	add("kafka_dlt-original-offset", "77");      /* 2 bytes: text by hand */
	read_it();
	CHECK_INT(d.origin.partition, 0x31323334);
	CHECK_INT(d.origin.offset, 77);
	CHECK(!d.warning);
	begin();
	add("kafka_dlt-original-topic", "t");
	add_bytes("kafka_dlt-original-offset", "\0\0\1", 3);
	read_it();
	CHECK_INT(d.origin.offset, -1);
	CHECK_STR(d.warning, "header 'kafka_dlt-original-offset' cannot be decoded (3 bytes)");
}

static void
add_retry(const void *attempts, size_t n)
{
	add("kafka_original-topic", "orders");
	add_bytes("kafka_original-partition", "\0\0\0\0", 4);
	add_bytes("kafka_original-offset", "\0\0\0\0\0\0\0\7", 8);
	add("kafka_dlt-original-consumer-group", "g");
	add("kafka_exception-fqcn", "x.Y");
	add_bytes("retry_topic-attempts", attempts, n);
	add_bytes("retry_topic-original-timestamp", "\1\x9a\0\0\0\5", 6);
}

static void
spring_retry_topics(void)
{
	begin();
	add_retry("\0\0\0\3", 4);
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SPRING_RETRY);
	CHECK_INT(d.hops_n, 1);
	CHECK_INT(d.attempts, 2);
	CHECK(is(d.origin.group, "g") && is(d.error.class, "x.Y"));
	CHECK_INT(d.origin.timestamp, 0x19a00000005);
	begin();
	add_retry("\xc8", 1); /* the older form, unsigned */
	read_it();
	CHECK_INT(d.attempts, 199);
}

/* Both name their group alike: to each its own. */
static void
spring_after_its_retry_topics(void)
{
	begin();
	add_retry("\0\0\0\3", 4);
	add("kafka_dlt-exception-fqcn", "a.B");
	add_spring("orders-retry-1", "\0\0\0\0\0\0\0\1");
	read_it();
	CHECK_INT(d.hops_n, 2);
	CHECK_INT(d.scheme, DEADLETTER_SPRING);
	CHECK(is(d.origin.topic, "orders-retry-1") && is(d.origin.group, "billing"));
	CHECK(is(d.error.class, "a.B"));
	CHECK_INT(d.attempts, 2);
	CHECK_INT(d.hops[1].scheme, DEADLETTER_SPRING_RETRY);
	CHECK(is(d.hops[1].origin.group, "g") && is(d.hops[1].error.class, "x.Y"));
}

static void
smallrye_retries_count_behind(void)
{
	begin();
	add("delayed-retry-exception-class-name", "New");
	add("delayed-retry-topic", "orders_retry_10000");
	add("delayed-retry-partition", "0");
	add("delayed-retry-offset", "3");
	add("delayed-retry-exception-class-name", "Old");
	add("delayed-retry-topic", "orders");
	add("delayed-retry-partition", "0");
	add("delayed-retry-offset", "9");
	add("delayed-retry-original-timestamp", "1700000000000");
	add("delayed-retry-first-processing-timestamp", "1700000000500");
	add("delayed-retry-count", "0");
	add("delayed-retry-count", "1");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SMALLRYE_RETRY);
	CHECK_INT(d.hops_n, 2);
	CHECK(is(d.error.class, "New") && is(d.origin.topic, "orders"));
	CHECK_INT(d.origin.timestamp, 1700000000000);
	CHECK(is(d.hops[0].origin.topic, "orders_retry_10000"));
	CHECK_INT(d.attempts, 2);
	CHECK_INT(d.first_failed_at, 1700000000500);
}

static void
streams_old_and_new(void)
{
	begin();
	add("__streams.errors.exception", "java.lang.E: it broke: badly");
	add("__streams.errors.topic", "in");
	read_it();
	CHECK(is(d.error.class, "java.lang.E") && is(d.error.message, "it broke: badly"));
	begin();
	add("__streams.errors.exception", "java.lang.E");
	add("__streams.errors.message", "it broke");
	read_it();
	CHECK(is(d.error.class, "java.lang.E") && is(d.error.message, "it broke"));
	CHECK_INT(d.scheme, DEADLETTER_STREAMS);
}

static void
share_groups_and_kc_share_names(void)
{
	begin();
	record.key = record.value = SLICE_NULL;
	add("__dlq.errors.topic", "orders");
	add("__dlq.errors.partition", "1");
	add("__dlq.errors.offset", "2");
	add("__dlq.errors.group", "workers");
	add("__dlq.errors.delivery.count", "5");
	add("__dlq.errors.message", "Offset rejected by client.");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SHARE);
	CHECK_INT(d.attempts, 5);
	CHECK(d.payload_lost && is(d.origin.group, "workers"));
	add("kc-failed-at", "1700000000000");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_KC);
	CHECK_INT(d.failed_at, 1700000000000);
	CHECK(!d.payload_lost);
	CHECK_INT(d.hops_n, 1);
}

static void
a_dead_letter_s_time_is_that_of_its_death(void)
{
	begin();
	record.has_timestamp = true;
	record.timestamp = 1700000000000;
	record.timestamp_type = TIMESTAMP_CREATE;
	add_smallrye("orders", "1", "E");
	read_it();
	CHECK_INT(d.failed_at, 1700000000000);
	/* Connect keeps the source's, unless the topic stamps. */
	record.headers_n = 0;
	add_connect("orders", "1", "E");
	read_it();
	CHECK_INT(d.failed_at, -1);
	record.timestamp_type = TIMESTAMP_APPEND;
	read_it();
	CHECK_INT(d.failed_at, 1700000000000);
}

static void
common_names_alone_are_no_death(void)
{
	begin();
	add("source_topic", "a");
	add("x-original-offset", "12");
	add("kafka.TOPIC", "a");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_NONE);
	CHECK(!deadletter_is_header(&d, slice_str("source_topic")));
	add("source_partition", "0");
	add("source_offset", "9");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_KARAFKA);
	CHECK(deadletter_is_header(&d, slice_str("source_topic")));
	CHECK(!deadletter_is_header(&d, slice_str("x-original-offset")));
}

/* retry_count 2, topic orders, partition 1, offset 300, 1.7e18 ns, data "k1". */
static const char uber[] = "\x08\x02\x12\x06orders\x18\x01\x20\xac\x02\x28\x80\x80\xe0\xf5\xda\xd0\xeb\xcb\x17\x32\x02k1";

static void
uber_hides_the_key(void)
{
	begin();
	record.key = slice_make(uber, sizeof(uber) - 1);
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_UBER);
	CHECK(is(d.origin.topic, "orders") && is(d.key, "k1") && is(d.value, "v"));
	CHECK_INT(d.origin.partition, 1);
	CHECK_INT(d.origin.offset, 300);
	CHECK_INT(d.attempts, 2);
	CHECK_INT(d.origin.timestamp, 1700019273540);
	for (size_t n = 0; n < sizeof(uber) - 1; n++) {
		record.key = slice_make(uber, n);
		read_it();
		/* Without its last field, the key, it is still whole. */
		CHECK_INT(d.scheme, n == sizeof(uber) - 5 ? DEADLETTER_UBER : DEADLETTER_NONE);
	}
}

/* Before 2.5 the key was the partition, and a key that was null is told as "". */
static void
karafka_hides_the_key(void)
{
	static const char *const keys[] = { "k1", "" };

	for (size_t i = 0; i < 2; i++) {
		begin();
		record.key = slice_str("3");
		add("original_topic", "orders");
		add("original_partition", "3");
		add("original_key", keys[i]);
		read_it();
		CHECK_INT(d.scheme, DEADLETTER_NONE);
		CHECK(is(d.key, "3"));
		add("original_offset", "12");
		read_it();
		CHECK_INT(d.scheme, DEADLETTER_KARAFKA);
		CHECK(i ? slice_is_null(d.key) : is(d.key, "k1"));
		CHECK(deadletter_is_header(&d, slice_str("original_key")));
	}
}

#define AVRO "\x02\x0ainput\x02\x0corders\x02\x04\x02\x54\x06why\x02\x06x.Y\x02\x0a" "broke\x02\x0astack"
static const char avro[] = "\0\0\0\0\7" AVRO, avro_time[] = "\0\0\0\0\7" AVRO "\x02\xd0\x0f";

static void
bakdata_hides_the_value(void)
{
	begin();
	record.value = slice_make(avro, sizeof(avro) - 1);
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_BAKDATA);
	CHECK(is(d.value, "input") && is(d.origin.topic, "orders"));
	CHECK_INT(d.origin.partition, 2);
	CHECK_INT(d.origin.offset, 42);
	CHECK(is(d.error.stage, "why") && is(d.error.class, "x.Y"));
	CHECK(is(d.error.message, "broke") && is(d.error.stack, "stack"));
	record.value = slice_make(avro_time, sizeof(avro_time) - 1);
	read_it();
	CHECK(d.origin.has_timestamp);
	CHECK_INT(d.origin.timestamp, 1000);
	for (size_t n = 0; n < sizeof(avro) - 1; n++) {
		record.value = slice_make(avro, n);
		read_it();
		CHECK_INT(d.scheme, DEADLETTER_NONE);
		CHECK_INT(d.value.len, n);
	}
}

static const char proto[] = "\0\0\0\0\7\0"
	"\x0a\x03why\x12\x17\x0a\x07\x0a\x05" "broke\x12\x05\x0a\x03stk\x1a\x05\x0a\x03x.Y"
	"\x1a\x07\x0a\x05input\x22\x08\x0a\x06orders\x2a\x02\x08\x02\x32\x02\x08\x2a\x3a\x02\x08\x01";

static void
bakdata_speaks_protobuf_too(void)
{
	begin();
	record.value = slice_make(proto, sizeof(proto) - 1);
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_BAKDATA);
	CHECK(is(d.value, "input") && is(d.origin.topic, "orders"));
	CHECK_INT(d.origin.partition, 2);
	CHECK_INT(d.origin.offset, 42);
	CHECK(is(d.error.stage, "why") && is(d.error.class, "x.Y"));
	CHECK(is(d.error.message, "broke") && is(d.error.stack, "stk"));
	CHECK_INT(d.origin.timestamp, 1000);
}

/* ---- more than one scheme ------------------------------------------------------ */

static void
the_one_that_appended_last_is_newest(void)
{
	begin();
	add_spring("orders", "\0\0\0\0\0\0\0\1");
	add("kafka_dlt-exception-fqcn", "a.B");
	add_connect("orders-dlt", "7", "java.lang.E");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_CONNECT);
	CHECK_INT(d.hops_n, 2);
	CHECK_INT(d.hops[1].scheme, DEADLETTER_SPRING);
	CHECK(!d.warning);
}

static void
offsets_decide_or_nothing_does(void)
{
	begin();
	add_smallrye("orders", "5", "java.lang.R");
	headers[record.headers_n - 2].value = slice_str("2");
	add_connect("orders", "7", "java.lang.E");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_CONNECT);
	CHECK(!d.warning);
	begin();
	add_smallrye("orders", "8", "java.lang.R");
	headers[record.headers_n - 2].value = slice_str("2");
	add_connect("orders", "7", "java.lang.E");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SMALLRYE);
	CHECK(!d.warning);
	begin();
	add_smallrye("here", "8", "java.lang.R");
	add_connect("there", "7", "java.lang.E");
	read_it();
	CHECK_INT(d.scheme, DEADLETTER_SMALLRYE);
	CHECK_STR(d.warning, "the headers do not tell which death was the last: "
		"smallrye's or connect's");
}

static void
a_redrive_is_told_and_outlives(void)
{
	begin();
	add("kc-redrive-count", "2");
	add("kc-redrive-run", "r1");
	add("kc-redrive-of", "orders.dlq/0/9");
	add("kc-origin", "orders/1/4");
	add_connect("orders", "7", "java.lang.E");
	read_it();
	CHECK_INT(d.redrives, 2);
	CHECK(is(d.redrive_run, "r1") && is(d.redrive_of, "orders.dlq/0/9"));
	CHECK(is(d.first_origin, "orders/1/4"));
	CHECK(!deadletter_is_header(&d, slice_str("kc-origin")));
	CHECK(!deadletter_is_header(&d, slice_str("kc-redrive-count")));
	CHECK(deadletter_is_header(&d, slice_str("__connect.errors.topic")));
	CHECK(deadletter_is_header(&d, slice_str("__connect.errors.newer.one")));
	CHECK(!deadletter_is_header(&d, slice_str("__streams.errors.topic")));
	CHECK(!deadletter_is_header(&d, slice_str("trace")));
}

/* ---- writing ------------------------------------------------------------------- */

static struct slice
header_of(const struct record *r, const char *name)
{
	for (size_t i = r->headers_n; i-- > 0; )
		if (slice_eq_str(r->headers[i].key, name))
			return r->headers[i].value;
	return SLICE_NULL;
}

static void
full(struct deadletter *x)
{
	*x = (struct deadletter){
		.origin = { .partition = -1, .offset = -1, .group = slice_str("g") },
		.error = { .class = slice_str("a.B"), .message = slice_str("it broke"),
			.stack = slice_str("a.B: it broke\n\tat x.Y.z(Y.java:1)"),
			.cause = slice_str("a.C"), .kind = slice_str("permanent"),
			.stage = slice_str("handler") },
		.attempts = 3, .failed_at = 1700000000000, .first_failed_at = 1690000000000,
	};
}

/* What is written is read again, the same. */
static bool
written(enum deadletter_scheme scheme, struct record *out)
{
	struct deadletter x;
	struct err e = ERR_INIT;

	full(&x);
	record.has_timestamp = true;
	record.timestamp = 1680000000000;
	record.timestamp_type = TIMESTAMP_CREATE;
	if (!CHECK_INT(deadletter_write(scheme, &record, &x, 0, &arena, out, &e), 0))
		return false;
	deadletter_read(out, &d, &arena);
	return CHECK_INT(d.scheme, scheme) && CHECK(is(d.origin.topic, "orders")) &&
		CHECK_INT(d.origin.partition, 3) && CHECK_INT(d.origin.offset, 42) &&
		CHECK(is(d.error.class, "a.B")) && CHECK(is(d.error.message, "it broke")) &&
		CHECK(is(d.key, "k") && is(d.value, "v")) && CHECK(!d.warning);
}

static void
every_written_scheme_reads_back(void)
{
	struct record out;

	begin();
	add("trace", "1");
	if (written(DEADLETTER_KC, &out)) {
		CHECK_INT(d.attempts, 3);
		CHECK_INT(d.failed_at, 1700000000000);
		CHECK_INT(d.first_failed_at, 1690000000000);
		CHECK_INT(d.origin.timestamp, 1680000000000);
		CHECK(is(d.error.kind, "permanent") && is(d.origin.group, "g"));
		CHECK(is(out.headers[0].key, "trace"));
	}
	written(DEADLETTER_CONNECT, &out);
	written(DEADLETTER_STREAMS, &out);
	if (written(DEADLETTER_SPRING, &out)) {
		CHECK_INT(d.origin.timestamp, 1680000000000);
		CHECK_INT(d.origin.timestamp_type, TIMESTAMP_CREATE);
		CHECK_INT(header_of(&out, "kafka_dlt-original-partition").len, 4);
		CHECK_INT(header_of(&out, "kafka_dlt-original-offset").len, 8);
	}
	if (written(DEADLETTER_SMALLRYE, &out))
		CHECK(is(out.headers[out.headers_n - 1].key, "trace"));
}

static void
a_second_death_keeps_the_first(void)
{
	static const enum deadletter_scheme all[] = { DEADLETTER_KC, DEADLETTER_CONNECT,
		DEADLETTER_STREAMS, DEADLETTER_SPRING, DEADLETTER_SMALLRYE };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct record out, again;

		begin();
		written(all[i], &out);
		record = out;
		record.topic = slice_str("orders");
		record.partition = 3;
		record.offset = 42;
		written(all[i], &again);
		CHECK_INT(d.hops_n, 2);
		CHECK(is(d.hops[1].origin.topic, "orders"));
	}
}

static void
a_stack_of_kc_does_not_pile_up(void)
{
	struct record out, again;
	int stacks = 0;

	begin();
	written(DEADLETTER_KC, &out);
	record = out;
	record.topic = slice_str("orders");
	record.partition = 3;
	record.offset = 42;
	written(DEADLETTER_KC, &again);
	for (size_t i = 0; i < again.headers_n; i++)
		stacks += slice_eq_str(again.headers[i].key, "kc-error-stack");
	CHECK_INT(stacks, 1);
}

/* Stack to 4 KiB, then none, then the message, then the deaths before, then no. */
static void
over_the_limit_it_loses_what_matters_least(void)
{
	static char stack[20000], message[8000];
	struct deadletter x;
	struct record out;
	struct err e = ERR_INIT;

	begin();
	add_connect("orders", "7", "java.lang.E");
	memset(stack, 's', sizeof(stack));
	memset(message, 'm', sizeof(message));
	full(&x);
	x.error.stack = slice_make(stack, sizeof(stack));
	x.error.message = slice_make(message, sizeof(message));
#define WRITE(max) deadletter_write(DEADLETTER_KC, &record, &x, max, &arena, &out, &e)
	CHECK_INT(WRITE(0), 0);
	CHECK_INT(header_of(&out, "kc-error-stack").len, 16384);
	CHECK_INT(WRITE(20000), 0);
	CHECK_INT(header_of(&out, "kc-error-stack").len, 4096);
	CHECK_INT(WRITE(10000), 0);
	CHECK(slice_is_null(header_of(&out, "kc-error-stack")));
	CHECK_INT(header_of(&out, "__dlq.errors.message").len, 8000);
	CHECK_INT(WRITE(3000), 0);
	CHECK_INT(header_of(&out, "__dlq.errors.message").len, 1024);
	CHECK(!slice_is_null(header_of(&out, "__connect.errors.topic")));
	CHECK_INT(WRITE(1700), 0);
	CHECK(slice_is_null(header_of(&out, "__connect.errors.topic")));
	CHECK_INT(WRITE(100), -1);
	CHECK_INT(e.code, ERR_FULL);
#undef WRITE
}

static void
text_is_cut_between_characters(void)
{
	static char stack[16 << 10];
	struct deadletter x;
	struct record out;
	struct err e = ERR_INIT;

	begin();
	for (size_t i = 0; i + 1 < sizeof(stack); i += 2)
		memcpy(stack + 1 + i, i + 2 < sizeof(stack) ? "\xc3\xa9" : "e", i + 2 < sizeof(stack) ? 2 : 1);
	stack[0] = 'a';
	full(&x);
	x.error.stack = slice_make(stack, sizeof(stack));
	CHECK_INT(deadletter_write(DEADLETTER_KC, &record, &x, 5000, &arena, &out, &e), 0);
	CHECK_INT(header_of(&out, "kc-error-stack").len, 4095);
}

static void
others_are_read_only(void)
{
	struct deadletter x;
	struct record out;
	struct err e = ERR_INIT;

	begin();
	full(&x);
	CHECK_INT(deadletter_write(DEADLETTER_KARAFKA, &record, &x, 0, &arena, &out, &e), -1);
	CHECK_INT(e.code, ERR_UNSUPPORTED);
}

static void
schemes_have_names(void)
{
	enum deadletter_scheme s;
	struct err e = ERR_INIT;

	for (int i = 0; i < DEADLETTER_SCHEMES; i++) {
		CHECK_INT(deadletter_scheme_parse(
			deadletter_scheme_name((enum deadletter_scheme)i), &s, &e), 0);
		CHECK_INT(s, i);
	}
	CHECK_INT(deadletter_scheme_parse("nope", &s, &e), -1);
	CHECK_INT(e.code, ERR_USAGE);
}

int
main(void)
{
	RUN(no_headers_no_scheme);
	RUN(connect_is_text);
	RUN(connect_died_twice_the_last_counts);
	RUN(smallrye_died_twice_the_first_counts);
	RUN(spring_numbers_are_big_endian);
	RUN(spring_died_twice);
	RUN(binary_is_told_by_its_length);
	RUN(spring_retry_topics);
	RUN(spring_after_its_retry_topics);
	RUN(smallrye_retries_count_behind);
	RUN(streams_old_and_new);
	RUN(share_groups_and_kc_share_names);
	RUN(a_dead_letter_s_time_is_that_of_its_death);
	RUN(common_names_alone_are_no_death);
	RUN(uber_hides_the_key);
	RUN(karafka_hides_the_key);
	RUN(bakdata_hides_the_value);
	RUN(bakdata_speaks_protobuf_too);
	RUN(the_one_that_appended_last_is_newest);
	RUN(offsets_decide_or_nothing_does);
	RUN(a_redrive_is_told_and_outlives);
	RUN(every_written_scheme_reads_back);
	RUN(a_second_death_keeps_the_first);
	RUN(a_stack_of_kc_does_not_pile_up);
	RUN(over_the_limit_it_loses_what_matters_least);
	RUN(text_is_cut_between_characters);
	RUN(others_are_read_only);
	RUN(schemes_have_names);
	arena_release(&arena);
	return tap_done();
}
