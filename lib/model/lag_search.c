#include "model/lag_search.h"

enum { FIRST_STEP = 1000 };

void
lag_search_init(struct lag_search *s, int64_t offset, int64_t now_ms)
{
	*s = (struct lag_search){
		.offset = offset, .start_ms = now_ms, .probe = now_ms,
		.found_ms = -1, .lo = -1, .hi = -1, .lo_offset = -1,
		.step = FIRST_STEP
	};
}

static void
finish(struct lag_search *s)
{
	s->done = true;
	s->found_ms = s->lo;
	s->exact = s->lo >= 0 && s->lo_offset == s->offset;
}

/* Nothing lies before the epoch, and nothing this far ahead. */
static const int64_t LATEST = INT64_MAX / 4;

void
lag_search_step(struct lag_search *s, int64_t offset)
{
	if (offset < 0 || offset > s->offset) {
		s->hi = s->probe;
	} else {
		s->lo = s->probe;
		s->lo_offset = offset;
	}
	if (s->hi >= 0 && s->lo >= 0) {
		if (s->hi - s->lo == 1)
			finish(s);
		else
			s->probe = s->lo + (s->hi - s->lo) / 2;
		return;
	}
	if (s->lo < 0 ? !s->hi : s->lo >= LATEST) {
		finish(s);
		return;
	}
	if (s->lo < 0)
		s->probe = s->start_ms > s->step ? s->start_ms - s->step : 0;
	else
		s->probe = s->start_ms + s->step;
	s->step *= 2;
}
