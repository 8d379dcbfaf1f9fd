#include "model/raw.h"

#include <string.h>

static struct slice
null_if_empty(const struct raw_form *form, struct slice s)
{
	return form->empty_is_null && !s.len ? SLICE_NULL : s;
}

void
raw_read(const struct raw_form *form, struct slice line, struct record *r)
{
	const char *start = line.data, *at = NULL;
	struct slice d = form->key_delimiter;

	*r = (struct record){ .partition = -1, .offset = -1, .key = form->key,
		.value = line };
	if (d.len)
		at = memmem(line.data, line.len, d.data, d.len);
	if (at) {
		size_t n = (size_t)(at - start);

		r->key = null_if_empty(form, slice_make(start, n));
		r->value = slice_make(at + d.len, line.len - n - d.len);
	}
	r->value = null_if_empty(form, r->value);
}

/* The value of a hexadecimal digit, or -1. */
static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) % 16 : -1;
}

/* What follows a backslash: the bytes used, 0 = it means nothing. */
static int
escape(const char *p, struct buf *out)
{
	static const char from[] = "ntr0\\", to[] = "\n\t\r\0\\";
	const char *c = *p ? strchr(from, *p) : NULL;
	int high, low;

	if (c) {
		buf_addc(out, to[c - from]);
		return 1;
	}
	high = *p == 'x' ? hex_digit(p[1]) : -1;
	low = high < 0 ? -1 : hex_digit(p[2]);
	if (low < 0)
		return 0;
	buf_addc(out, (char)(high << 4 | low));
	return 3;
}

int
raw_unescape(const char *text, struct buf *out, struct err *e)
{
	const char *p = text;
	int used = 1;

	for (; *p && used; p += used) {
		used = 1;
		if (*p != '\\')
			buf_addc(out, *p);
		else if ((used = escape(p + 1, out)))
			used++;
	}
	if (used && p > text)
		return 0;
	return err_set(e, ERR_USAGE, "'%s' is neither text nor one of "
		"\\n \\t \\r \\0 \\\\ \\xNN", text);
}
