#include "kafka/dlq_list.h"

#include <inttypes.h>

#include "base/num.h"
#include "cli/diag.h"
#include "cli/term.h"
#include "kafka/consume.h"
#include "kafka/dlq_origin.h"
#include "model/dlq_group.h"
#include "model/envelope.h"
#include "model/dlq_json.h"

enum { TAIL = 10, MESSAGE_COLUMNS = 60 };

static const char *const columns[] = { "RECORD", "STATE", "FAILED", "ORIGIN",
	"KEY", "CLASS", "MESSAGE" };
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

struct job {
	struct dlq *d;
	const struct dlq_list_options *o;
	struct out *out;
	struct out_table *table; /* on a terminal; NULL = lines */
	int64_t n, gone;
	struct arena scratch;
	void (*put)(struct job *j, const struct dlq_record *x,
		const struct fingerprint *f, const char *note);
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
put_row(struct job *j, const struct dlq_record *x, const struct fingerprint *f,
	const char *note)
{
	struct slice cells[COLUMNS];

	(void)note;
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
put_json(struct job *j, const struct dlq_record *x, const struct fingerprint *f,
	const char *note)
{
	dlq_put_line(&j->out->buf, j->d->o.topic, x, f, note);
}

static void
put_record(struct job *j, const struct dlq_record *x, const struct fingerprint *f,
	const char *note)
{
	struct record r = *x->r;
	struct err why = ERR_INIT;

	if (j->o->from_origin && dlq_origin(j->d, x, &j->scratch, &r, &why)) {
		diag_error("'%s' %" PRId32 ":%" PRId64 ": %s", j->d->o.topic,
			x->r->partition, x->r->offset, why.msg);
		j->gone++;
		r = *x->r;
	}
	dlq_put_record(&j->out->buf, j->d->o.topic, x, &r, f, note,
		j->o->json_values ? ENVELOPE_JSON_VALUES : 0);
}

/* ---- reading ------------------------------------------------------------------- */

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct deadletter letter = *x->d;
	struct dlq_record y = *x;
	struct fingerprint f;

	if (!dlq_select_matches(j->o->select, x))
		return DLQ_SCAN_ON;
	if (j->o->limit >= 0 && j->n >= j->o->limit)
		return DLQ_SCAN_STOP;
	arena_reset(&j->scratch);
	y.d = &letter;
	dlq_located_apply(j->o->located, x->r, &letter, &j->scratch);
	fingerprint_make(&letter, &f, &j->scratch);
	j->put(j, &y, &f, ledger_note(&j->d->ledger, x->r->partition, x->r->offset));
	if (out_maybe_flush(j->out, e))
		return DLQ_SCAN_FAIL;
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
