#include "kafka/dlq_groups.h"

#include <inttypes.h>

#include "base/num.h"
#include "cli/json.h"
#include "cli/term.h"
#include "model/lag_threshold.h"

enum { HOUR_MS = 3600000 };

struct job {
	struct dlq *d;
	const struct dlq_select *select;
	struct dlq_groups *g;
	const struct dlq_rules *rules;
	const struct redact *redact; /* NULL = nothing */
	int64_t since;  /* count what failed from here on, too */
	int64_t recent;
	struct arena scratch;
};

/* The name of the first rule that matches; null = none does. */
static struct slice
rule_of(const struct job *j, const struct dlq_record *x,
	const struct fingerprint *f)
{
	struct dlq_record y = *x;

	y.group = f->id;
	y.root = f->class;
	for (int i = 0; j->rules && i < j->rules->n; i++)
		if (dlq_select_matches(&j->rules->rules[i].select, &y))
			return slice_str(j->rules->rules[i].name);
	return SLICE_NULL;
}

/* The group is that of what was not masked; of messages it shows no more than the mask leaves. */
static void
add(struct job *j, const struct dlq_record *x, const struct fingerprint *f)
{
	struct record r = *x->r;
	struct deadletter d = *x->d;
	struct dlq_record masked = *x;

	masked.r = &r;
	masked.d = &d;
	if (j->redact)
		redact_apply(j->redact, &r, &d, &j->scratch);
	dlq_groups_add(j->g, &masked, f, ledger_note(&j->d->ledger,
		r.partition, r.offset));
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	struct fingerprint f;

	(void)e;
	if (!dlq_select_matches(j->select, x))
		return DLQ_SCAN_ON;
	arena_reset(&j->scratch);
	fingerprint_make(x->d, &f, &j->scratch);
	j->g->rule = rule_of(j, x, &f);
	add(j, x, &f);
	if (dlq_failed_at(x) >= j->since)
		j->recent++;
	return DLQ_SCAN_ON;
}

static int
count(struct job *j, struct err *e)
{
	const struct dlq_scan s = {
		.select = j->select,
		.from_start = j->select->states & ~(1u << LEDGER_OPEN),
		.record = on_record, .arg = j,
	};
	int result = dlq_scan(j->d, &s, e);

	arena_release(&j->scratch);
	dlq_groups_sort(j->g);
	return result;
}

int
dlq_groups_scan(struct dlq *d, const struct dlq_select *select,
	struct dlq_groups *g, struct err *e)
{
	struct job j = { .d = d, .select = select, .g = g, .since = INT64_MAX };

	return count(&j, e);
}

/* ---- groups -------------------------------------------------------------------- */

static void
add_known(struct json *to, const char *name, struct slice s)
{
	if (!slice_is_null(s))
		json_add_text(to, name, s);
}

static void
put_group(const struct dlq *d, enum dlq_group_by by, const struct dlq_group *g,
	struct buf *out)
{
	struct json *j = json_object();
	struct buf example = BUF_INIT;

	json_add_text(j, dlq_group_names[by], g->name);
	json_add_int(j, "count", g->count);
	if (g->first >= 0) {
		json_add_int(j, "first", g->first);
		json_add_int(j, "last", g->last);
	}
	buf_addf(&example, "%s/%" PRId32 "/%" PRId64, d->o.topic, g->partition,
		g->offset);
	json_add_str(j, "example", buf_cstr(&example));
	if (by != DLQ_BY_SCHEME)
		add_known(j, "scheme", g->scheme);
	if (by != DLQ_BY_CLASS)
		add_known(j, "class", g->class);
	if (by != DLQ_BY_FRAME)
		add_known(j, "frame", g->frame);
	if (by != DLQ_BY_MESSAGE)
		add_known(j, "message", g->message);
	add_known(j, "note", g->note);
	json_print(out, j);
	json_free(j);
	buf_release(&example);
}

static void
cell(struct out_table *t, struct slice s)
{
	if (slice_is_null(s))
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%.*s", SLICE_ARG(s));
}

static void
time_cell(struct out_table *t, int64_t ms)
{
	char text[NUM_TIME_TEXT];

	out_table_cell(t, "%s", ms < 0 ? "-" : num_time_text(ms, text));
}

static int
print_table(const struct dlq_groups *g, struct out *out, struct err *e)
{
	static const char *const columns[] = { "COUNT", "FIRST", "LAST",
		"EXAMPLE", "GROUP", "CLASS", "FRAME", "MESSAGE", "NOTE" };
	static const char *const by_columns[] = { "COUNT", "FIRST", "LAST",
		"EXAMPLE", "WHAT" };
	bool plain = g->by != DLQ_BY_GROUP;
	struct out_table *t = out_table_new(plain ? by_columns : columns,
		plain ? 5 : 9);
	int result;

	out_table_right(t, 0);
	for (int i = 0; i < g->n; i++) {
		const struct dlq_group *x = g->list[i];

		out_table_cell(t, "%" PRId64, x->count);
		time_cell(t, x->first);
		time_cell(t, x->last);
		out_table_cell(t, "%" PRId32 ":%" PRId64, x->partition, x->offset);
		cell(t, x->name);
		if (plain)
			continue;
		cell(t, x->class);
		cell(t, x->frame);
		cell(t, x->message);
		cell(t, x->note);
	}
	result = out_table_print(t, out, term_is_tty(out->fd), e);
	out_table_free(t);
	return result;
}

