#include "kafka/redrive_hold.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/lag_measure.h"

enum { FIRST_MS = 50, LONGEST_MS = 1000 };

struct redrive_hold {
	const struct redrive_hold_limit *limit;
	struct client *client;
	int timeout_ms;
	const char **topics; /* of the batch; borrows its memory */
	int topics_n, topics_cap;
	struct arena memory;
};

int
redrive_hold_parse(const char *text, struct redrive_hold_limit *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	struct err why = ERR_INIT;

	*out = (struct redrive_hold_limit){ NULL, -1 };
	if (colon == text || num_int(slice_str(colon ? colon + 1 : text), 0,
	    INT64_MAX, &out->most, &why))
		return err_set(e, ERR_USAGE, "'%s' is no lag (1000, or "
			"GROUP:1000)", text);
	if (colon)
		out->group = xmemdup0(text, (size_t)(colon - text));
	return 0;
}

void
redrive_hold_release(struct redrive_hold_limit *l)
{
	free((void *)(uintptr_t)l->group);
	*l = (struct redrive_hold_limit){ NULL, -1 };
}

/* ---- what is left to read ---- */

static int64_t
left_of(const struct lag_group *g)
{
	int64_t left = 0;

	for (int i = 0; i < g->partitions_n; i++) {
		const struct lag_partition *p = &g->partitions[i];

		/* a topic that nobody reads any more would never be done */
		if (p->reason == LAG_MARKERS || (p->committed >= 0 && !p->counts))
			continue;
		left += p->lag > 0 ? p->lag : p->unread > 0 ? p->unread : 0;
	}
	return left;
}

/*
 * What the group that is furthest behind has left to read; *name is valid
 * until the next measuring.
 */
static int
measure(struct redrive_hold *h, int64_t *left, const char **name, struct err *e)
{
	const struct lag_measure_options o = {
		.names = &h->limit->group, .names_n = h->limit->group != NULL,
		.topics = h->topics, .topics_n = h->topics_n,
		.deadline_ms = clock_mono_ms(clock_system()) + h->timeout_ms,
		.committed_only = true,
	};
	struct lag_snapshot s = { 0 };
	int result = lag_measure(h->client, &o, &s, e);

	*left = 0;
	*name = "";
	for (int i = 0; i < s.groups_n && !result; i++) {
		const struct lag_group *g = &s.groups[i];

		if (h->limit->group && g->reason == LAG_GROUP_GONE)
			result = err_set(e, ERR_NOT_FOUND, "--max-lag: group '%s' "
				"does not exist (kc-lag list)", g->name);
		else if (h->limit->group && (g->reason || g->failed_n))
			result = err_set(e, ERR_TEMPORARY, "--max-lag: group '%s' "
				"could not be measured: %s", g->name, g->error ?
				g->error : lag_reason_name(g->reason));
		else if (left_of(g) > *left) {
			*left = left_of(g);
			*name = arena_printf(&h->memory, "%s", g->name);
		}
	}
	/* a group that nobody tells of may be over the limit */
	if (!result && !h->limit->group && s.partial)
		result = err_set(e, ERR_TEMPORARY, "--max-lag: not every group "
			"could be measured: %s", s.partial_why);
	lag_snapshot_release(&s);
	return result;
}

int
redrive_hold_open(struct redrive_hold **out, const struct conf *conf,
	const struct redrive_hold_limit *limit, int timeout_ms, struct err *e)
{
	struct redrive_hold *h = *out = xcalloc(1, sizeof(*h));
	const char *name;
	int64_t left;

	h->limit = limit;
	h->timeout_ms = timeout_ms;
	/* lists of groups begin with who is connected */
	if (lag_open(&h->client, conf, true, e) ||
	    client_wait(h->client, timeout_ms, e))
		return -1;
	return limit->group ? measure(h, &left, &name, e) : 0;
}

void
redrive_hold_close(struct redrive_hold *h)
{
	if (!h)
		return;
	client_close(h->client);
	arena_release(&h->memory);
	free(h->topics);
	free(h);
}

/* ---- holding ---- */

static void
take_topics(struct redrive_hold *h, const struct dlq_batch *b)
{
	h->topics_n = 0;
	for (int i = 0; i < b->n; i++) {
		struct slice t = b->items[i].copy.topic;
		int k = h->topics_n;

		if (slice_is_null(t))
			continue;
		while (k && !slice_eq_str(t, h->topics[k - 1]))
			k--;
		if (k)
			continue;
		if (h->topics_n == h->topics_cap) {
			h->topics_cap = h->topics_cap ? 2 * h->topics_cap : 8;
			h->topics = xreallocarray(h->topics,
				(size_t)h->topics_cap, sizeof(*h->topics));
		}
		h->topics[h->topics_n++] = arena_printf(&h->memory, "%.*s",
			SLICE_ARG(t));
	}
}

/* False when a signal came. */
static bool
pause_ms(int64_t ms)
{
	poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, (int)ms);
	return !sig_caught();
}

int
redrive_hold(struct redrive_hold *h, const struct dlq_batch *b, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t least = INT64_MAX, until = 0, left;
	const char *name;

	arena_reset(&h->memory);
	take_topics(h, b);
	if (!h->topics_n)
		return 0;
	for (int64_t step = FIRST_MS;; step = step < LONGEST_MS ? 2 * step : step) {
		if (measure(h, &left, &name, e))
			return -1;
		diag_verbose(1, "--max-lag %s: %" PRId64 " records to read",
			h->limit->group ? h->limit->group : "", left);
		if (left <= h->limit->most)
			return 0;
		if (least == INT64_MAX)
			diag_note("holding back: group '%s' has %" PRId64
				" records to read (--max-lag)", name, left);
		if (left < least) {
			least = left;
			until = clock_mono_ms(clock) + h->timeout_ms;
		}
		if (clock_mono_ms(clock) >= until)
			return err_set(e, ERR_TEMPORARY, "group '%s' still has "
				"%" PRId64 " records to read, and reads none "
				"(--max-lag; when it reads again: --resume)",
				name, left);
		if (!pause_ms(step))
			return -1;
	}
}
