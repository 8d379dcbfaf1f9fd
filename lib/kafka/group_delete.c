/* group_delete.c - kc-lag delete: groups, or only their offsets of a topic. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/prompt.h"
#include "kafka/group_change.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/request.h"

struct job {
	struct group_ops *ops;
	struct reset_scope *scopes; /* n 0 = whole groups */
	int scopes_n;
	struct reset_plan plan;
	const char **names;         /* of the groups to delete */
	int names_n, failed;
	struct err last;
};

/* One group that cannot be deleted: the others are. */
static void
fail(struct job *job, const struct err *why)
{
	if (job->failed++)
		diag_error("%s", job->last.msg);
	job->last = *why;
}

/* Who reads the topic commits to it; the broker refuses that too. */
static int
check_readers(const struct job *job, const struct group *g, struct err *e)
{
	for (int i = 0; i < g->members_n; i++)
		for (int k = 0; k < g->members[i].assigned_n; k++) {
			const struct group_assigned *at = &g->members[i].assigned[k];

			for (int s = 0; s < job->scopes_n; s++)
				if (slice_eq_str(job->scopes[s].topic, at->topic))
					return err_set(e, ERR_REFUSED, "group '%s' "
						"reads topic '%s': member %s (client "
						"'%s', host %s) has [%d] (stop it "
						"first)", g->name, at->topic,
						g->members[i].id,
						g->members[i].client_id,
						g->members[i].host,
						(int)at->partition);
		}
	return 0;
}

static int
add_offsets(struct job *job, const struct group *g, struct err *e)
{
	const struct reset_target forget = { .kind = RESET_FORGET };
	struct group_offsets now = { 0 };
	int ret = group_offsets_get(job->ops->client, g->name,
		job->ops->timeout_ms, &now, e), found = 0;

	for (int i = 0; !ret && i < now.n; i++) {
		const struct group_offset *o = &now.items[i];
		struct reset_row *row;

		if (!reset_scopes_have(job->scopes, job->scopes_n, o->topic,
		    o->partition))
			continue;
		found++;
		row = reset_add(&job->plan, slice_str(g->name),
			slice_str(o->topic), o->partition);
		row->from = o->offset;
		if (o->metadata)
			row->from_metadata = arena_copy(&job->plan.arena,
				slice_str(o->metadata)).data;
		reset_decide(row, &forget, false);
	}
	group_offsets_release(&now);
	if (ret)
		return err_wrap(e, "group '%s'", g->name);
	if (job->scopes_n && !found)
		return err_set(e, ERR_NOT_FOUND, "group '%s' has committed nothing "
			"there (kc-lag export %s shows what)", g->name, g->name);
	return 0;
}

static int
add_group(struct job *job, const struct group *g, struct err *e)
{
	if (!group_exists(g))
		return group_missing(NULL, g->name, ERR_NOT_FOUND, e);
	if (job->scopes_n && !group_is_share(g) ? check_readers(job, g, e) :
	    group_check_idle(g, e))
		return -1;
	if (add_offsets(job, g, e))
		return -1;
	job->names[job->names_n++] = g->name;
	return 0;
}

/* "groups 'a', 'b' with 12 offsets" */
static void
describe(const struct job *job, struct buf *out)
{
	if (job->scopes_n) {
		buf_addf(out, "%d offset%s of", job->plan.n,
			job->plan.n == 1 ? "" : "s");
	}
	buf_addf(out, "%sgroup%s", job->scopes_n ? " " : "",
		job->names_n == 1 ? "" : "s");
	for (int i = 0; i < job->names_n && i < 10; i++)
		buf_addf(out, "%s '%s'", i ? "," : "", job->names[i]);
	if (job->names_n > 10)
		buf_addf(out, " and %d more", job->names_n - 10);
	if (!job->scopes_n)
		buf_addf(out, " with %d offset%s", job->plan.n,
			job->plan.n == 1 ? "" : "s");
}

static int
confirm(const struct job *job, const char *what, struct err *e)
{
	struct buf question = BUF_INIT;
	int ret;

	if (job->ops->o->yes)
		return 0;
	buf_addf(&question, "delete %s?", what);
	ret = prompt_yes(buf_cstr(&question), e);
	buf_release(&question);
	return ret;
}

