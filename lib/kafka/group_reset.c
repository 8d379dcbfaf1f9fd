/*
 * group_reset.c - kc-lag reset and import: what is committed and what the logs
 * have becomes a plan, and the plan is carried out when that is asked for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/file.h"
#include "kafka/admin.h"
#include "kafka/group_change.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/group_plan.h"
#include "kafka/log_offsets.h"

struct job {
	struct group_ops *ops;
	struct reset_target target;
	struct reset_scope *scopes;
	int scopes_n;
	struct admin_topics topics;
	struct reset_plan plan;
};

/* ---- which partitions ------------------------------------------------------- */

static int
parse_scopes(struct job *job, struct err *e)
{
	const struct opt_list *l = &job->ops->o->topics;

	job->scopes = xcalloc((size_t)l->n, sizeof(*job->scopes));
	for (int i = 0; i < l->n; i++, job->scopes_n++)
		if (reset_scope_parse(l->items[i], &job->scopes[i], e))
			return -1;
	return 0;
}

static const struct admin_partition *
find_partition(const struct admin_topics *topics, const char *topic, int32_t id)
{
	const struct admin_topic *t = admin_topics_find(topics, topic);

	/* where it nearly always is */
	if (t && id >= 0 && id < t->partitions_n && t->partitions[id].id == id)
		return &t->partitions[id];
	for (int i = 0; t && i < t->partitions_n; i++)
		if (t->partitions[i].id == id)
			return &t->partitions[i];
	return NULL;
}

/* What is named must be there: who mistypes a topic wants to know. */
static int
check_scope(const struct job *job, const struct reset_scope *s, struct err *e)
{
	char *name = xmemdup0(s->topic.data, s->topic.len);
	struct near near = near_init(s->topic);
	int ret = 0;

	for (int i = 0; i < s->n && !ret; i++)
		if (admin_topics_find(&job->topics, name) &&
		    !find_partition(&job->topics, name, s->partitions[i]))
			ret = err_set(e, ERR_NOT_FOUND, "topic '%s' has no "
				"partition %d", name, (int)s->partitions[i]);
	if (!admin_topics_find(&job->topics, name)) {
		for (int i = 0; i < job->topics.n; i++)
			near_offer(&near, job->topics.items[i].name);
		ret = err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist (%s%s%s)",
			name, near.name ? "did you mean '" : "kc-topics lists them",
			near.name ? near.name : "", near.name ? "'?" : "");
	}
	free(name);
	return ret;
}

static void
set_committed(struct job *job, struct reset_row *row, const struct group_offset *o)
{
	row->from = o->offset;
	row->from_metadata = o->metadata ? arena_copy(&job->plan.arena,
		slice_str(o->metadata)).data : NULL;
}

/* Every partition named, whether the group has committed there or not. */
static void
add_named(struct job *job, const char *group, const struct group_offsets *now)
{
	for (int i = 0; i < job->topics.n; i++) {
		const struct admin_topic *t = &job->topics.items[i];

		for (int k = 0; k < t->partitions_n; k++) {
			int32_t id = t->partitions[k].id;

			if (reset_scopes_have(job->scopes, job->scopes_n,
			    t->name, id) &&
			    !group_offsets_find(now, t->name, id))
				reset_add(&job->plan, slice_str(group),
					slice_str(t->name), id);
		}
	}
}

static int
add_group(struct job *job, const char *group, struct err *e)
{
	struct group_offsets now = { 0 };
	int before = job->plan.n;

	if (group_offsets_get(job->ops->client, group, job->ops->timeout_ms,
	    &now, e)) {
		group_offsets_release(&now);
		return err_wrap(e, "group '%s'", group);
	}
	for (int i = 0; i < now.n; i++) {
		const struct group_offset *o = &now.items[i];

		if (reset_scopes_have(job->scopes, job->scopes_n, o->topic,
		    o->partition))
			set_committed(job, reset_add(&job->plan, slice_str(group),
				slice_str(o->topic), o->partition), o);
	}
	if (job->scopes_n)
		add_named(job, group, &now);
	group_offsets_release(&now);
	if (job->plan.n > before)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "group '%s' has committed nothing "
		"(-t TOPIC sets offsets where there are none)", group);
}

/* Of a file: what is committed now beside what the file has. */
static int
read_committed(struct job *job, struct err *e)
{
	struct reset_plan *p = &job->plan;

	for (int i = 0, next; i < p->n; i = next) {
		struct group_offsets now = { 0 };

		next = group_change_next(p, i);
		if (group_offsets_get(job->ops->client, p->rows[i].group,
		    job->ops->timeout_ms, &now, e)) {
			group_offsets_release(&now);
			return err_wrap(e, "group '%s'", p->rows[i].group);
		}
		for (int k = i; k < next; k++) {
			const struct group_offset *o = group_offsets_find(&now,
				p->rows[k].topic, p->rows[k].partition);

			if (o)
				set_committed(job, &p->rows[k], o);
		}
		group_offsets_release(&now);
	}
	return 0;
}

