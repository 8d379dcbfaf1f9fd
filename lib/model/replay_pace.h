/*
 * replay_pace.h - when each record is due.
 *
 * With a speed the whole schedule hangs on one anchor: due = start + (timestamp
 * - first) / speed. There are no waits that add up, so nothing drifts, and
 * being late once is made up for. With a rate the n-th record (or byte) is due
 * at n / rate; a ramp raises the rate evenly from nothing. Pure: the time is
 * an argument, ms of a clock that never goes back.
 */
#ifndef MODEL_REPLAY_PACE_H
#define MODEL_REPLAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum replay_pace_kind {
	PACE_MAX,    /* as fast as it goes */
	PACE_SPEED,  /* by the timestamps */
	PACE_RATE,   /* records per second */
	PACE_BYTES,  /* bytes of keys and values per second */
	PACE_STEP,   /* each record when a person says so */
};

enum { PACE_LATE_MAX = 10000 };

struct replay_pace {
	enum replay_pace_kind kind;
	int64_t speed_ppm;    /* of PACE_SPEED: 1000000 = as it was */
	int64_t rate;         /* of PACE_RATE and PACE_BYTES */
	int64_t ramp_ms;      /* until the full rate; 0 = at once */
	int64_t max_gap_ms;   /* longest silence of PACE_SPEED; -1 = any */

	/* state */
	bool started;
	int64_t start_ms;     /* the anchor, moved by pauses */
	int64_t first_ts, last_ts, folded_ms;
	int64_t done;         /* records or bytes that were due so far */
	int64_t late[PACE_LATE_MAX + 1]; /* records by their lateness in ms; the last: more */
	int64_t late_n;
};

/* "1x", "0.5x", "10", "max". ERR_USAGE. */
int replay_pace_speed(struct replay_pace *p, const char *text, struct err *e);

/*
 * When the next record is due. Timestamps that go back count as the one
 * before; without one (-1) it is due with the one before.
 */
int64_t replay_pace_due(struct replay_pace *p, int64_t timestamp, int64_t now_ms);

/* The record was sent, `bytes` large, due at due_ms. */
void replay_pace_sent(struct replay_pace *p, int64_t bytes, int64_t due_ms,
	int64_t now_ms);

/* The schedule stood still for so long. */
void replay_pace_pause(struct replay_pace *p, int64_t ms);

/* ms that this share of the records (50 or 99 of 100) was late at most; 0 without any. */
int64_t replay_pace_late(const struct replay_pace *p, int percent);

/* How long records with these first and last timestamps, so many of them, take; -1 = not known. */
int64_t replay_pace_expect(const struct replay_pace *p, int64_t first_ts,
	int64_t last_ts, int64_t records, int64_t bytes);

#endif
