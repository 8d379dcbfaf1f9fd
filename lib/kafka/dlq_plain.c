/* dlq_plain.c - changes to dead letters without transactions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/consume.h"
#include "kafka/dlq_rebuild.h"
#include "kafka/dlq_writer.h"

/* ---- where copies are looked for after a crash ---- */

/* "orders/0:15": a topic's name has no slash, comma or colon. */
static bool
is_watched(const struct ledger_run *run, const char *topic)
{
	const char *p = run->watch.data, *end = p + run->watch.len;
	size_t n = strlen(topic);

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));

		if ((size_t)(end - p) > n && p[n] == '/' && !memcmp(p, topic, n))
			return true;
		if (!comma)
			break;
		p = comma + 1;
	}
	return false;
}

static int
watch(struct dlq *d, struct ledger_run *run, const char *topic, struct err *e)
{
	struct admin_topic *t = admin_topics_find(d->target.topics, topic);
	struct buf text = BUF_INIT;

	/* the ends as of now, not as of opening */
	if (!t)
		return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist", topic);
	if (admin_offsets(d->target.client, d->o.timeout_ms, t, e))
		return -1;
	buf_addslice(&text, run->watch);
	for (int i = 0; i < t->partitions_n; i++)
		buf_addf(&text, "%s%s/%d:%" PRId64, text.len ? "," : "", topic,
			i, t->partitions[i].end);
	run->watch = arena_copy(&d->memory, buf_slice(&text));
	buf_release(&text);
	return 0;
}

/* True in *more when the batch goes to a topic that no copy went to before. */
static int
watch_targets(struct dlq *d, const struct dlq_batch *b, struct ledger_run *run,
	bool *more, struct err *e)
{
	struct arena names = { 0 };
	struct slice last = SLICE_NULL;
	int result = 0;

	*more = false;
	for (int i = 0; i < b->n && !result; i++) {
		struct slice topic = b->items[i].copy.topic;
		const char *name;

		if (slice_is_null(topic) || slice_eq(topic, last))
			continue;
		last = topic;
		name = arena_printf(&names, "%.*s", SLICE_ARG(topic));
		if (is_watched(run, name))
			continue;
		result = watch(d, run, name, e);
		*more = true;
	}
	arena_release(&names);
	return result;
}

/* ---- committing ---- */

void
dlq_plain_failed(struct dlq *d, struct dlq_change *copy, const struct err *why)
{
	if (!copy) {
		d->entry_failed = *why;
		return;
	}
	copy->gone = true;
	if (why->code == ERR_REFUSED) {
		if (!d->refused.code)
			d->refused = *why;
		return;
	}
	if (d->commit->run)
		d->commit->run->failed++;
	d->commit->failed(d->commit->arg, copy, why);
}

static int
set_marks(struct dlq *d, const char *metadata, struct err *e)
{
	struct group_offsets marks = { 0 };
	int result = 0;

	dlq_add_marks(d, metadata, &marks);
	if (marks.n)
		result = group_offsets_set(d->client, d->group, &marks,
			d->o.timeout_ms, e);
	if (!result)
		dlq_keep_marks(d, &marks);
	group_offsets_release(&marks);
	return result ? err_wrap(e, "group '%s'", d->group) : 0;
}

/* Entries and run are there for good when this is done. */
static int
write_ledger(struct dlq *d, struct dlq_batch *b, struct ledger_run *run,
	struct err *e)
{
	d->entry_failed = (struct err)ERR_INIT;
	if (dlq_send_ledger(d, b, run, e) || producer_flush(d->producer, -1, e))
		return -1;
	if (d->entry_failed.code) {
		*e = d->entry_failed;
		return err_wrap(e, "ledger '%s'", d->ledger_topic);
	}
	for (int i = 0; i < b->n; i++)
		if (!b->items[i].forget)
			ledger_apply(&d->ledger, &b->items[i].entry);
	return 0;
}

/* A file's batch counts once the group's offsets carry its name. */
static int
settle(struct dlq *d, struct err *e)
{
	const char *metadata = NULL;

	if (!d->file)
		return set_marks(d, NULL, e);
	metadata = ledger_file_prepare(d->file, e);
	return !metadata || set_marks(d, metadata, e) ||
		ledger_file_end(d->file, true, e) ? -1 : 0;
}

static int
send_copies(struct dlq *d, struct dlq_batch *b, struct err *e)
{
	int result = 0;

	d->under_way = b;
	for (int i = 0; i < b->n && !result; i++)
		if (!slice_is_null(b->items[i].copy.topic))
			result = producer_send(d->target.producer,
				&b->items[i].copy, (producer_tag)i, e);
	/* what times out may be there all the same: that ends the run */
	if (!result)
		result = producer_flush(d->target.producer, -1, e);
	d->under_way = NULL;
	return result;
}

