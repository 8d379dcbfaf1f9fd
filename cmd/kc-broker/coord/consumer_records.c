#include "coord/consumer_records.h"

static struct slice
keep(struct slice s, struct arena *a)
{
	return slice_is_null(s) ? s : arena_copy(a, s);
}

/* Texts are copied: they may be of a member that another record drops. */
static struct consumer_record *
put(struct consumer_turn *t, enum consumer_record_kind kind, struct slice name)
{
	struct consumer_record *r = arena_alloc(t->arena, sizeof(*r));

	r->kind = kind;
	r->name = keep(name, t->arena);
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
	return r;
}

void
consumer_put_gone(struct consumer_turn *t, enum consumer_record_kind kind, struct slice name)
{
	put(t, kind, name)->is_gone = true;
}

void
consumer_put_group(struct consumer_turn *t, int32_t epoch, int64_t hash)
{
	struct consumer_record *r = put(t, CONSUMER_GROUP, SLICE_NULL);

	r->value.group.epoch = epoch;
	r->value.group.metadata_hash = hash;
}

static struct slice *
keep_all(const struct slice *from, int n, struct arena *a)
{
	struct slice *out = arena_array(a, (size_t)n, sizeof(*out));

	for (int i = 0; i < n; i++)
		out[i] = keep(from[i], a);
	return out;
}

static struct slice
or_empty(struct slice s)
{
	return slice_is_null(s) ? slice_str("") : s;
}

void
consumer_put_member(struct consumer_turn *t, const struct consumer_member *m)
{
	struct consumer_group_member_metadata_value *v =
		&put(t, CONSUMER_MEMBER, m->id)->value.member;
	struct consumer_group_member_metadata_value_classic *c;

	consumer_group_member_metadata_value_init(v);
	v->instance_id = keep(m->instance_id, t->arena);
	v->rack_id = keep(m->rack_id, t->arena);
	v->client_id = keep(or_empty(m->client_id), t->arena);
	v->client_host = keep(or_empty(m->client_host), t->arena);
	v->subscribed_topic_names = keep_all(m->names, m->names_n, t->arena);
	v->subscribed_topic_names_n = m->names_n;
	v->subscribed_topic_regex = keep(m->regex, t->arena);
	v->rebalance_timeout_ms = m->rebalance_ms;
	v->server_assignor = keep(m->assignor, t->arena);
	if (!m->is_classic)
		return;
	c = v->classic_member_metadata = arena_alloc(t->arena, sizeof(*c));
	consumer_group_member_metadata_value_classic_init(c);
	c->session_timeout_ms = m->classic.session_ms;
	c->supported_protocols_n = m->classic.protocols_n;
	c->supported_protocols = arena_array(t->arena, (size_t)m->classic.protocols_n,
		sizeof(*c->supported_protocols));
	for (int i = 0; i < m->classic.protocols_n; i++) {
		c->supported_protocols[i].name =
			keep(m->classic.protocols[i].name, t->arena);
		c->supported_protocols[i].metadata =
			keep(or_empty(m->classic.protocols[i].metadata), t->arena);
	}
}

void
consumer_put_target(struct consumer_turn *t, int32_t epoch, int64_t wall)
{
	struct consumer_record *r = put(t, CONSUMER_TARGET, SLICE_NULL);

	r->value.target.assignment_epoch = epoch;
	r->value.target.assignment_timestamp = wall;
}

void
consumer_put_member_target(struct consumer_turn *t, struct slice member,
	const struct parts *target)
{
	struct consumer_group_target_assignment_member_value *v =
		&put(t, CONSUMER_MEMBER_TARGET, member)->value.member_target;

	v->topic_partitions = arena_array(t->arena, (size_t)parts_topics(target),
		sizeof(*v->topic_partitions));
	for (int i = 0, n; (n = parts_run(target, i)); i += n) {
		struct consumer_group_target_assignment_member_value_topic_partition *tp =
			&v->topic_partitions[v->topic_partitions_n++];

		tp->topic_id = target->v[i].topic;
		tp->partitions = parts_numbers(target, i, n, t->arena);
		tp->partitions_n = n;
	}
}

