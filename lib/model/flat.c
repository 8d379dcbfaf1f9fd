#include "model/flat.h"

#include "base/num.h"
#include "model/envelope.h"

struct flat
flat_init(struct slice text)
{
	struct flat f = { .s = scan_init(slice_is_null(text) ?
		slice_make("", 0) : text) };

	f.ok = scan_accept(&f.s, '{');
	return f;
}

static bool
flat_end(struct flat *f, bool ok)
{
	scan_blanks(&f->s);
	f->ok = ok && f->s.p == f->s.end;
	return false;
}

bool
flat_next(struct flat *f, struct slice *name, struct slice *value)
{
	bool escaped;

	if (!f->ok)
		return false;
	if (scan_accept(&f->s, '}'))
		return flat_end(f, true);
	if (f->begun && !scan_accept(&f->s, ','))
		return flat_end(f, false);
	f->begun = true;
	scan_blanks(&f->s);
	if (f->s.p == f->s.end || !scan_string(&f->s, name, &escaped) ||
	    !scan_accept(&f->s, ':') || !scan_value(&f->s, value))
		return flat_end(f, false);
	return true;
}

bool
flat_int(struct slice value, int64_t *out)
{
	struct err ignored = ERR_INIT;

	return !num_int(value, INT64_MIN, INT64_MAX, out, &ignored);
}

bool
flat_text(struct slice value, struct arena *a, struct slice *out)
{
	struct scan s = scan_init(value);
	struct buf text = BUF_INIT;
	struct slice raw;
	bool escaped;

	*out = SLICE_NULL;
	if (slice_eq_str(value, "null"))
		return true;
	if (!value.len || *s.p != '"' || !scan_string(&s, &raw, &escaped))
		return false;
	if (escaped)
		scan_unescape(&text, raw);
	*out = arena_copy(a, escaped ? buf_slice(&text) : raw);
	buf_release(&text);
	return true;
}

bool
flat_texts(struct slice value, struct arena *a, struct slice **out, int *n)
{
	struct scan s = scan_init(value);
	struct slice text;

	*n = 0;
	if (!scan_accept(&s, '['))
		return false;
	/* at most one string for two bytes of text */
	*out = arena_array(a, value.len / 2 + 1, sizeof(**out));
	while (scan_peek(&s) != ']')
		if ((*n && !scan_accept(&s, ',')) || !scan_value(&s, &text) ||
		    !flat_text(text, a, &(*out)[(*n)++]))
			return false;
	return true;
}

void
flat_put_texts(struct buf *out, const struct slice *list, int n)
{
	buf_addc(out, '[');
	for (int i = 0; i < n; i++) {
		if (i)
			buf_addc(out, ',');
		envelope_put_string(out, list[i]);
	}
	buf_addc(out, ']');
}

void
flat_put_text(struct buf *out, const char *name, struct slice value)
{
	if (slice_is_null(value))
		return;
	buf_addf(out, ",\"%s\":", name);
	envelope_put_string(out, value);
}

void
flat_put_int(struct buf *out, const char *name, int64_t value)
{
	buf_addf(out, ",\"%s\":", name);
	buf_addint(out, value);
}
