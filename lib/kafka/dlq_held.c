/* dlq_held.c - dead letters that an open transaction holds back: they are told of, and not waited for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/dlq.h"

struct admin_topic
dlq_partitions(const struct dlq *d)
{
	struct admin_topic t = *d->meta;
	size_t size = (size_t)t.partitions_n * sizeof(*t.partitions);

	t.partitions = xmalloc(size);
	memcpy(t.partitions, d->meta->partitions, size);
	return t;
}

/* The stable ends are asked for last: what is behind them then is held. */
void
dlq_tell_held(struct dlq *d)
{
	struct admin_topic high = dlq_partitions(d), stable = dlq_partitions(d);
	struct err ignored = ERR_INIT;
	bool known = !admin_high(d->conf, d->o.timeout_ms, &high, &ignored) &&
		!admin_offsets(d->client, d->o.timeout_ms, &stable, &ignored);

	for (int i = 0; i < high.partitions_n && known; i++)
		if (stable.partitions[i].end < high.partitions[i].end)
			diag_warn("'%s' [%d]: an open transaction holds back "
				"offsets %" PRId64 " to %" PRId64 ": they are not "
				"seen until it ends", d->o.topic, i,
				stable.partitions[i].end,
				high.partitions[i].end - 1);
	free(high.partitions);
	free(stable.partitions);
}
