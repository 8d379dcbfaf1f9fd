/*
 * form.c - a record as a line of kc-record(5) or of kcat, as its value, or as
 * a template has it; harmless on a terminal.
 */
#include <string.h>

#include "cli/term.h"
#include "model/envelope.h"

#include "run.h"

/* A delimiter in a template: its percent signs are text. */
static void
add_delimiter(struct buf *template, const char *delimiter)
{
	for (; *delimiter; delimiter++) {
		if (*delimiter == '%')
			buf_addc(template, '%');
		buf_addc(template, *delimiter);
	}
}

/* --raw is a template too: "%s\n", or "%k:%s\n" with -K. */
static int
raw_format(struct run *run, const char *null_text, struct err *e)
{
	struct buf template = BUF_INIT;
	int result;

	if (run->a->key_delimiter) {
		buf_addstr(&template, "%k");
		add_delimiter(&template, run->a->key_delimiter);
	}
	buf_addstr(&template, "%s");
	add_delimiter(&template, run->a->delimiter ? run->a->delimiter : "\\n");
	result = format_parse(&run->format, buf_cstr(&template), null_text, e);
	buf_release(&template);
	return result ? err_wrap(e, "-D, -K") : 0;
}

int
form_open(struct run *run, struct err *e)
{
	const char *null_text = run->a->null_text ? "NULL" : "";

	if (run->a->format)
		return format_parse(&run->format, run->a->format, null_text, e);
	return run->a->raw ? raw_format(run, null_text, e) : 0;
}

/* Control characters of a template's record must not reach a screen. */
static struct slice
show(struct buf *b, struct slice s)
{
	if (slice_is_null(s))
		return s;
	buf_clear(b);
	term_escape(b, s);
	return buf_slice(b);
}

/*
 * In lines of JSON, DEL and the C1 controls may stand as they are, and do
 * harm to a screen; they stand in strings only.
 */
static void
show_line(struct buf *out, size_t at)
{
	struct buf line = BUF_INIT;

	buf_add(&line, out->data + at, out->len - at);
	out->len = at;
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c == 0xc2 && line.data[i + 1] < 0xa0)
			buf_addf(out, "\\u%04x", line.data[++i]);
		else if (c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_addc(out, (char)c);
	}
	buf_release(&line);
}

bool
form_is_kcat(const struct args *a)
{
	return a->as && !strcmp(a->as, "kcat");
}

int
form_write(struct run *run, struct record *r, struct err *e)
{
	struct buf *out = &run->out.buf;
	size_t at = out->len;
	int result = 0;

	if (run->origin.len)
		r->kc = buf_slice(&run->origin);
	if (run->format) {
		if (run->terminal) {
			r->value = show(&run->shown[0], r->value);
			r->key = show(&run->shown[1], r->key);
		}
		format_write(run->format, r, out);
		return 0;
	}
	if (!form_is_kcat(run->a))
		envelope_write(out, r, run->flags);
	else
		result = envelope_write_kcat(out, r, e);
	if (run->terminal)
		show_line(out, at);
	return result ? err_wrap(e, "'%.*s' [%d] offset %lld",
		SLICE_ARG(r->topic), (int)r->partition, (long long)r->offset) : 0;
}
