#include "kafka/dlq_writer.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "base/num.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/transaction.h"

/* ---- batches ---- */

static void
copy_record(struct dlq_batch *b, const struct record *r, struct record *out)
{
	struct record_header *h = arena_array(&b->memory, r->headers_n, sizeof(*h));

	*out = *r;
	out->topic = arena_copy(&b->memory, r->topic);
	b->bytes += (int64_t)(r->key.len + r->value.len);
	if (!slice_is_null(r->key))
		out->key = arena_copy(&b->memory, r->key);
	if (!slice_is_null(r->value))
		out->value = arena_copy(&b->memory, r->value);
	for (size_t i = 0; i < r->headers_n; i++) {
		h[i] = r->headers[i];
		h[i].key = arena_copy(&b->memory, h[i].key);
		if (!slice_is_null(h[i].value))
			h[i].value = arena_copy(&b->memory, h[i].value);
		b->bytes += (int64_t)(h[i].key.len + h[i].value.len);
	}
	out->headers = h;
}

static struct slice
copy_text(struct dlq_batch *b, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(&b->memory, s);
}

struct dlq_change *
dlq_batch_add(struct dlq_batch *b, const struct ledger_entry *entry,
	const struct record *copy)
{
	struct dlq_change *c;

	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->items = xreallocarray(b->items, (size_t)b->cap,
			sizeof(*b->items));
	}
	c = &b->items[b->n++];
	*c = (struct dlq_change){ .entry = *entry, .partition = -1, .offset = -1,
		.origin_partition = -1, .origin_offset = -1 };
	c->entry.run = copy_text(b, entry->run);
	c->entry.by = copy_text(b, entry->by);
	c->entry.to = copy_text(b, entry->to);
	c->entry.note = copy_text(b, entry->note);
	if (copy) {
		copy_record(b, copy, &c->copy);
		b->copies++;
	}
	return c;
}

void
dlq_batch_replace(struct dlq_batch *b, struct dlq_change *c,
	const struct record *copy)
{
	struct record own;

	copy_record(b, copy, &own);
	c->copy = own;
}

void
dlq_batch_sweep(struct dlq_batch *b)
{
	int n = 0;

	b->copies = 0;
	for (int i = 0; i < b->n; i++) {
		if (b->items[i].gone)
			continue;
		b->copies += !slice_is_null(b->items[i].copy.topic);
		b->items[n++] = b->items[i];
	}
	b->n = n;
}

void
dlq_batch_clear(struct dlq_batch *b)
{
	arena_reset(&b->memory);
	b->n = b->copies = 0;
	b->bytes = 0;
}

void
dlq_batch_release(struct dlq_batch *b)
{
	arena_release(&b->memory);
	free(b->items);
	*b = (struct dlq_batch){ 0 };
}

/* ---- the producer ---- */

/* Of the ledger's entries; copies have their place in the batch. */
enum { LEDGER_TAG = INT32_MAX, SETTLE_MS = 5000, SETTLE_STEP_MS = 5 };

/* In a transaction, which one it was is found out by dlq_commit(), in halves. */
static void
on_failure(void *arg, const struct record *r, producer_tag tag,
	const struct err *why)
{
	struct dlq *d = arg;
	struct err named = *why;

	if (why->code == ERR_REFUSED)
		err_wrap(&named, "topic '%.*s'", SLICE_ARG(r->topic));
	if (d->o.plain)
		dlq_plain_failed(d, tag == LEDGER_TAG ? NULL :
			&d->under_way->items[tag], &named);
}

static void
on_ack(void *arg, const char *topic, int32_t partition, int64_t offset,
	producer_tag tag)
{
	struct dlq *d = arg;

	if (tag == LEDGER_TAG && offset >= d->ledger_end)
		d->ledger_end = offset + 1;
	(void)topic;
	if (d->under_way && tag < (producer_tag)d->under_way->n) {
		d->under_way->items[tag].partition = partition;
		d->under_way->items[tag].offset = offset;
	}
}

