/* group_export.c - kc-lag export: committed offsets as lines, for import. */
#include "cli/diag.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/group_ops.h"
#include "kafka/group_plan.h"

static int
export_group(struct group_ops *ops, const char *name, bool with_group,
	struct err *e)
{
	struct group_offsets now = { 0 };
	struct buf *out = &ops->out->buf;
	int ret = group_offsets_get(ops->client, name, ops->timeout_ms, &now, e);

	for (int i = 0; !ret && i < now.n; i++) {
		const struct group_offset *o = &now.items[i];

		if (ops->o->csv)
			reset_write_csv(out, with_group ? name : NULL, o->topic,
				o->partition, o->offset);
		else
			group_plan_export(out, name, o->topic, o->partition,
				o->offset, o->metadata);
	}
	group_offsets_release(&now);
	return ret ? err_wrap(e, "group '%s'", name) :
		out_maybe_flush(ops->out, e);
}

/* Kafka's script leaves the group out where there is one. */
int
group_export(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	bool with_group = argc != 1 || argv[0][0] == '^';
	struct groups found = { 0 };
	struct err missing = ERR_INIT;
	int ret = ops->open(ops, e) || group_find(ops->client, argv, argc,
		ops->timeout_ms, &found, e) ? -1 : 0;

	for (int i = 0; !ret && i < found.n; i++) {
		const struct group *g = &found.items[i];

		if (!group_exists(g))
			group_missing(&found, g->name, ERR_NO, &missing);
		else if (group_is_share(g))
			diag_verbose(argc ? 0 : 1, "group '%s' is a share or streams "
				"group: it has committed nothing", g->name);
		else
			ret = export_group(ops, g->name, with_group, e);
	}
	if (!ret && argc && !found.n)
		err_set(&missing, ERR_NO, "no group has such a name (kc-lag list "
			"shows all)");
	groups_release(&found);
	if (ret || !missing.code)
		return ret;
	*e = missing;
	return -1;
}
