#include "base/num.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* A place in a text that is being read. */
struct cursor {
	const char *p, *end;
};

static struct cursor
cursor_of(struct slice s)
{
	const char *p = s.data ? s.data : "";

	return (struct cursor){ p, p + s.len };
}

static bool
is_digit(const struct cursor *c)
{
	return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool
take_char(struct cursor *c, char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool
take_word(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n))
		return false;
	c->p += n;
	return true;
}

/* At least one digit, no sign. */
static bool
take_digits(struct cursor *c, int64_t *out)
{
	int64_t v = 0;

	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *c->p - '0', &v))
			return false;
	*out = v;
	return true;
}

/* Exactly n digits. */
static bool
take_field(struct cursor *c, int n, int64_t *out)
{
	int64_t v = 0;

	for (; n; n--, c->p++) {
		if (!is_digit(c))
			return false;
		v = v * 10 + (*c->p - '0');
	}
	*out = v;
	return true;
}

int
num_int(struct slice text, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	struct cursor c = cursor_of(text);
	bool minus = take_char(&c, '-');
	int64_t v = 0;
	bool ok = is_digit(&c);

	/* Built downwards when negative, so that INT64_MIN has a spelling. */
	for (; ok && is_digit(&c); c.p++) {
		int d = minus ? -(*c.p - '0') : *c.p - '0';

		ok = !__builtin_mul_overflow(v, 10, &v) &&
			!__builtin_add_overflow(v, d, &v);
	}
	if (!ok || c.p != c.end || v < min || v > max)
		return err_set(e, ERR_USAGE, "'%.*s' is not a whole number "
			"from %" PRId64 " to %" PRId64, SLICE_ARG(text), min, max);
	*out = v;
	return 0;
}

int
num_size(struct slice text, int64_t *out, struct err *e)
{
	static const char units[] = "kmgt";
	struct cursor c = cursor_of(text);
	int64_t v, factor = 1;
	bool ok = take_digits(&c, &v);

	if (ok && c.p < c.end) {
		const char *u = strchr(units, *c.p | 0x20);

		if (u && *u) {
			factor = (int64_t)1 << (10 * (u - units + 1));
			c.p++;
			take_char(&c, 'i');
		}
		take_char(&c, 'B');
	}
	if (!ok || c.p != c.end || __builtin_mul_overflow(v, factor, &v))
		return err_set(e, ERR_USAGE, "'%.*s' is not a size (try: 512, "
			"64K, 10M, 1G)", SLICE_ARG(text));
	*out = v;
	return 0;
}

static bool
take_duration(struct cursor *c, int64_t *out)
{
	static const struct { const char *name; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 },
	};
	const char *start = c->p;
	int64_t total = 0, v;
	size_t n = sizeof(units) / sizeof(units[0]);

	do {
		bool first = c->p == start;
		size_t i;

		if (!take_digits(c, &v))
			return false;
		for (i = 0; i < n && !take_word(c, units[i].name); i++)
			;
		/* A number alone is seconds, but only as the whole text. */
		if (i == n && (c->p != c->end || !first))
			return false;
		if (__builtin_mul_overflow(v, i == n ? 1000 : units[i].ms, &v) ||
		    __builtin_add_overflow(total, v, &total))
			return false;
	} while (c->p < c->end);
	*out = total;
	return true;
}

int
num_duration(struct slice text, int64_t *out_ms, struct err *e)
{
	struct cursor c = cursor_of(text);

	if (!take_duration(&c, out_ms))
		return err_set(e, ERR_USAGE, "'%.*s' is not a duration (try: "
			"500ms, 30s, 1h30m, 7d)", SLICE_ARG(text));
	return 0;
}

/* Days since 1970-01-01 of a Gregorian date (era arithmetic, 400 years = 146097 days). */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
is_date(int64_t y, int64_t m, int64_t d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100) || y % 400 == 0;

	return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && leap);
}

/* "Z", "+02:00", "-0530" or nothing; minutes east of UTC. */
static bool
take_zone(struct cursor *c, int64_t *minutes)
{
	int64_t h, m, sign;

	*minutes = 0;
	if (c->p == c->end || take_char(c, 'Z') || take_char(c, 'z'))
		return true;
	if (take_char(c, '+'))
		sign = 1;
	else if (take_char(c, '-'))
		sign = -1;
	else
		return false;
	if (!take_field(c, 2, &h))
		return false;
	take_char(c, ':');
	if (!take_field(c, 2, &m) || h > 23 || m > 59)
		return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

static bool
take_fraction(struct cursor *c, int64_t *ms)
{
	int scale = 100;

	*ms = 0;
	if (!take_char(c, '.'))
		return true;
	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->p++, scale /= 10)
		*ms += (*c->p - '0') * scale;
	return true;
}

static bool
take_civil(struct cursor *c, int64_t *out)
{
	int64_t y, m, d, hour = 0, min = 0, sec = 0, ms = 0, zone = 0;

	if (!take_field(c, 4, &y) || !take_char(c, '-') ||
	    !take_field(c, 2, &m) || !take_char(c, '-') ||
	    !take_field(c, 2, &d) || !is_date(y, m, d))
		return false;
	if (take_char(c, 'T') || take_char(c, 't') || take_char(c, ' ')) {
		if (!take_field(c, 2, &hour) || !take_char(c, ':') ||
		    !take_field(c, 2, &min))
			return false;
		if (take_char(c, ':') &&
		    (!take_field(c, 2, &sec) || !take_fraction(c, &ms)))
			return false;
		if (hour > 23 || min > 59 || sec > 60 || !take_zone(c, &zone))
			return false;
	}
	*out = (days_from_civil(y, m, d) * 86400 + hour * 3600 +
		(min - zone) * 60 + sec) * 1000 + ms;
	return true;
}

int
num_time(struct slice text, int64_t now_ms, int64_t *out_ms, struct err *e)
{
	struct cursor c = cursor_of(text);
	bool ok;

	if (take_char(&c, '@')) {
		ok = take_digits(&c, out_ms);
	} else if (take_char(&c, '-')) {
		ok = take_duration(&c, out_ms);
		if (ok)
			*out_ms = now_ms - *out_ms;
	} else if (take_word(&c, "now")) {
		*out_ms = now_ms;
		ok = true;
	} else {
		ok = take_civil(&c, out_ms);
	}
	if (!ok || c.p != c.end)
		return err_set(e, ERR_USAGE, "'%.*s' is not a time (try: "
			"2026-01-15, 2026-01-15T10:00Z, -1h, @1768435200000)",
			SLICE_ARG(text));
	return 0;
}

const char *
num_time_text(int64_t ms, char out[NUM_TIME_TEXT])
{
	int64_t part = ms % 1000;
	time_t sec = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (part < 0) {
		part += 1000;
		sec--;
	}
	/* Years past 9999 do not fit RFC 3339: print the number then. */
	if (!gmtime_r(&sec, &tm) || tm.tm_year > 8099 || tm.tm_year < -1900) {
		snprintf(out, NUM_TIME_TEXT, "@%" PRId64, ms);
		return out;
	}
	/* %Y does not pad, and years before 1000 have four digits too. */
	n = (size_t)snprintf(out, NUM_TIME_TEXT, "%04u",
		(unsigned)(tm.tm_year + 1900) % 10000);
	n += strftime(out + n, NUM_TIME_TEXT - n, "-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, NUM_TIME_TEXT - n, ".%03dZ", (int)part);
	return out;
}
