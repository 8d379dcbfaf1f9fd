#include "shift.h"

#include "base/list.h"

static int64_t
shifted_wall(const struct clock *c)
{
	struct shift *s = container_of(c, struct shift, clock);

	return clock_wall_ms(clock_system()) + s->wall_by;
}

static int64_t
shifted_mono(const struct clock *c)
{
	struct shift *s = container_of(c, struct shift, clock);

	return clock_mono_ms(clock_system()) + s->mono_by;
}

void
shift_init(struct shift *s)
{
	*s = (struct shift){ .clock = { shifted_wall, shifted_mono, 0 } };
}

void
shift_move(struct shift *s, int64_t ms)
{
	s->wall_by += ms;
	if (ms > 0)
		s->mono_by += ms;
}
