/*
 * group_load.c - all groups and offsets, out of __consumer_offsets. Later
 * records of a key replace earlier ones, as compaction will do in the log.
 *
 * What takes long is done in slices: the first in the request that asks, the
 * others between those that come meanwhile and are told to wait.
 */
#include <inttypes.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "coord/consumer_records.h"
#include "coord/grouplog.h"
#include "coord/internal.h"
#include "coord/pending.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/meta.h"
#include "store/partlog.h"
#include "wire/errors.h"

/* ms */
enum { FIRST_SLICE = 40, SLICE = 10 };
/* Records between two looks at the clock. */
enum { CLOCK_EVERY = 256 };

struct groups_loading {
	struct groups *groups;
	struct arena arena;
	struct group_turn turn;
	int32_t partition, partitions_n;
	int64_t offset;      /* where the next slice begins; -1 = the log's start */
	int64_t until;       /* monotonic ms: the end of this slice */
	int64_t skipped, records;
};

static struct group_entry *
get_or_add(struct groups *gs, struct slice id)
{
	struct group_entry *en = registry_get(gs, id);

	return en ? en : registry_add(gs, id);
}

static void
load_offset(struct groups_loading *l, const struct record_key *k, const struct log_record *r)
{
	struct group_entry *en;
	struct committed c = { .partition = k->partition };

	if (slice_is_null(r->value)) {
		en = registry_get(l->groups, k->group);
		if (!en)
			return;
		pending_forget(&en->pending, k->topic, k->partition);
		offsets_remove(&en->offsets, k->topic, k->partition);
		registry_free_blank(en);
	} else if (record_read_offset(r->value, &c)) {
		l->skipped++;
	} else if (r->transactional) {
		pending_put(get_or_add(l->groups, k->group), &l->groups->pending,
			r->producer_id, k->topic, &c);
	} else {
		en = get_or_add(l->groups, k->group);
		pending_forget(&en->pending, k->topic, k->partition);
		offsets_put(&en->offsets, k->topic, &c);
	}
}

static void
put_group(struct groups_loading *l, struct group_entry *en, struct group *g)
{
	map_del(&l->groups->entries, en->group->id);
	group_free(en->group);
	en->group = g;
	map_put(&l->groups->entries, g->id, en);
}

/* A later record of the same group replaces the earlier. */
static void
load_group(struct groups_loading *l, const struct record_key *k, struct slice value)
{
	struct group_entry *en = registry_get(l->groups, k->group);
	struct group *g;

	/* Its offsets have tombstones of their own, or now are a consumer group's. */
	if (slice_is_null(value) && !en)
		return;
	g = group_new(k->group, &l->groups->limits, -1);
	if (slice_is_null(value)) {
		put_group(l, en, g);
		en->stored = false;
		registry_free_blank(en);
		return;
	}
	if (record_read_group(value, g, &l->arena, &l->turn)) {
		group_free(g);
		l->skipped++;
		return;
	}
	en = get_or_add(l->groups, k->group);
	put_group(l, en, g);
	en->stored = true;
}

/* Of a consumer group: as when it came to be, but for time. */
static void
load_consumer(struct groups_loading *l, struct slice id, const struct consumer_record *r)
{
	struct group_entry *en = registry_get(l->groups, id);

	if (r->is_gone && (!en || !en->consumer))
		return;
	en = get_or_add(l->groups, id);
	if (!en->consumer)
		en->consumer = consumer_group_new(id);
	consumer_apply(en->consumer, r, l->turn.now);
	if (r->kind != CONSUMER_GROUP || !r->is_gone)
		return;
	consumer_group_free(en->consumer);
	en->consumer = NULL;
	registry_free_blank(en);
}

/* A control record's key: {int16 version, int16 type}. */
static void
load_marker(struct groups_loading *l, const struct log_record *r)
{
	enum { ABORT, COMMIT };
	const uint8_t *key = r->key.data;
	int16_t type = r->key.len >= 4 ? (int16_t)be16_get(key + 2) : -1;

	if (type == ABORT || type == COMMIT)
		group_txn_end(l->groups, l->partition, l->partitions_n,
			r->producer_id, type == COMMIT, 0);
}

