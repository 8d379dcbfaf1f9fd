/*
 * partlog.h - the log of one partition: record batches v2 in segments.
 *
 * Offsets:  log start <= high watermark <= log end (next offset to be given).
 * The high watermark is what consumers see: with fsync group or always it is
 * the end of what is on disk.
 */
#ifndef STORE_PARTLOG_H
#define STORE_PARTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "wire/wire.h"

struct partlog;
struct store;

/*
 * Ours is the only coordinator; but a log may have come from a cluster, and
 * WriteTxnMarkers from anybody, with a higher epoch.
 */
enum { MARKER_OURS = -1 };

/* A control batch: how a transaction of this producer ends in this log. */
struct txn_marker {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t coordinator_epoch; /* MARKER_OURS = that of the last marker, or 0 */
	bool commit; /* else abort */
};

/* A transaction that was aborted, as Fetch tells readers of committed records. */
struct aborted_txn {
	int64_t producer_id;
	int64_t first_offset, last_offset; /* its first record, its marker */
};

/* What a log knows of a producer, as DescribeProducers tells it. */
struct producer_state {
	int64_t id;
	int16_t epoch;
	int32_t last_sequence;     /* -1 = none */
	int64_t last_timestamp;    /* ms */
	int32_t coordinator_epoch; /* -1 = no marker yet */
	int64_t txn_start;         /* first offset of the open transaction, -1 = none */
};

/* What a topic's configs mean to its logs; names as Kafka's topic configs. */
struct log_config {
	int64_t segment_bytes;
	int64_t segment_ms;
	int64_t retention_ms;            /* -1 = for ever */
	int64_t retention_bytes;         /* -1 = no limit; per partition */
	int64_t index_interval_bytes;
	int32_t max_message_bytes;       /* of one batch, header included */
	bool append_time;                /* message.timestamp.type=LogAppendTime */
	bool compact;                    /* cleanup.policy contains compact */
	bool delete_old;                 /* cleanup.policy contains delete */
	int64_t timestamp_before_max_ms; /* message.timestamp.before.max.ms */
	int64_t timestamp_after_max_ms;  /* message.timestamp.after.max.ms */
	int compression;                 /* codec 0-4, -1 = producer */
	int compression_level;           /* of it; CODEC_LEVEL_DEFAULT */
	int64_t segment_jitter_ms;       /* up to this is taken off segment_ms */
	int64_t segment_index_bytes;     /* most of one index file, 0 = no limit */
	int64_t file_delete_delay_ms;
	int64_t delete_retention_ms;     /* of tombstones */
	double min_dirty_ratio;          /* min.cleanable.dirty.ratio */
	int64_t min_compaction_lag_ms, max_compaction_lag_ms; /* 0 = none */
	int64_t flush_messages;          /* 0 = as --fsync says, and so does: */
	int64_t flush_ms;
	bool preallocate;
};

/* "Something became visible, or went away": fired by the store, on the loop. */
struct log_watch {
	struct list node;
	void (*changed)(struct log_watch *w);
};

enum append_origin {
	APPEND_CLIENT,      /* validated as Kafka validates a producer's batch */
	APPEND_COORDINATOR, /* our own batch: offsets, groups, metadata */
};

/* A record that made its batch be refused. */
struct bad_record {
	int32_t index;          /* in the batch */
	const char *message;    /* static */
};

enum { BAD_RECORDS_MAX = 4096 }; /* that are named */

struct append_result {
	int16_t error;          /* Kafka error code, 0 = appended (or a duplicate) */
	bool duplicate;         /* an idempotent retry: the old offset is given */
	int64_t base_offset;    /* -1 on error */
	int64_t append_time;    /* ms when append_time is on, else -1 */
	uint64_t commit;        /* wait for this with request_wait_commit(); 0 = for nothing */
	const char *message;    /* on error, for ErrorMessage; static, may be NULL */
	/* On error: the records it is about; valid until the next append. */
	const struct bad_record *bad;
	int bad_n;
};

/*
 * Appends one batch, the whole of the bytes given. Base offset, leader
 * epoch and, where the topic says so, timestamps are written into them.
 */
void partlog_append(struct partlog *l, uint8_t *batch, size_t len,
	enum append_origin origin, struct append_result *r);

/*
 * The same in two steps, for a batch that takes long to unpack: the check,
 * which may run on another thread, and the append. The bytes must stay.
 */
struct append_check;
bool partlog_is_heavy(const uint8_t *batch, size_t len);
struct append_check *append_check_new(const struct partlog *l, uint8_t *batch,
	size_t len);
void append_check_run(struct append_check *c);
void append_check_free(struct append_check *c);
/* r->bad is the check's. It must be the log that the check was made for. */
void partlog_append_checked(struct partlog *l, struct append_check *c,
	struct append_result *r);

