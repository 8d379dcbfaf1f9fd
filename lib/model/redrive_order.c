#include "model/redrive_order.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"

struct redrive_origin {
	int32_t id;
	int32_t partition;   /* of the dead letters so far */
	int64_t last;        /* offset of the newest death */
};

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
		*x = (struct redrive_origin){ o->origins_n++, partition, -1 };
		map_put(&o->origins, arena_copy(&o->memory, buf_slice(&name)), x);
	}
	buf_release(&name);
	return x;
}

void
redrive_order_look(struct redrive_order *o, int32_t partition,
	const struct deadletter_origin *origin)
{
	struct redrive_origin *x = find(o, partition, origin);

	if (!x)
		return;
	o->disordered |= x->partition != partition || origin->offset < x->last;
	x->last = origin->offset;
}

void
redrive_order_add(struct redrive_order *o, int32_t partition, int64_t offset,
	const struct deadletter_origin *origin)
{
	const struct redrive_origin *x = find(o, partition, origin);

	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 1024;
		o->places = xreallocarray(o->places, o->cap, sizeof(*o->places));
	}
	o->places[o->n] = (struct redrive_place){ offset, origin->offset,
		partition, x ? x->id : -1, (uint32_t)o->n };
	o->n++;
}

static int
by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_origin(const void *a, const void *b)
{
	const struct redrive_place *p = a, *q = b;
	int way = by_number(p->origin, q->origin);

	if (!way && p->origin >= 0)
		way = by_number(p->origin_offset, q->origin_offset);
	return way ? way : by_number(p->due, q->due);
}

static int
by_due(const void *a, const void *b)
{
	const struct redrive_place *p = a, *q = b;
	int way = by_number(p->due, q->due);

	if (!way)
		way = by_number(p->origin_offset, q->origin_offset);
	if (!way)
		way = by_number(p->partition, q->partition);
	return way ? way : by_number(p->offset, q->offset);
}

void
redrive_order_sort(struct redrive_order *o)
{
	if (!o->n)
		return;
	qsort(o->places, o->n, sizeof(*o->places), by_origin);
	for (size_t i = 1; i < o->n; i++) {
		const struct redrive_place *before = &o->places[i - 1];
		struct redrive_place *p = &o->places[i];

		if (p->origin >= 0 && p->origin == before->origin &&
		    p->due < before->due)
			p->due = before->due;
	}
	/* equal ones are of one partition: each arrival is one record */
	qsort(o->places, o->n, sizeof(*o->places), by_due);
}

void
redrive_order_release(struct redrive_order *o)
{
	map_release(&o->origins);
	arena_release(&o->memory);
	free(o->places);
	*o = (struct redrive_order){ 0 };
}
