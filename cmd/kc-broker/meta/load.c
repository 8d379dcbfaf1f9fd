/*
 * load.c - the metadata log: read at a start, and cut when it has grown long.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "meta/meta_log.h"
#include "meta/state.h"
#include "wire/errors.h"

enum {
	LOG_SEGMENT = 16 << 20, /* bytes; whole old segments go after a snapshot */
	SNAPSHOT_MIN = 1 << 20, /* bytes of log below which no snapshot is worth it */
	SNAPSHOT_FACTOR = 4,    /* log to live state */
};

static int
load_header(void *arg, int64_t offset, const struct uuid *cluster_id,
	struct err *e)
{
	struct meta *m = arg;

	(void)e;
	meta_forget_topics(m);
	settings_forget(m);
	m->cluster_id = *cluster_id;
	m->header_at = offset;
	m->log_bytes = 0;
	return 0;
}

/* The first record of a topic makes it; later ones say how it is now. */
static int
load_topic(void *arg, const struct uuid *id, struct slice name, int32_t partitions,
	const struct config_change *configs, int configs_n, struct err *e)
{
	struct meta *m = arg;
	struct topic *t = meta_topic_by_id(m, id);

	if (partitions < 1 || partitions > META_MAX_PARTITIONS)
		return err_set(e, ERR_CORRUPT, "topic '%.*s' has %" PRId32
			" partitions", SLICE_ARG(name), partitions);
	if (!t) {
		t = topic_new(name, id);
		meta_add_topic(m, t);
	}
	m->partitions_n += partitions - t->partitions_n;
	t->partitions_n = partitions;
	topic_config_release(&t->configs);
	for (int i = 0; i < configs_n; i++) {
		const struct topic_config *c = topic_config(configs[i].name);

		if (!c)
			return err_set(e, ERR_UNSUPPORTED, "topic '%s' has the "
				"unknown config '%.*s' (was it written by a newer "
				"kc-broker?)", t->name, SLICE_ARG(configs[i].name));
		topic_config_put(&t->configs, c, configs[i].value);
	}
	return 0;
}

static int
load_deletion(void *arg, const struct uuid *id, struct err *e)
{
	struct meta *m = arg;
	struct topic *t = meta_topic_by_id(m, id);

	(void)e;
	if (t) {
		meta_remove_topic(m, t);
		topic_free(t);
	}
	return 0;
}

static int
load_producers(void *arg, int64_t next, struct err *e)
{
	struct meta *m = arg;

	(void)e;
	m->producer_next = m->producer_end = next;
	return 0;
}

static int
load_settings(void *arg, int8_t kind, struct slice name,
	const struct config_change *values, int n, struct err *e)
{
	struct meta *m = arg;
	struct settings *s;

	if (kind < 0 || kind > SETTINGS_QUOTA)
		return err_set(e, ERR_UNSUPPORTED, "settings of the unknown kind %d "
			"(were they written by a newer kc-broker?)", kind);
	s = settings_new((enum settings_kind)kind, name);
	for (int i = 0; i < n; i++)
		settings_put(s, values[i].name, values[i].value);
	settings_apply(m, s);
	return 0;
}

static const struct meta_log_reader loader = {
	load_header, load_topic, load_deletion, load_producers, load_settings,
};

struct load {
	struct meta *m;
	struct arena arena;
	struct err *e;
};

static int
load_record(void *arg, const struct log_record *r)
{
	struct load *l = arg;
	int error = r->control ? 0 :
		meta_log_read(r, &l->arena, &loader, l->m, l->e);

	arena_reset(&l->arena);
	l->m->log_bytes += (int64_t)(r->key.len + r->value.len);
	return error;
}

static int
load(struct meta *m, struct err *e)
{
	struct load l = { .m = m, .e = e };
	int error;

	error = partlog_scan(m->log, partlog_start(m->log), load_record, &l, e);
	arena_release(&l.arena);
	return error ? err_wrap(e, "metadata log") : 0;
}

