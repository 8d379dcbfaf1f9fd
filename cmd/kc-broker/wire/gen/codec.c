#include "gen.h"

#include <stdio.h>
#include <string.h>

/*
 * "version >= 3 && version <= 7 && " or "" when the versions of the struct
 * say so already. Never more than this fits; the buffers are per call.
 */
struct cond {
	char text[64];
};

static struct cond
cond_and(struct range r, struct range outer)
{
	struct cond c = { "" };
	int n = 0;

	if (r.min > outer.min)
		n = snprintf(c.text, sizeof(c.text), "version >= %d && ", r.min);
	if (r.max < outer.max)
		snprintf(c.text + n, sizeof(c.text) - (size_t)n,
			"version <= %d && ", r.max);
	return c;
}

/* The same as an expression of its own. */
static struct cond
cond(struct range r, struct range outer)
{
	struct cond c = { "false" };

	if (r.min > r.max || r.min > outer.max)
		return c;
	c = cond_and(r, outer);
	if (!c.text[0])
		return (struct cond){ "true" };
	c.text[strlen(c.text) - strlen(" && ")] = '\0';
	return c;
}

static struct range
flexible(const struct message *m)
{
	return (struct range){ m->flexible, m->in.max };
}

/* Bytes that the smallest such value takes in a version. */
static int value_min(const struct message *m, const struct field *f, int version);

static int
record_min(const struct message *m, const struct record *r, int version)
{
	int n = version >= m->flexible; /* the count of tags */

	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		if (f->tag < 0 && version >= f->in.min && version <= f->in.max)
			n += value_min(m, f, version);
	}
	return n;
}

static int
value_min(const struct message *m, const struct field *f, int version)
{
	if (is_optional(f))
		return 1;
	if (!f->array && f->sub)
		return record_min(m, f->sub, version);
	if (!f->array && f->type->size)
		return f->type->size;
	if (version >= m->flexible && !f->plain)
		return 1;
	return !f->array && !strcmp(f->type->name, "string") ? 2 : 4;
}

/* The smallest item over the versions of r that the message has; 0 = none. */
static int
item_min(const struct message *m, const struct field *f, int from, int to)
{
	struct field item = *f;
	int min = 0;

	item.array = false;
	for (int v = from; v <= to; v++) {
		int n = value_min(m, &item, v);

		if (!n)
			die("items of %s can have no bytes", f->name);
		if (!min || n < min)
			min = n;
	}
	return min;
}

static bool
is_slice(const struct field *f)
{
	return !f->array && f->type && !strcmp(f->type->ctype, "struct slice");
}

static void
put_init(struct buf *c, const struct record *r)
{
	buf_addf(c, "\nvoid\n%s_init(struct %s *m)\n{\n"
		"\t*m = (struct %s){ 0 };\n", r->cname, r->cname, r->cname);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		if (f->array && is_null_default(f))
			buf_addf(c, "\tm->%s_n = -1;\n", f->cname);
		else if (f->sub && !f->array && !is_optional(f))
			buf_addf(c, "\t%s_init(&m->%s);\n", f->sub->cname, f->cname);
		else if (is_slice(f) && !is_null_default(f))
			buf_addf(c, "\tm->%s = slice_make(\"\", 0);\n", f->cname);
		else if (f->def && !is_null_default(f))
			buf_addf(c, "\tm->%s = %s;\n", f->cname, f->def);
	}
	buf_addstr(c, "}\n");
}

/* The arguments "flexible, nullable" of the calls that take them. */
static void
put_flags(struct buf *c, const struct message *m, const struct field *f, bool nullable)
{
	struct range in = f->in;

	buf_addf(c, ", %s", f->plain ? "false" : cond(flexible(m), in).text);
	if (nullable)
		buf_addf(c, ", %s", cond(f->null, in).text);
}

/* "flex ? a : b": what one item takes at least */
static void
put_item_min(struct buf *c, const struct message *m, const struct field *f)
{
	int last_old = f->in.max < m->flexible ? f->in.max : m->flexible - 1;
	int first_new = f->in.min < m->flexible ? m->flexible : f->in.min;
	int a = item_min(m, f, first_new, f->in.max);
	int b = item_min(m, f, f->in.min, last_old);

	if (a && b && a != b)
		buf_addf(c, ", version >= %d ? %d : %d", m->flexible, a, b);
	else
		buf_addf(c, ", %d", a ? a : b);
}

