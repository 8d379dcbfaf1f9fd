#include "model/redrive_order.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* Offsets of a partition of the dead-letter topic that are looked at as one. */
enum { BLOCK = 4096 };

/* The dead letters of one source partition that lie in one block. */
struct low {
	int64_t last;        /* offset of the last of them */
	int64_t lowest;      /* death; after looking: from here on */
};

/* One partition of the dead-letter topic. */
struct lane {
	struct low *lows;
	size_t n, cap;
	size_t at;           /* before it everything was passed */
};

struct redrive_origin {
	int32_t id;
	int32_t partition;   /* of the dead letters so far */
	int64_t last;        /* offset of the newest death */
	struct lane *lanes;  /* by partition of the dead letters */
	int lanes_n;
	struct redrive_places held; /* a heap: the oldest death is on top */
};

static void
append(struct redrive_places *l, const struct redrive_place *p)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->items = xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = *p;
}

/* NULL when it is not told. */
static struct redrive_origin *
find(struct redrive_order *o, int32_t partition,
	const struct deadletter_origin *origin)
{
	struct redrive_origin *x;
	struct buf name = BUF_INIT;

	if (slice_is_null(origin->topic) || origin->partition < 0 ||
	    origin->offset < 0)
		return NULL;
	buf_addf(&name, "%.*s/%" PRId32, SLICE_ARG(origin->topic),
		origin->partition);
	x = map_get(&o->origins, buf_slice(&name));
	if (!x) {
		x = arena_alloc(&o->memory, sizeof(*x));
		*x = (struct redrive_origin){ .id = o->origins_n++,
			.partition = partition, .last = -1 };
		map_put(&o->origins, arena_copy(&o->memory, buf_slice(&name)), x);
	}
	buf_release(&name);
	return x;
}

/* ---- looking ---- */

static struct lane *
lane_of(struct redrive_origin *x, int32_t partition)
{
	if (partition >= x->lanes_n) {
		x->lanes = xreallocarray(x->lanes, (size_t)partition + 1,
			sizeof(*x->lanes));
		while (x->lanes_n <= partition)
			x->lanes[x->lanes_n++] = (struct lane){ 0 };
	}
	return &x->lanes[partition];
}

static void
note_low(struct lane *l, int64_t offset, int64_t death)
{
	struct low *low = l->n ? &l->lows[l->n - 1] : NULL;

	if (low && low->last / BLOCK == offset / BLOCK) {
		low->last = offset;
		if (death < low->lowest)
			low->lowest = death;
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->lows = xreallocarray(l->lows, l->cap, sizeof(*l->lows));
	}
	l->lows[l->n++] = (struct low){ offset, death };
}

void
redrive_order_look(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin)
{
	struct redrive_origin *x = find(o, partition, origin);

	if (!x)
		return;
	o->disordered |= x->partition != partition || origin->offset < x->last;
	x->last = origin->offset;
	note_low(lane_of(x, partition), offset, origin->offset);
}

void
redrive_order_looked(struct redrive_order *o)
{
	struct redrive_origin *x;

	for (size_t i = 0; (x = map_next(&o->origins, &i)); )
		for (int p = 0; p < x->lanes_n; p++)
			for (size_t k = x->lanes[p].n; k-- > 1; ) {
				struct low *low = &x->lanes[p].lows[k];

				if (low[-1].lowest > low->lowest)
					low[-1].lowest = low->lowest;
			}
}

/* ---- those that are held ---- */

static bool
before(const struct redrive_place *p, const struct redrive_place *q)
{
	return p->origin_offset != q->origin_offset ?
		p->origin_offset < q->origin_offset : p->due < q->due;
}

static void
swap(struct redrive_place *p, struct redrive_place *q)
{
	struct redrive_place was = *p;

	*p = *q;
	*q = was;
}

