/*
 * meta.c - the changes that can be asked for: their checks, and what they do.
 */
#include "meta/meta.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "meta/meta_log.h"
#include "meta/state.h"
#include "wire/errors.h"

enum { PRODUCER_BLOCK = 1000 }; /* ids reserved by one record */

static int16_t
attach_new(struct meta *m, const struct topic *t, struct partlog **logs,
	int32_t from, int32_t to, struct arena *a, const char **why)
{
	struct err e = ERR_INIT;

	if (meta_attach(m, t, logs, from, to, &e) == 0)
		return 0;
	*why = arena_printf(a, "%s", e.msg);
	return KERR_KAFKA_STORAGE_ERROR;
}

static int16_t
check_room(struct meta *m, int64_t more, struct arena *a, const char **why)
{
	if (m->changes_partitions + more > META_MAX_OPERATION) {
		*why = "Excessively large number of partitions per request.";
		return KERR_POLICY_VIOLATION;
	}
	if (m->partitions_n + m->changes_partitions + more > META_MAX_PARTITIONS) {
		*why = arena_printf(a, "kc-broker keeps at most %d partitions "
			"and has %" PRId64 " (delete topics, or use Apache Kafka)",
			META_MAX_PARTITIONS, m->partitions_n);
		return KERR_POLICY_VIOLATION;
	}
	return 0;
}

static const char *
unknown_config(struct slice name, struct arena *a)
{
	struct near near = near_init(name);
	int n;
	const struct topic_config *all = topic_configs(&n);

	for (int i = 0; i < n; i++)
		if (!all[i].hidden)
			near_offer(&near, all[i].name);
	return near.name ? arena_printf(a, "Unknown topic config name: %.*s (did "
			"you mean %s?)", SLICE_ARG(name), near.name) :
		arena_printf(a, "Unknown topic config name: %.*s", SLICE_ARG(name));
}

/* Applies the changes to a set of overrides and checks the outcome. */
static int16_t
change_configs(struct meta *m, struct map *configs,
	const struct config_change *changes, int n, struct arena *a,
	const char **why)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < n; i++) {
		const struct topic_config *c = topic_config(changes[i].name);

		if (!c) {
			*why = unknown_config(changes[i].name, a);
			return KERR_INVALID_CONFIG;
		}
		if (slice_is_null(changes[i].value)) {
			topic_config_del(configs, c);
			continue;
		}
		if (topic_config_check(c, changes[i].value, &e) < 0)
			goto bad;
		topic_config_put(configs, c, changes[i].value);
	}
	if (topic_config_check_all(configs, m->config, &e) == 0)
		return 0;
bad:
	*why = arena_printf(a, "%s", e.msg);
	return KERR_INVALID_CONFIG;
}

static int16_t
check_new_topic(struct meta *m, struct slice name, int32_t partitions,
	struct arena *a, const char **why)
{
	int16_t error = meta_check_name(name, why);
	const struct topic *other;

	if (error)
		return error;
	/* The first has a log that is not a topic's, the second has one in Kafka. */
	if (slice_eq_str(name, partlog_topic(m->log)) ||
	    slice_eq_str(name, "__cluster_metadata")) {
		*why = arena_printf(a, "Creation of internal topic %.*s is "
			"prohibited.", SLICE_ARG(name));
		return KERR_INVALID_REQUEST;
	}
	other = meta_find_alike(m, name);
	if (other && slice_eq_str(name, other->name)) {
		*why = arena_printf(a, "Topic '%s' already exists.", other->name);
		return KERR_TOPIC_ALREADY_EXISTS;
	}
	if (other) {
		*why = arena_printf(a, "Topic '%.*s' collides with existing topic: "
			"%s", SLICE_ARG(name), other->name);
		return KERR_INVALID_TOPIC_EXCEPTION;
	}
	if (partitions <= 0) {
		*why = "Number of partitions was set to an invalid non-positive value.";
		return KERR_INVALID_PARTITIONS;
	}
	return check_room(m, partitions, a, why);
}

