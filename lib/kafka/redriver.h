/* redriver.h - the inside of a redrive, for redrive*.c. */
#ifndef KAFKA_REDRIVER_H
#define KAFKA_REDRIVER_H

#include "kafka/consume.h"
#include "kafka/dlq_write.h"
#include "kafka/limits.h"
#include "kafka/redrive.h"
#include "kafka/redrive_newer.h"
#include "kafka/redrive_pace.h"
#include "model/redrive_order.h"

struct redriver {
	struct dlq *d;
	const struct redrive_options *o;
	struct ledger_run *run;
	struct dlq_batch batch;
	struct arena memory;    /* of one record */
	struct arena letter;    /* what one record's headers tell, when it is read again */
	struct redrive_order order; /* see redrive_ordered.c */
	int64_t placed;         /* in that order, of `limit` */
	int64_t fetched, fetched_bytes; /* of those that were sent in it */
	struct pace pace;
	struct redrive_newer *newer; /* made when it is needed */
	struct redrive_hold **holds; /* of each of the options' */
	struct slice retry_of;  /* topic whose retry topic was asked for last; owned */
	const char *retry;      /* and the answer; NULL = there is none */
	struct slice asked;     /* topic whose configs were asked for last; owned */
	struct limits limits;   /* and the answer */
	bool unseen;            /* they may not be seen */
	int64_t taken;          /* chosen to be sent, of `limit` */
	int64_t now_ms;         /* wall clock, asked once a batch */
	bool begun;             /* the ledger knows of the run */
	bool canary_over;
	bool checking;          /* whether a plan still holds; nothing is taken */
};

/* One transaction; a reader with read_committed waits for its end. */
enum { BATCH_RECORDS = 5000, BATCH_CHANGES = 20000, BATCH_BYTES = 16 << 20 };

/* Reads what is selected and still open, as it was when the run began. */
int redrive_scan(struct redriver *j, enum dlq_scan_status (*record)(void *arg,
	const struct dlq_record *x, struct err *e), struct err *e);
/* A return is marked as such. 1 when it is to be sent; *redrives is how often it was. ERR_IO. */
int redrive_is_chosen(struct redriver *j, const struct dlq_record *x,
	struct record *edit, int64_t *redrives, struct err *e);
/*
 * Into the batch, with the copy that was made of it, if any; or parked. The
 * batch is committed when it is full, and the canary watched.
 */
int redrive_take(struct redriver *j, const struct dlq_record *x,
	int64_t redrives, const struct record *edit, struct err *e);
bool redrive_is_over(const struct redriver *j);

/* redrive_ordered.c: j->order.disordered tells whether they lie in the order of their deaths. */
int redrive_look(struct redriver *j, struct err *e);
/* In that order, after a look. */
int redrive_ordered(struct redriver *j, struct err *e);
/* These, in this order; those that are not there are told. */
int redrive_send_places(struct redriver *j, const struct redrive_place *places,
	size_t n, struct err *e);

/* redrive_planned.c: the batch as lines of o->plan. */
int redrive_plan_write(struct redriver *j, struct err *e);
/* That o->planned still holds, before anything is done; then all of it. */
int redrive_check_plan(struct redriver *j, struct err *e);
int redrive_do_plan(struct redriver *j, struct err *e);
bool redrive_as_planned(struct redriver *j, const struct dlq_change *c);
int redrive_stale(const struct redriver *j, int32_t partition, int64_t offset,
	const char *why, struct err *e);

/* A new entry of that state, by this run; the note stays. */
struct ledger_entry redrive_entry(const struct redriver *j, int32_t partition,
	int64_t offset, enum ledger_state state);
/* x is the return of a record: says so in that one's entry. */
void redrive_mark_returned(struct redriver *j, const struct dlq_record *x,
	const struct dlq_return *back);
/* It stays open, and why. */
void redrive_fail(struct redriver *j, int32_t partition, int64_t offset,
	const struct err *why);

/*
 * redrive_batch.c: the batch made ready (newer records, payloads of the
 * origin, commands), paced, committed. With a dry run only counted.
 */
int redrive_commit(struct redriver *j, struct err *e);
/* Not where dead letters lie; the partition only where there is one. */
int redrive_check_target(struct redriver *j, struct record *copy, struct err *e);

/* The form for a dead letter: with its retry topic, where that is asked for. */
int redrive_form_of(struct redriver *j, const struct deadletter *d,
	struct redrive_form *out, struct err *e);

/* redrive_watch.c: what comes back within the time is counted. */
int redrive_watch(struct redriver *j, struct err *e);
bool redrive_is_too_much(const struct redriver *j);

#endif
