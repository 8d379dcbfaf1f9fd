/*
 * WriteTxnMarkers: what a coordinator sends to the leaders of a transaction's
 * partitions, and Admin.abortTransaction() to end one that hangs. Here the
 * coordinator needs no request for that; what comes is taken at its word.
 */
#include "api/api.h"
#include "api/group_wait.h"
#include "api/named.h"
#include "broker.h"
#include "coord/groups.h"
#include "coord/internal.h"
#include "meta/meta.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

static int16_t
write_marker(struct request *rq, const struct write_txn_markers_request_marker *q,
	const struct topic *topic, int32_t partition, uint64_t *commit)
{
	struct partlog *log = topic ? topic_partition(topic, partition) : NULL;
	struct txn_marker m = {
		.producer_id = q->producer_id,
		.producer_epoch = q->producer_epoch,
		.coordinator_epoch = q->coordinator_epoch,
		.commit = q->transaction_result,
	};
	struct append_result r;

	if (!log)
		return KERR_UNKNOWN_TOPIC_OR_PARTITION;
	partlog_append_marker(log, &m, &r);
	if (r.error)
		return r.error;
	if (r.commit > *commit)
		*commit = r.commit;
	if (slice_eq_str(slice_str(topic->name), OFFSETS_TOPIC))
		groups_end_transaction(rq->broker->groups, partition, m.producer_id,
			m.commit, r.commit);
	return KERR_NONE;
}

static void
write_markers(struct request *rq, const struct write_txn_markers_request_marker *q,
	struct write_txn_markers_response_marker *r, uint64_t *commit)
{
	uint64_t walk = named_walk(rq);

	r->producer_id = q->producer_id;
	r->topics_n = q->topics_n;
	r->topics = arena_array(&rq->arena, (size_t)q->topics_n, sizeof(*r->topics));
	for (int32_t t = 0; t < q->topics_n; t++) {
		const struct write_txn_markers_request_topic *qt = &q->topics[t];
		struct write_txn_markers_response_topic *rt = &r->topics[t];
		const struct topic *topic = meta_topic(rq->broker->meta, qt->name);

		rt->name = qt->name;
		rt->partitions = arena_array(&rq->arena,
			(size_t)qt->partition_indexes_n, sizeof(*rt->partitions));
		for (int32_t p = 0; p < qt->partition_indexes_n; p++) {
			struct write_txn_markers_response_partition *rp =
				&rt->partitions[rt->partitions_n];

			rp->partition_index = qt->partition_indexes[p];
			if (named_before(topic, rp->partition_index, walk))
				continue;
			rp->error_code = write_marker(rq, q, topic,
				rp->partition_index, commit);
			rt->partitions_n++;
		}
	}
}

int
api_write_txn_markers(struct request *rq)
{
	struct write_txn_markers_request q;
	struct write_txn_markers_response resp;
	uint64_t commit = 0;

	if (write_txn_markers_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	write_txn_markers_response_init(&resp);
	resp.markers_n = q.markers_n;
	resp.markers = arena_array(&rq->arena, (size_t)q.markers_n, sizeof(*resp.markers));
	for (int32_t i = 0; i < q.markers_n; i++)
		write_markers(rq, &q.markers[i], &resp.markers[i], &commit);
	write_txn_markers_response_write(request_reply(rq), rq->version, &resp);
	group_wait_finish(rq, commit);
	return 0;
}
