#include "kafka/dlq_ls.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/json.h"
#include "cli/term.h"
#include "kafka/admin.h"
#include "kafka/consume.h"
#include "kafka/dlq.h"
#include "kafka/log_offsets.h"
#include "model/dlq_group.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

/* How one topic stands. */
struct standing {
	int64_t open;
	bool exact;
	int64_t oldest;     /* failure, ms; -1 = not known, as below */
	int64_t oldest_own; /* timestamp of the oldest open record itself */
	int64_t expires, last_hour;
	const struct dlq_group *top;
};

struct names {
	const char **items; /* borrows */
	int n;
};

/* ---- which topics -------------------------------------------------------------- */

static bool
has_ledger(const struct admin_topics *t, const char *name)
{
	struct buf b = BUF_INIT;
	bool has;

	buf_addf(&b, "%s%s", name, LEDGER_SUFFIX);
	has = admin_topics_find(t, buf_cstr(&b)) != NULL;
	buf_release(&b);
	return has;
}

static bool
is_ledger(const char *name)
{
	size_t n = strlen(name), suffix = strlen(LEDGER_SUFFIX);

	return n > suffix && !strcmp(name + n - suffix, LEDGER_SUFFIX);
}

static bool
is_meant(const struct dlq_ls_options *o, const struct admin_topics *t, const char *name)
{
	if (admin_is_internal(name) || is_ledger(name))
		return false;
	if (o->pattern)
		return !fnmatch(o->pattern, name, 0);
	return dlq_is_name(slice_str(name)) || has_ledger(t, name);
}

static int
by_name(const void *a, const void *b)
{
	const char *const *p = a, *const *q = b;

	return strcmp(*p, *q);
}

static bool
has_name(const struct names *l, struct slice name)
{
	for (int i = 0; i < l->n; i++)
		if (slice_eq_str(name, l->items[i]))
			return true;
	return false;
}

/* Of the topics that were not meant: those whose last records are dead letters. */
static int
look_at_others(const struct conf *conf, const struct dlq_ls_options *o,
	const struct admin_topics *t, const struct names *others,
	struct names *found, struct err *e)
{
	struct consume_options c = {
		.topics = others->items, .topics_n = others->n,
		.exit_at_end = true, .range = { .from = { OFFSET_TAIL, 1 } },
		.isolation = "read_committed", .timeout_ms = o->timeout_ms,
		.output_fd = -1,
	};
	enum consume_status status;
	struct arena a = { 0 };
	struct consume *in = NULL;
	struct deadletter d;
	struct record r;

	if (!others->n)
		return 0;
	if (consume_open(&in, conf, &c, e))
		return -1;
	do {
		status = consume_next(in, -1, &r, e);
		if (status != CONSUME_RECORD)
			continue;
		arena_reset(&a);
		deadletter_read(&r, &d, &a);
		if (d.scheme != DEADLETTER_NONE && !has_name(found, r.topic)) {
			const char *name = arena_printf(&a, "%.*s", SLICE_ARG(r.topic));

			found->items[found->n++] = admin_topics_find(t, name)->name;
		}
	} while (status == CONSUME_RECORD || status == CONSUME_IDLE);
	consume_close(in);
	arena_release(&a);
	return status == CONSUME_END ? 0 : -1;
}

static int
find_names(const struct conf *conf, const struct dlq_ls_options *o,
	const struct admin_topics *t, struct names *found, struct err *e)
{
	struct names others = { 0 };
	int result = 0;

	found->items = xcalloc((size_t)t->n + 1, sizeof(*found->items));
	others.items = xcalloc((size_t)t->n + 1, sizeof(*others.items));
	for (int i = 0; i < t->n; i++) {
		const char *name = t->items[i].name;

		if (is_meant(o, t, name))
			found->items[found->n++] = name;
		else if (o->all && !admin_is_internal(name) && !is_ledger(name))
			others.items[others.n++] = name;
	}
	if (o->all)
		result = look_at_others(conf, o, t, &others, found, e);
	qsort(found->items, (size_t)found->n, sizeof(*found->items), by_name);
	free(others.items);
	return result;
}

/* ---- how one stands ------------------------------------------------------------ */