int
dlq_writer_open(struct dlq *d, struct err *e)
{
	const struct producer_options o = {
		.timeout_ms = d->o.timeout_ms,
		.transactional_id = d->o.plain ? NULL : d->transactional_id,
		.now_option = "--timestamp now",
		.arg = d, .on_failure = on_failure, .on_ack = on_ack,
	};

	struct err why = ERR_INIT;

	if (!producer_open(&d->producer, d->conf, &o, &why))
		return dlq_target_produce(d, &o, e);
	*e = why;
	return d->o.plain || (why.code != ERR_REFUSED &&
		why.code != ERR_UNSUPPORTED) ? -1 : err_set(e, why.code,
			"%.900s (--eos scan does without transactions)", why.msg);
}

int
dlq_writer_check(struct dlq *d, struct err *e)
{
	/*
	 * Kafka takes our offsets also while the group has members, who then
	 * commit theirs over them.
	 */
	if (d->members > 0)
		return err_set(e, ERR_REFUSED, "group '%s' has %d member%s: its "
			"offsets are what is resolved, and no reader may join it",
			d->group, d->members, d->members == 1 ? "" : "s");
	if (d->ledger_lost && !d->o.assume_none)
		return err_set(e, ERR_FAILED, "the ledger of '%s' is gone, but its "
			"group '%s' says that records were handled (kc-dlq "
			"rebuild finds them in their targets; --assume-none "
			"begins anew, and sends again what was sent)",
			d->o.topic, d->group);
	return dlq_plain_recover(d, e);
}

void
dlq_writer_settle(struct dlq *d)
{
	struct admin_partition p = { 0 };
	struct admin_topic t = { d->ledger_topic, &p, 1 };
	struct err ignored = ERR_INIT;

	for (int waited = 0; waited < SETTLE_MS && !sig_caught();
	     waited += SETTLE_STEP_MS) {
		/* the end as a reader of committed records has it */
		if (admin_offsets(d->client, SETTLE_MS, &t, &ignored) ||
		    p.end >= d->ledger_end)
			return;
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}

/* ---- one transaction ---- */

/* Who has fenced us stands in the ledger: the newest run that is not ours. */
static int
find_holder(void *arg, struct slice key, struct slice value, struct err *e)
{
	struct dlq *d = arg;
	struct ledger_run r;
	struct slice id;

	(void)e;
	if (!ledger_run_is_key(key, &id) || slice_is_null(value) ||
	    ledger_run_read(id, value, &d->memory, &r, &(struct err)ERR_INIT))
		return 0;
	if (!d->runs_n || r.since >= d->runs[0].since) {
		d->runs[0] = r;
		d->runs_n = 1;
	}
	return 0;
}

/* Its run may not be written yet: that is waited for, a moment. */
static int
tell_holder(struct dlq *d, const struct ledger_run *ours, struct err *e)
{
	const struct ledger_sink sink = { find_holder, d };
	char since[NUM_TIME_TEXT];

	if (d->file || !ours)
		return -1;
	d->runs = xreallocarray(d->runs, (size_t)d->runs_n + 1, sizeof(*d->runs));
	for (int i = 0; i < 20; i++) {
		struct err ignored = ERR_INIT;

		d->runs_n = 0;
		if (ledger_topic_read(d->conf, d->ledger_topic, 5000, &sink,
		    &ignored) || sig_caught())
			return -1;
		if (d->runs_n && !slice_eq(d->runs[0].id, ours->id))
			break;
		d->runs_n = 0;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, 100);
	}
	if (!d->runs_n)
		return -1;
	return err_set(e, ERR_REFUSED, "another run has taken over: %.*s of %.*s "
		"(pid %" PRId64 ") since %s; what this one committed stays, and "
		"nothing is sent twice (kc-dlq runs %s)",
		SLICE_ARG(d->runs[0].id), SLICE_ARG(d->runs[0].by),
		d->runs[0].pid, num_time_text(d->runs[0].since, since),
		d->o.topic);
}

static int
send_entry(struct dlq *d, struct slice key, struct slice value, struct err *e)
{
	struct record r = {
		.topic = slice_str(d->ledger_topic), .partition = 0,
		.offset = -1, .key = key, .value = value,
	};

	if (!d->file)
		return producer_send(d->producer, &r, LEDGER_TAG, e);
	ledger_file_add(d->file, key, value);
	return 0;
}

