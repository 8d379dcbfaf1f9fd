/*
 * measure.c - one measuring of kc-lag, for show and for all that measures
 * again and again.
 */
#include "base/clock.h"
#include "kafka/lag_age.h"
#include "verbs.h"

enum { AGE_POSITIONS = 1000 };

/* Asked for, or cheap: what a few reads answer. */
static void
measure_age(struct args *a, struct lag_snapshot *s, int64_t deadline_ms)
{
	int64_t budget = clock_mono_ms(clock_system()) + a->age_budget_ms;
	struct lag_age_options o = {
		.mode = lag_age_parse(a->age ? a->age : "auto"),
		.deadline_ms = budget < deadline_ms ? budget : deadline_ms
	};

	o.positions_max = o.mode != LAG_AGE_AUTO ||
		a->risk || lag_check_needs_age(&a->check) ? -1 : AGE_POSITIONS;
	if (!a->columns && !a->burrow && a->since_ms < 0)
		lag_age(a->client, s, &o);
}

int
measure(void *args, struct lag_snapshot *s, struct err *e)
{
	struct args *a = args;
	struct lag_measure_options o = a->measuring;

	if (!a->client && lag_open(&a->client, &a->settings, o.committed_only, e))
		return -1;
	if (!a->met && client_wait(a->client, a->timeout_ms, e))
		return -1;
	a->met = true;
	o.deadline_ms = clock_mono_ms(clock_system()) + a->timeout_ms;
	if (lag_measure(a->client, &o, s, e))
		return -1;
	measure_age(a, s, o.deadline_ms);
	if ((a->watch_ms >= 0 || a->serve) && lag_is_worn(s)) {
		client_close(a->client);
		a->client = NULL;
		a->met = false;
	}
	lag_state_judge(&a->state, s, &a->rules, o.names_n || o.topics_n,
		!a->no_state);
	return 0;
}
