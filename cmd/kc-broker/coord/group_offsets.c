/* group_offsets.c - offsets of groups: committed, deleted, expired. */
#include "base/xalloc.h"
#include "coord/grouplog.h"
#include "coord/pending.h"
#include "coord/registry.h"
#include "wire/errors.h"

/* Kafka counts the UTF-16 units of a metadata text. */
static size_t
text_length(struct slice s)
{
	const uint8_t *p = s.data;
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (p[i] & 0xc0) != 0x80 ? 1 + (p[i] >= 0xf0) : 0;
	return n;
}

static int16_t
check_commit(struct groups *gs, const struct groups_commit *c, struct group_entry **en)
{
	struct group_turn t;
	int16_t error = groups_find(gs, c->group, en);

	if (error)
		return error;
	if (!*en) {
		if (c->generation >= 0)
			return c->unknown_group;
		if (gs->entries.len >= GROUPS_MAX)
			return KERR_INVALID_COMMIT_OFFSET_SIZE;
		*en = registry_add(gs, c->group);
	}
	if ((*en)->consumer)
		return KERR_NONE; /* each partition is looked at by itself */
	if (c->producer && c->generation < 0 && !c->member_id.len &&
	    slice_is_null(c->instance_id))
		return KERR_NONE; /* a producer that knows nothing of KIP-447 */
	registry_begin(gs, &t, NULL);
	error = group_check_commit((*en)->group, c->member_id, c->instance_id,
		c->generation, &t);
	return c->producer && error == KERR_REBALANCE_IN_PROGRESS ? KERR_NONE : error;
}

/* As Kafka: one partition that the member may not commit fails them all. */
static int16_t
check_members(const struct group_entry *en, const struct groups_commit *c,
	const struct groups_offset *offsets, int n)
{
	const struct consumer_commit cc = {
		.member_id = c->member_id, .instance_id = c->instance_id,
		.epoch = c->generation, .knows_epochs = c->knows_epochs,
		.is_transactional = c->producer,
	};
	int16_t error = KERR_NONE;

	for (int i = 0; i < n && !error; i++)
		if (!offsets[i].error)
			error = consumer_check_commit(en->consumer, &cc,
				&offsets[i].c.topic_id, offsets[i].c.partition);
	/* TxnOffsetCommit has no word for it. */
	return c->producer && error == KERR_STALE_MEMBER_EPOCH ? KERR_ILLEGAL_GENERATION
		: error;
}

/* Who goes on is not stopped by others who took the room: the old offset's is its own. */
static bool
has_room(const struct groups *gs, const struct group_entry *en,
	const struct groups_commit *c, const struct groups_offset *offsets, int n)
{
	size_t bytes = 0, freed = 0;

	for (int i = 0; i < n; i++) {
		const struct committed *old = c->producer ? NULL : offsets_get(
			&en->offsets, offsets[i].topic, offsets[i].c.partition);

		bytes += sizeof(offsets[i].c) + offsets[i].c.metadata.len;
		if (old)
			freed += sizeof(*old) + old->metadata.len;
	}
	return bytes <= freed || registry_has_room(gs, bytes - freed);
}

void
groups_commit_offsets(struct groups *gs, const struct groups_commit *c,
	struct groups_offset *offsets, int n, uint64_t *commit)
{
	struct group_entry *en;
	struct grouplog l;
	int16_t error = check_commit(gs, c, &en);

	*commit = 0;
	if (!error && en->consumer)
		error = check_members(en, c, offsets, n);
	if (!error && !has_room(gs, en, c, offsets, n))
		error = KERR_INVALID_COMMIT_OFFSET_SIZE;
	if (!error) {
		grouplog_begin(&l, &gs->parts, c->group);
		l.producer = c->producer;
		for (int i = 0; i < n; i++) {
			struct groups_offset *o = &offsets[i];

			if (!o->error && text_length(o->c.metadata) > gs->metadata_max)
				o->error = KERR_OFFSET_METADATA_TOO_LARGE;
			if (!o->error)
				grouplog_offset(&l, o->topic, o->c.partition, &o->c);
		}
		error = grouplog_end(&l, &en->commit);
	}
	for (int i = 0; i < n; i++) {
		if (offsets[i].error)
			continue;
		offsets[i].error = error;
		if (error)
			continue;
		if (c->producer) {
			pending_put(en, &gs->pending, c->producer->id,
				offsets[i].topic, &offsets[i].c);
			continue;
		}
		pending_forget(&en->pending, offsets[i].topic, offsets[i].c.partition);
		offsets_put(&en->offsets, offsets[i].topic, &offsets[i].c);
	}
	if (!en)
		return;
	*commit = en->commit;
	registry_follow(en);
	registry_free_blank(en);
}

