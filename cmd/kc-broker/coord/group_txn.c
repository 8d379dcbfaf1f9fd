/* group_txn.c - what becomes of the offsets that were committed in a transaction. */
#include "coord/internal.h"
#include "coord/pending.h"
#include "coord/registry.h"
#include "meta/meta.h"

static void
publish(struct pending *p, uint64_t marker_commit)
{
	struct group_entry *en = p->entry;
	struct offsets_topic *t;

	for (size_t i = 0; (t = map_next(&p->offsets.topics, &i));)
		for (int k = 0; k < t->parts_n; k++)
			offsets_put(&en->offsets, t->name, &t->parts[k]);
	if (marker_commit)
		en->commit = marker_commit;
}

void
group_txn_end(struct groups *gs, int32_t partition, int32_t n, int64_t producer_id,
	bool commits, uint64_t marker_commit)
{
	for (struct list *i = gs->pending.next, *next; i != &gs->pending; i = next) {
		struct pending *p = container_of(i, struct pending, all);
		struct group_entry *en = p->entry;

		next = i->next;
		if (p->producer_id != producer_id ||
		    internal_partition(en->group->id, n) != partition)
			continue;
		if (commits)
			publish(p, marker_commit);
		pending_free(p);
		if (gs->loaded)
			registry_follow(en);
		registry_free_blank(en);
	}
}

void
groups_end_transaction(struct groups *gs, int32_t partition, int64_t producer_id,
	bool commits, uint64_t marker_commit)
{
	const struct topic *t = meta_topic(gs->parts.meta, slice_str(OFFSETS_TOPIC));

	/* Else loading finds the marker in the log. */
	if (t && group_load_has(gs, partition))
		group_txn_end(gs, partition, t->partitions_n, producer_id, commits,
			marker_commit);
}