/* One value, read from r ("r" or "&t"), to m->where. */
static void
put_read_value(struct buf *c, const struct message *m, const struct field *f,
	const char *r, const char *where, const char *tabs)
{
	if (f->sub) {
		buf_addf(c, "%sread_%s(%s, version, &m->%s);\n", tabs,
			f->sub->cname, r, where);
		return;
	}
	/* records come in one piece, as bytes do */
	if (!strcmp(f->type->name, "records"))
		buf_addf(c, "%sm->%s.mem = wire_get_bytes(%s", tabs, where, r);
	else
		buf_addf(c, "%sm->%s = wire_get_%s(%s", tabs, where,
			f->type->name, r);
	if (!f->type->size) {
		struct field item = *f;

		if (f->array) /* the array may be null, its items not */
			item.null = (struct range){ 1, 0 };
		put_flags(c, m, &item, true);
	}
	buf_addstr(c, ");\n");
}

/* A struct that may be null, but is there by default: in a tag that is absent. */
static bool
is_made(const struct field *f)
{
	return is_optional(f) && !is_null_default(f);
}

static void
put_read_field(struct buf *c, const struct message *m, const struct field *f,
	const char *r, const char *tabs)
{
	char deeper[8], item[128];

	if (is_optional(f)) {
		/* In a tag null is 0, elsewhere it is -1. */
		buf_addf(c, "%sif (wire_get_int8(%s) %s 0) {\n"
			"%s\tm->%s = arena_alloc(r->arena, sizeof(*m->%s));\n"
			"%s\tread_%s(%s, version, m->%s);\n%s}%s", tabs, r,
			f->tag >= 0 ? ">" : ">=", tabs, f->cname, f->cname, tabs,
			f->sub->cname, r, f->cname, tabs,
			is_made(f) ? " else {\n" : "\n");
		if (is_made(f))
			buf_addf(c, "%s\tm->%s = NULL;\n%s}\n", tabs, f->cname, tabs);
		return;
	}
	if (!f->array) {
		put_read_value(c, m, f, r, f->cname, tabs);
		return;
	}
	snprintf(deeper, sizeof(deeper), "%s\t", tabs);
	snprintf(item, sizeof(item), "%s[i]", f->cname);
	buf_addf(c, "%sm->%s_n = wire_get_count(%s", tabs, f->cname, r);
	put_flags(c, m, f, true);
	put_item_min(c, m, f);
	buf_addf(c, ");\n%sif (m->%s_n > 0)\n%sm->%s = arena_array(r->arena,"
		" (size_t)m->%s_n, sizeof(*m->%s));\n", tabs, f->cname, deeper,
		f->cname, f->cname, f->cname);
	buf_addf(c, "%sfor (int32_t i = 0; i < m->%s_n%s; i++)\n",
		tabs, f->cname, *r == '&' ? " && !t.bad" : " && !r->bad");
	put_read_value(c, m, f, r, item, deeper);
}

/* "if (...) {" and more tabs when the field is not in every version. */
static const char *
put_if(struct buf *c, struct range in, struct range outer)
{
	struct cond when = cond(in, outer);

	if (!strcmp(when.text, "true"))
		return "\t";
	buf_addf(c, "\tif (%s) {\n", when.text);
	return "\t\t";
}

static void
put_end_if(struct buf *c, const char *tabs)
{
	if (tabs[1])
		buf_addstr(c, "\t}\n");
}

static void
put_read_tags(struct buf *c, const struct message *m, const struct record *r,
	struct range in)
{
	struct range flex = flexible(m);
	bool any = false;
	const char *tabs;

	if (flex.min > in.max)
		return;
	for (size_t i = 0; i < r->n; i++)
		any |= r->fields[i].tag >= 0;
	tabs = put_if(c, flex, in);
	if (!any) {
		buf_addf(c, "%swire_skip_tags(r);\n", tabs);
		put_end_if(c, tabs);
		return;
	}
	buf_addf(c, "%sstruct wire_reader t;\n%suint32_t tag;\n\n"
		"%sfor (uint32_t n = wire_get_uvarint(r); n"
		" && wire_get_tag(r, &tag, &t); n--) {\n%s\t",
		tabs, tabs, tabs, tabs);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];
		char deeper[8];

		if (f->tag < 0)
			continue;
		snprintf(deeper, sizeof(deeper), "%s\t\t", tabs);
		buf_addf(c, "if (%stag == %d) {\n", cond_and(f->in, flex).text, f->tag);
		put_read_field(c, m, f, "&t", deeper);
		buf_addf(c, "%swire_end_tag(r, &t);\n%s\t} else ", deeper, tabs);
	}
	c->len -= strlen(" else ");
	buf_addf(c, "\n%s}\n", tabs);
	put_end_if(c, tabs);
}

