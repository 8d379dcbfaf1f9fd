/*
 * config.h - the broker's properties, by Kafka's server property names.
 *
 * One row a property: type, default, bounds, and what it means. Values come
 * from --config FILE (Java .properties syntax) and -o key=value, the later
 * one wins. A name that has no row is refused with the nearest one; a name
 * that only means something in a cluster is accepted and said to be ignored.
 * Some can be overridden while the broker runs (DescribeConfigs shows them
 * as not read-only), for this broker or for all; those survive a restart.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct config;

/* Numbers as DescribeConfigs has them (ConfigType). */
enum config_type {
	CONFIG_BOOL = 1,
	CONFIG_STRING = 2,
	CONFIG_INT = 3,
	CONFIG_LONG = 5,
	CONFIG_DOUBLE = 6,
	CONFIG_LIST = 7,
};

struct config_key {
	const char *name;
	enum config_type type;
	const char *value;   /* the default, as text; NULL = null */
	int64_t min, max;    /* of numbers, inclusive */
	const char *choices; /* "a|b|c": the strings, or list items, allowed; NULL = any */
	const char *topic;   /* the topic config that it is the default of, or NULL */
	const char *doc;     /* one sentence, full stop */
};

/* Every property, sorted by name: DescribeConfigs of the broker, --help. */
const struct config_key *config_keys(int *n);
/* NULL when there is none. */
const struct config_key *config_key(const char *name);
/* The property that is the default of a topic config ("retention.ms"), or NULL. */
const struct config_key *config_key_of_topic(const char *topic_config);
/* Is the text a value for this row? For topic configs too, which share rows. */
int config_check(const struct config_key *k, struct slice value, struct err *e);

/*
 * max.connections.per.ip.overrides: takes the next ADDRESS:COUNT off the
 * list. 0 at its end, -1 when it is none.
 */
struct ip_override {
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
	int max;
};
int config_next_override(struct slice *list, struct ip_override *out);

/* Everything at its default. */
struct config *config_new(void);
void config_free(struct config *c);

/* A property of Kafka's that can be given here, and changes nothing. */
bool config_is_without_effect(const char *name);

/* *ignored is set when the name means nothing on one node; may be NULL. */
int config_set(struct config *c, const char *name, const char *value,
	bool *ignored, struct err *e);
/* warn gets a sentence for every line that is ignored. */
int config_load(struct config *c, const char *path,
	void (*warn)(const char *line), struct err *e);

/*
 * The value in force. The name must be a row's: asking for another one is a
 * mistake in this program, and ends it. log.retention.ms and log.roll.ms
 * take their .minutes and .hours forms into account.
 */
const char *config_get(const struct config *c, const char *name); /* may be NULL */
int64_t config_get_int64(const struct config *c, const char *name);
double config_get_double(const struct config *c, const char *name);
bool config_get_bool(const struct config *c, const char *name);
/* Was it given in a file or with -o? */
bool config_is_set(const struct config *c, const char *name);

/* Above the file: what was set at run time for every broker, and for this one. */
enum config_layer { CONFIG_CLUSTER, CONFIG_NODE, CONFIG_LAYERS };

/* May it be overridden at run time? */
bool config_is_dynamic(const struct config_key *k);
/* NULL takes the override away. The name must be a row's, the value right. */
void config_override(struct config *c, enum config_layer layer,
	const char *name, const char *value);
/* NULL = none. */
const char *config_overridden(const struct config *c, enum config_layer layer,
	const char *name);
/* As the file or -o has it; NULL = not set there. */
const char *config_static(const struct config *c, const char *name);

#endif