int16_t
meta_create_topic(struct meta *m, struct slice name, int32_t partitions,
	const struct config_change *configs, int configs_n, bool internal,
	bool validate_only, struct arena *a, struct topic **out,
	uint64_t *commit, const char **why)
{
	bool is_alone;
	struct uuid id;
	struct topic *t;
	int16_t error;

	*out = NULL;
	*commit = 0;
	*why = NULL;
	if (partitions == -1)
		partitions = (int32_t)config_get_int64(m->config, "num.partitions");
	error = check_new_topic(m, name, partitions, a, why);
	if (error)
		return error;

	id = uuid_random();
	t = topic_new(name, &id);
	t->internal |= internal;
	error = change_configs(m, &t->configs, configs, configs_n, a, why);
	if (error || validate_only)
		goto out;
	t->partitions = xcalloc((size_t)partitions, sizeof(struct partlog *));
	error = attach_new(m, t, t->partitions, 0, partitions, a, why);
	if (error)
		goto out;
	t->partitions_n = partitions;

	is_alone = meta_alone(m);
	meta_change(m, CHANGE_CREATE, t);
	map_put(&m->creating, slice_str(t->folded), t);
	m->changes_partitions += partitions;
	meta_log_put_topic(&m->batch, clock_wall_ms(m->clock), t, partitions,
		&t->configs);
	*out = t;
	error = meta_finish(m, is_alone, commit, why);
	if (error)
		*out = NULL;
	return error;
out:
	topic_free(t);
	return error;
}

int16_t
meta_delete_topic(struct meta *m, struct topic *t, uint64_t *commit)
{
	bool is_alone = meta_alone(m);
	const char *why;

	meta_change(m, CHANGE_DELETE, t);
	meta_log_put_deletion(&m->batch, clock_wall_ms(m->clock), &t->id);
	return meta_finish(m, is_alone, commit, &why);
}

static int16_t
check_growth(struct meta *m, const struct topic *t, int32_t total,
	struct arena *a, const char **why)
{
	if (total == t->partitions_n) {
		*why = arena_printf(a, "Topic already has %" PRId32 " partition(s).",
			t->partitions_n);
		return KERR_INVALID_PARTITIONS;
	}
	if (total < t->partitions_n) {
		*why = arena_printf(a, "The topic %s currently has %" PRId32
			" partition(s); %" PRId32 " would not be an increase.",
			t->name, t->partitions_n, total);
		return KERR_INVALID_PARTITIONS;
	}
	return check_room(m, (int64_t)total - t->partitions_n, a, why);
}

int16_t
meta_add_partitions(struct meta *m, struct topic *t, int32_t total,
	bool validate_only, struct arena *a, uint64_t *commit, const char **why)
{
	int16_t error;
	struct partlog **logs;
	struct change *c;
	bool is_alone;

	*commit = 0;
	*why = NULL;
	error = check_growth(m, t, total, a, why);
	if (error || validate_only)
		return error;
	logs = xcalloc((size_t)total, sizeof(struct partlog *));
	memcpy(logs, t->partitions,
		(size_t)t->partitions_n * sizeof(struct partlog *));
	error = attach_new(m, t, logs, t->partitions_n, total, a, why);
	if (error) {
		free(logs);
		return error;
	}
	is_alone = meta_alone(m);
	c = meta_change(m, CHANGE_GROW, t);
	c->partitions = logs;
	c->partitions_n = total;
	m->changes_partitions += total - t->partitions_n;
	meta_log_put_topic(&m->batch, clock_wall_ms(m->clock), t, total,
		&t->configs);
	return meta_finish(m, is_alone, commit, why);
}

int16_t
meta_alter_topic(struct meta *m, struct topic *t,
	const struct config_change *changes, int changes_n, bool validate_only,
	struct arena *a, uint64_t *commit, const char **why)
{
	struct map configs = { 0 };
	bool is_alone;
	int16_t error;

	*commit = 0;
	*why = NULL;
	topic_config_copy(&configs, &t->configs);
	error = change_configs(m, &configs, changes, changes_n, a, why);
	if (error || validate_only) {
		topic_config_release(&configs);
		return error;
	}
	is_alone = meta_alone(m);
	meta_change(m, CHANGE_CONFIGS, t)->configs = configs;
	meta_log_put_topic(&m->batch, clock_wall_ms(m->clock), t,
		t->partitions_n, &configs);
	return meta_finish(m, is_alone, commit, why);
}

int16_t
meta_next_producer_id(struct meta *m, int64_t *id, uint64_t *commit)
{
	struct append_result r = { 0 };

	if (m->producer_next == m->producer_end) {
		batch_begin(&m->batch);
		meta_log_put_producers(&m->batch, clock_wall_ms(m->clock),
			m->producer_end + PRODUCER_BLOCK);
		if (meta_append(m, &r))
			return r.error;
		m->producer_end += PRODUCER_BLOCK;
		m->producer_commit = r.commit;
	}
	*id = m->producer_next++;
	*commit = m->producer_commit;
	return 0;
}

void
meta_on_delete(struct meta *m, void (*fn)(void *arg, struct topic *t), void *arg)
{
	struct delete_hook *h = xcalloc(1, sizeof(*h));

	h->fn = fn;
	h->arg = arg;
	h->next = m->hooks;
	m->hooks = h;
}
