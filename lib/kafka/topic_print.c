#include "kafka/topic_print.h"

#include <inttypes.h>

#include "cli/json.h"
#include "cli/term.h"

int
topic_print_replicas(const struct admin_topic *t)
{
	return t->partitions_n ? t->partitions[0].replicas_n : 0;
}

static bool
is_shown(const struct admin_config *c, bool all)
{
	return all || c->is_override;
}

static void
ids_text(struct buf *b, const int32_t *ids, int n)
{
	buf_clear(b);
	for (int i = 0; i < n; i++)
		buf_addf(b, "%s%" PRId32, i ? "," : "", ids[i]);
}

static void
add_ids(struct json *to, const char *name, const int32_t *ids, int n)
{
	struct json *list = json_array();

	for (int i = 0; i < n; i++)
		json_add_int(list, NULL, ids[i]);
	json_add(to, name, list);
}

static void
add_offset(struct json *to, const char *name, int64_t offset)
{
	if (offset < 0)
		json_add_null(to, name);
	else
		json_add_int(to, name, offset);
}

void
topic_print_json(struct buf *out, const struct admin_topic *t,
	const struct admin_configs *k, bool all)
{
	struct json *j = json_object(), *partitions = json_array(),
		*configs = json_object();

	json_add_str(j, "topic", t->name);
	for (int i = 0; i < t->partitions_n; i++) {
		const struct admin_partition *p = &t->partitions[i];
		struct json *one = json_object();

		json_add_int(one, "partition", p->id);
		add_offset(one, "leader", p->leader);
		add_ids(one, "replicas", p->replicas, p->replicas_n);
		add_ids(one, "isr", p->isr, p->isr_n);
		add_offset(one, "start", p->start);
		add_offset(one, "end", p->end);
		json_add(partitions, NULL, one);
	}
	json_add(j, "partitions", partitions);
	for (int i = 0; i < k->n; i++)
		if (is_shown(&k->items[i], all))
			json_add_text(configs, k->items[i].name,
				slice_str(k->items[i].value));
	json_add(j, "configs", configs);
	json_print(out, j);
	json_free(j);
}

static int
print_partitions(struct out *o, const struct admin_topic *t, bool tty, struct err *e)
{
	static const char *const columns[] = { "TOPIC", "", "PARTITION", "LEADER",
		"REPLICAS", "ISR", "START", "END" };
	int skip = tty ? 2 : 0, ret;
	struct out_table *table = out_table_new(columns + skip, 8 - skip);
	struct buf ids = BUF_INIT;

	for (int i = 0; i < t->partitions_n; i++) {
		const struct admin_partition *p = &t->partitions[i];

		if (!tty) {
			out_table_cell(table, "%s", t->name);
			out_table_cell(table, "partition");
		}
		out_table_cell(table, "%" PRId32, p->id);
		out_table_cell(table, "%" PRId32, p->leader);
		ids_text(&ids, p->replicas, p->replicas_n);
		out_table_cell(table, "%s", buf_cstr(&ids));
		ids_text(&ids, p->isr, p->isr_n);
		out_table_cell(table, "%s", buf_cstr(&ids));
		out_table_cell(table, "%" PRId64, p->start);
		out_table_cell(table, "%" PRId64, p->end);
	}
	if (tty)
		for (int i = 0; i < 6; i++)
			if (i != 2 && i != 3)
				out_table_right(table, i);
	ret = out_table_print(table, o, tty, e);
	out_table_free(table);
	buf_release(&ids);
	return ret;
}

static int
print_configs(struct out *o, const struct admin_topic *t,
	const struct admin_configs *k, bool all, bool tty, struct err *e)
{
	static const char *const columns[] = { "TOPIC", "", "CONFIG", "VALUE" };
	int skip = tty ? 2 : 0, ret, shown = 0;
	struct out_table *table = out_table_new(columns + skip, 4 - skip);

	for (int i = 0; i < k->n; i++) {
		const struct admin_config *c = &k->items[i];

		if (!is_shown(c, all))
			continue;
		shown++;
		if (!tty) {
			out_table_cell(table, "%s", t->name);
			out_table_cell(table, "config");
		}
		out_table_cell(table, "%s", c->name);
		out_table_cell(table, "%s", c->value ? c->value :
			c->is_sensitive ? "(hidden)" : "");
	}
	if (tty && shown)
		buf_addc(&o->buf, '\n');
	ret = shown ? out_table_print(table, o, tty, e) : 0;
	out_table_free(table);
	return ret;
}

int
topic_print_table(struct out *o, const struct admin_topic *t,
	const struct admin_configs *k, bool all, bool first, struct err *e)
{
	bool tty = term_is_tty(o->fd);
	int64_t records = 0;

	for (int i = 0; i < t->partitions_n; i++)
		if (t->partitions[i].start >= 0)
			records += t->partitions[i].end - t->partitions[i].start;
	if (tty)
		buf_addf(&o->buf, "%s%s: %d partition%s, %d replica%s, offsets "
			"span %" PRId64 "\n\n", first ? "" : "\n", t->name,
			t->partitions_n, t->partitions_n == 1 ? "" : "s",
			topic_print_replicas(t), topic_print_replicas(t) == 1 ? "" : "s", records);
	return print_partitions(o, t, tty, e) || print_configs(o, t, k, all, tty, e)
		? -1 : 0;
}