static int32_t *
epochs(const struct parts *p, int from, int n, struct arena *a)
{
	int32_t *out = arena_array(a, (size_t)n, sizeof(*out));

	for (int i = 0; i < n; i++)
		out[i] = p->v[from + i].epoch;
	return out;
}

void
consumer_put_current(struct consumer_turn *t, const struct consumer_member *m)
{
	struct consumer_group_current_member_assignment_value *v =
		&put(t, CONSUMER_MEMBER_CURRENT, m->id)->value.current;

	v->member_epoch = m->epoch;
	v->previous_member_epoch = m->previous_epoch;
	v->state = (int8_t)m->state;
	v->assigned_partitions = arena_array(t->arena,
		(size_t)parts_topics(&m->assigned), sizeof(*v->assigned_partitions));
	for (int i = 0, n; (n = parts_run(&m->assigned, i)); i += n) {
		struct consumer_group_current_member_assignment_value_assigned *tp =
			&v->assigned_partitions[v->assigned_partitions_n++];

		tp->topic_id = m->assigned.v[i].topic;
		tp->partitions = parts_numbers(&m->assigned, i, n, t->arena);
		tp->assignment_epochs = epochs(&m->assigned, i, n, t->arena);
		tp->partitions_n = tp->assignment_epochs_n = n;
	}
	v->partitions_pending_revocation = arena_array(t->arena,
		(size_t)parts_topics(&m->revoking), sizeof(*v->partitions_pending_revocation));
	for (int i = 0, n; (n = parts_run(&m->revoking, i)); i += n) {
		struct consumer_group_current_member_assignment_value_revoking *tp =
			&v->partitions_pending_revocation[
				v->partitions_pending_revocation_n++];

		tp->topic_id = m->revoking.v[i].topic;
		tp->partitions = parts_numbers(&m->revoking, i, n, t->arena);
		tp->assignment_epochs = epochs(&m->revoking, i, n, t->arena);
		tp->partitions_n = tp->assignment_epochs_n = n;
	}
}

void
consumer_put_regex(struct consumer_turn *t, struct slice pattern,
	const struct slice *names, int names_n, uint64_t version)
{
	struct consumer_group_regular_expression_value *v =
		&put(t, CONSUMER_REGEX, pattern)->value.regex;

	v->topics = keep_all(names, names_n, t->arena);
	v->topics_n = names_n;
	v->version = (int64_t)version;
	v->timestamp = t->wall;
}

/* ---- sets ---- */

static void
add(struct parts *p, const struct uuid *topic, const int32_t *numbers, int n,
	const int32_t *since, int since_n, int32_t otherwise)
{
	for (int i = 0; i < n; i++)
		parts_put(p, topic, numbers[i], i < since_n ? since[i] : otherwise);
}

struct parts
consumer_parts_target(const struct consumer_group_target_assignment_member_value *v,
	struct arena *a)
{
	struct parts p;
	int n = 0;

	for (int32_t i = 0; i < v->topic_partitions_n; i++)
		n += v->topic_partitions[i].partitions_n;
	p = parts_room(a, n);
	for (int32_t i = 0; i < v->topic_partitions_n; i++)
		add(&p, &v->topic_partitions[i].topic_id, v->topic_partitions[i].partitions,
			v->topic_partitions[i].partitions_n, NULL, 0, 0);
	parts_sort(&p);
	return p;
}

struct parts
consumer_parts_assigned(const struct consumer_group_current_member_assignment_value *v,
	struct arena *a)
{
	struct parts p;
	int n = 0;

	for (int32_t i = 0; i < v->assigned_partitions_n; i++)
		n += v->assigned_partitions[i].partitions_n;
	p = parts_room(a, n);
	for (int32_t i = 0; i < v->assigned_partitions_n; i++) {
		const struct consumer_group_current_member_assignment_value_assigned *tp =
			&v->assigned_partitions[i];

		add(&p, &tp->topic_id, tp->partitions, tp->partitions_n,
			tp->assignment_epochs, tp->assignment_epochs_n, v->member_epoch);
	}
	parts_sort(&p);
	return p;
}

struct parts
consumer_parts_revoking(const struct consumer_group_current_member_assignment_value *v,
	struct arena *a)
{
	struct parts p;
	int n = 0;

