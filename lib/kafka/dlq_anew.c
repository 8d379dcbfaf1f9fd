/*
 * dlq_anew.c - a dead-letter topic that was deleted and made again: the ledger
 * still tells of records that were there before, and would take the new ones
 * at their offsets for resolved.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "kafka/dlq_writer.h"

void
dlq_anew_saw(struct dlq *d, const struct ledger_entry *x)
{
	if (x->partition >= d->meta->partitions_n)
		d->beyond = true;
	else if (x->offset > d->highest[x->partition])
		d->highest[x->partition] = x->offset;
}

static bool
is_beyond(const struct dlq *d, const struct admin_topic *t)
{
	for (int i = 0; i < t->partitions_n; i++)
		if (d->highest[i] >= t->partitions[i].end)
			return true;
	return d->beyond;
}

/* The ends are those of before the ledger was read: others may have been at work since. */
static int
look_again(struct dlq *d, bool *beyond, struct err *e)
{
	struct admin_topic now = dlq_partitions(d);
	int result = admin_offsets(d->client, d->o.timeout_ms, &now, e);

	*beyond = !result && is_beyond(d, &now);
	free(now.partitions);
	return result;
}

int
dlq_anew_check(struct dlq *d, struct err *e)
{
	bool beyond = is_beyond(d, d->meta);

	if (!beyond)
		return 0;
	if (look_again(d, &beyond, e))
		return -1;
	if (!beyond)
		return 0;
	if (d->o.write)
		return err_set(e, ERR_FAILED, "the ledger tells of records that "
			"'%s' does not have yet: it was made anew, and the ledger "
			"is of the one before (%s %s, and then --assume-none)",
			d->o.topic, d->file ? "rm" : "kc-topics delete",
			d->file ? d->o.ledger + strlen("file:") : d->ledger_topic);
	diag_warn("the ledger tells of records that '%s' does not have yet: it was "
		"made anew, and states are those of the one before", d->o.topic);
	return 0;
}
