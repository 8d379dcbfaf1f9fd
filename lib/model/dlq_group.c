#include "model/dlq_group.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"

const char *const dlq_group_names[] = {
	[DLQ_BY_GROUP] = "group", [DLQ_BY_CLASS] = "class",
	[DLQ_BY_FRAME] = "frame", [DLQ_BY_MESSAGE] = "message",
	[DLQ_BY_ORIGIN] = "origin", [DLQ_BY_PARTITION] = "partition",
	[DLQ_BY_HOUR] = "hour", [DLQ_BY_KEY] = "key",
	[DLQ_BY_SCHEME] = "scheme", [DLQ_BY_STAGE] = "stage",
	[DLQ_BY_STATE] = "state", [DLQ_BY_RULE] = "rule", [DLQ_BYS] = NULL
};

enum dlq_group_by
dlq_group_by(const char *name)
{
	int by = DLQ_BYS;

	while (by-- > 0 && strcmp(dlq_group_names[by], name))
		;
	return by < 0 ? DLQ_BY_GROUP : (enum dlq_group_by)by;
}

int64_t
dlq_failed_at(const struct dlq_record *x)
{
	if (x->d->failed_at >= 0)
		return x->d->failed_at;
	return x->r->has_timestamp ? x->r->timestamp : -1;
}

static struct slice
origin_name(const struct deadletter_origin *o, struct arena *a)
{
	if (slice_is_null(o->topic))
		return SLICE_NULL;
	return slice_str(o->partition < 0 ?
		arena_printf(a, "%.*s", SLICE_ARG(o->topic)) :
		arena_printf(a, "%.*s/%" PRId32, SLICE_ARG(o->topic), o->partition));
}

/* "2026-11-28T10:00Z" */
static struct slice
hour_name(int64_t ms, struct arena *a)
{
	char text[NUM_TIME_TEXT];

	if (ms < 0)
		return SLICE_NULL;
	num_time_text(ms - ms % 3600000, text);
	return slice_str(arena_printf(a, "%.16sZ", text));
}

/* Borrows from x, f and the arena. */
static struct slice
name_of(enum dlq_group_by by, const struct dlq_record *x,
	const struct fingerprint *f, struct arena *a)
{
	switch (by) {
	case DLQ_BY_CLASS:
		return f->class;
	case DLQ_BY_FRAME:
		return f->frame;
	case DLQ_BY_MESSAGE:
		return f->message;
	case DLQ_BY_ORIGIN:
		return origin_name(&x->d->origin, a);
	case DLQ_BY_PARTITION:
		return slice_str(arena_printf(a, "%" PRId32, x->r->partition));
	case DLQ_BY_HOUR:
		return hour_name(dlq_failed_at(x), a);
	case DLQ_BY_KEY:
		return x->d->key;
	case DLQ_BY_SCHEME:
		return slice_str(deadletter_scheme_name(x->d->scheme));
	case DLQ_BY_STAGE:
		return x->d->error.stage;
	case DLQ_BY_STATE:
		return slice_str(ledger_state_name(x->state));
	default:
		return slice_str(f->id);
	}
}

/* null stays null. */
static struct slice
keep(struct dlq_groups *g, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(&g->memory, s);
}

static struct dlq_group *
new_group(struct dlq_groups *g, const struct dlq_record *x,
	const struct fingerprint *f, struct slice name)
{
	struct dlq_group *group = arena_alloc(&g->memory, sizeof(*group));

	*group = (struct dlq_group){
		.name = keep(g, name), .first = -1, .last = -1,
		.scheme = slice_str(deadletter_scheme_name(x->d->scheme)),
		.class = keep(g, f->class), .frame = keep(g, f->frame),
		.message = keep(g, f->message),
	};
	memcpy(group->id, f->id, sizeof(group->id));
	if (slice_is_null(name))
		g->untold = group;
	else
		map_put(&g->map, group->name, group);
	g->n++;
	return group;
}

void
dlq_groups_add(struct dlq_groups *g, const struct dlq_record *x,
	const struct fingerprint *f, const char *note)
{
	struct arena scratch = { 0 };
	struct slice name = g->by == DLQ_BY_RULE ? g->rule :
		name_of(g->by, x, f, &scratch);
	struct dlq_group *group = slice_is_null(name) ? g->untold :
		map_get(&g->map, name);
	int64_t at = dlq_failed_at(x);

	if (!group)
		group = new_group(g, x, f, name);
	arena_release(&scratch);
	group->count++;
	if (at >= 0 && (group->first < 0 || at < group->first))
		group->first = at;
	if (group->count == 1 || at >= group->last) {
		group->partition = x->r->partition;
		group->offset = x->r->offset;
	}
	if (at > group->last)
		group->last = at;
	if (note)
		group->note = keep(g, slice_str(note));
}

static int
larger_first(const void *a, const void *b)
{
	const struct dlq_group *const *p = a, *const *q = b;
	size_t n = (*p)->name.len < (*q)->name.len ? (*p)->name.len : (*q)->name.len;

	if ((*p)->count != (*q)->count)
		return (*p)->count < (*q)->count ? 1 : -1;
	return n ? memcmp((*p)->name.data, (*q)->name.data, n) : 0;
}

void
dlq_groups_sort(struct dlq_groups *g)
{
	struct dlq_group *group;
	int n = 0;

	g->list = xreallocarray(g->list, (size_t)g->n + 1, sizeof(*g->list));
	for (size_t i = 0; (group = map_next(&g->map, &i)); )
		g->list[n++] = group;
	if (g->untold)
		g->list[n++] = g->untold;
	qsort(g->list, (size_t)n, sizeof(*g->list), larger_first);
}

void
dlq_groups_release(struct dlq_groups *g)
{
	map_release(&g->map);
	arena_release(&g->memory);
	free(g->list);
	*g = (struct dlq_groups){ 0 };
}
