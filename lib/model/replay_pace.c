#include "model/replay_pace.h"

#include <string.h>

#include "base/num.h"

enum { MILLION = 1000000 };

int
replay_pace_speed(struct replay_pace *p, const char *text, struct err *e)
{
	size_t n = strlen(text);
	const char *dot;
	size_t whole, digits;
	int64_t units = 0, part = 0;
	struct err ignored;

	if (!strcmp(text, "max")) {
		p->kind = PACE_MAX;
		return 0;
	}
	n -= n && text[n - 1] == 'x';
	dot = memchr(text, '.', n);
	whole = dot ? (size_t)(dot - text) : n;
	digits = dot ? n - whole - 1 : 0;
	if (num_int(slice_make(text, whole), 0, MILLION, &units, &ignored) ||
	    digits > 6 || (dot && num_int(slice_make(dot + 1, digits), 0,
	    MILLION - 1, &part, &ignored)))
		goto bad;
	for (; digits < 6; digits++)
		part *= 10;
	p->kind = PACE_SPEED;
	p->speed_ppm = units * MILLION + part;
	if (p->speed_ppm)
		return 0;
bad:
	return err_set(e, ERR_USAGE, "'%s' is no speed (1x, 0.5x, 10x, max)", text);
}

/* Without overflow for years of milliseconds at any speed. */
static int64_t
scaled(int64_t ms, int64_t speed_ppm)
{
	return ms / speed_ppm * MILLION + ms % speed_ppm * MILLION / speed_ppm;
}

static int64_t
due_by_time(struct replay_pace *p, int64_t timestamp)
{
	int64_t gap;

	if (timestamp > p->last_ts) {
		gap = timestamp - p->last_ts;
		if (p->max_gap_ms >= 0 && scaled(gap, p->speed_ppm) > p->max_gap_ms)
			p->folded_ms += scaled(gap, p->speed_ppm) - p->max_gap_ms;
		p->last_ts = timestamp;
	}
	return p->start_ms + scaled(p->last_ts - p->first_ts, p->speed_ppm) -
		p->folded_ms;
}

static int64_t
root(int64_t n)
{
	int64_t r = 0;

	for (int64_t bit = INT64_C(1) << 30; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= n)
			r += bit;
	return r;
}

/* ms until n of them were due: half of a ramp's length is what it costs. */
static int64_t
rate_ms(const struct replay_pace *p, int64_t n)
{
	int64_t in_ramp = p->rate * (p->ramp_ms / 2) / 1000;
	int64_t ms = n / p->rate * 1000 + n % p->rate * 1000 / p->rate;

	if (!p->ramp_ms || n >= in_ramp)
		return ms + p->ramp_ms / 2;
	return root(2 * ms * p->ramp_ms);
}

int64_t
replay_pace_due(struct replay_pace *p, int64_t timestamp, int64_t now_ms)
{
	if (!p->started) {
		p->started = true;
		p->start_ms = now_ms;
		p->first_ts = p->last_ts = timestamp;
	}
	switch (p->kind) {
	case PACE_SPEED:
		return due_by_time(p, timestamp);
	case PACE_RATE:
	case PACE_BYTES:
		return p->start_ms + rate_ms(p, p->done);
	default:
		return now_ms;
	}
}

void
replay_pace_sent(struct replay_pace *p, int64_t bytes, int64_t due_ms,
	int64_t now_ms)
{
	int64_t late = now_ms - due_ms;

	p->done += p->kind == PACE_BYTES ? bytes : 1;
	if (late < 0)
		late = 0;
	p->late[late < PACE_LATE_MAX ? late : PACE_LATE_MAX]++;
	p->late_n++;
}

void
replay_pace_pause(struct replay_pace *p, int64_t ms)
{
	p->start_ms += ms;
}

int64_t
replay_pace_late(const struct replay_pace *p, int percent)
{
	int64_t want = (p->late_n * percent + 99) / 100, n = 0;

	for (int i = 0; i <= PACE_LATE_MAX && want; i++) {
		n += p->late[i];
		if (n >= want)
			return i;
	}
	return 0;
}

int64_t
replay_pace_expect(const struct replay_pace *p, int64_t first_ts,
	int64_t last_ts, int64_t records, int64_t bytes)
{
	switch (p->kind) {
	case PACE_SPEED:
		return last_ts >= first_ts ? scaled(last_ts - first_ts, p->speed_ppm) : -1;
	case PACE_RATE:
		return rate_ms(p, records);
	case PACE_BYTES:
		return bytes >= 0 ? rate_ms(p, bytes) : -1;
	default:
		return -1;
	}
}
