#include "model/dlq_select.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "model/dlq_group.h"
#include "model/dlq_where.h"

enum kind {
	RECORD, GROUP, CLASS, MESSAGE, STAGE, KIND, SCHEME, ORIGIN, KEY, HEADER,
	SINCE, UNTIL, WHERE, STATE, UNLESS, KINDS
};

enum { GROUP_MIN = 4, UNLESS_MAX = 1000 };

struct dlq_term {
	enum kind kind;
	char *text;           /* the whole term; owned */
	const char *value;    /* behind "kind=", inside text */
	int32_t partition;    /* of RECORD and ORIGIN; -1 = any */
	int64_t from, to;     /* RECORD: inclusive, exclusive; SINCE, UNTIL: from */
	size_t name_len;      /* ORIGIN: of the topic; HEADER: of the name */
	regex_t re;           /* MESSAGE */
	struct where where;   /* WHERE */
};

/* ---- reading a term ---- */

static int
parse_record(struct dlq_term *t, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':'), *dash;
	struct err why = ERR_INIT;
	int64_t p, last;

	if (!colon || num_int(slice_make(text, (size_t)(colon - text)), 0,
	    INT32_MAX, &p, &why))
		goto bad;
	t->partition = (int32_t)p;
	t->from = 0;
	t->to = INT64_MAX;
	if (!strcmp(colon + 1, "*"))
		return 0;
	dash = strchr(colon, '-');
	if (num_int(slice_make(colon + 1, dash ? (size_t)(dash - colon - 1) :
	    strlen(colon + 1)), 0, INT64_MAX - 1, &t->from, &why))
		goto bad;
	last = t->from;
	if (dash && num_int(slice_str(dash + 1), t->from, INT64_MAX - 1, &last, &why))
		goto bad;
	t->to = last + 1;
	return 0;
bad:
	return err_set(e, ERR_USAGE, "'%s' is no record (PARTITION:OFFSET, "
		"PARTITION:FIRST-LAST or PARTITION:*)", text);
}

