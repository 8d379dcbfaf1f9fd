#include "kafka/lag_print.h"

#include <inttypes.h>

#include "model/lag_threshold.h"

/* ---- cells ------------------------------------------------------------------------ */

static void
int_cell(struct out_table *t, int64_t n)
{
	if (n < 0)
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%" PRId64, n);
}

/* "12~" may be fewer. */
static void
lag_cell(struct out_table *t, int64_t lag, bool is_bound)
{
	if (lag > 0 && is_bound)
		out_table_cell(t, "%" PRId64 "~", lag);
	else
		int_cell(t, lag);
}

static void
text_cell(struct out_table *t, const char *text)
{
	out_table_cell(t, "%s", text && *text ? text : "-");
}

static void
duration_cell(struct out_table *t, int64_t ms)
{
	char text[LAG_DURATION_TEXT];

	out_table_cell(t, "%s", lag_duration(ms, text));
}

/* "3m" is exact, "3m~" may be less, "?" is a timestamp in the future. */
static void
age_cell(struct out_table *t, const struct lag_partition *p)
{
	char text[LAG_DURATION_TEXT];

	if (p->age_source == LAG_AGE_NONE)
		out_table_cell(t, "-");
	else if (p->age_ms < 0)
		out_table_cell(t, "-%s?", lag_duration(-p->age_ms, text));
	else
		out_table_cell(t, "%s%s", lag_duration(p->age_ms, text),
			p->age_source == LAG_AGE_BOUND ? "~" : "");
}

static void
rate_cell(struct out_table *t, double rate)
{
	if (rate < 0)
		out_table_cell(t, "-");
	else
		out_table_cell(t, rate < 10 ? "%.1f" : "%.0f", rate);
}

/* "STALLED", and why a number is missing or what it hides. */
static void
status_cell(struct out_table *t, enum lag_status status, enum lag_reason reason,
	const char *error)
{
	const char *why = reason == LAG_ERROR && error ? error :
		lag_reason_name(reason);

	if (why)
		out_table_cell(t, "%s (%s)", lag_status_name(status), why);
	else
		out_table_cell(t, "%s", lag_status_name(status));
}

static int
print(struct out_table *t, struct out *o, const int *right, int n, struct err *e)
{
	int ret;

	for (int i = 0; i < n; i++)
		out_table_right(t, right[i]);
	ret = out_table_print(t, o, true, e);
	out_table_free(t);
	return ret;
}

/* ---- groups ------------------------------------------------------------------------- */

/* Rows of a group that are about a partition. */
static int
partitions_of(const struct lag_group *g)
{
	return g->partitions_n - (g->partitions_n && !g->partitions[0].topic);
}

/* Growing, shrinking, or within a hundredth of what is produced. */
static const char *
trend_of(const struct lag_group *g)
{
	double change = g->produced_per_s - g->consumed_per_s;

	if (g->consumed_per_s < 0 || g->produced_per_s < 0)
		return "-";
	if (change > 0.01 * g->produced_per_s && change > 0.1)
		return "growing";
	return change < -0.1 ? "shrinking" : "steady";
}

static void
group_row(struct out_table *t, const struct lag_group *g, bool lost, bool ahead)
{
	enum lag_reason reason = g->reason;

	if (!reason && g->lag < 0 && g->partitions_n)
		reason = g->partitions[0].reason;
	out_table_cell(t, "%s", g->name);
	text_cell(t, g->state);
	int_cell(t, g->members_n);
	int_cell(t, partitions_of(g));
	lag_cell(t, g->lag, g->is_bound);
	if (lost)
		int_cell(t, g->lost);
	if (ahead)
		int_cell(t, g->ahead);
	duration_cell(t, g->age_ms);
	out_table_cell(t, "%s", trend_of(g));
	duration_cell(t, g->eta_ms);
	status_cell(t, g->status, reason, g->error);
}

/* Columns for what is rare are there only when something is in them. */
static void
find_rare(const struct lag_snapshot *s, bool *lost, bool *ahead)
{
	*lost = *ahead = false;
	for (int i = 0; i < s->groups_n; i++)
		for (int k = 0; k < s->groups[i].partitions_n; k++) {
			*lost |= s->groups[i].partitions[k].lost > 0;
			*ahead |= s->groups[i].partitions[k].ahead > 0;
		}
}

/* Names of columns, some of which may be left out. */
struct columns {
	const char *names[16];
	int n;
	int right[16];
	int right_n;
};

static void
column(struct columns *c, const char *name, bool right, bool wanted)
{
	if (!wanted)
		return;
	if (right)
		c->right[c->right_n++] = c->n;
	c->names[c->n++] = name;
}

