/* replayer.h - the inside of a replay, for lib/kafka/replay_*.c. */
#ifndef KAFKA_REPLAYER_H
#define KAFKA_REPLAYER_H

#include "base/arena.h"
#include "kafka/admin.h"
#include "kafka/produce.h"
#include "kafka/replay.h"
#include "kafka/replay_source.h"
#include "model/replay_pace.h"
#include "model/replay_range.h"
#include "model/replay_select.h"
#include "model/replay_shape.h"
#include "model/replay_tally.h"

/* What a look at the first and last records of a partition tells. */
struct replay_probe {
	int64_t first_ts, last_ts;   /* -1 = not known */
	int64_t seen, seen_bytes;    /* records looked at */
};

/* One of --max-lag. */
struct replay_lag {
	char *group;
	int64_t max;
	int64_t lag;            /* when it was measured last */
	bool told;
};

struct replay_via;
struct replay_latest;
struct replay_dead;

struct replayer {
	const struct replay_options *o;
	struct client *source, *target; /* one and the same within a cluster */
	bool one_cluster;
	struct replay_job job;
	bool is_new;
	const char *why_mode;

	struct replay_select select;
	struct slice *keys;
	struct record_header *with_headers;
	struct replay_shape shape;
	struct replay_pace pace;
	struct replay_lag *lags;
	int lags_n;
	int64_t room;                   /* records that may be sent before they are measured again */
	int32_t target_partitions;
	bool target_missing;            /* --create-like makes it */

	/* what a plan tells; by index of the job's partitions */
	int64_t *starts, *highs;        /* of the log; as of read_uncommitted */
	struct replay_probe *probes;
	char **warnings;
	int warnings_n;

	struct replay_source *in;
	struct replay_latest *latest;   /* NULL = all of a key */
	struct replay_via *via;         /* NULL = no command */
	struct replay_tally seen;       /* REPLAY_SCAN: what is there already */
	bool look_seen;

	struct producer *producer;
	char *transactional_id, *group; /* NULL unless the mode has them */
	struct err failure;             /* of a record */
	struct replay_dead *dead;       /* refused by the brokers, to be put aside */
	struct arena arena;             /* of a dead letter */
	int64_t selected;               /* records that were to be sent, by all runs */
	struct buf text;                /* scratch */
	int64_t *next;                  /* scratch: positions */
	/*
	 * Paced and without transactions, nothing waits for acknowledgements: a
	 * snapshot's document is sent when all records before it are acked.
	 */
	bool unhurried;
	int generation;                 /* of records: 0 or 1, changes at a snapshot */
	int64_t under_way[2];           /* records of each that are not acked */
	int64_t *acked_ends;            /* by partition of the target; target_n */
	bool snapshot;                  /* one waits: its document is in: */
	struct buf snapshot_text;
	struct replay_part *committed;  /* the parts as of the last commit */
	int64_t committed_read, committed_sent, committed_dead;
	int64_t started_ms, stats_at;   /* monotonic; 0 = not yet */
	int64_t look_at;                /* replayer_grow()'s next; monotonic */
	int grown_to;                   /* partitions that it saw last */
};

