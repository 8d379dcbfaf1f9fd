/* group_wait.c - kc-lag wait: until groups have read what there is. */
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/group_ops.h"
#include "kafka/lag_measure.h"

/*
 * What is left to read, or -1 when that is not known; *why says so. Where
 * nothing is committed yet, all that is there is left.
 */
static int64_t
left_of(const struct lag_group *g, struct err *why)
{
	int64_t left = 0;

	if (g->reason == LAG_GROUP_GONE)
		return err_set(why, ERR_NO, "group '%s' does not exist (yet)",
			g->name);
	if (g->reason || g->failed_n)
		return err_set(why, ERR_TEMPORARY, "group '%s' could not be "
			"measured: %s", g->name, g->error ? g->error :
			g->reason ? lag_reason_name(g->reason) :
			"some partitions are not to be had");
	for (int i = 0; i < g->partitions_n; i++) {
		const struct lag_partition *p = &g->partitions[i];

		/* a topic that nobody reads any more would never be done */
		if (p->reason == LAG_MARKERS || (p->committed >= 0 && !p->counts))
			continue;
		left += p->lag > 0 ? p->lag : p->unread > 0 ? p->unread : 0;
	}
	return left;
}

/* True when all groups have at most that lag; else *why. */
static bool
is_done(const struct lag_snapshot *s, int64_t most, struct err *why)
{
	*why = (struct err)ERR_INIT;
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];
		int64_t left = left_of(g, why);

		if (left < 0)
			return false;
		if (left > most) {
			err_set(why, ERR_NO, "group '%s' has still %" PRId64
				" record%s to read", g->name, left,
				left == 1 ? "" : "s");
			return false;
		}
	}
	if (!s->groups_n)
		err_set(why, ERR_NO, "no group has such a name (yet)");
	return s->groups_n > 0;
}

/* False when a signal came. */
static bool
pause_ms(int64_t ms)
{
	poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, ms < 1 ? 1 : (int)ms);
	return !sig_caught();
}

int
group_wait(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	enum { FIRST_MS = 50, LONGEST_MS = 1000 };
	const struct clock *clock = clock_system();
	int64_t start = clock_mono_ms(clock), end = start + ops->wait_ms;
	struct lag_measure_options o = { .names = (const char *const *)argv,
		.names_n = argc, .topics = ops->o->topics.items,
		.topics_n = ops->o->topics.n };
	struct err why = ERR_INIT;

	if (!argc)
		return err_set(e, ERR_USAGE, "wait needs a group (kc-lag wait "
			"GROUP...)");
	if (ops->open(ops, e))
		return -1;
	for (int64_t step = FIRST_MS;; step = step < LONGEST_MS ? 2 * step : step) {
		struct lag_snapshot s = { 0 };
		int64_t now = clock_mono_ms(clock);
		bool done;

		/* a pass that began in time may end late, not for ever */
		o.deadline_ms = end - now < LONGEST_MS ? now + LONGEST_MS : end;
		done = !lag_measure(ops->client, &o, &s, &why) &&
			is_done(&s, ops->o->lag, &why);
		lag_snapshot_release(&s);
		now = clock_mono_ms(clock);
		if (done) {
			diag_note("read after %" PRId64 ".%" PRId64 " s",
				(now - start) / 1000, (now - start) / 100 % 10);
			return 0;
		}
		if (why.code == ERR_USAGE || now >= end || !pause_ms(
		    end - now < step ? end - now : step)) {
			*e = why;
			return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
		}
		diag_verbose(1, "%s", why.msg);
	}
}
