/*
 * configs.c - configurations of topics and brokers: reading and changing.
 * AlterConfigs replaces everything that is set on a topic, so a librdkafka
 * without IncrementalAlterConfigs (before 2.2) needs a read in front of it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/admin.h"
#include "kafka/request.h"

enum { AGAIN_MS = 50 };

static int
by_name(const void *a, const void *b)
{
	const struct admin_config *p = a, *q = b;

	return strcmp(p->name, q->name);
}

static bool
is_override(enum admin_resource kind, rd_kafka_ConfigSource_t source)
{
	if (kind == ADMIN_TOPIC)
		return source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
	return source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG ||
		source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG ||
		source == RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG;
}

static void
copy_configs(enum admin_resource kind, const rd_kafka_ConfigResource_t *res,
	struct admin_configs *out)
{
	size_t n;
	const rd_kafka_ConfigEntry_t **entries =
		rd_kafka_ConfigResource_configs(res, &n);

	*out = (struct admin_configs){ 0 };
	out->items = xcalloc(n, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);
		rd_kafka_ConfigSource_t source =
			rd_kafka_ConfigEntry_source(entries[i]);

		out->items[out->n++] = (struct admin_config){
			.name = xstrdup(rd_kafka_ConfigEntry_name(entries[i])),
			.value = value ? xstrdup(value) : NULL,
			.is_override = is_override(kind, source),
			.is_default = source == RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG,
			.is_read_only = rd_kafka_ConfigEntry_is_read_only(entries[i]) > 0,
			.is_sensitive = rd_kafka_ConfigEntry_is_sensitive(entries[i]) > 0,
		};
	}
	qsort(out->items, n, sizeof(*out->items), by_name);
}

static int
ask(struct client *c, enum admin_resource kind, const char *name,
	int timeout_ms, struct admin_configs *out, struct err *e)
{
	const struct admin_options o = { .timeout_ms = timeout_ms };
	const rd_kafka_ConfigResource_t **got, *res = NULL;
	rd_kafka_ConfigResource_t *want = rd_kafka_ConfigResource_new(
		kind == ADMIN_TOPIC ? RD_KAFKA_RESOURCE_TOPIC :
		RD_KAFKA_RESOURCE_BROKER, name);
	struct request r;
	size_t n;

	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, &o, e)) {
		rd_kafka_DescribeConfigs(client_handle(c), &want, 1, r.options,
			r.queue);
		if (!request_wait(&r, e)) {
			got = rd_kafka_DescribeConfigs_result_resources(
				rd_kafka_event_DescribeConfigs_result(r.event), &n);
			res = request_resource(&r, got, n, e);
			if (res)
				copy_configs(kind, res, out);
		}
	}
	request_release(&r);
	rd_kafka_ConfigResource_destroy(want);
	return res ? 0 : -1;
}

/* Unlike Metadata, librdkafka does not send this again on another connection. */
int
admin_configs(struct client *c, enum admin_resource kind, const char *name,
	int timeout_ms, struct admin_configs *out, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout_ms, left = timeout_ms;

	while (ask(c, kind, name, left < 1 ? 1 : (int)left, out, e)) {
		left = end - clock_mono_ms(clock);
		if (e->code != ERR_TEMPORARY || sig_caught() || left <= AGAIN_MS)
			return -1;
		*e = (struct err)ERR_INIT;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, AGAIN_MS);
	}
	return 0;
}

void
admin_configs_release(struct admin_configs *k)
{
	for (int i = 0; i < k->n; i++) {
		free(k->items[i].name);
		free(k->items[i].value);
	}
	free(k->items);
	*k = (struct admin_configs){ 0 };
}

const struct admin_config *
admin_configs_find(const struct admin_configs *k, const char *name)
{
	struct admin_config want = { .name = (char *)(uintptr_t)name };

	return k->n ? bsearch(&want, k->items, (size_t)k->n, sizeof(want), by_name)
		: NULL;
}

#if RD_KAFKA_VERSION >= 0x020200ff

