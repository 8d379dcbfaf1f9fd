#include "kafka/dlq_list.h"

#include <inttypes.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/term.h"
#include "kafka/consume.h"
#include "kafka/dlq_origin.h"
#include "model/dlq_group.h"
#include "model/envelope.h"
#include "model/dlq_json.h"

enum { TAIL = 10, MESSAGE_COLUMNS = 60 };
/* Those whose source records are fetched together. */
enum { KEPT_RECORDS = 10000, KEPT_BYTES = 16 << 20 };

static const char *const columns[] = { "RECORD", "STATE", "FAILED", "ORIGIN",
	"KEY", "CLASS", "MESSAGE" };
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

/* A dead letter that waits for its source record. */
struct kept {
	struct record *r;     /* owned */
	enum ledger_state state;
	struct deadletter letter;
	struct record payload;
	struct dlq_source *source;
	struct job *job;
};

struct job {
	struct dlq *d;
	const struct dlq_list_options *o;
	struct out *out;
	struct out_table *table; /* on a terminal; NULL = lines */
	int64_t n, gone;
	struct arena scratch;
	struct kept *kept;
	int kept_n;
	size_t kept_bytes;
	/* r: x->r as it is shown */
	void (*put)(struct job *j, const struct dlq_record *x,
		const struct record *r, const struct fingerprint *f,
		const char *note);
};

/* ---- one line a record --------------------------------------------------------- */

static struct slice
origin_text(struct arena *a, const struct deadletter_origin *o)
{
	if (slice_is_null(o->topic))
		return slice_str("-");
	if (o->offset < 0)
		return o->topic;
	return slice_str(arena_printf(a, "%.*s/%" PRId32 "/%" PRId64,
		SLICE_ARG(o->topic), o->partition, o->offset));
}

static struct slice
or_dash(struct slice s)
{
	return slice_is_null(s) ? slice_str("-") : s;
}

/* The first line; on a terminal no more of it than fits. */
static struct slice
message_text(struct slice s, bool terminal)
{
	const uint8_t *p = s.data, *lf;

	if (slice_is_null(s))
		return slice_str("-");
	lf = memchr(p, '\n', s.len);
	if (lf)
		s.len = (size_t)(lf - p);
	while (terminal && term_columns(s) > MESSAGE_COLUMNS)
		do
			s.len--;
		while (s.len && (p[s.len] & 0xc0) == 0x80);
	return s;
}

static void
cells_of(struct job *j, const struct dlq_record *x, const struct fingerprint *f,
	struct slice cells[COLUMNS])
{
	struct arena *a = &j->scratch;
	int64_t at = dlq_failed_at(x);
	char *when = arena_alloc(a, NUM_TIME_TEXT);

	cells[0] = slice_str(arena_printf(a, "%" PRId32 ":%" PRId64,
		x->r->partition, x->r->offset));
	cells[1] = slice_str(ledger_state_name(x->state));
	cells[2] = slice_str(at < 0 ? "-" : num_time_text(at, when));
	cells[3] = origin_text(a, &x->d->origin);
	cells[4] = or_dash(x->d->key);
	cells[5] = or_dash(f->class);
	cells[6] = message_text(x->d->error.message, j->table != NULL);
}

static void
put_row(struct job *j, const struct dlq_record *x, const struct record *r,
	const struct fingerprint *f, const char *note)
{
	struct slice cells[COLUMNS];

	(void)r, (void)note;
	cells_of(j, x, f, cells);
	for (int i = 0; i < COLUMNS; i++) {
		if (j->table) {
			out_table_cell(j->table, "%.*s", SLICE_ARG(cells[i]));
			continue;
		}
		if (i)
			buf_addc(&j->out->buf, '\t');
		term_escape(&j->out->buf, cells[i]);
	}
	if (!j->table)
		buf_addc(&j->out->buf, '\n');
}

