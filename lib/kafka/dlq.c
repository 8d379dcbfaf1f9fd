#include "kafka/dlq.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/consume.h"
#include "kafka/dlq_writer.h"
#include "kafka/group_offsets.h"
#include "kafka/groups.h"
#include "kafka/handle.h"
#include "model/fingerprint.h"

static bool
ends_with(struct slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len > n && !strncasecmp((const char *)s.data + s.len - n, end, n);
}

bool
dlq_is_name(struct slice topic)
{
	static const char *const ends[] = { ".dlq", "-dlq", "_dlq", ".dlt", "-dlt",
		"_dlt", ".dead-letter", "-dead-letter", ".deadletter",
		"-dead-letters", ".dead-letters", NULL };
	static const char *const starts[] = { "dlq.", "dlq-", "dead-letter-topic-",
		"error.", NULL };

	for (int i = 0; ends[i]; i++)
		if (ends_with(topic, ends[i]))
			return true;
	for (int i = 0; starts[i]; i++)
		if (topic.len > strlen(starts[i]) &&
		    !strncasecmp(topic.data, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* ---- opening ---- */

static int
not_found(const struct dlq *d, struct err *e)
{
	struct near near = near_init(slice_str(d->o.topic));

	for (int i = 0; i < d->topics.n; i++)
		near_offer(&near, d->topics.items[i].name);
	return near.name ? err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
		"(did you mean '%s'?)", d->o.topic, near.name) :
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
			"(kc-dlq ls finds dead-letter topics)", d->o.topic);
}

static int
check_name(const struct dlq *d, struct err *e)
{
	struct slice name = slice_str(d->o.topic);

	if (admin_check_name(name, e))
		return -1;
	if (admin_is_internal(d->o.topic))
		return err_set(e, ERR_USAGE, "'%s' is Kafka's own", d->o.topic);
	if (ends_with(name, LEDGER_SUFFIX))
		return err_set(e, ERR_USAGE, "'%s' is a ledger (the dead letters "
			"are in '%.*s')", d->o.topic,
			(int)(name.len - strlen(LEDGER_SUFFIX)), d->o.topic);
	return 0;
}

static char *
make_name(const char *fmt, const char *a, const char *b)
{
	struct buf text = BUF_INIT;

	buf_addstr(&text, fmt);
	buf_addstr(&text, a);
	buf_addstr(&text, b);
	buf_cstr(&text);
	return (char *)text.data;
}

static int
find_topic(struct dlq *d, struct err *e)
{
	struct admin_topic *t;

	if (admin_topics(d->client, d->o.timeout_ms, &d->topics, e))
		return -1;
	t = admin_topics_find(&d->topics, d->o.topic);
	if (!t)
		return not_found(d, e);
	if (admin_offsets(d->client, d->o.timeout_ms, t, e))
		return -1;
	d->meta = t;
	for (int i = 0; i < t->partitions_n; i++)
		ledger_start(&d->ledger, i, t->partitions[i].start);
	return 0;
}

static int
find_cluster(struct dlq *d, struct err *e)
{
	rd_kafka_t *rk = client_handle(d->client);
	char *id = rd_kafka_clusterid(rk, d->o.timeout_ms);
	struct buf text = BUF_INIT;

	if (!id)
		return err_set(e, ERR_TEMPORARY, "the brokers do not tell their "
			"cluster id");
	buf_addf(&text, "kc-dlq.%s.%s", id, d->o.topic);
	buf_cstr(&text);
	d->transactional_id = (char *)text.data;
	rd_kafka_mem_free(rk, id);
	return 0;
}

/* Who is a member; a new cluster makes its offsets topic first, which is waited for. */
static int
await_coordinator(struct dlq *d, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + d->o.timeout_ms;
	const char *name = d->group;

	for (;;) {
		struct groups groups = { 0 };
		struct err why = ERR_INIT;

		if (groups_describe(d->client, &name, 1, d->o.timeout_ms,
		    &groups, e))
			return -1;
		if (groups.n && groups.items[0].why)
			why = *groups.items[0].why;
		else if (groups.n)
			d->members = groups.items[0].members_n;
		groups_release(&groups);
		if (!why.code)
			return 0;
		if (why.code == ERR_REFUSED || sig_caught() ||
		    clock_mono_ms(clock) >= end) {
			*e = why;
			return err_wrap(e, "group '%s'", d->group);
		}
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, 50);
	}
}

