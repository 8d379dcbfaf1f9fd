/*
 * InitProducerId: an identity for an idempotent producer. Without a
 * transactional id every request gets a new one, as Kafka does: such a
 * producer raises its epoch by itself (KIP-360).
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
on_commit(struct request *rq, int16_t error)
{
	struct init_producer_id_response *resp = rq->state;

	if (error) {
		resp->error_code = error;
		resp->producer_id = -1;
		resp->producer_epoch = -1;
	}
	init_producer_id_response_write(request_reply(rq), rq->version, resp);
	request_finish(rq);
}

int
api_init_producer_id(struct request *rq)
{
	struct init_producer_id_request q;
	struct init_producer_id_response *resp;
	uint64_t commit = 0;

	if (init_producer_id_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	init_producer_id_response_init(resp);
	resp->producer_id = -1;
	resp->producer_epoch = -1;
	rq->state = resp;
	if (slice_is_null(q.transactional_id))
		resp->error_code = meta_next_producer_id(rq->broker->meta,
			&resp->producer_id, &commit);
	else /* no transactions yet: an error that a client does not retry */
		resp->error_code = KERR_UNSUPPORTED_VERSION;
	if (!resp->error_code)
		resp->producer_epoch = 0;
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
