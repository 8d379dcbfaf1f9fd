#include "model/members.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/near.h"
#include "base/xalloc.h"

struct line
line_init(struct envelope_reader *rd, struct slice text, struct record *r,
	struct err *e)
{
	*r = (struct record){ .partition = -1, .offset = -1 };
	buf_clear(&rd->text);
	/*
	 * The record's slices point into the scratch memory, so it must not
	 * move: unescaped text and then its base64 decoded are each shorter
	 * than the line.
	 */
	buf_reserve(&rd->text, 2 * text.len + 16);
	return (struct line){ .s = scan_init(text), .rd = rd, .r = r, .e = e };
}

bool
line_fail(struct line *l, const uint8_t *at, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (l->in_header)
		err_set(l->e, ERR_FORMAT, "byte %td: header %zu: %s",
			at - l->s.start + 1, l->headers_n + 1, why);
	else
		err_set(l->e, ERR_FORMAT, "byte %td: %s",
			at - l->s.start + 1, why);
	return false;
}

int
line_end(struct line *l, bool ok)
{
	struct scan *s = &l->s;

	scan_blanks(s);
	if (ok && s->p < s->end)
		ok = line_fail(l, s->p, "something follows the record "
			"(one record a line)");
	else if (!ok && s->why)
		line_fail(l, s->at, "%s", s->why);
	return ok ? 0 : -1;
}

static bool
unknown_member(struct line *l, const struct member_table *t, struct slice name,
	const uint8_t *at)
{
	struct near near = near_init(name);
	const char *hint = t->hint ? t->hint(name) : NULL;
	int len = name.len > 64 ? 64 : (int)name.len;

	for (size_t i = 0; i < t->n; i++)
		near_offer(&near, t->rows[i].name);
	if (hint)
		return line_fail(l, at, "unknown member '%.*s' (%s)", len,
			(const char *)name.data, hint);
	if (near.name)
		return line_fail(l, at, "unknown member '%.*s' (did you mean %s?)",
			len, (const char *)name.data, near.name);
	return line_fail(l, at, "unknown member '%.*s' (to skip such members: "
		"--ignore-unknown)", len, (const char *)name.data);
}

/* Members mostly come in the table's order: *next is where to look first. */
static const struct member *
find_member(const struct member_table *t, size_t *next, struct slice name)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t at = (*next + i) % t->n;
		const struct member *m = &t->rows[at];

		if (m->len == name.len && !memcmp(m->name, name.data, name.len)) {
			*next = at + 1 == t->n ? 0 : at + 1;
			return m;
		}
	}
	return NULL;
}

static bool
read_member(struct line *l, const struct member_table *t, size_t *next,
	uint32_t *seen)
{
	struct scan *s = &l->s;
	const struct member *m;
	const uint8_t *at;
	struct slice name, ignored;

	if (scan_peek(s) != '"')
		return scan_fail(s, s->p, s->p == s->end ?
			"the line ends too early" :
			"the name of a member is missing");
	at = s->p;
	if (!line_text(l, "name", &name))
		return false;
	if (!scan_accept(s, ':'))
		return scan_fail(s, s->p, "':' is missing behind the name");
	scan_blanks(s);
	m = find_member(t, next, name);
	if (!m) {
		if (l->rd->flags & ENVELOPE_IGNORE_UNKNOWN)
			return scan_value(s, &ignored);
		return unknown_member(l, t, name, at);
	}
	if (*seen & 1u << (m - t->rows))
		return line_fail(l, at, "member '%s' is there twice", m->name);
	*seen |= 1u << (m - t->rows);
	if (s->p == s->end)
		return scan_fail(s, s->p, "the line ends too early");
	return m->read(l, m->name);
}

bool
line_object(struct line *l, const struct member_table *t, uint32_t *seen)
{
	struct scan *s = &l->s;
	size_t next = 0;

	*seen = 0;
	s->p++;
	if (scan_accept(s, '}'))
		return true;
	do {
		if (!read_member(l, t, &next, seen))
			return false;
	} while (scan_accept(s, ','));
	if (!scan_accept(s, '}'))
		return scan_fail(s, s->p, s->p == s->end ?
			"the line ends too early" : "',' or '}' is missing");
	return true;
}

bool
line_is_null(struct line *l)
{
	struct scan *s = &l->s;

	if (s->end - s->p < 4 || memcmp(s->p, "null", 4))
		return false;
	s->p += 4;
	return true;
}

bool
line_text(struct line *l, const char *name, struct slice *out)
{
	struct buf *text = &l->rd->text;
	struct slice raw;
	bool escaped;
	size_t len = text->len;

	if (*l->s.p != '"')
		return line_fail(l, l->s.p, "%s must be a string", name);
	if (!scan_string(&l->s, &raw, &escaped))
		return false;
	*out = raw;
	if (escaped) {
		scan_unescape(text, raw);
		*out = slice_make(text->data + len, text->len - len);
	}
	return true;
}

bool
line_text_or_null(struct line *l, const char *name, struct slice *out)
{
	*out = SLICE_NULL;
	if (line_is_null(l))
		return true;
	if (*l->s.p != '"')
		return line_fail(l, l->s.p, "%s must be null or a string", name);
	return line_text(l, name, out);
}

bool
line_int(struct line *l, const char *name, int64_t min, int64_t max, int64_t *out)
{
	struct scan *s = &l->s;
	const uint8_t *at = s->p, *p = at;
	bool negative = *p == '-', fits = true;
	int64_t v = 0;

	if (!negative && (*p < '0' || *p > '9'))
		return line_fail(l, at, "%s must be an integer", name);
	for (p += negative; p < s->end && *p >= '0' && *p <= '9'; p++) {
		int64_t d = negative ? -(*p - '0') : *p - '0';

		fits = fits && !__builtin_mul_overflow(v, 10, &v) &&
			!__builtin_add_overflow(v, d, &v);
	}
	if (p == at + negative)
		return line_fail(l, at, "%s must be an integer", name);
	if (at[negative] == '0' && p - at - negative > 1)
		return line_fail(l, at, "a number may not start with 0");
	if (p < s->end && (*p == '.' || *p == 'e' || *p == 'E'))
		return line_fail(l, at, "%s must be an integer, without "
			"point or exponent", name);
	if (!fits || v < min || v > max)
		return line_fail(l, at, "%s must be from %" PRId64 " to %" PRId64,
			name, min, max);
	s->p = p;
	*out = v;
	return true;
}

struct record_header *
line_header(struct line *l)
{
	struct envelope_reader *rd = l->rd;

	if (l->headers_n == rd->headers_cap) {
		rd->headers_cap = rd->headers_cap ? 2 * rd->headers_cap : 8;
		rd->headers = xreallocarray(rd->headers, rd->headers_cap,
			sizeof(*rd->headers));
	}
	return &rd->headers[l->headers_n];
}

bool
line_topic(struct line *l, const char *name)
{
	const uint8_t *at = l->s.p;

	if (!line_text(l, name, &l->r->topic))
		return false;
	return l->r->topic.len || line_fail(l, at, "topic is empty");
}

bool
line_partition(struct line *l, const char *name)
{
	int64_t v;

	if (!line_int(l, name, 0, INT32_MAX, &v))
		return false;
	l->r->partition = (int32_t)v;
	return true;
}

bool
line_offset(struct line *l, const char *name)
{
	return line_int(l, name, 0, INT64_MAX, &l->r->offset);
}