/* The marks that are committed; *metadata is what stands beside them, owned by offsets. */
static int
find_marks(struct dlq *d, struct group_offsets *offsets, const char **metadata,
	struct err *e)
{
	*metadata = NULL;
	d->committed = xcalloc((size_t)d->meta->partitions_n, sizeof(*d->committed));
	if (await_coordinator(d, e))
		return -1;
	if (group_offsets_get(d->client, d->group, d->o.timeout_ms, offsets, e))
		return err_wrap(e, "group '%s'", d->group);
	for (int i = 0; i < d->meta->partitions_n; i++) {
		const struct group_offset *o = group_offsets_find(offsets,
			d->o.topic, i);

		d->committed[i] = o ? o->offset : -1;
		if (o && o->metadata && *o->metadata)
			*metadata = o->metadata;
	}
	return 0;
}

void
dlq_add_run(struct dlq *d, const struct ledger_run *run)
{
	int i = d->runs_n;

	/* a run is written often, one after the other */
	while (i && !slice_eq(d->runs[i - 1].id, run->id))
		i--;
	if (i) {
		d->runs[i - 1] = *run;
		return;
	}
	d->runs = xreallocarray(d->runs, (size_t)d->runs_n + 1, sizeof(*d->runs));
	d->runs[d->runs_n++] = *run;
}

static void
forget_run(struct dlq *d, struct slice id)
{
	int i = d->runs_n;

	while (i && !slice_eq(d->runs[i - 1].id, id))
		i--;
	if (!i)
		return;
	memmove(&d->runs[i - 1], &d->runs[i],
		(size_t)(d->runs_n - i) * sizeof(*d->runs));
	d->runs_n--;
}

static int
take_run(struct dlq *d, struct slice id, struct slice value, struct err *e)
{
	struct ledger_run r;

	d->uncounted = d->last_run = SLICE_NULL;
	if (slice_is_null(value)) {
		forget_run(d, id);
		return 0;
	}
	if (ledger_run_read(id, value, &d->memory, &r, e))
		return -1;
	dlq_add_run(d, &r);
	d->last_run = r.id;
	if (!r.until && !slice_is_null(r.watch))
		d->uncounted = r.id;
	return 0;
}

/*
 * Each batch has its entries first and then its run, which counts them. Who
 * was killed between the two, without a transaction, left that undone.
 */
static void
count_entry(struct dlq *d, const struct ledger_entry *x)
{
	const struct dlq_change c = { .entry = *x };
	int i = d->runs_n - 1;

	if (slice_is_null(d->uncounted) || !slice_eq(x->run, d->uncounted))
		return;
	while (!slice_eq(d->runs[i].id, d->uncounted))
		i--;
	d->runs[i].selected += x->state != LEDGER_RETURNED;
	dlq_count(&d->runs[i], &c);
}

static int
take_entry(void *arg, struct slice key, struct slice value, struct err *e)
{
	struct dlq *d = arg;
	struct ledger_entry x;
	struct slice id;

	if (slice_is_null(key))
		return err_set(e, ERR_CORRUPT, "an entry without a key");
	if (ledger_run_is_key(key, &id))
		return take_run(d, id, value, e);
	if (slice_is_null(value)) /* of a record that is deleted */
		return 0;
	arena_reset(&d->scratch);
	if (ledger_entry_read(key, value, &d->scratch, &x, e))
		return -1;
	if (dlq_apply(d, &x, e))
		return -1;
	count_entry(d, &x);
	dlq_anew_saw(d, &x);
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct ledger_run *p = a, *q = b;
	size_t n = p->id.len < q->id.len ? p->id.len : q->id.len;
	int way = (p->since > q->since) - (p->since < q->since);

	if (!way)
		way = memcmp(p->id.data, q->id.data, n);
	return way ? way : (p->id.len > q->id.len) - (p->id.len < q->id.len);
}

static int
load_ledger(struct dlq *d, struct err *e)
{
	const struct ledger_sink sink = { take_entry, d };
	struct group_offsets offsets = { 0 };
	const char *metadata;
	int result = find_marks(d, &offsets, &metadata, e);

	d->highest = xcalloc((size_t)d->meta->partitions_n, sizeof(*d->highest));
	for (int i = 0; i < d->meta->partitions_n; i++)
		d->highest[i] = -1;
	if (!result && d->file)
		result = ledger_file_read(d->file, metadata, &sink, e);
	else if (!result && (d->o.write || admin_topics_find(&d->topics,
		 d->ledger_topic)))
		result = ledger_topic_read(d->conf, d->ledger_topic,
			d->o.timeout_ms, &sink, e);
	group_offsets_release(&offsets);
	if (result)
		return -1;
	if (d->runs_n)
		qsort(d->runs, (size_t)d->runs_n, sizeof(*d->runs), by_time);
	for (int i = 0; i < d->meta->partitions_n && !d->ledger.entries; i++)
		d->ledger_lost |= d->committed[i] > d->meta->partitions[i].start;
	return 0;
}

