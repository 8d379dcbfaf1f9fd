#include "kafka/lag_screen_rows.h"

#include <stdlib.h>
#include <strings.h>

#include "base/xalloc.h"

/* ---- history ----------------------------------------------------------------- */

static void
note(struct map *m, struct slice key, int64_t lag, unsigned round)
{
	struct screen_history *h = map_get(m, key);

	if (!h) {
		h = xcalloc(1, sizeof(*h));
		h->key = slice_make(xmemdup0(key.data, key.len), key.len);
		map_put(m, h->key, h);
	}
	h->round = round;
	h->lag[h->at] = lag;
	h->at = (h->at + 1) % HISTORY;
	if (h->n < HISTORY)
		h->n++;
}

static void
forget(struct map *m, const struct screen_history *h)
{
	map_del(m, h->key);
	free((void *)(uintptr_t)h->key.data);
	free((void *)(uintptr_t)h);
}

/* Those that were not seen in this round; 0 = all. */
static void
sweep(struct map *m, unsigned round)
{
	const struct screen_history *h;

	for (size_t i = 0; (h = map_next(m, &i)); )
		if (!round || h->round != round)
			forget(m, h);
}

/* "topic/7" behind what is in b; returns where it begins. */
static size_t
put_partition_key(struct buf *b, const struct lag_partition *p)
{
	size_t at = b->len;

	buf_addstr(b, p->topic ? p->topic->name : "");
	buf_addc(b, '/');
	buf_addint(b, p->id);
	return at;
}

static const struct lag_group *
viewed_group(const struct lag_screen *w, const struct lag_snapshot *s)
{
	for (int i = 0; w->view != LAG_SCREEN_GROUPS && i < s->groups_n; i++)
		if (slice_eq_str(buf_slice(&w->group), s->groups[i].name))
			return &s->groups[i];
	return NULL;
}

void
lag_screen_note(struct lag_screen *w, const struct lag_snapshot *s)
{
	const struct lag_group *g = viewed_group(w, s);
	struct buf key = BUF_INIT;

	w->round++;
	for (int i = 0; i < s->groups_n; i++)
		note(&w->groups, slice_str(s->groups[i].name), s->groups[i].lag,
			w->round);
	/* Partitions are remembered while their group is looked at. */
	for (int i = 0; g && i < g->partitions_n; i++) {
		buf_clear(&key);
		put_partition_key(&key, &g->partitions[i]);
		note(&w->partitions, buf_slice(&key), g->partitions[i].lag, w->round);
	}
	sweep(&w->groups, w->round);
	sweep(&w->partitions, w->round);
	buf_release(&key);
}

void
lag_screen_release(struct lag_screen *w)
{
	sweep(&w->groups, 0);
	sweep(&w->partitions, 0);
	map_release(&w->groups);
	map_release(&w->partitions);
	buf_release(&w->group);
	buf_release(&w->filter);
	buf_release(&w->selected);
}

/* ---- order ------------------------------------------------------------------- */

/* -1 before 0 before more; LAG_NEVER is the most. */
static int
compare(double a, double b)
{
	return (a < b) - (a > b);
}

static int
by_name(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order || !x->partition)
		return order;
	return (x->partition->id > y->partition->id) -
		(x->partition->id < y->partition->id);
}

static int
by_lag(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = compare((double)x->lag, (double)y->lag);

	return order ? order : by_name(a, b);
}

static int
by_status(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = (int)y->status - (int)x->status;

	return order ? order : by_lag(a, b);
}

static int
by_age(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = compare((double)x->age_ms, (double)y->age_ms);

	return order ? order : by_lag(a, b);
}

static int
by_rate(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = compare(x->consumed, y->consumed);

	return order ? order : by_lag(a, b);
}

static int
by_eta(const void *a, const void *b)
{
	const struct screen_row *x = a, *y = b;
	int order = compare((double)x->eta_ms, (double)y->eta_ms);

	return order ? order : by_lag(a, b);
}

static void
sort_rows(struct screen_rows *r, const struct lag_screen *w)
{
	static int (*const orders[])(const void *, const void *) = {
		[LAG_ORDER_STATUS] = by_status, [LAG_ORDER_LAG] = by_lag,
		[LAG_ORDER_AGE] = by_age, [LAG_ORDER_RATE] = by_rate,
		[LAG_ORDER_ETA] = by_eta, [LAG_ORDER_NAME] = by_name,
	};

	qsort(r->items, (size_t)r->n, sizeof(*r->items), orders[w->order]);
	for (int i = 0; w->reversed && i < r->n / 2; i++) {
		struct screen_row row = r->items[i];

		r->items[i] = r->items[r->n - 1 - i];
		r->items[r->n - 1 - i] = row;
	}
}