/* replay_open.c */
int replayer_open(struct replayer *r, const struct replay_options *o, struct err *e);
/* Finds the job to go on with, or makes a new one from the options. */
int replayer_find(struct replayer *r, struct err *e);
/* ERR_EXISTS when the name is that of a job that is not done. */
int replayer_check_name(const struct replay_jobs *jobs, struct err *e);
/* Selection and shape from the job's texts. */
int replayer_apply(struct replayer *r, struct err *e);
void replayer_close(struct replayer *r);
void replayer_warn(struct replayer *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool replayer_is_txn(const struct replayer *r);

/* replay_target.c */
int replayer_check_target(struct replayer *r, struct err *e);
/* Can records stay in their partitions? By r->target_partitions. */
int replayer_check_partitions(struct replayer *r, struct err *e);

/* replay_grow.c: now and then, takes in partitions that the source got. */
int replayer_grow(struct replayer *r, struct err *e);

/* replay_new.c: ranges against what the source has. */
int replayer_plan_ranges(struct replayer *r, struct err *e);
int replayer_probe(struct replayer *r, bool last, struct err *e);

/* replay_resume.c: is the source still what it was? */
int replayer_check_source(struct replayer *r, struct err *e);
/* Records that are gone: a gap in the job when allowed, else ERR_NOT_FOUND. */
int replayer_pass_gaps(struct replayer *r, bool *any, struct err *e);
/* When the source forgets tombstones before the end: this far off, -1 = not known. */
void replayer_warn_tombstones(struct replayer *r, int64_t left_ms);
/* Why the source ended early, in *e; -1. */
int replayer_explain(struct replayer *r, struct err *e);
/* What REPLAY_SCAN left in the target behind its last document. */
int replayer_scan(struct replayer *r, struct err *e);

/* replay_ready.c */
void replayer_choose_mode(struct replayer *r);
/* By its mode: the transactional id, and the group, which must have no members. */
int replayer_name(struct replayer *r, struct err *e);
/* Everything before the first record. */
int replayer_ready(struct replayer *r, struct err *e);

/* replay_lag.c: --max-lag */
int replayer_parse_lags(struct replayer *r, const struct opt_list *texts,
	struct err *e);
/* Measures, until all have room, or a signal: how long that took, in *waited_ms. */
int replayer_await_lag(struct replayer *r, int64_t *waited_ms, struct err *e);

/*
 * replay_errors.c: --errors-to. False: the record can be written, or must not
 * be put aside; true: it was, or *failed.
 */
bool replayer_put_aside(struct replayer *r, const struct record *from,
	const struct record *out, bool *failed, struct err *e);
/* A broker refused it: kept until replayer_send_dead(). */
bool replayer_keep_dead(struct replayer *r, const struct record *out,
	int32_t partition, int64_t offset, const struct err *why);
int replayer_send_dead(struct replayer *r, struct err *e);
void replayer_free_dead(struct replayer *r);

/* replay_report.c */
void replayer_report(const struct replayer *r, struct buf *out);
void replayer_tell_stats(struct replayer *r);
void replayer_tell_start(const struct replayer *r);
int replayer_conclude(struct replayer *r, int result, struct err *e);

/* replay_archive_read.c: what an archive holds, as the job's partitions. */
int replay_archive_plan(struct replayer *r, struct err *e);

/* replay_sink.c */
int replayer_open_producer(struct replayer *r, struct err *e);
/* The first document of a new job, or of one that is gone on with. */
int replayer_begin_job(struct replayer *r, struct err *e);
int replayer_begin(struct replayer *r, struct err *e);
int replayer_send(struct replayer *r, const struct record *rec, struct err *e);
/* Where the source is, into the job. */
void replayer_positions(struct replayer *r);
producer_tag replayer_dead_tag(const struct replayer *r);
/* Everything up to here is done, and remembered. */
int replayer_commit(struct replayer *r, const char *state, struct err *e);
/* The same without waiting, where r->unhurried: begins one, or ends it. */
void replayer_snapshot(struct replayer *r);
int replayer_end_snapshot(struct replayer *r, struct err *e);
/* Waits a little until readers of the target see what was committed. */
void replayer_settle(struct replayer *r);
/* Back to the last commit; the source is closed. */
void replayer_rewind(struct replayer *r);
void replayer_rewind_source(struct replayer *r);
int replayer_open_source(struct replayer *r, struct err *e);

/* replay_latest.c: --latest-per-key */
int replay_latest_build(struct replayer *r, struct err *e);
bool replay_latest_has(struct replay_latest *l, const struct record *rec);
void replay_latest_free(struct replay_latest *l);

/*
 * replay_via.c: a command that gets records as lines and answers with lines:
 * started for each batch, which is done when it ends with 0.
 */
struct replay_via *replay_via_new(const char *command);
void replay_via_free(struct replay_via *v);
void replay_via_add(struct replay_via *v, const struct record *rec);
/* Runs it; `send` gets each record that it answers. */
int replay_via_run(struct replay_via *v, int timeout_ms,
	int (*send)(void *arg, const struct record *rec, struct err *e), void *arg,
	struct err *e);

#endif
