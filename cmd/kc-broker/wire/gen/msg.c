#include "msg.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/xalloc.h"

static const struct type types[] = {
	{ "bool", "bool", 1 },
	{ "int8", "int8_t", 1 },
	{ "int16", "int16_t", 2 },
	{ "uint16", "uint16_t", 2 },
	{ "int32", "int32_t", 4 },
	{ "uint32", "uint32_t", 4 },
	{ "int64", "int64_t", 8 },
	{ "float64", "double", 8 },
	{ "uuid", "struct uuid", 16 },
	{ "string", "struct slice", 0 },
	{ "bytes", "struct slice", 0 },
	{ "records", "struct wire_records", 0 },
};

/* Where in the input we are, for complaints. */
static const char *at_path;
static int at_line;

static void fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

static void
fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "wiregen: %s:%d: ", at_path, at_line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* "TopicId" to "topic_id" */
static char *
snake(const char *name)
{
	struct buf b = BUF_INIT;

	for (const char *p = name; *p; p++) {
		if (isupper((unsigned char)*p) && p > name)
			buf_addc(&b, '_');
		buf_addc(&b, (char)tolower((unsigned char)*p));
	}
	buf_cstr(&b);
	return (char *)b.data;
}

static int
number(const char *s, size_t n)
{
	struct err e = ERR_INIT;
	int64_t v;

	if (num_int(slice_make(s, n), 0, NEVER, &v, &e) < 0)
		fail("%s", e.msg);
	return (int)v;
}

/* "3", "3+", "3-7", cut to what is possible at all. */
static struct range
range_parse(const char *s, struct range limit)
{
	size_t n = strspn(s, "0123456789");
	struct range r;

	r.min = r.max = number(s, n);
	if (!strcmp(s + n, "+"))
		r.max = limit.max;
	else if (s[n] == '-')
		r.max = number(s + n + 1, strlen(s + n + 1));
	else if (s[n])
		fail("'%s' is not a range of versions", s);
	if (r.min < limit.min)
		r.min = limit.min;
	if (r.max > limit.max)
		r.max = limit.max;
	if (r.min > r.max)
		fail("versions '%s' never come", s);
	return r;
}

/* The next word of *line, which moves on; NULL at its end. */
static char *
word(char **line)
{
	char *s = *line + strspn(*line, " "), *end = s + strcspn(s, " ");

	if (s == end)
		return NULL;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return s;
}

static char *
need(char **line, const char *what)
{
	char *s = word(line);

	if (!s)
		fail("%s expected", what);
	return s;
}

static struct record *
record_new(struct message *m, const char *name)
{
	struct record *r = xcalloc(1, sizeof(*r));
	struct buf b = BUF_INIT;

	if (m->n)
		buf_addf(&b, "%s_", m->cname);
	buf_addstr(&b, name);
	buf_cstr(&b);
	r->cname = (char *)b.data;
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->records[i]->cname, r->cname))
			fail("a second struct %s", r->cname);
	m->records = xreallocarray(m->records, m->n + 1, sizeof(*m->records));
	m->records[m->n++] = r;
	return r;
}

static void
head_parse(struct message *m, char *line)
{
	char *s;

	m->kind = xstrdup(need(&line, "kind of message"));
	m->key = -1;
	if (!strcmp(m->kind, "request") || !strcmp(m->kind, "response")) {
		s = need(&line, "API key");
		m->key = number(s, strlen(s));
	} else if (strcmp(m->kind, "header") && strcmp(m->kind, "data")) {
		fail("'%s' is not request, response, header or data", m->kind);
	}
	m->name = xstrdup(need(&line, "name"));
	m->cname = snake(m->name);
	m->in = range_parse(need(&line, "versions"), (struct range){ 0, NEVER - 1 });
	m->flexible = NEVER;
	s = word(&line);
	if (s && !strcmp(s, "flexible")) {
		s = need(&line, "first flexible version");
		m->flexible = number(s, strlen(s));
		s = word(&line);
	}
	if (s)
		fail("'%s' is too much", s);
	record_new(m, m->cname);
}

