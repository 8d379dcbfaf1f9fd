#include "kafka/dlq_show.h"

#include <inttypes.h>

#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/term.h"
#include "kafka/dlq_origin.h"
#include "model/dlq_json.h"
#include "model/envelope.h"
#include "model/fingerprint.h"

/* ---- the ledger's entries ------------------------------------------------------ */

struct kept {
	struct slice key; /* "P/O" */
	struct ledger_entry entry;
};

struct dlq_entries {
	const struct dlq_select *select;
	struct map map;
	struct arena memory;
};

struct dlq_entries *
dlq_entries_new(const struct dlq_select *select)
{
	struct dlq_entries *l = xcalloc(1, sizeof(*l));

	l->select = select;
	return l;
}

static struct slice
keep(struct arena *a, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(a, s);
}

void
dlq_entries_take(void *entries, const struct ledger_entry *x)
{
	struct dlq_entries *l = entries;
	int64_t from = x->offset, to = x->offset + 1;
	struct kept *kept;

	if (!dlq_select_bounds(l->select, x->partition, &from, &to) || from > x->offset)
		return;
	kept = arena_alloc(&l->memory, sizeof(*kept));
	kept->key = slice_str(arena_printf(&l->memory, "%" PRId32 "/%" PRId64,
		x->partition, x->offset));
	kept->entry = *x;
	kept->entry.run = keep(&l->memory, x->run);
	kept->entry.by = keep(&l->memory, x->by);
	kept->entry.to = keep(&l->memory, x->to);
	kept->entry.note = keep(&l->memory, x->note);
	map_put(&l->map, kept->key, kept);
}

static const struct ledger_entry *
entry_of(const struct dlq_entries *l, const struct record *r)
{
	char key[64];
	int n = snprintf(key, sizeof(key), "%" PRId32 "/%" PRId64, r->partition,
		r->offset);
	const struct kept *kept = map_get(&l->map, slice_make(key, (size_t)n));

	return kept ? &kept->entry : NULL;
}

void
dlq_entries_free(struct dlq_entries *l)
{
	if (!l)
		return;
	map_release(&l->map);
	arena_release(&l->memory);
	free(l);
}

/* ---- for a person -------------------------------------------------------------- */

enum { NAME_COLUMNS = 12 };

struct job {
	struct dlq *d;
	const struct dlq_list_options *o;
	struct out *out;
	struct arena scratch;
	int64_t n;
};

/* Of stack traces, whose tabs are for the eye. */
static void
put_text(struct buf *out, struct slice s)
{
	const char *p = s.data;

	for (; s.len && *p == '\t'; p++, s.len--)
		buf_addstr(out, "    ");
	term_escape(out, slice_make(p, s.len));
}

/* A name and a text, whose further lines stand below it; nothing when null. */
static void
field(struct job *j, const char *name, struct slice s)
{
	struct buf *out = &j->out->buf;

	while (!slice_is_null(s)) {
		const char *p = s.data, *lf = memchr(p, '\n', s.len);
		size_t n = lf ? (size_t)(lf - p) : s.len;

		buf_addf(out, "%-*s ", NAME_COLUMNS, name);
		put_text(out, slice_make(p, n));
		buf_addc(out, '\n');
		name = "";
		if (!lf || n + 1 == s.len)
			break;
		s = slice_make(p + n + 1, s.len - n - 1);
	}
}

static void fieldf(struct job *j, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
fieldf(struct job *j, const char *name, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	field(j, name, buf_slice(&b));
	buf_release(&b);
}

static void
time_field(struct job *j, const char *name, int64_t ms)
{
	char text[NUM_TIME_TEXT];

	if (ms >= 0)
		field(j, name, slice_str(num_time_text(ms, text)));
}

/* Text as it is, other bytes as kc-record(5) has them. */
static void
bytes_field(struct job *j, const char *name, struct slice s)
{
	struct buf b = BUF_INIT;

	envelope_put_bytes(&b, s);
	if (b.len && b.data[0] == '"')
		field(j, name, s);
	else
		field(j, name, buf_slice(&b));
	buf_release(&b);
}

static void
put_origin(struct job *j, const char *name, const struct deadletter_origin *o)
{
	struct buf b = BUF_INIT;
	char text[NUM_TIME_TEXT];

	if (slice_is_null(o->topic))
		return;
	buf_addf(&b, "%.*s", SLICE_ARG(o->topic));
	if (o->partition >= 0)
		buf_addf(&b, "/%" PRId32, o->partition);
	if (o->offset >= 0)
		buf_addf(&b, "/%" PRId64, o->offset);
	if (o->has_timestamp)
		buf_addf(&b, " of %s", num_time_text(o->timestamp, text));
	if (!slice_is_null(o->group))
		buf_addf(&b, ", group %.*s", SLICE_ARG(o->group));
	field(j, name, buf_slice(&b));
	buf_release(&b);
}

static void
put_error(struct job *j, const struct deadletter *d)
{
	const struct deadletter_error *e = &d->error;

	field(j, "class", e->class);
	field(j, "message", e->message);
	field(j, "cause", e->cause);
	field(j, "", e->cause_message);
	field(j, "stage", e->stage);
	field(j, "kind", e->kind);
	if (d->attempts >= 0)
		fieldf(j, "attempts", "%" PRId64, d->attempts);
}

static void
put_before(struct job *j, const struct deadletter *d)
{
	for (int i = 1; i < d->hops_n; i++) {
		const struct deadletter_hop *h = &d->hops[i];

		fieldf(j, "before", "%s%s%.*s%s%.*s",
			deadletter_scheme_name(h->scheme),
			h->error.class.len ? " " : "", SLICE_ARG(h->error.class),
			h->error.message.len ? ": " : "", SLICE_ARG(h->error.message));
		put_origin(j, "", &h->origin);
	}
}

static void
put_entry(struct job *j, const struct ledger_entry *x)
{
	if (!x)
		return;
	time_field(j, "since", x->at);
	field(j, "by", x->by);
	field(j, "run", x->run);
	field(j, "sent to", x->to);
	field(j, "note", x->note);
}

/* How the group was made, so that nobody has to believe the id. */
static void
put_group(struct job *j, const struct fingerprint *f, const struct deadletter *d)
{
	field(j, "group", slice_str(f->id));
	if (!slice_eq(f->class, d->error.class))
		field(j, "  root", f->class);
	field(j, "  frame", f->frame);
	field(j, "  masked", f->message);
}

static void
put_payload(struct job *j, const struct record *r, const struct deadletter *d)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->headers_n; i++) {
		if (deadletter_is_header(d, r->headers[i].key))
			continue;
		buf_clear(&b);
		buf_addslice(&b, r->headers[i].key);
		buf_addstr(&b, ": ");
		if (slice_is_null(r->headers[i].value))
			buf_addstr(&b, "null");
		else
			buf_addslice(&b, r->headers[i].value);
		field(j, "header", buf_slice(&b));
	}
	buf_release(&b);
	bytes_field(j, "key", r->key);
	if (d->payload_lost && slice_is_null(r->value))
		field(j, "value", slice_str("(not copied: --payload origin reads "
			"it where it died)"));
	else
		bytes_field(j, "value", r->value);
}