static void
put_function(struct buf *c, const char *verb, const char *how,
	const char *constant, const struct record *r, struct buf *body)
{
	const char *text = buf_cstr(body);

	buf_addf(c, "\nstatic void\n%s_%s(struct wire_%s, int16_t version,"
		" %sstruct %s *m)\n{\n", verb, r->cname, how, constant, r->cname);
	if (!strstr(text, " version,") && !strstr(text, "version >=") &&
		!strstr(text, "version <="))
		buf_addstr(c, "\t(void)version;\n");
	if (!r->n)
		buf_addstr(c, "\t(void)m;\n");
	buf_addslice(c, buf_slice(body));
	buf_addstr(c, "}\n");
	buf_release(body);
}

/* Children first, so that no prototypes are needed. */
static void
put_read(struct buf *c, const struct message *m, const struct record *r, struct range in)
{
	struct buf body = BUF_INIT;

	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].sub)
			put_read(c, m, r->fields[i].sub, r->fields[i].in);
	buf_addf(&body, "\t%s_init(m);\n", r->cname);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		if (is_made(f))
			buf_addf(&body, "\tm->%s = arena_alloc(r->arena, sizeof(*m->%s));\n"
				"\t%s_init(m->%s);\n", f->cname, f->cname,
				f->sub->cname, f->cname);
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];
		const char *tabs;

		if (f->tag >= 0)
			continue;
		tabs = put_if(&body, f->in, in);
		put_read_field(&body, m, f, "r", tabs);
		put_end_if(&body, tabs);
	}
	put_read_tags(&body, m, r, in);
	put_function(c, "read", "reader *r", "", r, &body);
}

static void
put_write_value(struct buf *c, const struct message *m, const struct field *f,
	const char *where, const char *tabs)
{
	bool records;

	if (f->sub) {
		buf_addf(c, "%swrite_%s(w, version, &m->%s);\n", tabs,
			f->sub->cname, where);
		return;
	}
	buf_addf(c, "%swire_put_%s(w", tabs, f->type->name);
	records = !strcmp(f->type->name, "records");
	if (!f->type->size) {
		struct field item = *f;

		if (f->array)
			item.null = (struct range){ 1, 0 };
		put_flags(c, m, &item, !records);
	}
	buf_addf(c, ", %sm->%s);\n",
		records || !strcmp(f->type->name, "uuid") ? "&" : "", where);
}

static void
put_write_field(struct buf *c, const struct message *m, const struct field *f,
	const char *tabs)
{
	char deeper[8], item[128];

	if (is_optional(f)) {
		buf_addf(c, "%swire_put_int8(w, m->%s ? 1 : %d);\n%sif (m->%s)\n"
			"%s\twrite_%s(w, version, m->%s);\n", tabs, f->cname,
			f->tag >= 0 ? 0 : -1, tabs, f->cname, tabs, f->sub->cname,
			f->cname);
		return;
	}
	if (!f->array) {
		put_write_value(c, m, f, f->cname, tabs);
		return;
	}
	snprintf(deeper, sizeof(deeper), "%s\t", tabs);
	snprintf(item, sizeof(item), "%s[i]", f->cname);
	buf_addf(c, "%swire_put_count(w", tabs);
	put_flags(c, m, f, true);
	buf_addf(c, ", m->%s_n);\n%sfor (int32_t i = 0; i < m->%s_n; i++)\n",
		f->cname, tabs, f->cname);
	put_write_value(c, m, f, item, deeper);
}

