/*
 * lag_print_burrow.c - verdicts as Burrow answers them to
 * /v3/kafka/CLUSTER/consumer/GROUP/status: an object a group, with the
 * partitions that are not OK and the one that has most lag.
 */
#include <inttypes.h>

#include "kafka/lag_print.h"
#include "model/envelope.h"
#include "model/lag_burrow.h"

static void
put_name(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, ",\"%s\":", name);
	envelope_put_bytes(b, slice_str(text));
}

static void
put_sample(struct buf *b, const char *name, const struct lag_sample *s)
{
	int64_t lag = s->end > s->committed ? s->end - s->committed : 0;

	buf_addf(b, ",\"%s\":{\"offset\":%" PRId64 ",\"timestamp\":%" PRId64
		",\"observedAt\":%" PRId64 ",\"lag\":%" PRId64 "}", name,
		s->committed, s->at_ms, s->at_ms, lag);
}

static void
put_partition(struct buf *b, const struct lag_partition *p,
	const struct lag_history *h)
{
	buf_addstr(b, "{\"topic\":");
	envelope_put_bytes(b, slice_str(p->topic->name));
	buf_addf(b, ",\"partition\":%" PRId32, p->id);
	put_name(b, "owner", p->member ? p->member->host : "");
	put_name(b, "client_id", p->member ? p->member->client_id : "");
	put_name(b, "status", lag_burrow_name(p->status));
	put_sample(b, "start", &h->samples[0]);
	put_sample(b, "end", &h->samples[h->n - 1]);
	buf_addf(b, ",\"current_lag\":%" PRId64 ",\"complete\":%.3g}", p->lag,
		(double)h->n / LAG_SAMPLES);
}

/* What the partitions of a group come to. */
struct verdict {
	enum lag_status worst;
	int n, full;
	int64_t total, max;    /* lag; -1 = none */
	struct buf bad, maxlag; /* partitions that are not OK; the one with most lag */
};

static void
add_partition(struct verdict *v, const struct lag_partition *p,
	const struct lag_history *h)
{
	if (!h || !h->n)
		return;
	v->n++;
	v->full += h->n == LAG_SAMPLES;
	v->total += p->lag;
	if (lag_burrow_number(p->status) > lag_burrow_number(v->worst))
		v->worst = p->status;
	if (lag_burrow_number(p->status) > 1) {
		if (v->bad.len)
			buf_addc(&v->bad, ',');
		put_partition(&v->bad, p, h);
	}
	if (p->lag > v->max) {
		v->max = p->lag;
		buf_clear(&v->maxlag);
		put_partition(&v->maxlag, p, h);
	}
}

static void
put_group(struct buf *b, const struct lag_snapshot *s, const struct lag_group *g,
	const struct verdict *v)
{
	buf_addf(b, "{\"error\":%s,\"message\":\"%s\",\"status\":{\"cluster\":",
		v->n ? "false" : "true",
		v->n ? "consumer status returned" : "consumer not found");
	envelope_put_bytes(b, slice_str(s->cluster_id));
	put_name(b, "group", g->name);
	put_name(b, "status", v->n ?
		lag_burrow_group_name(v->worst) : "NOTFOUND");
	buf_addf(b, ",\"complete\":%.3g,\"partitions\":[",
		v->n ? (double)v->full / v->n : 0);
	buf_addslice(b, buf_slice(&v->bad));
	buf_addf(b, "],\"partition_count\":%d,\"maxlag\":", v->n);
	if (v->n)
		buf_addslice(b, buf_slice(&v->maxlag));
	else
		buf_addstr(b, "null");
	buf_addf(b, ",\"totallag\":%" PRId64 "}}\n", v->total);
}

int
lag_print_burrow(struct out *o, const struct lag_snapshot *s,
	struct lag_histories *h, struct err *e)
{
	int ret = 0;

	for (int i = 0; i < s->groups_n && !ret; i++) {
		const struct lag_group *g = &s->groups[i];
		struct verdict v = { .max = -1 };

		for (int k = 0; k < g->partitions_n; k++) {
			const struct lag_partition *p = &g->partitions[k];

			if (p->counts)
				add_partition(&v, p, lag_history_of(h,
					slice_str(g->name),
					slice_str(p->topic->name), p->id, false));
		}
		put_group(&o->buf, s, g, &v);
		buf_release(&v.bad);
		buf_release(&v.maxlag);
		ret = out_maybe_flush(o, e);
	}
	return ret;
}
