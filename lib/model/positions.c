#include "model/positions.h"

#include <stdlib.h>

#include "base/xalloc.h"

void
positions_release(struct positions *p)
{
	for (int i = 0; i < p->n; i++) {
		free(p->items[i]->key);
		free(p->items[i]->topic);
		free(p->items[i]);
	}
	free(p->items);
	map_release(&p->by_key);
	*p = (struct positions){ 0 };
}

static bool
is_of(const struct position *at, struct slice topic, int32_t partition)
{
	return at && at->partition == partition && slice_eq_str(topic, at->topic);
}

static void
put_key(struct buf *key, struct slice topic, int32_t partition)
{
	buf_addslice(key, topic);
	buf_addc(key, '/');
	buf_addint(key, partition);
}

bool
positions_knows(const struct positions *p, struct slice topic, int32_t partition)
{
	struct buf key = BUF_INIT;
	bool known;

	if (is_of(p->latest, topic, partition))
		return true;
	put_key(&key, topic, partition);
	known = map_get(&p->by_key, buf_slice(&key));
	buf_release(&key);
	return known;
}

/* Of this partition, made when it is not there yet. */
static struct position *
find(struct positions *p, struct slice topic, int32_t partition)
{
	struct buf key = BUF_INIT;
	struct position *at = p->latest;

	if (is_of(at, topic, partition))
		return at;
	put_key(&key, topic, partition);
	at = map_get(&p->by_key, buf_slice(&key));
	if (!at) {
		at = xcalloc(1, sizeof(*at));
		at->key = xmemdup0(key.data, key.len);
		at->topic = xmemdup0(topic.data, topic.len);
		at->partition = partition;
		at->next = at->committed = -1;
		p->items = xreallocarray(p->items, (size_t)p->n + 1,
			sizeof(struct position *));
		p->items[p->n++] = at;
		map_put(&p->by_key, slice_make(at->key, key.len), at);
	}
	buf_release(&key);
	p->latest = at;
	return at;
}

void
positions_start(struct positions *p, struct slice topic, int32_t partition,
	int64_t committed)
{
	find(p, topic, partition)->committed = committed;
	p->latest = NULL; /* no line was of it */
}

enum position_take
positions_look(struct positions *p, const struct src *s)
{
	bool was_latest = is_of(p->latest, s->topic, s->partition);
	struct position *at = find(p, s->topic, s->partition);

	if (at->next < 0)
		return s->offset < at->committed ? POSITION_DONE : POSITION_NEW;
	if (s->offset >= at->next)
		return POSITION_NEW;
	return s->offset == at->next - 1 && was_latest ? POSITION_SAME : POSITION_BACK;
}

void
positions_take(struct positions *p, const struct src *s)
{
	find(p, s->topic, s->partition)->next = s->offset + 1;
}

void
positions_pass(struct positions *p, const struct src *s)
{
	struct position *at = find(p, s->topic, s->partition);

	if (s->offset > at->next && s->offset > at->committed)
		at->next = s->offset;
	p->latest = NULL; /* no line was of it */
}

bool
positions_due(const struct positions *p)
{
	for (int i = 0; i < p->n; i++)
		if (p->items[i]->next >= 0 &&
		    p->items[i]->next != p->items[i]->committed)
			return true;
	return false;
}

void
positions_committed(struct positions *p)
{
	for (int i = 0; i < p->n; i++)
		if (p->items[i]->next >= 0)
			p->items[i]->committed = p->items[i]->next;
}
