/* ListTransactions: which transactional ids there are, and in what state. */
#include "api/api.h"
#include "broker.h"
#include "coord/regex.h"
#include "coord/transactions.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct filter {
	const struct request *rq;
	const struct list_transactions_request *q;
	bool states[TRANSACTION_STATES];
	bool any_state;
	struct regex *pattern; /* NULL = none */
	int64_t now;           /* wall ms */
};

static void
read_states(struct request *rq, struct filter *f, struct list_transactions_response *resp)
{
	const struct list_transactions_request *q = f->q;

	resp->unknown_state_filters = arena_array(&rq->arena,
		(size_t)q->state_filters_n, sizeof(*resp->unknown_state_filters));
	for (int32_t i = 0; i < q->state_filters_n; i++) {
		enum transaction_state s = transaction_state_of(q->state_filters[i]);

		if (s == TRANSACTION_STATES)
			resp->unknown_state_filters[resp->unknown_state_filters_n++] =
				q->state_filters[i];
		else
			f->states[s] = f->any_state = true;
	}
}

static bool
has_producer(const struct list_transactions_request *q, int64_t id)
{
	for (int32_t i = 0; i < q->producer_id_filters_n; i++)
		if (q->producer_id_filters[i] == id)
			return true;
	return !q->producer_id_filters_n;
}

static bool
passes(const struct filter *f, const struct transactions_view *v)
{
	const struct transaction *t = v->state;

	return nodes_coordinates(f->rq, v->id) && has_producer(f->q, t->producer_id) &&
		(!f->any_state || f->states[t->state]) &&
		(f->q->duration_filter < 0 ||
			f->now - t->started > f->q->duration_filter) &&
		(!f->pattern || regex_match(f->pattern, v->id) == 1);
}

static void
fill(struct request *rq, const struct filter *f, struct list_transactions_response *resp)
{
	struct transactions *ts = rq->broker->transactions;
	struct transactions_view v;
	size_t n = 0;

	for (size_t i = 0; transactions_next(ts, &i, &v);)
		n++;
	resp->transaction_states = arena_array(&rq->arena, n,
		sizeof(*resp->transaction_states));
	for (size_t i = 0; transactions_next(ts, &i, &v);)
		if (passes(f, &v))
			resp->transaction_states[resp->transaction_states_n++] =
				(struct list_transactions_response_state){
				v.id, v.state->producer_id,
				slice_str(transaction_state_name(v.state->state)),
			};
}

int
api_list_transactions(struct request *rq)
{
	struct list_transactions_request q;
	struct list_transactions_response resp;
	struct filter f = { .rq = rq, .q = &q, .now = loop_wall(rq->broker->loop) };
	const char *why;

	if (list_transactions_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	list_transactions_response_init(&resp);
	resp.error_code = transactions_ready(rq->broker->transactions);
	if (!resp.error_code && q.transactional_id_pattern.len) {
		f.pattern = regex_new(q.transactional_id_pattern, &rq->arena, &why);
		if (!f.pattern)
			resp.error_code = KERR_INVALID_REGULAR_EXPRESSION;
	}
	if (!resp.error_code) {
		read_states(rq, &f, &resp);
		fill(rq, &f, &resp);
	}
	list_transactions_response_write(request_reply(rq), rq->version, &resp);
	regex_free(f.pattern);
	request_finish(rq);
	return 0;
}
