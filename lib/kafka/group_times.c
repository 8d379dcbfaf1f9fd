/*
 * group_times.c - when the records were written between which a plan moves.
 * For people to see what they do: what cannot be read in a moment, or may not
 * be read at all, is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/group_change.h"
#include "kafka/record_at.h"

enum { ROWS_MAX = 200, BUDGET_MS = 2000 };

static int
take(struct record_place *place, const struct record *r, struct err *e)
{
	(void)e;
	if (r->has_timestamp && r->timestamp >= 0)
		*(int64_t *)place->user = r->timestamp;
	return 0;
}

/* The nearest record that is there: what a consumer would read first. */
static int
read_times(struct group_ops *ops, struct reset_plan *p, bool to, struct err *e)
{
	struct record_place *places = xcalloc((size_t)p->n, sizeof(*places));
	int n = 0, ret;

	for (int i = 0; i < p->n; i++) {
		struct reset_row *row = &p->rows[i];
		int64_t at = to ? row->to : row->from;

		if (!row->moves || at < 0 || row->start < 0 || at >= row->end)
			continue;
		places[n++] = (struct record_place){ row->topic, row->partition,
			at < row->start ? row->start : at, 0,
			to ? &row->to_ms : &row->from_ms };
	}
	ret = record_at(ops->conf, places, n, 1, BUDGET_MS, take, e);
	free(places);
	return ret;
}

void
group_change_times(struct group_ops *ops, struct reset_plan *p)
{
	struct err why = ERR_INIT;

	if (!p->n || p->n > ROWS_MAX ||
	    strcmp(p->rows[0].group, p->rows[p->n - 1].group))
		return;
	if (read_times(ops, p, false, &why) || read_times(ops, p, true, &why))
		diag_verbose(1, "times of records: %s", why.msg);
}
