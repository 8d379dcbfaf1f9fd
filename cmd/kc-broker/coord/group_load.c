/*
 * group_load.c - all groups and offsets, out of __consumer_offsets. Later
 * records of a key replace earlier ones, as compaction will do in the log.
 */
#include <inttypes.h>

#include "coord/grouplog.h"
#include "coord/registry.h"
#include "log.h"
#include "meta/meta.h"
#include "store/partlog.h"
#include "wire/errors.h"

struct loading {
	struct groups *groups;
	struct arena arena;
	struct group_turn turn;
	int64_t skipped;
};

static struct group_entry *
get_or_add(struct groups *gs, struct slice id)
{
	struct group_entry *en = registry_get(gs, id);

	return en ? en : registry_add(gs, id);
}

static void
load_offset(struct loading *l, const struct record_key *k, struct slice value)
{
	struct group_entry *en;
	struct committed c = { .partition = k->partition };

	if (slice_is_null(value)) {
		en = registry_get(l->groups, k->group);
		if (en && offsets_remove(&en->offsets, k->topic, k->partition))
			registry_free_blank(en);
	} else if (record_read_offset(value, &c)) {
		l->skipped++;
	} else {
		en = get_or_add(l->groups, k->group);
		offsets_put(&en->offsets, k->topic, &c);
	}
}

/* A later record of the same group replaces the earlier. */
static void
load_group(struct loading *l, const struct record_key *k, struct slice value)
{
	struct group_entry *en = registry_get(l->groups, k->group);
	struct group *g;

	if (slice_is_null(value)) {
		if (en)
			registry_free(en);
		return;
	}
	g = group_new(k->group, &l->groups->limits, -1);
	if (record_read_group(value, g, &l->arena, &l->turn)) {
		group_free(g);
		l->skipped++;
		return;
	}
	en = get_or_add(l->groups, k->group);
	map_del(&l->groups->entries, en->group->id);
	group_free(en->group);
	en->group = g;
	en->stored = true;
	map_put(&l->groups->entries, g->id, en);
}

static int
load_record(void *arg, const struct log_record *r)
{
	struct loading *l = arg;
	struct record_key k;

	arena_reset(&l->arena);
	if (slice_is_null(r->key) || record_read_key(r->key, &k))
		l->skipped++;
	else if (k.kind == RECORD_OFFSET)
		load_offset(l, &k, r->value);
	else if (k.kind == RECORD_GROUP)
		load_group(l, &k, r->value);
	return 0;
}

int16_t
groups_load(struct groups *gs)
{
	struct topic *topic = meta_topic(gs->parts.meta, slice_str(GROUPLOG_TOPIC));
	struct loading l = { .groups = gs };
	struct group_entry *en;
	struct err e = ERR_INIT;
	int failed = 0;

	if (gs->loaded)
		return KERR_NONE;
	registry_begin(gs, &l.turn, &l.arena);
	for (int32_t p = 0; topic && p < topic->partitions_n && !failed; p++) {
		struct partlog *log = topic_partition(topic, p);

		failed = partlog_scan(log, partlog_start(log), load_record, &l, &e);
	}
	arena_release(&l.arena);
	if (failed) {
		log_error("cannot load the groups: %s", e.msg);
		for (size_t i = 0; (en = map_next(&gs->entries, &i));)
			registry_free(en);
		return KERR_COORDINATOR_NOT_AVAILABLE;
	}
	if (l.skipped)
		log_warn("records of " GROUPLOG_TOPIC " that cannot be read were "
			"skipped count=%" PRId64, l.skipped);
	for (size_t i = 0; (en = map_next(&gs->entries, &i));)
		registry_follow(en);
	gs->loaded = true;
	return KERR_NONE;
}
