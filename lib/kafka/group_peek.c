/*
 * group_peek.c - kc-lag peek: the records that a group would read next, as
 * lines of kc-record(5): the one that it is stuck on is among them.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/group_find.h"
#include "kafka/group_offsets.h"
#include "kafka/group_ops.h"
#include "kafka/log_offsets.h"
#include "kafka/record_at.h"
#include "model/envelope.h"

struct job {
	struct group_ops *ops;
	struct reset_scope *scopes;
	int scopes_n;
};

static int
put(struct record_place *place, const struct record *r, struct err *e)
{
	struct group_ops *ops = place->user;

	envelope_write(&ops->out->buf, r,
		ops->o->json_values ? ENVELOPE_JSON_VALUES : 0);
	return out_maybe_flush(ops->out, e);
}

/* Where there is something to read: the start when it was deleted up to there. */
static int
list_places(const struct job *job, const struct group_offsets *now,
	struct record_place *places, int *n, struct err *e)
{
	struct group_ops *ops = job->ops;
	struct log_place *ends = xcalloc((size_t)now->n, sizeof(*ends)),
		*starts = xcalloc((size_t)now->n, sizeof(*starts));
	int wanted = 0, ret;

	for (int i = 0; i < now->n; i++)
		if (reset_scopes_have(job->scopes, job->scopes_n,
		    now->items[i].topic, now->items[i].partition))
			ends[wanted++] = (struct log_place){
				.topic = now->items[i].topic,
				.partition = now->items[i].partition };
	for (int i = 0; i < wanted; i++)
		starts[i] = ends[i];
	ret = log_offsets(ops->client, ends, wanted, LOG_END, ops->timeout_ms, e) ||
		log_offsets(ops->client, starts, wanted, LOG_START,
		ops->timeout_ms, e) ? -1 : 0;
	for (int i = 0; !ret && i < wanted; i++) {
		int64_t at = group_offsets_find(now, ends[i].topic,
			ends[i].partition)->offset;

		if (at < starts[i].offset) {
			diag_warn("'%s' [%d]: offset %lld is deleted, the log begins "
				"at %lld", ends[i].topic, (int)ends[i].partition,
				(long long)at, (long long)starts[i].offset);
			at = starts[i].offset;
		}
		if (at < ends[i].offset)
			places[(*n)++] = (struct record_place){ ends[i].topic,
				ends[i].partition, at, 0, ops };
	}
	free(ends);
	free(starts);
	return ret;
}

static int
peek(const struct job *job, const char *group, struct err *e)
{
	struct group_ops *ops = job->ops;
	struct group_offsets now = { 0 };
	struct record_place *places = NULL;
	int n = 0, ret = -1;

	if (group_offsets_get(ops->client, group, ops->timeout_ms, &now, e))
		goto out;
	if (!now.n) {
		err_set(e, ERR_NO, "group '%s' has committed nothing", group);
		goto out;
	}
	places = xcalloc((size_t)now.n, sizeof(*places));
	if (list_places(job, &now, places, &n, e))
		goto out;
	if (!n) {
		diag_note("group '%s' has read everything", group);
		ret = 0;
		goto out;
	}
	ret = record_at(ops->conf, places, n, ops->o->count, ops->timeout_ms,
		put, e);
out:
	free(places);
	group_offsets_release(&now);
	return ret;
}

int
group_peek(struct group_ops *ops, int argc, char **argv, struct err *e)
{
	const struct opt_list *l = &ops->o->topics;
	struct job job = { .ops = ops };
	struct groups found = { 0 };
	int ret = -1;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "peek needs a group (kc-lag peek "
			"GROUP)");
	job.scopes = xcalloc((size_t)l->n, sizeof(*job.scopes));
	for (int i = 0; i < l->n; i++, job.scopes_n++)
		if (reset_scope_parse(l->items[i], &job.scopes[i], e))
			goto out;
	if (ops->open(ops, e) ||
	    group_find(ops->client, argv, argc, ops->timeout_ms, &found, e))
		goto out;
	if (found.n == 1 && !group_exists(&found.items[0]))
		group_missing(NULL, argv[0], ERR_NO, e);
	else
		ret = peek(&job, argv[0], e);
out:
	for (int i = 0; i < job.scopes_n; i++)
		free(job.scopes[i].partitions);
	free(job.scopes);
	groups_release(&found);
	return ret;
}
