/*
 * replay_lag.c - --max-lag: a group that reads the target must not fall behind
 * by more than so much. Between two measurements the records that are sent are
 * counted, as if the group read none of them: so the limit holds.
 */
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/group_offsets.h"
#include "kafka/replayer.h"

enum { STEP_MS = 100 };

/* The last colon: a group's name may have others. */
int
replayer_parse_lag(struct replayer *r, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text ||
	    num_int(slice_str(colon + 1), 1, INT64_MAX, &r->lag.max, e))
		return err_set(e, ERR_USAGE, "--max-lag '%s' (GROUP:N, with N at "
			"least 1)", text);
	r->lag.group = xmemdup0(text, (size_t)(colon - text));
	return 0;
}

/* What it has not read of the target; where it has committed nothing, all. */
static int64_t
add_up(const struct admin_topic *t, const struct group_offsets *offsets)
{
	int64_t lag = 0;

	for (int i = 0; i < t->partitions_n; i++) {
		const struct admin_partition *p = &t->partitions[i];
		const struct group_offset *g = group_offsets_find(offsets, t->name, i);
		int64_t next = g && g->offset > p->start ? g->offset : p->start;

		if (p->end > next)
			lag += p->end - next;
	}
	return lag;
}

static int
measure(struct replayer *r, int64_t *lag, struct err *e)
{
	struct group_offsets offsets = { 0 };
	struct admin_topics topics = { 0 };
	int timeout = r->o->timeout_ms, result = -1;
	struct admin_topic *t;

	if (admin_topics(r->target, timeout, &topics, e))
		goto out;
	t = admin_topics_find(&topics, r->job.spec.target);
	if (!t) {
		err_set(e, ERR_NOT_FOUND, "topic '%s' is gone", r->job.spec.target);
		goto out;
	}
	if (group_offsets_get(r->target, r->lag.group, timeout, &offsets, e) ||
	    admin_offsets(r->target, timeout, t, e))
		goto out;
	*lag = add_up(t, &offsets);
	result = 0;
out:
	group_offsets_release(&offsets);
	admin_topics_release(&topics);
	return result ? err_wrap(e, "--max-lag: group '%s'", r->lag.group) : 0;
}

static void
tell(struct replayer *r)
{
	if (!r->lag.told)
		diag_note("group '%s' is %" PRId64 " records behind: waiting until it "
			"is less than %" PRId64 " (--max-lag)", r->lag.group,
			r->lag.lag, r->lag.max);
	r->lag.told = true;
}

int
replayer_await_lag(struct replayer *r, int64_t *waited_ms, struct err *e)
{
	int64_t since = clock_mono_ms(clock_system());

	/* A dry run sends nothing that could be read. */
	r->lag.room = INT64_MAX;
	*waited_ms = 0;
	if (r->o->dry_run)
		return 0;
	for (;;) {
		if (measure(r, &r->lag.lag, e))
			return -1;
		r->lag.room = r->lag.max - r->lag.lag;
		*waited_ms = clock_mono_ms(clock_system()) - since;
		if (r->lag.room > 0 || sig_caught() || sig_is_paused())
			return 0;
		tell(r);
		replayer_tell_stats(r);
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, STEP_MS);
	}
}
