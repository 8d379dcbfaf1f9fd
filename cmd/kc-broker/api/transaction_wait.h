/*
 * transaction_wait.h - what the requests of transactional producers share.
 */
#ifndef API_TRANSACTION_WAIT_H
#define API_TRANSACTION_WAIT_H

#include <stdint.h>

#include "coord/transactions.h"

struct request;

/*
 * A token for transactions_init() and _end(); lives as long as the request,
 * which outlives its connection, as the transaction does.
 */
void *transaction_wait_token(struct request *rq,
	void (*encode)(struct request *rq, const struct transactions_reply *r));
/* As transactions_parts.answer. */
void transaction_wait_answer(void *token, const struct transactions_reply *r,
	uint64_t commit);

/* Clients from before KIP-588 know a fenced producer by its epoch only. */
int16_t transaction_fenced(int16_t error, bool knows_fenced);

#endif
