/*
 * consume_report.c - how far the reading came, in words and as JSON.
 */
#include <inttypes.h>

#include "kafka/cause.h"
#include "kafka/consumer.h"
#include "model/envelope.h"

enum { NAMED = 8 }; /* partitions in a message */

void
consume_fell_short(const struct consume *c, struct err *e)
{
	struct buf text = BUF_INIT;
	int left = c->active - c->done;
	struct cause cause;

	for (int i = 0, told = 0; i < c->topics_n; i++)
		for (int k = 0; k < c->topics[i]->parts_n; k++) {
			const struct part *p = &c->topics[i]->parts[k];

			if (!p->active || p->done || told++ >= NAMED)
				continue;
			buf_addf(&text, "%s'%s' [%d] at %" PRId64 " of %" PRId64,
				text.len ? ", " : "",
				(const char *)c->topics[i]->name.data, k,
				p->next, p->end);
		}
	if (left > NAMED)
		buf_addf(&text, ", and %d more", left - NAMED);
	client_cause(c->client, &cause);
	if (!c->active)
		err_set(e, ERR_TEMPORARY, "group '%s' gave us no partitions "
			"within %d ms (raise --timeout?)", c->o->group,
			c->o->timeout_ms);
	else if (cause.kind != CAUSE_NONE)
		err_set(e, ERR_TEMPORARY, "broker '%s': %s; not read to the end: %s",
			cause.broker, cause.why, buf_cstr(&text));
	else
		err_set(e, ERR_TEMPORARY, "nothing came for %d ms; not read to "
			"the end: %s (raise --timeout?)", c->o->timeout_ms,
			buf_cstr(&text));
	buf_release(&text);
}

void
consume_summary(const struct consume *c, const char *why, struct buf *out)
{
	int64_t records = 0;
	bool first = true;

	buf_addstr(out, "{\"partitions\":[");
	for (int i = 0; i < c->topics_n; i++)
		for (int k = 0; k < c->topics[i]->parts_n; k++) {
			const struct part *p = &c->topics[i]->parts[k];

			if (!p->active && !p->records)
				continue;
			buf_addstr(out, first ? "{\"topic\":" : ",{\"topic\":");
			envelope_put_string(out, c->topics[i]->name);
			buf_addf(out, ",\"partition\":%d,\"first\":%" PRId64
				",\"last\":%" PRId64 ",\"next\":%" PRId64
				",\"end\":%" PRId64 ",\"records\":%" PRId64
				",\"bytes\":%" PRId64 ",\"complete\":%s}", k,
				p->first, p->last, p->next, p->end, p->records,
				p->bytes, p->done ? "true" : "false");
			records += p->records;
			first = false;
		}
	buf_addf(out, "],\"records\":%" PRId64 ",\"stopped\":\"%s\"}", records, why);
}
