/*
 * redrive_pace.h - how fast: batches are held back until they are due. Never
 * inside a transaction, where it would hold back every read_committed reader.
 */
#ifndef KAFKA_REDRIVE_PACE_H
#define KAFKA_REDRIVE_PACE_H

#include <stdint.h>

struct pace {
	double rate, bytes_rate; /* a second; 0 = none */
	int64_t ramp_ms;
	int64_t start_ms;        /* monotonic */
	double due_ms;           /* when the next batch may go, after start */
};

void pace_init(struct pace *p, double rate, double bytes_rate, int64_t ramp_ms);

/* Records of one batch: a fourth of a second's, at least one, at most `most`. */
int64_t pace_batch(const struct pace *p, int64_t most);

/* Waits until this many may go; -1 when a signal came. */
int pace_wait(struct pace *p, int64_t records, int64_t bytes);

#endif
