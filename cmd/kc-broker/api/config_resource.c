#include "api/config_resource.h"

#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>

#include "api/client_metrics.h"
#include "base/num.h"
#include "broker.h"
#include "log.h"
#include "meta/meta.h"
#include "wire/errors.h"

/* ---- which there are ------------------------------------------------------ */

struct slice
config_resource_key(struct arena *a, int8_t type, struct slice name)
{
	return slice_str(arena_printf(a, "%d:%.*s", type, SLICE_ARG(name)));
}

static int16_t
find_topic(struct broker *b, struct slice name, struct arena *a,
	struct topic **topic, const char **why)
{
	int16_t error = meta_check_name(name, why);

	if (error)
		return error;
	*topic = meta_topic(b->meta, name);
	if (*topic)
		return 0;
	*why = arena_printf(a, "The topic '%.*s' does not exist.", SLICE_ARG(name));
	return KERR_UNKNOWN_TOPIC_OR_PARTITION;
}

/* The name is this broker's id; brokers have an empty one too: "all of them". */
static int16_t
find_broker(struct broker *b, struct slice name, bool may_be_all, struct arena *a,
	const char **why)
{
	struct err e = ERR_INIT;
	int64_t id;

	if (!name.len && may_be_all)
		return 0;
	if (num_int(name, INT32_MIN, INT32_MAX, &id, &e) < 0)
		*why = arena_printf(a, "Broker id must be an integer, but it is: "
			"%.*s", SLICE_ARG(name));
	else if (id < b->node_id || id >= b->node_id + b->nodes)
		*why = arena_printf(a, "Unexpected broker id, expected %" PRId32
			", but received %" PRId64, b->node_id, id);
	else
		return 0;
	return KERR_INVALID_REQUEST;
}

int16_t
config_resource_find(struct broker *b, int8_t type, struct slice name,
	struct arena *a, struct topic **topic, const char **why)
{
	*topic = NULL;
	switch (type) {
	case RESOURCE_TOPIC:
		return find_topic(b, name, a, topic, why);
	case RESOURCE_BROKER:
		return find_broker(b, name, true, a, why);
	case RESOURCE_BROKER_LOGGER:
		return find_broker(b, name, false, a, why);
	case RESOURCE_CLIENT_METRICS:
	case RESOURCE_GROUP:
		if (name.len)
			return 0;
		*why = type == RESOURCE_GROUP ? "Default group resources are not "
			"allowed." : "Subscription name can't be empty";
		return KERR_INVALID_REQUEST;
	}
	*why = arena_printf(a, "Unknown resource type %d", type);
	return KERR_INVALID_REQUEST;
}

/* ---- rows ----------------------------------------------------------------- */

const struct config_key *
client_metrics_keys(int *n)
{
	static const struct config_key keys[] = {
		{ "interval.ms", CONFIG_INT, "300000", 100, 3600000, NULL, NULL,
			"Metrics push interval in milliseconds." },
		{ "match", CONFIG_LIST, "", 0, 0, NULL, NULL,
			"Which clients: KEY=PATTERN for each of several." },
		{ "metrics", CONFIG_LIST, "", 0, 0, NULL, NULL,
			"Prefixes of the names of metrics, * is all." },
	};

	*n = (int)(sizeof(keys) / sizeof(keys[0]));
	return keys;
}

/* Those of Kafka's group configs that this broker has a property for. */
const char *
group_config(int i, const struct config_key **property)
{
	static const char *const names[] = {
		"group.consumer.assignment.interval.ms",
		"group.consumer.heartbeat.interval.ms",
		"group.consumer.session.timeout.ms",
	};

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		*property = config_key(names[k]);
		if (*property && !i--)
			return names[k] + sizeof("group.") - 1;
	}
	return NULL;
}

static const struct config_key *
find_client_metrics_key(struct slice name)
{
	int n;
	const struct config_key *k = client_metrics_keys(&n);

	for (int i = 0; i < n; i++)
		if (slice_eq_str(name, k[i].name))
			return &k[i];
	return NULL;
}

static const struct config_key *
find_property(struct slice name)
{
	int n;
	const struct config_key *k = config_keys(&n);

	for (int i = 0; i < n; i++)
		if (slice_eq_str(name, k[i].name))
			return &k[i];
	return NULL;
}

static const struct config_key *
find_group_property(struct slice name)
{
	const struct config_key *k;
	const char *own;

	for (int i = 0; (own = group_config(i, &k)); i++)
		if (slice_eq_str(name, own))
			return k;
	return NULL;
}

static const struct config_key *
find_key(int8_t type, struct slice name)
{
	switch (type) {
	case RESOURCE_BROKER:
		return find_property(name);
	case RESOURCE_CLIENT_METRICS:
		return find_client_metrics_key(name);
	case RESOURCE_GROUP:
		return find_group_property(name);
	}
	return NULL;
}