static void
push(struct redrive_places *heap, const struct redrive_place *p)
{
	struct redrive_place *h;

	append(heap, p);
	h = heap->items;
	for (size_t i = heap->n - 1; i && before(&h[i], &h[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&h[i], &h[(i - 1) / 2]);
}

static struct redrive_place
pop(struct redrive_places *heap)
{
	struct redrive_place *h = heap->items, top = h[0];
	size_t i = 0, child;

	h[0] = h[--heap->n];
	while ((child = 2 * i + 1) < heap->n) {
		if (child + 1 < heap->n && before(&h[child + 1], &h[child]))
			child++;
		if (!before(&h[child], &h[i]))
			break;
		swap(&h[i], &h[child]);
		i = child;
	}
	return top;
}

void
redrive_order_pass(struct redrive_order *o, int32_t partition, int64_t offset)
{
	if (partition >= o->passed_n) {
		o->passed = xreallocarray(o->passed, (size_t)partition + 1,
			sizeof(*o->passed));
		while (o->passed_n <= partition)
			o->passed[o->passed_n++] = -1;
	}
	o->passed[partition] = offset;
}

void
redrive_order_add(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin)
{
	struct redrive_origin *x = find(o, partition, origin);
	const struct redrive_place p = { offset, origin->offset, partition,
		x ? x->id : -1, o->arrivals++ };

	if (x)
		push(&x->held, &p);
	else
		append(&o->untold, &p);
	o->held++;
	o->added++;
}

/* ---- those that are due ---- */

/* The oldest death that is still to come. */
static int64_t
still_to_come(const struct redrive_order *o, struct redrive_origin *x)
{
	int64_t oldest = INT64_MAX;

	for (int p = 0; p < x->lanes_n; p++) {
		struct lane *l = &x->lanes[p];
		int64_t passed = p < o->passed_n ? o->passed[p] : -1;

		while (l->at < l->n && l->lows[l->at].last <= passed)
			l->at++;
		if (l->at < l->n && l->lows[l->at].lowest < oldest)
			oldest = l->lows[l->at].lowest;
	}
	return oldest;
}

static int
by_due(const void *a, const void *b)
{
	const struct redrive_place *p = a, *q = b;

	if (p->due != q->due)
		return p->due < q->due ? -1 : 1;
	/* of one source partition: each arrival is one record */
	if (p->origin_offset != q->origin_offset)
		return p->origin_offset < q->origin_offset ? -1 : 1;
	if (p->partition != q->partition)
		return p->partition < q->partition ? -1 : 1;
	return (p->offset > q->offset) - (p->offset < q->offset);
}

static void
settle(struct redrive_order *o, struct redrive_origin *x, int64_t oldest)
{
	uint32_t due = 0;

	while (x->held.n && x->held.items[0].origin_offset <= oldest) {
		struct redrive_place p = pop(&x->held);

		/* it waited for those before it */
		due = p.due = p.due > due ? p.due : due;
		append(&o->due, &p);
	}
}

void
redrive_order_settle(struct redrive_order *o, bool end)
{
	size_t from = o->due.n;
	struct redrive_origin *x;

	for (size_t i = 0; (x = map_next(&o->origins, &i)); )
		settle(o, x, end ? INT64_MAX : still_to_come(o, x));
	for (size_t i = 0; i < o->untold.n; i++)
		append(&o->due, &o->untold.items[i]);
	o->untold.n = 0;
	if (o->due.n > from)
		qsort(o->due.items + from, o->due.n - from,
			sizeof(*o->due.items), by_due);
	o->held -= o->due.n - from;
	o->added = 0;
}

void
redrive_order_release(struct redrive_order *o)
{
	struct redrive_origin *x;

	for (size_t i = 0; (x = map_next(&o->origins, &i)); ) {
		for (int p = 0; p < x->lanes_n; p++)
			free(x->lanes[p].lows);
		free(x->lanes);
		free(x->held.items);
	}
	map_release(&o->origins);
	arena_release(&o->memory);
	free(o->due.items);
	free(o->untold.items);
	free(o->passed);
	*o = (struct redrive_order){ 0 };
}
