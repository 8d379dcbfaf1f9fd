#include "model/answer.h"

#include "model/members.h"

/* An error's object, on its way; first, so that a row's line is all of it. */
struct error_line {
	struct line l;
	struct answer_error *out;
};

static bool
read_text(struct line *l, const char *name, struct slice *out)
{
	return line_text_or_null(l, name, out);
}

#define ROW(member) \
static bool \
read_##member(struct line *l, const char *name) \
{ \
	return read_text(l, name, &((struct error_line *)(void *)l)->out->member); \
}
ROW(class)
ROW(message)
ROW(stack)
ROW(cause)
ROW(kind)
ROW(stage)
#undef ROW

static const struct member rows[] = {
	MEMBER("class", read_class),
	MEMBER("message", read_message),
	MEMBER("stack", read_stack),
	MEMBER("cause", read_cause),
	MEMBER("kind", read_kind),
	MEMBER("stage", read_stage),
};
static const struct member_table table = {
	rows, sizeof(rows) / sizeof(*rows), NULL
};

static int
check_kind(struct slice kind, struct err *e)
{
	if (slice_is_null(kind) || slice_eq_str(kind, "permanent") ||
	    slice_eq_str(kind, "transient") || slice_eq_str(kind, "poison"))
		return 0;
	return err_set(e, ERR_FORMAT, "the error's kind '%.*s' is not permanent, "
		"transient or poison", SLICE_ARG(kind));
}

static int
read_error(struct envelope_reader *rd, struct slice text, struct answer_error *out,
	struct err *e)
{
	struct error_line x = { .out = out };
	struct record ignored;
	uint32_t seen;
	bool ok;

	rd->flags = ENVELOPE_IGNORE_UNKNOWN;
	x.l = line_init(rd, text, &ignored, e);
	if (scan_peek(&x.l.s) == '"')
		ok = line_text(&x.l, "error", &out->message);
	else if (*x.l.s.p == '{')
		ok = line_object(&x.l, &table, &seen);
	else
		ok = line_fail(&x.l, x.l.s.p, "must be a text or an object");
	if (line_end(&x.l, ok) || check_kind(out->kind, e))
		return err_wrap(e, "error");
	return 0;
}

/* The member kc, on its way. */
struct kc_line {
	struct line l;
	bool more;
};

static bool
read_more(struct line *l, const char *name)
{
	struct slice text;

	if (!scan_value(&l->s, &text))
		return false;
	if (!slice_eq_str(text, "true") && !slice_eq_str(text, "false"))
		return line_fail(l, text.data, "%s must be true or false", name);
	((struct kc_line *)(void *)l)->more = slice_eq_str(text, "true");
	return true;
}

static const struct member kc_rows[] = { MEMBER("more", read_more) };
static const struct member_table kc_table = { kc_rows, 1, NULL };

static int
read_kc(struct envelope_reader *rd, struct slice text, bool *more, struct err *e)
{
	struct kc_line x = { .more = false };
	struct record ignored;
	uint32_t seen;
	bool ok;

	rd->flags = ENVELOPE_IGNORE_UNKNOWN;
	x.l = line_init(rd, text, &ignored, e);
	ok = scan_peek(&x.l.s) == '{' ? line_object(&x.l, &kc_table, &seen) :
		line_fail(&x.l, x.l.s.p, "must be an object");
	if (line_end(&x.l, ok))
		return err_wrap(e, "kc");
	*more = x.more;
	return 0;
}

int
answer_read(struct answer_reader *rd, struct slice line, struct answer *out,
	struct err *e)
{
	*out = (struct answer){ .kind = ANSWER_DONE };
	if (!line.len || *(const char *)line.data != '{')
		return err_set(e, ERR_FORMAT, "not a JSON object");
	rd->line.flags = ENVELOPE_NO_VALUE;
	if (envelope_read(&rd->line, line, &out->r, e))
		return -1;
	if (slice_is_null(out->r.src))
		return err_set(e, ERR_FORMAT, "the answer has no src");
	if (src_parse(out->r.src, &out->src, e))
		return -1;
	if (!slice_is_null(out->r.error) && !slice_eq_str(out->r.error, "null")) {
		out->kind = ANSWER_FAILED;
		return read_error(&rd->error, out->r.error, &out->error, e);
	}
	if (!rd->line.valueless)
		out->kind = ANSWER_RECORD;
	return slice_is_null(out->r.kc) ? 0 :
		read_kc(&rd->error, out->r.kc, &out->more, e);
}

void
answer_reader_release(struct answer_reader *rd)
{
	envelope_reader_release(&rd->line);
	envelope_reader_release(&rd->error);
}

void
answer_put_failure(struct buf *out, const struct src *src,
	const struct answer_error *why)
{
	const struct { const char *name; struct slice text; } members[] = {
		{ "class", why->class }, { "message", why->message },
		{ "stack", why->stack }, { "cause", why->cause },
		{ "kind", why->kind }, { "stage", why->stage },
	};
	bool first = true;

	buf_addstr(out, "{\"src\":\"");
	src_put(out, src);
	buf_addstr(out, "\",\"error\":{");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (slice_is_null(members[i].text))
			continue;
		buf_addf(out, "%s\"%s\":", first ? "" : ",", members[i].name);
		envelope_put_string(out, members[i].text);
		first = false;
	}
	buf_addstr(out, "}}");
}
