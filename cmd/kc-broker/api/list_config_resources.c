/*
 * ListConfigResources: what can have configs (KIP-1142). Version 0, then
 * called ListClientMetricsResources, is about client metrics only (KIP-714).
 */
#include <inttypes.h>

#include "api/api.h"
#include "api/config_resource.h"
#include "broker.h"
#include "meta/meta.h"
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
	const char *name)
{
	struct list_config_resources_response_resource *r =
		&resp->config_resources[resp->config_resources_n++];

	list_config_resources_response_resource_init(r);
	r->resource_name = slice_str(name);
	r->resource_type = (int8_t)type;
}

/* Groups and client metrics have no configs here, so none is listed. */
static void
add_all(struct request *rq, const struct list_config_resources_request *q,
	struct list_config_resources_response *resp)
{
	int n;
	struct topic *const *topics = meta_topics(rq->broker->meta, &n);
	const char *id = arena_printf(&rq->arena, "%" PRId32, rq->broker->node_id);

	resp->config_resources = arena_array(&rq->arena, (size_t)n + 2,
		sizeof(*resp->config_resources));
	if (is_asked_for(q, RESOURCE_BROKER_LOGGER))
		add(resp, RESOURCE_BROKER_LOGGER, id);
	if (is_asked_for(q, RESOURCE_BROKER))
		add(resp, RESOURCE_BROKER, id);
	for (int i = 0; i < n && is_asked_for(q, RESOURCE_TOPIC); i++)
		add(resp, RESOURCE_TOPIC, topics[i]->name);
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
	if (rq->version > 0 && !resp.error_code)
		add_all(rq, &q, &resp);
	list_config_resources_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