/* DeleteGroups; what fails is counted, the rest is done. */
static int
remove_groups(struct job *job, struct err *e)
{
	const struct admin_options o = { job->ops->timeout_ms, false };
	rd_kafka_DeleteGroup_t **dels = xcalloc((size_t)job->names_n, sizeof(*dels));
	const rd_kafka_group_result_t **results;
	struct request r;
	size_t n = 0;
	int ret;

	for (int i = 0; i < job->names_n; i++)
		dels[i] = rd_kafka_DeleteGroup_new(job->names[i]);
	ret = request_init(&r, job->ops->client, RD_KAFKA_ADMIN_OP_DELETEGROUPS, &o, e);
	if (!ret) {
		rd_kafka_DeleteGroups(client_handle(job->ops->client), dels,
			(size_t)job->names_n, r.options, r.queue);
		ret = request_wait(&r, e);
	}
	if (!ret) {
		results = rd_kafka_DeleteGroups_result_groups(
			rd_kafka_event_DeleteGroups_result(r.event), &n);
		for (size_t i = 0; i < n; i++) {
			const rd_kafka_error_t *error =
				rd_kafka_group_result_error(results[i]);
			struct err why = ERR_INIT;

			if (!error)
				continue;
			client_error(job->ops->client, rd_kafka_error_code(error),
				rd_kafka_error_string(error), &why);
			err_wrap(&why, "group '%s'",
				rd_kafka_group_result_name(results[i]));
			fail(job, &why);
		}
	}
	request_release(&r);
	rd_kafka_DeleteGroup_destroy_array(dels, (size_t)job->names_n);
	free(dels);
	return ret;
}

static int
carry_out(struct job *job, struct err *e)
{
	struct group_ops *ops = job->ops;
	struct buf what = BUF_INIT, path = BUF_INIT;
	int before = job->failed, ret = -1;

	describe(job, &what);
	if (ops->o->dry_run) {
		diag_note("would delete %s (nothing is changed)", buf_cstr(&what));
		ret = 0;
		goto out;
	}
	if (confirm(job, buf_cstr(&what), e) ||
	    (job->scopes_n ? group_change_compare : group_change_check)
	    (ops, &job->plan, e) ||
	    (job->plan.n && group_change_undo(ops, &job->plan, job->names[0],
	    &path, e)))
		goto out;
	ret = job->scopes_n ? group_change_write(ops, &job->plan, e) :
		remove_groups(job, e);
	if (path.len)
		diag_note("%s%s (undo: kc-lag reset --execute --from '%s')",
			ret || job->failed > before ?
			"not all was done of deleting " : "deleted ",
			buf_cstr(&what), buf_cstr(&path));
	else if (!ret && job->failed == before)
		diag_note("deleted %s", buf_cstr(&what));
out:
	buf_release(&what);
	buf_release(&path);
	return ret;
}

static int
finish(struct job *job, int asked, struct err *e)
{
	if (!job->failed)
		return 0;
	if (asked == 1) {
		*e = job->last;
		return -1;
	}
	diag_error("%s", job->last.msg);
	return err_set(e, job->failed < asked ? ERR_PARTIAL : job->last.code,
		"%d of %d groups could not be deleted", job->failed, asked);
}

static int
run(struct job *job, int argc, char **argv, struct err *e)
{
	struct groups found = { 0 };
	int ret = -1;

	if (group_find(job->ops->client, argv, argc, job->ops->timeout_ms, &found, e))
		goto out;
	job->names = xcalloc((size_t)found.n, sizeof(*job->names));
	for (int i = 0; i < found.n; i++) {
		struct err why = ERR_INIT;

		if (add_group(job, &found.items[i], &why))
			fail(job, &why);
	}
	if (!found.n) {
		err_set(e, ERR_NOT_FOUND, "no group has such a name (kc-lag list "
			"shows all)");
		goto out;
	}
	if (job->names_n && (group_change_show(job->ops, &job->plan, e) ||
	    carry_out(job, e)))
		goto out;
	ret = finish(job, found.n, e);
out:
	free(job->names);
	groups_release(&found);
	return ret;
}

int
group_delete(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	const struct opt_list *of = &ops->o->offsets_of;
	struct job job = { .ops = ops };
	int ret = -1;

	if (!argc)
		return err_set(e, ERR_USAGE, "delete needs a group (kc-lag delete "
			"GROUP...)");
	job.scopes = xcalloc((size_t)of->n, sizeof(*job.scopes));
	for (int i = 0; i < of->n; i++, job.scopes_n++)
		if (reset_scope_parse(of->items[i], &job.scopes[i], e))
			goto out;
	if (!ops->open(ops, e))
		ret = run(&job, argc, argv, e);
out:
	for (int i = 0; i < job.scopes_n; i++)
		free(job.scopes[i].partitions);
	free(job.scopes);
	reset_release(&job.plan);
	return ret;
}
