#include "kafka/redrive_pace.h"

#include <poll.h>

#include "base/clock.h"
#include "cli/sig.h"

static int64_t
now_mono(void)
{
	return clock_mono_ms(clock_system());
}

void
pace_init(struct pace *p, double rate, double bytes_rate, int64_t ramp_ms)
{
	*p = (struct pace){ rate, bytes_rate, ramp_ms, now_mono(), 0 };
}

/* The part of the full rate that is allowed now. */
static double
share(const struct pace *p)
{
	double gone = (double)(now_mono() - p->start_ms);

	if (!p->ramp_ms || gone >= (double)p->ramp_ms)
		return 1;
	/* from a tenth on, or it would never begin */
	return 0.1 + 0.9 * gone / (double)p->ramp_ms;
}

int64_t
pace_batch(const struct pace *p, int64_t most)
{
	double n = p->rate * share(p) / 4;

	if (p->rate <= 0 || n >= (double)most)
		return most;
	return n < 1 ? 1 : (int64_t)n;
}

int
pace_wait(struct pace *p, int64_t records, int64_t bytes)
{
	double now, cost = 0;

	for (;;) {
		now = (double)(now_mono() - p->start_ms);
		if (sig_caught())
			return -1;
		if (!records || now >= p->due_ms)
			break;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1,
			p->due_ms - now > 1000 ? 1000 : (int)(p->due_ms - now) + 1);
	}
	if (p->rate > 0)
		cost = (double)records * 1000 / (p->rate * share(p));
	if (p->bytes_rate > 0 && (double)bytes * 1000 / p->bytes_rate > cost)
		cost = (double)bytes * 1000 / p->bytes_rate;
	/* time that was lost is not made up for */
	p->due_ms = (p->due_ms > now ? p->due_ms : now) + cost;
	return 0;
}
