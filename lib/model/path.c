#include "model/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "model/scan.h"

static int
bad(struct slice text, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%.*s' is no path (value.card.number, key, "
		"header.NAME)", SLICE_ARG(text));
}

/* One name at *at, "quoted" or up to a dot; false when there is none. */
static bool
take_part(const char **at, struct slice *out)
{
	const char *p = *at, *end;

	if (*p == '"') {
		end = strchr(++p, '"');
		if (!end || (end[1] && end[1] != '.'))
			return false;
		*at = end + 1;
	} else {
		end = p + strcspn(p, ".\"");
		if (*end == '"' || end == p)
			return false;
		*at = end;
	}
	*out = slice_make(p, (size_t)(end - p));
	return true;
}

int
path_parse(struct path *p, struct slice text, struct err *e)
{
	const char *at;

	*p = (struct path){ .text = xmemdup0(text.data, text.len) };
	at = p->text + strcspn(p->text, ".");
	p->root = slice_make(p->text, (size_t)(at - p->text));
	if (!p->root.len || strlen(p->text) != text.len ||
	    !utf8_is_valid(text.data, text.len))
		goto bad;
	while (*at++ == '.') {
		p->parts = xreallocarray(p->parts, (size_t)p->n + 1,
			sizeof(*p->parts));
		if (slice_eq_str(p->root, "header") && *at) {
			p->parts[p->n++] = slice_str(at);
			return 0;
		}
		if (!take_part(&at, &p->parts[p->n]))
			goto bad;
		p->n++;
		if (!*at)
			return 0;
	}
	if (!at[-1])
		return 0;
bad:
	path_release(p);
	return bad(text, e);
}

void
path_release(struct path *p)
{
	free(p->text);
	free(p->parts);
	*p = (struct path){ 0 };
}

/* ---- walking ---- */

struct walk {
	const struct path *p;
	void (*found)(void *arg, struct slice raw);
	void *arg;
};

static bool walk(const struct walk *w, struct slice json, int part);

static bool
is_name(struct slice raw, bool escaped, struct slice want)
{
	struct buf text = BUF_INIT;
	bool yes;

	if (!escaped)
		return slice_eq(raw, want);
	scan_unescape(&text, raw);
	yes = slice_eq(buf_slice(&text), want);
	buf_release(&text);
	return yes;
}

/* The scanner is behind the bracket; objects have names in front of values. */
static bool
walk_inside(const struct walk *w, struct scan *s, bool object, int part)
{
	struct slice name = SLICE_NULL, value;
	uint8_t close = object ? '}' : ']';
	bool escaped = false;

	if (scan_accept(s, close))
		return true;
	do {
		if (object && (scan_peek(s) != '"' ||
		    !scan_string(s, &name, &escaped) || !scan_accept(s, ':')))
			return false;
		if (!scan_value(s, &value))
			return false;
		if (!object && !walk(w, value, part))
			return false;
		if (object && is_name(name, escaped, w->p->parts[part]) &&
		    !walk(w, value, part + 1))
			return false;
	} while (scan_accept(s, ','));
	return scan_accept(s, close);
}

static bool
walk(const struct walk *w, struct slice json, int part)
{
	struct scan s = scan_init(json);

	if (part == w->p->n) {
		w->found(w->arg, json);
		return true;
	}
	if (scan_accept(&s, '{'))
		return walk_inside(w, &s, true, part);
	if (scan_accept(&s, '['))
		return walk_inside(w, &s, false, part);
	return true;
}

bool
path_each(const struct path *p, struct slice json,
	void (*found)(void *arg, struct slice raw), void *arg)
{
	const struct walk w = { p, found, arg };
	struct scan s = scan_init(json);
	struct slice value;

	if (slice_is_null(json) || !scan_value(&s, &value) || scan_peek(&s) ||
	    s.p != s.end)
		return false;
	return walk(&w, value, 0);
}
