/*
 * config_resource.h - what DescribeConfigs, AlterConfigs and
 * IncrementalAlterConfigs are about: a type (ConfigResource.Type) and a name.
 */
#ifndef API_CONFIG_RESOURCE_H
#define API_CONFIG_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/slice.h"

struct broker;
struct topic;

enum config_resource_type {
	RESOURCE_TOPIC = 2,
	RESOURCE_BROKER = 4,
	RESOURCE_BROKER_LOGGER = 8,
	RESOURCE_CLIENT_METRICS = 16,
	RESOURCE_GROUP = 32,
};

/*
 * Is there such a resource? A Kafka error code and *why (static or in the
 * arena), or 0; *topic is set for topics.
 */
int16_t config_resource_find(struct broker *b, int8_t type, struct slice name,
	struct arena *a, struct topic **topic, const char **why);

/* The same for a change: only topics can be changed. */
int16_t config_resource_find_to_alter(struct broker *b, int8_t type,
	struct slice name, bool has_changes, struct arena *a,
	struct topic **topic, const char **why);

/*
 * Counts (type, name) in *seen, whose keys are in the arena; then tells
 * which were there more than once.
 */
void config_resource_count(struct map *seen, struct arena *a, int8_t type,
	struct slice name);
bool config_resource_is_repeated(const struct map *seen, struct arena *a,
	int8_t type, struct slice name);

#endif
