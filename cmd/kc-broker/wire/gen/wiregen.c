/*
 * wiregen.c - turns message definitions (msg.h) into C:
 *
 *	wiregen OUTDIR a.msg b.msg ...
 *
 * writes OUTDIR/messages.h and messages.c. For a message FooRequest: struct
 * foo_request and one for each struct in it, foo_request_init() with the
 * defaults, foo_request_read(), foo_request_write(). The code is straight
 * calls of wire.h. OUTDIR/fields.h describes the same as tables, for tests.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "gen.h"

static const char made[] = "/* Made by wiregen of the *.msg files: do not edit. */\n";

void
die(const char *fmt, ...)
{
	va_list ap;

	fputs("wiregen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static const char *
field_ctype(const struct field *f)
{
	return f->type ? f->type->ctype : f->sub->cname;
}

static void
put_range(struct buf *h, struct range r, int last)
{
	if (r.max == last)
		buf_addf(h, "%d+", r.min);
	else
		buf_addf(h, "%d-%d", r.min, r.max);
}

/* In which versions the field is there and may be null, when not in all. */
static void
put_remark(struct buf *h, const struct field *f, struct range in)
{
	bool some = f->in.min > in.min || f->in.max < in.max;
	bool null = f->null.min <= f->null.max;

	if (some || null)
		buf_addstr(h, " /* ");
	if (some)
		put_range(h, f->in, in.max);
	if (null)
		buf_addf(h, "%snullable", some ? ", " : "");
	if (null && (f->null.min > f->in.min || f->null.max < f->in.max)) {
		buf_addstr(h, " in ");
		put_range(h, f->null, in.max);
	}
	buf_addstr(h, some || null ? " */\n" : "\n");
}

static void
put_struct(struct buf *h, const struct record *r, struct range in)
{
	buf_addf(h, "\nstruct %s {\n", r->cname);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		buf_addf(h, "\t%s%s %s%s;", f->type ? "" : "struct ",
			field_ctype(f), f->array || is_optional(f) ? "*" : "",
			f->cname);
		put_remark(h, f, in);
		if (f->array)
			buf_addf(h, "\tint32_t %s_n;\n", f->cname);
	}
	if (!r->n)
		buf_addstr(h, "\tchar empty; /* C has no empty struct */\n");
	buf_addf(h, "};\n\nvoid %s_init(struct %s *m);\n", r->cname, r->cname);
}

/* Children before those who hold them. */
static void
put_structs(struct buf *h, const struct record *r, struct range in)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].sub)
			put_structs(h, r->fields[i].sub, r->fields[i].in);
	put_struct(h, r, in);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void
put_header(struct buf *h, const struct message *m)
{
	struct buf upper = BUF_INIT;

	for (const char *p = m->cname; *p; p++)
		buf_addc(&upper, (char)toupper((unsigned char)*p));
	buf_addf(h, "\n/* ---- %s, from %s */\n\nenum {\n", m->name, base_name(m->path));
	if (m->key >= 0)
		buf_addf(h, "\t%s_KEY = %d,\n", buf_cstr(&upper), m->key);
	buf_addf(h, "\t%s_MIN = %d,\n\t%s_MAX = %d,\n\t%s_FLEXIBLE = %d,\n};\n",
		buf_cstr(&upper), m->in.min, buf_cstr(&upper), m->in.max,
		buf_cstr(&upper), m->flexible);
	put_structs(h, m->records[0], m->in);
	buf_addf(h, "int %s_read(struct wire_reader *r, int16_t version,"
		" struct %s *m);\n", m->cname, m->cname);
	buf_addf(h, "void %s_write(struct wire_writer *w, int16_t version,"
		" const struct %s *m);\n", m->cname, m->cname);
	buf_release(&upper);
}

static void
save(const char *dir, const char *name, const struct buf *b)
{
	struct buf path = BUF_INIT;
	FILE *f;

	buf_addf(&path, "%s/%s", dir, name);
	f = fopen(buf_cstr(&path), "w");
	if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f))
		die("cannot write '%s'", buf_cstr(&path));
	buf_release(&path);
}

int
main(int argc, char **argv)
{
	static struct message *all; /* kept, with all they hold, to the end */
	struct buf h = BUF_INIT, c = BUF_INIT, t = BUF_INIT;
	size_t n = 0;

	if (argc < 3)
		die("usage: wiregen OUTDIR file.msg...");
	all = xcalloc((size_t)argc, sizeof(*all));
	buf_addf(&h, "%s#ifndef WIRE_MESSAGES_H\n#define WIRE_MESSAGES_H\n\n"
		"#include \"wire/wire.h\"\n", made);
	buf_addf(&c, "%s#include \"wire/messages.h\"\n", made);
	buf_addf(&t, "%s", made);
	for (int i = 2; i < argc; i++, n++) {
		msg_read(&all[n], argv[i]);
		put_header(&h, &all[n]);
		put_codec(&c, &all[n]);
		put_fields(&t, &all[n]);
	}
	buf_addstr(&h, "\n#endif\n");
	put_messages(&t, all, n);
	save(argv[1], "messages.h", &h);
	save(argv[1], "messages.c", &c);
	save(argv[1], "fields.h", &t);
	buf_release(&h);
	buf_release(&c);
	buf_release(&t);
	return 0;
}
