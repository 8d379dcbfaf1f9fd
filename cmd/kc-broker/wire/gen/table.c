#include "gen.h"

#include <stdio.h>
#include <string.h>

/* The types of the rows are those of wire/schema.h. */
static void
put_record(struct buf *t, const struct record *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].sub)
			put_record(t, r->fields[i].sub);
	buf_addf(t, "\nstatic void\n%s_init_any(void *m)\n{\n\t%s_init(m);\n}\n",
		r->cname, r->cname);
	buf_addf(t, "static const struct any_field %s_fields[] = {\n", r->cname);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->fields[i];

		buf_addf(t, "\t{ .name = \"%s\", .at = offsetof(struct %s, %s)",
			f->name, r->cname, f->cname);
		buf_addf(t, ", .min = %d, .max = %d, .null_min = %d, .null_max = %d",
			f->in.min, f->in.max, f->null.min, f->null.max);
		buf_addf(t, ", .tag = %d, .plain = %d", f->tag, f->plain);
		if (f->array)
			buf_addf(t, ", .array = true, .count_at ="
				" offsetof(struct %s, %s_n)", r->cname, f->cname);
		if (is_optional(f))
			buf_addstr(t, ", .optional = true");
		if (is_null_default(f))
			buf_addstr(t, ", .def_null = true");
		else if (f->def)
			buf_addf(t, ", .def = %s", f->def);
		if (f->sub)
			buf_addf(t, ", .type = ANY_struct, .size = sizeof(struct %s),"
				" .sub = &%s_any", f->sub->cname, f->sub->cname);
		else
			buf_addf(t, ", .type = ANY_%s, .size = sizeof(%s)",
				f->type->name, f->type->ctype);
		buf_addstr(t, " },\n");
	}
	buf_addf(t, "\t{ 0 }\n};\nstatic const struct any_struct %s_any = {"
		" %s_fields, %zu, %s_init_any };\n", r->cname, r->cname, r->n,
		r->cname);
}

void
put_fields(struct buf *t, const struct message *m)
{
	put_record(t, m->records[0]);
	buf_addf(t, "static int\n%s_read_any(struct wire_reader *r, int16_t version,"
		" void *m)\n{\n\treturn %s_read(r, version, m);\n}\n",
		m->cname, m->cname);
	buf_addf(t, "static void\n%s_write_any(struct wire_writer *w, int16_t version,"
		" const void *m)\n{\n\t%s_write(w, version, m);\n}\n",
		m->cname, m->cname);
}

void
put_messages(struct buf *t, const struct message *m, size_t n)
{
	buf_addstr(t, "\nstatic const struct any_message any_messages[] = {\n");
	for (size_t i = 0; i < n; i++, m++)
		buf_addf(t, "\t{ \"%s\", \"%s\", %d, %d, %d, %d, sizeof(struct %s),"
			" &%s_any, %s_read_any, %s_write_any },\n",
			m->name, m->kind, m->key, m->in.min, m->in.max,
			m->flexible, m->cname, m->cname, m->cname, m->cname);
	buf_addstr(t, "};\n");
}