/* ---- what the logs have ----------------------------------------------------- */

enum field { START, END, FOUND };

static int64_t *
field_of(struct reset_row *row, enum field f)
{
	return f == START ? &row->start : f == END ? &row->end : &row->found;
}

/* Each partition is asked for once, whatever number of groups has it. */
static int
by_partition(const void *a, const void *b)
{
	const struct log_place *x = a, *y = b;
	int way = strcmp(x->topic, y->topic);

	return way ? way : (x->partition > y->partition) -
		(x->partition < y->partition);
}

static int
ask_logs(struct job *job, int64_t time, enum field f, struct err *e)
{
	struct reset_plan *p = &job->plan;
	struct log_place *places = xcalloc((size_t)p->n, sizeof(*places));
	int n = 0, kept = 0, ret;

	for (int i = 0; i < p->n; i++) {
		const struct admin_partition *at = find_partition(&job->topics,
			p->rows[i].topic, p->rows[i].partition);

		p->rows[i].is_gone = !at;
		if (at && at->leader >= 0)
			places[n++] = (struct log_place){
				.topic = p->rows[i].topic, .partition = at->id };
	}
	if (n)
		qsort(places, (size_t)n, sizeof(*places), by_partition);
	for (int i = 0; i < n; i++)
		if (!kept || by_partition(&places[i], &places[kept - 1]))
			places[kept++] = places[i];
	ret = log_offsets(job->ops->client, places, kept, time,
		job->ops->timeout_ms, e);
	for (int i = 0; !ret && kept && i < p->n; i++) {
		struct log_place want = { .topic = p->rows[i].topic,
			.partition = p->rows[i].partition };
		const struct log_place *at = bsearch(&want, places, (size_t)kept,
			sizeof(want), by_partition);

		if (at)
			*field_of(&p->rows[i], f) = at->offset;
	}
	free(places);
	return ret;
}

static int
ask_other_group(struct job *job, struct err *e)
{
	struct group_offsets other = { 0 };

	if (group_offsets_get(job->ops->client, job->target.group,
	    job->ops->timeout_ms, &other, e))
		err_wrap(e, "group '%s'", job->target.group);
	else if (!other.n)
		err_set(e, ERR_NOT_FOUND, "group '%s' has committed nothing",
			job->target.group);
	else
		for (int i = 0; i < job->plan.n; i++) {
			struct reset_row *row = &job->plan.rows[i];
			const struct group_offset *o = group_offsets_find(&other,
				row->topic, row->partition);

			row->found = o ? o->offset : -1;
		}
	group_offsets_release(&other);
	return e->code ? -1 : 0;
}

static int
decide(struct job *job, struct err *e)
{
	const struct reset_target *t = &job->target;

	if (ask_logs(job, LOG_END, END, e) || ask_logs(job, LOG_START, START, e) ||
	    (t->kind == RESET_TIME && ask_logs(job, t->value, FOUND, e)) ||
	    (t->kind == RESET_GROUP && ask_other_group(job, e)))
		return -1;
	for (int i = 0; i < job->plan.n; i++)
		reset_decide(&job->plan.rows[i], t, job->ops->o->clamp);
	group_change_times(job->ops, &job->plan);
	return 0;
}

static int
make_plan(struct job *job, char **names, int n, struct err *e)
{
	struct groups found = { 0 };
	int ret;

	for (int i = 0; i < job->scopes_n; i++)
		if (check_scope(job, &job->scopes[i], e))
			return -1;
	ret = group_find(job->ops->client, names, n, job->ops->timeout_ms, &found, e);
	for (int i = 0; !ret && i < found.n; i++)
		if (group_is_share(&found.items[i]))
			ret = group_check_idle(&found.items[i], e);
		else if (!group_exists(&found.items[i]) && !job->scopes_n)
			ret = group_missing(NULL, found.items[i].name,
				ERR_NOT_FOUND, e);
		else
			ret = add_group(job, found.items[i].name, e);
	if (!ret && !found.n)
		ret = err_set(e, ERR_NOT_FOUND, "no group has such a name "
			"(kc-lag list shows all)");
	groups_release(&found);
	return ret ? -1 : reset_sort(&job->plan, e);
}

/* ---- carrying it out -------------------------------------------------------- */

static int
write_plan(struct group_ops *ops, const struct reset_plan *p, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret;

	if (!ops->o->plan)
		return 0;
	group_plan_json(&text, p, false);
	ret = file_replace(ops->o->plan, buf_slice(&text), e);
	buf_release(&text);
	return ret;
}