int
lag_print_groups(struct out *o, const struct lag_snapshot *s, int rows_max,
	struct err *e)
{
	struct columns c = { 0 };
	struct out_table *t;
	bool lost, ahead;

	find_rare(s, &lost, &ahead);
	column(&c, "GROUP", false, true);
	column(&c, "STATE", false, true);
	column(&c, "MEMBERS", true, true);
	column(&c, "PARTS", true, true);
	column(&c, "LAG", true, true);
	column(&c, "LOST", true, lost);
	column(&c, "AHEAD", true, ahead);
	column(&c, "AGE", true, true);
	column(&c, "TREND", false, true);
	column(&c, "ETA", true, true);
	column(&c, "STATUS", false, true);
	t = out_table_new(c.names, c.n);
	for (int i = 0; i < s->groups_n && rows_max; i++) {
		if (s->groups[i].reason == LAG_GROUP_GONE)
			continue;
		group_row(t, &s->groups[i], lost, ahead);
		rows_max -= rows_max > 0;
	}
	return print(t, o, c.right, c.right_n, e);
}

/* ---- partitions ------------------------------------------------------------------------ */

/* The shortest name that only it has in the group. */
static const char *
owner_of(const struct lag_group *g, const struct lag_member *m)
{
	if (m->instance_id)
		return m->instance_id;
	for (int i = 0; i < g->members_n; i++)
		if (&g->members[i] != m &&
		    !strcmp(g->members[i].client_id, m->client_id))
			return m->id;
	return m->client_id;
}

static void
partition_row(struct out_table *t, const struct lag_group *g,
	const struct lag_partition *p, bool many, bool stable, bool lost,
	bool ahead)
{
	const struct lag_log *log = lag_log_of(p);

	if (many)
		out_table_cell(t, "%s", g->name);
	text_cell(t, p->topic ? p->topic->name : NULL);
	int_cell(t, p->topic ? p->id : -1);
	int_cell(t, p->committed);
	int_cell(t, log ? log->end : -1);
	if (stable)
		int_cell(t, log ? log->stable : -1);
	lag_cell(t, p->lag, lag_is_bound(p));
	if (lost)
		int_cell(t, p->lost);
	if (ahead)
		int_cell(t, p->ahead);
	age_cell(t, p);
	rate_cell(t, p->consumed_per_s);
	status_cell(t, p->status, p->reason, p->error);
	if (!p->member)
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%s %s", owner_of(g, p->member), p->member->host);
}

int
lag_print_partitions(struct out *o, const struct lag_snapshot *s, struct err *e)
{
	struct columns c = { 0 };
	bool lost, ahead, many = s->groups_n > 1;
	struct out_table *t;

	find_rare(s, &lost, &ahead);
	column(&c, "GROUP", false, many);
	column(&c, "TOPIC", false, true);
	column(&c, "PART", true, true);
	column(&c, "COMMITTED", true, true);
	column(&c, "END", true, true);
	column(&c, "STABLE", true, s->has_stable);
	column(&c, "LAG", true, true);
	column(&c, "LOST", true, lost);
	column(&c, "AHEAD", true, ahead);
	column(&c, "AGE", true, true);
	column(&c, "RATE", true, true);
	column(&c, "STATUS", false, true);
	column(&c, "OWNER", false, true);
	t = out_table_new(c.names, c.n);
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];

		for (int k = 0; k < g->partitions_n; k++)
			if (g->reason != LAG_GROUP_GONE)
				partition_row(t, g, &g->partitions[k], many,
					s->has_stable, lost, ahead);
	}
	return print(t, o, c.right, c.right_n, e);
}

/* ---- totals ------------------------------------------------------------------------------ */

int
lag_print_totals(struct out *o, const struct lag_totals *totals, struct err *e)
{
	static const char *const heads[] = {
		[LAG_BY_MEMBER] = "MEMBER", [LAG_BY_CLIENT] = "CLIENT",
		[LAG_BY_INSTANCE] = "INSTANCE", [LAG_BY_HOST] = "HOST",
		[LAG_BY_TOPIC] = "TOPIC"
	};
	const char *names[] = { "GROUP", heads[totals->by], "PARTS", "LAG", "AGE",
		"STATUS" };
	static const int right[] = { 2, 3, 4 };
	struct out_table *t = out_table_new(names, 6);

	for (int i = 0; i < totals->n; i++) {
		const struct lag_total *x = &totals->items[i];

		out_table_cell(t, "%s", x->group->name);
		text_cell(t, x->key);
		int_cell(t, x->partitions_n);
		int_cell(t, x->lag);
		duration_cell(t, x->age_ms);
		out_table_cell(t, "%s", lag_status_name(x->status));
	}
	return print(t, o, right, 3, e);
}
