/*
 * dlq_group.h - dead letters counted by what they have in common; pure.
 */
#ifndef MODEL_DLQ_GROUP_H
#define MODEL_DLQ_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/slice.h"
#include "model/dlq_select.h"
#include "model/fingerprint.h"

enum dlq_group_by {
	DLQ_BY_GROUP,     /* the fingerprint */
	DLQ_BY_CLASS,
	DLQ_BY_FRAME,
	DLQ_BY_MESSAGE,   /* masked */
	DLQ_BY_ORIGIN,    /* topic/partition where it died */
	DLQ_BY_PARTITION, /* of the dead-letter topic */
	DLQ_BY_HOUR,      /* of the failure, UTC */
	DLQ_BY_KEY,
	DLQ_BY_SCHEME,
	DLQ_BY_STAGE,
	DLQ_BY_STATE,
	DLQ_BY_RULE,      /* of a file of rules, the first that matches */
	DLQ_BYS
};
/* Their names, NULL-ended: "group", "class", ... */
extern const char *const dlq_group_names[];
/* Of one of these names. */
enum dlq_group_by dlq_group_by(const char *name);

struct dlq_group {
	struct slice name;          /* what they have in common; null = it is not told */
	int64_t count;
	int64_t first, last;        /* ms since the epoch, of failures; -1 = not known */
	int32_t partition;          /* the newest of them */
	int64_t offset;
	/* Of the first that was added. */
	char id[FINGERPRINT_ID + 1];
	struct slice scheme, class, frame, message;
	struct slice note;          /* the last one on any of them; null = none */
};

struct dlq_groups {
	enum dlq_group_by by;
	struct slice rule;          /* DLQ_BY_RULE: of the one that is added next; null = none */
	struct map map;             /* name -> group; null's is beside it */
	struct dlq_group *untold;
	struct arena memory;
	struct dlq_group **list;    /* after dlq_groups_sort(): the largest first */
	int n;
};

/* When it failed, or the record's own time; -1 = neither is known. */
int64_t dlq_failed_at(const struct dlq_record *x);

void dlq_groups_add(struct dlq_groups *g, const struct dlq_record *x,
	const struct fingerprint *f, const char *note);
void dlq_groups_sort(struct dlq_groups *g);
void dlq_groups_release(struct dlq_groups *g);

#endif
