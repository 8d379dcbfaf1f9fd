/*
 * transactions.h - all transactional ids of this broker: registry, time-outs,
 * and their life in the internal topic __transaction_state.
 *
 * How a transaction ends, and why in this order. Nothing but what a commit of
 * the store has told to be durable is sure to be there after a loss of power;
 * the rest may be, each log for itself.
 *
 *	0. A commit is refused, to be asked for again (CONCURRENT_TRANSACTIONS),
 *	   while records of the transaction are not durable: of records and
 *	   decision the power could take the ones and leave the other, which
 *	   then commits what is left. No client that waits for its records'
 *	   acknowledgements, as all do, meets this. An abort need not wait.
 *	1. PREPARE is appended: the decision, and for every partition where the
 *	   transaction begins in it. Until that is durable nobody is told, and
 *	   no marker exists: a marker that survived without the decision would
 *	   commit one partition of a transaction whose others are aborted.
 *	2. Once it is, the markers are appended, the group's offsets published,
 *	   and the client is answered, all in one turn of the loop: it can go on
 *	   at once. That the markers are not durable yet does no harm. Readers
 *	   see them only when they are (the last stable offset), and a start
 *	   that finds PREPARE writes those that are missing: a marker is missing
 *	   where the transaction that is open begins at the offset PREPARE says,
 *	   so that none is written twice, nor into the next transaction.
 *	3. Once the markers are durable, COMPLETE is appended, unless the next
 *	   transaction has begun: COMPLETE in the log means that no marker is
 *	   missing. The next PREPARE waits for this point, so that there is only
 *	   ever one decision to look after.
 *
 * A start loads everything before the first request is served, finishes what
 * was decided, goes on with what is Ongoing, and makes right what is open in
 * a log without the coordinator's knowing: see transaction_load.c.
 *
 * No sockets and no loop in here, as in groups.h.
 */
#ifndef COORD_TRANSACTIONS_H
#define COORD_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "coord/transaction.h"

struct config;
struct groups;
struct meta;
struct transactions;

struct transactions_reply {
	int16_t error;
	int64_t producer_id; /* -1 on error */
	int16_t epoch;
};

/* All borrowed. */
struct transactions_parts {
	const struct config *config;
	const struct clock *clock;
	struct meta *meta;
	struct groups *groups;
	/* Call transactions_tick() at this monotonic time, not at the one said before. */
	void (*wake)(void *arg, int64_t at);
	void *wake_arg;
	/* As in groups.h: to be encoded at once, sent after `commit` (0 = nothing). */
	void (*answer)(void *token, const struct transactions_reply *r, uint64_t commit);
};

/* Loads, and finishes what was decided; what cannot be read is tried again later. */
struct transactions *transactions_open(const struct transactions_parts *parts);
/* Who still waits is answered with an error. */
void transactions_close(struct transactions *ts);

/* What is due happens. */
void transactions_tick(struct transactions *ts);
/* From the store: commits up to seq have ended. */
void transactions_committed(struct transactions *ts, uint64_t seq, int16_t error);

/* Both are answered through parts.answer. */
void transactions_init(struct transactions *ts, struct slice id,
	const struct transaction_init *q, void *token);
void transactions_end(struct transactions *ts, struct slice id,
	const struct transaction_end *q, void *token);

struct transactions_producer {
	struct slice id; /* transactional */
	int64_t producer_id;
	int16_t epoch;
	int16_t version; /* TRANSACTION_V1, _V2 */
};

struct transactions_part {
	struct slice topic;
	int32_t partition;
};

/*
 * Adds partitions that exist to the transaction, and begins it when none is
 * open. A Kafka error code, as the coordinator gives it. It need not be
 * durable before the reply: were it lost, so were all data that came later.
 */
int16_t transactions_add(struct transactions *ts, const struct transactions_producer *p,
	const struct transactions_part *parts, int n);
/*
 * KIP-890: is the partition in the transaction? TRANSACTION_ABORTABLE when
 * it is not.
 */
int16_t transactions_verify(struct transactions *ts,
	const struct transactions_producer *p, const struct transactions_part *part);

/*
 * The partition of __consumer_offsets that a group's offsets go to; the
 * topic is made when need be.
 */
int16_t transactions_group_part(struct transactions *ts, struct slice group,
	struct transactions_part *out);

/* What tools look at; borrowed until the next event. */
struct transactions_view {
	struct slice id;
	const struct transaction *state;
	const struct transaction_parts *parts;
};

/* A Kafka error code: TRANSACTIONAL_ID_NOT_FOUND. */
int16_t transactions_find(struct transactions *ts, struct slice id,
	struct transactions_view *out);
/* How many are Ongoing or being decided; of what is loaded. */
int transactions_open_count(const struct transactions *ts);
/* For (size_t i = 0; transactions_next(ts, &i, &v); ) after transactions_ready(). */
int16_t transactions_ready(struct transactions *ts);
bool transactions_next(struct transactions *ts, size_t *i, struct transactions_view *out);

#endif