struct sample {
	const struct dlq *d;
	struct dlq_groups groups, schemes;
	struct standing *to;
	int64_t n, max;
	struct arena scratch;
};

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct sample *s = arg;
	int64_t at = dlq_failed_at(x);
	struct fingerprint f;

	(void)e;
	if (x->state != LEDGER_OPEN)
		return DLQ_SCAN_ON;
	if (s->n++ == s->max) {
		s->to->exact = false;
		return DLQ_SCAN_STOP;
	}
	arena_reset(&s->scratch);
	fingerprint_make(x->d, &f, &s->scratch);
	dlq_groups_add(&s->groups, x, &f, NULL);
	dlq_groups_add(&s->schemes, x, &f, NULL);
	s->to->open++;
	if (at >= 0 && (s->to->oldest < 0 || at < s->to->oldest))
		s->to->oldest = at;
	if (x->r->has_timestamp && (s->to->oldest_own < 0 ||
	    x->r->timestamp < s->to->oldest_own))
		s->to->oldest_own = x->r->timestamp;
	return DLQ_SCAN_ON;
}

/* What the ledger does not know to be resolved; gaps in the log count too. */
static int64_t
count_at_most(struct dlq *d)
{
	int64_t n = 0;

	for (int p = 0; p < d->meta->partitions_n; p++)
		for (int64_t o = ledger_mark(&d->ledger, p);
		     o < d->meta->partitions[p].end; o++)
			n += ledger_state(&d->ledger, p, o) == LEDGER_OPEN;
	return n;
}

/* -1 where nothing is deleted by time, or it cannot be asked. */
static int64_t
retention_of(struct dlq *d)
{
	struct admin_configs k = { 0 };
	struct err why = ERR_INIT;
	const struct admin_config *c, *policy;
	int64_t ms = -1;

	if (admin_configs(d->client, ADMIN_TOPIC, d->o.topic, d->o.timeout_ms, &k, &why)) {
		diag_verbose(1, "'%s': %s", d->o.topic, why.msg);
		return -1;
	}
	c = admin_configs_find(&k, "retention.ms");
	policy = admin_configs_find(&k, "cleanup.policy");
	if (!c || !c->value || num_int(slice_str(c->value), -1, INT64_MAX, &ms, &why) ||
	    (policy && policy->value && !strstr(policy->value, "delete")))
		ms = -1;
	if (policy && policy->value && strstr(policy->value, "compact"))
		diag_warn("'%s' is compacted: of dead letters with the same key "
			"only the last will stay (kc-topics alter %s -c "
			"cleanup.policy=delete)", d->o.topic, d->o.topic);
	admin_configs_release(&k);
	return ms;
}

/* Records whose timestamp is of the last hour. */
static int
count_last_hour(struct dlq *d, int64_t now_ms, int64_t *out, struct err *e)
{
	int n = d->meta->partitions_n;
	struct log_place *places = xcalloc((size_t)n, sizeof(*places));
	int result;

	for (int i = 0; i < n; i++)
		places[i] = (struct log_place){ .topic = d->o.topic,
			.partition = i, .offset = -1 };
	result = log_offsets(d->client, places, n, now_ms - HOUR_MS,
		d->o.timeout_ms, e);
	*out = 0;
	for (int i = 0; i < n && !result; i++)
		if (places[i].offset >= 0)
			*out += d->meta->partitions[i].end - places[i].offset;
	free(places);
	return result;
}

static int
measure(struct sample *s, struct dlq *d, const struct dlq_ls_options *o,
	struct standing *x, struct err *e)
{
	const struct dlq_scan scan = { .record = on_record, .arg = s };
	int64_t retention;

	s->to = x;
	if (dlq_scan(d, &scan, e) || count_last_hour(d, o->now_ms, &x->last_hour, e))
		return -1;
	if (!x->exact)
		x->open = count_at_most(d);
	retention = x->open ? retention_of(d) : -1;
	if (retention >= 0 && x->oldest_own >= 0)
		x->expires = x->oldest_own + retention;
	dlq_groups_sort(&s->groups);
	dlq_groups_sort(&s->schemes);
	x->top = s->groups.n ? s->groups.list[0] : NULL;
	return 0;
}

/* ---- printing ------------------------------------------------------------------ */

static void
put_json(struct buf *out, const char *topic, const struct sample *s,
	const struct standing *x)
{
	struct json *j = json_object();

	json_add_str(j, "topic", topic);
	json_add_int(j, "open", x->open);
	json_add_bool(j, "exact", x->exact);
	if (x->oldest >= 0)
		json_add_int(j, "oldest", x->oldest);
	if (x->expires >= 0)
		json_add_int(j, "expires", x->expires);
	json_add_int(j, "last_hour", x->last_hour);
	if (x->top) {
		json_add_text(j, "scheme", s->schemes.list[0]->name);
		json_add_str(j, "group", x->top->id);
		if (x->top->class.data)
			json_add_text(j, "class", x->top->class);
		if (x->top->message.data)
			json_add_text(j, "message", x->top->message);
	}
	json_print(out, j);
	json_free(j);
}

