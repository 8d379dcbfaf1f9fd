#include "model/replay_select.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

int
replay_select_regex(struct replay_select *s, const char *pattern, struct err *e)
{
	int code = regcomp(&s->regex, pattern, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (code) {
		regerror(code, &s->regex, why, sizeof(why));
		return err_set(e, ERR_USAGE, "bad regular expression '%s': %s",
			pattern, why);
	}
	s->has_regex = true;
	return 0;
}

/* Up to four digits behind the point, for a millionth of the whole. */
static int
parse_percent(struct slice text, int *out, struct err *e)
{
	const char *p = text.data, *dot = memchr(p, '.', text.len);
	size_t whole = dot ? (size_t)(dot - p) : text.len;
	size_t digits = dot ? text.len - whole - 1 : 0;
	int64_t n, part = 0;

	if (num_int(slice_make(p, whole), 0, 100, &n, e) || digits > 4 ||
	    (dot && num_int(slice_make(dot + 1, digits), 0, 9999, &part, e)))
		return -1;
	for (; digits && digits < 4; digits++)
		part *= 10;
	n = n * 10000 + part;
	if (!n || n > SAMPLE_ALL)
		return -1;
	*out = (int)n;
	return 0;
}

int
replay_select_sample(struct replay_select *s, const char *text, struct err *e)
{
	const char *percent = strchr(text, '%');
	struct err ignored;

	if (!percent || (percent[1] && strcmp(percent + 1, ":key")) ||
	    parse_percent(slice_make(text, (size_t)(percent - text)),
	    &s->sample, &ignored))
		return err_set(e, ERR_USAGE, "'%s' is no sample (10%%, 0.5%%, "
			"or 10%%:key for all records of a tenth of the keys)", text);
	s->sample_by_key = percent[1];
	return 0;
}

void
replay_select_release(struct replay_select *s)
{
	if (s->has_regex)
		regfree(&s->regex);
	s->has_regex = false;
}

/* FNV-1a with a finisher: the same on every machine and in every version. */
static uint64_t
hash(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

static bool
is_sampled(const struct replay_select *s, const struct record *r)
{
	uint64_t place[2] = { (uint64_t)r->partition, (uint64_t)r->offset };
	uint64_t h;

	if (s->sample == SAMPLE_ALL)
		return true;
	if (s->sample_by_key && !slice_is_null(r->key))
		h = hash(r->key.data, r->key.len);
	else
		h = hash(place, sizeof(place));
	return (int)(h % SAMPLE_ALL) < s->sample;
}

static bool
has_key(const struct replay_select *s, struct slice key)
{
	for (int i = 0; i < s->keys_n; i++)
		if (slice_eq(s->keys[i], key))
			return true;
	return !s->keys_n;
}

static bool
matches(const struct replay_select *s, struct slice key)
{
	regmatch_t m = { .rm_so = 0, .rm_eo = (regoff_t)key.len };
	char *text;
	int code;

	if (!s->has_regex || slice_is_null(key))
		return !s->has_regex;
	/* with its length, because there may be NUL in it, and not only at the end */
	text = xmemdup0(key.data, key.len);
	code = regexec(&s->regex, text, 1, &m, REG_STARTEND);
	free(text);
	return !code;
}

static bool
has_header(const struct record *r, const struct record_header *want)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (slice_eq(r->headers[i].key, want->key) &&
		    (slice_is_null(want->value) ||
		     slice_eq(r->headers[i].value, want->value)))
			return true;
	return false;
}

bool
replay_selects(const struct replay_select *s, const struct record *r)
{
	if (s->tombstones != TOMBSTONES_KEEP && slice_is_null(r->value) !=
	    (s->tombstones == TOMBSTONES_ONLY))
		return false;
	for (int i = 0; i < s->headers_n; i++)
		if (!has_header(r, &s->headers[i]))
			return false;
	return has_key(s, r->key) && matches(s, r->key) && is_sampled(s, r);
}
