/* group_members.c - kc-lag members: who is in a group, and what each has. */
#include <string.h>

#include "cli/diag.h"
#include "cli/json.h"
#include "cli/term.h"
#include "kafka/group_find.h"
#include "kafka/group_ops.h"

/* One past the partitions of the topic that i has. */
static int
topic_end(const struct group_member *m, int i)
{
	int k = i;

	while (k < m->assigned_n &&
	    !strcmp(m->assigned[k].topic, m->assigned[i].topic))
		k++;
	return k;
}

static void
put_json(struct buf *out, const struct group *g, const struct group_member *m)
{
	struct json *j = json_object(), *topics = json_array();

	json_add_str(j, "group", g->name);
	json_add_str(j, "state", g->state);
	json_add_str(j, "protocol", g->protocol);
	json_add_str(j, "member", m->id);
	if (m->instance_id)
		json_add_str(j, "instance_id", m->instance_id);
	json_add_str(j, "client_id", m->client_id);
	json_add_str(j, "host", m->host);
	for (int i = 0, end; i < m->assigned_n; i = end) {
		struct json *t = json_object(), *ids = json_array();

		end = topic_end(m, i);
		for (int k = i; k < end; k++)
			json_add_int(ids, NULL, m->assigned[k].partition);
		json_add_str(t, "topic", m->assigned[i].topic);
		json_add(t, "partitions", ids);
		json_add(topics, NULL, t);
	}
	json_add(j, "assigned", topics);
	json_print(out, j);
	json_free(j);
}

/* "orders:0-2,5 payments:1" */
static void
put_assigned(struct buf *out, const struct group_member *m)
{
	for (int i = 0, end; i < m->assigned_n; i = end) {
		end = topic_end(m, i);
		buf_addf(out, "%s%s:", i ? " " : "", m->assigned[i].topic);
		for (int k = i, last; k < end; k = last + 1) {
			for (last = k; last + 1 < end && m->assigned[last + 1].partition
			    == m->assigned[last].partition + 1; last++)
				;
			buf_addf(out, "%s%d", k > i ? "," : "",
				(int)m->assigned[k].partition);
			if (last > k)
				buf_addf(out, "-%d", (int)m->assigned[last].partition);
		}
	}
}

static void
put_row(struct out_table *t, const struct group *g, const struct group_member *m)
{
	struct buf assigned = BUF_INIT;

	put_assigned(&assigned, m);
	out_table_cell(t, "%s", g->name);
	out_table_cell(t, "%s", m->id);
	out_table_cell(t, "%s", m->instance_id ? m->instance_id : "-");
	out_table_cell(t, "%s", m->client_id);
	out_table_cell(t, "%s", m->host);
	out_table_cell(t, "%d", m->assigned_n);
	out_table_cell(t, "%s", assigned.len ? buf_cstr(&assigned) : "-");
	buf_release(&assigned);
}

/* What a group without rows is; -1 when nobody can tell. */
static int
tell(const struct group *g, const struct groups *all, struct err *e)
{
	if (g->why) {
		*e = *g->why;
		return err_wrap(e, "group '%s'", g->name);
	}
	if (!group_exists(g))
		return group_missing(all, g->name, ERR_NO, e);
	if (g->members_n < 0)
		return err_set(e, ERR_UNSUPPORTED, "group '%s' is a %s group%s%s: "
			"librdkafka %s cannot name its members", g->name,
			group_is_share(g) ? "share or streams" : "new protocol's",
			*g->state ? ", " : "", g->state,
			client_library_version());
	if (!g->members_n)
		diag_note("group '%s' has no members (%s)", g->name, g->state);
	return 0;
}

int
group_members(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	static const char *const columns[] = { "GROUP", "MEMBER", "INSTANCE",
		"CLIENT", "HOST", "PARTITIONS", "ASSIGNED" };
	struct groups found = { 0 };
	struct out_table *table;
	struct err why = ERR_INIT;
	int ret;

	if (ops->open(ops, e) ||
	    group_find(ops->client, argv, argc, ops->timeout_ms, &found, e)) {
		groups_release(&found);
		return -1;
	}
	table = out_table_new(columns, 7);
	out_table_right(table, 5);
	for (int i = 0; i < found.n; i++) {
		const struct group *g = &found.items[i];
		struct err one = ERR_INIT;

		if (tell(g, &found, &one)) {
			if (why.code)
				diag_error("%s", why.msg);
			why = one;
		}
		for (int k = 0; k < g->members_n; k++)
			if (ops->json)
				put_json(&ops->out->buf, g, &g->members[k]);
			else
				put_row(table, g, &g->members[k]);
	}
	if (argc && !found.n)
		err_set(&why, ERR_NO, "no group has such a name (kc-lag list shows "
			"all)");
	ret = ops->json ? 0 : out_table_print(table, ops->out,
		term_is_tty(ops->out->fd), e);
	out_table_free(table);
	groups_release(&found);
	if (ret || !why.code)
		return ret;
	*e = why;
	return -1;
}