static int
parse_message(struct dlq_term *t, struct err *e)
{
	int code = regcomp(&t->re, t->value, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (!code)
		return 0;
	regerror(code, &t->re, why, sizeof(why));
	t->kind = KINDS; /* there is nothing to free */
	return err_set(e, ERR_USAGE, "bad regular expression '%s': %s",
		t->value, why);
}

/* "orders" or "orders/3"; a topic's name has no slash. */
static int
parse_origin(struct dlq_term *t, struct err *e)
{
	const char *slash = strchr(t->value, '/');
	struct err why = ERR_INIT;
	int64_t p;

	t->name_len = slash ? (size_t)(slash - t->value) : strlen(t->value);
	if (!slash)
		return 0;
	if (num_int(slice_str(slash + 1), 0, INT32_MAX, &p, &why))
		return err_set(e, ERR_USAGE, "'%s' is no origin (TOPIC or "
			"TOPIC/PARTITION)", t->value);
	t->partition = (int32_t)p;
	return 0;
}

/* A time becomes absolute, so that the term means the same tomorrow. */
static int
parse_time(struct dlq_term *t, const char *kind, int64_t now_ms, struct err *e)
{
	struct buf text = BUF_INIT;

	if (num_time(slice_str(t->value), now_ms, &t->from, e))
		return -1;
	buf_addf(&text, "%s=@%" PRId64, kind, t->from);
	free(t->text);
	t->text = xstrdup(buf_cstr(&text));
	t->value = strchr(t->text, '=') + 1;
	buf_release(&text);
	return 0;
}

static int
parse_where(struct dlq_term *t, struct err *e)
{
	if (!dlq_where_parse(&t->where, t->value, e))
		return 0;
	t->kind = KINDS; /* there is nothing to free */
	return -1;
}

static int
parse_state(struct dlq_select *s, struct dlq_term *t, struct err *e)
{
	enum ledger_state state;

	if (ledger_state_parse(slice_str(t->value), &state, e))
		return -1;
	s->states |= 1u << state;
	return 0;
}

static int
parse_scheme(struct dlq_term *t, struct err *e)
{
	enum deadletter_scheme scheme;

	if (deadletter_scheme_parse(t->value, &scheme, e))
		return -1;
	t->from = scheme;
	return 0;
}

/*
 * "3/class=X" goes to the selection of that number; the text is written anew,
 * with a time that is absolute.
 */
static int
parse_unless(struct dlq_select *s, struct dlq_term *t, int64_t now_ms,
	struct err *e)
{
	const char *slash = strchr(t->value, '/');
	struct err why = ERR_INIT;
	struct buf text = BUF_INIT;
	struct dlq_select *u;
	int64_t n;

	if (!slash || num_int(slice_make(t->value, (size_t)(slash - t->value)),
	    0, UNLESS_MAX - 1, &n, &why))
		return err_set(e, ERR_USAGE, "'%s' excludes nothing "
			"(unless=NUMBER/TERM)", t->text);
	while (s->unless_n <= n) {
		s->unless = xreallocarray(s->unless, (size_t)s->unless_n + 1,
			sizeof(*s->unless));
		s->unless[s->unless_n++] = (struct dlq_select){ 0 };
	}
	u = &s->unless[n];
	if (dlq_select_add(u, slash + 1, now_ms, e))
		return -1;
	buf_addf(&text, "unless=%" PRId64 "/%s", n, u->terms[u->n - 1].text);
	free(t->text);
	t->text = xstrdup(buf_cstr(&text));
	buf_release(&text);
	return 0;
}

static const char *const kinds[KINDS] = {
	[RECORD] = "", [GROUP] = "group", [CLASS] = "class",
	[MESSAGE] = "message", [STAGE] = "stage", [KIND] = "kind",
	[SCHEME] = "scheme", [ORIGIN] = "origin", [KEY] = "key",
	[HEADER] = "header", [SINCE] = "since", [UNTIL] = "until",
	[WHERE] = "where", [STATE] = "state", [UNLESS] = "unless",
};

static int
unknown_kind(const char *term, size_t len, struct err *e)
{
	struct near near = near_init(slice_make(term, len));

	for (int i = RECORD + 1; i < UNLESS; i++)
		near_offer(&near, kinds[i]);
	return near.name ? err_set(e, ERR_USAGE, "'%s' selects nothing (did you "
		"mean %s=%s?)", term, near.name, term + len + 1) :
		err_set(e, ERR_USAGE, "'%s' selects nothing (group, class, "
		"message, stage, kind, scheme, origin, key, header, since, "
		"until, where, state =VALUE)", term);
}

static int
parse(struct dlq_select *s, struct dlq_term *t, int64_t now_ms, struct err *e)
{
	const char *eq = strchr(t->text, '=');
	size_t len = eq ? (size_t)(eq - t->text) : 0;

	if (!eq) {
		t->kind = RECORD;
		return parse_record(t, t->text, e);
	}
	for (t->kind = RECORD + 1; t->kind < KINDS; t->kind++)
		if (strlen(kinds[t->kind]) == len &&
		    !strncmp(kinds[t->kind], t->text, len))
			break;
	t->value = eq + 1;
	switch (t->kind) {
	case GROUP:
		return strlen(t->value) >= GROUP_MIN ? 0 : err_set(e, ERR_USAGE,
			"'%s' is too short for the id of a group (kc-dlq groups "
			"shows them; %d digits will do)", t->value, GROUP_MIN);
	case MESSAGE:
		return parse_message(t, e);
	case ORIGIN:
		return parse_origin(t, e);
	case HEADER:
		t->name_len = strcspn(t->value, "=");
		return 0;
	case SINCE:
	case UNTIL:
		return parse_time(t, kinds[t->kind], now_ms, e);
	case WHERE:
		return parse_where(t, e);
	case STATE:
		return parse_state(s, t, e);
	case SCHEME:
		return parse_scheme(t, e);
	case UNLESS:
		return parse_unless(s, t, now_ms, e);
	case KINDS:
		return unknown_kind(t->text, len, e);
	default:
		return 0;
	}
}

int
dlq_select_add(struct dlq_select *s, const char *term, int64_t now_ms,
	struct err *e)
{
	struct dlq_term t = { .text = xstrdup(term), .partition = -1 };

	if (!utf8_is_valid(term, strlen(term)))
		err_set(e, ERR_USAGE, "what selects must be UTF-8");
	else if (!parse(s, &t, now_ms, e)) {
		s->terms = xreallocarray(s->terms, (size_t)s->n + 1,
			sizeof(*s->terms));
		s->terms[s->n++] = t;
		if (t.kind != UNLESS)
			s->kinds |= 1u << t.kind;
		return 0;
	}
	free(t.text);
	return -1;
}

int
dlq_select_add_option(struct dlq_select *s, const char *kind,
	const char *value, int64_t now_ms, struct err *e)
{
	struct buf term = BUF_INIT;
	int result;

	buf_addf(&term, "%s=%s", kind, value);
	result = dlq_select_add(s, buf_cstr(&term), now_ms, e);
	buf_release(&term);
	return result;
}

int
dlq_select_exclude(struct dlq_select *s, const struct dlq_select *other,
	struct err *e)
{
	struct buf term = BUF_INIT;
	int number = s->unless_n, result = 0;

	for (int i = 0; i < other->n && !result; i++) {
		if (other->terms[i].kind == UNLESS)
			continue;
		buf_clear(&term);
		buf_addf(&term, "unless=%d/%s", number, other->terms[i].text);
		result = dlq_select_add(s, buf_cstr(&term), 0, e);
	}
	buf_release(&term);
	return result;
}

void
dlq_select_release(struct dlq_select *s)
{
	for (int i = 0; i < s->unless_n; i++)
		dlq_select_release(&s->unless[i]);
	free(s->unless);
	for (int i = 0; i < s->n; i++) {
		if (s->terms[i].kind == MESSAGE)
			regfree(&s->terms[i].re);
		if (s->terms[i].kind == WHERE)
			where_release(&s->terms[i].where);
		free(s->terms[i].text);
	}
	free(s->terms);
	*s = (struct dlq_select){ 0 };
}

const char *
dlq_select_term(const struct dlq_select *s, int i)
{
	return s->terms[i].text;
}

bool
dlq_select_is_all(const struct dlq_select *s)
{
	return !(s->kinds & ~(1u << STATE));
}

bool
dlq_select_needs_group(const struct dlq_select *s)
{
	for (int i = 0; i < s->unless_n; i++)
		if (dlq_select_needs_group(&s->unless[i]))
			return true;
	return s->kinds & (1u << GROUP | 1u << CLASS);
}

bool
dlq_select_bounds(const struct dlq_select *s, int32_t p, int64_t *from,
	int64_t *to)
{
	int64_t low = INT64_MAX, high = 0;

	if (!(s->kinds & 1u << RECORD))
		return *from < *to;
	for (int i = 0; i < s->n; i++) {
		const struct dlq_term *t = &s->terms[i];

		if (t->kind != RECORD || t->partition != p)
			continue;
		if (t->from < low)
			low = t->from;
		if (t->to > high)
			high = t->to;
	}
	if (low > *from)
		*from = low;
	if (high < *to)
		*to = high;
	return *from < *to;
}

/* ---- matching ---- */

/* NUL inside a text ends it here: globs and expressions are C's. */
static bool
glob(const char *pattern, struct slice text)
{
	char *copy, *dot;
	bool yes;

	if (slice_is_null(text))
		return false;
	copy = xmemdup0(text.data, text.len);
	dot = strrchr(copy, '.');
	yes = !fnmatch(pattern, copy, 0) || (dot && !fnmatch(pattern, dot + 1, 0));
	free(copy);
	return yes;
}

static bool
has_match(const struct dlq_term *t, struct slice text)
{
	char *copy;
	bool yes;

	if (slice_is_null(text))
		return false;
	copy = xmemdup0(text.data, text.len);
	yes = !regexec(&t->re, copy, 0, NULL, 0);
	free(copy);
	return yes;
}

static bool
has_header(const struct dlq_term *t, const struct record *r)
{
	struct slice name = slice_make(t->value, t->name_len);
	const char *value = t->value[t->name_len] ? t->value + t->name_len + 1 : NULL;

	for (size_t i = 0; i < r->headers_n; i++)
		if (slice_eq(r->headers[i].key, name) &&
		    (!value || slice_eq_str(r->headers[i].value, value)))
			return true;
	return false;
}

static bool
term_matches(const struct dlq_term *t, const struct dlq_record *x)
{
	const struct deadletter *d = x->d;

	switch (t->kind) {
	case RECORD:
		return x->r->partition == t->partition &&
			x->r->offset >= t->from && x->r->offset < t->to;
	case GROUP:
		return x->group &&
			!strncmp(x->group, t->value, strlen(t->value));
	case CLASS:
		return glob(t->value, d->error.class) ||
			glob(t->value, d->error.cause) || glob(t->value, x->root);
	case MESSAGE:
		return has_match(t, d->error.message);
	case STAGE:
		return glob(t->value, d->error.stage);
	case KIND:
		return glob(t->value, d->error.kind);
	case SCHEME:
		return d->scheme == (enum deadletter_scheme)t->from;
	case ORIGIN:
		return slice_eq(d->origin.topic, slice_make(t->value, t->name_len)) &&
			(t->partition < 0 || d->origin.partition == t->partition);
	case KEY:
		return slice_eq_str(x->r->key, t->value);
	case HEADER:
		return has_header(t, x->r);
	case WHERE:
		return dlq_where_matches(&t->where, x);
	case SINCE:
		return dlq_failed_at(x) >= t->from;
	case UNTIL:
		return dlq_failed_at(x) < t->from;
	default:
		return true; /* states are looked at first */
	}
}

/* Of these, every term must match; of the others, one a kind. */
enum { EVERY = 1 << HEADER | 1 << SINCE | 1 << UNTIL | 1 << WHERE };

bool
dlq_select_matches(const struct dlq_select *s, const struct dlq_record *x)
{
	unsigned states = s->states ? s->states : 1u << LEDGER_OPEN;
	unsigned matched = 0;

	if (!(states & 1u << x->state))
		return false;
	for (int i = 0; i < s->n; i++) {
		unsigned kind = 1u << s->terms[i].kind;

		if (s->terms[i].kind == UNLESS)
			continue;
		if (!(EVERY & kind) && (matched & kind))
			continue;
		if (term_matches(&s->terms[i], x))
			matched |= kind;
		else if (EVERY & kind)
			return false;
	}
	if (matched != s->kinds)
		return false;
	/* an empty one is a number that was left out, and not everything */
	for (int i = 0; i < s->unless_n; i++)
		if (s->unless[i].n && dlq_select_matches(&s->unless[i], x))
			return false;
	return true;
}
