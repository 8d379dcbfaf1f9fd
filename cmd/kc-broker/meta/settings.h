/*
 * settings.h - what is set, while the broker runs, on things that are no
 * topics: the broker itself, groups, subscriptions to client metrics, and
 * the entities that quotas are for. Names and values are text; what they
 * mean, and whether they are right, is the business of those who use them.
 */
#ifndef META_SETTINGS_H
#define META_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/slice.h"

struct config_change;
struct meta;

/* As ConfigResource.Type has them, where it does; they are in the log. */
enum settings_kind {
	SETTINGS_BROKER = 4,          /* "" = of all brokers, or a node id */
	SETTINGS_CLIENT_METRICS = 16, /* of a subscription (KIP-714) */
	SETTINGS_GROUP = 32,
	SETTINGS_QUOTA = 64,          /* of an entity, see quotas.h */
};

enum {
	SETTINGS_MAX = 10000,       /* things that have any */
	SETTING_VALUE_MAX = 32768,  /* bytes */
};

struct setting {
	struct slice key, value;    /* a NUL behind each */
};

struct settings {
	enum settings_kind kind;
	struct slice name;
	struct map values;          /* struct setting by key; never empty */
};

/* NULL when nothing is set. Good until the next change. */
const struct settings *meta_settings(const struct meta *m, enum settings_kind kind,
	struct slice name);
/* The value, or the null slice; s may be NULL. */
struct slice settings_get(const struct settings *s, const char *key);
/* In no order, as map_next(). */
const struct settings *meta_settings_next(const struct meta *m, size_t *i);
int meta_settings_count(const struct meta *m, enum settings_kind kind);

/*
 * Sets, or with a null value drops, some; as part of a group when one is
 * open. Names and values must be right. A Kafka error code, see meta.h.
 */
int16_t meta_alter_settings(struct meta *m, enum settings_kind kind,
	struct slice name, const struct config_change *changes, int n,
	uint64_t *commit, const char **why);

/* Fired when settings of this kind have changed, also when they are loaded. */
void meta_on_settings(struct meta *m, enum settings_kind kind,
	void (*fn)(void *arg, struct slice name), void *arg);

#endif
