#include "coord/registry.h"

#include "base/xalloc.h"
#include "config.h"
#include "coord/grouplog.h"
#include "log.h"
#include "meta/meta.h"
#include "wire/errors.h"

/* What strangers can make us remember of one group. */
enum {
	PROTOCOLS_MAX = 100, /* of one member */
	PENDING_MAX = 1000,
	BYTES_MAX = 64 << 20,
};

/* A topic that is made anew must not begin with the offsets of its namesake. */
static void
forget_topic(void *arg, struct topic *t)
{
	struct groups *gs = arg;
	struct group_entry *en;

	if (!strcmp(t->name, GROUPLOG_TOPIC) || groups_load(gs))
		return;
	for (size_t i = 0; (en = map_next(&gs->entries, &i));) {
		group_offsets_expire(en, t->name);
		registry_free_blank(en);
	}
}

/* ---- deadlines ---- */

static int64_t
mono(const struct groups *gs)
{
	return clock_mono_ms(gs->parts.clock);
}

static void
set_alarm(struct groups *gs)
{
	const struct deadline *first = deadlines_first(&gs->deadlines);

	if (!first || first->at == gs->woken_at)
		return;
	gs->woken_at = first->at;
	gs->parts.wake(gs->parts.wake_arg, first->at);
}

void
registry_follow(struct group_entry *en)
{
	struct groups *gs = en->groups;

	if (en->group->next_at == GROUP_NEVER)
		deadlines_clear(&gs->deadlines, &en->deadline);
	else if (!en->deadline.slot || en->deadline.at != en->group->next_at)
		deadlines_set(&gs->deadlines, &en->deadline, en->group->next_at);
	set_alarm(gs);
}

/* Offsets that expired go, and with the last of them an Empty group. */
static void
sweep(struct groups *gs)
{
	struct group_entry *en;

	for (size_t i = 0; (en = map_next(&gs->entries, &i));) {
		group_offsets_expire(en, NULL);
		if (!en->offsets.n && en->group->state == GROUP_EMPTY &&
			!en->group->pending.len && !registry_bury(en, &en->commit))
			registry_free(en);
	}
	deadlines_set(&gs->deadlines, &gs->sweep, mono(gs) + gs->sweep_ms);
}

void
groups_tick(struct groups *gs)
{
	struct deadline *first;

	while ((first = deadlines_first(&gs->deadlines)) && first->at <= mono(gs)) {
		struct arena a = { 0 };
		struct group_entry *en;
		struct group_turn t;

		if (first == &gs->sweep) {
			sweep(gs);
			continue;
		}
		en = container_of(first, struct group_entry, deadline);
		registry_begin(gs, &t, &a);
		group_tick(en->group, &t);
		registry_end(en, &t);
	}
	gs->woken_at = -1;
	set_alarm(gs);
}

/* ---- life ---- */

int
groups_open(struct groups **out, const struct groups_parts *parts, struct err *e)
{
	const struct config *c = parts->config;
	struct groups *gs = xcalloc(1, sizeof(*gs));

	(void)e;
	gs->parts = *parts;
	gs->limits = (struct group_limits){
		.min_session_ms = (int32_t)config_get_int64(c, "group.min.session.timeout.ms"),
		.max_session_ms = (int32_t)config_get_int64(c, "group.max.session.timeout.ms"),
		.initial_delay_ms = (int32_t)config_get_int64(c, "group.initial.rebalance.delay.ms"),
		.max_size = (int32_t)config_get_int64(c, "group.max.size"),
		.max_protocols = PROTOCOLS_MAX,
		.max_pending = PENDING_MAX,
		.max_bytes = BYTES_MAX,
	};
	gs->metadata_max = (size_t)config_get_int64(c, "offset.metadata.max.bytes");
	gs->retention_ms = config_get_int64(c, "offsets.retention.minutes") * 60000;
	gs->sweep_ms = config_get_int64(c, "offsets.retention.check.interval.ms");
	gs->woken_at = -1;
	deadlines_set(&gs->deadlines, &gs->sweep, mono(gs) + gs->sweep_ms);
	set_alarm(gs);
	meta_on_delete(parts->meta, forget_topic, gs);
	*out = gs;
	return 0;
}

