#include "model/offset.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"

static struct slice
from(struct slice s, size_t at)
{
	return slice_make((const char *)s.data + at, s.len - at);
}

static bool
starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && !memcmp(s.data, prefix, n);
}

/* What stands behind the @: a time, or bare milliseconds as in kcat's s@. */
static int
parse_time(struct slice text, int64_t now_ms, struct offset_point *out,
	struct err *e)
{
	struct err ignored;

	out->kind = OFFSET_TIME;
	if (!num_int(text, 0, INT64_MAX, &out->value, &ignored))
		return 0;
	return num_time(text, now_ms, &out->value, e);
}

static int
parse_point(struct slice text, int64_t now_ms, struct offset_point *out,
	struct err *e)
{
	static const struct {
		const char *name;
		enum offset_kind kind;
	} words[] = {
		{ "beginning", OFFSET_BEGINNING },
		{ "end", OFFSET_END },
		{ "stored", OFFSET_STORED },
	};
	bool tail = starts_with(text, "-");
	struct err ignored;

	out->value = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_eq_str(text, words[i].name)) {
			out->kind = words[i].kind;
			return 0;
		}
	if (starts_with(text, "@"))
		return parse_time(from(text, 1), now_ms, out, e);
	if (starts_with(text, "s@"))
		return parse_time(from(text, 2), now_ms, out, e);
	out->kind = tail ? OFFSET_TAIL : OFFSET_ABSOLUTE;
	if (!num_int(from(text, tail), 0, INT64_MAX, &out->value, &ignored))
		return 0;
	if (!num_time(text, now_ms, &out->value, &ignored))
		return err_set(e, ERR_USAGE, "'%.*s' is not an offset "
			"(a time starts with @: @%.*s)", SLICE_ARG(text),
			SLICE_ARG(text));
	return err_set(e, ERR_USAGE, "'%.*s' is not an offset (try: beginning, "
		"end, stored, 100, -10, @-1h, @2026-01-15T10:00Z, or a range "
		"of two of them, A:B)", SLICE_ARG(text));
}

/*
 * Splits at the colon that leaves a point on each side: times have colons
 * of their own, so each is tried, the last one first.
 */
static bool
parse_range(struct slice text, int64_t now_ms, struct offset_range *r)
{
	const char *p = text.data;
	struct err ignored;

	for (size_t i = text.len; i-- > 0; ) {
		struct slice left = slice_make(p, i), right = from(text, i + 1);

		if (p[i] != ':')
			continue;
		*r = (struct offset_range){ 0 };
		if (text.len > 1 &&
		    (!left.len || !parse_point(left, now_ms, &r->from, &ignored)) &&
		    (!right.len || !parse_point(right, now_ms, &r->to, &ignored)))
			return true;
	}
	return false;
}

static int
check_end(const struct offset_range *r, struct err *e)
{
	if (r->to.kind == OFFSET_BEGINNING || r->to.kind == OFFSET_STORED)
		return err_set(e, ERR_USAGE, "a range cannot end at '%s'",
			r->to.kind == OFFSET_STORED ? "stored" : "beginning");
	if (r->from.kind == OFFSET_TIME && r->to.kind == OFFSET_ABSOLUTE)
		return err_set(e, ERR_USAGE, "a range from a time to an offset "
			"(both times start with @: @A:@B)");
	if (r->from.kind == r->to.kind && r->from.kind != OFFSET_END &&
	    (r->from.kind == OFFSET_TAIL ? r->from.value < r->to.value :
	    r->from.value > r->to.value))
		return err_set(e, ERR_USAGE, "the range ends before it starts");
	return 0;
}

/* Puts a point into its place, which must be free. */
static int
merge(struct offset_point *to, struct offset_point p, const char *what,
	struct err *e)
{
	if (p.kind == OFFSET_UNSET)
		return 0;
	if (to->kind != OFFSET_UNSET)
		return err_set(e, ERR_USAGE, "the %s of the range is given twice",
			what);
	*to = p;
	return 0;
}

int
offset_parse(struct slice text, int64_t now_ms, struct offset_range *r,
	struct err *e)
{
	struct offset_range got = { 0 };
	struct err first;

	if (starts_with(text, "e@")) {
		if (parse_time(from(text, 2), now_ms, &got.to, e))
			return -1;
	} else if (parse_point(text, now_ms, &got.from, &first) &&
		   !parse_range(text, now_ms, &got)) {
		*e = first;
		return -1;
	}
	if (merge(&r->from, got.from, "start", e) ||
	    merge(&r->to, got.to, "end", e))
		return -1;
	return check_end(r, e);
}

/* "3" or "2-5". */
static int
parse_span(struct slice text, int64_t *first, int64_t *last, struct err *e)
{
	const char *dash = text.len ? memchr(text.data, '-', text.len) : NULL;
	size_t at = dash ? (size_t)(dash - (const char *)text.data) : text.len;
	struct err ignored;

	if (num_int(slice_make(text.data, at), 0, INT32_MAX, first, &ignored))
		goto bad;
	*last = *first;
	if (dash && num_int(from(text, at + 1), *first, INT32_MAX, last, &ignored))
		goto bad;
	return 0;
bad:
	return err_set(e, ERR_USAGE, "'%.*s' is not a list of partitions "
		"(try: 0 or 0,2-5)", SLICE_ARG(text));
}

static int
compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts and drops duplicates; returns how many are left. */
static int
sort_unique(int32_t *list, int n)
{
	int kept = 0;

	qsort(list, (size_t)n, sizeof(*list), compare);
	for (int i = 0; i < n; i++)
		if (!kept || list[i] != list[kept - 1])
			list[kept++] = list[i];
	return kept;
}

int
offset_parse_partitions(struct slice text, int32_t **out, int *n, struct err *e)
{
	enum { MOST = 1000000 };
	int32_t *list = NULL;
	int count = 0;

	for (size_t at = 0, len; at <= text.len; at += len + 1) {
		struct slice rest = from(text, at);
		const char *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
		int64_t first, last;

		len = comma ? (size_t)(comma - (const char *)rest.data) : rest.len;
		if (parse_span(slice_make(rest.data, len), &first, &last, e))
			goto fail;
		if (last - first >= MOST - count) {
			err_set(e, ERR_USAGE, "more than %d partitions", MOST);
			goto fail;
		}
		list = xreallocarray(list, (size_t)count + (size_t)(last - first) + 1,
			sizeof(*list));
		for (int64_t p = first; p <= last; p++)
			list[count++] = (int32_t)p;
	}
	*out = list;
	*n = sort_unique(list, count);
	return 0;
fail:
	free(list);
	return -1;
}
