#include "coord/records.h"

#include "coord/members.h"
#include "wire/messages.h"

enum {
	KEY_OFFSET_OLD = 0,
	KEY_OFFSET = 1,
	KEY_GROUP = 2,

	OFFSET_VALUE = 4,
	OFFSET_VALUE_EXPIRING = 1,
	GROUP_VALUE = 3,
};

static void
begin(struct wire_writer *w, int16_t head)
{
	buf_clear(&w->out);
	w->bad = false;
	wire_put_int16(w, head);
}

void
record_offset_key(struct wire_writer *w, struct slice group, struct slice topic,
	int32_t partition)
{
	struct offset_commit_key k = {
		.group = group, .topic = topic, .partition = partition,
	};

	begin(w, KEY_OFFSET);
	offset_commit_key_write(w, 0, &k);
}

void
record_offset_value(struct wire_writer *w, const struct committed *c)
{
	int16_t version = c->expires_at >= 0 ? OFFSET_VALUE_EXPIRING : OFFSET_VALUE;
	struct offset_commit_value v;

	offset_commit_value_init(&v);
	v.offset = c->offset;
	v.leader_epoch = c->leader_epoch;
	v.metadata = c->metadata;
	v.commit_timestamp = c->committed_at;
	v.expire_timestamp = c->expires_at;
	v.topic_id = c->topic_id;
	begin(w, version);
	offset_commit_value_write(w, version, &v);
}

void
record_group_key(struct wire_writer *w, struct slice group)
{
	struct group_metadata_key k = { .group = group };

	begin(w, KEY_GROUP);
	group_metadata_key_write(w, 0, &k);
}

static struct slice
or_empty(struct slice s)
{
	return slice_is_null(s) ? slice_str("") : s;
}

void
record_group_value(struct wire_writer *w, const struct group *g)
{
	struct group_metadata_value v;
	struct arena a = { 0 };

	group_metadata_value_init(&v);
	v.protocol_type = or_empty(g->protocol_type);
	v.generation = g->generation;
	v.protocol = g->protocol_name;
	v.leader = g->leader ? g->leader->id : SLICE_NULL;
	v.current_state_timestamp = g->state_since;
	v.members = arena_array(&a, g->by_id.len, sizeof(*v.members));
	FOR_MEMBERS(g, m) {
		struct group_metadata_value_member *vm = &v.members[v.members_n++];

		group_metadata_value_member_init(vm);
		vm->member_id = m->id;
		vm->group_instance_id = m->instance_id;
		vm->client_id = m->client_id;
		vm->client_host = m->client_host;
		vm->rebalance_timeout = m->rebalance_ms;
		vm->session_timeout = m->session_ms;
		vm->subscription = or_empty(group_member_metadata(m, g->protocol_name));
		vm->assignment = or_empty(m->assignment);
	}
	begin(w, GROUP_VALUE);
	group_metadata_value_write(w, GROUP_VALUE, &v);
	arena_release(&a);
}

int
record_read_key(struct slice key, struct record_key *k)
{
	struct arena a = { 0 };
	struct wire_reader r;
	struct offset_commit_key ok;
	struct group_metadata_key gk;

	*k = (struct record_key){ .kind = RECORD_OTHER };
	wire_reader_init(&r, key, &a);
	switch (wire_get_int16(&r)) {
	case KEY_OFFSET_OLD:
	case KEY_OFFSET:
		if (offset_commit_key_read(&r, 0, &ok))
			return -1;
		k->kind = RECORD_OFFSET;
		k->group = ok.group;
		k->topic = ok.topic;
		k->partition = ok.partition;
		break;
	case KEY_GROUP:
		if (group_metadata_key_read(&r, 0, &gk))
			return -1;
		k->kind = RECORD_GROUP;
		k->group = gk.group;
		break;
	}
	arena_release(&a);
	return r.bad ? -1 : 0;
}

int
record_read_offset(struct slice value, struct committed *c)
{
	struct wire_reader r;
	struct offset_commit_value v;
	int16_t version;

	wire_reader_init(&r, value, NULL);
	version = wire_get_int16(&r);
	if (r.bad || version < OFFSET_COMMIT_VALUE_MIN ||
		version > OFFSET_COMMIT_VALUE_MAX ||
		offset_commit_value_read(&r, version, &v))
		return -1;
	c->offset = v.offset;
	c->leader_epoch = v.leader_epoch;
	c->metadata = v.metadata;
	c->committed_at = v.commit_timestamp;
	c->expires_at = v.expire_timestamp;
	c->topic_id = v.topic_id;
	return 0;
}

int
record_read_group(struct slice value, struct group *g, struct arena *a,
	struct group_turn *t)
{
	struct wire_reader r;
	struct group_metadata_value v;
	int16_t version;

	wire_reader_init(&r, value, a);
	version = wire_get_int16(&r);
	if (r.bad || version < GROUP_METADATA_VALUE_MIN ||
		version > GROUP_METADATA_VALUE_MAX ||
		group_metadata_value_read(&r, version, &v))
		return -1;
	group_restore(g, v.generation, v.protocol_type, v.protocol,
		v.current_state_timestamp);
	for (int32_t i = 0; i < v.members_n; i++) {
		const struct group_metadata_value_member *vm = &v.members[i];
		struct group_protocol p = {
			.name = or_empty(v.protocol), .metadata = vm->subscription,
		};
		struct group_join j = {
			.member_id = vm->member_id,
			.instance_id = vm->group_instance_id,
			.client_id = vm->client_id,
			.client_host = vm->client_host,
			.protocol_type = v.protocol_type,
			.protocols = &p,
			.protocols_n = 1,
			.session_ms = vm->session_timeout,
			.rebalance_ms = vm->rebalance_timeout < 0 ? vm->session_timeout
				: vm->rebalance_timeout,
		};

		group_restore_member(g, &j, vm->assignment, t);
	}
	group_restored(g, v.leader, t);
	return 0;
}
