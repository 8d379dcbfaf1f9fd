/*
 * IncrementalAlterConfigs (KIP-339): sets and deletes single overrides of a
 * topic, adds items to lists and takes items out of them.
 */
#include "api/api.h"
#include "api/config_resource.h"
#include "base/buf.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { OP_SET, OP_DELETE, OP_APPEND, OP_SUBTRACT };

static void
fail(struct incremental_alter_configs_response_resource *out, int16_t error,
	const char *why)
{
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct incremental_alter_configs_response *resp, int16_t error)
{
	for (int32_t i = 0; i < resp->responses_n; i++)
		if (!resp->responses[i].error_code)
			fail(&resp->responses[i], error, NULL);
}

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

/* The list in force, with or without the items given. */
static struct slice
edit_list(struct request *rq, const struct topic *t, const struct topic_config *c,
	int op, struct slice items)
{
	struct buf list = BUF_INIT;
	char tmp[TOPIC_CONFIG_TEXT];
	struct slice item, rest = slice_str(topic_config_get(&t->configs,
		rq->broker->config, c, tmp));

	while (topic_config_item(&rest, &item))
		if (op == OP_APPEND || !list_has(items, item))
			list_add(&list, item);
	while (op == OP_APPEND && topic_config_item(&items, &item))
		list_add(&list, item);
	rest = arena_copy(&rq->arena, buf_slice(&list));
	buf_release(&list);
	return rest;
}

/* One operation as a change; *skip when there is nothing to do. */
static int16_t
to_change(struct request *rq, const struct topic *t,
	const struct incremental_alter_configs_request_config *in,
	struct config_change *out, bool *skip, const char **why)
{
	const struct topic_config *c = topic_config(in->name);
	int op = in->config_operation;

	out->name = in->name;
	*skip = false;
	if (op < OP_SET || op > OP_SUBTRACT) {
		*why = arena_printf(&rq->arena, "Unknown config operation %d", op);
		return KERR_INVALID_REQUEST;
	}
	if (op == OP_DELETE) {
		out->value = SLICE_NULL;
		*skip = !c;
		return 0;
	}
	if (slice_is_null(in->value)) {
		*why = arena_printf(&rq->arena, "Null value not supported for : "
			"%.*s", SLICE_ARG(in->name));
		return KERR_INVALID_REQUEST;
	}
	out->value = in->value;
	if (op == OP_SET || !c) /* the unknown name is refused with the change */
		return 0;
	if (c->type != CONFIG_LIST) {
		*why = arena_printf(&rq->arena, "Can't %s key %s because its type "
			"is not LIST.", op == OP_APPEND ? "APPEND to" :
			"SUBTRACT from", c->name);
		return KERR_INVALID_CONFIG;
	}
	out->value = edit_list(rq, t, c, op, in->value);
	return 0;
}

static int16_t
to_changes(struct request *rq, const struct topic *t,
	const struct incremental_alter_configs_request_resource *in,
	struct config_change *changes, int *n, const char **why)
{
	struct map seen = { 0 };
	int16_t error = 0;
	bool skip;

	*n = 0;
	for (int32_t i = 0; i < in->configs_n && !error; i++) {
		struct config_change *c = &changes[*n];

		if (map_put(&seen, in->configs[i].name, c)) {
			*why = "Error due to duplicate config keys";
			error = KERR_INVALID_REQUEST;
			break;
		}
		error = to_change(rq, t, &in->configs[i], c, &skip, why);
		*n += !skip;
	}
	map_release(&seen);
	return error;
}

static int16_t
alter(struct request *rq,
	const struct incremental_alter_configs_request_resource *in,
	const struct map *seen, bool validate_only, const char **why)
{
	struct config_change *changes;
	struct topic *t;
	uint64_t commit;
	int16_t error;
	int n;

	if (config_resource_is_repeated(seen, &rq->arena, in->resource_type,
	    in->resource_name)) {
		*why = "Each resource must appear at most once.";
		return KERR_INVALID_REQUEST;
	}
	error = config_resource_find_to_alter(rq->broker, in->resource_type,
		in->resource_name, in->configs_n, &rq->arena, &t, why);
	if (error || !t)
		return error;
	changes = arena_array(&rq->arena, (size_t)in->configs_n, sizeof(*changes));
	error = to_changes(rq, t, in, changes, &n, why);
	if (error)
		return error;
	return meta_alter_topic(rq->broker->meta, t, changes, n, validate_only,
		&rq->arena, &commit, why);
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error);
	incremental_alter_configs_response_write(request_reply(rq), rq->version,
		rq->state);
	request_finish(rq);
}

static void
alter_each(struct request *rq, const struct incremental_alter_configs_request *q,
	struct incremental_alter_configs_response *resp)
{
	struct map seen = { 0 };
	int16_t error;

	for (int32_t i = 0; i < q->resources_n; i++)
		config_resource_count(&seen, &rq->arena,
			q->resources[i].resource_type, q->resources[i].resource_name);
	for (int32_t i = 0; i < q->resources_n; i++) {
		const struct incremental_alter_configs_request_resource *in =
			&q->resources[i];
		struct incremental_alter_configs_response_resource *out =
			&resp->responses[i];
		const char *why = NULL;

		incremental_alter_configs_response_resource_init(out);
		out->resource_type = in->resource_type;
		out->resource_name = arena_copy(&rq->arena, in->resource_name);
		out->error_message = SLICE_NULL;
		error = alter(rq, in, &seen, q->validate_only, &why);
		if (error)
			fail(out, error, why);
	}
	map_release(&seen);
}

int
api_incremental_alter_configs(struct request *rq)
{
	struct incremental_alter_configs_request q;
	struct incremental_alter_configs_response *resp;
	uint64_t commit;
	int16_t error;

	if (incremental_alter_configs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	incremental_alter_configs_response_init(resp);
	resp->responses = arena_array(&rq->arena, (size_t)q.resources_n,
		sizeof(*resp->responses));
	resp->responses_n = q.resources_n;
	rq->state = resp;
	meta_begin(rq->broker->meta);
	alter_each(rq, &q, resp);
	error = meta_end(rq->broker->meta, &commit);
	if (error)
		fail_all(resp, error);
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
