#include "base/properties.h"

#include "base/utf8.h"

void
properties_init(struct properties *p, struct slice text)
{
	*p = (struct properties){ .text = text };
}

void
properties_release(struct properties *p)
{
	buf_release(&p->key);
	buf_release(&p->value);
}

/* The next physical line without its end; false at the end of the text. */
static bool
next_line(struct properties *p, struct slice *line)
{
	const char *s = p->text.data;
	size_t n = 0, skip;

	if (!p->text.len)
		return false;
	while (n < p->text.len && s[n] != '\n' && s[n] != '\r')
		n++;
	skip = n + 1 < p->text.len && s[n] == '\r' && s[n + 1] == '\n' ? 2 : 1;
	if (n == p->text.len)
		skip = 0;
	*line = slice_make(s, n);
	p->text = slice_make(s + n + skip, p->text.len - n - skip);
	p->lines++;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static struct slice
skip_blanks(struct slice s)
{
	const char *p = s.data;
	size_t i = 0;

	while (i < s.len && is_blank(p[i]))
		i++;
	return slice_make(p + i, s.len - i);
}

/* An odd number of backslashes at the end: the line goes on. */
static bool
is_continued(struct slice s)
{
	const char *p = s.data;
	size_t n = 0;

	while (n < s.len && p[s.len - 1 - n] == '\\')
		n++;
	return n % 2;
}

/* A whole logical line into `out`; false at the end of the text. */
static bool
logical_line(struct properties *p, struct buf *out)
{
	struct slice line;

	buf_clear(out);
	do {
		if (!next_line(p, &line))
			return false;
		line = skip_blanks(line);
	} while (!line.len || *(const char *)line.data == '#' ||
		*(const char *)line.data == '!');
	p->line = p->lines;
	while (is_continued(line)) {
		buf_add(out, line.data, line.len - 1);
		if (!next_line(p, &line))
			return true;
		line = skip_blanks(line);
	}
	buf_addslice(out, line);
	return true;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
		c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends what the escape at s (behind the backslash) means; returns its length. */
static size_t
unescape(struct buf *out, struct slice s)
{
	const char *p = s.data;
	uint32_t code = 0;

	if (p[0] == 'u' && s.len >= 5) {
		int i;

		for (i = 1; i < 5 && hex(p[i]) >= 0; i++)
			code = code << 4 | (uint32_t)hex(p[i]);
		if (i == 5 && (code < 0xd800 || code > 0xdfff)) {
			out->len += utf8_put(buf_reserve(out, 4), code);
			return 5;
		}
	}
	buf_addc(out, p[0] == 't' ? '\t' : p[0] == 'n' ? '\n' :
		p[0] == 'r' ? '\r' : p[0] == 'f' ? '\f' : p[0]);
	return 1;
}

/* Copies up to the end of the key (or all) without escapes; returns the bytes read. */
static size_t
copy_text(struct buf *out, struct slice s, bool is_key)
{
	const char *p = s.data;
	size_t i = 0;

	buf_clear(out);
	while (i < s.len) {
		if (is_key && (p[i] == '=' || p[i] == ':' || is_blank(p[i])))
			break;
		if (p[i] == '\\' && i + 1 < s.len) {
			i++;
			i += unescape(out, slice_make(p + i, s.len - i));
		} else {
			buf_addc(out, p[i++]);
		}
	}
	return i;
}

bool
properties_next(struct properties *p, const char **key, const char **value)
{
	struct buf line = BUF_INIT;
	struct slice s;
	size_t n;

	if (!logical_line(p, &line)) {
		buf_release(&line);
		return false;
	}
	s = buf_slice(&line);
	n = copy_text(&p->key, s, true);
	s = skip_blanks(slice_make((const char *)s.data + n, s.len - n));
	if (s.len && (*(const char *)s.data == '=' || *(const char *)s.data == ':'))
		s = skip_blanks(slice_make((const char *)s.data + 1, s.len - 1));
	copy_text(&p->value, s, false);
	buf_release(&line);
	*key = buf_cstr(&p->key);
	*value = buf_cstr(&p->value);
	return true;
}
