/*
 * admin.h - topics and their configurations: one blocking call a request.
 *
 * Every call ends after timeout_ms, or when a signal came, with
 * ERR_TEMPORARY. Nothing here creates a topic by asking for it.
 */
#ifndef KAFKA_ADMIN_H
#define KAFKA_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "kafka/client.h"

struct admin_partition {
	int32_t id;
	int32_t leader;           /* -1 = none */
	int32_t *replicas, *isr;  /* broker ids */
	int replicas_n, isr_n;
	int64_t start, end;       /* -1 = unknown; see admin_offsets() */
};

struct admin_topic {
	char *name;
	struct admin_partition *partitions; /* ascending by id */
	int partitions_n;
};

struct admin_topics {
	struct admin_topic *items; /* ascending by name */
	int n;
	int32_t *brokers;
	int brokers_n;
};

/* All topics of the cluster. */
int admin_topics(struct client *c, int timeout_ms, struct admin_topics *out,
	struct err *e);
void admin_topics_release(struct admin_topics *t);
struct admin_topic *admin_topics_find(const struct admin_topics *t, const char *name);

/*
 * Fills in start and end of every partition. A partition of a topic that was
 * just made has no leader yet, or one that does not know it: that is waited
 * for; ERR_TEMPORARY when the time is over.
 */
int admin_offsets(struct client *c, int timeout_ms, struct admin_topic *t,
	struct err *e);
/* The same without the wait: -1 where there is no leader. */
int admin_offsets_now(struct client *c, int timeout_ms, struct admin_topic *t,
	struct err *e);

/*
 * The same as read_uncommitted readers see the ends: behind what an open
 * transaction holds back from the others.
 */
int admin_high(const struct conf *conf, int timeout_ms, struct admin_topic *t,
	struct err *e);

/*
 * How many partitions one topic has; 0 = there is none. Not with a CLIENT_ADMIN
 * or a CLIENT_PRODUCER: for those, a broker may make a topic that is asked for.
 */
int admin_count_partitions(struct client *c, const char *topic, int timeout_ms,
	int *out, struct err *e);

struct admin_config {
	char *name;
	char *value;      /* NULL = not shown (sensitive) or null */
	bool is_override; /* set on the topic or broker itself */
	bool is_default;  /* Kafka's own default */
	bool is_read_only, is_sensitive;
};

struct admin_configs {
	struct admin_config *items; /* ascending by name */
	int n;
};

enum admin_resource { ADMIN_TOPIC, ADMIN_BROKER };

/* ERR_NOT_FOUND when there is no such topic, ERR_REFUSED when not allowed. */
int admin_configs(struct client *c, enum admin_resource kind, const char *name,
	int timeout_ms, struct admin_configs *out, struct err *e);
void admin_configs_release(struct admin_configs *k);
const struct admin_config *admin_configs_find(const struct admin_configs *k,
	const char *name);

struct admin_change {
	const char *name;
	const char *value; /* NULL = back to the default */
};

/* What all changing requests share. */
struct admin_options {
	int timeout_ms;
	bool dry_run;      /* the broker checks, and changes nothing */
};

/* What a topic is made with. */
struct admin_new {
	int partitions, replicas; /* -1 = the broker's default */
	const struct admin_change *configs;
	int configs_n;
};

/* partitions, replicas: -1 = the broker's default. */
int admin_create(struct client *c, const char *topic, int partitions,
	int replicas, const struct admin_change *configs, int n,
	const struct admin_options *o, struct err *e);
/*
 * Many in one request, no name twice, so not more than some hundred.
 * why[i], all ERR_NONE before, says of which it failed.
 */
void admin_create_all(struct client *c, char *const *topics, int n,
	const struct admin_new *new, const struct admin_options *o,
	struct err *why);
/*
 * Waits until a broker shows the topic with all partitions led and their
 * leaders answer, so that it can be used at once: a cluster needs a moment to
 * spread the news, and to make the logs of many partitions.
 */
int admin_await(struct client *c, const char *topic, int timeout_ms,
	struct err *e);
/* The same for all those whose why[i] is ERR_NONE. */
void admin_await_all(struct client *c, char *const *topics, int n, int timeout_ms,
	struct err *why);

/* Kafka knows no dry run of it: with one, nothing is sent. */
int admin_delete(struct client *c, const char *topic,
	const struct admin_options *o, struct err *e);
/*
 * ERR_FAILED when the topic is only compacted: then DeleteRecords is refused.
 * Who may not see its configs learns that from the broker.
 */
int admin_check_deletes(struct client *c, const char *topic, int timeout_ms,
	struct err *e);
/* Deletes what lies before these offsets, one for each partition of t (KIP-107). */
int admin_delete_records(struct client *c, const struct admin_topic *t,
	const int64_t *before, int timeout_ms, struct err *e);
/* To this many partitions in all. */
int admin_add_partitions(struct client *c, const char *topic, int total,
	const struct admin_options *o, struct err *e);

/*
 * Sets and unsets configs of a topic. A librdkafka before 2.2 can only
 * replace all of them: then what is there is read first, and read again just
 * before writing; ERR_FAILED when another writer came in between.
 */
int admin_alter(struct client *c, const char *topic,
	const struct admin_change *changes, int n,
	const struct admin_options *o, struct err *e);

/* ERR_USAGE unless Kafka allows the name. */
int admin_check_name(struct slice topic, struct err *e);

/* Kafka's own topics: __consumer_offsets, __transaction_state, ... */
bool admin_is_internal(const char *topic);

#endif