void
dlq_count(struct ledger_run *run, const struct dlq_change *c)
{
	if (c->forget)
		return;
	switch (c->entry.state) {
	case LEDGER_REDRIVEN:
	case LEDGER_EDITED:
		run->sent++;
		break;
	case LEDGER_PARKED:
		run->parked++;
		break;
	case LEDGER_DISCARDED:
		run->discarded++;
		break;
	case LEDGER_RETURNED:
		run->returned++;
		break;
	default:
		break;
	}
}

/* Where a copy went: its partition and offset are known once it is acked. */
static void
fill_to(struct dlq_batch *b, struct dlq_change *c)
{
	const char *text;

	if (slice_is_null(c->copy.topic))
		return;
	text = arena_printf(&b->memory, "%.*s/%" PRId32 "/%" PRId64,
		SLICE_ARG(c->copy.topic), c->partition, c->offset);
	c->entry.to = slice_str(text);
}

int
dlq_send_ledger(struct dlq *d, struct dlq_batch *b, struct ledger_run *run,
	struct err *e)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int result = 0;

	for (int i = 0; i < b->n && !result; i++) {
		fill_to(b, &b->items[i]);
		buf_clear(&key);
		buf_clear(&value);
		ledger_entry_key(&key, b->items[i].entry.partition,
			b->items[i].entry.offset);
		ledger_entry_write(&value, &b->items[i].entry);
		result = send_entry(d, buf_slice(&key), b->items[i].forget ?
			SLICE_NULL : buf_slice(&value), e);
	}
	if (!result && run) {
		bool forget = run->until && !run->selected;

		buf_clear(&key);
		buf_clear(&value);
		ledger_run_key(&key, run->id);
		ledger_run_write(&value, run);
		result = send_entry(d, buf_slice(&key), forget ? SLICE_NULL :
			buf_slice(&value), e);
	}
	buf_release(&key);
	buf_release(&value);
	return result;
}

void
dlq_add_marks(struct dlq *d, const char *metadata, struct group_offsets *out)
{
	for (int i = 0; i < d->meta->partitions_n; i++) {
		int64_t mark = ledger_mark(&d->ledger, i);

		/* the first time all: whether that is allowed is known before anything is sent */
		if (metadata || !d->marked || mark != d->committed[i])
			group_offsets_add(out, slice_str(d->o.topic), i, mark,
				metadata);
	}
}

void
dlq_keep_marks(struct dlq *d, const struct group_offsets *marks)
{
	d->marked = true;
	for (int i = 0; i < marks->n; i++)
		d->committed[marks->items[i].partition] = marks->items[i].offset;
}

int
dlq_keep_sent(struct dlq *d, const struct dlq_batch *b, struct err *e)
{
	for (int i = 0; i < b->n && d->keep_sent; i++)
		if (dlq_redriven_add(&d->redriven, &b->items[i].entry, e))
			return -1;
	return 0;
}

static int
commit_marks(struct dlq *d, struct err *e)
{
	const struct txn_source source = { .group = d->group };
	struct group_offsets marks = { 0 };
	const char *metadata = NULL;
	int result = -1;

	if (d->file) {
		metadata = ledger_file_prepare(d->file, e);
		if (!metadata) {
			txn_abort(d->producer, &(struct err)ERR_INIT);
			return -1;
		}
	}
	dlq_add_marks(d, metadata, &marks);
	result = txn_commit(d->producer, &source, &marks, e);
	if (!result)
		dlq_keep_marks(d, &marks);
	group_offsets_release(&marks);
	/* an end that nobody knows is left open: the next run looks it up */
	if (d->file && (!result || e->code != ERR_TEMPORARY)) {
		struct err why = ERR_INIT;

		if (ledger_file_end(d->file, !result, &why) && !result) {
			*e = why;
			return -1;
		}
	}
	return result;
}

