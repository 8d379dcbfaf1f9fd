/*
 * DescribeConfigs: every config of a resource with its value, where that
 * comes from (v1, KIP-226), its type and a sentence (v3, KIP-569).
 */
#include "api/api.h"
#include "api/config_resource.h"
#include "base/map.h"
#include "broker.h"
#include "log.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { CONFIGS_MAX = 100000 }; /* of a request; each takes half a kilobyte */

struct asked {
	struct request *rq;
	const struct describe_configs_request *q;
	const struct describe_configs_request_resource *resource;
};

/* No keys, or none in the list. */
static bool
asks_for_all(const struct asked *a)
{
	return a->resource->configuration_keys_n <= 0;
}

static bool
is_asked_for(const struct asked *a, const char *name)
{
	for (int32_t i = 0; i < a->resource->configuration_keys_n; i++)
		if (slice_eq_str(a->resource->configuration_keys[i], name))
			return true;
	return asks_for_all(a);
}

/* Synonyms are named in the order in which they win. */
static void
add_synonym(const struct asked *a, struct describe_configs_response_config *out,
	const char *name, const char *value, enum config_source source)
{
	struct describe_configs_response_synonym *s;

	if (!a->q->include_synonyms || !value)
		return;
	s = &out->synonyms[out->synonyms_n++];
	s->name = slice_str(name);
	s->value = arena_copy(&a->rq->arena, slice_str(value));
	s->source = (int8_t)source;
}

static void
put_common(const struct asked *a, struct describe_configs_response_config *out,
	const char *name, int type, const char *doc)
{
	enum { SYNONYMS_MAX = 5 };

	describe_configs_response_config_init(out);
	out->name = slice_str(name);
	out->config_type = (int8_t)type;
	out->documentation = a->q->include_documentation ? slice_str(doc) :
		SLICE_NULL;
	if (a->q->include_synonyms)
		out->synonyms = arena_array(&a->rq->arena, SYNONYMS_MAX,
			sizeof(*out->synonyms));
}

/* Every layer in which the property has a value; returns the highest. */
static enum config_source
add_layers(const struct asked *a, struct describe_configs_response_config *out,
	const struct config_key *k)
{
	const struct config *c = a->rq->broker->config;
	const struct {
		const char *value;
		enum config_source source;
	} layers[] = {
		{ config_overridden(c, CONFIG_NODE, k->name), SOURCE_NODE },
		{ config_overridden(c, CONFIG_CLUSTER, k->name), SOURCE_CLUSTER },
		{ config_static(c, k->name), SOURCE_STATIC },
		{ k->value, SOURCE_DEFAULT },
	};
	enum config_source highest = SOURCE_DEFAULT;

	for (size_t i = sizeof(layers) / sizeof(layers[0]); i-- > 0; )
		if (layers[i].value)
			highest = layers[i].source;
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		add_synonym(a, out, k->name, layers[i].value, layers[i].source);
	return highest;
}

static void
put_topic_config(const struct asked *a, const struct topic *t,
	const struct topic_config *c, struct describe_configs_response_config *out)
{
	const struct config *server = a->rq->broker->config;
	const struct config_key *k = config_key_of_topic(c->name);
	char tmp[TOPIC_CONFIG_TEXT];
	const char *value;

	put_common(a, out, c->name, c->type, c->doc);
	value = topic_config_get(&t->configs, server, c, tmp);
	out->value = arena_copy(&a->rq->arena, slice_str(value));
	out->config_source = (int8_t)topic_config_source(&t->configs, server, c);
	if (out->config_source == SOURCE_TOPIC)
		add_synonym(a, out, c->name, value, SOURCE_TOPIC);
	if (!k)
		return;
	add_layers(a, out, k);
	/* log.retention.ms comes from .hours when nothing else is set. */
	if (!k->value && !config_get(server, k->name))
		add_synonym(a, out, k->name, topic_config_default(server, c, tmp),
			SOURCE_DEFAULT);
}

/* For n configs, or for as many of them as are asked for. */
static struct describe_configs_response_config *
make_room(const struct asked *a, struct describe_configs_response_resource *out, int n)
{
	if (!asks_for_all(a) && a->resource->configuration_keys_n < n)
		n = a->resource->configuration_keys_n;
	out->configs = arena_array(&a->rq->arena, (size_t)n, sizeof(*out->configs));
	return out->configs;
}

static void
put_topic(const struct asked *a, const struct topic *t,
	struct describe_configs_response_resource *out)
{
	int n;
	const struct topic_config *c = topic_configs(&n);

	make_room(a, out, n);
	for (int i = 0; i < n; i++) {
		bool is_hidden = c[i].hidden &&
			!map_get(&t->configs, slice_str(c[i].name));

		if (!is_hidden && is_asked_for(a, c[i].name))
			put_topic_config(a, t, &c[i], &out->configs[out->configs_n++]);
	}
}

static void
put_property(const struct asked *a, const struct config_key *k,
	struct describe_configs_response_config *out)
{
	put_common(a, out, k->name, k->type, k->doc);
	out->value = slice_str(config_get(a->rq->broker->config, k->name));
	out->read_only = !config_is_dynamic(k);
	out->config_source = (int8_t)add_layers(a, out, k);
}

