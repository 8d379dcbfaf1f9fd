/*
 * topic_config.h - the configs a topic can have, by Kafka's names.
 *
 * One row a config. Those that mean something on one node reach the logs
 * through topic_config_log(); the others are kept and shown, because tools
 * set them and read them back. A config without an override has the value of
 * its server property ("log.retention.ms" for "retention.ms").
 */
#ifndef META_TOPIC_CONFIG_H
#define META_TOPIC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"
#include "base/slice.h"
#include "config.h"
#include "store/partlog.h"

struct topic_config {
	const char *name;
	enum config_type type;
	const char *value;   /* the default without a server property */
	int64_t min, max;    /* of numbers, inclusive */
	const char *choices; /* "a|b": strings or list items allowed, NULL = any */
	const char *doc;
	/* A rule beyond type and bounds: 0, or -1 with the reason alone. */
	int (*check)(struct slice value, struct err *e);
	bool hidden;         /* works, but is not listed */
	bool folded;         /* config_get_int64() knows coarser units of it */
};

/* An override; allocated whole, freed with free(). */
struct topic_config_value {
	const struct topic_config *config;
	size_t len;
	char value[]; /* as given, with a NUL */
};

/* Every config, sorted by name; the hidden ones too. */
const struct topic_config *topic_configs(int *n);
/* NULL when there is none. */
const struct topic_config *topic_config(struct slice name);

/* Is this a value? In Kafka's words: "Invalid value 0 for configuration ...". */
int topic_config_check(const struct topic_config *c, struct slice value,
	struct err *e);
/* What no single config can tell: contradictions between them. */
int topic_config_check_all(const struct map *overrides,
	const struct config *server, struct err *e);

/* Adds or replaces an override; the map owns the values. */
void topic_config_put(struct map *overrides, const struct topic_config *c,
	struct slice value);
void topic_config_del(struct map *overrides, const struct topic_config *c);
void topic_config_copy(struct map *to, const struct map *from);
void topic_config_release(struct map *overrides);

/*
 * The value in force, with and without overrides; in tmp, or as long-lived
 * as its owner. NULL only for what is hidden.
 */
enum { TOPIC_CONFIG_TEXT = 24 };
const char *topic_config_get(const struct map *overrides,
	const struct config *server, const struct topic_config *c,
	char tmp[TOPIC_CONFIG_TEXT]);
const char *topic_config_default(const struct config *server,
	const struct topic_config *c, char tmp[TOPIC_CONFIG_TEXT]);
/* Where it comes from; numbers as DescribeConfigs has them. */
enum config_source {
	SOURCE_TOPIC = 1,   /* an override */
	SOURCE_NODE = 2,    /* a server property, set at run time for this broker */
	SOURCE_CLUSTER = 3, /* the same for all brokers */
	SOURCE_STATIC = 4,  /* a server property that was given */
	SOURCE_DEFAULT = 5,
	SOURCE_LOGGER = 6,
	SOURCE_CLIENT_METRICS = 7,
	SOURCE_GROUP = 8,
};
enum config_source topic_config_source(const struct map *overrides,
	const struct config *server, const struct topic_config *c);
/* All that the logs need to know. */
void topic_config_log(const struct map *overrides, const struct config *server,
	struct log_config *out);

/* Takes the next item off a comma-separated list, trimmed; false at its end. */
bool topic_config_item(struct slice *list, struct slice *item);

#endif