static void
put_person(struct job *j, const struct dlq_record *x, const struct record *payload,
	const struct fingerprint *f)
{
	const struct deadletter *d = x->d;

	if (j->n)
		buf_addc(&j->out->buf, '\n');
	fieldf(j, "record", "%s %" PRId32 ":%" PRId64, j->d->o.topic,
		x->r->partition, x->r->offset);
	field(j, "state", slice_str(ledger_state_name(x->state)));
	put_entry(j, entry_of(j->o->entries, x->r));
	time_field(j, "timestamp", x->r->has_timestamp ? x->r->timestamp : -1);
	time_field(j, "failed", d->failed_at);
	time_field(j, "first failed", d->first_failed_at);
	field(j, "scheme", slice_str(deadletter_scheme_name(d->scheme)));
	put_origin(j, "origin", &d->origin);
	put_error(j, d);
	put_group(j, f, d);
	put_before(j, d);
	if (d->redrives)
		fieldf(j, "redriven", "%" PRId64 " times, last by run %.*s",
			d->redrives, SLICE_ARG(d->redrive_run));
	field(j, "first died", d->first_origin);
	if (d->warning)
		field(j, "warning", slice_str(d->warning));
	field(j, "stack", d->error.stack);
	put_payload(j, payload, d);
}

/* ---- for programs -------------------------------------------------------------- */

static void
put_json(struct job *j, const struct dlq_record *x, const struct record *payload,
	const struct fingerprint *f)
{
	const struct ledger_entry *entry = entry_of(j->o->entries, x->r);
	struct buf *out = &j->out->buf;

	dlq_put_line(out, j->d->o.topic, x, f, ledger_note(&j->d->ledger,
		x->r->partition, x->r->offset));
	out->len -= 2; /* the brace and LF of the line, to go on */
	if (entry) {
		buf_addstr(out, ",\"entry\":");
		ledger_entry_write(out, entry);
	}
	buf_addstr(out, ",\"record\":");
	envelope_write(out, payload, 0);
	out->len--;
	buf_addstr(out, "}\n");
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct deadletter letter = *x->d;
	struct dlq_record y = *x;
	struct record payload = *x->r;
	struct fingerprint f;

	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	arena_reset(&j->scratch);
	y.d = &letter;
	dlq_located_apply(j->o->located, x->r, &letter, &j->scratch);
	fingerprint_make(&letter, &f, &j->scratch);
	payload.key = letter.key;
	payload.value = letter.value;
	if (j->o->from_origin) {
		if (dlq_origin(j->d, &y, &j->scratch, &payload, e))
			return DLQ_SCAN_FAIL;
		letter.key = payload.key;
		letter.value = payload.value;
	}
	redact_apply(j->o->redact, &payload, &letter, &j->scratch);
	(j->o->json ? put_json : put_person)(j, &y, &payload, &f);
	if (out_maybe_flush(j->out, e))
		return DLQ_SCAN_FAIL;
	return ++j->n == j->o->limit ? DLQ_SCAN_STOP : DLQ_SCAN_ON;
}

int
dlq_show(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e)
{
	struct job j = { .d = d, .o = o, .out = out };
	const struct dlq_scan s = { .select = o->select, .from_start = true,
		.record = on_record, .arg = &j };
	int result = dlq_scan(d, &s, e);

	if (!result && !j.n)
		result = err_set(e, ERR_NOT_FOUND, "'%s' has no such record "
			"(kc-dlq list shows those that are open)", d->o.topic);
	arena_release(&j.scratch);
	return result;
}
