#include "api/config_alter.h"

#include "api/config_resource.h"
#include "base/buf.h"
#include "base/map.h"
#include "broker.h"
#include "log.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "net/request.h"
#include "wire/errors.h"

struct config_alter *
config_alter_new(struct request *rq, int32_t n)
{
	struct config_alter *all = arena_alloc(&rq->arena, sizeof(*all));

	all->items = arena_array(&rq->arena, (size_t)n, sizeof(*all->items));
	all->n = n;
	return all;
}

void
config_alter_resource(struct request *rq, struct config_alteration *item,
	int8_t type, struct slice name, int32_t ops_n)
{
	item->type = type;
	item->name = arena_copy(&rq->arena, name);
	item->ops = arena_array(&rq->arena, (size_t)ops_n, sizeof(*item->ops));
	item->ops_n = ops_n;
}

static void
fail(struct config_alteration *item, int16_t error, const char *why)
{
	item->error = error;
	item->message = slice_str(why ? why : kerr_message(error));
}

/* ---- operations on lists -------------------------------------------------- */

static bool
list_has(struct slice list, struct slice item)
{
	struct slice other;

	while (topic_config_item(&list, &other))
		if (slice_eq(other, item))
			return true;
	return false;
}

static void
list_add(struct buf *out, struct slice item)
{
	if (!item.len || list_has(buf_slice(out), item))
		return;
	if (out->len)
		buf_addc(out, ',');
	buf_addslice(out, item);
}

/* The value in force. */
static struct slice
value_of(struct request *rq, const struct config_alteration *item,
	const struct topic *t, struct slice name)
{
	const struct config *config = rq->broker->config;
	struct slice set = SLICE_NULL;
	char tmp[TOPIC_CONFIG_TEXT];
	const char *key;

	if (t)
		return arena_copy(&rq->arena, slice_str(topic_config_get(&t->configs,
			config, topic_config(name), tmp)));
	key = arena_printf(&rq->arena, "%.*s", SLICE_ARG(name));
	set = settings_get(meta_settings(rq->broker->meta,
		(enum settings_kind)item->type, item->name), key);
	if (set.data || item->type != RESOURCE_BROKER)
		return set.data ? set : slice_str("");
	return slice_str(config_get(config, key));
}

/* That list, with or without the items given. */
static struct slice
edit_list(struct request *rq, struct slice rest, int op, struct slice items)
{
	struct buf list = BUF_INIT;
	struct slice item;

	while (topic_config_item(&rest, &item))
		if (op == CONFIG_OP_APPEND || !list_has(items, item))
			list_add(&list, item);
	while (op == CONFIG_OP_APPEND && topic_config_item(&items, &item))
		list_add(&list, item);
	rest = arena_copy(&rq->arena, buf_slice(&list));
	buf_release(&list);
	return rest;
}

static int16_t
refuse_list(struct request *rq, const struct config_alteration *item,
	const struct config_op *in, const char **why)
{
	bool append = in->op == CONFIG_OP_APPEND;

	if (item->type == RESOURCE_BROKER_LOGGER) {
		*why = arena_printf(&rq->arena, "%s operation is not allowed for "
			"the BROKER_LOGGER resource", append ? "APPEND" : "SUBTRACT");
		return KERR_INVALID_REQUEST;
	}
	*why = arena_printf(&rq->arena, "Can't %s key %.*s because its type is "
		"not LIST.", append ? "APPEND to" : "SUBTRACT from",
		SLICE_ARG(in->name));
	return KERR_INVALID_CONFIG;
}

/* ---- from operations to changes ------------------------------------------- */

static int16_t
to_change(struct request *rq, const struct config_alteration *item,
	const struct topic *t, const struct config_op *in,
	struct config_change *out, const char **why)
{
	out->name = in->name;
	out->value = in->value;
	if (in->op < CONFIG_OP_SET || in->op > CONFIG_OP_SUBTRACT) {
		*why = arena_printf(&rq->arena, "Unknown config operation %d",
			in->op);
		return KERR_INVALID_REQUEST;
	}
	if (in->op == CONFIG_OP_DELETE) {
		out->value = SLICE_NULL;
		return 0;
	}
	if (slice_is_null(in->value)) {
		*why = arena_printf(&rq->arena, "Null value not supported for : "
			"%.*s", SLICE_ARG(in->name));
		return KERR_INVALID_REQUEST;
	}
	/* The unknown name of a topic's config is refused with the change. */
	if (in->op == CONFIG_OP_SET || (t && !topic_config(in->name)))
		return 0;
	if (!config_resource_is_list(item->type, in->name))
		return refuse_list(rq, item, in, why);
	out->value = edit_list(rq, value_of(rq, item, t, in->name), in->op,
		in->value);
	return 0;
}

