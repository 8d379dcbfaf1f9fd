/*
 * EndTxn: commits or aborts. The reply says that it is decided and on disk;
 * readers see it with the next commit of the store.
 */
#include "api/api.h"
#include "api/transaction_wait.h"
#include "broker.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	FENCED_SINCE = 2,
	EPOCH_SINCE = 5, /* KIP-890 part 2 */
};

static void
encode(struct request *rq, const struct transactions_reply *r)
{
	struct end_txn_response resp;

	end_txn_response_init(&resp);
	resp.error_code = transaction_fenced(r->error, rq->version >= FENCED_SINCE);
	if (rq->version >= EPOCH_SINCE) {
		resp.producer_id = r->producer_id;
		resp.producer_epoch = r->epoch;
	}
	end_txn_response_write(request_reply(rq), rq->version, &resp);
}

int
api_end_txn(struct request *rq)
{
	struct end_txn_request q;
	struct transaction_end end;

	if (end_txn_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	end = (struct transaction_end){
		.producer_id = q.producer_id,
		.epoch = q.producer_epoch,
		.commit = q.committed,
		.client_version = rq->version >= EPOCH_SINCE ? TRANSACTION_V2
			: TRANSACTION_V1,
	};
	transactions_end(rq->broker->transactions, q.transactional_id, &end,
		transaction_wait_token(rq, encode));
	return 0;
}
