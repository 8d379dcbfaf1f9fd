#include "kafka/lag_risk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/admin.h"
#include "model/envelope.h"
#include "model/lag_threshold.h"

static bool
has_age(const struct lag_partition *p)
{
	return p->lag > 0 && p->oldest_ms >= 0;
}

/* -1 where records stay for ever. */
static int64_t
retention_of(const struct admin_configs *k)
{
	const struct admin_config *policy = admin_configs_find(k, "cleanup.policy");
	const struct admin_config *ms = admin_configs_find(k, "retention.ms");
	struct err ignored = ERR_INIT;
	int64_t n = -1;

	if (!policy || !policy->value || !strstr(policy->value, "delete"))
		return -1;
	if (!ms || !ms->value ||
	    num_int(slice_str(ms->value), -1, INT64_MAX, &n, &ignored))
		return -1;
	return n;
}

static int
ask_topic(struct client *c, struct lag_topic *t, int64_t deadline_ms, struct err *e)
{
	int64_t left = deadline_ms - clock_mono_ms(clock_system());
	struct admin_configs k = { 0 };

	if (left <= 0)
		return err_set(e, ERR_TEMPORARY, "no time is left (raise --timeout)");
	if (admin_configs(c, ADMIN_TOPIC, t->name, left > 3600000 ? 3600000 :
	    (int)left, &k, e))
		return -1;
	t->retention_ms = retention_of(&k);
	admin_configs_release(&k);
	return 0;
}

int
lag_risk_measure(struct client *c, struct lag_snapshot *s, int64_t deadline_ms,
	struct err *e)
{
	struct map asked = { 0 };
	int failed = 0;

	for (int i = 0; i < s->groups_n; i++)
		for (int k = 0; k < s->groups[i].partitions_n; k++) {
			const struct lag_partition *p = &s->groups[i].partitions[k];
			struct err why = ERR_INIT;

			if (!has_age(p) || map_put(&asked,
			    slice_str(p->topic->name), p->topic))
				continue;
			if (!ask_topic(c, p->topic, deadline_ms, &why))
				continue;
			diag_error("retention of topic '%s': %s", p->topic->name,
				why.msg);
			failed++;
		}
	map_release(&asked);
	return failed ? err_set(e, ERR_NO, "partial: the retention of %d topics "
		"is not known", failed) : 0;
}

struct risk {
	const struct lag_group *group;
	const struct lag_partition *p;
	int64_t left_ms;         /* negative: it may be deleted any moment */
};

static int
by_left(const void *a, const void *b)
{
	const struct risk *x = a, *y = b;

	if (x->left_ms != y->left_ms)
		return x->left_ms < y->left_ms ? -1 : 1;
	return strcmp(x->group->name, y->group->name);
}

static int
list_risks(const struct lag_snapshot *s, struct risk **risks)
{
	int cap = 0, n = 0;

	for (int i = 0; i < s->groups_n; i++)
		cap += s->groups[i].partitions_n;
	*risks = xcalloc((size_t)cap, sizeof(**risks));
	for (int i = 0; i < s->groups_n; i++)
		for (int k = 0; k < s->groups[i].partitions_n; k++) {
			const struct lag_partition *p = &s->groups[i].partitions[k];

			if (has_age(p) && p->topic->retention_ms >= 0)
				(*risks)[n++] = (struct risk){ &s->groups[i], p,
					p->topic->retention_ms - p->age_ms };
		}
	if (n)
		qsort(*risks, (size_t)n, sizeof(**risks), by_left);
	return n;
}

static void
put_risk(struct buf *b, const struct risk *r)
{
	buf_addstr(b, "{\"group\":");
	envelope_put_bytes(b, slice_str(r->group->name));
	buf_addstr(b, ",\"topic\":");
	envelope_put_bytes(b, slice_str(r->p->topic->name));
	buf_addf(b, ",\"partition\":%" PRId32 ",\"lag\":%" PRId64 ",\"age_ms\":%"
		PRId64 ",\"age_source\":\"%s\",\"retention_ms\":%" PRId64
		",\"left_ms\":%" PRId64 "}\n", r->p->id, r->p->lag, r->p->age_ms,
		lag_age_source_name(r->p->age_source), r->p->topic->retention_ms,
		r->left_ms);
}

static void
put_row(struct out_table *t, const struct risk *r)
{
	char text[LAG_DURATION_TEXT];

	out_table_cell(t, "%s", r->group->name);
	out_table_cell(t, "%s", r->p->topic->name);
	out_table_cell(t, "%" PRId32, r->p->id);
	out_table_cell(t, "%" PRId64, r->p->lag);
	out_table_cell(t, "%s", lag_duration(r->p->age_ms, text));
	out_table_cell(t, "%s", lag_duration(r->p->topic->retention_ms, text));
	out_table_cell(t, "%s", r->left_ms <= 0 ? "any moment" :
		lag_duration(r->left_ms, text));
}

int
lag_risk_print(struct out *o, const struct lag_snapshot *s, bool json,
	struct err *e)
{
	static const char *const columns[] = { "GROUP", "TOPIC", "PART", "LAG",
		"AGE", "RETENTION", "LEFT" };
	struct out_table *t = out_table_new(columns, 7);
	struct risk *risks;
	int n = list_risks(s, &risks), ret = 0;

	for (int i = 2; i < 7; i++)
		out_table_right(t, i);
	for (int i = 0; i < n && !ret; i++) {
		if (json) {
			put_risk(&o->buf, &risks[i]);
			ret = out_maybe_flush(o, e);
		} else {
			put_row(t, &risks[i]);
		}
	}
	if (!json)
		ret = out_table_print(t, o, true, e);
	out_table_free(t);
	free(risks);
	return ret;
}
