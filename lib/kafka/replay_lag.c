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
static int
parse(struct replay_lag *l, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text ||
	    num_int(slice_str(colon + 1), 1, INT64_MAX, &l->max, e))
		return err_set(e, ERR_USAGE, "--max-lag '%s' (GROUP:N, with N at "
			"least 1)", text);
	l->group = xmemdup0(text, (size_t)(colon - text));
	return 0;
}

int
replayer_parse_lags(struct replayer *r, const struct opt_list *texts, struct err *e)
{
	r->lags = xcalloc((size_t)texts->n, sizeof(*r->lags));
	for (; r->lags_n < texts->n; r->lags_n++)
		if (parse(&r->lags[r->lags_n], texts->items[r->lags_n], e))
			return -1;
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

/* The ends behind the offsets: better a bit too much than too little. */
static int
measure_one(struct replayer *r, struct admin_topic *t, struct replay_lag *l,
	struct err *e)
{
	struct group_offsets offsets = { 0 };
	int timeout = r->o->timeout_ms, result;

	result = group_offsets_get(r->target, l->group, timeout, &offsets, e) ||
		admin_offsets(r->target, timeout, t, e) ? -1 : 0;
	if (!result)
		l->lag = add_up(t, &offsets);
	group_offsets_release(&offsets);
	return result ? err_wrap(e, "--max-lag: group '%s'", l->group) : 0;
}

static int
measure(struct replayer *r, struct err *e)
{
	struct admin_topics topics = { 0 };
	struct admin_topic *t = NULL;
	int result;

	result = admin_topics(r->target, r->o->timeout_ms, &topics, e);
	if (!result)
		t = admin_topics_find(&topics, r->job.spec.target);
	if (!result && !t)
		result = err_set(e, ERR_NOT_FOUND, "topic '%s' is gone",
			r->job.spec.target);
	r->room = INT64_MAX;
	for (int i = 0; i < r->lags_n && !result; i++) {
		struct replay_lag *l = &r->lags[i];

		result = measure_one(r, t, l, e);
		if (l->max - l->lag < r->room)
			r->room = l->max - l->lag;
	}
	admin_topics_release(&topics);
	return result;
}

static void
tell(struct replayer *r)
{
	for (int i = 0; i < r->lags_n; i++) {
		struct replay_lag *l = &r->lags[i];

		if (l->lag < l->max || l->told)
			continue;
		diag_note("group '%s' is %" PRId64 " records behind: waiting until "
			"it is less than %" PRId64 " (--max-lag)", l->group, l->lag,
			l->max);
		l->told = true;
	}
}

int
replayer_await_lag(struct replayer *r, int64_t *waited_ms, struct err *e)
{
	int64_t since = clock_mono_ms(clock_system());

	/* A dry run sends nothing that could be read. */
	r->room = INT64_MAX;
	*waited_ms = 0;
	if (r->o->dry_run)
		return 0;
	for (;;) {
		if (measure(r, e) && !sig_caught())
			return -1;
		*waited_ms = clock_mono_ms(clock_system()) - since;
		if (r->room > 0 || sig_caught() || sig_is_paused())
			return 0;
		tell(r);
		replayer_tell_stats(r);
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, STEP_MS);
	}
}