bool
config_resource_is_list(int8_t type, struct slice config)
{
	const struct topic_config *c;
	const struct config_key *k;

	if (type == RESOURCE_TOPIC) {
		c = topic_config(config);
		return c && c->type == CONFIG_LIST;
	}
	k = find_key(type, config);
	return k && k->type == CONFIG_LIST;
}

/* ---- values --------------------------------------------------------------- */

static int16_t
refuse_unknown(int8_t type, struct slice name, struct arena *a, const char **why)
{
	if (type == RESOURCE_CLIENT_METRICS) {
		*why = arena_printf(a, "Unknown client metrics configuration: %.*s",
			SLICE_ARG(name));
		return KERR_INVALID_REQUEST;
	}
	*why = arena_printf(a, "Unknown %s config name: %.*s",
		type == RESOURCE_GROUP ? "group" : "broker", SLICE_ARG(name));
	return KERR_INVALID_CONFIG;
}

static int16_t
check_logger(const struct config_change *c, struct arena *a, const char **why)
{
	if (!slice_eq_str(c->name, CONFIG_LOGGER)) {
		*why = arena_printf(a, "Logger %.*s does not exist!",
			SLICE_ARG(c->name));
		return KERR_INVALID_CONFIG;
	}
	if (slice_is_null(c->value)) {
		*why = "Removing the log level of the root logger is not allowed";
		return KERR_INVALID_REQUEST;
	}
	if (log_level_of_kafka(c->value) >= 0)
		return 0;
	*why = arena_printf(a, "Cannot set the log level of root to %.*s as it is "
		"not a supported log level. Valid log levels are FATAL, ERROR, "
		"WARN, INFO, DEBUG, TRACE", SLICE_ARG(c->value));
	return KERR_INVALID_CONFIG;
}

static int16_t
check_client_metrics(const struct config_key *k, struct slice value, struct arena *a,
	const char **why)
{
	struct err e = ERR_INIT;

	if (k->type == CONFIG_INT) {
		*why = arena_printf(a, "Invalid value %.*s for interval.ms, interval "
			"must be between 100 and 3600000 (1 hour)", SLICE_ARG(value));
		return config_check(k, value, &e) ? KERR_INVALID_REQUEST : 0;
	}
	if (slice_eq_str(slice_str(k->name), "match") &&
	    !client_metrics_is_match(value)) {
		*why = arena_printf(a, "Illegal client matching pattern: %.*s",
			SLICE_ARG(value));
		return KERR_INVALID_CONFIG;
	}
	return 0;
}

/* A group's time-outs stay between the broker's group.consumer.min... and ...max... */
static int16_t
check_group(const struct broker *b, const struct config_change *c, struct arena *a,
	const char **why)
{
	static const char prefix[] = "consumer.";
	size_t skip = sizeof(prefix) - 1;
	struct err e = ERR_INIT;
	int64_t value;

	if (num_int(c->value, INT64_MIN, INT64_MAX, &value, &e))
		return 0; /* not a number: refused already where it must be one */
	for (int i = 0; i < 2; i++) {
		const char *limit = arena_printf(a, "group.consumer.%s.%.*s",
			i ? "max" : "min", (int)(c->name.len - skip),
			(const char *)c->name.data + skip);
		int64_t bound;

		if (!config_key(limit))
			continue;
		bound = config_get_int64(b->config, limit);
		if (i ? value <= bound : value >= bound)
			continue;
		*why = arena_printf(a, "%.*s must be %s than or equal to %s",
			SLICE_ARG(c->name), i ? "less" : "greater", limit);
		return KERR_INVALID_CONFIG;
	}
	return 0;
}

int16_t
config_resource_check(const struct broker *b, int8_t type,
	const struct config_change *c, struct arena *a, const char **why)
{
	const struct config_key *k;
	struct err e = ERR_INIT;

	if (type == RESOURCE_BROKER_LOGGER)
		return check_logger(c, a, why);
	k = find_key(type, c->name);
	if (slice_is_null(c->value))
		return 0;
	/* What means nothing on one node is kept all the same: tools set it. */
	if (!k && type == RESOURCE_BROKER &&
	    config_is_without_effect(arena_printf(a, "%.*s",
		SLICE_ARG(c->name))))
		return 0;
	if (!k)
		return refuse_unknown(type, c->name, a, why);
	if (type == RESOURCE_CLIENT_METRICS)
		return check_client_metrics(k, c->value, a, why);
	if (type == RESOURCE_BROKER && !config_is_dynamic(k)) {
		*why = arena_printf(a, "Cannot update these configs dynamically: "
			"[%s] (restart kc-broker with -o %s=VALUE)", k->name,
			k->name);
		return KERR_INVALID_REQUEST;
	}
	if (config_check(k, c->value, &e)) {
		*why = arena_printf(a, "Invalid value %.*s for configuration %.*s: "
			"%s", SLICE_ARG(c->value), SLICE_ARG(c->name), e.msg);
		return type == RESOURCE_BROKER ? KERR_INVALID_REQUEST :
			KERR_INVALID_CONFIG;
	}
	return type == RESOURCE_GROUP ? check_group(b, c, a, why) : 0;
}
