#include "coord/grouplog.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "config.h"
#include "log.h"
#include "meta/meta.h"
#include "store/partlog.h"
#include "wire/errors.h"

/* Where a list of deletions is cut into batches, bytes. */
enum { CUT = 256 * 1024 };

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
grouplog_partition(struct slice group, int32_t n)
{
	int32_t h = (int32_t)java_hash(group);

	return h == INT32_MIN ? 0 : (h < 0 ? -h : h) % n;
}

/* What a member is told when its group cannot be written. */
static int16_t
coordinator_error(int16_t error)
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

static int16_t
make_topic(const struct groups_parts *parts, struct topic **out, uint64_t *commit)
{
	const struct config *c = parts->config;
	const char *why = NULL;
	struct arena a = { 0 };
	int16_t error;
	const struct config_change configs[] = {
		{ slice_str("cleanup.policy"), slice_str("compact") },
		{ slice_str("compression.type"), slice_str("producer") },
		{
			slice_str("segment.bytes"),
			slice_str(arena_printf(&a, "%" PRId64,
				config_get_int64(c, "offsets.topic.segment.bytes"))),
		},
	};

	error = meta_create_topic(parts->meta, slice_str(GROUPLOG_TOPIC),
		(int32_t)config_get_int64(c, "offsets.topic.num.partitions"),
		configs, 3, true, false, &a, out, commit, &why);
	if (error)
		log_error("cannot make the topic " GROUPLOG_TOPIC " error=%s: %s",
			kerr_name(error), why ? why : kerr_message(error));
	arena_release(&a);
	return error;
}

void
grouplog_begin(struct grouplog *l, const struct groups_parts *parts,
	struct slice group)
{
	*l = (struct grouplog){ .parts = parts, .group = group };
}

static void
open_log(struct grouplog *l)
{
	struct topic *t = meta_topic(l->parts->meta, slice_str(GROUPLOG_TOPIC));

	if (!t && (l->error = coordinator_error(make_topic(l->parts, &t, &l->commit))))
		return;
	l->log = topic_partition(t, grouplog_partition(l->group, t->partitions_n));
	if (!l->log)
		l->error = KERR_COORDINATOR_NOT_AVAILABLE;
}

/* What was gathered becomes one batch: all of it is stored, or nothing. */
static void
append(struct grouplog *l)
{
	struct append_result r;

	if (!l->log && !l->error)
		open_log(l);
	if (l->error)
		return;
	batch_finish(&l->batch);
	partlog_append(l->log, l->batch.out.data, l->batch.out.len,
		APPEND_COORDINATOR, &r);
	if (r.error)
		l->error = coordinator_error(r.error);
	else
		l->commit = r.commit;
	buf_release(&l->batch.out);
	l->batch.count = 0;
}

static void
add(struct grouplog *l, struct slice value)
{
	if (l->key.bad || l->value.bad)
		l->error = KERR_UNKNOWN_SERVER_ERROR;
	if (l->error)
		return;
	if (!l->batch.count)
		batch_begin(&l->batch);
	batch_add(&l->batch, clock_wall_ms(l->parts->clock), buf_slice(&l->key.out), value);
	if (slice_is_null(value) && l->batch.out.len >= CUT)
		append(l);
}

void
grouplog_offset(struct grouplog *l, struct slice topic, int32_t partition,
	const struct committed *c)
{
	record_offset_key(&l->key, l->group, topic, partition);
	if (c)
		record_offset_value(&l->value, c);
	add(l, c ? buf_slice(&l->value.out) : SLICE_NULL);
}

void
grouplog_group(struct grouplog *l, const struct group *g)
{
	record_group_key(&l->key, l->group);
	if (g)
		record_group_value(&l->value, g);
	add(l, g ? buf_slice(&l->value.out) : SLICE_NULL);
}

int16_t
grouplog_end(struct grouplog *l, uint64_t *commit)
{
	if (l->batch.count)
		append(l);
	if (!l->error && l->commit)
		*commit = l->commit;
	buf_release(&l->batch.out); /* of a batch that failed */
	wire_writer_release(&l->key);
	wire_writer_release(&l->value);
	return l->error;
}
