/*
 * pending.h - offsets that a group commits inside transactions which are not
 * decided yet.
 *
 * A later plain commit or deletion of a partition's offset makes what is
 * pending for it void, whatever becomes of the transaction.
 */
#ifndef COORD_PENDING_H
#define COORD_PENDING_H

#include "base/list.h"
#include "coord/offsets.h"

struct group_entry;

/* Of one group in one transaction. */
struct pending {
	struct list node;  /* in the group's list */
	struct list all;   /* in that of all groups */
	struct group_entry *entry;
	int64_t producer_id;
	struct offsets offsets;
};

/* As offsets_put(). */
void pending_put(struct group_entry *en, struct list *all, int64_t producer_id,
	struct slice topic, const struct committed *c);
void pending_free(struct pending *p);

/* Of one group's list: NULL after the last, from the beginning with NULL. */
struct pending *pending_next(const struct list *group, const struct pending *p);
bool pending_has(const struct list *group, struct slice topic, int32_t partition);
void pending_forget(struct list *group, struct slice topic, int32_t partition);
void pending_forget_topic(struct list *group, struct slice topic);
void pending_release(struct list *group);
/* Memory that one group's list takes. */
size_t pending_bytes(const struct list *group);

#endif
