/*
 * num.h - numbers, sizes, durations and times as people write them.
 *
 * Strict: the whole text must match, trailing junk is an error, overflow is
 * an error. Each returns 0, or -1 with e saying what was expected.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* A decimal integer in [min, max]. */
int num_int(struct slice text, int64_t min, int64_t max, int64_t *out, struct err *e);

/* Bytes: digits and an optional K, M, G, T (powers of 1024; "iB", "B" allowed). */
int num_size(struct slice text, int64_t *out, struct err *e);

/* Milliseconds: "500ms", "30s", "1h30m", "7d", "2w"; a bare number is seconds. */
int num_duration(struct slice text, int64_t *out_ms, struct err *e);

/*
 * Milliseconds since the epoch: "2026-01-15", "2026-01-15T10:00[:00[.123]]"
 * with "Z" or "+02:00" (UTC when absent), "-1h" before now, "now", "@ms".
 */
int num_time(struct slice text, int64_t now_ms, int64_t *out_ms, struct err *e);

/* "2026-01-15T10:00:00.123Z"; out has room for NUM_TIME_TEXT. */
enum { NUM_TIME_TEXT = 32 };
const char *num_time_text(int64_t ms, char out[NUM_TIME_TEXT]);

#endif
