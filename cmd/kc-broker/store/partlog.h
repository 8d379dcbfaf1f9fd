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

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "wire/wire.h"

struct partlog;
struct store;

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

struct append_result {
	int16_t error;          /* Kafka error code, 0 = appended (or a duplicate) */
	bool duplicate;         /* an idempotent retry: the old offset is given */
	int64_t base_offset;    /* -1 on error */
	int64_t append_time;    /* ms when append_time is on, else -1 */
	uint64_t commit;        /* wait for this with request_wait_commit(); 0 = for nothing */
	const char *message;    /* on error, for ErrorMessage; static, may be NULL */
	int32_t bad_record;     /* index in the batch that caused the error, or -1 */
};

/*
 * Appends one batch, the whole of the bytes given. Base offset, leader
 * epoch and, where the topic says so, timestamps are written into them.
 */
void partlog_append(struct partlog *l, uint8_t *batch, size_t len,
	enum append_origin origin, struct append_result *r);

/*
 * Whole batches from the one that holds `offset`, up to `limit` (exclusive,
 * usually the high watermark) and max_bytes; the first batch comes whole
 * when at_least_one. Nothing there: r->len 0. Returns a Kafka error code:
 * OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR. The records borrow the segment:
 * take a reference (wire_put_records() does) to keep them.
 */
int16_t partlog_read(struct partlog *l, int64_t offset, int64_t limit,
	size_t max_bytes, bool at_least_one, struct wire_records *r);

/*
 * First visible record with a timestamp >= t: its offset and timestamp, or
 * offset -1 when there is none. Looks inside compressed batches.
 */
int16_t partlog_offset_of_time(struct partlog *l, int64_t t, int64_t *offset,
	int64_t *timestamp);
/* The record with the largest timestamp (ListOffsets -3), likewise. */
int16_t partlog_offset_of_max_time(struct partlog *l, int64_t *offset,
	int64_t *timestamp);

/* DeleteRecords: moves the log start. -1 = to the high watermark. OFFSET_OUT_OF_RANGE. */
int16_t partlog_delete_records(struct partlog *l, int64_t before,
	int64_t *log_start, uint64_t *commit);

int64_t partlog_start(const struct partlog *l);
int64_t partlog_high_watermark(const struct partlog *l);
/* = high watermark until there are transactions */
int64_t partlog_last_stable(const struct partlog *l);
int64_t partlog_end(const struct partlog *l);
/* Bytes of all segments. */
int64_t partlog_size(const struct partlog *l);
const struct uuid *partlog_topic_id(const struct partlog *l);
const char *partlog_topic(const struct partlog *l);
int32_t partlog_partition(const struct partlog *l);

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
};
int partlog_scan(struct partlog *l, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e);

#endif