static void
type_parse(struct message *m, struct field *f, char *s)
{
	char *mark = strchr(s, '?'), *name;

	f->null = (struct range){ 1, 0 };
	if (mark) {
		*mark = '\0';
		f->null = mark[1] ? range_parse(mark + 1, m->in) : m->in;
	}
	if (!strncmp(s, "[]", 2)) {
		f->array = true;
		s += 2;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(s, types[i].name))
			f->type = &types[i];
	if (!f->type) {
		if (!isupper((unsigned char)*s))
			fail("unknown type '%s'", s);
		name = snake(s);
		f->sub = record_new(m, name);
		free(name);
	}
	if (mark && !f->array && f->type && f->type->size)
		fail("numbers and uuids cannot be null");
}

static void
field_parse(struct message *m, struct record *r, struct range outer, char *line)
{
	struct field f = { .tag = -1, .in = outer };
	char *s;

	f.name = xstrdup(need(&line, "name"));
	f.cname = snake(f.name);
	type_parse(m, &f, need(&line, "type"));
	while ((s = word(&line))) {
		if (isdigit((unsigned char)*s)) {
			f.in = range_parse(s, outer);
		} else if (!strcmp(s, "tag")) {
			s = need(&line, "tag number");
			f.tag = number(s, strlen(s));
		} else if (!strcmp(s, "plain")) {
			f.plain = true;
		} else if (!strcmp(s, "=")) {
			f.def = xstrdup(need(&line, "default"));
		} else {
			fail("'%s' is not versions, tag, plain or a default", s);
		}
	}
	if (f.null.min <= f.null.max) {
		if (f.null.min < f.in.min)
			f.null.min = f.in.min;
		if (f.null.max > f.in.max)
			f.null.max = f.in.max;
	}
	if (f.sub && !f.array && f.null.min <= f.null.max &&
		((!f.def && f.tag < 0) || f.null.min > f.in.min || f.null.max < f.in.max))
		fail("a struct can be null in all its versions, by default or in a tag");
	if (f.def && (!strcmp(f.def, "null") ? f.null.min > f.null.max :
		f.array || !f.type || !f.type->size))
		fail("'%s' cannot be the default of this type", f.def);
	if (f.tag >= 0 && f.in.min < m->flexible)
		fail("tagged before the first flexible version");
	if (f.tag >= 0 && f.type && !strcmp(f.type->name, "records"))
		fail("records cannot be tagged");
	r->fields = xreallocarray(r->fields, r->n + 1, sizeof(f));
	r->fields[r->n++] = f;
}

/* Strips comment and end of line; the depth of indentation, -1 = empty. */
static int
line_clean(char *line)
{
	char *end = line + strcspn(line, "#\n");
	int spaces = (int)strspn(line, " ");

	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	if (strchr(line, '\t'))
		fail("a tab: two spaces a level, please");
	if (!line[0])
		return -1;
	if (spaces % 2)
		fail("indented by %d spaces, not by two a level", spaces);
	return spaces / 2;
}

enum { DEPTH = 8 };

void
msg_read(struct message *m, const char *path)
{
	struct record *open[DEPTH];
	struct range in[DEPTH];
	char line[512];
	int top = -1; /* fields may come at depths 0 to top */
	FILE *f = fopen(path, "r");

	m->path = path;
	at_path = path;
	at_line = 0;
	if (!f)
		fail("%s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		struct field *last;
		int depth;

		at_line++;
		depth = line_clean(line);
		if (depth < 0)
			continue;
		if (top < 0) {
			head_parse(m, line);
			open[0] = m->records[0];
			in[0] = m->in;
			top = 0;
			continue;
		}
		if (depth > top)
			fail("indented too far");
		field_parse(m, open[depth], in[depth], line);
		last = &open[depth]->fields[open[depth]->n - 1];
		top = depth;
		if (last->sub) {
			if (++top == DEPTH)
				fail("nested too deeply");
			open[top] = last->sub;
			in[top] = last->in;
		}
	}
	fclose(f);
	if (top < 0)
		fail("no message in here");
	for (size_t i = 0; i < m->n; i++)
		if (!m->records[i]->n && i)
			fail("struct %s has no fields", m->records[i]->cname);
}
