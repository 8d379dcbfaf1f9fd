/* reset_csv.c - the two files that kafka-consumer-groups exports and reads. */
#include "base/buf.h"
#include "base/num.h"
#include "model/reset.h"

enum { FIELDS = 4 };

struct fields {
	struct buf text[FIELDS];
	int n;
};

/* One field at *at, quoted or not; false when its quotes do not match. */
static bool
take_field(const char *p, size_t len, size_t *at, struct buf *out)
{
	bool quoted = *at < len && p[*at] == '"';

	for (*at += quoted; *at < len; ++*at) {
		if (!quoted && p[*at] == ',')
			return true;
		if (quoted && p[*at] == '"') {
			if (*at + 1 == len || p[*at + 1] != '"') {
				++*at;
				return *at == len || p[*at] == ',';
			}
			++*at;
		}
		buf_addc(out, p[*at]);
	}
	return !quoted;
}

static bool
split(struct slice line, struct fields *f)
{
	const char *p = line.data;

	if (line.len && memchr(p, '\0', line.len))
		return false;
	for (size_t at = 0; at <= line.len; at++) {
		if (f->n == FIELDS ||
		    !take_field(p, line.len, &at, &f->text[f->n++]))
			return false;
	}
	return true;
}

static int
add(struct reset_plan *p, struct fields *f, const char *group, struct err *e)
{
	const struct buf *last = &f->text[f->n - 3];
	struct slice name = f->n == FIELDS ? buf_slice(&f->text[0]) :
		slice_str(group);
	int64_t partition, offset;

	if (!last[0].len || !name.len)
		return err_set(e, ERR_FORMAT, "an empty name");
	if (num_int(buf_slice(&last[1]), 0, INT32_MAX, &partition, e) ||
	    num_int(buf_slice(&last[2]), 0, INT64_MAX, &offset, e)) {
		e->code = ERR_FORMAT;
		return -1;
	}
	reset_add(p, name, buf_slice(&last[0]), (int32_t)partition)->to = offset;
	return 0;
}

int
reset_read_csv(struct reset_plan *p, struct slice line, const char *group,
	struct err *e)
{
	struct fields f = { 0 };
	int ret;

	if (line.len && ((const char *)line.data)[line.len - 1] == '\r')
		line.len--;
	if (!split(line, &f) || f.n < 3)
		ret = err_set(e, ERR_FORMAT, "neither TOPIC,PARTITION,OFFSET nor "
			"GROUP,TOPIC,PARTITION,OFFSET");
	else if (f.n == 3 && !group)
		ret = err_set(e, ERR_FORMAT, "names no group (give one: "
			"--group GROUP)");
	else
		ret = add(p, &f, group, e);
	for (int i = 0; i < FIELDS; i++)
		buf_release(&f.text[i]);
	return ret;
}

static void
put_field(struct buf *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_addstr(out, text);
		return;
	}
	buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_addc(out, '"');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

void
reset_write_csv(struct buf *out, const char *group, const char *topic,
	int32_t partition, int64_t offset)
{
	if (group) {
		put_field(out, group);
		buf_addc(out, ',');
	}
	put_field(out, topic);
	buf_addc(out, ',');
	buf_addint(out, partition);
	buf_addc(out, ',');
	buf_addint(out, offset);
	buf_addc(out, '\n');
}
