#include "cli/term.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"

bool
term_is_tty(int fd)
{
	return isatty(fd);
}

int
term_width(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) || !ws.ws_col)
		return 80;
	return ws.ws_col;
}

int
term_height(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) || !ws.ws_row)
		return 24;
	return ws.ws_row;
}

bool
term_color(int fd, const char *choice)
{
	const char *no = getenv("NO_COLOR"), *type = getenv("TERM");

	if (choice && strcmp(choice, "auto"))
		return !strcmp(choice, "always");
	return isatty(fd) && !(no && *no) && !(type && !strcmp(type, "dumb"));
}

/* The code point of a valid sequence of len bytes. */
static uint32_t
decode(const uint8_t *p, size_t len)
{
	uint32_t code = len == 1 ? p[0] : p[0] & (0x7f >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

/* Most cells are; each byte is a column then. NUL is none. */
static bool
is_ascii(struct slice text)
{
	const uint8_t *p = text.data;
	size_t i = 0;

	while (i < text.len && p[i] && p[i] < 0x80)
		i++;
	return i == text.len;
}

int
term_columns(struct slice text)
{
	/* Widths come from glibc's own UTF-8 locale, whatever the user's is. */
	const uint8_t *p = text.data;
	locale_t utf8, old = NULL;
	int columns = 0;

	if (is_ascii(text))
		return (int)text.len;
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8)
		old = uselocale(utf8);
	for (size_t i = 0; i < text.len; ) {
		size_t len = utf8_sequence(p + i, text.len - i);
		int width = len ? wcwidth((wchar_t)decode(p + i, len)) : 1;

		columns += width < 0 ? 1 : width;
		i += len ? len : 1;
	}
	if (utf8) {
		uselocale(old);
		freelocale(utf8);
	}
	return columns;
}

/* Controls, and the marks that make text run backwards unseen. */
static bool
is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
		(code >= 0x202a && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069);
}

void
term_escape(struct buf *out, struct slice text)
{
	const uint8_t *p = text.data;

	for (size_t i = 0, step; i < text.len; i += step) {
		size_t len = utf8_sequence(p + i, text.len - i);

		step = len ? len : 1;
		if (len && !is_harmful(decode(p + i, len))) {
			buf_add(out, p + i, len);
			continue;
		}
		for (size_t k = 0; k < step; k++)
			buf_addf(out, "\\x%02x", p[i + k]);
	}
}
