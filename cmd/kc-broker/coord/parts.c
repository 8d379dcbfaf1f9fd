#include "coord/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

int
part_cmp(const struct part *a, const struct part *b)
{
	int c = memcmp(&a->topic, &b->topic, sizeof(a->topic));

	return c ? c : (a->number > b->number) - (a->number < b->number);
}

static int
compare(const void *a, const void *b)
{
	return part_cmp(a, b);
}

void
parts_sort(struct parts *p)
{
	int n = 0;

	if (p->n < 2)
		return;
	qsort(p->v, (size_t)p->n, sizeof(*p->v), compare);
	for (int i = 0; i < p->n; i++)
		if (!n || part_cmp(&p->v[n - 1], &p->v[i]))
			p->v[n++] = p->v[i];
	p->n = n;
}

struct parts
parts_room(struct arena *a, int n)
{
	return (struct parts){ arena_array(a, (size_t)n, sizeof(struct part)), 0 };
}

void
parts_put(struct parts *p, const struct uuid *topic, int32_t number, int32_t epoch)
{
	p->v[p->n++] = (struct part){ *topic, number, epoch };
}

const struct part *
parts_find(const struct parts *p, const struct uuid *topic, int32_t number)
{
	const struct part key = { *topic, number, 0 };

	return p->n ? bsearch(&key, p->v, (size_t)p->n, sizeof(key), compare) : NULL;
}

/* Goes through both at once: what is in x only, in both, in y only. */
static struct parts
merge(const struct parts *x, const struct parts *y, bool left, bool both, bool right,
	struct arena *a)
{
	struct parts out = parts_room(a, x->n + y->n);
	int i = 0, k = 0;

	while (i < x->n || k < y->n) {
		int c = i == x->n ? 1 : k == y->n ? -1
			: part_cmp(&x->v[i], &y->v[k]);

		if (c < 0 ? left : c ? right : both)
			out.v[out.n++] = c <= 0 ? x->v[i] : y->v[k];
		i += c <= 0;
		k += c >= 0;
	}
	return out;
}

struct parts
parts_and(const struct parts *x, const struct parts *y, struct arena *a)
{
	return merge(x, y, false, true, false, a);
}

struct parts
parts_minus(const struct parts *x, const struct parts *y, struct arena *a)
{
	return merge(x, y, true, false, false, a);
}

struct parts
parts_or(const struct parts *x, const struct parts *y, struct arena *a)
{
	return merge(x, y, true, true, true, a);
}

bool
parts_overlap(const struct parts *x, const struct parts *y)
{
	for (int i = 0; i < x->n; i++)
		if (parts_find(y, &x->v[i].topic, x->v[i].number))
			return true;
	return false;
}

bool
parts_same(const struct parts *x, const struct parts *y)
{
	if (x->n != y->n)
		return false;
	for (int i = 0; i < x->n; i++)
		if (part_cmp(&x->v[i], &y->v[i]))
			return false;
	return true;
}

bool
parts_eq(const struct parts *x, const struct parts *y)
{
	if (!parts_same(x, y))
		return false;
	for (int i = 0; i < x->n; i++)
		if (x->v[i].epoch != y->v[i].epoch)
			return false;
	return true;
}

struct parts
parts_own(const struct parts *p)
{
	if (!p->n)
		return (struct parts){ 0 };
	return (struct parts){ xmemdup(p->v, (size_t)p->n * sizeof(*p->v)), p->n };
}

void
parts_free(struct parts *p)
{
	free(p->v);
	*p = (struct parts){ 0 };
}

int
parts_run(const struct parts *p, int from)
{
	int to = from;

	while (to < p->n && uuid_eq(&p->v[from].topic, &p->v[to].topic))
		to++;
	return to - from;
}

int
parts_topics(const struct parts *p)
{
	int topics = 0;

	for (int i = 0, n; (n = parts_run(p, i)); i += n)
		topics++;
	return topics;
}

int32_t *
parts_numbers(const struct parts *p, int from, int n, struct arena *a)
{
	int32_t *numbers = arena_array(a, (size_t)n, sizeof(*numbers));

	for (int i = 0; i < n; i++)
		numbers[i] = p->v[from + i].number;
	return numbers;
}
