/*
 * produce.h - records in, acknowledgements counted, failures told one by one.
 *
 * Every record given to producer_send() ends in exactly one of two counts:
 * acked or failed; a failed one is handed to on_failure, whole. A record that
 * its topic would refuse is found before it is sent (kafka/limits). When the
 * broker refuses a batch nevertheless, its records are sent again in halves
 * until the guilty one stands alone; these come later in the partition than
 * records that were under way behind them.
 */
#ifndef KAFKA_PRODUCE_H
#define KAFKA_PRODUCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "cli/conf.h"
#include "model/record.h"

struct client;
struct producer;

/* How long what is under way may still take once a signal came. */
enum { PRODUCER_STOP_MS = 10000 };

/* Where a record came from; given back with its result. Below 2^62. */
typedef uint64_t producer_tag;

struct producer_options {
	int timeout_ms;      /* of everything that waits; -1 = for ever */
	bool dry_run;        /* check everything, send nothing, create nothing */
	bool at_once;        /* no waiting for more to fill a batch, unless configured */
	/*
	 * NULL = no transactions; else see kafka/transaction.h: opening fences
	 * other producers of this id, and records are sent within transactions
	 * only. borrows
	 */
	const char *transactional_id;
	const char *now_option; /* the tool's that drops timestamps, for sentences; or NULL */
	void *arg;           /* of the callbacks */

	/* The record borrows; its partition is -1 when it was not given. */
	void (*on_failure)(void *arg, const struct record *r, producer_tag tag,
		const struct err *why);
	/* Or NULL. offset -1 = the broker did not tell. */
	void (*on_ack)(void *arg, const char *topic, int32_t partition,
		int64_t offset, producer_tag tag);
};

struct producer_totals {
	/*
	 * Records; sent = taken over, not failed at once. Those of an aborted
	 * transaction have failed.
	 */
	int64_t sent, acked, failed;
	int64_t bytes;               /* keys, values, headers of those sent */
	int topics;
};

/* Waits for a broker. borrows c until producer_close(). -1 with e untouched when a signal came. */
int producer_open(struct producer **out, const struct conf *c,
	const struct producer_options *o, struct err *e);

/*
 * Opens a topic ahead of its first record: ERR_NOT_FOUND when it does not
 * exist and the broker does not create topics on demand.
 */
int producer_topic(struct producer *p, struct slice name, struct err *e);

/*
 * Takes over a copy of the record; blocks while the queue is full. -1 only
 * when nothing more can be sent at all; a record's own failure goes to
 * on_failure and is 0.
 */
int producer_send(struct producer *p, const struct record *r, producer_tag tag,
	struct err *e);

/*
 * Whether producer_send() would take it, as far as that is known before
 * sending: -1 and why, and nothing else happens.
 */
int producer_check(struct producer *p, const struct record *r, struct err *why);

/* Serves callbacks without blocking; now and then, and when idle. */
int producer_poll(struct producer *p, struct err *e);

/* Records that are neither acked nor failed yet. */
int producer_pending(const struct producer *p);

/*
 * Waits until nothing is pending, at most timeout_ms (-1 = as long as records
 * may take): what is pending then fails. -1 when nothing more can be sent.
 */
int producer_flush(struct producer *p, int timeout_ms, struct err *e);

/* acked is exact when nothing is pending. */
struct producer_totals producer_totals(const struct producer *p);
/* An open transaction is aborted. */
void producer_close(struct producer *p);

/*
 * About the largest sum of key, value and headers that a topic takes in one
 * record; 0 = not known.
 */
int64_t producer_record_max(struct producer *p, struct slice topic);

/* Its connection, for administration; another one after the next producer_send(). */
struct client *producer_client(const struct producer *p);

#endif
