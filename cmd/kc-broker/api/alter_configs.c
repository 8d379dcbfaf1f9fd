/*
 * AlterConfigs: replaces all overrides of a topic by those given. Deprecated
 * in favour of IncrementalAlterConfigs (KIP-339), and still what old clients
 * have.
 */
#include "api/api.h"
#include "api/config_resource.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
fail(struct alter_configs_response_resource *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct alter_configs_response *resp, int16_t error)
{
	for (int32_t i = 0; i < resp->responses_n; i++)
		if (!resp->responses[i].error_code)
			fail(&resp->responses[i], error, NULL);
}

static int16_t
add_given(struct request *rq, const struct alter_configs_request_resource *in,
	struct map *given, struct config_change *changes, const char **why)
{
	for (int32_t i = 0; i < in->configs_n; i++) {
		const struct alter_configs_request_config *c = &in->configs[i];

		if (slice_is_null(c->value)) {
			*why = arena_printf(&rq->arena, "Null value not supported "
				"for : %.*s", SLICE_ARG(c->name));
			return KERR_INVALID_REQUEST;
		}
		if (map_put(given, c->name, &changes[i])) {
			*why = "Error due to duplicate config keys";
			return KERR_INVALID_REQUEST;
		}
		changes[i].name = c->name;
		changes[i].value = c->value;
	}
	return 0;
}

/* The overrides given, and the removal of every other one. */
static int16_t
replace(struct request *rq, struct topic *t,
	const struct alter_configs_request_resource *in, bool validate_only,
	const char **why)
{
	struct config_change *changes = arena_array(&rq->arena,
		(size_t)in->configs_n + t->configs.len, sizeof(*changes));
	struct map given = { 0 };
	const struct topic_config_value *v;
	int n = in->configs_n;
	uint64_t commit;
	int16_t error = add_given(rq, in, &given, changes, why);

	for (size_t i = 0; !error && (v = map_next(&t->configs, &i)); )
		if (!map_get(&given, slice_str(v->config->name)))
			changes[n++].name = slice_str(v->config->name);
	map_release(&given);
	if (error)
		return error;
	return meta_alter_topic(rq->broker->meta, t, changes, n, validate_only,
		&rq->arena, &commit, why);
}

static int16_t
alter(struct request *rq, const struct alter_configs_request_resource *in,
	const struct map *seen, bool validate_only, const char **why)
{
	struct topic *t;
	int16_t error;

	if (config_resource_is_repeated(seen, &rq->arena, in->resource_type,
	    in->resource_name)) {
		*why = "Each resource must appear at most once.";
		return KERR_INVALID_REQUEST;
	}
	error = config_resource_find_to_alter(rq->broker, in->resource_type,
		in->resource_name, in->configs_n, &rq->arena, &t, why);
	return error || !t ? error : replace(rq, t, in, validate_only, why);
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error);
	alter_configs_response_write(request_reply(rq), rq->version, rq->state);
	request_finish(rq);
}

static void
alter_each(struct request *rq, const struct alter_configs_request *q,
	struct alter_configs_response *resp)
{
	struct map seen = { 0 };
	int16_t error;

	for (int32_t i = 0; i < q->resources_n; i++)
		config_resource_count(&seen, &rq->arena,
			q->resources[i].resource_type, q->resources[i].resource_name);
	for (int32_t i = 0; i < q->resources_n; i++) {
		const struct alter_configs_request_resource *in = &q->resources[i];
		struct alter_configs_response_resource *out = &resp->responses[i];
		const char *why = NULL;

		alter_configs_response_resource_init(out);
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
api_alter_configs(struct request *rq)
{
	struct alter_configs_request q;
	struct alter_configs_response *resp;
	uint64_t commit;
	int16_t error;

	if (alter_configs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	alter_configs_response_init(resp);
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
