#include "api/config_resource.h"

#include <inttypes.h>

#include "base/num.h"
#include "broker.h"
#include "meta/meta.h"
#include "wire/errors.h"

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
	else if (id != b->node_id)
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
		*why = type == RESOURCE_GROUP ? "Group name must not be empty" :
			"Client metrics subscription name must not be empty";
		return KERR_INVALID_REQUEST;
	}
	*why = arena_printf(a, "Unknown resource type %d", type);
	return KERR_INVALID_REQUEST;
}

int16_t
config_resource_find_to_alter(struct broker *b, int8_t type, struct slice name,
	bool has_changes, struct arena *a, struct topic **topic, const char **why)
{
	int16_t error = config_resource_find(b, type, name, a, topic, why);

	if (error || type == RESOURCE_TOPIC || !has_changes)
		return error;
	if (type == RESOURCE_BROKER)
		*why = "kc-broker's properties do not change while it runs "
			"(restart kc-broker with -o name=value)";
	else if (type == RESOURCE_BROKER_LOGGER)
		*why = "kc-broker has no loggers to set";
	else if (type == RESOURCE_GROUP)
		*why = "kc-broker has no configs of single groups";
	else
		*why = "kc-broker collects no client metrics";
	return KERR_INVALID_REQUEST;
}

static struct slice
key_of(struct arena *a, int8_t type, struct slice name)
{
	char *key = arena_alloc(a, name.len + 1);

	key[0] = (char)type;
	if (name.len)
		memcpy(key + 1, name.data, name.len);
	return slice_make(key, name.len + 1);
}

void
config_resource_count(struct map *seen, struct arena *a, int8_t type,
	struct slice name)
{
	struct slice key = key_of(a, type, name);
	int *n = map_get(seen, key);

	if (!n) {
		n = arena_alloc(a, sizeof(*n));
		map_put(seen, key, n);
	}
	(*n)++;
}

bool
config_resource_is_repeated(const struct map *seen, struct arena *a, int8_t type,
	struct slice name)
{
	const int *n = map_get(seen, key_of(a, type, name));

	return n && *n > 1;
}
