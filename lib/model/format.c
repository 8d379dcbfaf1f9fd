#include "model/format.h"

#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"

struct part {
	char letter;       /* of the token, or 0 = text */
	size_t at, len;    /* of the text, in format.text */
};

struct format {
	struct part *parts;
	size_t n;
	struct buf text;
	struct slice null_text;
};

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends what the escape behind the backslash p means; NULL when unknown. */
static const char *
put_escape(struct buf *out, const char *p)
{
	static const char from[] = "nrt\\0", to[] = "\n\r\t\\";
	const char *known = p[1] ? strchr(from, p[1]) : NULL;

	if (known) {
		buf_addc(out, to[known - from]);
		return p + 2;
	}
	if (p[1] != 'x' || digit(p[2]) < 0 || digit(p[3]) < 0)
		return NULL;
	buf_addc(out, (char)(digit(p[2]) << 4 | digit(p[3])));
	return p + 4;
}

static struct part *
add_part(struct format *f)
{
	f->parts = xreallocarray(f->parts, f->n + 1, sizeof(*f->parts));
	f->parts[f->n] = (struct part){ 0, f->text.len, 0 };
	return &f->parts[f->n++];
}

/* The run of text at p, up to the next token. */
static const char *
parse_text(struct format *f, const char *p)
{
	struct part *part = add_part(f);

	while (p && *p && (*p != '%' || p[1] == '%')) {
		if (*p == '\\') {
			const char *next = put_escape(&f->text, p);

			if (!next)
				break;
			p = next;
		} else {
			buf_addc(&f->text, *p);
			p += *p == '%' ? 2 : 1;
		}
	}
	part->len = f->text.len - part->at;
	return p;
}

static int
parse(struct format *f, const char *text, struct err *e)
{
	const char *p = text;

	while (*p) {
		if (*p == '%' && p[1] != '%') {
			if (!p[1])
				return err_set(e, ERR_USAGE, "format ends in '%%' "
					"(a percent sign is %%%%)");
			if (!strchr("sSkKTtpohR", p[1]))
				return err_set(e, ERR_USAGE, "format: no token "
					"'%%%c' at byte %td (there are %%s %%S %%k "
					"%%K %%T %%t %%p %%o %%h %%R %%%%)",
					p[1], p - text + 1);
			add_part(f)->letter = p[1];
			p += 2;
			continue;
		}
		p = parse_text(f, p);
		if (*p == '\\')
			return err_set(e, ERR_USAGE, "format: no such escape at "
				"byte %td (there are \\n \\r \\t \\\\ \\0 \\xNN)",
				p - text + 1);
	}
	return 0;
}

int
format_parse(struct format **out, const char *text, const char *null_text,
	struct err *e)
{
	struct format *f = xcalloc(1, sizeof(*f));

	f->null_text = slice_str(xstrdup(null_text));
	if (parse(f, text, e)) {
		format_free(f);
		return -1;
	}
	*out = f;
	return 0;
}

void
format_free(struct format *f)
{
	if (!f)
		return;
	free(f->parts);
	free((void *)f->null_text.data);
	buf_release(&f->text);
	free(f);
}

static void
put_bytes(const struct format *f, struct slice s, struct buf *out)
{
	buf_addslice(out, slice_is_null(s) ? f->null_text : s);
}

static int64_t
length(struct slice s)
{
	return slice_is_null(s) ? -1 : (int64_t)s.len;
}

/* As kcat does: a null value is always NULL here. */
static void
put_headers(const struct record *r, struct buf *out)
{
	for (size_t i = 0; i < r->headers_n; i++) {
		const struct record_header *h = &r->headers[i];

		if (i)
			buf_addc(out, ',');
		buf_addslice(out, h->key);
		buf_addc(out, '=');
		buf_addslice(out, slice_is_null(h->value) ? slice_str("NULL") : h->value);
	}
}

static void
put_token(const struct format *f, char letter, const struct record *r,
	struct buf *out)
{
	switch (letter) {
	case 's':
		put_bytes(f, r->value, out);
		break;
	case 'S':
		buf_addint(out, length(r->value));
		break;
	case 'R':
		be32_put(buf_reserve(out, 4), (uint32_t)length(r->value));
		out->len += 4;
		break;
	case 'k':
		put_bytes(f, r->key, out);
		break;
	case 'K':
		buf_addint(out, length(r->key));
		break;
	case 'T':
		buf_addint(out, r->has_timestamp ? r->timestamp : -1);
		break;
	case 't':
		buf_addslice(out, r->topic);
		break;
	case 'p':
		buf_addint(out, r->partition);
		break;
	case 'o':
		buf_addint(out, r->offset);
		break;
	case 'h':
		put_headers(r, out);
		break;
	}
}

void
format_write(const struct format *f, const struct record *r, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct part *part = &f->parts[i];

		if (part->letter)
			put_token(f, part->letter, r, out);
		else
			buf_add(out, f->text.data + part->at, part->len);
	}
}