int
admin_alter(struct client *c, const char *topic,
	const struct admin_change *changes, int n,
	const struct admin_options *o, struct err *e)
{
	const rd_kafka_ConfigResource_t **got, *done = NULL;
	rd_kafka_ConfigResource_t *res =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	struct request r;
	size_t got_n;

	for (int i = 0; i < n; i++) {
		rd_kafka_error_t *bad = rd_kafka_ConfigResource_add_incremental_config(
			res, changes[i].name, changes[i].value ?
			RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET :
			RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, changes[i].value);

		if (bad) {
			err_set(e, ERR_USAGE, "config '%s': %s",
				changes[i].name, rd_kafka_error_string(bad));
			rd_kafka_error_destroy(bad);
			rd_kafka_ConfigResource_destroy(res);
			return -1;
		}
	}
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, o, e)) {
		rd_kafka_IncrementalAlterConfigs(client_handle(c), &res, 1,
			r.options, r.queue);
		if (!request_wait(&r, e)) {
			got = rd_kafka_IncrementalAlterConfigs_result_resources(
				rd_kafka_event_IncrementalAlterConfigs_result(
				r.event), &got_n);
			done = request_resource(&r, got, got_n, e);
		}
	}
	request_release(&r);
	rd_kafka_ConfigResource_destroy(res);
	return done ? 0 : -1;
}

#else

static const struct admin_change *
find_change(const struct admin_change *changes, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(changes[i].name, name))
			return &changes[i];
	return NULL;
}

/* The same names set to the same values. */
static bool
same_overrides(const struct admin_configs *a, const struct admin_configs *b)
{
	int i = 0, j = 0;

	for (;; i++, j++) {
		while (i < a->n && !a->items[i].is_override)
			i++;
		while (j < b->n && !b->items[j].is_override)
			j++;
		if (i == a->n || j == b->n)
			return i == a->n && j == b->n;
		if (strcmp(a->items[i].name, b->items[j].name) ||
		    !slice_eq(slice_str(a->items[i].value),
		    slice_str(b->items[j].value)))
			return false;
	}
}

/* Replaces what is set on the topic by `now` with the changes applied. */
static int
replace_configs(struct client *c, const char *topic,
	const struct admin_configs *now, const struct admin_change *changes,
	int n, const struct admin_options *o, struct err *e)
{
	const rd_kafka_ConfigResource_t **got, *done = NULL;
	rd_kafka_ConfigResource_t *res =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	struct request r;
	size_t got_n;

	for (int i = 0; i < now->n; i++)
		if (now->items[i].is_override &&
		    !find_change(changes, n, now->items[i].name))
			rd_kafka_ConfigResource_set_config(res,
				now->items[i].name, now->items[i].value);
	for (int i = 0; i < n; i++)
		if (changes[i].value)
			rd_kafka_ConfigResource_set_config(res,
				changes[i].name, changes[i].value);
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, o, e)) {
		rd_kafka_AlterConfigs(client_handle(c), &res, 1, r.options, r.queue);
		if (!request_wait(&r, e)) {
			got = rd_kafka_AlterConfigs_result_resources(
				rd_kafka_event_AlterConfigs_result(r.event), &got_n);
			done = request_resource(&r, got, got_n, e);
		}
	}
	request_release(&r);
	rd_kafka_ConfigResource_destroy(res);
	return done ? 0 : -1;
}

int
admin_alter(struct client *c, const char *topic,
	const struct admin_change *changes, int n,
	const struct admin_options *o, struct err *e)
{
	struct admin_configs before = { 0 }, now = { 0 };
	int ret = -1;

	if (admin_configs(c, ADMIN_TOPIC, topic, o->timeout_ms, &before, e) ||
	    replace_configs(c, topic, &before, changes, n,
	    &(struct admin_options){ o->timeout_ms, true }, e))
		goto out;
	if (o->dry_run) {
		ret = 0;
		goto out;
	}
	/* The check above took time: has anyone else written since? */
	if (admin_configs(c, ADMIN_TOPIC, topic, o->timeout_ms, &now, e))
		goto out;
	if (same_overrides(&before, &now))
		ret = replace_configs(c, topic, &now, changes, n, o, e);
	else
		err_set(e, ERR_FAILED, "its configs were changed by someone "
			"else at the same time (run it again)");
out:
	admin_configs_release(&before);
	admin_configs_release(&now);
	return ret;
}

#endif
