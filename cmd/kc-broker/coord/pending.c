#include "coord/pending.h"

#include "base/xalloc.h"
#include "coord/groups.h"

struct pending *
pending_next(const struct list *group, const struct pending *p)
{
	const struct list *at = p ? p->node.next : group->next;

	return at == group ? NULL : container_of(at, struct pending, node);
}

void
pending_put(struct group_entry *en, struct list *all, int64_t producer_id,
	struct slice topic, const struct committed *c)
{
	struct pending *p = pending_next(&en->pending, NULL);

	while (p && p->producer_id != producer_id)
		p = pending_next(&en->pending, p);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->entry = en;
		p->producer_id = producer_id;
		list_append(&en->pending, &p->node);
		list_append(all, &p->all);
	}
	offsets_put(&p->offsets, topic, c);
}

void
pending_free(struct pending *p)
{
	list_remove(&p->node);
	list_remove(&p->all);
	offsets_release(&p->offsets);
	free(p);
}

bool
pending_has(const struct list *group, struct slice topic, int32_t partition)
{
	for (struct pending *p = NULL; (p = pending_next(group, p));)
		if (offsets_get(&p->offsets, topic, partition))
			return true;
	return false;
}

void
pending_forget(struct list *group, struct slice topic, int32_t partition)
{
	for (struct pending *p = pending_next(group, NULL), *next; p; p = next) {
		next = pending_next(group, p);
		if (offsets_remove(&p->offsets, topic, partition) && !p->offsets.n)
			pending_free(p);
	}
}

void
pending_forget_topic(struct list *group, struct slice topic)
{
	for (struct pending *p = pending_next(group, NULL), *next; p; p = next) {
		struct offsets_topic *t = map_get(&p->offsets.topics, topic);

		next = pending_next(group, p);
		for (int n = t ? t->parts_n : 0; n-- > 0;)
			offsets_remove(&p->offsets, topic, t->parts[n].partition);
		if (!p->offsets.n)
			pending_free(p);
	}
}

size_t
pending_bytes(const struct list *group)
{
	size_t n = 0;

	for (struct pending *p = NULL; (p = pending_next(group, p));)
		n += sizeof(*p) + p->offsets.bytes;
	return n;
}

void
pending_release(struct list *group)
{
	while (!list_is_empty(group))
		pending_free(pending_next(group, NULL));
}
