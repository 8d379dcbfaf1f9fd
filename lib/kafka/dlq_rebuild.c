#include "kafka/dlq_rebuild.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/consume.h"
#include "kafka/dlq_write.h"
#include "model/src.h"

enum { BATCH_CHANGES = 10000 };

struct job {
	struct dlq *d;
	struct ledger_run *run;
	struct dlq_batch batch;
	struct arena memory;
	bool dry_run, sent;
	struct map origins;     /* name -> itself; owned */
};

static int
commit(struct job *j, struct err *e)
{
	const struct dlq_commit o = { .run = j->run };

	if (!j->dry_run)
		return dlq_commit(j->d, &j->batch, &o, e);
	dlq_batch_clear(&j->batch);
	return 0;
}

static const struct record_header *
header(const struct record *r, const char *name)
{
	for (size_t i = r->headers_n; i--; )
		if (slice_eq_str(r->headers[i].key, name))
			return &r->headers[i];
	return NULL;
}

static int
take(struct job *j, const struct record *r, struct err *e)
{
	const struct record_header *of = header(r, "kc-redrive-of"), *h;
	struct err ignored = ERR_INIT;
	struct ledger_entry x = { 0 };
	struct src src;

	if (!of || slice_is_null(of->value) ||
	    src_parse(of->value, &src, &ignored) ||
	    !slice_eq_str(src.topic, j->d->o.topic) ||
	    src.partition >= j->d->meta->partitions_n ||
	    ledger_state(&j->d->ledger, src.partition, src.offset) != LEDGER_OPEN)
		return 0;
	arena_reset(&j->memory);
	x = (struct ledger_entry){
		.partition = src.partition, .offset = src.offset,
		.state = header(r, "kc-edited") ? LEDGER_EDITED : LEDGER_REDRIVEN,
		.at = r->timestamp, .by = j->run->by, .redrives = 1,
		.fingerprint = ledger_fingerprint(r->key, r->value),
		.to = slice_str(arena_printf(&j->memory, "%.*s/%" PRId32 "/%"
			PRId64, SLICE_ARG(r->topic), r->partition, r->offset)),
		.note = j->sent ? SLICE_NULL : slice_str("rebuilt"),
	};
	h = header(r, "kc-redrive-run");
	if (h)
		x.run = h->value;
	h = header(r, "kc-redrive-count");
	if (h)
		num_int(h->value, 1, INT32_MAX, &x.redrives, &ignored);
	dlq_batch_add(&j->batch, &x, NULL);
	/* at once: the same record may have been sent more than once */
	if (dlq_apply(j->d, &x, e))
		return -1;
	j->run->selected++;
	return j->batch.n >= BATCH_CHANGES ? commit(j, e) : 0;
}

static int
read_all(struct job *j, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	enum consume_status s = CONSUME_IDLE;
	struct consume *c;
	struct record r;

	o->exit_at_end = true;
	o->isolation = "read_committed";
	o->timeout_ms = j->d->o.timeout_ms;
	o->output_fd = -1;
	if (consume_open(&c, conf, o, e))
		return -1;
	while (s == CONSUME_IDLE || s == CONSUME_RECORD) {
		s = consume_next(c, -1, &r, e);
		if (s == CONSUME_RECORD && take(j, &r, e))
			s = CONSUME_ERROR;
	}
	consume_close(c);
	return s == CONSUME_END ? 0 : -1;
}

static int
read_topic(struct job *j, const char *topic, struct err *e)
{
	struct consume_options o = { .topics = &topic, .topics_n = 1 };

	diag_note("reading '%s'", topic);
	return read_all(j, j->d->conf, &o, e);
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct slice name = x->d->origin.topic;
	char *copy;

	(void)e;
	if (slice_is_null(name) || map_get(&j->origins, name))
		return DLQ_SCAN_ON;
	copy = xmemdup0(name.data, name.len);
	map_put(&j->origins, slice_make(copy, name.len), copy);
	return DLQ_SCAN_ON;
}

static int
read_origins(struct job *j, struct err *e)
{
	const struct dlq_scan s = { .from_start = true, .record = on_record,
		.arg = j };
	const char *name;

	if (dlq_scan(j->d, &s, e))
		return -1;
	for (size_t i = 0; (name = map_next(&j->origins, &i)); )
		if (admin_topics_find(&j->d->topics, name) &&
		    read_topic(j, name, e))
			return -1;
	return 0;
}

int
dlq_rebuild(struct dlq *d, const char *const *topics, int n, bool dry_run,
	struct ledger_run *run, struct err *e)
{
	struct job j = { .d = d, .run = run, .dry_run = dry_run };
	int result = n ? 0 : read_origins(&j, e);
	char *name;

	for (int i = 0; i < n && !result; i++)
		result = read_topic(&j, topics[i], e);
	if (!result) {
		run->state = slice_str("done");
		run->until = clock_wall_ms(clock_system());
		result = commit(&j, e);
	}
	for (size_t i = 0; (name = map_next(&j.origins, &i)); )
		free(name);
	map_release(&j.origins);
	dlq_batch_release(&j.batch);
	arena_release(&j.memory);
	return result;
}

int
dlq_rebuild_spans(struct dlq *d, const struct conf *conf,
	const struct consume_span *spans, int n, struct ledger_run *run,
	struct err *e)
{
	struct job j = { .d = d, .run = run, .sent = true };
	const char **topics = xcalloc((size_t)n + 1, sizeof(*topics));
	struct consume_options o = { .topics = topics, .spans = spans, .spans_n = n };
	int result;

	for (int i = 0; i < n; i++)
		if (!i || strcmp(spans[i].topic, spans[i - 1].topic))
			topics[o.topics_n++] = spans[i].topic;
	result = (n && read_all(&j, conf, &o, e)) || commit(&j, e) ? -1 : 0;
	free(topics);
	dlq_batch_release(&j.batch);
	arena_release(&j.memory);
	return result;
}