static void
load_key(struct groups_loading *l, const struct log_record *r)
{
	struct consumer_record cr;
	struct record_key k;
	struct slice id;
	int got;

	if (slice_is_null(r->key) || record_read_key(r->key, &k)) {
		l->skipped++;
	} else if (k.kind == RECORD_OFFSET) {
		load_offset(l, &k, r);
	} else if (k.kind == RECORD_GROUP) {
		load_group(l, &k, r->value);
	} else {
		got = consumer_record_read(r->key, r->value, &id, &cr, &l->arena);
		if (got > 0)
			load_consumer(l, id, &cr);
		l->skipped += got < 0;
	}
}

/* 1 = the slice is over. */
static int
load_record(void *arg, const struct log_record *r)
{
	struct groups_loading *l = arg;

	arena_reset(&l->arena);
	if (r->control)
		load_marker(l, r);
	else
		load_key(l, r);
	l->offset = r->offset + 1;
	return ++l->records % CLOCK_EVERY == 0 &&
		clock_mono_ms(l->groups->parts.clock) >= l->until;
}

static void
forget_all(struct groups *gs)
{
	struct group_entry *en;

	for (size_t i = 0; (en = map_next(&gs->entries, &i));)
		registry_free(en);
}

static void
finish(struct groups_loading *l)
{
	struct groups *gs = l->groups;
	struct group_entry *en;

	if (l->skipped)
		log_warn("records of " OFFSETS_TOPIC " that cannot be read were "
			"skipped count=%" PRId64, l->skipped);
	for (size_t i = 0; (en = map_next(&gs->entries, &i));) {
		struct consumer_turn t;

		arena_reset(&l->arena);
		if (en->consumer) {
			registry_begin_consumer(en, &t, &l->arena);
			consumer_loaded(en->consumer, &t);
		}
		registry_follow(en);
	}
	gs->loaded = true;
	group_load_release(gs);
}

void
group_load_release(struct groups *gs)
{
	if (!gs->loading)
		return;
	arena_release(&gs->loading->arena);
	free(gs->loading);
	gs->loading = NULL;
}

static struct groups_loading *
begin(struct groups *gs)
{
	struct groups_loading *l = xcalloc(1, sizeof(*l));

	l->groups = gs;
	l->offset = -1;
	return l;
}

int16_t
group_load_slice(struct groups *gs, int64_t ms)
{
	struct topic *topic = meta_topic(gs->parts.meta, slice_str(OFFSETS_TOPIC));
	struct groups_loading *l = gs->loading ? gs->loading : (gs->loading = begin(gs));
	struct err e = ERR_INIT;
	int got = 0;

	registry_begin(gs, &l->turn, &l->arena);
	l->until = ms == INT64_MAX ? ms : l->turn.now + ms;
	l->partitions_n = topic ? topic->partitions_n : 0;
	while (l->partition < l->partitions_n && !got) {
		struct partlog *log = topic_partition(topic, l->partition);

		if (l->offset < partlog_start(log))
			l->offset = partlog_start(log);
		got = partlog_scan(log, l->offset, load_record, l, &e);
		if (!got) {
			l->partition++;
			l->offset = -1;
		}
	}
	if (got > 0)
		return KERR_COORDINATOR_LOAD_IN_PROGRESS;
	if (!got) {
		finish(l);
		return KERR_NONE;
	}
	log_error("cannot load the groups: %s", e.msg);
	forget_all(gs);
	group_load_release(gs);
	return KERR_COORDINATOR_NOT_AVAILABLE;
}

bool
group_load_has(const struct groups *gs, int32_t partition)
{
	return gs->loaded || (gs->loading && partition < gs->loading->partition);
}

int16_t
groups_load(struct groups *gs)
{
	int16_t error;

	if (gs->loaded)
		return KERR_NONE;
	if (gs->loading)
		return KERR_COORDINATOR_LOAD_IN_PROGRESS;
	error = group_load_slice(gs, FIRST_SLICE);
	if (error == KERR_COORDINATOR_LOAD_IN_PROGRESS)
		registry_load_later(gs);
	return error;
}

void
group_load_more(struct groups *gs)
{
	if (gs->loading && group_load_slice(gs, SLICE) == KERR_COORDINATOR_LOAD_IN_PROGRESS)
		registry_load_later(gs);
}
