#include "model/where.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "model/scan.h"

/* Longer ones first. */
static const struct {
	const char *text;
	enum where_op op;
	bool not;
} ops[] = {
	{ "!=", WHERE_EQ, true }, { "!~", WHERE_MATCH, true },
	{ "<=", WHERE_LE, false }, { ">=", WHERE_GE, false },
	{ "==", WHERE_EQ, false }, { "=", WHERE_EQ, false },
	{ "<", WHERE_LT, false }, { ">", WHERE_GT, false },
	{ "~", WHERE_MATCH, false },
};
enum { OPS = sizeof(ops) / sizeof(*ops) };

/* Where the operator is: the first, outside of a quoted name. */
static const char *
find_op(const char *text, int *op)
{
	bool quoted = false;

	for (const char *p = text; *p; p++) {
		quoted ^= *p == '"';
		for (*op = 0; !quoted && *op < OPS; ++*op)
			if (!strncmp(p, ops[*op].text, strlen(ops[*op].text)))
				return p;
	}
	return NULL;
}

static struct slice
trim(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	while (p < end && end[-1] == ' ')
		end--;
	return slice_make(p, (size_t)(end - p));
}

static bool number(struct slice text, double *d, int64_t *i, bool *exact);

static int
check_value(struct where *w, const char *text, struct err *e)
{
	char why[128];
	int64_t i;
	double d;
	bool exact;
	int code;

	if (w->op == WHERE_MATCH) {
		code = regcomp(&w->re, w->value, REG_EXTENDED | REG_NOSUB);
		if (!code)
			return 0;
		regerror(code, &w->re, why, sizeof(why));
		w->op = WHERE_IS; /* there is nothing to free */
		return err_set(e, ERR_USAGE, "bad regular expression '%s': %s",
			w->value, why);
	}
	if (w->op != WHERE_EQ && !number(slice_str(w->value), &d, &i, &exact))
		return err_set(e, ERR_USAGE, "'%s' compares with a number, and "
			"'%s' is none", text, w->value);
	return 0;
}

int
where_parse(struct where *w, const char *text, struct err *e)
{
	const char *end = text + strlen(text), *at;
	struct slice value;
	int op;

	*w = (struct where){ 0 };
	at = find_op(text, &op);
	if (path_parse(&w->path, trim(text, at ? at : end), e))
		return err_wrap(e, "'%s'", text);
	if (!at)
		return 0;
	w->op = ops[op].op;
	w->not = ops[op].not;
	value = trim(at + strlen(ops[op].text), end);
	if (value.len >= 2 && *(const char *)value.data == '"' &&
	    ((const char *)value.data)[value.len - 1] == '"')
		value = slice_make((const char *)value.data + 1, value.len - 2);
	w->value = xmemdup0(value.data, value.len);
	if (!check_value(w, text, e))
		return 0;
	where_release(w);
	return -1;
}

void
where_release(struct where *w)
{
	if (w->op == WHERE_MATCH)
		regfree(&w->re);
	path_release(&w->path);
	free(w->value);
	*w = (struct where){ 0 };
}

/* ---- comparing ---- */

/* JSON's numbers; exact: *i is the whole of it. */
static bool
number(struct slice text, double *d, int64_t *i, bool *exact)
{
	struct scan s = scan_init(text);
	struct err ignored = ERR_INIT;
	struct slice digits;
	char *copy;

	if (!text.len || !scan_number(&s, &digits) || s.p != s.end)
		return false;
	*exact = !num_int(text, INT64_MIN, INT64_MAX, i, &ignored);
	copy = xmemdup0(text.data, text.len);
	*d = strtod(copy, NULL);
	free(copy);
	return true;
}

/* <0, 0, >0; false when one of them is no number. */
static bool
compare(struct slice a, struct slice b, int *way)
{
	bool p_exact, q_exact;
	int64_t i, k;
	double p, q;

	if (!number(a, &p, &i, &p_exact) || !number(b, &q, &k, &q_exact))
		return false;
	*way = p_exact && q_exact ? (i > k) - (i < k) : (p > q) - (p < q);
	return true;
}

static bool
has_match(const struct where *w, struct slice text)
{
	char *copy = xmemdup0(text.data, text.len);
	bool yes = !regexec(&w->re, copy, 0, NULL, 0);

	free(copy);
	return yes;
}

static bool
test(const struct where *w, struct slice text, bool null)
{
	struct slice value = slice_str(w->value);
	int way;

	switch (w->op) {
	case WHERE_IS:
		return !null && !slice_eq_str(text, "false");
	case WHERE_EQ:
		return slice_eq(text, value) ||
			(compare(text, value, &way) && !way);
	case WHERE_MATCH:
		return !null && has_match(w, text);
	default:
		break;
	}
	if (!compare(text, value, &way))
		return false;
	return w->op == WHERE_LT ? way < 0 : w->op == WHERE_LE ? way <= 0 :
		w->op == WHERE_GT ? way > 0 : way >= 0;
}

struct search {
	const struct where *w;
	bool matched;
};

/* A value of a document: strings mean what is in them, arrays their items, too. */
static void
on_found(void *arg, struct slice raw)
{
	struct search *x = arg;
	struct scan s = scan_init(raw);
	struct buf text = BUF_INIT;
	struct slice inside;
	bool escaped;

	if (scan_peek(&s) != '"') {
		x->matched |= test(x->w, raw, slice_eq_str(raw, "null"));
		if (scan_accept(&s, '['))
			while (scan_peek(&s) != ']' && scan_value(&s, &inside)) {
				on_found(x, inside);
				scan_accept(&s, ',');
			}
		return;
	}
	if (!scan_string(&s, &inside, &escaped))
		return;
	scan_unescape(&text, inside);
	x->matched |= test(x->w, buf_slice(&text), false);
	buf_release(&text);
}

bool
where_matches(const struct where *w, struct slice field)
{
	bool header = slice_eq_str(w->path.root, "header");
	struct search x = { w, false };

	if (w->path.n && !header)
		path_each(&w->path, field, on_found, &x);
	else
		x.matched = test(w, slice_is_null(field) ? slice_str("null") :
			field, slice_is_null(field));
	return x.matched != w->not;
}