static int
attach_all(struct meta *m, struct err *e)
{
	for (int i = 0; i < m->topics_n; i++) {
		struct topic *t = m->topics[i];

		t->partitions = xcalloc((size_t)t->partitions_n,
			sizeof(struct partlog *));
		if (meta_attach(m, t, t->partitions, 0, t->partitions_n, e) < 0)
			return -1;
	}
	return 0;
}

/* Everything there is, in one batch, so that it is there whole or not at all. */
static void
build_snapshot(struct meta *m)
{
	int64_t now = clock_wall_ms(m->clock);
	const struct settings *s;

	batch_begin(&m->batch);
	meta_log_put_header(&m->batch, now, &m->cluster_id);
	if (m->producer_end)
		meta_log_put_producers(&m->batch, now, m->producer_end);
	for (size_t i = 0; (s = meta_settings_next(m, &i)); )
		meta_log_put_settings(&m->batch, now, s);
	for (int i = 0; i < m->topics_n; i++) {
		const struct topic *t = m->topics[i];

		meta_log_put_topic(&m->batch, now, t, t->partitions_n, &t->configs);
	}
}

int16_t
meta_shorten_log(struct meta *m, bool is_new, struct append_result *r)
{
	int64_t enough = m->log_bytes / SNAPSHOT_FACTOR;

	*r = (struct append_result){ 0 };
	if (!is_new && (m->log_bytes <= SNAPSHOT_MIN || enough <= m->snapshot_bytes))
		return 0;
	build_snapshot(m);
	m->snapshot_bytes = (int64_t)m->batch.out.len;
	if (!is_new && enough <= m->snapshot_bytes) {
		buf_release(&m->batch.out);
		return 0;
	}
	if (meta_append(m, r))
		return r->error;
	m->header_at = r->base_offset;
	m->header_commit = r->commit;
	m->log_bytes = m->snapshot_bytes;
	return 0;
}

/* A new log gets its header. */
static int
begin_log(struct meta *m, struct err *e)
{
	struct append_result r;
	bool is_new = uuid_is_zero(&m->cluster_id);

	if (is_new)
		m->cluster_id = uuid_random();
	if (meta_shorten_log(m, is_new, &r))
		return err_set(e, ERR_IO, "cannot append to the metadata log: "
			"%s", r.message ? r.message : kerr_message(r.error));
	return 0;
}

int
meta_open(struct meta **out, struct store *s, const struct clock *clock,
	const struct config *config, struct err *e)
{
	struct meta *m = xcalloc(1, sizeof(*m));
	static const struct map no_overrides;
	const struct log_config c = {
		.segment_bytes = LOG_SEGMENT,
		.segment_ms = INT64_MAX,
		.retention_ms = -1,
		.retention_bytes = -1,
		.index_interval_bytes = 4096,
		.max_message_bytes = INT32_MAX,
		.timestamp_before_max_ms = INT64_MAX,
		.timestamp_after_max_ms = INT64_MAX,
		.compression = -1,
	};

	m->store = s;
	m->clock = clock;
	m->config = config;
	m->log = store_metadata(s);
	topic_config_log(&no_overrides, config, &m->defaults);
	partlog_set_config(m->log, &c);
	if (load(m, e) < 0 || attach_all(m, e) < 0 || begin_log(m, e) < 0) {
		meta_close(m);
		return -1;
	}
	*out = m;
	return 0;
}

void
meta_close(struct meta *m)
{
	struct delete_hook *next;

	if (!m)
		return;
	for (struct delete_hook *h = m->hooks; h; h = next) {
		next = h->next;
		free(h);
	}
	for (struct settings_hook *h = m->settings_hooks, *after; h; h = after) {
		after = h->next;
		free(h);
	}
	settings_forget(m);
	meta_forget_topics(m);
	free(m->topics);
	free(m);
}
