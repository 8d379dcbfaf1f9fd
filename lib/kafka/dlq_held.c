/* dlq_held.c - dead letters that an open transaction holds back: they are told of, and not waited for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/dlq.h"

static struct admin_topic
same_partitions(const struct dlq *d)
{
	struct admin_topic t = *d->meta;
	size_t size = (size_t)t.partitions_n * sizeof(*t.partitions);

	t.partitions = xmalloc(size);
	memcpy(t.partitions, d->meta->partitions, size);
	return t;
}

/* The stable ends are asked for last: what is behind them then is held. */
int
dlq_tell_held(struct dlq *d, struct err *e)
{
	struct admin_topic high = same_partitions(d), stable = same_partitions(d);
	int result = admin_high(d->conf, d->o.timeout_ms, &high, e) ||
		admin_offsets(d->client, d->o.timeout_ms, &stable, e) ? -1 : 0;

	for (int i = 0; i < high.partitions_n && !result; i++)
		if (stable.partitions[i].end < high.partitions[i].end)
			diag_warn("'%s' [%d]: an open transaction holds back "
				"offsets %" PRId64 " to %" PRId64 ": they are not "
				"seen until it ends", d->o.topic, i,
				stable.partitions[i].end,
				high.partitions[i].end - 1);
	free(high.partitions);
	free(stable.partitions);
	return result;
}
