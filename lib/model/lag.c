#include "model/lag.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const status_names[] = {
	[LAG_OK] = "OK", [LAG_UNKNOWN] = "UNKNOWN", [LAG_AHEAD] = "AHEAD",
	[LAG_SLOW] = "SLOW", [LAG_REWOUND] = "REWOUND", [LAG_LOST] = "LOST",
	[LAG_STALLED] = "STALLED", [LAG_STOPPED] = "STOPPED",
};

static const char *const reason_names[] = {
	[LAG_NO_REASON] = NULL,
	[LAG_NO_COMMIT] = "no-commit", [LAG_NO_OFFSETS] = "no-offsets",
	[LAG_TOPIC_GONE] = "topic-gone", [LAG_UNASSIGNED] = "unassigned",
	[LAG_MARKERS] = "markers", [LAG_OPEN_TRANSACTION] = "open-transaction",
	[LAG_NO_HISTORY] = "no-history", [LAG_SHARE_GROUP] = "share-group",
	[LAG_GROUP_GONE] = "group-gone", [LAG_NO_LEADER] = "no-leader",
	[LAG_UNAUTHORIZED] = "unauthorized", [LAG_LOADING] = "loading",
	[LAG_TIMEOUT] = "timeout", [LAG_ERROR] = "error",
};

static const char *const age_names[] = {
	[LAG_AGE_NONE] = NULL, [LAG_AGE_ZERO] = "none",
	[LAG_AGE_RECORD] = "record", [LAG_AGE_SEARCH] = "search",
	[LAG_AGE_BOUND] = "bound",
};

const char *
lag_status_name(enum lag_status s)
{
	return status_names[s];
}

int
lag_status_parse(struct slice text, enum lag_status *out)
{
	for (size_t i = 0; i < sizeof(status_names) / sizeof(*status_names); i++)
		if (text.len == strlen(status_names[i]) &&
		    !strncasecmp(text.data, status_names[i], text.len)) {
			*out = (enum lag_status)i;
			return 0;
		}
	return -1;
}

const char *
lag_reason_name(enum lag_reason r)
{
	return reason_names[r];
}

bool
lag_reason_is_failure(enum lag_reason r)
{
	return r >= LAG_NO_LEADER;
}

const char *
lag_age_source_name(enum lag_age_source s)
{
	return age_names[s];
}

void
lag_snapshot_release(struct lag_snapshot *s)
{
	map_release(&s->topics);
	arena_release(&s->arena);
	*s = (struct lag_snapshot){ 0 };
}

struct lag_topic *
lag_topic_find(const struct lag_snapshot *s, struct slice name)
{
	return map_get(&s->topics, name);
}

struct lag_topic *
lag_topic(struct lag_snapshot *s, struct slice name)
{
	struct lag_topic *t = lag_topic_find(s, name);

	if (t)
		return t;
	t = arena_alloc(&s->arena, sizeof(*t));
	name = arena_copy(&s->arena, name);
	t->name = name.data;
	t->retention_ms = -1;
	map_put(&s->topics, name, t);
	return t;
}

struct lag_partition
lag_row(struct lag_topic *t, int32_t id)
{
	return (struct lag_partition){
		.topic = t, .id = id, .committed = -1, .age_ms = -1, .oldest_ms = -1,
		.consumed_per_s = -1, .produced_per_s = -1, .eta_ms = -1
	};
}

int64_t
lag_position(const struct lag_partition *p)
{
	return p->lag > 0 ? lag_log_of(p)->end - p->lag : -1;
}

void
lag_set_age(struct lag_partition *p, int64_t oldest_ms,
	enum lag_age_source source, int64_t now_ms)
{
	p->oldest_ms = oldest_ms;
	p->age_source = source;
	p->age_ms = now_ms - oldest_ms;
}

const struct lag_log *
lag_log_of(const struct lag_partition *p)
{
	if (!p->topic || p->id < 0 || p->id >= p->topic->logs_n)
		return NULL;
	return &p->topic->logs[p->id];
}

bool
lag_is_bound(const struct lag_partition *p)
{
	return p->lag > 0 && p->topic && p->topic->is_compacted;
}

static int64_t
positive(int64_t n)
{
	return n > 0 ? n : 0;
}

static void
set_reason(struct lag_partition *p, enum lag_reason r, const char *error)
{
	p->reason = r;
	p->error = error;
}

/* Why there can be no number at all; false when there can. */
static bool
is_hopeless(const struct lag_group *g, struct lag_partition *p,
	const struct lag_log *log)
{
	if (p->failed)
		set_reason(p, p->failed, p->failed_why);
	else if (!p->topic)
		set_reason(p, g->reason ? g->reason : LAG_NO_OFFSETS, g->error);
	else if (p->topic->reason)
		set_reason(p, p->topic->reason, p->topic->error);
	else if (!log)
		set_reason(p, LAG_TOPIC_GONE, NULL);
	else if (log->reason)
		set_reason(p, log->reason, log->error);
	else
		return false;
	return true;
}

/*
 * A reader of committed records that stands at the LSO has nothing to read. One
 * that stands behind it has passed it, and reads what is not committed too.
 */
static void
compute_stable(struct lag_partition *p, const struct lag_log *log)
{
	int64_t at = p->lost ? log->start : p->committed;
	/* it was asked for after the end */
	int64_t stable = log->stable < log->end ? log->stable : log->end;

	if (log->stable < 0)
		return;
	p->stable_lag = positive(stable - at);
	if (p->lag > 0 && at == stable)
		set_reason(p, LAG_OPEN_TRANSACTION, NULL);
}

