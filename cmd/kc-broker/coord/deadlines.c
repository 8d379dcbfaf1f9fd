#include "coord/deadlines.h"

#include "base/xalloc.h"

void
deadlines_release(struct deadlines *d)
{
	free(d->heap);
	*d = (struct deadlines){ 0 };
}

static void
put(struct deadlines *d, size_t slot, struct deadline *one)
{
	d->heap[slot] = one;
	one->slot = slot;
}

/* To where it belongs, from a slot that is free. */
static void
settle(struct deadlines *d, size_t slot, struct deadline *one)
{
	while (slot > 1 && one->at < d->heap[slot / 2]->at) {
		put(d, slot, d->heap[slot / 2]);
		slot /= 2;
	}
	for (;;) {
		size_t child = 2 * slot;

		if (child < d->n && d->heap[child + 1]->at < d->heap[child]->at)
			child++;
		if (child > d->n || one->at <= d->heap[child]->at)
			break;
		put(d, slot, d->heap[child]);
		slot = child;
	}
	put(d, slot, one);
}

void
deadlines_set(struct deadlines *d, struct deadline *one, int64_t at)
{
	size_t slot = one->slot;

	one->at = at;
	if (!slot) {
		slot = ++d->n;
		if (d->n >= d->cap) {
			d->cap = d->cap ? 2 * d->cap : 16;
			d->heap = xreallocarray(d->heap, d->cap, sizeof(struct deadline *));
		}
		d->heap[slot] = one;
	}
	settle(d, slot, one);
}

void
deadlines_clear(struct deadlines *d, struct deadline *one)
{
	size_t slot = one->slot;
	struct deadline *last;

	if (!slot)
		return;
	one->slot = 0;
	last = d->heap[d->n--];
	if (last != one)
		settle(d, slot, last);
}

struct deadline *
deadlines_first(const struct deadlines *d)
{
	return d->n ? d->heap[1] : NULL;
}