static void
time_cell(struct out_table *t, int64_t ms)
{
	char text[NUM_TIME_TEXT];

	out_table_cell(t, "%s", ms < 0 ? "-" : num_time_text(ms, text));
}

static void
put_row(struct out_table *t, const char *topic, const struct sample *s,
	const struct standing *x)
{
	out_table_cell(t, "%s", topic);
	out_table_cell(t, "%s%" PRId64, x->exact ? "" : "<=", x->open);
	time_cell(t, x->oldest);
	time_cell(t, x->expires);
	out_table_cell(t, "%" PRId64, x->last_hour);
	out_table_cell(t, "%.*s", SLICE_ARG(s->schemes.n ? s->schemes.list[0]->name :
		slice_str("-")));
	out_table_cell(t, "%s", x->top ? x->top->id : "-");
	if (!x->top || (!x->top->class.data && !x->top->message.data))
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%.*s%s%.*s", SLICE_ARG(x->top->class),
			x->top->class.len && x->top->message.len ? ": " : "",
			SLICE_ARG(x->top->message));
}

/* Nobody wants to learn of that afterwards. */
static void
warn_expiry(const struct standing *x, const char *topic, int64_t now_ms)
{
	char when[NUM_TIME_TEXT];

	if (x->expires >= 0 && x->expires - now_ms < DAY_MS)
		diag_warn("'%s': retention takes the oldest open record, from %s on "
			"(kc-topics alter %s -c retention.ms=-1 keeps all; kc-dlq "
			"export --no-redact %s and later import --gone keeps what is open)",
			topic, num_time_text(x->expires, when), topic, topic);
}

static int
one(const struct conf *conf, const struct dlq_ls_options *o, const char *topic,
	struct out_table *t, struct out *out, struct err *e)
{
	const struct dlq_options open = { .topic = topic, .timeout_ms = o->timeout_ms };
	struct sample s = { .groups = { .by = DLQ_BY_GROUP },
		.schemes = { .by = DLQ_BY_SCHEME }, .max = o->sample };
	struct standing x = { .exact = true, .oldest = -1, .oldest_own = -1,
		.expires = -1 };
	struct dlq d;
	int result = dlq_open(&d, conf, &open, e) || measure(&s, &d, o, &x, e) ? -1 : 0;

	if (!result) {
		dlq_tell_held(&d);
		warn_expiry(&x, topic, o->now_ms);
	}
	if (!result && t)
		put_row(t, topic, &s, &x);
	else if (!result)
		put_json(&out->buf, topic, &s, &x);
	dlq_close(&d);
	dlq_groups_release(&s.groups);
	dlq_groups_release(&s.schemes);
	arena_release(&s.scratch);
	return result;
}

static int
print_all(const struct conf *conf, const struct dlq_ls_options *o,
	const struct names *names, struct out *out, struct err *e)
{
	static const char *const columns[] = { "TOPIC", "OPEN", "OLDEST",
		"EXPIRES", "LAST-HOUR", "SCHEME", "GROUP", "MOSTLY" };
	struct out_table *t = o->json ? NULL : out_table_new(columns, 8);
	int failed = 0, result = 0;

	for (int i = 0; i < names->n && !result; i++) {
		struct err why = ERR_INIT;

		if (!one(conf, o, names->items[i], t, out, &why))
			continue;
		if (!why.code) { /* a signal */
			result = -1;
			break;
		}
		diag_error("%s", why.msg);
		failed++;
	}
	if (t && !result) {
		out_table_right(t, 1);
		out_table_right(t, 4);
		result = out_table_print(t, out, term_is_tty(out->fd), e);
	}
	out_table_free(t);
	if (!result && failed)
		return err_set(e, ERR_PARTIAL, "%d of %d topics could not be read",
			failed, names->n);
	return result;
}

int
dlq_ls(const struct conf *conf, const struct dlq_ls_options *o, struct out *out,
	struct err *e)
{
	struct admin_topics topics = { 0 };
	struct names names = { 0 };
	struct client *c = NULL;
	int result = client_open(&c, conf, CLIENT_ADMIN, NULL, e) ||
		client_wait(c, o->timeout_ms, e) ||
		admin_topics(c, o->timeout_ms, &topics, e) ||
		find_names(conf, o, &topics, &names, e) ? -1 : 0;

	if (!result && !names.n)
		diag_note("no topic %s (%s)", o->pattern ? "matches" :
			"has the name of a dead-letter topic", o->all || o->pattern ?
			"kc-topics lists them" : "--all looks into the others too");
	if (!result)
		result = print_all(conf, o, &names, out, e);
	client_close(c);
	admin_topics_release(&topics);
	free(names.items);
	return result;
}
