#include "kafka/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/varint.h"

/*
 * Record batch v2: baseOffset 8, batchLength 4, partitionLeaderEpoch 4,
 * magic 1, crc 4, attributes 2, lastOffsetDelta 4, two timestamps 16,
 * producerId 8, producerEpoch 2, baseSequence 4, record count 4.
 */
enum { BATCH_HEADER = 61 };

void
limits_init(struct limits *l)
{
	*l = (struct limits){ .batch_bytes = INT64_MAX, .past_ms = INT64_MAX,
		.future_ms = INT64_MAX, .kept_ms = INT64_MAX };
}

/* Configs that are missing or no number leave *out as it is. */
static void
read_number(const struct admin_configs *k, const char *name, int64_t *out)
{
	const struct admin_config *c = admin_configs_find(k, name);
	struct err ignored;

	if (c && c->value)
		num_int(slice_str(c->value), 0, INT64_MAX, out, &ignored);
}

void
limits_from_configs(struct limits *l, const struct admin_configs *k)
{
	const struct admin_config *c;
	bool deletes;

	limits_init(l);
	read_number(k, "max.message.bytes", &l->batch_bytes);
	/* With LogAppendTime the broker replaces timestamps unseen. */
	c = admin_configs_find(k, "message.timestamp.type");
	l->stamps = c && c->value && !strcmp(c->value, "LogAppendTime");
	if (!l->stamps) {
		/* before Kafka 3.6 one bound, both ways */
		read_number(k, "message.timestamp.difference.max.ms", &l->past_ms);
		l->future_ms = l->past_ms;
		read_number(k, "message.timestamp.before.max.ms", &l->past_ms);
		read_number(k, "message.timestamp.after.max.ms", &l->future_ms);
	}
	c = admin_configs_find(k, "cleanup.policy");
	l->compacted = c && c->value && strstr(c->value, "compact");
	deletes = !c || !c->value || strstr(c->value, "delete");
	if (deletes && !l->stamps) /* -1 = for ever is no number here */
		read_number(k, "retention.ms", &l->kept_ms);
}

/* Length of a zig-zag varint of a number that is not negative. */
static int64_t
varint_size(uint64_t v)
{
	uint8_t room[VARLONG_MAX];

	return (int64_t)uvarlong_put(room, v << 1);
}

/* Length and bytes; null has the length -1. */
static int64_t
bytes_size(struct slice s)
{
	return s.data ? varint_size(s.len) + (int64_t)s.len : 1;
}

int64_t
limits_batch_size(const struct record *r)
{
	/* attributes, timestamp delta 0, offset delta 0 */
	int64_t n = 3 + bytes_size(r->key) + bytes_size(r->value) +
		varint_size(r->headers_n);

	for (size_t i = 0; i < r->headers_n; i++)
		n += bytes_size(r->headers[i].key) +
			bytes_size(r->headers[i].value);
	return BATCH_HEADER + varint_size((uint64_t)n) + n;
}

/* "3 days", "90 minutes", for sentences. */
static const char *
span_text(int64_t ms, char *out, size_t size)
{
	static const struct { int64_t ms; const char *name; } units[] = {
		{ 86400000, "days" }, { 3600000, "hours" }, { 60000, "minutes" },
		{ 1000, "seconds" }, { 1, "ms" },
	};
	size_t i = 0;

	while (units[i].ms > 1 && ms < 2 * units[i].ms)
		i++;
	snprintf(out, size, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
	return out;
}

static int
check_timestamp(const struct limits *l, int64_t ts, int64_t now, struct err *e)
{
	char when[NUM_TIME_TEXT], away[32], bound[32];
	int64_t diff;

	/* a timestamp may be anything, a difference may not fit */
	if (__builtin_sub_overflow(ts, now, &diff))
		diff = ts < 0 ? -INT64_MAX : INT64_MAX;
	if (diff > 0 ? diff <= l->future_ms : -diff <= l->past_ms)
		return 0;
	return err_set(e, ERR_FORMAT, "timestamp %s is %s %s now, the topic "
		"allows %s (%s%s%s%s)",
		num_time_text(ts, when),
		span_text(diff > 0 ? diff : -diff, away, sizeof(away)),
		diff > 0 ? "ahead of" : "before",
		span_text(diff > 0 ? l->future_ms : l->past_ms, bound, sizeof(bound)),
		diff > 0 ? "message.timestamp.after.max.ms" :
		"message.timestamp.before.max.ms", l->now_option ? "; " : "",
		l->now_option ? l->now_option : "",
		l->now_option ? " drops timestamps" : "");
}

int
limits_check(const struct limits *l, const struct record *r, int64_t now_ms,
	bool compressed, struct err *e)
{
	int64_t size;

	if (r->has_timestamp && check_timestamp(l, r->timestamp, now_ms, e))
		return -1;
	if (l->compacted && slice_is_null(r->key))
		return err_set(e, ERR_FORMAT, "record has no key, and the topic "
			"is compacted (give it one)");
	if (compressed || l->batch_bytes == INT64_MAX)
		return 0;
	size = limits_batch_size(r);
	if (size > l->batch_bytes)
		return err_set(e, ERR_FORMAT, "record is too large: %" PRId64
			" bytes in its batch, the topic allows %" PRId64
			" (max.message.bytes; -z compresses)", size,
			l->batch_bytes);
	return 0;
}
