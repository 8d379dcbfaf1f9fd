#include "coord/consumer_protocol.h"

#include "meta/meta.h"
#include "wire/messages.h"

static int16_t
known_version(int16_t version, int16_t max)
{
	return version > max ? max : version;
}

/* A topic and its numbers, once for each form that the generated code has. */
static void
add(struct parts *p, struct slice name, const int32_t *numbers, int n,
	const struct meta *meta)
{
	const struct topic *topic = meta_topic(meta, name);

	for (int i = 0; topic && i < n; i++)
		parts_put(p, &topic->id, numbers[i], 0);
}

int
consumer_subscription_read(struct slice metadata, const struct meta *meta,
	struct arena *a, struct consumer_subscription *s)
{
	struct consumer_protocol_subscription m;
	struct wire_reader r;
	int n = 0;

	*s = (struct consumer_subscription){ 0 };
	wire_reader_init(&r, metadata, a);
	s->version = wire_get_int16(&r);
	if (r.bad || s->version < 0 || consumer_protocol_subscription_read(&r,
	    known_version(s->version, CONSUMER_PROTOCOL_SUBSCRIPTION_MAX), &m))
		return -1;
	s->names = m.topics;
	s->names_n = m.topics_n;
	s->rack_id = m.rack_id.len ? m.rack_id : SLICE_NULL;
	for (int32_t i = 0; i < m.owned_partitions_n; i++)
		n += m.owned_partitions[i].partitions_n;
	s->owned = parts_room(a, n);
	for (int32_t i = 0; i < m.owned_partitions_n; i++)
		add(&s->owned, m.owned_partitions[i].topic,
			m.owned_partitions[i].partitions,
			m.owned_partitions[i].partitions_n, meta);
	parts_sort(&s->owned);
	return 0;
}

int
consumer_assignment_read(struct slice assignment, const struct meta *meta,
	struct arena *a, struct parts *out)
{
	struct consumer_protocol_assignment m;
	struct wire_reader r;
	int16_t version;
	int n = 0;

	*out = (struct parts){ 0 };
	if (!assignment.len)
		return 0; /* joined, and never synced */
	wire_reader_init(&r, assignment, a);
	version = wire_get_int16(&r);
	if (r.bad || version < 0 || consumer_protocol_assignment_read(&r,
	    known_version(version, CONSUMER_PROTOCOL_ASSIGNMENT_MAX), &m))
		return -1;
	if (m.user_data.len)
		return 1;
	for (int32_t i = 0; i < m.assigned_partitions_n; i++)
		n += m.assigned_partitions[i].partitions_n;
	*out = parts_room(a, n);
	for (int32_t i = 0; i < m.assigned_partitions_n; i++)
		add(out, m.assigned_partitions[i].topic, m.assigned_partitions[i].partitions,
			m.assigned_partitions[i].partitions_n, meta);
	parts_sort(out);
	return 0;
}

struct slice
consumer_assignment_write(const struct parts *p, int16_t version,
	const struct meta *meta, struct arena *a)
{
	struct consumer_protocol_assignment m;
	struct wire_writer w = { .out = BUF_INIT };
	struct slice out;

	version = known_version(version, CONSUMER_PROTOCOL_ASSIGNMENT_MAX);
	consumer_protocol_assignment_init(&m);
	m.assigned_partitions = arena_array(a, (size_t)parts_topics(p),
		sizeof(*m.assigned_partitions));
	for (int i = 0, n; (n = parts_run(p, i)); i += n) {
		const struct topic *topic = meta_topic_by_id(meta, &p->v[i].topic);
		struct consumer_protocol_assignment_topic_partition *tp;

		if (!topic)
			continue;
		tp = &m.assigned_partitions[m.assigned_partitions_n++];
		tp->topic = slice_str(topic->name);
		tp->partitions = parts_numbers(p, i, n, a);
		tp->partitions_n = n;
	}
	wire_put_int16(&w, version);
	consumer_protocol_assignment_write(&w, version, &m);
	out = arena_copy(a, buf_slice(&w.out));
	wire_writer_release(&w);
	return out;
}
