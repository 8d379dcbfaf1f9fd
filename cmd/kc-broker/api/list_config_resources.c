/*
 * ListConfigResources: what can have configs (KIP-1142). Version 0, then
 * called ListClientMetricsResources, is about client metrics only (KIP-714).
 */
#include <inttypes.h>

#include "api/api.h"
#include "api/config_resource.h"
#include "broker.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static bool
is_known(int8_t type)
{
	return type == RESOURCE_TOPIC || type == RESOURCE_BROKER ||
		type == RESOURCE_BROKER_LOGGER || type == RESOURCE_CLIENT_METRICS ||
		type == RESOURCE_GROUP;
}

/* None named: all. */
static bool
is_asked_for(const struct list_config_resources_request *q, int8_t type)
{
	for (int32_t i = 0; i < q->resource_types_n; i++)
		if (q->resource_types[i] == type)
			return true;
	return q->resource_types_n <= 0;
}

static int16_t
check(const struct list_config_resources_request *q)
{
	for (int32_t i = 0; i < q->resource_types_n; i++)
		if (!is_known(q->resource_types[i]))
			return KERR_UNSUPPORTED_VERSION;
	return KERR_NONE;
}

static void
add(struct list_config_resources_response *resp, enum config_resource_type type,
	struct slice name)
{
	struct list_config_resources_response_resource *r =
		&resp->config_resources[resp->config_resources_n++];

	list_config_resources_response_resource_init(r);
	r->resource_name = name;
	r->resource_type = (int8_t)type;
}

/* Groups and subscriptions that have configs of their own. */
static void
add_settings(struct request *rq, const struct list_config_resources_request *q,
	struct list_config_resources_response *resp)
{
	const struct settings *s;

	for (size_t i = 0; (s = meta_settings_next(rq->broker->meta, &i)); ) {
		if (s->kind == SETTINGS_GROUP && is_asked_for(q, RESOURCE_GROUP))
			add(resp, RESOURCE_GROUP, s->name);
		if (s->kind == SETTINGS_CLIENT_METRICS &&
		    is_asked_for(q, RESOURCE_CLIENT_METRICS))
			add(resp, RESOURCE_CLIENT_METRICS, s->name);
	}
}

static void
add_others(struct request *rq, const struct list_config_resources_request *q,
	struct list_config_resources_response *resp, struct topic *const *topics,
	int n)
{
	struct slice id = slice_str(arena_printf(&rq->arena, "%" PRId32,
		rq->broker->node_id));

	if (is_asked_for(q, RESOURCE_BROKER_LOGGER))
		add(resp, RESOURCE_BROKER_LOGGER, id);
	if (is_asked_for(q, RESOURCE_BROKER))
		add(resp, RESOURCE_BROKER, id);
	for (int i = 0; i < n && is_asked_for(q, RESOURCE_TOPIC); i++)
		add(resp, RESOURCE_TOPIC, slice_str(topics[i]->name));
}

static void
add_all(struct request *rq, struct list_config_resources_request *q,
	struct list_config_resources_response *resp)
{
	static int8_t metrics_only[] = { RESOURCE_CLIENT_METRICS };
	struct meta *m = rq->broker->meta;
	int n;
	struct topic *const *topics = meta_topics(m, &n);

	if (rq->version == 0) {
		q->resource_types = metrics_only;
		q->resource_types_n = 1;
	}
	resp->config_resources = arena_array(&rq->arena, (size_t)n + 2 +
		(size_t)meta_settings_count(m, SETTINGS_GROUP) +
		(size_t)meta_settings_count(m, SETTINGS_CLIENT_METRICS),
		sizeof(*resp->config_resources));
	add_settings(rq, q, resp);
	add_others(rq, q, resp, topics, n);
}

int
api_list_config_resources(struct request *rq)
{
	struct list_config_resources_response resp;
	struct list_config_resources_request q;

	if (list_config_resources_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	list_config_resources_response_init(&resp);
	resp.error_code = check(&q);
	if (!resp.error_code)
		add_all(rq, &q, &resp);
	list_config_resources_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