static void
put_json(struct job *j, const struct dlq_record *x, const struct record *r,
	const struct fingerprint *f, const char *note)
{
	(void)r;
	dlq_put_line(&j->out->buf, j->d->o.topic, x, f, note);
}

static void
put_record(struct job *j, const struct dlq_record *x, const struct record *r,
	const struct fingerprint *f, const char *note)
{
	dlq_put_record(&j->out->buf, j->d->o.topic, x, r, f, note,
		j->o->redact, j->o->json_values ? ENVELOPE_JSON_VALUES : 0);
}

/* r is what it holds: the dead letter's, or its source's. */
static void
put(struct job *j, const struct record *letter, const struct deadletter *d,
	enum ledger_state state, const struct record *r)
{
	struct deadletter shown = *d;
	struct record payload = *r;
	const struct dlq_record x = { .r = letter, .d = &shown, .state = state };
	struct fingerprint f;

	fingerprint_make(d, &f, &j->scratch);
	if (j->o->from_origin) {
		shown.key = r->key;
		shown.value = r->value;
	}
	redact_apply(j->o->redact, &payload, &shown, &j->scratch);
	j->put(j, &x, &payload, &f, ledger_note(&j->d->ledger,
		letter->partition, letter->offset));
}

/* ---- source records ------------------------------------------------------------ */

static void
keep(struct job *j, const struct dlq_record *x)
{
	struct kept *k;
	size_t size;

	if (!j->kept)
		j->kept = xcalloc(KEPT_RECORDS, sizeof(*j->kept));
	k = &j->kept[j->kept_n++];
	*k = (struct kept){ .state = x->state, .job = j };
	k->r = record_copy_behind(x->r, 0, &size);
	j->kept_bytes += size;
}

static void
take_source(struct dlq_source *s, const struct record *r)
{
	struct kept *k = s->user;

	dlq_origin_put(k->r, &k->letter, r, &k->job->scratch, &k->payload);
}

/* It goes out as it lies there. */
static void
tell_gone(struct job *j, const struct kept *k)
{
	struct err why = ERR_INIT;

	dlq_source_error(k->source, &why);
	diag_error("'%s' %" PRId32 ":%" PRId64 ": %s", j->d->o.topic,
		k->r->partition, k->r->offset, why.msg);
	j->gone++;
}

static int
put_kept(struct job *j, struct err *e)
{
	struct dlq_source *sources = xcalloc((size_t)j->kept_n + 1, sizeof(*sources));
	int result;

	arena_reset(&j->scratch);
	for (int i = 0; i < j->kept_n; i++) {
		struct kept *k = &j->kept[i];

		deadletter_read(k->r, &k->letter, &j->scratch);
		dlq_located_apply(j->o->located, k->r, &k->letter, &j->scratch);
		k->payload = *k->r;
		k->source = &sources[i];
		sources[i] = (struct dlq_source){ .origin = k->letter.origin,
			.user = k };
	}
	result = dlq_sources(j->d, sources, j->kept_n, take_source, e);
	for (int i = 0; i < j->kept_n; i++) {
		struct kept *k = &j->kept[i];

		if (!result && k->source->what != DLQ_SOURCE_THERE)
			tell_gone(j, k);
		if (!result) {
			put(j, k->r, &k->letter, k->state, &k->payload);
			result = out_maybe_flush(j->out, e);
		}
		free(k->r);
	}
	free(sources);
	j->kept_n = 0;
	j->kept_bytes = 0;
	return result;
}

