/*
 * consume.h - reading records: partitions of topics, or a group's share.
 *
 * Reading to the end means: end offsets are taken once, and a partition is
 * done when its position reaches them, because logs end in control records
 * and gaps. A group's offsets are committed by the caller's word only, for
 * the records it got: after it has written them.
 */
#ifndef KAFKA_CONSUME_H
#define KAFKA_CONSUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/conf.h"
#include "model/offset.h"
#include "model/record.h"

/* One partition and the offsets that are read of it. */
struct consume_span {
	const char *topic;          /* one of the options' topics; borrows */
	int32_t partition;
	int64_t from;               /* -1 = as the range says */
	int64_t to;                 /* exclusive; -1 = none. All spans have one, or none has */
};

struct consume_options {
	const char *const *topics;  /* names; "^..." is a regular expression */
	int topics_n;
	const int32_t *partitions;  /* ascending; NULL = all. Not with a group */
	int partitions_n;
	/*
	 * Only these partitions, instead of `partitions`; n 0 = all. Not with a
	 * group. A `to` beyond the end is waited for (timeout_ms), unless
	 * exit_at_end.
	 */
	const struct consume_span *spans;
	int spans_n;
	struct offset_range range;  /* with a group: where nothing is committed */
	const char *group;          /* NULL = none */
	/*
	 * Where this group stands is where to begin, without joining it; range
	 * says where, in partitions in which it stands nowhere. NULL = not
	 */
	const char *from_group;
	bool exit_at_end;
	const char *isolation;      /* isolation.level; NULL = as configured */
	/*
	 * Longest wait for the brokers at the start, and later, when there is
	 * an end to reach, for anything to come; -1 = for ever.
	 */
	int timeout_ms;
	/*
	 * Writes out what was got, before partitions go to another member;
	 * what fails here is not committed. Called inside consume_next().
	 */
	int (*flush)(void *user, struct err *e);
	/*
	 * A partition has gone to another member. Who gives this commits by
	 * itself, in flush() too, with consume_commit_at(). NULL = not
	 */
	void (*gone)(void *user, const char *topic, int32_t partition);
	void *user;
	int output_fd;              /* waiting ends when its reader is gone */
	int ahead;                  /* records that are fetched ahead, about; 0 = what is fast */
};

struct client;
struct consume;

enum consume_status {
	CONSUME_RECORD, /* *r is one, valid until the next call */
	CONSUME_IDLE,   /* nothing within the time: write out what is pending */
	CONSUME_END,    /* every partition has reached its end */
	CONSUME_SIGNAL, /* sig_caught() */
	CONSUME_CLOSED, /* nobody reads output_fd any more */
	CONSUME_ERROR,  /* *e is set */
};

/*
 * Connects, finds the topics and where to start and end. ERR_NOT_FOUND for a
 * topic or partition that does not exist and for an offset outside of the log.
 * The options must live as long as the reader.
 */
int consume_open(struct consume **out, const struct conf *conf,
	const struct consume_options *o, struct err *e);

/* Waits at most wait_ms (-1 = for ever) when nothing is there. */
enum consume_status consume_next(struct consume *c, int wait_ms,
	struct record *r, struct err *e);

/* Where the reading of one partition is. */
struct consume_position {
	const char *topic;          /* borrows, until consume_close() */
	int32_t partition;
	int64_t start;              /* of the log, when it was opened */
	/*
	 * Behind what consume_next() gave out, and behind the control records
	 * and gaps that follow: the offset to go on with in a later run.
	 */
	int64_t next;
	int64_t end;                /* where the reading ends; -1 = never */
	bool at_end;                /* all that was there was given out */
};

/*
 * The partitions that are read, in the order of topics and partitions.
 * Returns how many there are; fills in at most max of them.
 */
int consume_positions(const struct consume *c, struct consume_position *out,
	int max);

/*
 * Holds a partition back, or lets it come again. What was fetched before may
 * still come, nothing is lost or given out twice. Not with a group.
 */
void consume_pause(struct consume *c, const char *topic, int32_t partition,
	bool pause);

/* Commits, and waits for that, what consume_next() gave out so far. No-op without a group. */
int consume_commit(struct consume *c, struct err *e);

/*
 * Commits these offsets of a group's partitions that are ours. ERR_TEMPORARY:
 * the group rebalanced meanwhile.
 */
struct group_offsets;
int consume_commit_at(struct consume *c, const struct group_offsets *offsets,
	struct err *e);
/* What is committed of a partition that is read; -1 = it is not. */
int64_t consume_committed(const struct consume *c, const char *topic,
	int32_t partition);
/* It was committed by other means: in a transaction. */
void consume_mark_committed(struct consume *c, const char *topic,
	int32_t partition, int64_t offset);

/*
 * Readable when consume_next() may have something; that makes it quiet again.
 */
int consume_fd(const struct consume *c);

/*
 * For a reader that has room for so many records and no more: before each
 * turn of reading, whether it is full. After a second without room all
 * partitions are paused, until there is some: consume_next() must then be
 * called, to serve the group, and gives out only what it had already. Returns
 * whether it is so.
 */
bool consume_hold_while(struct consume *c, bool full);
/* For how long it has been full; 0 = it is not. In ms. */
int64_t consume_full_ms(const struct consume *c);

/* One JSON object, for --summary: what was read of each partition, and why it ended. */
void consume_summary(const struct consume *c, const char *why, struct buf *out);

/* Its connection, for administration. */
struct client *consume_client(const struct consume *c);

/* Leaves the group; what was not committed stays so. */
void consume_close(struct consume *c);

#endif