/*
 * Appends the marker that ends the producer's transaction here, whether or
 * not one is open: a coordinator that starts again repeats itself. An older
 * producer epoch than the log's is INVALID_PRODUCER_EPOCH, an older
 * coordinator epoch TRANSACTION_COORDINATOR_FENCED.
 */
void partlog_append_marker(struct partlog *l, const struct txn_marker *m,
	struct append_result *r);

/* First offset of the producer's open transaction, -1 = it has none. */
int64_t partlog_txn_start(const struct partlog *l, int64_t producer_id);
/* Is any of its records not below the high watermark yet? */
bool partlog_txn_is_unsynced(const struct partlog *l, int64_t producer_id);
/* Every producer known here; stops when fn returns non-zero. */
void partlog_each_producer(const struct partlog *l,
	int (*fn)(void *arg, const struct producer_state *p), void *arg);

/*
 * Is it known which transactions were aborted? When the index of them was
 * lost, this makes it be found again; until then OFFSET_NOT_AVAILABLE, and
 * watchers are told when it is there. Or KAFKA_STORAGE_ERROR: it cannot be.
 */
int16_t partlog_knows_aborted(struct partlog *l);
/*
 * Transactions that were aborted with records in [from, to), by first
 * offset. The list is in the arena. An error as partlog_knows_aborted()'s.
 */
int16_t partlog_aborted(struct partlog *l, int64_t from, int64_t to,
	struct arena *a, struct aborted_txn **out, int *n);

/*
 * Whole batches from the one that holds `offset`, up to `limit` (exclusive,
 * usually the high watermark) and max_bytes; the first batch comes whole
 * when at_least_one. Nothing there: r->len 0. Returns a Kafka error code:
 * OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR; OFFSET_NOT_AVAILABLE while a
 * lost index is made again, and watchers are told when it is there. The records
 * borrow the segment: take a reference (wire_put_records() does) to keep them.
 */
int16_t partlog_read(struct partlog *l, int64_t offset, int64_t limit,
	size_t max_bytes, bool at_least_one, struct wire_records *r);

/* First offset behind what partlog_read() gave. */
int64_t partlog_read_end(struct partlog *l, const struct wire_records *r);

/*
 * First record below `limit` (the high watermark or less) with a timestamp
 * >= t: its offset and timestamp, or offset -1 when there is none. Looks
 * inside compressed batches. Errors are partlog_read()'s.
 */
int16_t partlog_offset_of_time(struct partlog *l, int64_t t, int64_t limit,
	int64_t *offset, int64_t *timestamp);
/* The record with the largest timestamp (ListOffsets -3), likewise. */
int16_t partlog_offset_of_max_time(struct partlog *l, int64_t limit,
	int64_t *offset, int64_t *timestamp);

/* cleanup.policy has delete: records may go before they are superseded. */
bool partlog_deletes(const struct partlog *l);
/* DeleteRecords: moves the log start. -1 = to the high watermark. OFFSET_OUT_OF_RANGE. */
int16_t partlog_delete_records(struct partlog *l, int64_t before,
	int64_t *log_start, uint64_t *commit);

/* Since the start; for metrics. */
struct partlog_traffic {
	uint64_t appends, records_in, bytes_in, bytes_out;
};
const struct partlog_traffic *partlog_traffic(const struct partlog *l);
/* So many bytes went to a reader. */
void partlog_sent(struct partlog *l, size_t bytes);

int64_t partlog_start(const struct partlog *l);
int64_t partlog_high_watermark(const struct partlog *l);
/*
 * Below it every transaction is decided, and the decision visible: the
 * smaller of the high watermark and the first offset of a transaction that
 * is open, or whose marker is not below the high watermark.
 */
int64_t partlog_last_stable(const struct partlog *l);
int64_t partlog_end(const struct partlog *l);
/* Bytes of all segments. */
int64_t partlog_size(const struct partlog *l);
const struct uuid *partlog_topic_id(const struct partlog *l);
const char *partlog_topic(const struct partlog *l);
int32_t partlog_partition(const struct partlog *l);
/* Has the walk of this number, which is not 0, been here before? It has now. */
bool partlog_met(struct partlog *l, uint64_t walk);

void partlog_set_config(struct partlog *l, const struct log_config *c);
void partlog_watch(struct partlog *l, struct log_watch *w);
void partlog_unwatch(struct log_watch *w);

/*
 * Calls fn for every record from `offset` to the end, batches decompressed;
 * stops when fn returns non-zero, and returns that. For loading internal logs.
 */
struct log_record {
	int64_t offset, timestamp;
	struct slice key, value; /* data NULL = null */
	int64_t producer_id;     /* of its batch, -1 = none */
	int16_t producer_epoch;
	bool transactional;
	bool control;            /* a marker: key and value are a control record's */
};
int partlog_scan(struct partlog *l, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e);

#endif
