/*
 * dlq.h - a dead-letter topic, opened: its partitions, its ledger, the
 * committed mark of its group, its records.
 *
 * Reading changes nothing. Who opens it to write (dlq_write.h) fences every
 * other run on the same topic first and reads the ledger afterwards, so that
 * there is one truth and one who adds to it.
 */
#ifndef KAFKA_DLQ_H
#define KAFKA_DLQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/conf.h"
#include "kafka/admin.h"
#include "kafka/client.h"
#include "kafka/dlq_redriven.h"
#include "kafka/ledger.h"
#include "kafka/produce.h"
#include "model/dlq_select.h"
#include "model/ledger.h"
#include "model/ledger_run.h"

struct dlq_options {
	const char *topic;
	const char *ledger;   /* NULL = topic DLQ.kc-ledger; "file:PATH" */
	int timeout_ms;       /* of everything that waits */
	bool write;
	bool plain;           /* with write: without transactions */
	const struct conf *to_conf; /* of another cluster, which copies go to: with plain; or NULL */
	/* The ledger was lost and nothing was ever handled: go on without it. */
	bool assume_none;
	bool returns;         /* for dlq_is_return(): what was redriven is remembered */
	/* Each entry that is loaded, or found missing, in the order of writing; or NULL. */
	void (*on_entry)(void *arg, const struct ledger_entry *x);
	void *arg;
};

/* Where copies go. */
struct dlq_target {
	char *cluster;        /* id; NULL = that of the dead letters */
	const struct conf *conf;
	struct client *client;
	struct admin_topics *topics; /* all of them */
	struct producer *producer;   /* when it was opened to write */
};

struct dlq {
	const struct conf *conf;
	struct dlq_options o;
	struct client *client;
	struct admin_topics topics;      /* of the whole cluster */
	const struct admin_topic *meta;  /* this one; start and end as of now */
	struct dlq_target target;
	char *group;                     /* "kc-dlq.DLQ": its offsets are the marks */
	char *ledger_topic;
	char *transactional_id;          /* "kc-dlq.CLUSTER.DLQ" */
	struct ledger ledger;
	struct ledger_run *runs;         /* in the order in which they began */
	int runs_n;
	struct slice last_run;           /* id of the run that wrote to the ledger last; null = none */
	int64_t *committed;              /* by partition; -1 = none */
	int members;                     /* of the group; there should be none */
	bool ledger_lost;                /* marks are committed and there is no ledger */

	/* private */
	struct ledger_file *file;
	struct arena memory, scratch;
	struct slice uncounted;          /* read last: a run that has not ended, without transactions */
	struct producer *producer;       /* of dlq_write.h */
	struct admin_topics other_topics; /* of the target, when it is another cluster */
	struct dlq_batch *under_way;     /* whose records it is sending */
	int64_t ledger_end;              /* behind the last entry that it wrote; 0 = none */
	const struct dlq_commit *commit; /* of dlq_plain.c: under way */
	struct err entry_failed;
	struct err refused;              /* without transactions: a copy, and so would be the next */
	int64_t *highest;                /* offset of an entry, by partition; -1 = none */
	bool beyond;                     /* an entry is of a partition that is not there */
	bool unsettled;                  /* copies may be there that the ledger does not have */
	bool marked;                     /* the marks were committed by this run */
	bool keep_sent;                  /* what is sent now may be looked for, too */
	struct dlq_redriven redriven;
};

/* "orders.dlq" is refused as what it is not: internal, or a ledger. After an error d may be closed. */
int dlq_open(struct dlq *d, const struct conf *conf, const struct dlq_options *o,
	struct err *e);
/* Waits, a moment, until what was committed can be read. */
void dlq_close(struct dlq *d);

/* A run that begins; what it points to must stay as long as d. */
void dlq_add_run(struct dlq *d, const struct ledger_run *run);
/* By id; NULL = none. */
const struct ledger_run *dlq_run(const struct dlq *d, struct slice id);
const struct ledger_run *dlq_run_by_hash(const struct dlq *d, uint32_t hash);

/* The redriven record that came back as another dead letter. */
struct dlq_return {
	int32_t partition;
	int64_t offset;
	int64_t redrives;     /* so far */
	uint32_t run;         /* ledger_run_hash() of the run that had sent it; 0 = not known */
};

/*
 * Whether x is the return of one: by its headers or, where those were lost,
 * by its bytes, when it came after that run began and holds the same. 1, 0;
 * -1 = ERR_IO.
 */
int dlq_is_return(const struct dlq *d, const struct dlq_record *x,
	struct dlq_return *out, struct err *e);
/* An entry that is there for good. ERR_IO. */
int dlq_apply(struct dlq *d, const struct ledger_entry *x, struct err *e);

/* ---- its records ---- */

enum dlq_scan_status { DLQ_SCAN_ON, DLQ_SCAN_STOP, DLQ_SCAN_FAIL };

struct dlq_scan {
	const struct dlq_select *select; /* narrows what is read; NULL = all */
	bool from_start;       /* of the log, not at the mark */
	const int64_t *ends;   /* by partition; NULL = as of opening */
	/* Every record of the range, whatever its state. Valid for the call. */
	enum dlq_scan_status (*record)(void *arg, const struct dlq_record *x,
		struct err *e);
	void *arg;
};

/*
 * Reads, partition by partition interleaved, each in order; what there is to
 * know about gaps goes to the ledger. 0 also when stopped. -1 with e
 * untouched when a signal came.
 */
int dlq_scan(struct dlq *d, const struct dlq_scan *s, struct err *e);

/* Its partitions, to ask for their offsets anew; who asked frees t.partitions. */
struct admin_topic dlq_partitions(const struct dlq *d);

/* Warns of records that an open transaction holds back, if that can be seen. */
void dlq_tell_held(struct dlq *d);

/* True when a name looks like a dead-letter topic's: .dlq, -dlt, .DLT, dlq., error. ... */
bool dlq_is_name(struct slice topic);

#endif
