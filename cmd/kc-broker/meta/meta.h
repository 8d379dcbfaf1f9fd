/*
 * meta.h - what the broker knows of topics: names, ids, partitions, configs;
 * and the metadata log that remembers it.
 *
 * Every change is appended to the metadata log first and applied to memory
 * at once; the commit number returned says when it is durable.
 */
#ifndef META_META_H
#define META_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "config.h"
#include "meta/topic_config.h"
#include "store/store.h"

struct meta;

enum {
	META_MAX_NAME = 249,
	META_MAX_OPERATION = 10000,   /* partitions of one request, as KRaft's limit */
	META_MAX_PARTITIONS = 200000, /* of all topics together */
};

struct topic {
	char *name;
	char *folded;             /* with '_' for '.', see meta_find_alike() */
	struct uuid id;
	bool internal;            /* __consumer_offsets, __transaction_state */
	int32_t partitions_n;
	struct partlog **partitions;
	struct map configs;       /* overrides: struct topic_config_value by name */
};

/* Loads the metadata log and attaches every partition; store_start() comes after. */
int meta_open(struct meta **out, struct store *s, const struct clock *clock,
	const struct config *config, struct err *e);
void meta_close(struct meta *m);

const struct uuid *meta_cluster_id(const struct meta *m);
/* The metadata log itself, for its offsets. */
const struct partlog *meta_log(const struct meta *m);

struct topic *meta_topic(const struct meta *m, struct slice name);
struct topic *meta_topic_by_id(const struct meta *m, const struct uuid *id);
/* Sorted by name. */
struct topic *const *meta_topics(struct meta *m, int *n);
/* Another one after every topic made, deleted or grown; never 0. */
uint64_t meta_version(const struct meta *m);
/* NULL when the topic has no such partition. */
struct partlog *topic_partition(const struct topic *t, int32_t partition);

/*
 * 0, or INVALID_TOPIC_EXCEPTION 17 with *why: "", ".", "..", longer than 249,
 * characters other than [a-zA-Z0-9._-].
 */
int16_t meta_check_name(struct slice name, const char **why);
/* __consumer_offsets, __transaction_state */
bool meta_is_internal(struct slice name);

/*
 * Replicas asked for one partition: this node alone is right. 0, or
 * INVALID_REPLICA_ASSIGNMENT with *why.
 */
int16_t meta_check_replicas(const int32_t *ids, int n, int32_t node_id,
	struct arena *a, const char **why);

/* Overrides of a new topic or of an alteration: name and value; value NULL = default. */
struct config_change {
	struct slice name, value;
};

/*
 * Changes. Kafka error code, 0 on success; *why gets a sentence on failure,
 * static or in the arena. A change is one append of its own, unless a group
 * is open: then meta_end() appends all that succeeded as one batch, and only
 * then does memory show them. What meta_end() fails is as if never asked.
 * Between begin and end a topic may be changed once.
 */
void meta_begin(struct meta *m);
/* *commit is 0 when there was nothing to do. */
int16_t meta_end(struct meta *m, uint64_t *commit);

/*
 * partitions -1 = num.partitions. *out is NULL after validate_only; in a
 * group it is good for its id and configs, and gone when meta_end() fails.
 */
int16_t meta_create_topic(struct meta *m, struct slice name, int32_t partitions,
	const struct config_change *configs, int configs_n, bool internal,
	bool validate_only, struct arena *a, struct topic **out,
	uint64_t *commit, const char **why);
int16_t meta_delete_topic(struct meta *m, struct topic *t, uint64_t *commit);
int16_t meta_add_partitions(struct meta *m, struct topic *t, int32_t total,
	bool validate_only, struct arena *a, uint64_t *commit, const char **why);
int16_t meta_alter_topic(struct meta *m, struct topic *t,
	const struct config_change *changes, int changes_n, bool validate_only,
	struct arena *a, uint64_t *commit, const char **why);

/* A producer id never given before (blocks of them are reserved in the log). */
int16_t meta_next_producer_id(struct meta *m, int64_t *id, uint64_t *commit);

/* The configuration, which has the defaults of topics, is another one now. */
void meta_defaults_changed(struct meta *m);

/* Fired when a topic is about to be deleted: groups drop its offsets. */
void meta_on_delete(struct meta *m, void (*fn)(void *arg, struct topic *t), void *arg);

#endif