/* ---- rows -------------------------------------------------------------------- */

static bool
passes(const struct lag_screen *w, const char *name)
{
	struct buf filter = BUF_INIT;
	bool yes;

	if (!w->filter.len)
		return true;
	buf_addslice(&filter, buf_slice(&w->filter));
	yes = strcasestr(name, buf_cstr(&filter)) != NULL;
	buf_release(&filter);
	return yes;
}

static void
add_groups(struct screen_rows *r, const struct lag_screen *w,
	const struct lag_snapshot *s)
{
	r->items = xcalloc((size_t)s->groups_n + 1, sizeof(*r->items));
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];

		if (!passes(w, g->name))
			continue;
		r->items[r->n++] = (struct screen_row){
			.key = slice_str(g->name), .name = g->name, .group = g,
			.lag = g->lag, .age_ms = g->age_ms, .eta_ms = g->eta_ms,
			.consumed = g->consumed_per_s,
			.produced = g->produced_per_s, .status = g->status,
			.history = map_get(&w->groups, slice_str(g->name)),
		};
	}
}

static void
add_partitions(struct screen_rows *r, const struct lag_screen *w)
{
	const struct lag_group *g = r->group;

	r->items = xcalloc((size_t)g->partitions_n + 1, sizeof(*r->items));
	for (int i = 0; i < g->partitions_n; i++) {
		const struct lag_partition *p = &g->partitions[i];
		struct screen_row *row = &r->items[r->n];
		size_t at;

		if (!p->topic || !passes(w, p->topic->name))
			continue;
		at = put_partition_key(&r->keys, p);
		*row = (struct screen_row){
			.key = { NULL, r->keys.len - at }, .name = p->topic->name,
			.group = g, .partition = p, .lag = p->lag,
			.age_ms = p->age_ms, .eta_ms = p->eta_ms,
			.consumed = p->consumed_per_s,
			.produced = p->produced_per_s, .status = p->status,
		};
		row->history = map_get(&w->partitions,
			slice_make(r->keys.data + at, row->key.len));
		r->n++;
	}
	/* The keys do not move any more. */
	for (int i = 0, at = 0; i < r->n; at += (int)r->items[i++].key.len)
		r->items[i].key.data = r->keys.data + at;
}

static void
add_members(struct screen_rows *r, const struct lag_screen *w,
	const struct lag_snapshot *s)
{
	lag_totals_init(&r->totals, s, LAG_BY_MEMBER);
	r->items = xcalloc((size_t)r->totals.n + 1, sizeof(*r->items));
	for (int i = 0; i < r->totals.n; i++) {
		const struct lag_total *t = &r->totals.items[i];
		const char *name = t->member ? t->member->client_id : "(nobody)";

		if (t->group != r->group || !passes(w, name))
			continue;
		r->items[r->n++] = (struct screen_row){
			.key = slice_str(t->key), .name = name, .group = t->group,
			.total = t, .lag = t->lag, .age_ms = t->age_ms,
			.eta_ms = -1, .consumed = -1, .produced = -1,
			.status = t->status,
		};
	}
}

void
screen_rows_init(struct screen_rows *r, const struct lag_screen *w,
	const struct lag_snapshot *s)
{
	*r = (struct screen_rows){ .group = s ? viewed_group(w, s) : NULL };
	if (!s)
		return;
	if (w->view == LAG_SCREEN_GROUPS)
		add_groups(r, w, s);
	else if (r->group && w->view == LAG_SCREEN_PARTITIONS)
		add_partitions(r, w);
	else if (r->group)
		add_members(r, w, s);
	if (r->n)
		sort_rows(r, w);
}

void
screen_rows_release(struct screen_rows *r)
{
	free(r->items);
	buf_release(&r->keys);
	lag_totals_release(&r->totals);
}

int
screen_rows_selected(const struct screen_rows *r, const struct lag_screen *w)
{
	for (int i = 0; w->selected.len && i < r->n; i++)
		if (slice_eq(r->items[i].key, buf_slice(&w->selected)))
			return i;
	return 0;
}
