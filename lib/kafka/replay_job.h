/*
 * replay_job.h - a replay's memory: one JSON document a job in the compacted
 * topic kc-checkpoints of the target cluster, under the job's name as key.
 *
 * It says what is replayed (as the options' texts), the frozen ranges, how far
 * each partition is, and who is at it. With transactions it travels in the
 * same transaction as the records, so it is always true; else it is written
 * behind what is acknowledged.
 */
#ifndef KAFKA_REPLAY_JOB_H
#define KAFKA_REPLAY_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/conf.h"
#include "cli/opt.h"
#include "kafka/admin.h"
#include "kafka/client.h"

#define REPLAY_JOBS "kc-checkpoints"

/* What is replayed and what becomes of it: the texts of kc-replay's options. */
struct replay_spec {
	const char *topic;           /* the source; of an archive: the one it was */
	const char *target;
	const char *archive;         /* the folder of one, or NULL */
	const char *partitions, *offsets, *from, *until, *last;
	struct opt_list keys, with_headers;
	const char *key_regex, *sample, *tombstones;
	bool latest_per_key;
	struct opt_list headers;
	const char *timestamp, *to_partition, *via;
	const char *errors_to;       /* where records go that cannot be written */
	int64_t count;               /* -1 = no limit */
	bool no_tag;
	bool follow;                 /* the parts have no end: `to` is REPLAY_NO_END */
	/* the pace; -1 and NULL = not given */
	const char *speed;
	int64_t rate, bytes_rate, ramp_ms, max_gap_ms;
	struct opt_list max_lag;     /* GROUP:N */
};
#define REPLAY_SPEC_INIT { .count = -1, .rate = -1, .bytes_rate = -1, \
	.ramp_ms = -1, .max_gap_ms = -1 }

enum replay_mode {
	REPLAY_AUTO,
	REPLAY_OFFSETS,    /* A: a transaction with the source's offsets */
	REPLAY_CHECKPOINT, /* B: a transaction with the job's document */
	REPLAY_SCAN,       /* C: idempotent; the target is looked through on resume */
	REPLAY_NONE,       /* D: nothing is remembered */
};
const char *replay_mode_name(enum replay_mode m); /* "txn-offsets", ... */

#define REPLAY_NO_END INT64_MAX

/* One partition of the source. Offsets; -1 = none. */
struct replay_part {
	int32_t partition;
	int64_t from, to;     /* frozen; to is exclusive */
	int64_t next;         /* before this all is done */
	int64_t last;         /* a record that was done lately ... */
	int64_t last_digest;  /* ... and its replay_digest() with timestamp */
	int64_t sent;         /* records that were selected */
};

/* Offsets that the source no longer had: [from, to). */
struct replay_gap {
	int32_t partition;
	int64_t from, to;
};

struct replay_job {
	char *name, *run;
	enum replay_mode mode;
	char *state;              /* "running", "paused", "stopped", "done", "failed" */
	struct replay_spec spec;  /* borrows from the document or the options */
	char *source_cluster, *target_cluster;
	struct replay_part *parts; /* ascending by partition */
	int parts_n;
	int64_t *target_ends;     /* by partition of the target, at the start ... */
	int64_t *flushed_ends;    /* ... and when it was written last */
	int target_n;
	struct replay_gap *gaps;
	int gaps_n;
	int64_t read, sent;       /* records */
	int64_t dead;             /* records that went to spec.errors_to */
	int64_t shift_ms;
	int64_t started_ms, updated_ms;
	char *host;
	int64_t pid;
	struct json *doc;         /* what spec borrows from, or NULL */
};

void replay_job_write(const struct replay_job *j, struct buf *out);
/* ERR_FORMAT. After an error *j may be released. */
int replay_job_read(struct replay_job *j, struct slice text, struct err *e);
void replay_job_release(struct replay_job *j);

/* Adds what the source no longer had. */
void replay_job_gap(struct replay_job *j, int32_t partition, int64_t from, int64_t to);
/* Offsets; -1 = there is no end. */
int64_t replay_job_left(const struct replay_job *j);
int64_t replay_job_total(const struct replay_job *j);

struct replay_jobs {
	struct replay_job *items; /* ascending by name */
	int n;
};

/*
 * All jobs of a cluster; only the one of this name when it is not NULL. What
 * is committed behind a transaction that is still open, of another job or of
 * one that was killed, is seen only when it has ended: settle_ms is how long
 * that is waited for; 0 = take what is to be seen.
 */
int replay_jobs_load(struct replay_jobs *out, struct client *c,
	const struct conf *conf, const char *name, int settle_ms, int timeout_ms,
	struct err *e);
void replay_jobs_release(struct replay_jobs *j);

/* Makes the topic of the documents when it is not there. */
int replay_jobs_prepare(struct client *c, int timeout_ms, struct err *e);

#endif
