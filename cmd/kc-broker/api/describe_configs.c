/*
 * DescribeConfigs: every config of a topic or of the broker with its value,
 * where that comes from (v1, KIP-226), its type and a sentence (v3, KIP-569).
 */
#include "api/api.h"
#include "api/config_resource.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct asked {
	struct request *rq;
	const struct describe_configs_request *q;
	const struct describe_configs_request_resource *resource;
};

/* No keys, or none in the list: all. */
static bool
is_asked_for(const struct asked *a, const char *name)
{
	for (int32_t i = 0; i < a->resource->configuration_keys_n; i++)
		if (slice_eq_str(a->resource->configuration_keys[i], name))
			return true;
	return a->resource->configuration_keys_n <= 0;
}

static void
add_synonym(struct describe_configs_response_config *out, const char *name,
	struct slice value, enum config_source source)
{
	struct describe_configs_response_synonym *s =
		&out->synonyms[out->synonyms_n++];

	s->name = slice_str(name);
	s->value = value;
	s->source = (int8_t)source;
}

static void
put_common(const struct asked *a, struct describe_configs_response_config *out,
	const char *name, enum config_type type, const char *doc)
{
	describe_configs_response_config_init(out);
	out->name = slice_str(name);
	out->config_type = (int8_t)type;
	out->documentation = a->q->include_documentation ? slice_str(doc) :
		SLICE_NULL;
	if (a->q->include_synonyms)
		out->synonyms = arena_array(&a->rq->arena, 2,
			sizeof(*out->synonyms));
}

static void
put_topic_config(const struct asked *a, const struct topic *t,
	const struct topic_config *c, struct describe_configs_response_config *out)
{
	static const struct map no_overrides;
	const struct config *server = a->rq->broker->config;
	const struct config_key *k = config_key_of_topic(c->name);
	char tmp[TOPIC_CONFIG_TEXT];
	const char *value;

	put_common(a, out, c->name, c->type, c->doc);
	value = topic_config_get(&t->configs, server, c, tmp);
	out->value = arena_copy(&a->rq->arena, slice_str(value));
	out->config_source = (int8_t)topic_config_source(&t->configs, server, c);
	if (!a->q->include_synonyms)
		return;
	if (out->config_source == SOURCE_TOPIC)
		add_synonym(out, c->name, out->value, SOURCE_TOPIC);
	if (k)
		add_synonym(out, k->name, arena_copy(&a->rq->arena,
			slice_str(topic_config_default(server, c, tmp))),
			topic_config_source(&no_overrides, server, c));
}

static void
put_topic(const struct asked *a, const struct topic *t,
	struct describe_configs_response_resource *out)
{
	int n;
	const struct topic_config *c = topic_configs(&n);

	out->configs = arena_array(&a->rq->arena, (size_t)n, sizeof(*out->configs));
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
	const struct config *server = a->rq->broker->config;
	bool is_set = config_is_set(server, k->name);

	put_common(a, out, k->name, k->type, k->doc);
	out->value = slice_str(config_get(server, k->name));
	out->read_only = true;
	out->config_source = (int8_t)(is_set ? SOURCE_STATIC : SOURCE_DEFAULT);
	if (!a->q->include_synonyms)
		return;
	if (is_set)
		add_synonym(out, k->name, out->value, SOURCE_STATIC);
	if (k->value)
		add_synonym(out, k->name, slice_str(k->value), SOURCE_DEFAULT);
}

/* Without a name it is what all brokers were told while they ran: nothing here. */
static void
put_broker(const struct asked *a, struct describe_configs_response_resource *out)
{
	int n;
	const struct config_key *k = config_keys(&n);

	if (!a->resource->resource_name.len)
		return;
	out->configs = arena_array(&a->rq->arena, (size_t)n, sizeof(*out->configs));
	for (int i = 0; i < n; i++)
		if (is_asked_for(a, k[i].name))
			put_property(a, &k[i], &out->configs[out->configs_n++]);
}

static void
put_resource(const struct asked *a, struct describe_configs_response_resource *out)
{
	struct topic *t;
	const char *why = NULL;

	describe_configs_response_resource_init(out);
	out->resource_type = a->resource->resource_type;
	out->resource_name = a->resource->resource_name;
	out->error_code = config_resource_find(a->rq->broker,
		a->resource->resource_type, a->resource->resource_name,
		&a->rq->arena, &t, &why);
	if (out->error_code)
		out->error_message = slice_str(why);
	else if (t)
		put_topic(a, t, out);
	else if (out->resource_type == RESOURCE_BROKER)
		put_broker(a, out);
	/* Loggers, groups and client metrics have no configs of their own here. */
}

int
api_describe_configs(struct request *rq)
{
	struct describe_configs_request q;
	struct describe_configs_response resp;

	if (describe_configs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_configs_response_init(&resp);
	resp.results = arena_array(&rq->arena, (size_t)q.resources_n,
		sizeof(*resp.results));
	resp.results_n = q.resources_n;
	for (int32_t i = 0; i < q.resources_n; i++) {
		struct asked a = { rq, &q, &q.resources[i] };

		put_resource(&a, &resp.results[i]);
	}
	describe_configs_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
