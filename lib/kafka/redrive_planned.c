#include "kafka/redrive_planned.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "kafka/redriver.h"
#include "model/redrive_order.h"

/* ---- writing ---- */

/* The line that begins at `from` of the buffer. */
static int
count_line(struct redrive_plan_writer *w, size_t from, struct err *e)
{
	const struct buf *b = &w->out->buf;

	w->digest = redrive_plan_digest(w->digest, slice_make(b->data + from,
		b->len - from - 1));
	return out_maybe_flush(w->out, e);
}

int
redrive_plan_begin(struct redrive_plan_writer *w, struct out *out,
	const struct redrive_plan_head *h, struct err *e)
{
	size_t from = out->buf.len;

	*w = (struct redrive_plan_writer){ .out = out };
	redrive_plan_put_head(&out->buf, h);
	return count_line(w, from, e);
}

int
redrive_plan_end(struct redrive_plan_writer *w, struct err *e)
{
	redrive_plan_put_end(&w->out->buf, w->n, w->digest);
	return out_flush(w->out, e);
}

/* What is to be done with a record; false when that is nothing. */
static bool
planned(const struct dlq_change *c, struct arena *a, struct redrive_planned *out)
{
	const struct ledger_entry *x = &c->entry;

	*out = (struct redrive_planned){
		.partition = x->partition, .offset = x->offset,
		.letter = c->letter, .copy = x->fingerprint,
		.redrives = (int32_t)x->redrives,
		.park = x->state == LEDGER_PARKED,
	};
	if (out->park)
		return true;
	if (slice_is_null(c->copy.topic))
		return false;
	out->to = c->copy.partition < 0 ? c->copy.topic : slice_str(arena_printf(a,
		"%.*s/%" PRId32, SLICE_ARG(c->copy.topic), c->copy.partition));
	return true;
}

int
redrive_plan_write(struct redriver *j, struct err *e)
{
	struct redrive_plan_writer *w = j->o->plan;
	struct redrive_planned x;

	for (int i = 0; i < j->batch.n; i++) {
		size_t from = w->out->buf.len;

		if (!planned(&j->batch.items[i], &j->batch.memory, &x))
			continue;
		redrive_plan_put(&w->out->buf, slice_str(j->d->o.topic), &x);
		w->n++;
		if (count_line(w, from, e))
			return -1;
	}
	return 0;
}

/* ---- reading ---- */

static int
take_end(struct redrive_plan *p, int64_t n, uint64_t digest, struct err *e)
{
	p->ended = true;
	return n == p->n && digest == p->digest ? 0 : err_set(e, ERR_FORMAT,
		"this plan was changed, or is not all there: its end tells of "
		"%" PRId64 " records, and %d are there", n, p->n);
}

int
redrive_plan_add(struct redrive_plan *p, struct slice line, struct err *e)
{
	uint64_t digest;
	int64_t n;

	if (p->ended)
		return err_set(e, ERR_FORMAT, "there is something behind the end");
	if (!p->lines++) {
		p->digest = redrive_plan_digest(0, line);
		return redrive_plan_read_head(line, &p->memory, &p->head, e);
	}
	if (redrive_plan_read_end(line, &n, &digest))
		return take_end(p, n, digest, e);
	p->digest = redrive_plan_digest(p->digest, line);
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->items = xreallocarray(p->items, (size_t)p->cap,
			sizeof(*p->items));
	}
	return redrive_plan_read(line, p->head.dlq, &p->memory,
		&p->items[p->n++], e);
}

static int
compare(const struct redrive_planned *x, int32_t partition, int64_t offset)
{
	return x->partition != partition ?
		(x->partition > partition) - (x->partition < partition) :
		(x->offset > offset) - (x->offset < offset);
}

static int
by_place(const void *a, const void *b, void *items)
{
	const struct redrive_planned *list = items;
	const struct redrive_planned *y = &list[*(const int *)b];

	return compare(&list[*(const int *)a], y->partition, y->offset);
}

