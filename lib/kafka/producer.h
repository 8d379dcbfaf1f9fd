/* producer.h - the inside of a producer, for produce, produce_topic and resend. */
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H

#include "base/map.h"
#include "kafka/handle.h"
#include "kafka/limits.h"
#include "kafka/produce.h"

struct topic {
	char *name;
	rd_kafka_topic_t *rkt;
	int32_t partitions;
	bool made;              /* by our asking for it: it grows as it is copied to */
	int64_t refreshed_ms;   /* when partitions was asked for; monotonic */
	struct limits limits;
	struct err bad;         /* why no record can go there; code NONE = fine */
	int64_t txn;            /* number of the transaction that had records for it last */
};

/* What a message carries as its opaque, and a kept record beside it. */
struct origin {
	producer_tag tag;
	bool gave_partition;    /* it was given, not chosen */
	bool gave_timestamp;
};

/* A record of a refused batch, with all its bytes. */
struct kept {
	struct kept *next;
	struct record r;        /* into bytes behind the struct */
	struct origin origin;
};

struct kept_list {
	struct kept *first, **last;
	int n;
};

/* A source topic whose offsets are committed: how many partitions it has here. */
struct known {
	char *name;
	int32_t partitions;
};

/* See transaction.h; id NULL = there are none. */
struct txn {
	const char *id;
	bool open;
	int64_t number;         /* of the open one, from 1 */
	bool lost;              /* librdkafka knows why it cannot be committed */
	struct err failed;      /* why the open one cannot be committed */
	struct err unsettled;   /* the last one's end is not known */
	int64_t acked_before;   /* totals.acked when it began */
	bool aborting;
	int losses_before;      /* client_losses() when the abort began */
	int64_t batch_bytes;    /* to be reopened with after the abort; 0 = not */
	struct map known;       /* name -> struct known */
};

struct producer {
	struct client *client;
	const struct conf *conf;
	struct producer_options o;
	struct producer_totals totals;
	int64_t handed;         /* records that librdkafka took, less those it gave back */
	struct map topics;
	struct topic *latest;   /* most records go where the one before went */
	int64_t batch_bytes;    /* librdkafka's batch.size */
	int64_t now_ms;         /* wall clock; may be old, never ahead */
	bool compressed;
	struct err fatal;       /* nothing more can be sent */
	struct txn txn;

	struct kept_list refused; /* of refused batches, to be sent again */
	bool alone;             /* one record is under way: a refusal means it */
	struct record_header *headers; /* scratch */
	size_t headers_cap;
};

/* Finds or opens a topic; t->bad tells whether records can go there. -1 = fatal. */
struct topic *producer_topic_get(struct producer *p, struct slice name,
	struct err *e);
/*
 * Whether the topic has the partition; asks again, at most once a second. A
 * topic that this run has made gets it: a copy keeps its partitions.
 */
bool producer_topic_has(struct producer *p, struct topic *t, int32_t partition);
void producer_topics_release(struct producer *p);
/* How many partitions a topic has; 0 = the cluster does not know it. Creates nothing. */
int producer_count_partitions(struct producer *p, const char *name,
	int32_t *out, struct err *e);

/* The handle once more, with smaller batches; topics' handles are renewed. */
int producer_reopen(struct producer *p, int64_t batch_bytes, struct err *e);

/* Gives the record to librdkafka, waiting while its queue is full. */
rd_kafka_resp_err_t producer_enqueue(struct producer *p, const struct topic *t,
	const struct record *r, struct origin origin);
void producer_fail(struct producer *p, const struct record *r,
	struct origin origin, const struct err *why);
/* Until nothing is under way, or deadline (monotonic ms). */
void producer_drain(struct producer *p, int64_t deadline);

/* transaction.c */
void producer_txn_setup(struct producer *p, rd_kafka_conf_t *rk_conf);
int producer_txn_init(struct producer *p, struct err *e);
/* The open transaction, if any, is lost; the first reason stays. */
void producer_txn_fail(struct producer *p, const struct err *why);
/* librdkafka takes no more records for it, and will say why when it is ended. */
void producer_txn_lost(struct producer *p);
void producer_txn_release(struct producer *p);

/* resend.c */
bool resend_is_refusal(rd_kafka_resp_err_t code);
void resend_keep(struct producer *p, const struct record *r, struct origin origin);
void resend_all(struct producer *p, int64_t deadline);

#endif
