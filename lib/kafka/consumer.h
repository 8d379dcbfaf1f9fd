/*
 * consumer.h - the inside of consume.h, for consume*.c: the partitions that
 * are read, and where each of them is.
 */
#ifndef KAFKA_CONSUMER_H
#define KAFKA_CONSUMER_H

#include "base/map.h"
#include "kafka/consume.h"
#include "kafka/handle.h"

struct part {
	int32_t id;
	bool active;       /* ours to read */
	bool done;         /* has reached its end */
	bool at_end;       /* of the log, as it was a moment ago */
	int64_t next;      /* where we are: behind what was given out */
	int64_t committed; /* `next` at the last commit, or at the start */
	int64_t start;     /* of the log, when its reading began */
	int64_t end;       /* where to stop, exclusive; -1 = never */
	/* for the summary: offsets, -1 = none; bytes of keys and values */
	int64_t first, last, records, bytes;
};

struct topic {
	struct slice name;  /* NUL behind it; owned */
	struct part *parts; /* by id */
	int parts_n;
	rd_kafka_topic_t *rkt; /* without a group, once it is read */
};

struct consume {
	const struct consume_options *o;
	struct client *client;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	int wake[2];            /* pipe: readable when the queue has something */

	struct topic **topics;
	int topics_n;
	struct map by_name;     /* name -> struct topic */
	int active, done;       /* how many parts are so */
	bool assigned;          /* a group gave us our share, maybe none */
	bool bounded;           /* there is an end to reach */
	bool closing, told_down;
	bool held;              /* see consume_hold_while() */
	int64_t full_since_ms;  /* the same; 0 = there is room; monotonic */

	/* Of librdkafka's queue, whose fetcher sleeps when it is full: see consume_queue.c. */
	bool must_wake;
	int64_t queue_records, queue_bytes;
	bool was_full;
	int64_t records, bytes; /* given out: keys and values */

	rd_kafka_message_t **batch;
	size_t batch_n, batch_at;
	/* Where the message before belonged, which mostly holds for the next. */
	const rd_kafka_topic_t *last_rkt;
	struct topic *last_topic;
	struct part *last_part;
	struct record_header *headers;
	size_t headers_cap;

	int64_t idle_since_ms;  /* nothing came since then; 0 = something did */
	struct err failure;     /* of a callback; consume_next() reports it */
};

/* Before anything is contacted: names that Kafka allows, expressions that compile. */
int consume_check_names(const struct consume_options *o, struct err *e);

/* Metadata of what the options name: fills c->topics; checks names and partitions. */
int consume_find_topics(struct consume *c, struct err *e);

/* The topic of this name, made when it is not there yet. */
struct topic *consume_topic(struct consume *c, const char *name);
/* Its partition, made when it is not there yet; moves the others. */
struct part *consume_part(struct topic *t, int32_t id);

/* All partitions that are wanted, without a group. returns owned */
rd_kafka_topic_partition_list_t *consume_wanted(const struct consume *c);

/*
 * Decides where to begin, as the list's offsets, and where to end, and marks
 * the partitions as ours. An offset >= 0 in the list is a committed one, and
 * wins over the range.
 */
int consume_activate(struct consume *c, rd_kafka_topic_partition_list_t *list,
	struct err *e);
void consume_deactivate(struct consume *c,
	const rd_kafka_topic_partition_list_t *list);

/* The offsets that o->from_group has committed, into a list. */
int consume_from_group(struct consume *c, rd_kafka_topic_partition_list_t *list,
	struct err *e);

/* consume_queue.c: a property that the user left as it was. */
void consume_tune(rd_kafka_conf_t *k, const char *name, const char *was,
	const char *value);
void consume_tune_queue(struct consume *c, rd_kafka_conf_t *k);
/* After each batch that was taken from the queue. */
void consume_mind_queue(struct consume *c);

/* Nothing more is wanted of this partition. */
void consume_finish(struct consume *c, const struct topic *t, struct part *p);

/* Some partitions have an end that they do not reach: says which. */
void consume_fell_short(const struct consume *c, struct err *e);

/* The callback of a group's rebalance; opaque is the client. */
void consume_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *list, void *opaque);

#endif
