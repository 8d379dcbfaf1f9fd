#include "model/inflight.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum { CAP_FIRST = 16 };

void
inflight_init(struct inflight *w)
{
	*w = (struct inflight){ 0 };
	list_init(&w->ready);
}

static void
free_part(struct inflight_part *p)
{
	free(p->key);
	free(p->topic);
	free(p->ring);
	free(p);
}

void
inflight_release(struct inflight *w)
{
	for (int i = 0; i < w->parts_n; i++)
		free_part(w->parts[i]);
	free(w->parts);
	map_release(&w->by_key);
}

static struct inflight_item **
slot(const struct inflight_part *p, size_t i)
{
	return &p->ring[(p->head + i) & (p->cap - 1)];
}

static bool
is_of(const struct inflight_part *p, struct slice topic, int32_t partition)
{
	return p && p->partition == partition && slice_eq_str(topic, p->topic);
}

struct inflight_part *
inflight_part(const struct inflight *w, struct slice topic, int32_t partition)
{
	struct buf key = BUF_INIT;
	struct inflight_part *p;

	if (is_of(w->latest, topic, partition))
		return w->latest;
	buf_addslice(&key, topic);
	buf_addc(&key, '/');
	buf_addint(&key, partition);
	p = map_get(&w->by_key, buf_slice(&key));
	buf_release(&key);
	return p;
}

static struct inflight_part *
make_part(struct inflight *w, const struct src *at)
{
	struct inflight_part *p = xcalloc(1, sizeof(*p));
	struct buf key = BUF_INIT;

	buf_addslice(&key, at->topic);
	buf_addc(&key, '/');
	buf_addint(&key, at->partition);
	p->key = xmemdup0(key.data, key.len);
	p->topic = xmemdup0(at->topic.data, at->topic.len);
	p->partition = at->partition;
	p->next = p->last = -1;
	list_init(&p->ready);
	w->parts = xreallocarray(w->parts, (size_t)w->parts_n + 1,
		sizeof(struct inflight_part *));
	w->parts[w->parts_n++] = p;
	map_put(&w->by_key, slice_make(p->key, key.len), p);
	buf_release(&key);
	return p;
}

static void
grow(struct inflight_part *p)
{
	size_t cap = p->cap ? 2 * p->cap : CAP_FIRST;
	struct inflight_item **ring = xcalloc(cap, sizeof(struct inflight_item *));

	for (size_t i = 0; i < p->n; i++)
		ring[i] = *slot(p, i);
	free(p->ring);
	p->ring = ring;
	p->cap = cap;
	p->head = 0;
}

bool
inflight_add(struct inflight *w, const struct src *at, struct inflight_item *item)
{
	struct inflight_part *p = inflight_part(w, at->topic, at->partition);

	if (!p)
		p = make_part(w, at);
	w->latest = p;
	if (at->offset <= p->last)
		return false;
	if (p->n == p->cap)
		grow(p);
	*item = (struct inflight_item){ p, at->offset, false };
	*slot(p, p->n++) = item;
	p->last = at->offset;
	w->n++;
	return true;
}

struct inflight_item *
inflight_find(const struct inflight *w, const struct src *at)
{
	const struct inflight_part *p = inflight_part(w, at->topic, at->partition);
	size_t low = 0, high = p ? p->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((*slot(p, mid))->offset < at->offset)
			low = mid + 1;
		else
			high = mid;
	}
	return p && low < p->n && (*slot(p, low))->offset == at->offset ?
		*slot(p, low) : NULL;
}

void
inflight_done(struct inflight *w, struct inflight_item *item)
{
	struct inflight_part *p = item->part;

	item->done = true;
	if (*slot(p, 0) == item)
		list_append(&w->ready, &p->ready);
}

void
inflight_done_through(struct inflight *w, const struct src *at)
{
	struct inflight_part *p = inflight_part(w, at->topic, at->partition);

	for (size_t i = 0; p && i < p->n && (*slot(p, i))->offset <= at->offset; i++)
		if (!(*slot(p, i))->done)
			inflight_done(w, *slot(p, i));
}

static struct inflight_item *
take_front(struct inflight *w, struct inflight_part *p)
{
	struct inflight_item *item = *slot(p, 0);

	p->head = (p->head + 1) & (p->cap - 1);
	p->n--;
	w->n--;
	return item;
}

struct inflight_item *
inflight_pop(struct inflight *w)
{
	struct inflight_part *p;
	struct inflight_item *item;

	if (list_is_empty(&w->ready))
		return NULL;
	p = container_of(w->ready.next, struct inflight_part, ready);
	item = take_front(w, p);
	p->next = item->offset + 1;
	if (!p->n || !(*slot(p, 0))->done)
		list_remove(&p->ready);
	return item;
}

struct inflight_item *
inflight_forget(struct inflight *w, struct slice topic, int32_t partition)
{
	struct inflight_part *p = inflight_part(w, topic, partition);

	if (!p)
		return NULL;
	if (p->n)
		return take_front(w, p);
	w->latest = NULL;
	list_remove(&p->ready);
	map_del(&w->by_key, slice_str(p->key));
	for (int i = 0; i < w->parts_n; i++)
		if (w->parts[i] == p)
			w->parts[i--] = w->parts[--w->parts_n];
	free_part(p);
	return NULL;
}