int
dlq_groups_print(struct dlq *d, const struct dlq_groups_options *o,
	struct out *out, struct err *e)
{
	struct dlq_groups g = { .by = o->by };
	struct job j = { .d = d, .select = o->select, .g = &g,
		.rules = o->rules, .redact = o->redact, .since = INT64_MAX };
	int result = count(&j, e);

	if (!result && o->json)
		for (int i = 0; i < g.n; i++)
			put_group(d, o->by, g.list[i], &out->buf);
	else if (!result)
		result = print_table(&g, out, e);
	dlq_groups_release(&g);
	return result;
}

/* ---- check --------------------------------------------------------------------- */

struct state {
	int64_t open, oldest, recent; /* oldest: ms since the epoch; -1 = not known */
	const struct dlq_group *top;  /* NULL = none */
	bool passed;
};

static void
put_limit(struct buf *b, bool over, const char *limit)
{
	if (over)
		buf_addf(b, " (limit %s)", limit);
}

static void
put_line(const struct dlq *d, const struct dlq_check_options *o,
	const struct state *s, struct buf *b)
{
	char age[LAG_DURATION_TEXT], limit[LAG_DURATION_TEXT], n[32];
	int64_t age_ms = s->oldest < 0 ? -1 : o->now_ms - s->oldest;

	buf_addf(b, "%s %s: %" PRId64 " open", s->passed ? "OK" : "NO",
		d->o.topic, s->open);
	snprintf(n, sizeof(n), "%" PRId64, o->max_open);
	put_limit(b, o->max_open >= 0 && s->open > o->max_open, n);
	if (age_ms >= 0) {
		buf_addf(b, ", oldest %s", lag_duration(age_ms, age));
		put_limit(b, o->max_age_ms >= 0 && age_ms > o->max_age_ms,
			lag_duration(o->max_age_ms, limit));
	}
	if (o->max_rate >= 0) {
		buf_addf(b, ", %" PRId64 "/h", s->recent);
		snprintf(n, sizeof(n), "%" PRId64 "/h", o->max_rate);
		put_limit(b, s->recent > o->max_rate, n);
	}
	if (s->top) {
		buf_addf(b, "; %" PRId64 " of group %s", s->top->count, s->top->id);
		if (s->top->class.len)
			buf_addf(b, " %.*s", SLICE_ARG(s->top->class));
		if (s->top->message.len)
			buf_addf(b, ": %.*s", SLICE_ARG(s->top->message));
	}
}

static void
put_json(const struct dlq *d, const struct state *s, struct buf *out)
{
	struct json *j = json_object();

	json_add_str(j, "topic", d->o.topic);
	json_add_bool(j, "ok", s->passed);
	json_add_int(j, "open", s->open);
	if (s->oldest >= 0)
		json_add_int(j, "oldest", s->oldest);
	json_add_int(j, "last_hour", s->recent);
	if (s->top)
		json_add_str(j, "group", s->top->id);
	json_print(out, j);
	json_free(j);
}

static void
judge(const struct dlq_check_options *o, const struct dlq_groups *g, struct state *s)
{
	s->oldest = -1;
	for (int i = 0; i < g->n; i++) {
		const struct dlq_group *x = g->list[i];

		s->open += x->count;
		if (x->first >= 0 && (s->oldest < 0 || x->first < s->oldest))
			s->oldest = x->first;
	}
	s->top = g->n ? g->list[0] : NULL;
	s->passed = !((o->max_open >= 0 && s->open > o->max_open) ||
		(o->max_age_ms >= 0 && s->oldest >= 0 &&
		 o->now_ms - s->oldest > o->max_age_ms) ||
		(o->max_rate >= 0 && s->recent > o->max_rate));
}

int
dlq_check(struct dlq *d, const struct dlq_check_options *o, struct out *out,
	struct err *e)
{
	struct dlq_groups g = { .by = DLQ_BY_GROUP };
	struct job j = { .d = d, .select = o->select, .g = &g,
		.since = o->now_ms - HOUR_MS };
	struct state s = { 0 };
	struct buf line = BUF_INIT;
	int result = count(&j, e);

	if (!result) {
		s.recent = j.recent;
		judge(o, &g, &s);
		put_line(d, o, &s, &line);
		if (o->json) {
			put_json(d, &s, &out->buf);
		} else {
			term_escape(&out->buf, buf_slice(&line));
			buf_addc(&out->buf, '\n');
		}
		result = s.passed ? 0 : err_set(e, ERR_NO, "%s", "");
	}
	dlq_groups_release(&g);
	buf_release(&line);
	return result;
}
