/*
 * progress.h - how far long work is: one line on stderr that is written over,
 * on a terminal only, never with -q, at most five times a second.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

struct progress {
	const char *unit;          /* "records" */
	int64_t total;             /* -1 = not known */
	const struct clock *clock;
	bool shown;                /* someone looks at it */
	int64_t start_ms, last_ms;
};

void progress_init(struct progress *p, const char *unit, int64_t total,
	const struct clock *clock);
/* Asks the clock: call it once a batch rather than once a record. */
void progress_update(struct progress *p, int64_t done);
/* Wipes the line. */
void progress_end(struct progress *p);

/* "1200 of 4000 records, 30%, 400/s, 7s left"; for progress_update(). */
void progress_text(const struct progress *p, int64_t done, int64_t now_ms,
	struct buf *out);

#endif
