#include "api/transaction_wait.h"

#include "api/group_wait.h"
#include "net/request.h"
#include "wire/errors.h"

struct waiter {
	struct request *rq;
	void (*encode)(struct request *rq, const struct transactions_reply *r);
};

void *
transaction_wait_token(struct request *rq,
	void (*encode)(struct request *rq, const struct transactions_reply *r))
{
	struct waiter *w = arena_alloc(&rq->arena, sizeof(*w));

	w->rq = rq;
	w->encode = encode;
	return w;
}

void
transaction_wait_answer(void *token, const struct transactions_reply *r, uint64_t commit)
{
	struct waiter *w = token;

	w->encode(w->rq, r);
	group_wait_finish(w->rq, commit);
}

int16_t
transaction_fenced(int16_t error, bool knows_fenced)
{
	return error == KERR_PRODUCER_FENCED && !knows_fenced
		? KERR_INVALID_PRODUCER_EPOCH : error;
}
