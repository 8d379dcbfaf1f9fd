#include "base/clock.h"

#include <time.h>

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
system_wall(const struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_REALTIME);
}

static int64_t
system_mono(const struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_MONOTONIC);
}

static int64_t
fake_now(const struct clock *c)
{
	return c->fake_ms;
}

const struct clock *
clock_system(void)
{
	static const struct clock system = { system_wall, system_mono, 0 };

	return &system;
}

struct clock
clock_fake(int64_t ms)
{
	return (struct clock){ fake_now, fake_now, ms };
}