	for (int32_t i = 0; i < v->partitions_pending_revocation_n; i++)
		n += v->partitions_pending_revocation[i].partitions_n;
	p = parts_room(a, n);
	for (int32_t i = 0; i < v->partitions_pending_revocation_n; i++) {
		const struct consumer_group_current_member_assignment_value_revoking *tp =
			&v->partitions_pending_revocation[i];

		add(&p, &tp->topic_id, tp->partitions, tp->partitions_n,
			tp->assignment_epochs, tp->assignment_epochs_n, v->member_epoch);
	}
	parts_sort(&p);
	return p;
}

/* ---- bytes ---- */

/* Every key is the group's id, and of some kinds one more text. */
static bool
has_name(int16_t kind)
{
	return kind == CONSUMER_MEMBER || kind == CONSUMER_MEMBER_TARGET ||
		kind == CONSUMER_MEMBER_CURRENT || kind == CONSUMER_REGEX;
}

void
consumer_record_key(struct wire_writer *w, const struct consumer_record *r,
	struct slice group)
{
	wire_writer_clear(w);
	wire_put_int16(w, (int16_t)r->kind);
	wire_put_string(w, false, false, group);
	if (has_name((int16_t)r->kind))
		wire_put_string(w, false, false, r->name);
}

void
consumer_record_value(struct wire_writer *w, const struct consumer_record *r)
{
	wire_writer_clear(w);
	wire_put_int16(w, 0);
	switch (r->kind) {
	case CONSUMER_GROUP:
		consumer_group_metadata_value_write(w, 0, &r->value.group);
		break;
	case CONSUMER_MEMBER:
		consumer_group_member_metadata_value_write(w, 0, &r->value.member);
		break;
	case CONSUMER_TARGET:
		consumer_group_target_assignment_metadata_value_write(w, 0,
			&r->value.target);
		break;
	case CONSUMER_MEMBER_TARGET:
		consumer_group_target_assignment_member_value_write(w, 0,
			&r->value.member_target);
		break;
	case CONSUMER_MEMBER_CURRENT:
		consumer_group_current_member_assignment_value_write(w, 0,
			&r->value.current);
		break;
	case CONSUMER_REGEX:
		consumer_group_regular_expression_value_write(w, 0, &r->value.regex);
		break;
	case CONSUMER_OLD_METADATA:
		break; /* never written, but as a tombstone */
	}
}

static int
read_value(struct wire_reader *v, struct consumer_record *r)
{
	if (wire_get_int16(v))
		return -1; /* of a version to come */
	switch (r->kind) {
	case CONSUMER_GROUP:
		return consumer_group_metadata_value_read(v, 0, &r->value.group);
	case CONSUMER_MEMBER:
		return consumer_group_member_metadata_value_read(v, 0, &r->value.member);
	case CONSUMER_TARGET:
		return consumer_group_target_assignment_metadata_value_read(v, 0,
			&r->value.target);
	case CONSUMER_MEMBER_TARGET:
		return consumer_group_target_assignment_member_value_read(v, 0,
			&r->value.member_target);
	case CONSUMER_MEMBER_CURRENT:
		return consumer_group_current_member_assignment_value_read(v, 0,
			&r->value.current);
	case CONSUMER_REGEX:
		return consumer_group_regular_expression_value_read(v, 0, &r->value.regex);
	case CONSUMER_OLD_METADATA:
		break;
	}
	return 0;
}

int
consumer_record_read(struct slice key, struct slice value, struct slice *group,
	struct consumer_record *r, struct arena *a)
{
	struct wire_reader k, v;
	int16_t kind;

	*r = (struct consumer_record){ 0 };
	wire_reader_init(&k, key, a);
	kind = wire_get_int16(&k);
	if (k.bad)
		return -1;
	if (kind != CONSUMER_REGEX && (kind < CONSUMER_GROUP || kind > CONSUMER_MEMBER_CURRENT))
		return 0;
	r->kind = (enum consumer_record_kind)kind;
	*group = wire_get_string(&k, false, false);
	if (has_name(kind))
		r->name = wire_get_string(&k, false, false);
	if (k.bad)
		return -1;
	r->is_gone = slice_is_null(value);
	if (r->is_gone)
		return 1;
	wire_reader_init(&v, value, a);
	return read_value(&v, r) ? -1 : 1;
}