static int
open_ledger(struct dlq *d, struct err *e)
{
	static const char file[] = "file:";
	size_t n = sizeof(file) - 1;

	if (d->o.ledger) {
		if (strncmp(d->o.ledger, file, n) || !d->o.ledger[n])
			return err_set(e, ERR_USAGE, "'%s' is no ledger "
				"(file:PATH)", d->o.ledger);
		return ledger_file_open(&d->file, d->o.ledger + n, d->o.write, e);
	}
	if (!d->o.write || admin_topics_find(&d->topics, d->ledger_topic))
		return 0;
	return ledger_topic_create(d->client, d->ledger_topic, d->o.timeout_ms, e);
}

int
dlq_open(struct dlq *d, const struct conf *conf, const struct dlq_options *o,
	struct err *e)
{
	*d = (struct dlq){ .conf = conf, .o = *o };
	d->group = make_name("kc-dlq.", o->topic, "");
	d->ledger_topic = make_name("", o->topic, LEDGER_SUFFIX);
	if (check_name(d, e) ||
	    client_open(&d->client, conf, CLIENT_OFFSETS, NULL, e) ||
	    client_wait(d->client, o->timeout_ms, e) || find_topic(d, e) ||
	    find_cluster(d, e) || dlq_target_open(d, e) || open_ledger(d, e))
		return -1;
	/* first fence the others, then see what they have done */
	if (o->write && dlq_writer_open(d, e))
		return -1;
	if (load_ledger(d, e) || dlq_anew_check(d, e))
		return -1;
	return o->write ? dlq_writer_check(d, e) : 0;
}

void
dlq_close(struct dlq *d)
{
	if (d->ledger_end)
		dlq_writer_settle(d);
	dlq_target_close(d);
	producer_close(d->producer);
	ledger_file_close(d->file);
	ledger_release(&d->ledger);
	dlq_redriven_release(&d->redriven);
	admin_topics_release(&d->topics);
	client_close(d->client);
	arena_release(&d->memory);
	arena_release(&d->scratch);
	free(d->runs);
	free(d->committed);
	free(d->highest);
	free(d->group);
	free(d->ledger_topic);
	free(d->transactional_id);
	*d = (struct dlq){ 0 };
}

/* ---- runs, and what came back ---- */

const struct ledger_run *
dlq_run(const struct dlq *d, struct slice id)
{
	for (int i = 0; i < d->runs_n; i++)
		if (slice_eq(d->runs[i].id, id))
			return &d->runs[i];
	return NULL;
}

const struct ledger_run *
dlq_run_by_hash(const struct dlq *d, uint32_t hash)
{
	for (int i = d->runs_n; i--; )
		if (ledger_run_hash(d->runs[i].id) == hash)
			return &d->runs[i];
	return NULL;
}

/* "orders.dlq/3/42", when it is of this topic. */
static bool
read_redrive_of(const struct dlq *d, struct slice of, int32_t *partition,
	int64_t *offset)
{
	size_t n = strlen(d->o.topic);
	const char *p = of.data;
	struct ledger_entry x;

	if (of.len <= n + 1 || memcmp(p, d->o.topic, n) || p[n] != '/')
		return false;
	if (!ledger_entry_read_key(slice_make(p + n + 1, of.len - n - 1), &x))
		return false;
	*partition = x.partition;
	*offset = x.offset;
	return true;
}

int
dlq_apply(struct dlq *d, const struct ledger_entry *x, struct err *e)
{
	ledger_apply(&d->ledger, x);
	if (d->o.on_entry)
		d->o.on_entry(d->o.arg, x);
	return d->o.returns ? dlq_redriven_add(&d->redriven, x, e) : 0;
}

int
dlq_is_return(const struct dlq *d, const struct dlq_record *x,
	struct dlq_return *out, struct err *e)
{
	const struct ledger_run *run;
	struct dlq_redrive last;
	int found;

