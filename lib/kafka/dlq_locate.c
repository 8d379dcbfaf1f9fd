#include "kafka/dlq_locate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/consume.h"

enum { DAY_MS = 86400000 };

struct lost {
	int32_t partition;     /* of the dead letter */
	int64_t offset, timestamp;
	uint64_t value, key;   /* fingerprints; key 0 = the dead letter has none */
	int64_t found;         /* how many places hold the same */
	int32_t at_partition;  /* the last of them */
	int64_t at_offset, at_timestamp;
};

struct dlq_located {
	char *source;
	struct lost *items;    /* by value, later by partition and offset */
	size_t n, cap;
	const struct dlq_select *select;
};

static uint64_t
fingerprint_of(struct slice s)
{
	return slice_is_null(s) ? 0 : ledger_fingerprint(SLICE_NULL, s);
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct dlq_located *l = arg;

	(void)e;
	if (!dlq_select_matches(l->select, x) || x->d->origin.offset >= 0 ||
	    slice_is_null(x->d->value))
		return DLQ_SCAN_ON;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 256;
		l->items = xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = (struct lost){
		.partition = x->r->partition, .offset = x->r->offset,
		.timestamp = x->r->has_timestamp ? x->r->timestamp : INT64_MAX,
		.value = fingerprint_of(x->d->value), .key = fingerprint_of(x->d->key),
	};
	return DLQ_SCAN_ON;
}

static int
by_value(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static int
by_place(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;
	int way = (x->partition > y->partition) - (x->partition < y->partition);

	return way ? way : (x->offset > y->offset) - (x->offset < y->offset);
}

/* All dead letters that hold what this source record holds. */
static void
compare(struct dlq_located *l, const struct record *r)
{
	uint64_t value = fingerprint_of(r->value), key = fingerprint_of(r->key);
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->items[mid].value < value)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < l->n && l->items[low].value == value; low++) {
		struct lost *x = &l->items[low];
		int64_t at = r->has_timestamp ? r->timestamp : 0;

		if ((x->key && x->key != key) || at > x->timestamp)
			continue;
		if (!x->found++ || at >= x->at_timestamp) {
			x->at_partition = r->partition;
			x->at_offset = r->offset;
			x->at_timestamp = at;
		}
	}
}

static int64_t
begin_of(const struct dlq_located *l, int64_t since_ms)
{
	int64_t oldest = INT64_MAX;

	if (since_ms >= 0)
		return since_ms;
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].timestamp < oldest)
			oldest = l->items[i].timestamp;
	return oldest == INT64_MAX || oldest < DAY_MS ? 0 : oldest - DAY_MS;
}

static int
search(struct dlq *d, struct dlq_located *l, int64_t begin, struct err *e)
{
	const char *topic = l->source;
	struct consume_options o = {
		.topics = &topic, .topics_n = 1, .exit_at_end = true,
		.range = { .from = { OFFSET_TIME, begin } },
		.isolation = "read_committed", .timeout_ms = d->o.timeout_ms,
		.output_fd = -1,
	};
	enum consume_status status;
	struct consume *c = NULL;
	struct record r;

	if (consume_open(&c, d->conf, &o, e))
		return -1;
	do {
		status = consume_next(c, -1, &r, e);
		if (status == CONSUME_RECORD && !slice_is_null(r.value))
			compare(l, &r);
	} while (status == CONSUME_RECORD || status == CONSUME_IDLE);
	consume_close(c);
	return status == CONSUME_END ? 0 : -1;
}

static void
tell(const struct dlq_located *l, int64_t begin)
{
	char since[NUM_TIME_TEXT];
	size_t found = 0, several = 0;

	for (size_t i = 0; i < l->n; i++) {
		found += l->items[i].found > 0;
		several += l->items[i].found > 1;
	}
	diag_note("%zu of %zu found in '%s', which was searched from %s on%s",
		found, l->n, l->source, num_time_text(begin, since), found < l->n ?
		" (--locate-since looks further back)" : "");
	if (several)
		diag_warn("%zu of them are there more than once; the last one is "
			"meant", several);
}

int
dlq_locate(struct dlq *d, const struct dlq_locate_options *o,
	struct dlq_located **out, struct err *e)
{
	struct dlq_located *l = xcalloc(1, sizeof(*l));
	const struct dlq_scan s = {
		.select = o->select,
		.from_start = o->select->states & ~(1u << LEDGER_OPEN),
		.record = on_record, .arg = l,
	};
	int64_t begin;

	*out = l;
	l->source = xstrdup(o->source);
	l->select = o->select;
	if (dlq_scan(d, &s, e))
		return -1;
	begin = begin_of(l, o->since_ms);
	if (l->n) {
		qsort(l->items, l->n, sizeof(*l->items), by_value);
		if (search(d, l, begin, e))
			return -1;
		qsort(l->items, l->n, sizeof(*l->items), by_place);
	}
	tell(l, begin);
	return 0;
}

void
dlq_located_apply(const struct dlq_located *l, const struct record *r,
	struct deadletter *d, struct arena *a)
{
	const struct lost want = { .partition = r->partition, .offset = r->offset };
	const struct lost *x = !l || !l->n ? NULL : bsearch(&want, l->items, l->n,
		sizeof(want), by_place);

	if (!x || !x->found)
		return;
	d->origin.topic = slice_str(l->source);
	d->origin.partition = x->at_partition;
	d->origin.offset = x->at_offset;
	d->origin.has_timestamp = true;
	d->origin.timestamp = x->at_timestamp;
	d->warning = x->found == 1 ? "the origin was found by its content" :
		arena_printf(a, "the origin was found by its content, which is at "
			"%" PRId64 " places: this is the last", x->found);
}

void
dlq_located_free(struct dlq_located *l)
{
	if (!l)
		return;
	free(l->source);
	free(l->items);
	free(l);
}