enum outcome {
	DONE,
	SUSPECT, /* aborted: some copy cannot be sent */
	AGAIN,   /* aborted, worth another try */
	ENDED,   /* nothing more can be done */
};

/* The copies are with the brokers, in an open transaction. */
static enum outcome
send_copies(struct dlq *d, struct dlq_batch *b, struct err *e)
{
	int64_t failed = producer_totals(d->producer).failed;

	for (int i = 0; i < b->n; i++)
		if (!slice_is_null(b->items[i].copy.topic) &&
		    producer_send(d->producer, &b->items[i].copy,
		    (producer_tag)i, e))
			return ENDED;
	if (b->copies && producer_flush(d->producer, -1, e))
		return ENDED;
	if (producer_totals(d->producer).failed == failed)
		return DONE;
	/* says why in the words of the first failure */
	txn_commit(d->producer, NULL, NULL, e);
	if (e->code == ERR_TEMPORARY)
		return AGAIN;
	return e->code == ERR_REFUSED ? ENDED : SUSPECT;
}

static enum outcome
transact(struct dlq *d, struct dlq_batch *b, struct ledger_run *run,
	struct err *e)
{
	struct ledger_run counted = run ? *run : (struct ledger_run){ 0 };
	enum outcome o;

	if (txn_begin(d->producer, e))
		return ENDED;
	d->under_way = b;
	o = send_copies(d, b, e);
	d->under_way = NULL;
	if (o != DONE)
		return o;
	for (int i = 0; i < b->n; i++)
		dlq_count(&counted, &b->items[i]);
	if (dlq_send_ledger(d, b, run ? &counted : NULL, e))
		return ENDED;
	for (int i = 0; i < b->n; i++)
		if (!b->items[i].forget)
			ledger_apply(&d->ledger, &b->items[i].entry);
	if (!commit_marks(d, e)) {
		if (run)
			*run = counted;
		return dlq_keep_sent(d, b, e) ? ENDED : DONE;
	}
	return e->code == ERR_TEMPORARY && !d->file ? AGAIN : ENDED;
}

/* A part of a batch, borrowing its changes. */
static struct dlq_batch
slice_batch(struct dlq_batch *b, int from, int n)
{
	struct dlq_batch part = { .items = b->items + from, .n = n };

	for (int i = 0; i < n; i++)
		part.copies += !slice_is_null(part.items[i].copy.topic);
	return part;
}

static int commit_part(struct dlq *d, struct dlq_batch *b,
	const struct dlq_commit *o, int64_t deadline, struct err *e);

/* In halves, until the guilty one stands alone. */
static int
commit_halves(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	int64_t deadline, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		int half = b->n / 2;
		struct dlq_batch part = slice_batch(b, i ? half : 0,
			i ? b->n - half : half);
		int result = commit_part(d, &part, o, deadline, e);

		arena_release(&part.memory);
		if (result)
			return -1;
	}
	return 0;
}

static int
commit_part(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	int64_t deadline, struct err *e)
{
	for (;;) {
		switch (transact(d, b, o->run, e)) {
		case DONE:
			return 0;
		case ENDED:
			if (e->code == ERR_REFUSED && txn_is_fenced(d->producer))
				tell_holder(d, o->run, e);
			return -1;
		case AGAIN:
			if (sig_caught() ||
			    clock_mono_ms(clock_system()) >= deadline)
				return -1;
			diag_verbose(1, "%s; trying again", e->msg);
			break;
		case SUSPECT:
			if (b->n > 1) {
				*e = (struct err)ERR_INIT;
				return commit_halves(d, b, o, deadline, e);
			}
			o->failed(o->arg, &b->items[0], e);
			if (o->run)
				o->run->failed++;
			b->n = b->copies = 0;
			break;
		}
		*e = (struct err)ERR_INIT;
	}
}

int
dlq_commit(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	struct err *e)
{
	int64_t deadline = clock_mono_ms(clock_system()) + d->o.timeout_ms;
	int result = d->o.plain ? dlq_plain_commit(d, b, o, e) :
		commit_part(d, b, o, deadline, e);

	dlq_batch_clear(b);
	return result;
}