static int
commit(struct dlq *d, struct dlq_batch *b, struct ledger_run *run, struct err *e)
{
	struct ledger_run counted = run ? *run : (struct ledger_run){ 0 };

	/* from here on only who looks for them knows what was sent */
	d->unsettled = b->copies > 0;
	if (b->copies && send_copies(d, b, e))
		return -1;
	dlq_batch_sweep(b);
	if (run)
		counted.failed = run->failed;
	for (int i = 0; i < b->n; i++)
		dlq_count(&counted, &b->items[i]);
	if (counted.until)
		counted.watch = SLICE_NULL;
	if (write_ledger(d, b, run ? &counted : NULL, e))
		return -1;
	if (!d->file)
		d->unsettled = false;
	if (settle(d, e))
		return -1;
	d->unsettled = false;
	if (run)
		*run = counted;
	return dlq_keep_sent(d, b, e);
}

/* Where to look must be known before anything is there: the run as it was before b. */
static int
announce(struct dlq *d, const struct dlq_batch *b, struct ledger_run before,
	struct err *e)
{
	struct dlq_batch none = { 0 };

	for (int i = 0; i < b->n; i++)
		before.selected -= b->items[i].entry.state != LEDGER_RETURNED;
	return commit(d, &none, &before, e);
}

int
dlq_plain_commit(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	struct err *e)
{
	bool more = false;
	int result;

	if (d->unsettled)
		return err_set(e, ERR_FAILED, "what was sent last is not in the "
			"ledger (the next run looks for it)");
	d->commit = o;
	result = o->run && watch_targets(d, b, o->run, &more, e) ? -1 : 0;
	if (!result && more)
		result = announce(d, b, *o->run, e);
	if (!result)
		result = commit(d, b, o->run, e);
	d->commit = NULL;
	if (!result && d->refused.code) {
		*e = d->refused;
		result = -1;
	}
	return result;
}

/* ---- after a crash ---- */

/* The next "orders/0:15" of the text, which gets shorter. */
static bool
next_span(struct slice *text, struct arena *a, struct consume_span *out)
{
	const char *p = text->data, *end = p + text->len;
	const char *comma = text->len ? memchr(p, ',', text->len) : NULL;
	const char *stop = comma ? comma : end;
	const char *slash = text->len ? memchr(p, '/', (size_t)(stop - p)) : NULL;
	const char *colon = slash ? memchr(slash, ':', (size_t)(stop - slash)) : NULL;
	struct err ignored = ERR_INIT;
	int64_t partition;

	if (!colon || num_int(slice_make(slash + 1, (size_t)(colon - slash - 1)), 0,
	    INT32_MAX, &partition, &ignored) || num_int(slice_make(colon + 1,
	    (size_t)(stop - colon - 1)), 0, INT64_MAX, &out->from, &ignored))
		return false;
	out->topic = arena_printf(a, "%.*s", (int)(slash - p), p);
	out->partition = (int32_t)partition;
	out->to = -1;
	*text = comma ? slice_make(comma + 1, (size_t)(end - comma - 1)) :
		slice_make("", 0);
	return true;
}

/* Where the log has it; false when there is no such partition any more. */
static int
find_span(const struct dlq *d, const struct dlq_target *to, struct consume_span *s,
	bool *there, struct err *e)
{
	struct admin_topic *t = admin_topics_find(to->topics, s->topic);
	const struct admin_partition *p;

	*there = t && s->partition < t->partitions_n;
	if (!*there)
		return 0;
	p = &t->partitions[s->partition];
	if (p->end < 0 && admin_offsets(to->client, d->o.timeout_ms, t, e))
		return -1;
	/* deleted from the front, or made again */
	if (s->from < p->start || s->from > p->end)
		s->from = p->start;
	s->to = p->end;
	*there = s->from < s->to;
	return 0;
}

static int
recover(struct dlq *d, struct ledger_run *run, struct err *e)
{
	struct arena memory = { 0 };
	struct slice text = run->watch;
	/* at least five characters a span */
	struct consume_span *spans = xcalloc(text.len / 5 + 1, sizeof(*spans));
	int n = 0, result = 0;
	int64_t selected = run->selected;
	struct dlq_target to;
	bool there;

	if (dlq_target_of(d, run, &to, e)) {
		free(spans);
		return -1;
	}
	diag_note("run '%.*s' of %.*s did not end: looking for what it sent",
		SLICE_ARG(run->id), SLICE_ARG(run->by));
	while (!result && next_span(&text, &memory, &spans[n])) {
		result = find_span(d, &to, &spans[n], &there, e);
		n += there;
	}
	run->state = slice_str("stopped");
	run->until = clock_wall_ms(clock_system());
	run->watch = SLICE_NULL;
	if (!result)
		result = dlq_rebuild_spans(d, to.conf, spans, n, run, e);
	if (!result && run->selected > selected)
		diag_note("found %" PRId64 " that the ledger did not have",
			run->selected - selected);
	free(spans);
	arena_release(&memory);
	return result;
}

int
dlq_plain_recover(struct dlq *d, struct err *e)
{
	for (int i = 0; i < d->runs_n; i++) {
		struct ledger_run run = d->runs[i];

		if (slice_is_null(run.watch) || run.until)
			continue;
		if (recover(d, &run, e))
			return e->code ? err_wrap(e, "run '%.*s'",
				SLICE_ARG(run.id)) : -1;
		d->runs[i] = run;
	}
	return 0;
}
