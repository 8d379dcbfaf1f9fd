/*
 * ListOffsets: where a log starts and ends, and which offset belongs to a
 * time. Special timestamps: -1 latest, -2 earliest, -3 largest timestamp
 * (v7, KIP-734), -4 earliest local (v8, KIP-405), -5 latest tiered (v9,
 * KIP-1005), -6 earliest pending upload (v11). Nothing is tiered here.
 */
#include "api/api.h"
#include "api/named.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	LATEST = -1,
	EARLIEST = -2,
	MAX_TIMESTAMP = -3,
	EARLIEST_LOCAL = -4,
	LATEST_TIERED = -5,
	EARLIEST_PENDING_UPLOAD = -6,
	LEADER_EPOCH = 0,
};

/* The first version in which a special timestamp means something. */
static int
known_since(int64_t timestamp)
{
	switch (timestamp) {
	case MAX_TIMESTAMP:
		return 7;
	case EARLIEST_LOCAL:
		return 8;
	case LATEST_TIERED:
		return 9;
	case EARLIEST_PENDING_UPLOAD:
		return 11;
	default:
		return timestamp < MAX_TIMESTAMP ? INT16_MAX : 1;
	}
}

static int16_t
find(struct partlog *log, int64_t timestamp, bool committed,
	struct list_offsets_response_partition *out)
{
	/* What this reader could fetch. */
	int64_t limit = committed ? partlog_last_stable(log) :
		partlog_high_watermark(log);

	switch (timestamp) {
	case LATEST:
		out->offset = limit;
		break;
	case EARLIEST:
	case EARLIEST_LOCAL:
		out->offset = partlog_start(log);
		break;
	case LATEST_TIERED:
	case EARLIEST_PENDING_UPLOAD:
		return KERR_NONE;
	case MAX_TIMESTAMP:
		return partlog_offset_of_max_time(log, limit, &out->offset,
			&out->timestamp);
	default:
		return partlog_offset_of_time(log, timestamp, limit, &out->offset,
			&out->timestamp);
	}
	return KERR_NONE;
}

static void
list_partition(struct request *rq, const struct topic *t, bool committed,
	bool again, const struct list_offsets_request_partition *in,
	struct list_offsets_response_partition *out)
{
	struct partlog *log = t ? topic_partition(t, in->partition_index) : NULL;

	list_offsets_response_partition_init(out);
	out->partition_index = in->partition_index;
	out->offset = out->timestamp = -1;
	out->leader_epoch = -1;
	if (again)
		out->error_code = KERR_INVALID_REQUEST;
	else if (!log)
		out->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
	else if ((out->error_code = nodes_check(rq, t, in->partition_index)))
		;
	else if (in->current_leader_epoch > LEADER_EPOCH)
		out->error_code = KERR_UNKNOWN_LEADER_EPOCH;
	else if (rq->version < known_since(in->timestamp))
		out->error_code = KERR_UNSUPPORTED_VERSION;
	else
		out->error_code = find(log, in->timestamp, committed, out);
	if (out->error_code)
		out->offset = out->timestamp = -1;
	if (out->offset >= 0)
		out->leader_epoch = LEADER_EPOCH;
}

/* For each partition in turn: is it named again behind this? */
static const bool *
find_again(struct request *rq, const struct list_offsets_request *q)
{
	uint64_t walk = named_walk(rq);
	size_t n = 0;
	bool *again;

	for (int i = 0; i < q->topics_n; i++)
		n += (size_t)q->topics[i].partitions_n;
	again = arena_array(&rq->arena, n, sizeof(*again));
	for (int i = q->topics_n; i-- > 0;) {
		const struct list_offsets_request_topic *in = &q->topics[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->name);

		for (int k = in->partitions_n; k-- > 0;)
			again[--n] = named_before(t,
				in->partitions[k].partition_index, walk);
	}
	return again;
}

int
api_list_offsets(struct request *rq)
{
	struct list_offsets_request q;
	struct list_offsets_response resp;
	const bool *again;
	uint64_t walk;

	if (list_offsets_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	list_offsets_response_init(&resp);
	resp.topics = arena_array(&rq->arena, (size_t)q.topics_n,
		sizeof(*resp.topics));
	again = find_again(rq, &q);
	walk = named_walk(rq);
	for (int i = 0; i < q.topics_n; i++) {
		const struct list_offsets_request_topic *in = &q.topics[i];
		struct list_offsets_response_topic *out = &resp.topics[resp.topics_n];
		const struct topic *t = meta_topic(rq->broker->meta, in->name);

		list_offsets_response_topic_init(out);
		out->name = in->name;
		out->partitions = arena_array(&rq->arena,
			(size_t)in->partitions_n, sizeof(*out->partitions));
		for (int k = 0; k < in->partitions_n; k++, again++)
			if (!named_before(t, in->partitions[k].partition_index, walk))
				list_partition(rq, t, q.isolation_level == 1,
					*again, &in->partitions[k],
					&out->partitions[out->partitions_n++]);
		resp.topics_n += out->partitions_n > 0;
	}
	list_offsets_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
