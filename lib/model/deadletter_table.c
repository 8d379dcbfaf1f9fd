#include "model/deadletter_table.h"

#include "base/be.h"
#include "base/num.h"

#define ROW(name, field, encoding) \
	{ name, sizeof(name) - 1, DEATH_##field, DEATH_##encoding, false, false }
#define ONCE(name, field, encoding) \
	{ name, sizeof(name) - 1, DEATH_##field, DEATH_##encoding, true, false }
#define ALIAS(name, field, encoding) \
	{ name, sizeof(name) - 1, DEATH_##field, DEATH_##encoding, false, true }
#define NEEDS(field) (1u << DEATH_##field)
#define END { 0 }

/* The first six are share groups' own (KIP-1191); a kc-* beside them makes them ours. */
static const struct death_header kc[] = {
	ROW("__dlq.errors.topic", TOPIC, TEXT),
	ROW("__dlq.errors.partition", PARTITION, DECIMAL),
	ROW("__dlq.errors.offset", OFFSET, DECIMAL),
	ROW("__dlq.errors.group", GROUP, TEXT),
	ROW("__dlq.errors.delivery.count", ATTEMPTS, DECIMAL),
	ROW("__dlq.errors.message", MESSAGE, TEXT),
	ROW("kc-error-class", CLASS, TEXT),
	ROW("kc-error-cause", CAUSE, TEXT),
	ROW("kc-error-kind", KIND, TEXT),
	ROW("kc-error-stage", STAGE, TEXT),
	ROW("kc-error-stack", STACK, TEXT),
	ROW("kc-failed-at", FAILED_AT, DECIMAL),
	ROW("kc-first-failed-at", FIRST_FAILED_AT, DECIMAL),
	ROW("kc-origin-ts", TIMESTAMP, DECIMAL),
	ROW("kc-origin-cluster", OTHER, TEXT),
	END
};

static const struct death_header connect[] = {
	ROW("__connect.errors.topic", TOPIC, TEXT),
	ROW("__connect.errors.partition", PARTITION, DECIMAL),
	ROW("__connect.errors.offset", OFFSET, DECIMAL),
	ROW("__connect.errors.connector.name", OTHER, TEXT),
	ROW("__connect.errors.task.id", OTHER, TEXT),
	ROW("__connect.errors.stage", STAGE, TEXT),
	ROW("__connect.errors.class.name", OTHER, TEXT),
	ROW("__connect.errors.exception.class.name", CLASS, TEXT),
	ROW("__connect.errors.exception.message", MESSAGE, TEXT),
	ROW("__connect.errors.exception.stacktrace", STACK, TEXT),
	END
};

/* KIP-1034; the last four are bakdata's ErrorHeaderProcessor, older than the KIP. */
static const struct death_header streams[] = {
	ROW("__streams.errors.exception", CLASS, TOSTRING),
	ROW("__streams.errors.stacktrace", STACK, TEXT),
	ROW("__streams.errors.message", MESSAGE, TEXT),
	ROW("__streams.errors.topic", TOPIC, TEXT),
	ROW("__streams.errors.partition", PARTITION, DECIMAL),
	ROW("__streams.errors.offset", OFFSET, DECIMAL),
	ALIAS("__streams.errors.exception.class.name", CLASS, TEXT),
	ALIAS("__streams.errors.exception.message", MESSAGE, TEXT),
	ALIAS("__streams.errors.exception.stack_trace", STACK, TEXT),
	ALIAS("__streams.errors.description", STAGE, TEXT),
	END
};

/* Key and value may both have failed to decode: what the key's headers say counts. */
static const struct death_header spring[] = {
	ROW("kafka_dlt-exception-fqcn", CLASS, TEXT),
	ROW("kafka_dlt-exception-cause-fqcn", CAUSE, TEXT),
	ROW("kafka_dlt-exception-message", MESSAGE, TEXT),
	ROW("kafka_dlt-exception-stacktrace", STACK, TEXT),
	ROW("kafka_dlt-original-topic", TOPIC, TEXT),
	ROW("kafka_dlt-original-partition", PARTITION, INT32),
	ROW("kafka_dlt-original-offset", OFFSET, INT64),
	ROW("kafka_dlt-original-timestamp", TIMESTAMP, INT64),
	ROW("kafka_dlt-original-timestamp-type", TIMESTAMP_TYPE, TSTYPE),
	ROW("kafka_dlt-original-consumer-group", GROUP, TEXT),
	ONCE("kafka_dlt-key-exception-fqcn", CLASS, TEXT),
	ONCE("kafka_dlt-key-exception-message", MESSAGE, TEXT),
	ONCE("kafka_dlt-key-exception-stacktrace", STACK, TEXT),
	END
};

/* The group's header is the one of spring above. */
static const struct death_header spring_retry[] = {
	ROW("kafka_original-topic", TOPIC, TEXT),
	ROW("kafka_original-partition", PARTITION, INT32),
	ROW("kafka_original-offset", OFFSET, INT64),
	ROW("kafka_original-timestamp", TIMESTAMP, INT64),
	ROW("kafka_original-timestamp-type", TIMESTAMP_TYPE, TSTYPE),
	ROW("kafka_exception-fqcn", CLASS, TEXT),
	ROW("kafka_exception-cause-fqcn", CAUSE, TEXT),
	ROW("kafka_exception-message", MESSAGE, TEXT),
	ROW("kafka_exception-stacktrace", STACK, TEXT),
	ONCE("kafka_key-exception-fqcn", CLASS, TEXT),
	ONCE("kafka_key-exception-message", MESSAGE, TEXT),
	ONCE("kafka_key-exception-stacktrace", STACK, TEXT),
	ONCE("retry_topic-attempts", ATTEMPTS, NEXT32),
	ONCE("retry_topic-backoff-timestamp", OTHER, BIGINT),
	ONCE("retry_topic-original-timestamp", TIMESTAMP, BIGINT),
	END
};

static const struct death_header spring_cloud[] = {
	ROW("x-original-topic", TOPIC, TEXT),
	ROW("x-original-partition", PARTITION, INT32),
	ROW("x-original-offset", OFFSET, INT64),
	ROW("x-original-timestamp", TIMESTAMP, INT64),
	ROW("x-original-timestamp-type", TIMESTAMP_TYPE, TSTYPE),
	ROW("x-exception-fqcn", CLASS, TEXT),
	ROW("x-exception-message", MESSAGE, TEXT),
	ROW("x-exception-stacktrace", STACK, TEXT),
	END
};

static const struct death_header smallrye[] = {
	ROW("dead-letter-exception-class-name", CLASS, TEXT),
	ROW("dead-letter-reason", MESSAGE, TEXT),
	ROW("dead-letter-cause-class-name", CAUSE, TEXT),
	ROW("dead-letter-cause", CAUSE_MESSAGE, TEXT),
	ROW("dead-letter-topic", TOPIC, TEXT),
	ROW("dead-letter-partition", PARTITION, DECIMAL),
	ROW("dead-letter-offset", OFFSET, DECIMAL),
	END
};

/* The count is added behind on every retry, what tells of the death in front. */
static const struct death_header smallrye_retry[] = {
	ROW("delayed-retry-exception-class-name", CLASS, TEXT),
	ROW("delayed-retry-reason", MESSAGE, TEXT),
	ROW("delayed-retry-cause-class-name", CAUSE, TEXT),
	ROW("delayed-retry-cause", CAUSE_MESSAGE, TEXT),
	ROW("delayed-retry-topic", TOPIC, TEXT),
	ROW("delayed-retry-partition", PARTITION, DECIMAL),
	ROW("delayed-retry-offset", OFFSET, DECIMAL),
	ONCE("delayed-retry-count", ATTEMPTS, RETRIES),
	ONCE("delayed-retry-original-timestamp", TIMESTAMP, DECIMAL),
	ONCE("delayed-retry-first-processing-timestamp", FIRST_FAILED_AT, DECIMAL),
	END
};

/* Of Karafka Pro; the last six are those of before 2.5, when the key was the partition. */
static const struct death_header karafka[] = {
	ROW("source_topic", TOPIC, TEXT),
	ROW("source_partition", PARTITION, DECIMAL),
	ROW("source_offset", OFFSET, DECIMAL),
	ROW("source_consumer_group", GROUP, TEXT),
	ROW("source_attempts", ATTEMPTS, DECIMAL),
	ROW("source_trace_id", OTHER, TEXT),
	ALIAS("original_topic", TOPIC, TEXT),
	ALIAS("original_partition", PARTITION, DECIMAL),
	ALIAS("original_offset", OFFSET, DECIMAL),
	ALIAS("original_consumer_group", GROUP, TEXT),
	ALIAS("original_attempts", ATTEMPTS, DECIMAL),
	ALIAS("original_key", OTHER, TEXT),
	END
};

static const struct death_header watermill[] = {
	ROW("reason_poisoned", MESSAGE, TEXT),
	ROW("topic_poisoned", TOPIC, TEXT),
	ROW("handler_poisoned", STAGE, TEXT),
	ROW("subscriber_poisoned", OTHER, TEXT),
	ONCE("_watermill_requeuer_retries", ATTEMPTS, RETRIES),
	END
};

/* Camel's Kafka component keeps these to itself unless a route's filter says otherwise. */
static const struct death_header camel[] = {
	ROW("CamelExceptionCaught", CLASS, TOSTRING),
	ROW("CamelFailureRouteId", STAGE, TEXT),
	ROW("CamelFailureEndpoint", OTHER, TEXT),
	ROW("CamelRedelivered", OTHER, TEXT),
	ROW("CamelRedeliveryCounter", ATTEMPTS, DECIMAL),
	ROW("CamelRedeliveryMaxCounter", OTHER, TEXT),
	ROW("kafka.TOPIC", TOPIC, TEXT),
	ROW("kafka.PARTITION", PARTITION, DECIMAL),
	ROW("kafka.OFFSET", OFFSET, DECIMAL),
	ROW("kafka.TIMESTAMP", TIMESTAMP, DECIMAL),
	END
};

#define HEADERS(list) .headers = list
const struct death_scheme death_schemes[DEADLETTER_SCHEMES] = {
	[DEADLETTER_NONE] = { "none", .keeps_time = true },
	[DEADLETTER_KC] = { "kc", "__dlq.errors.", HEADERS(kc) },
	[DEADLETTER_CONNECT] = { "connect", "__connect.errors.", .keeps_time = true,
		HEADERS(connect) },
	[DEADLETTER_STREAMS] = { "streams", "__streams.errors.", .keeps_time = true,
		HEADERS(streams) },
	[DEADLETTER_SHARE] = { "share", "__dlq.errors.", HEADERS(NULL) },
	[DEADLETTER_SPRING] = { "spring", "kafka_dlt-", HEADERS(spring) },
	[DEADLETTER_SPRING_RETRY] = { "spring-retry", "retry_topic-", HEADERS(spring_retry) },
	[DEADLETTER_SPRING_CLOUD] = { "spring-cloud", .needs = NEEDS(TOPIC),
		HEADERS(spring_cloud) },
	[DEADLETTER_SMALLRYE] = { "smallrye", .newest_first = true, HEADERS(smallrye) },
	[DEADLETTER_SMALLRYE_RETRY] = { "smallrye-retry", "delayed-retry-",
		.newest_first = true, HEADERS(smallrye_retry) },
	[DEADLETTER_KARAFKA] = { "karafka", HEADERS(karafka),
		.needs = NEEDS(TOPIC) | NEEDS(PARTITION) | NEEDS(OFFSET) },
	[DEADLETTER_WATERMILL] = { "watermill", .needs = NEEDS(MESSAGE), HEADERS(watermill) },
	[DEADLETTER_UBER] = { .name = "uber" },
	[DEADLETTER_CAMEL] = { "camel", .needs = NEEDS(STAGE), HEADERS(camel) },
	[DEADLETTER_BAKDATA] = { "bakdata", .keeps_time = true },
};

const struct death_header *
death_header_find(struct slice name, enum deadletter_scheme *scheme)
{
	for (int s = 1; s < DEADLETTER_SCHEMES; s++) {
		const struct death_header *row = death_schemes[s].headers;

		for (; row && row->name; row++)
			if (row->len == name.len &&
			    !memcmp(row->name, name.data, name.len)) {
				*scheme = (enum deadletter_scheme)s;
				return row;
			}
	}
	return NULL;
}

/* Big-endian, signed, 1 to 8 bytes. */
static int64_t
be_signed(struct slice s)
{
	const uint8_t *p = s.data;
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static bool
decimal(struct slice s, int64_t *out)
{
	struct err e = ERR_INIT;

	return !num_int(s, INT64_MIN, INT64_MAX, out, &e);
}

/*
 * A number by its encoding. Binary is told by the exact length, before
 * anything else: 4 bytes "1234" are an integer. Other lengths may be text
 * that somebody wrote by hand.
 */
static bool
number(enum death_encoding encoding, struct slice s, int64_t *out)
{
	bool fits = false;

	switch (encoding) {
	case DEATH_INT32:
		fits = s.len == 4;
		break;
	case DEATH_INT64:
		fits = s.len == 8;
		break;
	case DEATH_BIGINT:
		fits = s.len >= 1 && s.len <= 8;
		break;
	case DEATH_NEXT32:
		if (s.len == 1) {
			*out = *(const uint8_t *)s.data;
			return true;
		}
		fits = s.len == 4;
		break;
	default:
		break;
	}
	if (!fits)
		return decimal(s, out);
	*out = be_signed(s);
	return true;
}

static bool
decode_number(const struct death_header *row, struct slice value, struct deadletter_hop *h)
{
	int64_t n;

	if (!number(row->encoding, value, &n))
		return false;
	switch (row->field) {
	case DEATH_PARTITION:
		if (n < -1 || n > INT32_MAX)
			return false;
		h->origin.partition = (int32_t)n;
		break;
	case DEATH_OFFSET:
		if (n < -1)
			return false;
		h->origin.offset = n;
		break;
	case DEATH_TIMESTAMP:
		if (n < 0)
			break;
		h->origin.timestamp = n;
		h->origin.has_timestamp = true;
		break;
	case DEATH_ATTEMPTS:
		h->attempts = n - (row->encoding == DEATH_NEXT32) +
			(row->encoding == DEATH_RETRIES);
		break;
	case DEATH_FAILED_AT:
		h->failed_at = n;
		break;
	case DEATH_FIRST_FAILED_AT:
		h->first_failed_at = n;
		break;
	default:
		break;
	}
	return true;
}

/* Where a text of that field is kept; NULL for fields that are no text. */
static const struct slice *
text_field(enum death_field field, const struct deadletter_hop *h)
{
	switch (field) {
	case DEATH_TOPIC:
		return &h->origin.topic;
	case DEATH_GROUP:
		return &h->origin.group;
	case DEATH_CLASS:
		return &h->error.class;
	case DEATH_MESSAGE:
		return &h->error.message;
	case DEATH_STACK:
		return &h->error.stack;
	case DEATH_CAUSE:
		return &h->error.cause;
	case DEATH_CAUSE_MESSAGE:
		return &h->error.cause_message;
	case DEATH_STAGE:
		return &h->error.stage;
	case DEATH_KIND:
		return &h->error.kind;
	default:
		return NULL;
	}
}

static bool
decode_timestamp_type(struct slice value, enum timestamp_type *out)
{
	if (slice_eq_str(value, "CreateTime"))
		*out = TIMESTAMP_CREATE;
	else if (slice_eq_str(value, "LogAppendTime"))
		*out = TIMESTAMP_APPEND;
	else if (slice_eq_str(value, "NoTimestampType"))
		*out = TIMESTAMP_NONE;
	else
		return false;
	return true;
}

/* Throwable.toString(): the class, and after ": " the message if there is one. */
static void
decode_tostring(struct slice value, struct deadletter_hop *h)
{
	const char *colon = memmem(value.data, value.len, ": ", 2);
	size_t n = colon ? (size_t)(colon - (const char *)value.data) : value.len;

	h->error.class = slice_make(value.data, n);
	if (colon && slice_is_null(h->error.message))
		h->error.message = slice_make(colon + 2, value.len - n - 2);
}

bool
death_header_decode(const struct death_header *row, struct slice value, struct deadletter_hop *h)
{
	struct slice *text;

	if (slice_is_null(value))
		return true;
	switch (row->encoding) {
	case DEATH_TEXT:
		text = (struct slice *)text_field(row->field, h);
		if (text)
			*text = value;
		return true;
	case DEATH_TSTYPE:
		return decode_timestamp_type(value, &h->origin.timestamp_type);
	case DEATH_TOSTRING:
		decode_tostring(value, h);
		return true;
	default:
		return decode_number(row, value, h);
	}
}

/* ---- writing ------------------------------------------------------------------- */

/* False when it is not told. */
static bool
number_field(enum death_field field, const struct deadletter_hop *h, int64_t *out)
{
	switch (field) {
	case DEATH_PARTITION:
		*out = h->origin.partition;
		return *out >= 0;
	case DEATH_OFFSET:
		*out = h->origin.offset;
		return *out >= 0;
	case DEATH_TIMESTAMP:
		*out = h->origin.timestamp;
		return h->origin.has_timestamp;
	case DEATH_ATTEMPTS:
		*out = h->attempts;
		return *out >= 0;
	case DEATH_FAILED_AT:
		*out = h->failed_at;
		return *out >= 0;
	case DEATH_FIRST_FAILED_AT:
		*out = h->first_failed_at;
		return *out >= 0;
	default:
		return false;
	}
}

static struct slice
big_endian(struct arena *a, uint64_t n, size_t len)
{
	uint8_t *p = arena_alloc(a, len);

	if (len == 4)
		be32_put(p, (uint32_t)n);
	else
		be64_put(p, n);
	return slice_make(p, len);
}

static struct slice
timestamp_type_name(const struct deadletter_origin *o)
{
	if (!o->has_timestamp)
		return SLICE_NULL;
	return slice_str(o->timestamp_type == TIMESTAMP_APPEND ? "LogAppendTime" :
		"CreateTime");
}

struct slice
death_header_encode(const struct death_header *row, const struct deadletter_hop *h,
	struct arena *a)
{
	const struct slice *text = text_field(row->field, h);
	int64_t n;

	if (row->encoding == DEATH_TSTYPE)
		return timestamp_type_name(&h->origin);
	if (text)
		return *text;
	if (!number_field(row->field, h, &n))
		return SLICE_NULL;
	switch (row->encoding) {
	case DEATH_INT32:
		return big_endian(a, (uint64_t)n, 4);
	case DEATH_INT64:
		return big_endian(a, (uint64_t)n, 8);
	default:
		return slice_str(arena_printf(a, "%lld", (long long)n));
	}
}