int16_t
groups_delete_offsets(struct groups *gs, struct slice id,
	struct groups_offset *offsets, int n, uint64_t *commit)
{
	struct group_entry *en;
	struct grouplog l;
	int16_t error = groups_find(gs, id, &en);

	*commit = 0;
	if (error)
		return error;
	if (!id.len)
		return KERR_INVALID_GROUP_ID;
	error = en ? group_check_offset_delete(en->group) : KERR_GROUP_ID_NOT_FOUND;
	if (error)
		return error;
	grouplog_begin(&l, &gs->parts, id);
	for (int i = 0; i < n; i++) {
		struct groups_offset *o = &offsets[i];

		if (o->error)
			continue;
		if (en->consumer ? consumer_group_subscribes(en->consumer, o->topic)
			: group_subscribes(en->group, o->topic))
			o->error = KERR_GROUP_SUBSCRIBED_TO_TOPIC;
		else if (offsets_get(&en->offsets, o->topic, o->c.partition) ||
			pending_has(&en->pending, o->topic, o->c.partition))
			grouplog_offset(&l, o->topic, o->c.partition, NULL);
	}
	error = grouplog_end(&l, &en->commit);
	if (error)
		return error;
	for (int i = 0; i < n; i++)
		if (!offsets[i].error) {
			pending_forget(&en->pending, offsets[i].topic,
				offsets[i].c.partition);
			offsets_remove(&en->offsets, offsets[i].topic,
				offsets[i].c.partition);
		}
	*commit = en->commit;
	return KERR_NONE;
}

void
group_offsets_expire(struct group_entry *en, const char *topic)
{
	struct groups *gs = en->groups;
	int64_t wall = clock_wall_ms(gs->parts.clock);
	struct { struct slice topic; int32_t partition; } *gone;
	struct offsets_topic *t;
	struct grouplog l;
	size_t n = 0;

	if (!en->offsets.n)
		return;
	gone = xreallocarray(NULL, en->offsets.n, sizeof(*gone));
	for (size_t i = 0; (t = map_next(&en->offsets.topics, &i));) {
		if (topic ? !slice_eq_str(t->name, topic) : en->consumer &&
			consumer_group_subscribes(en->consumer, t->name))
			continue;
		for (int p = 0; p < t->parts_n; p++) {
			if (!topic && (!offsets_expired(en->group, t->name,
					&t->parts[p], wall, gs->retention_ms) ||
				pending_has(&en->pending, t->name,
					t->parts[p].partition)))
				continue;
			gone[n].topic = t->name;
			gone[n++].partition = t->parts[p].partition;
		}
	}
	if (n) {
		grouplog_begin(&l, &gs->parts, en->group->id);
		for (size_t i = 0; i < n; i++)
			grouplog_offset(&l, gone[i].topic, gone[i].partition, NULL);
		if (grouplog_end(&l, &en->commit))
			n = 0; /* the next sweep tries again */
	}
	/* The last of a topic frees the name, which only it still uses: they are in a row. */
	for (size_t i = 0; i < n; i++)
		offsets_remove(&en->offsets, gone[i].topic, gone[i].partition);
	free(gone);
}

void
group_offsets_forget(struct group_entry *en, const char *topic)
{
	struct slice name = slice_str(topic);
	const struct offsets_topic *t;
	struct grouplog l;

	group_offsets_expire(en, topic);
	for (struct pending *p = NULL; (p = pending_next(&en->pending, p));) {
		t = map_get(&p->offsets.topics, name);
		if (!t)
			continue;
		grouplog_begin(&l, &en->groups->parts, en->group->id);
		for (int i = 0; i < t->parts_n; i++)
			grouplog_offset(&l, name, t->parts[i].partition, NULL);
		grouplog_end(&l, &en->commit);
	}
	pending_forget_topic(&en->pending, name);
}
