/*
 * config.h - the broker's properties, by Kafka's server property names.
 *
 * One row a property: type, default, bounds, and what it means. Values come
 * from --config FILE (Java .properties syntax) and -o key=value, the later
 * one wins. A name that has no row is refused with the nearest one; a name
 * that only means something in a cluster is accepted and said to be ignored.
 * Nothing changes after the start.
 */
#ifndef CONFIG_H
#define CONFIG_H

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

/* Everything at its default. */
struct config *config_new(void);
void config_free(struct config *c);

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

#endif