/* ---- reading ------------------------------------------------------------------- */

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct deadletter letter = *x->d;

	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	if (j->o->limit >= 0 && j->n >= j->o->limit)
		return DLQ_SCAN_STOP;
	if (j->o->from_origin) {
		keep(j, x);
		if ((j->kept_n == KEPT_RECORDS || j->kept_bytes >= KEPT_BYTES) &&
		    put_kept(j, e))
			return DLQ_SCAN_FAIL;
	} else {
		arena_reset(&j->scratch);
		dlq_located_apply(j->o->located, x->r, &letter, &j->scratch);
		put(j, x->r, &letter, x->state, x->r);
		if (out_maybe_flush(j->out, e))
			return DLQ_SCAN_FAIL;
	}
	return ++j->n == j->o->limit ? DLQ_SCAN_STOP : DLQ_SCAN_ON;
}

static int
scan(struct job *j, struct err *e)
{
	const struct dlq_scan s = {
		.select = j->o->select,
		.from_start = j->o->select->states & ~(1u << LEDGER_OPEN),
		.record = on_record, .arg = j,
	};

	return dlq_scan(j->d, &s, e);
}

int
dlq_list(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e)
{
	struct job j = { .d = d, .o = o, .out = out,
		.put = o->json ? put_json : put_row };
	int result;

	if (!o->json && term_is_tty(out->fd))
		j.table = out_table_new(columns, COLUMNS);
	result = scan(&j, e);
	if (!result && j.table)
		result = out_table_print(j.table, out, true, e);
	out_table_free(j.table);
	arena_release(&j.scratch);
	return result;
}

int
dlq_export(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e)
{
	struct job j = { .d = d, .o = o, .out = out, .put = put_record };
	int result = scan(&j, e);

	if (put_kept(&j, result ? &(struct err)ERR_INIT : e))
		result = -1;
	free(j.kept);
	arena_release(&j.scratch);
	if (!result && j.gone)
		result = err_set(e, ERR_PARTIAL, "%" PRId64 " of %" PRId64 " went "
			"out as they lie in '%s', because their source records "
			"cannot be had", j.gone, j.n, d->o.topic);
	return result;
}

/* ---- tail ---------------------------------------------------------------------- */

static enum dlq_scan_status
give(struct job *j, const struct record *r, struct arena *a, struct err *e)
{
	struct deadletter letter;
	struct fingerprint f;
	struct dlq_record x = { .r = r, .d = &letter };

	arena_reset(a);
	deadletter_read(r, &letter, a);
	if (dlq_select_needs_group(j->o->select)) {
		fingerprint_make(&letter, &f, a);
		x.group = f.id;
		x.root = f.class;
	}
	x.state = ledger_state(&j->d->ledger, r->partition, r->offset);
	return on_record(j, &x, e);
}

static int
follow(struct job *j, struct consume *c, struct err *e)
{
	enum dlq_scan_status on = DLQ_SCAN_ON;
	struct arena a = { 0 };
	struct record r;
	int result = 0;

	while (on == DLQ_SCAN_ON && !result) {
		switch (consume_next(c, j->out->buf.len ? 0 : -1, &r, e)) {
		case CONSUME_RECORD:
			on = give(j, &r, &a, e);
			break;
		case CONSUME_IDLE:
			result = out_flush(j->out, e);
			break;
		case CONSUME_CLOSED:
			j->out->closed = true;
			/* fallthrough */
		case CONSUME_ERROR:
			result = -1;
			break;
		default:
			on = DLQ_SCAN_STOP;
		}
	}
	arena_release(&a);
	return result || on == DLQ_SCAN_FAIL ? -1 : 0;
}

int
dlq_tail(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e)
{
	const struct consume_options c = {
		.topics = &d->o.topic, .topics_n = 1,
		.range = { .from = { OFFSET_TAIL, TAIL } },
		.isolation = "read_committed", .timeout_ms = d->o.timeout_ms,
		.output_fd = out->fd,
	};
	struct job j = { .d = d, .o = o, .out = out,
		.put = o->json ? put_json : put_row };
	struct consume *in = NULL;
	int result = consume_open(&in, d->conf, &c, e) || follow(&j, in, e) ? -1 : 0;

	consume_close(in);
	arena_release(&j.scratch);
	return result;
}