static void
compute_row(const struct lag_group *g, struct lag_partition *p, bool counts)
{
	const struct lag_log *log = lag_log_of(p);

	p->lag = p->lost = p->ahead = p->unread = p->stable_lag = -1;
	p->counts = false;
	set_reason(p, LAG_NO_REASON, NULL);
	if (is_hopeless(g, p, log))
		return;
	if (p->committed < 0) {
		p->unread = positive(log->end - log->start);
		set_reason(p, LAG_NO_COMMIT, NULL);
		return;
	}
	p->lost = positive(log->start - p->committed);
	p->ahead = positive(p->committed - log->end);
	p->lag = positive(log->end - (p->lost ? log->start : p->committed));
	p->counts = counts;
	compute_stable(p, log);
	if (!p->lag) {
		p->age_source = LAG_AGE_ZERO;
		p->age_ms = 0;
	}
	if (!p->member && g->members_n > 0 && !strcmp(g->state, "Stable"))
		set_reason(p, LAG_UNASSIGNED, NULL);
}

/* What one look tells; samples of earlier looks tell more. */
static enum lag_status
status_of(const struct lag_group *g, const struct lag_partition *p)
{
	if (lag_reason_is_failure(p->reason) || p->reason == LAG_TOPIC_GONE)
		return LAG_UNKNOWN;
	if (p->ahead > 0)
		return LAG_AHEAD;
	if (p->lost > 0)
		return LAG_LOST;
	if (p->lag > 0 && !p->member && (!g->members_n ||
	    p->reason == LAG_UNASSIGNED))
		return LAG_STOPPED;
	return p->lag > 0 || p->unread > 0 ? LAG_UNKNOWN : LAG_OK;
}

/*
 * Whether a member reads the topic of rows[0..n). Without members, or while
 * their partitions are not settled, nobody can have unsubscribed.
 */
static bool
is_subscribed(const struct lag_group *g, const struct lag_partition *rows, int n)
{
	if (g->members_n <= 0 || strcmp(g->state, "Stable"))
		return true;
	for (int i = 0; i < n; i++)
		if (rows[i].member)
			return true;
	return false;
}

void
lag_compute(struct lag_group *g, bool all)
{
	for (int i = 0, n; i < g->partitions_n; i += n) {
		struct lag_partition *rows = &g->partitions[i];
		bool counts;

		for (n = 1; i + n < g->partitions_n &&
		    rows[n].topic == rows[0].topic; n++)
			;
		counts = all || is_subscribed(g, rows, n);
		for (int k = 0; k < n; k++) {
			compute_row(g, &rows[k], counts);
			rows[k].status = status_of(g, &rows[k]);
		}
	}
}

static void
add(int64_t *sum, int64_t n)
{
	if (n >= 0)
		*sum = positive(*sum) + n;
}

static void
raise_to(int64_t *max, int64_t n)
{
	if (n > *max)
		*max = n;
}

static void
add_rate(double *sum, double rate)
{
	if (rate >= 0)
		*sum = (*sum < 0 ? 0 : *sum) + rate;
}

void
lag_sum(struct lag_group *g)
{
	bool unknown = false;

	g->lag = g->lost = g->ahead = g->unread = g->age_ms = g->eta_ms = -1;
	g->consumed_per_s = g->produced_per_s = -1;
	g->failed_n = 0;
	g->is_bound = false;
	g->status = lag_reason_is_failure(g->reason) ? LAG_UNKNOWN : LAG_OK;
	for (int i = 0; i < g->partitions_n; i++) {
		const struct lag_partition *p = &g->partitions[i];

		g->failed_n += lag_reason_is_failure(p->reason);
		add(&g->unread, p->unread);
		if (p->lag >= 0 && !p->counts)
			continue;
		if (p->status > g->status)
			g->status = p->status;
		if (!p->counts)
			continue;
		add(&g->lag, p->lag);
		g->is_bound |= lag_is_bound(p);
		add(&g->lost, p->lost);
		add(&g->ahead, p->ahead);
		if (p->age_source != LAG_AGE_NONE)
			raise_to(&g->age_ms, positive(p->age_ms));
		else
			unknown |= p->lag > 0;
		raise_to(&g->eta_ms, p->eta_ms);
		add_rate(&g->consumed_per_s, p->consumed_per_s);
		add_rate(&g->produced_per_s, p->produced_per_s);
	}
	/* The rows that are read to their ends say nothing of the others. */
	if (unknown && !g->age_ms)
		g->age_ms = -1;
}

static void
mark_partial(struct lag_snapshot *s, enum lag_reason reason, const char *error)
{
	if (!lag_reason_is_failure(reason))
		return;
	if (!s->partial)
		s->partial_why = error ? error : lag_reason_name(reason);
	s->partial = true;
}

void
lag_finish(struct lag_snapshot *s)
{
	for (int i = 0; i < s->groups_n; i++) {
		struct lag_group *g = &s->groups[i];

		lag_compute(g, s->counts_unassigned);
		mark_partial(s, g->reason, g->error);
		for (int k = 0; k < g->partitions_n; k++) {
			const struct lag_partition *p = &g->partitions[k];

			mark_partial(s, p->reason, p->error);
		}
		lag_sum(g);
	}
}

static int
by_worst(const void *a, const void *b)
{
	const struct lag_group *x = a, *y = b;

	if (x->status != y->status)
		return x->status > y->status ? -1 : 1;
	if (x->lag != y->lag)
		return x->lag > y->lag ? -1 : 1;
	return strcmp(x->name, y->name);
}

void
lag_sort(struct lag_snapshot *s)
{
	if (s->groups_n)
		qsort(s->groups, (size_t)s->groups_n, sizeof(*s->groups), by_worst);
}
