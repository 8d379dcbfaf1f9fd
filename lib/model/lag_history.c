#include "model/lag_history.h"

#include <inttypes.h>
#include <string.h>

#include "model/envelope.h"
#include "model/scan.h"

void
lag_histories_release(struct lag_histories *h)
{
	map_release(&h->by_name);
	buf_release(&h->key);
	buf_release(&h->others);
	arena_release(&h->arena);
	*h = (struct lag_histories){ 0 };
}

static bool
is_of(const struct lag_history *h, struct slice group, struct slice topic,
	int32_t partition)
{
	return h->partition == partition && slice_eq(h->topic, topic) &&
		slice_eq(h->group, group);
}

static struct slice
name_of(struct lag_histories *all, struct slice group, struct slice topic,
	int32_t partition)
{
	struct buf *key = &all->key;

	buf_clear(key);
	buf_addslice(key, group);
	buf_addc(key, '\0');
	buf_addslice(key, topic);
	buf_addc(key, '\0');
	buf_addint(key, partition);
	return buf_slice(key);
}

static void
map(struct lag_histories *all, struct lag_history *h)
{
	struct slice name = name_of(all, h->group, h->topic, h->partition);

	map_put(&all->by_name, arena_copy(&all->arena, name), h);
}

static struct lag_history *
look_up(struct lag_histories *all, struct slice group, struct slice topic,
	int32_t partition)
{
	for (struct lag_history *h = all->first; h && !all->is_mapped; h = h->next)
		map(all, h);
	all->is_mapped = true;
	return map_get(&all->by_name, name_of(all, group, topic, partition));
}

/* Behind `before`, NULL = as the first. What neighbours share is there once. */
static struct lag_history *
insert(struct lag_histories *all, struct lag_history *before,
	struct slice group, struct slice topic, int32_t partition)
{
	struct lag_history *h = arena_alloc(&all->arena, sizeof(*h));
	struct lag_history **at = before ? &before->next : &all->first;

	h->group = before && slice_eq(before->group, group) ? before->group :
		arena_copy(&all->arena, group);
	h->topic = before && slice_eq(before->topic, topic) ? before->topic :
		arena_copy(&all->arena, topic);
	h->partition = partition;
	h->next = *at;
	*at = h;
	if (!h->next)
		all->last = h;
	if (all->is_mapped)
		map(all, h);
	return h;
}

struct lag_history *
lag_history_of(struct lag_histories *all, struct slice group,
	struct slice topic, int32_t partition, bool make)
{
	struct lag_history *h = all->found && all->found->next ?
		all->found->next : all->first;

	if (!h || !is_of(h, group, topic, partition))
		h = look_up(all, group, topic, partition);
	if (!h && make)
		h = insert(all, all->found, group, topic, partition);
	if (h)
		all->found = h;
	return h;
}

static bool
is_alike(const struct lag_sample *a, const struct lag_sample *b)
{
	return a->committed == b->committed && a->end == b->end;
}

/* Most histories are short: what stands still has two samples. */
static void
make_room(struct lag_histories *all, struct lag_history *h)
{
	struct lag_sample *more;

	if (h->n < h->cap)
		return;
	h->cap = h->cap ? LAG_SAMPLES : 3;
	more = arena_array(&all->arena, (size_t)h->cap, sizeof(*more));
	if (h->n)
		memcpy(more, h->samples, (size_t)h->n * sizeof(*more));
	h->samples = more;
}

int
lag_history_first(const struct lag_history *h)
{
	int i = h->n - 1;

	while (i > 0 && h->samples[i - 1].end <= h->samples[i].end)
		i--;
	return i;
}

int
lag_history_highest(const struct lag_history *h)
{
	int highest = -1;

	for (int i = lag_history_first(h); i >= 0 && i < h->n; i++) {
		const struct lag_sample *s = &h->samples[i];

		if (s->committed <= s->end && (highest < 0 ||
		    s->committed > h->samples[highest].committed))
			highest = i;
	}
	return highest;
}