	*out = (struct dlq_return){ .redrives = x->d->redrives };
	if (read_redrive_of(d, x->d->redrive_of, &out->partition, &out->offset)) {
		out->run = ledger_run_hash(x->d->redrive_run);
		return 1;
	}
	found = dlq_redriven_find(&d->redriven, ledger_fingerprint(x->d->key,
		x->d->value), &last, e);
	if (found <= 0 || (last.partition == x->r->partition &&
	    last.offset >= x->r->offset))
		return found < 0 ? -1 : 0;
	run = dlq_run_by_hash(d, last.run);
	if (run && x->r->offset < ledger_run_end(run, x->r->partition))
		return 0;
	*out = (struct dlq_return){ last.partition, last.offset,
		last.redrives > x->d->redrives ? last.redrives : x->d->redrives,
		last.run };
	return 1;
}

/* ---- reading ---- */

/* Half of what other readers have: headers take most of the room. */
enum { AHEAD = 50000 };

/* returns owned, n in *n_out: where there is something to read */
static struct consume_span *
make_spans(struct dlq *d, const struct dlq_scan *s, int *n_out)
{
	int n = d->meta->partitions_n;
	struct consume_span *spans = xcalloc((size_t)n, sizeof(*spans));

	*n_out = 0;
	for (int i = 0; i < n; i++) {
		const struct admin_partition *p = &d->meta->partitions[i];
		int64_t from = p->start, to = s->ends ? s->ends[i] : p->end;

		if (to > p->end)
			to = p->end;
		if (!s->from_start)
			from = ledger_mark(&d->ledger, i);
		if (from < to && (!s->select ||
		    dlq_select_bounds(s->select, i, &from, &to))) {
			ledger_scan(&d->ledger, i, from);
			spans[(*n_out)++] = (struct consume_span){ d->o.topic, i,
				from, to };
		}
	}
	return spans;
}

static void
took_positions(struct dlq *d, const struct consume *c)
{
	int n = consume_positions(c, NULL, 0);
	struct consume_position *p = xcalloc((size_t)n, sizeof(*p));

	n = consume_positions(c, p, n);
	for (int i = 0; i < n; i++)
		ledger_scanned(&d->ledger, p[i].partition,
			p[i].end >= 0 && p[i].next > p[i].end ? p[i].end : p[i].next);
	free(p);
}

static enum dlq_scan_status
give(struct dlq *d, const struct dlq_scan *s, const struct record *r,
	struct err *e)
{
	struct deadletter letter;
	struct dlq_record x = { .r = r, .d = &letter };
	struct fingerprint f;

	arena_reset(&d->scratch);
	deadletter_read(r, &letter, &d->scratch);
	if (s->select && dlq_select_needs_group(s->select)) {
		fingerprint_make(&letter, &f, &d->scratch);
		x.group = f.id;
		x.root = f.class;
	}
	ledger_saw(&d->ledger, r->partition, r->offset);
	x.state = ledger_state(&d->ledger, r->partition, r->offset);
	return s->record(s->arg, &x, e);
}

/* 0 = to the end or stopped. */
static int
read_spans(struct dlq *d, const struct dlq_scan *s, struct consume *c,
	struct err *e)
{
	enum dlq_scan_status on = DLQ_SCAN_ON;
	struct record r;

	while (on == DLQ_SCAN_ON) {
		switch (consume_next(c, -1, &r, e)) {
		case CONSUME_RECORD:
			on = give(d, s, &r, e);
			break;
		case CONSUME_IDLE:
			break;
		case CONSUME_END:
			took_positions(d, c);
			return 0;
		default:
			return -1;
		}
	}
	return on == DLQ_SCAN_FAIL ? -1 : 0;
}

int
dlq_scan(struct dlq *d, const struct dlq_scan *s, struct err *e)
{
	struct consume_options o = {
		.topics = &d->o.topic, .topics_n = 1, .exit_at_end = true,
		.isolation = "read_committed", .timeout_ms = d->o.timeout_ms,
		.output_fd = -1, .ahead = AHEAD,
	};
	struct consume_span *spans = make_spans(d, s, &o.spans_n);
	struct consume *c = NULL;
	int result = 0;

	o.spans = spans;
	if (o.spans_n)
		result = consume_open(&c, d->conf, &o, e) ||
			read_spans(d, s, c, e) ? -1 : 0;
	consume_close(c);
	free(spans);
	return result;
}
