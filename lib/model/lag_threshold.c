#include "model/lag_threshold.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum kind { COUNT, TIME, STATUS };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at, of; /* of the threshold, and of the group's number */
} rows[] = {
#define ROW(name, kind, at, of) { name, kind, \
	offsetof(struct lag_thresholds, at), offsetof(struct lag_group, of) }
	ROW("lag", COUNT, lag, lag),
	ROW("lost", COUNT, lost, lost),
	ROW("ahead", COUNT, ahead, ahead),
	ROW("unread", COUNT, unread, unread),
	ROW("age", TIME, age_ms, age_ms),
	ROW("eta", TIME, eta_ms, eta_ms),
	ROW("status", STATUS, status, status),
#undef ROW
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static const struct row *
find_row(struct slice name)
{
	for (int i = 0; i < ROWS; i++)
		if (slice_eq_str(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static int
parse_status(struct slice text, int *out, struct err *e)
{
	enum lag_status s;

	if (lag_status_parse(text, &s))
		return err_set(e, ERR_USAGE, "'%.*s' is no status (ok, unknown, "
			"ahead, slow, rewound, lost, stalled, stopped)",
			SLICE_ARG(text));
	*out = (int)s;
	return 0;
}

static int
parse_one(struct slice text, struct lag_thresholds *t, struct err *e)
{
	const char *start = text.data, *eq = memchr(start, '=', text.len);
	size_t n = eq ? (size_t)(eq - start) : text.len;
	const struct row *row = find_row(slice_make(start, n));
	struct slice value;
	int64_t *to;

	if (!eq || !row)
		return err_set(e, ERR_USAGE, "'%.*s' is no threshold (lag=N, "
			"lost=N, ahead=N, unread=N, age=TIME, eta=TIME, "
			"status=NAME)", SLICE_ARG(text));
	value = slice_make(eq + 1, text.len - n - 1);
	if (row->kind == STATUS)
		return parse_status(value, &t->status, e);
	to = (int64_t *)(void *)((char *)t + row->at);
	return row->kind == TIME ? num_duration(value, to, e) :
		num_int(value, 0, INT64_MAX - 1, to, e);
}

int
lag_thresholds_parse(struct slice text, struct lag_thresholds *t, struct err *e)
{
	const char *p = text.data, *end = p + text.len;

	while (p <= end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		if (parse_one(slice_make(p, (size_t)(stop - p)), t, e))
			return -1;
		p = stop + 1;
	}
	return 0;
}

bool
lag_lacks_age(const struct lag_group *g)
{
	for (int i = 0; i < g->partitions_n; i++) {
		const struct lag_partition *p = &g->partitions[i];

		if (p->counts && p->lag > 0 && p->age_source == LAG_AGE_NONE)
			return true;
	}
	return false;
}

const char *
lag_duration(int64_t ms, char out[LAG_DURATION_TEXT])
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = { { 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' },
		{ 1000, 's' } };

	if (ms < 0 || ms == LAG_NEVER) {
		snprintf(out, LAG_DURATION_TEXT, "%s", ms < 0 ? "-" : "never");
		return out;
	}
	for (int i = 0; i < 4; i++) {
		int64_t big = ms / units[i].ms, rest = ms % units[i].ms;

		if (!big)
			continue;
		if (i == 3 || !(rest / units[i + 1].ms))
			snprintf(out, LAG_DURATION_TEXT, "%" PRId64 "%c", big,
				units[i].unit);
		else
			snprintf(out, LAG_DURATION_TEXT, "%" PRId64 "%c%" PRId64
				"%c", big, units[i].unit, rest / units[i + 1].ms,
				units[i + 1].unit);
		return out;
	}
	snprintf(out, LAG_DURATION_TEXT, "%" PRId64 "ms", ms);
	return out;
}

static void
tell(const struct row *row, int64_t is, int64_t limit, struct buf *why)
{
	char a[LAG_DURATION_TEXT], b[LAG_DURATION_TEXT];

	if (why->len)
		buf_addstr(why, ", ");
	if (row->kind == STATUS)
		buf_addf(why, "status %s", lag_status_name((enum lag_status)is));
	else if (row->kind == TIME)
		buf_addf(why, "%s %s >= %s", row->name, lag_duration(is, a),
			lag_duration(limit, b));
	else
		buf_addf(why, "%s %" PRId64 " >= %" PRId64, row->name, is, limit);
}

bool
lag_is_over(const struct lag_thresholds *t, const struct lag_group *g,
	struct buf *why)
{
	bool over = false;

	for (int i = 0; i < ROWS; i++) {
		const char *limit_at = (const char *)t + rows[i].at;
		const char *is_at = (const char *)g + rows[i].of;
		bool status = rows[i].kind == STATUS;
		int64_t limit = status ? t->status : *(const int64_t *)(const void *)limit_at;
		int64_t is = status ? (int64_t)g->status :
			*(const int64_t *)(const void *)is_at;

		if (limit < 0 || is < limit)
			continue;
		over = true;
		tell(&rows[i], is, limit, why);
	}
	return over;
}
