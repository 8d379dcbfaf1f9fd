#include "kafka/group_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/file.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/group_plan.h"

int
group_change_next(const struct reset_plan *p, int i)
{
	int k = i;

	while (k < p->n && !strcmp(p->rows[k].group, p->rows[i].group))
		k++;
	return k;
}

int
group_change_show(struct group_ops *ops, const struct reset_plan *p,
	struct err *e)
{
	if (ops->json)
		group_plan_json(&ops->out->buf, p, true);
	else if (p->n && group_plan_table(ops->out, p, e))
		return -1;
	return out_flush(ops->out, e);
}

/* ---- before ----------------------------------------------------------------- */

static int
check_members(struct group_ops *ops, const struct reset_plan *p, struct err *e)
{
	char **names = xcalloc((size_t)p->n, sizeof(*names));
	struct groups found = { 0 };
	int n = 0, ret;

	for (int i = 0; i < p->n; i = group_change_next(p, i))
		names[n++] = (char *)(uintptr_t)p->rows[i].group;
	ret = n ? group_find(ops->client, names, n, ops->timeout_ms, &found, e) : 0;
	for (int i = 0; !ret && i < found.n; i++)
		ret = group_check_idle(&found.items[i], e);
	groups_release(&found);
	free(names);
	return ret;
}

static void
put_offset(char out[32], int64_t offset)
{
	if (offset < 0)
		snprintf(out, 32, "no offset");
	else
		snprintf(out, 32, "offset %" PRId64, offset);
}

static int
stale(const struct reset_row *row, int64_t seen, struct err *e)
{
	char now[32], then[32];

	put_offset(now, row->from);
	put_offset(then, seen);
	return err_set(e, ERR_REFUSED, "the plan is stale: group '%s' is at %s of "
		"'%s' [%d], and was at %s (nothing is changed; make the plan again)",
		row->group, now, row->topic, (int)row->partition, then);
}

static int
compare(struct group_ops *ops, struct reset_plan *p, int from, int to,
	struct err *e)
{
	struct group_offsets now = { 0 };
	int ret = group_offsets_get(ops->client, p->rows[from].group,
		ops->timeout_ms, &now, e);

	for (int i = from; !ret && i < to; i++) {
		struct reset_row *row = &p->rows[i];
		const struct group_offset *o = group_offsets_find(&now,
			row->topic, row->partition);
		int64_t seen = row->from;

		if (!row->moves)
			continue;
		reset_compare(row, o ? o->offset : -1);
		if (!row->moves)
			ret = stale(row, seen, e);
	}
	group_offsets_release(&now);
	return ret;
}

int
group_change_compare(struct group_ops *ops, struct reset_plan *p, struct err *e)
{
	for (int i = 0; i < p->n; i++)
		if (p->rows[i].note == RESET_STALE)
			return stale(&p->rows[i], p->rows[i].expected, e);
	for (int i = 0; i < p->n; i = group_change_next(p, i))
		if (compare(ops, p, i, group_change_next(p, i), e))
			return -1;
	return 0;
}

int
group_change_check(struct group_ops *ops, struct reset_plan *p, struct err *e)
{
	return check_members(ops, p, e) || group_change_compare(ops, p, e) ? -1 : 0;
}

/* "lag/undo-NAME-20260115T100000.123Z.jsonl", of what file names may be. */
static void
undo_name(struct buf *out, const char *name)
{
	char time[NUM_TIME_TEXT];

	num_time_text(clock_wall_ms(clock_system()), time);
	buf_addstr(out, "lag/undo-");
	for (const char *p = name; *p && p - name < 100; p++)
		buf_addc(out, strchr("/ \\'\"", *p) || (unsigned char)*p < ' ' ?
			'_' : *p);
	buf_addc(out, '-');
	for (const char *p = time; *p; p++)
		if (*p != ':' && (*p != '-'))
			buf_addc(out, *p);
	buf_addstr(out, ".jsonl");
}

int
group_change_undo(struct group_ops *ops, const struct reset_plan *p,
	const char *name, struct buf *path, struct err *e)
{
	struct reset_plan undo = { 0 };
	struct buf text = BUF_INIT, file = BUF_INIT;
	int ret = 0;

	reset_undo(p, &undo);
	group_plan_json(&text, &undo, true);
	if (ops->o->undo) {
		buf_addstr(path, ops->o->undo);
	} else {
		undo_name(&file, name);
		if (conf_state_path(path, buf_cstr(&file), e))
			ret = err_wrap(e, "no place for the undo (--undo FILE)");
	}
	if (!ret)
		ret = file_create(buf_cstr(path), buf_slice(&text), e);
	reset_release(&undo);
	buf_release(&text);
	buf_release(&file);
	return ret;
}

/* ---- writing ---------------------------------------------------------------- */

static int
tell_failures(const char *group, const struct group_offsets *l)
{
	int n = 0;

	for (int i = 0; i < l->n; i++)
		if (l->items[i].why) {
			diag_error("group '%s': '%s' [%d]: %s", group,
				l->items[i].topic, (int)l->items[i].partition,
				l->items[i].why->msg);
			n++;
		}
	return n;
}

/* Sets, or forgets, the offsets of one group. */
static int
write_group(struct group_ops *ops, const struct reset_plan *p, int from, int to,
	bool forget, struct err *e)
{
	const char *group = p->rows[from].group;
	struct group_offsets l = { 0 };
	int ret = 0;

	for (int i = from; i < to; i++) {
		const struct reset_row *row = &p->rows[i];

		if (row->moves && forget == (row->to < 0))
			group_offsets_add(&l, slice_str(row->topic),
				row->partition, row->to, row->to_metadata);
	}
	if (l.n)
		ret = (forget ? group_offsets_delete : group_offsets_set)
			(ops->client, group, &l, ops->timeout_ms, e);
	if (ret) {
		if (e->code == ERR_PARTIAL)
			tell_failures(group, &l);
		err_wrap(e, "group '%s'", group);
	}
	group_offsets_release(&l);
	return ret;
}

int
group_change_write(struct group_ops *ops, const struct reset_plan *p,
	struct err *e)
{
	int groups = 0, failed = 0;

	for (int i = 0, next; i < p->n; i = next) {
		struct err why = ERR_INIT;

		next = group_change_next(p, i);
		groups++;
		if (!write_group(ops, p, i, next, false, &why) &&
		    !write_group(ops, p, i, next, true, &why))
			continue;
		if (failed++)
			diag_error("%s", e->msg);
		*e = why;
	}
	if (!failed)
		return 0;
	if (groups > 1) {
		diag_error("%s", e->msg);
		return err_set(e, failed < groups ? ERR_PARTIAL : e->code,
			"%d of %d groups failed", failed, groups);
	}
	return -1;
}
