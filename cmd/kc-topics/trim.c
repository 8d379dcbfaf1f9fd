/* trim.c - kc-topics: the beginning of topics is deleted (KIP-107). */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/log_offsets.h"
#include "tally.h"

int
check_trim(struct args *a, struct err *e)
{
	struct offset_range *r = &a->range;

	if (!a->where)
		return err_set(e, ERR_USAGE, "trim needs -o, the first that stays "
			"(@-7d, an offset, -N, end)");
	if (offset_parse(slice_str(a->where), clock_wall_ms(clock_system()), r, e))
		return -1;
	if (r->to.kind != OFFSET_UNSET || r->from.kind == OFFSET_STORED)
		return err_set(e, ERR_USAGE, "-o %s: trim wants one place: "
			"@-7d, an offset, -N, end", a->where);
	return 0;
}

/* The first record of the time in each partition; none is as late: its end. */
static int
find_time(struct args *a, const struct admin_topic *t, int64_t *before,
	struct err *e)
{
	int n = t->partitions_n, ret;
	struct log_place *places = xcalloc((size_t)n, sizeof(*places));

	for (int i = 0; i < n; i++)
		places[i] = (struct log_place){ t->name, t->partitions[i].id, -1,
			false };
	ret = log_offsets(a->client, places, n, a->range.from.value,
		a->timeout_ms, e);
	for (int i = 0; i < n && !ret; i++) {
		before[i] = places[i].offset < 0 ? t->partitions[i].end :
			places[i].offset;
		if (places[i].failed)
			ret = err_set(e, ERR_TEMPORARY, "[%d] does not say where "
				"the time is (run it again later)", (int)places[i].partition);
	}
	free(places);
	return ret;
}

/* before: what lies there in each partition goes; *gone: how many offsets are that. */
static int
find_cut(struct args *a, const struct admin_topic *t, int64_t *before,
	int64_t *gone, struct err *e)
{
	const struct offset_point *from = &a->range.from;

	if (from->kind == OFFSET_TIME && find_time(a, t, before, e))
		return -1;
	*gone = 0;
	for (int i = 0; i < t->partitions_n; i++) {
		const struct admin_partition *p = &t->partitions[i];

		if (p->start < 0 || p->end < 0)
			return err_set(e, ERR_TEMPORARY, "[%d] does not say where "
				"it begins and ends (run it again later)", p->id);
		if (from->kind == OFFSET_ABSOLUTE && from->value > p->end)
			return err_set(e, ERR_FAILED, "[%d] ends before %" PRId64
				", with %" PRId64, p->id, from->value, p->end);
		if (from->kind == OFFSET_BEGINNING)
			before[i] = p->start;
		else if (from->kind != OFFSET_TIME)
			before[i] = from->kind == OFFSET_ABSOLUTE ? from->value :
				p->end - (from->kind == OFFSET_TAIL ? from->value : 0);
		if (before[i] < p->start)
			before[i] = p->start;
		*gone += before[i] - p->start;
	}
	return 0;
}

static int
trim_one(struct args *a, struct admin_topics *topics, const char *name,
	struct outcome *o, struct err *e)
{
	struct admin_topic *t = admin_topics_find(topics, name);
	int64_t *before;
	int ret;

	if (!t)
		return tally_not_found(topics, name, e);
	before = xcalloc((size_t)t->partitions_n, sizeof(*before));
	ret = admin_check_deletes(a->client, name, a->timeout_ms, e) ||
		admin_offsets(a->client, a->timeout_ms, t, e) ||
		find_cut(a, t, before, &o->offsets, e) ||
		(o->offsets && !a->dry_run &&
		admin_delete_records(a->client, t, before, a->timeout_ms, e)) ? -1 : 0;
	free(before);
	o->result = &TRIMMED;
	return ret;
}

int
run_trim(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct buf words = BUF_INIT;
	int ret;

	buf_addf(&words, "delete what is before %s of", a->where);
	ret = tally_each(a, argc, argv, &(struct question){ buf_cstr(&words), "?" },
		trim_one, e);
	buf_release(&words);
	return ret;
}

const struct opt trim_options[] = {
	{ 'o', "offset", OPT_STRING, AT(where), "WHERE",
		.help = "the first that stays: @-7d, an offset, -N (the last N), end" },
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "only say how much would go" },
	OPT_END
};