/* "(a || b)": true when the value is not its default and must be sent. */
static void
put_differs(struct buf *c, const struct field *f, const char *prefix)
{
	char at[128], inner[160];

	snprintf(at, sizeof(at), "%s%s", prefix, f->cname);
	if (f->array) {
		buf_addf(c, "%s_n != %d", at, is_null_default(f) ? -1 : 0);
	} else if (is_optional(f) && is_null_default(f)) {
		buf_addf(c, "%s != NULL", at);
	} else if (f->sub) {
		snprintf(inner, sizeof(inner), "%s%s", at, is_optional(f) ? "->" : ".");
		buf_addc(c, '(');
		if (is_optional(f))
			buf_addf(c, "!%s || ", at);
		for (size_t i = 0; i < f->sub->n; i++) {
			if (i)
				buf_addstr(c, " || ");
			put_differs(c, &f->sub->fields[i], inner);
		}
		buf_addc(c, ')');
	} else if (is_slice(f)) {
		if (is_null_default(f))
			buf_addf(c, "%s.data", at);
		else
			buf_addf(c, "(!%s.data || %s.len)", at, at);
	} else if (!strcmp(f->type->name, "uuid")) {
		buf_addf(c, "!uuid_is_zero(&%s)", at);
	} else {
		buf_addf(c, "%s != %s", at, f->def ? f->def : "0");
	}
}

/* The field with the next higher tag, NULL = none: on the wire they ascend. */
static const struct field *
next_tag(const struct record *r, int tag)
{
	const struct field *next = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].tag > tag && (!next || r->fields[i].tag < next->tag))
			next = &r->fields[i];
	return next;
}

static void
put_write_tags(struct buf *c, const struct message *m, const struct record *r,
	struct range in)
{
	struct range flex = flexible(m);
	const char *tabs, *sum = "";

	if (flex.min > in.max)
		return;
	tabs = put_if(c, flex, in);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		if (f->tag < 0)
			continue;
		buf_addf(c, "%sbool tag%d = %s", tabs, f->tag,
			cond_and(f->in, flex).text);
		put_differs(c, f, "m->");
		buf_addstr(c, ";\n");
	}
	buf_addf(c, "\n%swire_put_uvarint(w, (uint32_t)(", tabs);
	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].tag >= 0) {
			buf_addf(c, "%stag%d", sum, r->fields[i].tag);
			sum = " + ";
		}
	buf_addf(c, "%s));\n", *sum ? "" : "0");
	for (const struct field *f = next_tag(r, -1); f; f = next_tag(r, f->tag)) {
		char deeper[8];

		snprintf(deeper, sizeof(deeper), "%s\t", tabs);
		buf_addf(c, "%sif (tag%d) {\n%ssize_t at = wire_open_tag(w, %d);\n\n",
			tabs, f->tag, deeper, f->tag);
		put_write_field(c, m, f, deeper);
		buf_addf(c, "%swire_close_tag(w, at);\n%s}\n", deeper, tabs);
	}
	put_end_if(c, tabs);
}

static void
put_write(struct buf *c, const struct message *m, const struct record *r, struct range in)
{
	struct buf body = BUF_INIT;

	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].sub)
			put_write(c, m, r->fields[i].sub, r->fields[i].in);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];
		const char *tabs;

		if (f->tag >= 0)
			continue;
		tabs = put_if(&body, f->in, in);
		put_write_field(&body, m, f, tabs);
		put_end_if(&body, tabs);
	}
	put_write_tags(&body, m, r, in);
	put_function(c, "write", "writer *w", "const ", r, &body);
}

void
put_codec(struct buf *c, const struct message *m)
{
	for (size_t i = 0; i < m->n; i++)
		put_init(c, m->records[i]);
	put_read(c, m, m->records[0], m->in);
	put_write(c, m, m->records[0], m->in);

	buf_addf(c, "\nint\n%s_read(struct wire_reader *r, int16_t version,"
		" struct %s *m)\n{\n", m->cname, m->cname);
	buf_addf(c, "\tif (version < %d || version > %d)\n\t\tr->bad = true;\n",
		m->in.min, m->in.max);
	buf_addf(c, "\tread_%s(r, version, m);\n\treturn r->bad ? -1 : 0;\n}\n",
		m->cname);
	buf_addf(c, "\nvoid\n%s_write(struct wire_writer *w, int16_t version,"
		" const struct %s *m)\n{\n", m->cname, m->cname);
	buf_addf(c, "\tif (version < %d || version > %d)\n\t\tw->bad = true;\n",
		m->in.min, m->in.max);
	buf_addf(c, "\twrite_%s(w, version, m);\n}\n", m->cname);
}
