/*
 * topics.c - the table of topics: by name, by id, in order.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "meta/state.h"

static void
fold(char *name)
{
	for (; *name; name++)
		if (*name == '.')
			*name = '_';
}

struct topic *
topic_new(struct slice name, const struct uuid *id)
{
	struct topic *t = xcalloc(1, sizeof(*t));

	t->name = xmemdup0(name.data, name.len);
	t->folded = xstrdup(t->name);
	fold(t->folded);
	t->id = *id;
	t->internal = meta_is_internal(name);
	return t;
}

/* The logs belong to the store. */
void
topic_free(struct topic *t)
{
	topic_config_release(&t->configs);
	free(t->partitions);
	free(t->folded);
	free(t->name);
	free(t);
}

static struct slice
id_key(const struct uuid *id)
{
	return slice_make(id->b, sizeof(id->b));
}

/* Where a topic of this name is or would be. */
static int
topic_position(const struct meta *m, const char *name)
{
	int lo = 0, hi = m->topics_n;

	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (strcmp(m->topics[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
meta_add_topic(struct meta *m, struct topic *t)
{
	int at = topic_position(m, t->name);

	if (m->topics_n == m->topics_cap) {
		m->topics_cap = m->topics_cap ? m->topics_cap * 2 : 16;
		m->topics = xreallocarray(m->topics, (size_t)m->topics_cap,
			sizeof(struct topic *));
	}
	memmove(m->topics + at + 1, m->topics + at,
		(size_t)(m->topics_n - at) * sizeof(struct topic *));
	m->topics[at] = t;
	m->topics_n++;
	m->version++;
	m->partitions_n += t->partitions_n;
	map_put(&m->by_name, slice_str(t->name), t);
	map_put(&m->by_id, id_key(&t->id), t);
	map_put(&m->by_folded, slice_str(t->folded), t);
}

void
meta_remove_topic(struct meta *m, struct topic *t)
{
	int at = topic_position(m, t->name);

	m->topics_n--;
	m->version++;
	memmove(m->topics + at, m->topics + at + 1,
		(size_t)(m->topics_n - at) * sizeof(struct topic *));
	m->partitions_n -= t->partitions_n;
	map_del(&m->by_name, slice_str(t->name));
	map_del(&m->by_id, id_key(&t->id));
	map_del(&m->by_folded, slice_str(t->folded));
}

void
meta_forget_topics(struct meta *m)
{
	for (int i = 0; i < m->topics_n; i++)
		topic_free(m->topics[i]);
	m->topics_n = 0;
	m->partitions_n = 0;
	map_release(&m->by_name);
	map_release(&m->by_id);
	map_release(&m->by_folded);
}

struct topic *
meta_find_alike(const struct meta *m, struct slice name)
{
	char folded[META_MAX_NAME + 1];
	struct topic *t;

	memcpy(folded, name.data, name.len);
	folded[name.len] = '\0';
	fold(folded);
	t = map_get(&m->by_folded, slice_make(folded, name.len));
	return t ? t : map_get(&m->creating, slice_make(folded, name.len));
}

uint64_t
meta_version(const struct meta *m)
{
	return m->version + 1;
}

struct topic *
meta_topic(const struct meta *m, struct slice name)
{
	return map_get(&m->by_name, name);
}

struct topic *
meta_topic_by_id(const struct meta *m, const struct uuid *id)
{
	return map_get(&m->by_id, id_key(id));
}

struct topic *const *
meta_topics(struct meta *m, int *n)
{
	*n = m->topics_n;
	return m->topics;
}

struct partlog *
topic_partition(const struct topic *t, int32_t partition)
{
	if (partition < 0 || partition >= t->partitions_n)
		return NULL;
	return t->partitions[partition];
}

const struct uuid *
meta_cluster_id(const struct meta *m)
{
	return &m->cluster_id;
}

const struct partlog *
meta_log(const struct meta *m)
{
	return m->log;
}