/* What is set and not given is dropped. */
static int
add_missing(const struct request *rq, const struct config_alteration *item,
	const struct topic *t, const struct map *given, struct config_change *changes,
	int n)
{
	const struct settings *s = t ? NULL : meta_settings(rq->broker->meta,
		(enum settings_kind)item->type, item->name);
	const struct topic_config_value *v;
	const struct setting *one;

	for (size_t i = 0; t && (v = map_next(&t->configs, &i)); )
		if (!map_get(given, slice_str(v->config->name)))
			changes[n++].name = slice_str(v->config->name);
	for (size_t i = 0; s && (one = map_next(&s->values, &i)); )
		if (!map_get(given, one->key))
			changes[n++].name = one->key;
	return n;
}

static size_t
count_set(const struct request *rq, const struct config_alteration *item,
	const struct topic *t)
{
	const struct settings *s = t ? NULL : meta_settings(rq->broker->meta,
		(enum settings_kind)item->type, item->name);

	return t ? t->configs.len : s ? s->values.len : 0;
}

static int16_t
to_changes(struct request *rq, const struct config_alter *all,
	const struct config_alteration *item, const struct topic *t,
	struct config_change **out, int *n, const char **why)
{
	struct config_change *changes = arena_array(&rq->arena,
		(size_t)item->ops_n + count_set(rq, item, t), sizeof(*changes));
	struct map given = { 0 };
	int16_t error = 0;

	*n = 0;
	for (int i = 0; i < item->ops_n && !error; i++) {
		struct config_change *c = &changes[*n];

		if (map_put(&given, item->ops[i].name, c)) {
			*why = "Error due to duplicate config keys";
			error = KERR_INVALID_REQUEST;
			break;
		}
		error = to_change(rq, item, t, &item->ops[i], c, why);
		/* Kafka drops what a topic cannot have without a word. */
		*n += !(t && slice_is_null(c->value) && !topic_config(c->name));
	}
	if (!error && all->replace)
		*n = add_missing(rq, item, t, &given, changes, *n);
	map_release(&given);
	*out = changes;
	return error;
}

/* ---- acting --------------------------------------------------------------- */

static int16_t
alter_settings(struct request *rq, const struct config_alter *all,
	const struct config_alteration *item, const struct config_change *changes,
	int n, const char **why)
{
	uint64_t commit;
	int16_t error;

	for (int i = 0; i < n; i++) {
		error = config_resource_check(rq->broker, item->type, &changes[i],
			&rq->arena, why);
		if (error)
			return error;
	}
	if (all->validate_only)
		return 0;
	if (item->type != RESOURCE_BROKER_LOGGER)
		return meta_alter_settings(rq->broker->meta,
			(enum settings_kind)item->type, item->name, changes, n,
			&commit, why);
	for (int i = 0; i < n; i++)
		log_set_level((enum log_level)log_level_of_kafka(changes[i].value));
	return 0;
}

static int16_t
alter(struct request *rq, const struct config_alter *all,
	const struct config_alteration *item, bool is_repeated, const char **why)
{
	struct config_change *changes;
	struct topic *t;
	uint64_t commit;
	int16_t error;
	int n;

	if (is_repeated) {
		*why = "Each resource must appear at most once.";
		return KERR_INVALID_REQUEST;
	}
	if (all->replace && item->type == RESOURCE_BROKER_LOGGER) {
		*why = "Unknown resource type 8";
		return KERR_INVALID_REQUEST;
	}
	if ((error = config_resource_find(rq->broker, item->type, item->name,
	    &rq->arena, &t, why)) ||
	    (error = to_changes(rq, all, item, t, &changes, &n, why)))
		return error;
	if (t)
		return meta_alter_topic(rq->broker->meta, t, changes, n,
			all->validate_only, &rq->arena, &commit, why);
	return alter_settings(rq, all, item, changes, n, why);
}

static void
alter_each(struct request *rq, struct config_alter *all)
{
	struct map first = { 0 }, again = { 0 };

	for (int i = 0; i < all->n; i++) {
		struct slice key = config_resource_key(&rq->arena,
			all->items[i].type, all->items[i].name);

		if (map_put(&first, key, &all->items[i]))
			map_put(&again, key, &all->items[i]);
	}
	for (int i = 0; i < all->n; i++) {
		const char *why = NULL;
		int16_t error = alter(rq, all, &all->items[i], map_get(&again,
			config_resource_key(&rq->arena, all->items[i].type,
			all->items[i].name)) != NULL, &why);

		all->items[i].message = SLICE_NULL;
		if (error)
			fail(&all->items[i], error, why);
	}
	map_release(&first);
	map_release(&again);
}

static void
on_commit(struct request *rq, int16_t error)
{
	struct config_alter *all = rq->state;

	for (int i = 0; error && i < all->n; i++)
		if (!all->items[i].error)
			fail(&all->items[i], error, NULL);
	all->write(rq, all);
	request_finish(rq);
}

void
config_alter_run(struct request *rq, struct config_alter *all)
{
	uint64_t commit;
	int16_t error;

	rq->state = all;
	meta_begin(rq->broker->meta);
	alter_each(rq, all);
	error = meta_end(rq->broker->meta, &commit);
	for (int i = 0; error && i < all->n; i++)
		if (!all->items[i].error)
			fail(&all->items[i], error, NULL);
	request_wait_commit(rq, commit, on_commit);
}
