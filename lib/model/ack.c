#include "model/ack.h"

#include "model/members.h"

/* On its way; first, so that a row's line is all of it. */
struct ack_line {
	struct line l;
	struct slice text;
	bool failed;
	int n;
};

static bool
read_one(struct line *l, const char *name, bool failed)
{
	struct ack_line *x = (struct ack_line *)(void *)l;

	x->failed = failed;
	x->n++;
	return line_text(l, name, &x->text);
}

static bool
read_ack(struct line *l, const char *name)
{
	return read_one(l, name, false);
}

static bool
read_nack(struct line *l, const char *name)
{
	return read_one(l, name, true);
}

static const struct member rows[] = {
	MEMBER("ack", read_ack),
	MEMBER("nack", read_nack),
};
static const struct member_table table = { rows, 2, NULL };

/* TOPIC/PARTITION/..OFFSET without its dots, in the reader's memory. */
static struct slice
without_dots(struct ack_reader *rd, struct slice text, bool *through)
{
	const char *p = text.data;
	size_t n = text.len;

	while (n && p[n - 1] != '/')
		n--;
	*through = n && text.len - n > 2 && p[n] == '.' && p[n + 1] == '.';
	if (!*through)
		return text;
	buf_clear(&rd->text);
	buf_add(&rd->text, p, n);
	buf_add(&rd->text, p + n + 2, text.len - n - 2);
	return buf_slice(&rd->text);
}

int
ack_read(struct ack_reader *rd, struct slice line, struct ack *out, struct err *e)
{
	struct ack_line x = { .n = 0 };
	struct record ignored;
	uint32_t seen;
	bool ok;

	if (!line.len || *(const char *)line.data != '{')
		return err_set(e, ERR_FORMAT, "not a JSON object");
	rd->line.flags = ENVELOPE_IGNORE_UNKNOWN;
	x.l = line_init(&rd->line, line, &ignored, e);
	ok = scan_peek(&x.l.s) == '{' && line_object(&x.l, &table, &seen);
	if (line_end(&x.l, ok))
		return -1;
	if (x.n != 1)
		return err_set(e, ERR_FORMAT, "neither ack nor nack");
	*out = (struct ack){ .failed = x.failed };
	return src_parse(without_dots(rd, x.text, &out->through), &out->src, e);
}

void
ack_reader_release(struct ack_reader *rd)
{
	envelope_reader_release(&rd->line);
	buf_release(&rd->text);
}

void
ack_write(struct buf *out, const struct ack *a)
{
	buf_addf(out, "{\"%s\":\"", a->failed ? "nack" : "ack");
	buf_addslice(out, a->src.topic);
	buf_addc(out, '/');
	buf_addint(out, a->src.partition);
	buf_addstr(out, a->through ? "/.." : "/");
	buf_addint(out, a->src.offset);
	buf_addstr(out, "\"}\n");
}
