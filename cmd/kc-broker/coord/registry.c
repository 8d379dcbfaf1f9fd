#include "coord/registry.h"

#include "base/xalloc.h"
#include "config.h"
#include "coord/assignor.h"
#include "coord/consumer_records.h"
#include "coord/grouplog.h"
#include "coord/internal.h"
#include "coord/pending.h"
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

	if (!strcmp(t->name, OFFSETS_TOPIC) ||
	    (!gs->loaded && group_load_slice(gs, INT64_MAX)))
		return;
	for (size_t i = 0; (en = map_next(&gs->entries, &i));) {
		group_offsets_forget(en, t->name);
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

/* What the group takes now goes into the sum of all. */
static void
count_bytes(struct group_entry *en)
{
	size_t bytes = GROUP_OVERHEAD + en->group->bytes + en->offsets.bytes +
		pending_bytes(&en->pending) + (en->consumer ? en->consumer->bytes : 0);

	en->groups->bytes += bytes - en->bytes;
	en->bytes = bytes;
}

bool
registry_has_room(const struct groups *gs, size_t bytes)
{
	return bytes <= gs->bytes_max && gs->bytes <= gs->bytes_max - bytes;
}

void
registry_follow(struct group_entry *en)
{
	struct groups *gs = en->groups;
	int64_t at = en->group->next_at;

	if (en->consumer && en->consumer->next_at < at)
		at = en->consumer->next_at;
	if (at == GROUP_NEVER)
		deadlines_clear(&gs->deadlines, &en->deadline);
	else if (!en->deadline.slot || en->deadline.at != at)
		deadlines_set(&gs->deadlines, &en->deadline, at);
	count_bytes(en);
	set_alarm(gs);
}

void
registry_load_later(struct groups *gs)
{
	deadlines_set(&gs->deadlines, &gs->load, mono(gs));
	set_alarm(gs);
}

/* Offsets that expired go, and with the last of them an Empty group. */
static void
sweep(struct groups *gs)
{
	struct group_entry *en;

	for (size_t i = 0; gs->loaded && (en = map_next(&gs->entries, &i));) {
		group_offsets_expire(en, NULL);
		if (!en->offsets.n && list_is_empty(&en->pending) &&
			registry_is_empty(en) &&
			!en->group->pending.len && !registry_bury(en, &en->commit))
			registry_free(en);
		else
			registry_follow(en);
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

		if (first == &gs->load) {
			deadlines_clear(&gs->deadlines, first);
			group_load_more(gs);
			break; /* a slice a turn of the loop */
		}
		if (first == &gs->sweep) {
			sweep(gs);
			continue;
		}
		en = container_of(first, struct group_entry, deadline);
		if (en->consumer) {
			registry_tick_consumer(en);
			registry_follow(en);
			continue;
		}
		registry_begin(gs, &t, &a);
		group_tick(en->group, &t);
		registry_end(en, &t);
	}
	gs->woken_at = -1;
	set_alarm(gs);
}

/* ---- life ---- */

/* Kafka does not start either when one of these is outside its bounds. */
static const char *const bounded[] = {
	"session.timeout.ms", "heartbeat.interval.ms", "assignment.interval.ms",
};

static int
check_bounds(const struct config *c, const char *name, struct err *e)
{
	char value[64], min[64], max[64];

	snprintf(value, sizeof(value), "group.consumer.%s", name);
	snprintf(min, sizeof(min), "group.consumer.min.%s", name);
	snprintf(max, sizeof(max), "group.consumer.max.%s", name);
	if (config_get_int64(c, value) < config_get_int64(c, min))
		return err_set(e, ERR_USAGE, "%s must not be less than %s", value, min);
	if (config_get_int64(c, value) > config_get_int64(c, max))
		return err_set(e, ERR_USAGE, "%s must not be more than %s", value, max);
	return 0;
}

static int
set_consumer_limits(struct groups *gs, struct err *e)
{
	const struct config *c = gs->parts.config;
	const char *policy = config_get(c, "group.consumer.migration.policy");
	const char *assignors = config_get(c, "group.consumer.assignors");

	gs->bytes_max = (size_t)config_get_int64(c, "kc.groups.max.bytes");
	gs->consumer = (struct consumer_limits){
		.session_ms = (int32_t)config_get_int64(c, "group.consumer.session.timeout.ms"),
		.heartbeat_ms = (int32_t)config_get_int64(c, "group.consumer.heartbeat.interval.ms"),
		.interval_ms = (int32_t)config_get_int64(c, "group.consumer.assignment.interval.ms"),
		.max_size = (int32_t)config_get_int64(c, "group.consumer.max.size"),
		.assignor = assignor_find(slice_make(assignors, strcspn(assignors, ","))),
	};
	gs->may_upgrade = strcmp(policy, "downgrade") && strcmp(policy, "disabled");
	gs->may_downgrade = strcmp(policy, "upgrade") && strcmp(policy, "disabled");
	for (size_t i = 0; i < sizeof(bounded) / sizeof(bounded[0]); i++)
		if (check_bounds(c, bounded[i], e))
			return -1;
	return 0;
}

int
groups_open(struct groups **out, const struct groups_parts *parts, struct err *e)
{
	const struct config *c = parts->config;
	struct groups *gs = xcalloc(1, sizeof(*gs));

	(void)e;
	list_init(&gs->pending);
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
	if (set_consumer_limits(gs, e)) {
		free(gs);
		return -1;
	}
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
	group_load_release(gs);
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

bool
registry_is_empty(const struct group_entry *en)
{
	return en->consumer ? list_is_empty(&en->consumer->members)
		: en->group->state == GROUP_EMPTY;
}

struct group_entry *
registry_add(struct groups *gs, struct slice id)
{
	struct group_entry *en = xcalloc(1, sizeof(*en));

	en->groups = gs;
	list_init(&en->pending);
	en->group = group_new(id, &gs->limits, clock_wall_ms(gs->parts.clock));
	map_put(&gs->entries, en->group->id, en);
	return en;
}

void
registry_free(struct group_entry *en)
{
	deadlines_clear(&en->groups->deadlines, &en->deadline);
	en->groups->bytes -= en->bytes;
	consumer_group_free(en->consumer);
	map_del(&en->groups->entries, en->group->id);
	offsets_release(&en->offsets);
	pending_release(&en->pending);
	group_free(en->group);
	free(en);
}

void
registry_free_blank(struct group_entry *en)
{
	const struct group *g = en->group;

	if (g->state == GROUP_EMPTY && !g->pending.len && !g->generation &&
		!en->offsets.n && list_is_empty(&en->pending) && !en->stored &&
		!en->consumer)
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
	struct consumer_turn ct;
	struct arena a = { 0 };
	struct offsets_topic *t;
	struct grouplog l;
	int16_t error;

	grouplog_begin(&l, &en->groups->parts, en->group->id);
	for (size_t i = 0; (t = map_next(&en->offsets.topics, &i));)
		for (int p = 0; p < t->parts_n; p++)
			grouplog_offset(&l, t->name, t->parts[p].partition, NULL);
	for (struct pending *pe = NULL; (pe = pending_next(&en->pending, pe));)
		for (size_t i = 0; (t = map_next(&pe->offsets.topics, &i));)
			for (int p = 0; p < t->parts_n; p++)
				grouplog_offset(&l, t->name, t->parts[p].partition,
					NULL);
	if (en->stored)
		grouplog_group(&l, NULL);
	if (en->consumer) {
		registry_begin_consumer(en, &ct, &a);
		consumer_bury(en->consumer, &ct);
		for (const struct consumer_record *r = ct.first; r; r = r->next)
			grouplog_consumer(&l, r);
	}
	error = grouplog_end(&l, commit);
	arena_release(&a);
	return error;
}

int
groups_count(const struct groups *gs)
{
	return (int)gs->entries.len;
}

size_t
groups_bytes(const struct groups *gs)
{
	return gs->bytes;
}
