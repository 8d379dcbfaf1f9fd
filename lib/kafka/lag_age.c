#include "kafka/lag_age.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/lag_position.h"

const char *const lag_age_modes[] = { [LAG_AGE_AUTO] = "auto",
	[LAG_AGE_BY_RECORD] = "record", [LAG_AGE_BY_SEARCH] = "search",
	[LAG_AGE_OFF] = "off", NULL };

enum lag_age_mode
lag_age_parse(const char *name)
{
	int i = 0;

	while (strcmp(lag_age_modes[i], name))
		i++;
	return (enum lag_age_mode)i;
}

static int
by_place(const void *a, const void *b)
{
	const struct lag_partition *x = *(struct lag_partition *const *)a;
	const struct lag_partition *y = *(struct lag_partition *const *)b;
	int64_t at = lag_position(x), other = lag_position(y);

	if (x->topic != y->topic)
		return strcmp(x->topic->name, y->topic->name);
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (at > other) - (at < other);
}

/* The rows that have lag, sorted by place; returns how many. */
static int
collect(struct lag_snapshot *s, struct lag_partition ***rows)
{
	int cap = 0, n = 0;

	for (int i = 0; i < s->groups_n; i++)
		cap += s->groups[i].partitions_n;
	*rows = xcalloc((size_t)cap, sizeof(**rows));
	for (int i = 0; i < s->groups_n; i++)
		for (int k = 0; k < s->groups[i].partitions_n; k++)
			if (s->groups[i].partitions[k].lag > 0)
				(*rows)[n++] = &s->groups[i].partitions[k];
	if (n)
		qsort(*rows, (size_t)n, sizeof(**rows), by_place);
	return n;
}

static void
places_init(struct lag_places *l, struct lag_snapshot *s)
{
	int n = collect(s, &l->rows);

	l->items = xcalloc((size_t)n, sizeof(*l->items));
	l->n = 0;
	for (int i = 0; i < n; i++) {
		struct lag_partition *p = l->rows[i];

		if (!i || by_place(&l->rows[i - 1], &l->rows[i]))
			l->items[l->n++] = (struct lag_place){
				.topic = p->topic, .id = p->id,
				.offset = lag_position(p), .rows = &l->rows[i],
				.oldest_ms = -1
			};
		l->items[l->n - 1].rows_n++;
	}
}

int
lag_places_run(const struct lag_places *l, int from)
{
	int n = 1;

	while (from + n < l->n && l->items[from + n].topic == l->items[from].topic &&
	    l->items[from + n].id == l->items[from].id)
		n++;
	return n;
}

static void
tell_rows(const struct lag_place *at, int64_t now_ms)
{
	for (int i = 0; i < at->rows_n; i++) {
		struct lag_partition *p = at->rows[i];

		if (at->markers) {
			p->reason = LAG_MARKERS;
			p->age_source = LAG_AGE_ZERO;
			p->age_ms = 0;
		} else if (at->source != LAG_AGE_NONE) {
			lag_set_age(p, at->oldest_ms, at->source, now_ms);
		}
	}
}

int
lag_age(struct client *c, struct lag_snapshot *s, const struct lag_age_options *o)
{
	rd_kafka_t *rk = client_handle(c);
	struct lag_places l;
	int64_t now_ms;
	int n;

	if (o->mode == LAG_AGE_OFF)
		return 0;
	places_init(&l, s);
	n = l.n;
	if (o->positions_max < 0 || n <= o->positions_max) {
		if (o->mode != LAG_AGE_BY_SEARCH)
			lag_age_read(rk, &l, o->deadline_ms);
		now_ms = clock_wall_ms(clock_system());
		if (o->mode != LAG_AGE_BY_RECORD)
			lag_age_search(rk, &l, now_ms, o->deadline_ms,
				o->mode == LAG_AGE_AUTO);
		for (int i = 0; i < n; i++)
			tell_rows(&l.items[i], now_ms);
	}
	for (int i = 0; i < s->groups_n; i++)
		lag_sum(&s->groups[i]);
	free(l.items);
	free(l.rows);
	return n;
}
