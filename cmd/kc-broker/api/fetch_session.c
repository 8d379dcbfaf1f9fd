#include "api/fetch_session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/be.h"
#include "base/xalloc.h"

/* An idle session younger than this is not evicted (Kafka's min.incremental.fetch.session.eviction.ms). */
enum { EVICT_AFTER_MS = 120000 };
/* Partitions that all sessions remember together. */
enum { PARTS_MAX = 262144 };

struct fetch_sessions {
	struct map by_id;
	struct list by_use;
	int n, slots, parts_n;
};

struct fetch_sessions *
fetch_sessions_new(int slots)
{
	struct fetch_sessions *ss = xcalloc(1, sizeof(*ss));

	ss->slots = slots;
	list_init(&ss->by_use);
	return ss;
}

static void
free_part(struct fetch_session *s, struct fetch_part *p)
{
	map_del(&s->by_key, p->key);
	list_remove(&p->node);
	s->parts_n--;
	(*s->all_parts_n)--;
	free(p);
}

static void
free_session(struct fetch_session *s)
{
	while (!list_is_empty(&s->parts))
		free_part(s, container_of(s->parts.next, struct fetch_part, node));
	map_release(&s->by_key);
	free(s);
}

void
fetch_session_close(struct fetch_sessions *ss, struct fetch_session *s)
{
	map_del(&ss->by_id, slice_make(s->id_key, sizeof(s->id_key)));
	list_remove(&s->node);
	ss->n--;
	s->closed = true;
	if (!s->busy)
		free_session(s);
}

int
fetch_sessions_count(const struct fetch_sessions *ss, int *partitions)
{
	*partitions = ss->parts_n;
	return ss->n;
}

void
fetch_sessions_free(struct fetch_sessions *ss)
{
	while (!list_is_empty(&ss->by_use))
		fetch_session_close(ss, container_of(ss->by_use.next,
			struct fetch_session, node));
	map_release(&ss->by_id);
	free(ss);
}

/* Room for one more, or false. */
static bool
make_room(struct fetch_sessions *ss, int64_t now_ms)
{
	struct list *l;

	if (ss->n < ss->slots)
		return true;
	for (l = ss->by_use.next; l != &ss->by_use; l = l->next) {
		struct fetch_session *s = container_of(l, struct fetch_session, node);

		if (now_ms - s->used_at < EVICT_AFTER_MS)
			return false;
		if (!s->busy) {
			fetch_session_close(ss, s);
			return true;
		}
	}
	return false;
}

static struct fetch_session *
lookup(struct fetch_sessions *ss, int32_t id)
{
	uint8_t key[4];

	be32_put(key, (uint32_t)id);
	return map_get(&ss->by_id, slice_make(key, sizeof(key)));
}

struct fetch_session *
fetch_session_open(struct fetch_sessions *ss, bool by_id, int64_t now_ms)
{
	struct fetch_session *s;
	uint32_t id;

	if (!make_room(ss, now_ms))
		return NULL;
	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return NULL;
		id &= INT32_MAX;
	} while (!id || lookup(ss, (int32_t)id));
	s = xcalloc(1, sizeof(*s));
	s->id = (int32_t)id;
	s->epoch = 1;
	s->by_id = by_id;
	s->used_at = now_ms;
	s->all_parts_n = &ss->parts_n;
	be32_put(s->id_key, id);
	list_init(&s->parts);
	map_put(&ss->by_id, slice_make(s->id_key, sizeof(s->id_key)), s);
	list_append(&ss->by_use, &s->node);
	ss->n++;
	return s;
}

struct fetch_session *
fetch_session_find(struct fetch_sessions *ss, int32_t id, int64_t now_ms)
{
	struct fetch_session *s = lookup(ss, id);

	if (s) {
		s->used_at = now_ms;
		list_remove(&s->node);
		list_append(&ss->by_use, &s->node);
	}
	return s;
}

void
fetch_session_hold(struct fetch_session *s)
{
	s->busy++;
}

void
fetch_session_drop(struct fetch_session *s)
{
	if (!--s->busy && s->closed)
		free_session(s);
}

enum { KEY_MAX = 4 + 16 + 256 };

/* Topic id or name behind the partition: neither contains the other's form, as a session has one kind only. */
static struct slice
make_key(const struct fetch_part *p, uint8_t out[KEY_MAX])
{
	struct slice topic = slice_is_null(p->topic) ?
		slice_make(p->topic_id.b, sizeof(p->topic_id.b)) : p->topic;
	size_t n = topic.len < KEY_MAX - 4 ? topic.len : KEY_MAX - 4;

	be32_put(out, (uint32_t)p->partition);
	if (n)
		memcpy(out + 4, topic.data, n);
	return slice_make(out, n + 4);
}

bool
fetch_session_put(struct fetch_session *s, const struct fetch_part *from)
{
	uint8_t key[KEY_MAX];
	struct slice k = make_key(from, key);
	struct fetch_part *p = map_get(&s->by_key, k);
	uint8_t *own;

	if (!p && *s->all_parts_n >= PARTS_MAX)
		return false;
	if (!p) {
		/* one block: the part, its key, and in the key its name */
		p = xcalloc(1, sizeof(*p) + k.len);
		own = (uint8_t *)(p + 1);
		memcpy(own, k.data, k.len);
		p->key = slice_make(own, k.len);
		p->partition = from->partition;
		p->topic_id = from->topic_id;
		if (!slice_is_null(from->topic))
			p->topic = slice_make(own + 4, k.len - 4);
		p->told_high_watermark = p->told_log_start = -1;
		map_put(&s->by_key, p->key, p);
		list_append(&s->parts, &p->node);
		s->parts_n++;
		(*s->all_parts_n)++;
	}
	p->leader_epoch = from->leader_epoch;
	p->offset = from->offset;
	p->max_bytes = from->max_bytes;
	return true;
}

void
fetch_session_forget(struct fetch_session *s, const struct fetch_part *from)
{
	uint8_t key[KEY_MAX];
	struct fetch_part *p = map_get(&s->by_key, make_key(from, key));

	if (p)
		free_part(s, p);
}