int
redrive_plan_check(struct redrive_plan *p, struct err *e)
{
	if (!p->ended)
		return err_set(e, ERR_FORMAT, "this plan has no end: it is not "
			"all there");
	p->by_place = xcalloc((size_t)p->n + 1, sizeof(*p->by_place));
	for (int i = 0; i < p->n; i++)
		p->by_place[i] = i;
	qsort_r(p->by_place, (size_t)p->n, sizeof(*p->by_place), by_place,
		p->items);
	for (int i = 1; i < p->n; i++)
		if (!by_place(&p->by_place[i - 1], &p->by_place[i], p->items))
			return err_set(e, ERR_FORMAT, "a record is there twice");
	return 0;
}

const struct redrive_planned *
redrive_plan_find(const struct redrive_plan *p, int32_t partition, int64_t offset)
{
	int low = 0, high = p->n;

	while (low < high) {
		int mid = low + (high - low) / 2;
		const struct redrive_planned *x = &p->items[p->by_place[mid]];
		int way = compare(x, partition, offset);

		if (!way)
			return x;
		if (way < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void
redrive_plan_release(struct redrive_plan *p)
{
	arena_release(&p->memory);
	free(p->items);
	free(p->by_place);
	*p = (struct redrive_plan){ 0 };
}

/* ---- doing it ---- */

int
redrive_stale(const struct redriver *j, int32_t partition, int64_t offset,
	const char *why, struct err *e)
{
	return err_set(e, ERR_REFUSED, "the plan is stale: '%s' %" PRId32 ":%"
		PRId64 " %s; nothing was done (make a new one)", j->d->o.topic,
		partition, offset, why);
}

static bool
is_due(const struct redriver *j, const struct redrive_planned *x)
{
	unsigned states = j->o->select->states;

	return (states ? states : 1u << LEDGER_OPEN) & 1u <<
		ledger_state(&j->d->ledger, x->partition, x->offset);
}

/* That all are open: no other run can change that from here on. */
static int
check_states(struct redriver *j, struct err *e)
{
	const struct redrive_plan *p = j->o->planned;

	for (int i = 0; i < p->n; i++) {
		const struct redrive_planned *x = &p->items[i];
		const char *why = NULL;
		char text[64];

		if (x->partition >= j->d->meta->partitions_n ||
		    x->offset >= j->d->meta->partitions[x->partition].end ||
		    x->offset < j->d->meta->partitions[x->partition].start) {
			why = "is not there";
		} else if (!is_due(j, x) && !j->o->resumed) {
			snprintf(text, sizeof(text), "is %s", ledger_state_name(
				ledger_state(&j->d->ledger, x->partition,
				x->offset)));
			why = text;
		}
		if (why)
			return redrive_stale(j, x->partition, x->offset, why, e);
	}
	return 0;
}

static int
go_through(struct redriver *j, struct err *e)
{
	const struct redrive_plan *p = j->o->planned;
	struct redrive_place *places = xcalloc((size_t)p->n + 1, sizeof(*places));
	size_t n = 0;
	int result;

	for (int i = 0; i < p->n; i++)
		if (is_due(j, &p->items[i]))
			places[n++] = (struct redrive_place){
				.offset = p->items[i].offset,
				.partition = p->items[i].partition };
	result = redrive_send_places(j, places, n, e);
	free(places);
	return result;
}

int
redrive_check_plan(struct redriver *j, struct err *e)
{
	int result;

	j->checking = true;
	result = check_states(j, e) || go_through(j, e) ? -1 : 0;
	j->checking = false;
	return result;
}

int
redrive_do_plan(struct redriver *j, struct err *e)
{
	return go_through(j, e);
}

bool
redrive_as_planned(struct redriver *j, const struct dlq_change *c)
{
	const struct redrive_planned *want = redrive_plan_find(j->o->planned,
		c->entry.partition, c->entry.offset);
	struct redrive_planned is;

	return !planned(c, &j->batch.memory, &is) || (want &&
		want->park == is.park && want->redrives == is.redrives &&
		want->letter == is.letter && (is.park || (want->copy == is.copy &&
		slice_eq(want->to, is.to))));
}
