#include "model/deadletter.h"
#include "model/envelope.h"

/* "name":B, with a comma in front of all but the first; nothing when null. */
static void
member(struct buf *out, const char *name, struct slice s)
{
	if (slice_is_null(s))
		return;
	buf_addf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
	envelope_put_bytes(out, s);
}

static void
number(struct buf *out, const char *name, int64_t n)
{
	if (n < 0)
		return;
	buf_addf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
	buf_addint(out, n);
}

static void
put_origin(struct buf *out, const struct deadletter_origin *o)
{
	static const char *const types[] = { "none", "create", "append" };

	buf_addstr(out, ",\"origin\":{");
	member(out, "topic", o->topic);
	number(out, "partition", o->partition);
	number(out, "offset", o->offset);
	number(out, "timestamp", o->has_timestamp ? o->timestamp : -1);
	if (o->has_timestamp && o->timestamp_type != TIMESTAMP_NONE)
		member(out, "timestamp_type", slice_str(types[o->timestamp_type]));
	member(out, "group", o->group);
	buf_addc(out, '}');
}

static void
put_error(struct buf *out, const struct deadletter_error *e)
{
	buf_addstr(out, ",\"error\":{");
	member(out, "class", e->class);
	member(out, "message", e->message);
	member(out, "cause", e->cause);
	member(out, "cause_message", e->cause_message);
	member(out, "stage", e->stage);
	member(out, "kind", e->kind);
	member(out, "stack", e->stack);
	buf_addc(out, '}');
}

static void
put_hop(struct buf *out, const struct deadletter_hop *h)
{
	buf_addstr(out, "{\"scheme\":");
	envelope_put_string(out, slice_str(deadletter_scheme_name(h->scheme)));
	put_origin(out, &h->origin);
	put_error(out, &h->error);
	number(out, "attempts", h->attempts);
	number(out, "failed_at", h->failed_at);
	buf_addc(out, '}');
}

void
deadletter_put_json(struct buf *out, const struct deadletter *d)
{
	buf_addstr(out, "{\"scheme\":");
	envelope_put_string(out, slice_str(deadletter_scheme_name(d->scheme)));
	/* Without a scheme, the origin may have been found by the content. */
	if (d->scheme != DEADLETTER_NONE || !slice_is_null(d->origin.topic))
		put_origin(out, &d->origin);
	if (d->scheme != DEADLETTER_NONE)
		put_error(out, &d->error);
	number(out, "attempts", d->attempts);
	number(out, "failed_at", d->failed_at);
	number(out, "first_failed_at", d->first_failed_at);
	number(out, "redrives", d->redrives ? d->redrives : -1);
	member(out, "redrive_run", d->redrive_run);
	member(out, "redrive_of", d->redrive_of);
	member(out, "first_origin", d->first_origin);
	if (d->payload_lost)
		buf_addstr(out, ",\"payload\":\"lost\"");
	if (d->warning)
		member(out, "warning", slice_str(d->warning));
	if (d->hops_n > 1) {
		buf_addstr(out, ",\"before\":[");
		for (int i = 1; i < d->hops_n; i++) {
			if (i > 1)
				buf_addc(out, ',');
			put_hop(out, &d->hops[i]);
		}
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
}
