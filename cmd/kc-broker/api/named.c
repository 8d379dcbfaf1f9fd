#include "api/named.h"

#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "store/partlog.h"

uint64_t
named_walk(struct request *rq)
{
	return ++rq->broker->walks;
}

bool
named_before(const struct topic *t, int32_t partition, uint64_t walk)
{
	struct partlog *log = t ? topic_partition(t, partition) : NULL;

	return log && partlog_met(log, walk);
}
