#include "coord/internal.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "config.h"
#include "log.h"
#include "meta/meta.h"
#include "wire/errors.h"

/* hashCode() works on UTF-16 units. */
static uint32_t
java_hash(struct slice s)
{
	const uint8_t *p = s.data, *end = p + s.len;
	uint32_t h = 0;

	while (p < end) {
		size_t n = utf8_sequence(p, (size_t)(end - p));
		uint32_t c = *p;

		if (n > 1) {
			c = *p & (0xffu >> (n + 1));
			for (size_t i = 1; i < n; i++)
				c = c << 6 | (p[i] & 0x3f);
		}
		if (c >= 0x10000) {
			h = 31 * h + (0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		h = 31 * h + c;
		p += n ? n : 1;
	}
	return h;
}

int32_t
internal_partition(struct slice name, int32_t n)
{
	int32_t h = (int32_t)java_hash(name);

	return h == INT32_MIN ? 0 : (h < 0 ? -h : h) % n;
}

int16_t
internal_error(int16_t error)
{
	switch (error) {
	case KERR_UNKNOWN_TOPIC_OR_PARTITION:
	case KERR_NOT_ENOUGH_REPLICAS:
	case KERR_REQUEST_TIMED_OUT:
		return KERR_COORDINATOR_NOT_AVAILABLE;
	case KERR_NOT_LEADER_OR_FOLLOWER:
	case KERR_KAFKA_STORAGE_ERROR:
		return KERR_NOT_COORDINATOR;
	case KERR_MESSAGE_TOO_LARGE:
	case KERR_RECORD_LIST_TOO_LARGE:
	case KERR_INVALID_FETCH_SIZE:
		return KERR_UNKNOWN_SERVER_ERROR;
	}
	return error;
}

/* Properties that say how a topic is made. */
static const struct internal_topic {
	const char *name, *partitions, *segment_bytes;
} topics[] = {
	{
		OFFSETS_TOPIC, "offsets.topic.num.partitions",
		"offsets.topic.segment.bytes",
	},
	{
		TRANSACTIONS_TOPIC, "transaction.state.log.num.partitions",
		"transaction.state.log.segment.bytes",
	},
};

static int16_t
make_topic(struct meta *m, const struct config *c, const char *name,
	struct topic **out, uint64_t *commit)
{
	const struct internal_topic *it = topics;
	const char *why = NULL;
	struct arena a = { 0 };
	int16_t error;

	while (strcmp(it->name, name))
		it++;
	const struct config_change configs[] = {
		{ slice_str("cleanup.policy"), slice_str("compact") },
		{ slice_str("compression.type"), slice_str("producer") },
		{
			slice_str("segment.bytes"),
			slice_str(arena_printf(&a, "%" PRId64,
				config_get_int64(c, it->segment_bytes))),
		},
	};

	error = meta_create_topic(m, slice_str(name),
		(int32_t)config_get_int64(c, it->partitions),
		configs, 3, true, false, &a, out, commit, &why);
	if (error)
		log_error("cannot make the topic %s error=%s: %s", name,
			kerr_name(error), why ? why : kerr_message(error));
	arena_release(&a);
	return error;
}

int16_t
internal_log(struct meta *m, const struct config *c, const char *topic,
	struct slice name, struct partlog **out, uint64_t *commit)
{
	struct topic *t = meta_topic(m, slice_str(topic));
	int16_t error = t ? 0 : make_topic(m, c, topic, &t, commit);

	if (error)
		return internal_error(error);
	*out = topic_partition(t, internal_partition(name, t->partitions_n));
	return *out ? KERR_NONE : KERR_COORDINATOR_NOT_AVAILABLE;
}