/* The sample that what comes next lies behind, in the same log; -1 = none. */
static int
place_to_regain(const struct lag_history *h, const struct lag_sample *next)
{
	int i = lag_history_highest(h);

	return i >= 0 && h->samples[i].committed > next->committed &&
		h->samples[h->n - 1].end <= next->end ? i : -1;
}

void
lag_history_add(struct lag_histories *all, struct lag_history *h, int64_t at_ms,
	int64_t committed, int64_t end)
{
	const struct lag_sample new = { at_ms, committed, end };
	struct lag_sample *s = h->samples;
	int keep, drop;

	while (h->n && s[h->n - 1].at_ms >= at_ms)
		h->n--;
	keep = place_to_regain(h, &new);
	/* The last one stands for no more than the time since the one before. */
	if (h->n > 1 && keep != h->n - 1 &&
	    (s[h->n - 1].at_ms - s[h->n - 2].at_ms < LAG_SAMPLE_APART ||
	    (is_alike(&s[h->n - 1], &new) && is_alike(&s[h->n - 2], &new))))
		h->n--;
	if (h->n == LAG_SAMPLES) {
		drop = keep == 0;
		memmove(s + drop, s + drop + 1,
			(size_t)(LAG_SAMPLES - 1 - drop) * sizeof(*s));
		h->n--;
	}
	make_room(all, h);
	h->samples[h->n++] = new;
}

/* ---- reading ----------------------------------------------------------------------- */

struct reader {
	struct scan s;
	struct buf group, topic; /* unescaped */
};

static bool
is_next(struct scan *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n))
		return scan_fail(s, s->p, "not a line of kc-lag's state");
	s->p += n;
	return true;
}

static bool
read_text(struct scan *s, struct buf *out)
{
	struct slice raw;
	bool escaped;

	buf_clear(out);
	if (!scan_string(s, &raw, &escaped))
		return false;
	if (escaped)
		scan_unescape(out, raw);
	else
		buf_addslice(out, raw);
	return true;
}

/* Up to 18 digits: more than any offset or time has. */
static bool
read_int(struct scan *s, int64_t *out)
{
	bool negative = s->p < s->end && *s->p == '-';
	const uint8_t *first;
	int64_t n = 0;

	s->p += negative;
	for (first = s->p; s->p < s->end && *s->p >= '0' && *s->p <= '9' &&
	    s->p - first < 18; s->p++)
		n = n * 10 + (*s->p - '0');
	if (s->p == first)
		return scan_fail(s, first, "not a whole number");
	*out = negative ? -n : n;
	return true;
}

static bool
read_samples(struct scan *s, struct lag_histories *all, struct lag_history *h)
{
	struct lag_sample at = { 0, 0, 0 };

	h->n = 0;
	while (!scan_accept(s, ']')) {
		int64_t t, c, end;

		if (h->n && !is_next(s, ","))
			return false;
		if (!read_int(s, &t) || !is_next(s, ",") || !read_int(s, &c) ||
		    !is_next(s, ",") || !read_int(s, &end))
			return false;
		if (h->n == LAG_SAMPLES || __builtin_add_overflow(at.at_ms, t,
		    &at.at_ms) || __builtin_add_overflow(at.committed, c,
		    &at.committed) || __builtin_add_overflow(at.end, end, &at.end))
			return scan_fail(s, s->p, "samples out of bounds");
		make_room(all, h);
		h->samples[h->n++] = at;
	}
	return true;
}

/* The line that the scanner is in, as it is. */
static bool
keep_line(struct lag_histories *h, struct scan *s)
{
	const uint8_t *start = s->p, *end = memchr(s->p, '\n',
		(size_t)(s->end - s->p));

	if (!end)
		return scan_fail(s, s->end, "cut short");
	while (start > s->start && start[-1] != '\n')
		start--;
	s->p = end + 1;
	buf_add(&h->others, start, (size_t)(s->p - start));
	return true;
}

