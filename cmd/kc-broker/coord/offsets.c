#include "coord/offsets.h"

#include "base/xalloc.h"
#include "coord/group.h"
#include "coord/members.h"

static void
free_topic(struct offsets_topic *t)
{
	for (int i = 0; i < t->parts_n; i++)
		slice_free(&t->parts[i].metadata);
	free(t->parts);
	slice_free(&t->name);
	free(t);
}

void
offsets_release(struct offsets *o)
{
	struct offsets_topic *t;

	for (size_t i = 0; (t = map_next(&o->topics, &i));)
		free_topic(t);
	map_release(&o->topics);
	*o = (struct offsets){ 0 };
}

/* Where the partition is, or has its place. */
static int
place(const struct offsets_topic *t, int32_t partition)
{
	int low = 0, high = t->parts_n;

	while (low < high) {
		int mid = low + (high - low) / 2;

		if (t->parts[mid].partition < partition)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct offsets_topic *t, int i, int32_t partition)
{
	return i < t->parts_n && t->parts[i].partition == partition;
}

void
offsets_put(struct offsets *o, struct slice topic, const struct committed *c)
{
	struct offsets_topic *t = map_get(&o->topics, topic);
	struct slice metadata = slice_own(c->metadata);
	int i;

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->name = slice_own(topic);
		map_put(&o->topics, t->name, t);
		o->bytes += sizeof(*t) + topic.len;
	}
	o->bytes += sizeof(*c) + metadata.len;
	i = place(t, c->partition);
	if (is_at(t, i, c->partition)) {
		o->bytes -= sizeof(*c) + t->parts[i].metadata.len;
		slice_free(&t->parts[i].metadata);
	} else {
		if (t->parts_n == t->parts_cap) {
			t->parts_cap = t->parts_cap ? 2 * t->parts_cap : 4;
			t->parts = xreallocarray(t->parts, (size_t)t->parts_cap,
				sizeof(*t->parts));
		}
		memmove(&t->parts[i + 1], &t->parts[i],
			(size_t)(t->parts_n - i) * sizeof(*t->parts));
		t->parts_n++;
		o->n++;
	}
	t->parts[i] = *c;
	t->parts[i].metadata = metadata;
}

bool
offsets_remove(struct offsets *o, struct slice topic, int32_t partition)
{
	struct offsets_topic *t = map_get(&o->topics, topic);
	int i = t ? place(t, partition) : 0;

	if (!t || !is_at(t, i, partition))
		return false;
	o->bytes -= sizeof(*t->parts) + t->parts[i].metadata.len;
	slice_free(&t->parts[i].metadata);
	t->parts_n--;
	o->n--;
	memmove(&t->parts[i], &t->parts[i + 1],
		(size_t)(t->parts_n - i) * sizeof(*t->parts));
	if (!t->parts_n) {
		o->bytes -= sizeof(*t) + t->name.len;
		map_del(&o->topics, t->name);
		free_topic(t);
	}
	return true;
}

const struct committed *
offsets_get(const struct offsets *o, struct slice topic, int32_t partition)
{
	const struct offsets_topic *t = map_get(&o->topics, topic);
	int i = t ? place(t, partition) : 0;

	return t && is_at(t, i, partition) ? &t->parts[i] : NULL;
}

bool
offsets_expired(const struct group *g, struct slice topic,
	const struct committed *c, int64_t wall, int64_t retention_ms)
{
	int64_t since = c->committed_at;

	if (!slice_is_null(g->protocol_type)) {
		if (g->state == GROUP_EMPTY) {
			if (g->state_since >= 0)
				since = g->state_since;
		} else if (g->state != GROUP_STABLE ||
			!slice_eq_str(g->protocol_type, "consumer")) {
			return false;
		}
	}
	if (group_subscribes(g, topic))
		return false;
	return c->expires_at >= 0 ? wall >= c->expires_at
		: wall - since >= retention_ms;
}
