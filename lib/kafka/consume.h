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

struct consume_options {
	const char *const *topics;  /* names; "^..." is a regular expression */
	int topics_n;
	const int32_t *partitions;  /* ascending; NULL = all. Not with a group */
	int partitions_n;
	struct offset_range range;  /* with a group: where nothing is committed */
	const char *group;          /* NULL = none */
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
	void *user;
	int output_fd;              /* waiting ends when its reader is gone */
};

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

/* Commits, and waits for that, what consume_next() gave out so far. No-op without a group. */
int consume_commit(struct consume *c, struct err *e);

/* One JSON object, for --summary: what was read of each partition, and why it ended. */
void consume_summary(const struct consume *c, const char *why, struct buf *out);

/* Leaves the group; what was not committed stays so. */
void consume_close(struct consume *c);

#endif
