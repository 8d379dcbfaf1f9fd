#include "api/committed.h"

#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"

struct groups_offset
committed_offset(const struct request *rq, const struct uuid *id,
	struct slice name, struct committed c)
{
	const struct meta *meta = rq->broker->meta;
	const struct topic *t = id ? meta_topic_by_id(meta, id) : meta_topic(meta, name);
	struct groups_offset o = { 0 };

	if (!t) {
		o.error = id ? KERR_UNKNOWN_TOPIC_ID : KERR_UNKNOWN_TOPIC_OR_PARTITION;
		return o;
	}
	if (!topic_partition(t, c.partition))
		o.error = KERR_UNKNOWN_TOPIC_OR_PARTITION;
	o.topic = slice_str(t->name);
	o.c = c;
	o.c.topic_id = t->id;
	o.c.committed_at = loop_wall(rq->broker->loop);
	if (slice_is_null(c.metadata))
		o.c.metadata = slice_str("");
	return o;
}