/* What all brokers were told while they ran. */
static void
put_cluster_property(const struct asked *a, const struct config_key *k,
	struct describe_configs_response_config *out, const char *value)
{
	put_common(a, out, k->name, k->type, k->doc);
	out->value = slice_str(value);
	out->config_source = SOURCE_CLUSTER;
	add_synonym(a, out, k->name, value, SOURCE_CLUSTER);
}

static void
put_broker(const struct asked *a, struct describe_configs_response_resource *out)
{
	const struct config *c = a->rq->broker->config;
	int n;
	const struct config_key *k = config_keys(&n);

	make_room(a, out, n);
	for (int i = 0; i < n; i++) {
		const char *told = config_overridden(c, CONFIG_CLUSTER, k[i].name);

		if (!is_asked_for(a, k[i].name))
			continue;
		if (a->resource->resource_name.len)
			put_property(a, &k[i], &out->configs[out->configs_n++]);
		else if (told)
			put_cluster_property(a, &k[i],
				&out->configs[out->configs_n++], told);
	}
}

static void
put_logger(const struct asked *a, struct describe_configs_response_resource *out)
{
	enum { UNKNOWN_TYPE = 0 }; /* what Kafka says of levels */

	if (!is_asked_for(a, CONFIG_LOGGER))
		return;
	put_common(a, make_room(a, out, 1), CONFIG_LOGGER, UNKNOWN_TYPE,
		"How much is logged.");
	out->configs[0].value = slice_str(log_level_kafka());
	out->configs[0].config_source = SOURCE_LOGGER;
	out->configs_n = 1;
}

/* A config that is set on a group or a subscription, or the default of it. */
static void
put_setting(const struct asked *a, const struct config_key *k, const char *name,
	struct describe_configs_response_resource *out)
{
	bool is_group = a->resource->resource_type == RESOURCE_GROUP;
	enum config_source own = is_group ? SOURCE_GROUP : SOURCE_CLIENT_METRICS;
	struct slice set = settings_get(meta_settings(a->rq->broker->meta,
		(enum settings_kind)a->resource->resource_type,
		a->resource->resource_name), name);
	struct describe_configs_response_config *c;
	enum config_source below = SOURCE_DEFAULT;

	if (!is_asked_for(a, name))
		return;
	c = &out->configs[out->configs_n++];
	put_common(a, c, name, k->type, k->doc);
	add_synonym(a, c, name, set.data, own);
	if (is_group)
		below = add_layers(a, c, k);
	c->config_source = (int8_t)(set.data ? own : below);
	c->value = set.data ? set : slice_str(is_group ?
		config_get(a->rq->broker->config, k->name) : k->value);
}

static void
put_settings(const struct asked *a, struct describe_configs_response_resource *out)
{
	const struct config_key *k;
	const char *name;
	int n = 0;

	if (a->resource->resource_type == RESOURCE_CLIENT_METRICS) {
		k = client_metrics_keys(&n);
		make_room(a, out, n);
		for (int i = 0; i < n; i++)
			put_setting(a, &k[i], k[i].name, out);
		return;
	}
	while (group_config(n, &k))
		n++;
	make_room(a, out, n);
	for (int i = 0; (name = group_config(i, &k)); i++)
		put_setting(a, k, name, out);
}

static void
put_resource(const struct asked *a, bool too_many,
	struct describe_configs_response_resource *out)
{
	struct topic *t;
	const char *why = NULL;

	describe_configs_response_resource_init(out);
	out->resource_type = a->resource->resource_type;
	out->resource_name = a->resource->resource_name;
	out->error_code = config_resource_find(a->rq->broker,
		a->resource->resource_type, a->resource->resource_name,
		&a->rq->arena, &t, &why);
	if (!out->error_code && too_many) {
		out->error_code = KERR_INVALID_REQUEST;
		why = "the request asks for too many configs: ask in pieces";
	}
	if (out->error_code)
		out->error_message = slice_str(why);
	else if (t)
		put_topic(a, t, out);
	else if (out->resource_type == RESOURCE_BROKER)
		put_broker(a, out);
	else if (out->resource_type == RESOURCE_BROKER_LOGGER)
		put_logger(a, out);
	else
		put_settings(a, out);
}

int
api_describe_configs(struct request *rq)
{
	struct describe_configs_request q;
	struct describe_configs_response resp;
	struct map seen = { 0 };
	int64_t counted = 0;

	if (describe_configs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_configs_response_init(&resp);
	resp.results = arena_array(&rq->arena, (size_t)q.resources_n,
		sizeof(*resp.results));
	for (int32_t i = 0; i < q.resources_n; i++) {
		struct asked a = { rq, &q, &q.resources[i] };
		struct describe_configs_response_resource *out =
			&resp.results[resp.results_n];

		/* All that there is of a resource, once: it is many times its name. */
		if (asks_for_all(&a) && map_put(&seen, config_resource_key(
		    &rq->arena, a.resource->resource_type,
		    a.resource->resource_name), out))
			continue;
		put_resource(&a, counted >= CONFIGS_MAX, out);
		resp.results_n++;
		/* Topics that are asked for whole are as many as there are. */
		if (!asks_for_all(&a) || out->resource_type != RESOURCE_TOPIC)
			counted += out->configs_n;
	}
	map_release(&seen);
	describe_configs_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
