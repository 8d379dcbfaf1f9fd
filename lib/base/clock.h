/*
 * clock.h - time as a value that tests can set.
 *
 * Only programs ask the system clock; everything below takes a clock or a
 * time as an argument.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(const struct clock *c); /* ms since the epoch, UTC */
	int64_t (*mono_ms)(const struct clock *c); /* ms, never goes back */
	int64_t fake_ms;                           /* of a fake clock only */
};

/* The machine's clocks. */
const struct clock *clock_system(void);

/* A clock that stands at c->fake_ms, on both faces, until that is changed. */
struct clock clock_fake(int64_t ms);

static inline int64_t
clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c);
}

static inline int64_t
clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c);
}

#endif
