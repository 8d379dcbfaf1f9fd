/*
 * changes.c - what was asked for goes into the log as one batch, and into
 * memory when the log has taken it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "meta/state.h"

static void
detach(struct meta *m, struct partlog **logs, int32_t from, int32_t to)
{
	for (int32_t i = from; i < to; i++)
		store_detach(m->store, logs[i]);
}

static struct log_config
log_config(const struct meta *m, const struct map *overrides)
{
	struct log_config c = m->defaults;

	if (overrides->len)
		topic_config_log(overrides, m->config, &c);
	return c;
}

int
meta_attach(struct meta *m, const struct topic *t, struct partlog **logs,
	int32_t from, int32_t to, struct err *e)
{
	struct log_config c = log_config(m, &t->configs);

	for (int32_t i = from; i < to; i++) {
		if (store_attach(m->store, &t->id, slice_str(t->name), i, &c,
		    &logs[i], e) == 0)
			continue;
		detach(m, logs, from, i);
		return err_wrap(e, "partition '%s-%" PRId32 "'", t->name, i);
	}
	return 0;
}

static void
trim_log(struct meta *m)
{
	int64_t start;
	uint64_t commit;

	if (partlog_start(m->log) < m->header_at &&
	    partlog_high_watermark(m->log) > m->header_at &&
	    store_committed(m->store) >= m->header_commit)
		partlog_delete_records(m->log, m->header_at, &start, &commit);
}

void
meta_defaults_changed(struct meta *m)
{
	static const struct map no_overrides;

	topic_config_log(&no_overrides, m->config, &m->defaults);
	for (int i = 0; i < m->topics_n; i++) {
		const struct topic *t = m->topics[i];
		struct log_config c = log_config(m, &t->configs);

		for (int32_t k = 0; k < t->partitions_n; k++)
			partlog_set_config(t->partitions[k], &c);
	}
}

void
meta_begin(struct meta *m)
{
	m->grouped = true;
	batch_begin(&m->batch);
}

struct change *
meta_change(struct meta *m, enum change_kind kind, struct topic *t)
{
	struct change *c;

	if (m->changes_n == m->changes_cap) {
		m->changes_cap = m->changes_cap ? m->changes_cap * 2 : 8;
		m->changes = xreallocarray(m->changes, (size_t)m->changes_cap,
			sizeof(*m->changes));
	}
	c = &m->changes[m->changes_n++];
	*c = (struct change){ .kind = kind, .topic = t };
	return c;
}

static void
delete_apply(struct meta *m, struct topic *t)
{
	for (struct delete_hook *h = m->hooks; h; h = h->next)
		h->fn(h->arg, t);
	meta_remove_topic(m, t);
	detach(m, t->partitions, 0, t->partitions_n);
	topic_free(t);
}

static void
configs_apply(struct meta *m, struct topic *t, struct map *configs)
{
	struct log_config c = log_config(m, configs);

	topic_config_release(&t->configs);
	t->configs = *configs;
	for (int32_t i = 0; i < t->partitions_n; i++)
		partlog_set_config(t->partitions[i], &c);
}

static void
change_apply(struct meta *m, struct change *c)
{
	struct topic *t = c->topic;

	switch (c->kind) {
	case CHANGE_CREATE:
		meta_add_topic(m, t);
		break;
	case CHANGE_DELETE:
		delete_apply(m, t);
		break;
	case CHANGE_GROW:
		m->partitions_n += c->partitions_n - t->partitions_n;
		m->version++;
		free(t->partitions);
		t->partitions = c->partitions;
		t->partitions_n = c->partitions_n;
		break;
	case CHANGE_CONFIGS:
		configs_apply(m, t, &c->configs);
		break;
	case CHANGE_SETTINGS:
		settings_apply(m, c->settings);
		break;
	}
}

static void
change_drop(struct meta *m, struct change *c)
{
	struct topic *t = c->topic;

	switch (c->kind) {
	case CHANGE_CREATE:
		detach(m, t->partitions, 0, t->partitions_n);
		topic_free(t);
		break;
	case CHANGE_DELETE:
		break;
	case CHANGE_GROW:
		detach(m, c->partitions, t->partitions_n, c->partitions_n);
		free(c->partitions);
		break;
	case CHANGE_CONFIGS:
		topic_config_release(&c->configs);
		break;
	case CHANGE_SETTINGS:
		settings_free(c->settings);
		break;
	}
}

int16_t
meta_append(struct meta *m, struct append_result *r)
{
	batch_finish(&m->batch);
	m->log_bytes += (int64_t)m->batch.out.len;
	partlog_append(m->log, m->batch.out.data, m->batch.out.len,
		APPEND_COORDINATOR, r);
	buf_release(&m->batch.out);
	return r->error;
}

/* Empties the group before its changes are applied: hooks may begin another one. */
static struct change *
take_changes(struct meta *m, int *n)
{
	struct change *changes = m->changes;

	*n = m->changes_n;
	m->changes = NULL;
	m->changes_n = m->changes_cap = 0;
	m->changes_partitions = 0;
	m->grouped = false;
	map_release(&m->creating);
	return changes;
}

int16_t
meta_end(struct meta *m, uint64_t *commit)
{
	struct append_result r = { 0 };
	int n;
	struct change *changes = take_changes(m, &n);

	*commit = 0;
	if (!n) {
		buf_release(&m->batch.out);
		return 0;
	}
	trim_log(m);
	meta_append(m, &r);
	for (int i = 0; i < n; i++) {
		if (r.error)
			change_drop(m, &changes[i]);
		else
			change_apply(m, &changes[i]);
	}
	free(changes);
	if (r.error)
		return r.error;
	*commit = r.commit;
	if (!m->grouped) /* a hook may have begun one */
		meta_shorten_log(m, false, &r); /* or at the next change */
	return 0;
}

bool
meta_alone(struct meta *m)
{
	if (m->grouped)
		return false;
	meta_begin(m);
	return true;
}

int16_t
meta_finish(struct meta *m, bool is_alone, uint64_t *commit, const char **why)
{
	int16_t error;

	*commit = 0;
	if (!is_alone)
		return 0;
	error = meta_end(m, commit);
	if (error)
		*why = "the metadata log cannot be written";
	return error;
}