/* An offset out of the log stops everything; a log without leader itself. */
static int
check_failures(const struct reset_plan *p, struct err *e)
{
	const struct reset_row *row = NULL;
	int n = group_plan_failures(p, &row);

	for (int i = 0; i < p->n; i++) {
		const struct reset_row *r = &p->rows[i];

		if (r->note == RESET_OUT_OF_RANGE)
			return err_set(e, ERR_FAILED, "'%s' [%d] has no offset %"
				PRId64 ": it begins at %" PRId64 " and ends before %"
				PRId64 " (nothing is changed; --clamp takes the "
				"nearest)", r->topic, (int)r->partition, r->to,
				r->start, r->end);
	}
	return n ? err_set(e, ERR_PARTIAL, "%d of %d partitions could not be "
		"planned: '%s' [%d] has no leader", n, p->n, row->topic,
		(int)row->partition) : 0;
}

static int
execute(struct job *job, struct err *e)
{
	struct group_ops *ops = job->ops;
	const struct reset_plan *p = &job->plan;
	struct buf path = BUF_INIT, text = BUF_INIT;
	int ret = -1;

	group_plan_summary(&text, p);
	if (!group_plan_moves(p)) {
		diag_note("%s: nothing to move", buf_cstr(&text));
		ret = 0;
	} else if (!group_change_undo(ops, p, p->rows[0].group, &path, e)) {
		ret = group_change_write(ops, p, e);
		diag_note("%s%s (undo: kc-lag reset --execute --from '%s')",
			ret ? "not all was done of " : "moved ",
			buf_cstr(&text), buf_cstr(&path));
	}
	buf_release(&path);
	buf_release(&text);
	return ret;
}

static int
run(struct job *job, struct err *e)
{
	struct group_ops *ops = job->ops;
	struct err partial = ERR_INIT;
	struct buf text = BUF_INIT;

	if (group_change_show(ops, &job->plan, e) ||
	    group_change_check(ops, &job->plan, e))
		return -1;
	if (check_failures(&job->plan, &partial) && partial.code != ERR_PARTIAL) {
		*e = partial;
		return -1;
	}
	if (write_plan(ops, &job->plan, e) ||
	    (ops->o->execute && execute(job, e)))
		return -1;
	if (!ops->o->execute) {
		group_plan_summary(&text, &job->plan);
		diag_note("would move %s (nothing is changed; --execute does it)",
			buf_cstr(&text));
		buf_release(&text);
	}
	if (partial.code) {
		*e = partial;
		return -1;
	}
	return 0;
}

static int
check_options(const struct group_ops *ops, const char *file, int argc,
	struct err *e)
{
	if (!file && !ops->o->to)
		return err_set(e, ERR_USAGE, "where to? (--to earliest, latest, "
			"OFFSET, +N, -N, TIME, -2h, group:NAME, start-if-lost; or "
			"--from FILE)");
	if (file && ops->o->to)
		return err_set(e, ERR_USAGE, "--to and --from exclude each other");
	if (file && ops->o->topics.n)
		return err_set(e, ERR_USAGE, "-t is for --to: the file has its "
			"topics (choose lines of it with grep or jq)");
	if (ops->o->plan && !strcmp(ops->o->plan, "-"))
		return err_set(e, ERR_USAGE, "--plan needs a file (the plan is on "
			"stdout already, with --json on a terminal too)");
	if (!file && !argc)
		return err_set(e, ERR_USAGE, "reset needs a group (kc-lag reset "
			"GROUP... --to TARGET)");
	if (file && argc > 1)
		return err_set(e, ERR_USAGE, "one group, into which the file's "
			"offsets go, or none");
	return 0;
}

/* group: instead of the file's. */
static int
reset(struct group_ops *ops, const char *file, const char *group, int argc,
	char **argv, struct err *e)
{
	struct job job = { .ops = ops, .target = { .kind = RESET_FILE } };
	int ret = -1;

	if (check_options(ops, file, argc, e) || parse_scopes(&job, e) ||
	    (!file && reset_target_parse(ops->o->to,
	    clock_wall_ms(clock_system()), &job.target, e)))
		goto out;
	if ((file && group_plan_read(file, group, &job.plan, e)) ||
	    ops->open(ops, e) ||
	    admin_topics(ops->client, ops->timeout_ms, &job.topics, e) ||
	    (file ? read_committed(&job, e) : make_plan(&job, argv, argc, e)) ||
	    decide(&job, e))
		goto out;
	ret = run(&job, e);
out:
	for (int i = 0; i < job.scopes_n; i++)
		free(job.scopes[i].partitions);
	free(job.scopes);
	admin_topics_release(&job.topics);
	reset_release(&job.plan);
	return ret;
}

int
group_reset(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	return reset(ops, ops->o->from, argc ? argv[0] : NULL, argc, argv, e);
}

int
group_import(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	if (argc != 1)
		return err_set(e, ERR_USAGE, "import needs a file (kc-lag import "
			"FILE; - is stdin)");
	return reset(ops, argv[0], ops->o->group, 0, NULL, e);
}
