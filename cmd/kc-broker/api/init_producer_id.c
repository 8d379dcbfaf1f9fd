/*
 * InitProducerId: an identity for an idempotent or transactional producer.
 * Without a transactional id every request gets a new one, as Kafka does:
 * such a producer raises its epoch by itself (KIP-360).
 */
#include "api/api.h"
#include "api/transaction_wait.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { FENCED_SINCE = 4 };

static void
write(struct request *rq, int16_t error, int64_t id, int16_t epoch)
{
	struct init_producer_id_response resp;

	init_producer_id_response_init(&resp);
	resp.error_code = transaction_fenced(error, rq->version >= FENCED_SINCE);
	resp.producer_id = error ? -1 : id;
	resp.producer_epoch = error ? -1 : epoch;
	init_producer_id_response_write(request_reply(rq), rq->version, &resp);
}

static void
encode(struct request *rq, const struct transactions_reply *r)
{
	write(rq, r->error, r->producer_id, r->epoch);
}

static void
on_commit(struct request *rq, int16_t error)
{
	const int64_t *id = rq->state;

	write(rq, error, *id, 0);
	request_finish(rq);
}

static void
init_idempotent(struct request *rq)
{
	int64_t *id = arena_alloc(&rq->arena, sizeof(*id));
	uint64_t commit = 0;
	int16_t error = meta_next_producer_id(rq->broker->meta, id, &commit);

	rq->state = id;
	if (error)
		on_commit(rq, error);
	else
		request_wait_commit(rq, commit, on_commit);
}

int
api_init_producer_id(struct request *rq)
{
	struct init_producer_id_request q;
	struct transaction_init init;

	if (init_producer_id_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	if (slice_is_null(q.transactional_id)) {
		init_idempotent(rq);
		return 0;
	}
	init = (struct transaction_init){
		.producer_id = q.producer_id,
		.epoch = q.producer_epoch,
		.timeout_ms = q.transaction_timeout_ms,
	};
	if ((q.producer_id < 0) != (q.producer_epoch < 0)) {
		write(rq, KERR_INVALID_REQUEST, -1, -1);
		request_finish(rq);
	} else {
		transactions_init(rq->broker->transactions, q.transactional_id, &init,
			transaction_wait_token(rq, encode));
	}
	return 0;
}
