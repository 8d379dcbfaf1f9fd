/*
 * config_resource.h - what DescribeConfigs, AlterConfigs and
 * IncrementalAlterConfigs are about: a type (ConfigResource.Type) and a name.
 *
 * Configs of topics are rows of meta/topic_config.h and live with the topic.
 * All others are rows of config.h, and what is set of them are settings
 * (meta/settings.h): of the broker its properties, of a group those
 * properties that begin with "group.", of a subscription three of its own.
 */
#ifndef API_CONFIG_RESOURCE_H
#define API_CONFIG_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "config.h"

struct broker;
struct config_change;
struct topic;

enum config_resource_type {
	RESOURCE_TOPIC = 2,
	RESOURCE_BROKER = 4,
	RESOURCE_BROKER_LOGGER = 8,
	RESOURCE_CLIENT_METRICS = 16,
	RESOURCE_GROUP = 32,
};

/* The one logger; its level is not remembered, as in Kafka. */
#define CONFIG_LOGGER "root"

/*
 * Is there such a resource? A Kafka error code and *why (static or in the
 * arena), or 0; *topic is set for topics.
 */
int16_t config_resource_find(struct broker *b, int8_t type, struct slice name,
	struct arena *a, struct topic **topic, const char **why);

/* One text for a resource, in the arena: to find those that are named twice. */
struct slice config_resource_key(struct arena *a, int8_t type, struct slice name);

/* Rows of the three configs of a subscription (KIP-714). */
const struct config_key *client_metrics_keys(int *n);
/* The i-th config that a group can have, and the property behind it; NULL = no more. */
const char *group_config(int i, const struct config_key **property);

/* Is it a LIST, so that items can be added? False for what is unknown, too. */
bool config_resource_is_list(int8_t type, struct slice config);

/*
 * May this be set on the resource, which is no topic? A Kafka error code and
 * *why. With a null value, which drops it, nearly everything may.
 */
int16_t config_resource_check(const struct broker *b, int8_t type,
	const struct config_change *c, struct arena *a, const char **why);

#endif
