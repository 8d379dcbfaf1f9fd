/*
 * AddOffsetsToTxn: the transaction will commit offsets of this group, so the
 * partition that has them gets a marker, too.
 */
#include "api/api.h"
#include "api/transaction_wait.h"
#include "broker.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { FENCED_SINCE = 2 };

static int16_t
add(struct transactions *ts, const struct add_offsets_to_txn_request *q)
{
	struct transactions_producer producer = {
		q->transactional_id, q->producer_id, q->producer_epoch, TRANSACTION_V1,
	};
	struct transactions_part part;
	int16_t error;

	if (!q->group_id.len)
		return KERR_INVALID_GROUP_ID;
	error = transactions_group_part(ts, q->group_id, &part);
	return error ? error : transactions_add(ts, &producer, &part, 1);
}

int
api_add_offsets_to_txn(struct request *rq)
{
	struct add_offsets_to_txn_request q;
	struct add_offsets_to_txn_response resp;

	if (add_offsets_to_txn_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	add_offsets_to_txn_response_init(&resp);
	resp.error_code = transaction_fenced(add(rq->broker->transactions, &q),
		rq->version >= FENCED_SINCE);
	add_offsets_to_txn_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
