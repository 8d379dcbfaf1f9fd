/*
 * lag_print_json.c - lag as JSON lines, written straight into the buffer: a
 * cluster has as many lines as its groups have partitions.
 */
#include <inttypes.h>
#include <string.h>

#include "kafka/lag_print.h"
#include "model/envelope.h"

static void
put_name(struct buf *b, const char *name)
{
	buf_addstr(b, ",\"");
	buf_addstr(b, name);
	buf_addstr(b, "\":");
}

static void
put_text(struct buf *b, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	put_name(b, name);
	envelope_put_bytes(b, slice_str(text));
}

static void
put_int(struct buf *b, const char *name, int64_t n)
{
	if (n < 0)
		return;
	put_name(b, name);
	buf_addint(b, n);
}

static void
put_eta(struct buf *b, int64_t eta_ms)
{
	if (eta_ms == LAG_NEVER)
		buf_addstr(b, ",\"eta_never\":true");
	else
		put_int(b, "eta_ms", eta_ms);
}

static void
put_rate(struct buf *b, const char *name, double rate)
{
	int64_t thousandths = rate < 0 ? -1 : (int64_t)(rate * 1000 + 0.5);

	put_int(b, name, thousandths < 0 ? -1 : thousandths / 1000);
	if (thousandths % 1000 > 0)
		buf_addf(b, ".%03d", (int)(thousandths % 1000));
}

/* {"group":"g" */
static void
put_group(struct buf *b, const struct lag_group *g)
{
	buf_addstr(b, "{\"group\":");
	envelope_put_bytes(b, slice_str(g->name));
}

static void
put_numbers(struct buf *b, const struct lag_partition *p)
{
	const struct lag_log *log = lag_log_of(p);

	put_int(b, "partition", p->id);
	put_int(b, "committed", p->committed);
	if (log) {
		put_int(b, "start", log->start);
		put_int(b, "end", log->end);
		put_int(b, "stable", log->stable);
	}
	put_int(b, "lag", p->lag);
	put_int(b, "stable_lag", p->stable_lag);
	if (lag_is_bound(p))
		buf_addstr(b, ",\"compacted\":true");
	put_int(b, "lost", p->lost);
	put_int(b, "ahead", p->ahead);
	put_int(b, "unread", p->unread);
	if (p->age_source != LAG_AGE_NONE) {
		buf_addstr(b, ",\"age_ms\":");
		buf_addint(b, p->age_ms);
		put_text(b, "age_source", lag_age_source_name(p->age_source));
	}
	put_int(b, "oldest_ms", p->oldest_ms);
}

static void
put_member(struct buf *b, const struct lag_member *m)
{
	if (!m)
		return;
	put_text(b, "member", m->id);
	put_text(b, "client_id", m->client_id);
	put_text(b, "instance_id", m->instance_id);
	put_text(b, "host", m->host);
}

/* Behind the row's own: what it shares with the others of its group. */
static void
put_row(struct buf *b, const struct lag_partition *p, struct slice head,
	const struct lag_group *g, struct slice tail)
{
	buf_addslice(b, head);
	if (p->topic)
		put_text(b, "topic", p->topic->name);
	put_numbers(b, p);
	put_text(b, "status", lag_status_name(p->status));
	put_text(b, "reason", lag_reason_name(p->reason));
	put_text(b, "error", p->error);
	if (p->lag >= 0 && !p->counts)
		buf_addstr(b, ",\"counted\":false");
	put_text(b, "state", g->state);
	put_text(b, "protocol", g->protocol);
	put_member(b, p->member);
	put_text(b, "coordinator", g->coordinator);
	put_rate(b, "consumed_per_s", p->consumed_per_s);
	put_rate(b, "produced_per_s", p->produced_per_s);
	put_eta(b, p->eta_ms);
	buf_addslice(b, tail);
}

static struct slice
tail_of(const struct lag_snapshot *s)
{
	return slice_str(s->partial ? ",\"partial\":true}\n" : "}\n");
}

int
lag_print_json(struct out *o, const struct lag_snapshot *s, struct err *e)
{
	struct buf head = BUF_INIT;
	int ret = 0;

	for (int i = 0; i < s->groups_n && !ret; i++) {
		const struct lag_group *g = &s->groups[i];

		if (g->reason == LAG_GROUP_GONE)
			continue;
		buf_clear(&head);
		put_group(&head, g);
		for (int k = 0; k < g->partitions_n && !ret; k++) {
			put_row(&o->buf, &g->partitions[k], buf_slice(&head), g,
				tail_of(s));
			ret = out_maybe_flush(o, e);
		}
	}
	buf_release(&head);
	return ret;
}

static int
rows_with_topic(const struct lag_group *g)
{
	return g->partitions_n - (g->partitions_n && !g->partitions[0].topic);
}

int
lag_print_summary(struct out *o, const struct lag_snapshot *s, struct err *e)
{
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];
		struct buf *b = &o->buf;

		if (g->reason == LAG_GROUP_GONE)
			continue;
		put_group(b, g);
		put_text(b, "state", g->state);
		put_text(b, "protocol", g->protocol);
		put_text(b, "assignor", g->assignor);
		put_text(b, "coordinator", g->coordinator);
		put_int(b, "members", g->members_n);
		put_int(b, "partitions", rows_with_topic(g));
		put_int(b, "lag", g->lag);
		if (g->is_bound)
			buf_addstr(b, ",\"compacted\":true");
		put_int(b, "lost", g->lost);
		put_int(b, "ahead", g->ahead);
		put_int(b, "unread", g->unread);
		put_int(b, "age_ms", g->age_ms);
		put_text(b, "status", lag_status_name(g->status));
		put_text(b, "reason", lag_reason_name(g->reason));
		put_text(b, "error", g->error);
		put_int(b, "failed", g->failed_n ? g->failed_n : -1);
		put_rate(b, "consumed_per_s", g->consumed_per_s);
		put_rate(b, "produced_per_s", g->produced_per_s);
		put_eta(b, g->eta_ms);
		buf_addslice(b, tail_of(s));
		if (out_maybe_flush(o, e))
			return -1;
	}
	return 0;
}

static void
put_key(struct buf *b, enum lag_by by, const struct lag_total *x)
{
	switch (by) {
	case LAG_BY_TOPIC:
		put_text(b, "topic", x->key);
		break;
	case LAG_BY_CLIENT:
		put_text(b, "client_id", x->key);
		break;
	case LAG_BY_HOST:
		put_text(b, "host", x->key);
		break;
	default:
		put_member(b, x->member);
	}
}

int
lag_print_totals_json(struct out *o, const struct lag_totals *t, bool partial,
	struct err *e)
{
	for (int i = 0; i < t->n; i++) {
		const struct lag_total *x = &t->items[i];
		struct buf *b = &o->buf;

		put_group(b, x->group);
		put_key(b, t->by, x);
		put_int(b, "partitions", x->partitions_n);
		put_int(b, "lag", x->lag);
		put_int(b, "lost", x->lost);
		put_int(b, "unread", x->unread);
		put_int(b, "age_ms", x->age_ms);
		put_text(b, "status", lag_status_name(x->status));
		put_int(b, "failed", x->failed_n ? x->failed_n : -1);
		buf_addstr(b, partial ? ",\"partial\":true}\n" : "}\n");
		if (out_maybe_flush(o, e))
			return -1;
	}
	return 0;
}
