/* DescribeTransactions: what the coordinator knows of transactional ids. */
#include "api/api.h"
#include "base/map.h"
#include "broker.h"
#include "coord/transactions.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

typedef struct describe_transactions_response_state described;

/* While it ends: those that have no marker yet. */
static void
fill_topics(struct request *rq, const struct transactions_view *v, described *s)
{
	struct describe_transactions_response_topic *t = NULL;

	s->topics = arena_array(&rq->arena, (size_t)v->parts->n, sizeof(*s->topics));
	for (int i = 0; i < v->parts->n; i++) {
		const struct transaction_part *p = &v->parts->v[i];

		if (transaction_is_ending(v->state) && p->first < 0)
			continue;
		if (!t || !slice_eq(t->topic, p->topic)) {
			t = &s->topics[s->topics_n++];
			t->topic = p->topic;
			t->partitions = arena_array(&rq->arena,
				(size_t)(v->parts->n - i), sizeof(*t->partitions));
		}
		t->partitions[t->partitions_n++] = p->partition;
	}
}

static void
describe(struct request *rq, struct slice id, described *s)
{
	struct transactions_view v;

	describe_transactions_response_state_init(s);
	s->transactional_id = id;
	s->error_code = transactions_find(rq->broker->transactions, id, &v);
	if (s->error_code)
		return;
	s->transaction_state = slice_str(transaction_state_name(v.state->state));
	s->transaction_timeout_ms = v.state->timeout_ms;
	s->transaction_start_time_ms = v.state->started;
	s->producer_id = v.state->producer_id;
	s->producer_epoch = v.state->epoch;
	fill_topics(rq, &v, s);
}

int
api_describe_transactions(struct request *rq)
{
	struct describe_transactions_request q;
	struct describe_transactions_response resp;
	struct map seen = { 0 };

	if (describe_transactions_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_transactions_response_init(&resp);
	resp.transaction_states = arena_array(&rq->arena,
		(size_t)q.transactional_ids_n, sizeof(*resp.transaction_states));
	for (int32_t i = 0; i < q.transactional_ids_n; i++)
		if (!map_put(&seen, q.transactional_ids[i], resp.transaction_states))
			describe(rq, q.transactional_ids[i],
				&resp.transaction_states[resp.transaction_states_n++]);
	map_release(&seen);
	describe_transactions_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
