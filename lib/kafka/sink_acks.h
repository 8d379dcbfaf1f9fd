/*
 * sink_acks.h - the end of a pipeline that acknowledges: what its lines' src
 * tells goes back to the reader (kc-consume --ack), once the records that came
 * of it are acknowledged by the brokers.
 *
 * Lines of one record come one behind the other. A record is acknowledged
 * when a line of another one has come, or when the input pauses or ends.
 */
#ifndef KAFKA_SINK_ACKS_H
#define KAFKA_SINK_ACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct sink_acks;

/* to: a FIFO's path, or fd:N. Waits until its other end is open. */
int sink_acks_open(struct sink_acks **out, const char *to, int timeout_ms,
	struct err *e);

/* A line comes, from src; lines ascend. ERR_FORMAT without one. */
int sink_acks_take(struct sink_acks *s, int64_t line, struct slice src, struct err *e);
/* The record of this line is acknowledged. */
void sink_acks_done(struct sink_acks *s, int64_t line);
/* It cannot be written: told behind what came before it, and nothing after. */
void sink_acks_refuse(struct sink_acks *s, int64_t line);

/*
 * A barrier comes, a line with nothing but kc, whose member next has
 * "topic/partition": offset for how far the reading is: all before is done,
 * also what a filter dropped. Every line before it is done, by the caller.
 */
int sink_acks_barrier(struct sink_acks *s, struct slice kc, struct err *e);

/* Sends what is known; with last, of the record too whose line came last. */
int sink_acks_flush(struct sink_acks *s, bool last, struct err *e);

void sink_acks_close(struct sink_acks *s);

#endif
