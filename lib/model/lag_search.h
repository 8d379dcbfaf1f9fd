/*
 * lag_search.h - the timestamp of the record at an offset, found by asking for
 * offsets by timestamp. Pure: one step takes what the broker answered.
 *
 * f(t), ListOffsets' answer, is the first offset whose record has a timestamp
 * of t or later; it never falls as t grows. The largest t with f(t) <= c is
 * the newest timestamp among the records up to c. When f(t) is c itself, that
 * is the timestamp of c. When it is less, either several records have this
 * time, or c is a hole, or timestamps are not in order: then it is a bound.
 *
 * From now back in steps that double until f(t) <= c, or forward when a record
 * at or before c lies in the future; then by halves to the millisecond.
 */
#ifndef MODEL_LAG_SEARCH_H
#define MODEL_LAG_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct lag_search {
	int64_t offset;      /* c */
	int64_t start_ms;    /* now */
	int64_t probe;       /* the t to ask for next, while !done */
	bool done;
	int64_t found_ms;    /* -1 = no record up to c has a timestamp */
	bool exact;          /* f(found_ms) is c */
	/* inside */
	int64_t lo, hi;      /* f(lo) <= c < f(hi); -1 = none yet */
	int64_t lo_offset;   /* f(lo) */
	int64_t step;
};

void lag_search_init(struct lag_search *s, int64_t offset, int64_t now_ms);
/* offset: what f(s->probe) is; -1 = no record is that late. */
void lag_search_step(struct lag_search *s, int64_t offset);

#endif