static bool
read_line(struct lag_histories *h, struct reader *r)
{
	struct scan *s = &r->s;
	struct lag_history *to;
	int64_t partition;

	if (!is_next(s, "{\"group\":") || !read_text(s, &r->group))
		return false;
	if (h->groups && !map_get(h->groups, buf_slice(&r->group)))
		return keep_line(h, s);
	if (!is_next(s, ",\"topic\":") || !read_text(s, &r->topic) ||
	    !is_next(s, ",\"partition\":") || !read_int(s, &partition) ||
	    !is_next(s, ",\"samples\":["))
		return false;
	if (partition < 0 || partition > INT32_MAX)
		return scan_fail(s, s->p, "not a partition");
	to = insert(h, h->last, buf_slice(&r->group), buf_slice(&r->topic),
		(int32_t)partition);
	return read_samples(s, h, to) && is_next(s, "}\n");
}

int
lag_histories_read(struct lag_histories *h, struct slice text, struct err *e)
{
	struct reader r = { scan_init(text), BUF_INIT, BUF_INIT };
	int64_t line = 1;
	bool ok = true;

	for (; ok && r.s.p < r.s.end; line += ok)
		ok = read_line(h, &r);
	buf_release(&r.group);
	buf_release(&r.topic);
	return ok ? 0 : err_set(e, ERR_FORMAT, "line %" PRId64 ": %s", line,
		r.s.why ? r.s.why : "cut short");
}

/* ---- writing ------------------------------------------------------------------------ */

static void
put_number(struct buf *out, int64_t n, char end)
{
	buf_addint(out, n);
	buf_addc(out, end);
}

static void
put_line(const struct lag_history *h, struct buf *out)
{
	struct lag_sample before = { 0, 0, 0 };

	buf_addstr(out, "{\"group\":");
	envelope_put_string(out, h->group);
	buf_addstr(out, ",\"topic\":");
	envelope_put_string(out, h->topic);
	buf_addstr(out, ",\"partition\":");
	buf_addint(out, h->partition);
	buf_addstr(out, ",\"samples\":[");
	for (int i = 0; i < h->n; i++) {
		const struct lag_sample *s = &h->samples[i];

		put_number(out, s->at_ms - before.at_ms, ',');
		put_number(out, s->committed - before.committed, ',');
		put_number(out, s->end - before.end, i < h->n - 1 ? ',' : ']');
		before = *s;
	}
	buf_addstr(out, "}\n");
}

static bool
had_lag(const struct lag_history *h)
{
	for (int i = 0; i < h->n; i++)
		if (h->samples[i].end > h->samples[i].committed)
			return true;
	return false;
}

/* Those that had lag, or those that had none; returns how many have no room. */
static int
put_lines(const struct lag_histories *all, int64_t forget_ms, bool with_lag,
	size_t max, struct buf *out)
{
	int left_out = 0;

	for (const struct lag_history *h = all->first; h; h = h->next) {
		size_t before = out->len;

		if (!h->n || h->samples[h->n - 1].at_ms < forget_ms ||
		    had_lag(h) != with_lag)
			continue;
		put_line(h, out);
		if (out->len > max) {
			out->len = before;
			left_out++;
		}
	}
	return left_out;
}

/* All of them in their order, when there is room. */
static bool
put_all(const struct lag_histories *all, int64_t forget_ms, size_t max,
	struct buf *out)
{
	for (const struct lag_history *h = all->first; h && out->len <= max;
	    h = h->next)
		if (h->n && h->samples[h->n - 1].at_ms >= forget_ms)
			put_line(h, out);
	return out->len <= max;
}

int
lag_histories_write(const struct lag_histories *all, int64_t forget_ms,
	size_t max, struct buf *out)
{
	size_t before;

	if (all->others.len <= max / 2)
		buf_addslice(out, buf_slice(&all->others));
	before = out->len;
	if (put_all(all, forget_ms, max, out))
		return 0;
	out->len = before;
	return put_lines(all, forget_ms, true, max, out) +
		put_lines(all, forget_ms, false, max, out);
}
