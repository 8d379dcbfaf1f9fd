/*
 * shift.h - the machine's clock, moved: for tests of retention and expiry.
 *
 * Forward moves both faces, so that whatever waits for a time finds it come:
 * retention, expired offsets, sessions, idle connections. Backward moves the
 * wall only. Set on the loop, read by all threads.
 */
#ifndef SHIFT_H
#define SHIFT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"

struct shift {
	struct clock clock;
	_Atomic int64_t wall_by, mono_by; /* ms */
};

void shift_init(struct shift *s);
void shift_move(struct shift *s, int64_t ms);

#endif