void
groups_close(struct groups *gs)
{
	struct group_entry *en;

	if (!gs)
		return;
	for (size_t i = 0; (en = map_next(&gs->entries, &i));) {
		struct arena a = { 0 };
		struct group_turn t;

		registry_begin(gs, &t, &a);
		group_kill(en->group, KERR_COORDINATOR_NOT_AVAILABLE, &t);
		registry_end(en, &t);
		registry_free(en);
	}
	map_release(&gs->entries);
	deadlines_release(&gs->deadlines);
	free(gs);
}

/* ---- entries ---- */

struct group_entry *
registry_get(const struct groups *gs, struct slice id)
{
	return map_get(&gs->entries, id);
}

struct group_entry *
registry_add(struct groups *gs, struct slice id)
{
	struct group_entry *en = xcalloc(1, sizeof(*en));

	en->groups = gs;
	en->group = group_new(id, &gs->limits, clock_wall_ms(gs->parts.clock));
	map_put(&gs->entries, en->group->id, en);
	return en;
}

void
registry_free(struct group_entry *en)
{
	deadlines_clear(&en->groups->deadlines, &en->deadline);
	map_del(&en->groups->entries, en->group->id);
	offsets_release(&en->offsets);
	group_free(en->group);
	free(en);
}

void
registry_free_blank(struct group_entry *en)
{
	const struct group *g = en->group;

	if (g->state == GROUP_EMPTY && !g->pending.len && !g->generation &&
		!en->offsets.n && !en->stored)
		registry_free(en);
}

int16_t
groups_find(struct groups *gs, struct slice id, struct group_entry **out)
{
	int16_t error = groups_load(gs);

	*out = error ? NULL : registry_get(gs, id);
	return error;
}

struct group_entry *
groups_next(struct groups *gs, size_t *i)
{
	return map_next(&gs->entries, i);
}

/* ---- events ---- */

void
registry_begin(const struct groups *gs, struct group_turn *t, struct arena *a)
{
	*t = (struct group_turn){
		.now = mono(gs),
		.wall = clock_wall_ms(gs->parts.clock),
		.arena = a,
	};
}

static int16_t
store_group(struct group_entry *en)
{
	struct grouplog l;
	int16_t error;

	grouplog_begin(&l, &en->groups->parts, en->group->id);
	grouplog_group(&l, en->group);
	error = grouplog_end(&l, &en->commit);
	if (!error)
		en->stored = true;
	return error;
}

/* An error takes the place of whatever success there was to tell. */
static void
deliver(const struct groups *gs, const struct group_turn *t, uint64_t commit,
	int16_t error)
{
	for (const struct group_reply *r = t->first, *next; r; r = next) {
		struct group_reply failed = {
			.error = error, .generation = -1, .member_id = r->member_id,
			.leader = slice_str(""), .assignment = slice_str(""),
		};

		next = r->next;
		if (r->error)
			gs->parts.answer(r->token, r, 0);
		else if (error)
			gs->parts.answer(r->token, &failed, 0);
		else
			gs->parts.answer(r->token, r, commit);
	}
}

uint64_t
registry_end(struct group_entry *en, struct group_turn *t)
{
	struct groups *gs = en->groups;
	struct group_turn after;
	int16_t error = 0;
	uint64_t commit;

	registry_begin(gs, &after, t->arena);
	if (t->store && (error = store_group(en))) {
		log_warn("cannot store group group=%.*s error=%s",
			SLICE_ARG(en->group->id), kerr_name(error));
		group_store_failed(en->group, &after);
	}
	commit = en->commit;
	registry_follow(en);
	deliver(gs, t, commit, error);
	deliver(gs, &after, commit, 0);
	registry_free_blank(en);
	arena_release(t->arena);
	return commit;
}

int16_t
registry_bury(struct group_entry *en, uint64_t *commit)
{
	struct grouplog l;
	struct offsets_topic *t;

	grouplog_begin(&l, &en->groups->parts, en->group->id);
	for (size_t i = 0; (t = map_next(&en->offsets.topics, &i));)
		for (int p = 0; p < t->parts_n; p++)
			grouplog_offset(&l, t->name, t->parts[p].partition, NULL);
	if (en->stored)
		grouplog_group(&l, NULL);
	return grouplog_end(&l, commit);
}
