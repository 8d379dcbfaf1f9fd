/*
 * deadletter.h - why a record died, from whichever framework's headers say so.
 *
 * Each framework writes its own headers with its own encodings; each is a row
 * of the table in deadletter_table.c. A record may have died more than once, by one
 * framework or several: every death is a hop, the newest is the answer.
 * Frameworks append to the headers that are there, so their last is the
 * newest; SmallRye puts its own in front, so its first is.
 *
 * Sources: Kafka Connect DeadLetterQueueReporter, KIP-1034 (Streams),
 * KIP-1191 (share groups), Spring Kafka KafkaHeaders and RetryTopicHeaders,
 * Spring Cloud Stream's Kafka binder, SmallRye KafkaDeadLetterQueue and
 * KafkaDelayedRetryTopic, Karafka, Watermill, Uber kafka-client DLQMetadata.
 */
#ifndef MODEL_DEADLETTER_H
#define MODEL_DEADLETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/record.h"

enum deadletter_scheme {
	DEADLETTER_NONE,
	DEADLETTER_KC,             /* __dlq.errors.* and kc-* */
	DEADLETTER_CONNECT,        /* __connect.errors.* */
	DEADLETTER_STREAMS,        /* __streams.errors.* */
	DEADLETTER_SHARE,          /* __dlq.errors.* */
	DEADLETTER_SPRING,         /* kafka_dlt-* */
	DEADLETTER_SPRING_RETRY,   /* kafka_original-*, retry_topic-* */
	DEADLETTER_SPRING_CLOUD,   /* x-original-*, x-exception-* */
	DEADLETTER_SMALLRYE,       /* dead-letter-* */
	DEADLETTER_SMALLRYE_RETRY, /* delayed-retry-* */
	DEADLETTER_KARAFKA,        /* source_* */
	DEADLETTER_WATERMILL,      /* *_poisoned */
	DEADLETTER_UBER,           /* a protobuf in place of the key */
	DEADLETTER_CAMEL,          /* Camel*, kafka.*: where a route lets them through */
	DEADLETTER_BAKDATA,        /* the value is a document of the error */
	DEADLETTER_SCHEMES
};

struct deadletter_origin {
	struct slice topic;      /* null = not told, as all slices here */
	int32_t partition;       /* -1 = not told */
	int64_t offset;          /* -1 = not told */
	bool has_timestamp;
	int64_t timestamp;       /* ms since the epoch, when has_timestamp */
	enum timestamp_type timestamp_type;
	struct slice group;      /* the consumer group that failed */
};

struct deadletter_error {
	struct slice class, message, stack;
	struct slice cause, cause_message; /* of the exception inside */
	struct slice stage;      /* where in the pipeline */
	struct slice kind;       /* permanent, transient, poison */
};

struct deadletter_hop {
	enum deadletter_scheme scheme;
	struct deadletter_origin origin;
	struct deadletter_error error;
	int64_t attempts;        /* deliveries that failed, this one too; -1 = not told */
	int64_t failed_at, first_failed_at; /* ms since the epoch; -1 = not told */
};

struct deadletter {
	/* The newest death; scheme NONE and nothing told when there is none. */
	enum deadletter_scheme scheme;
	struct deadletter_origin origin;
	struct deadletter_error error;
	int64_t attempts;
	int64_t failed_at;       /* told, or the dead letter's own timestamp where that is it */
	int64_t first_failed_at;

	const struct deadletter_hop *hops; /* every death, the newest first */
	int hops_n;
	unsigned schemes;        /* bit 1 << scheme: their headers are there */

	/* Left by kc-dlq redrive and never a reason of death. */
	int64_t redrives;        /* kc-redrive-count; 0 = none */
	struct slice redrive_run;    /* kc-redrive-run */
	struct slice redrive_of;     /* kc-redrive-of: DLQ/partition/offset */
	struct slice first_origin;   /* kc-origin: topic/partition/offset of the first death */

	/*
	 * What the source record held, as far as the dead letter tells: its
	 * own key and value, or what a scheme wrapped (Uber's key, bakdata's
	 * value). payload_lost: neither came along, it is at the origin only.
	 */
	struct slice key, value;
	bool payload_lost;

	const char *warning;     /* a header that cannot be decoded, or an order that is not told; NULL = none */
};

/* "connect", "spring-retry", ...; NONE is "none". */
const char *deadletter_scheme_name(enum deadletter_scheme scheme);

/* The scheme of that name, or -1 with the names there are (ERR_USAGE). */
int deadletter_scheme_parse(const char *name, enum deadletter_scheme *out,
	struct err *e);

/* Borrows from the record; what must be built lives in the arena. */
void deadletter_read(const struct record *r, struct deadletter *d, struct arena *a);

/*
 * True when the header tells of one of the deaths read into d, so that a
 * redrive strips it: a name like x-original-topic only where that scheme is.
 * kc-redrive-* and kc-origin are not, they outlive a redrive.
 */
bool deadletter_is_header(const struct deadletter *d, struct slice name);

/*
 * The record that goes to the dead-letter topic: source's key, value and
 * headers, with the headers of this death among them as the scheme has it
 * (KC, CONNECT, SPRING, SMALLRYE, STREAMS). d->origin and d->error must be
 * filled in; source->topic, partition, offset are taken where d->origin has
 * none. A death before it stays as a hop. KC replaces its own stack, so that
 * a record does not grow by one each time.
 *
 * max_bytes > 0: the largest sum of key, value and headers; a record over it
 * loses, in this order, all but 4 KiB of the stack, the stack, all but 1 KiB of the
 * message, the hops before. ERR_FULL when even that does not help (the
 * payload itself is too large). ERR_UNSUPPORTED for other schemes.
 *
 * *out borrows from source, d and the arena; its topic, partition and
 * timestamp are left to the caller (null, -1, none).
 */
int deadletter_write(enum deadletter_scheme scheme, const struct record *source,
	const struct deadletter *d, int64_t max_bytes, struct arena *a,
	struct record *out, struct err *e);

/*
 * Appends the object {"scheme":...,"origin":{...},"error":{...},...}: what is
 * not told is absent.
 */
void deadletter_put_json(struct buf *out, const struct deadletter *d);

#endif
