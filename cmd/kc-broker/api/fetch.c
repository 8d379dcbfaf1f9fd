/*
 * Fetch: record batches from where each partition's reader stands.
 *
 * A request that finds less than min_bytes is parked: every partition is
 * watched, and the first change, the timer or another request behind it on
 * the connection makes it look again. Batches go out as ranges of the
 * segment files; they never pass through our memory.
 */
#include <string.h>

#include "api/api.h"
#include "api/fetch_parts.h"
#include "broker.h"
#include "config.h"
#include "meta/meta.h"
#include "net/loop.h"
#include "net/nodes.h"
#include "net/quota.h"
#include "net/request.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* What one look at a partition found. */
struct found {
	int16_t error;
	struct partlog *log;  /* NULL on error; good for this turn of the loop */
	int64_t high_watermark, last_stable, log_start;
	struct wire_records records;
};

struct fetch_wait {
	struct log_watch watch;
	struct fetch *fetch;
};

/* A fetch between its request and its reply; lives in the request's arena. */
struct fetch {
	struct request *rq;
	struct fetch_parts parts;
	bool committed;       /* isolation_level read_committed */
	int32_t min_bytes, max_bytes;
	struct found *found;  /* of each part, at the last look */
	struct fetch_wait *waits; /* NULL until parked */
	struct loop_timer timer;
};

static int16_t
find_log(const struct request *rq, const struct fetch_part *p, struct partlog **log)
{
	const struct broker *b = rq->broker;
	bool by_id = slice_is_null(p->topic);
	struct topic *t = by_id ? meta_topic_by_id(b->meta, &p->topic_id) :
		meta_topic(b->meta, p->topic);

	*log = t ? topic_partition(t, p->partition) : NULL;
	if (*log)
		return nodes_check(rq, t, p->partition);
	return by_id && !t ? KERR_UNKNOWN_TOPIC_ID :
		KERR_UNKNOWN_TOPIC_OR_PARTITION;
}

static void
look_at(struct fetch *f, const struct fetch_part *p, size_t budget,
	bool at_least_one, struct found *out)
{
	struct partlog *log;
	int64_t limit;

	*out = (struct found){ .high_watermark = -1, .last_stable = -1,
		.log_start = -1, .records.mem = slice_str("") };
	out->error = find_log(f->rq, p, &log);
	/* One node: the leader epoch is and stays 0. */
	if (!out->error && p->leader_epoch > 0)
		out->error = KERR_UNKNOWN_LEADER_EPOCH;
	if (out->error)
		return;
	out->log = log;
	out->high_watermark = partlog_high_watermark(log);
	out->last_stable = partlog_last_stable(log);
	out->log_start = partlog_start(log);
	limit = f->committed ? out->last_stable : out->high_watermark;
	if (p->max_bytes >= 0 && (size_t)p->max_bytes < budget)
		budget = (size_t)p->max_bytes;
	out->error = partlog_read(log, p->offset, limit, budget, at_least_one,
		&out->records);
	if (!out->error && out->records.len && f->committed)
		out->error = partlog_knows_aborted(log);
	if (out->error || !out->records.len)
		out->records = (struct wire_records){ .mem = slice_str("") };
	/* A reader of committed records waits until it can be told which are. */
	if (out->error == KERR_OFFSET_NOT_AVAILABLE)
		out->error = KERR_NONE;
}

/* Looks at every partition; true when the reply can go now. */
static bool
look(struct fetch *f)
{
	size_t total = 0, budget = f->max_bytes > 0 ? (size_t)f->max_bytes : 0;
	bool failed = false;

	for (int i = 0; i < f->parts.n; i++) {
		/* The first batch of all comes whole, even over every limit, or
		 * a reader of large batches would stand still. */
		look_at(f, f->parts.v[i], total < budget ? budget - total : 0,
			!total, &f->found[i]);
		total += f->found[i].records.len;
		failed |= f->found[i].error != KERR_NONE;
	}
	return failed || total >= (size_t)(f->min_bytes > 0 ? f->min_bytes : 0);
}

/* An incremental reply leaves out what the client knows already. */
static bool
is_news(const struct fetch *f, int i)
{
	const struct found *r = &f->found[i];
	const struct fetch_part *p = f->parts.v[i];

	return f->parts.full || r->error || r->records.len ||
		r->high_watermark != p->told_high_watermark ||
		r->log_start != p->told_log_start;
}

static bool
same_topic(const struct fetch_part *a, const struct fetch_part *b)
{
	return slice_eq(a->topic, b->topic) && uuid_eq(&a->topic_id, &b->topic_id);
}

/* The transactions of which the reader has to leave records out. */
static void
fill_aborted(struct fetch *f, int i, struct fetch_response_partition *out)
{
	struct arena *a = &f->rq->arena;
	const struct found *r = &f->found[i];
	struct aborted_txn *list;
	int n;

	out->aborted_transactions_n = 0;
	if (r->error || !r->records.len)
		return;
	out->error_code = partlog_aborted(r->log, f->parts.v[i]->offset,
		partlog_read_end(r->log, &r->records), a, &list, &n);
	if (out->error_code) {
		out->records = (struct wire_records){ .mem = slice_str("") };
		if (out->error_code == KERR_OFFSET_NOT_AVAILABLE)
			out->error_code = KERR_NONE;
		return;
	}
	out->aborted_transactions = arena_array(a, (size_t)n,
		sizeof(*out->aborted_transactions));
	for (int k = 0; k < n; k++) {
		struct fetch_response_aborted *to = &out->aborted_transactions[k];

		fetch_response_aborted_init(to);
		to->producer_id = list[k].producer_id;
		to->first_offset = list[k].first_offset;
	}
	out->aborted_transactions_n = n;
}

static void
fill_partition(struct fetch *f, int i, struct fetch_response_partition *out)
{
	const struct found *r = &f->found[i];

	fetch_response_partition_init(out);
	out->partition_index = f->parts.v[i]->partition;
	out->error_code = r->error;
	out->high_watermark = r->high_watermark;
	out->last_stable_offset = r->last_stable;
	out->log_start_offset = r->log_start;
	out->records = r->records;
	if (r->records.len)
		partlog_sent(r->log, r->records.len);
	out->aborted_transactions_n = -1; /* null unless read_committed */
	if (f->committed)
		fill_aborted(f, i, out);
}

/* Who leads it, and where that is: the client need not ask (KIP-951). */
static void
hint(struct fetch *f, int i, struct fetch_response *resp,
	struct fetch_response_partition *out)
{
	struct request *rq = f->rq;
	const struct fetch_part *p = f->parts.v[i];
	const struct topic *t = slice_is_null(p->topic) ?
		meta_topic_by_id(rq->broker->meta, &p->topic_id) :
		meta_topic(rq->broker->meta, p->topic);
	struct fetch_response_node *n;
	int leader;

	if (!t)
		return;
	leader = nodes_leader(rq->broker, t, p->partition);
	out->current_leader.leader_id = nodes_id(rq->broker, leader);
	out->current_leader.leader_epoch = 0;
	if (!resp->node_endpoints)
		resp->node_endpoints = arena_array(&rq->arena,
			(size_t)rq->broker->nodes, sizeof(*n));
	for (int k = 0; k < resp->node_endpoints_n; k++)
		if (resp->node_endpoints[k].node_id == nodes_id(rq->broker, leader))
			return;
	n = &resp->node_endpoints[resp->node_endpoints_n++];
	fetch_response_node_init(n);
	n->node_id = nodes_id(rq->broker, leader);
	n->host = nodes_host(rq, leader, &n->port);
}

static void
fill_topics(struct fetch *f, struct fetch_response *resp)
{
	struct arena *a = &f->rq->arena;
	struct fetch_response_partition *parts =
		arena_array(a, (size_t)f->parts.n, sizeof(*parts));
	const struct fetch_part *last = NULL;
	struct fetch_response_topic *t = NULL;

	resp->responses = arena_array(a, (size_t)f->parts.n, sizeof(*t));
	resp->responses_n = 0;
	for (int i = 0; i < f->parts.n; i++) {
		struct fetch_part *p = f->parts.v[i];

		if (!is_news(f, i))
			continue;
		if (!last || !same_topic(last, p)) {
			t = &resp->responses[resp->responses_n++];
			fetch_response_topic_init(t);
			t->topic = p->topic;
			t->topic_id = p->topic_id;
			t->partitions = parts;
			t->partitions_n = 0;
		}
		fill_partition(f, i, parts);
		if (parts->error_code == KERR_NOT_LEADER_OR_FOLLOWER &&
		    f->rq->broker->nodes > 1)
			hint(f, i, resp, parts);
		parts++;
		t->partitions_n++;
		p->told_high_watermark = f->found[i].high_watermark;
		p->told_log_start = f->found[i].log_start;
		last = p;
	}
}

/* Partitions that gave data go to the end, so that none starves behind them. */
static void
rotate(struct fetch *f)
{
	if (!f->parts.session || f->parts.session->closed)
		return;
	for (int i = 0; i < f->parts.n; i++) {
		if (!f->found[i].records.len)
			continue;
		list_remove(&f->parts.v[i]->node);
		list_append(&f->parts.session->parts, &f->parts.v[i]->node);
	}
}

static void
unpark(struct fetch *f)
{
	loop_timer_clear(f->rq->broker->loop, &f->timer);
	for (int i = 0; f->waits && i < f->parts.n; i++)
		partlog_unwatch(&f->waits[i].watch);
	f->waits = NULL;
}

static size_t
bytes_found(const struct fetch *f)
{
	size_t total = 0;

	for (int i = 0; i < f->parts.n; i++)
		total += f->found[i].records.len;
	return total;
}

static void
answer(struct fetch *f)
{
	struct request *rq = f->rq;
	struct fetch_response resp;

	unpark(f);
	fetch_response_init(&resp);
	resp.session_id = f->parts.session_id;
	fill_topics(f, &resp);
	resp.throttle_time_ms = quota_charge(rq, QUOTA_FETCH, (double)bytes_found(f));
	fetch_response_write(request_reply(rq), rq->version, &resp);
	rotate(f);
	if (f->parts.session)
		fetch_session_drop(f->parts.session);
	request_finish(rq);
}

/* The wait is over, whatever there is. */
static void
on_timer(struct loop_timer *t)
{
	struct fetch *f = container_of(t, struct fetch, timer);

	if (look(f) || loop_now(f->rq->broker->loop) >= f->timer.at)
		answer(f);
}

static void
on_hurry(struct request *rq)
{
	struct fetch *f = rq->state;

	look(f);
	answer(f);
}

static void
on_closed(struct request *rq)
{
	struct fetch *f = rq->state;

	unpark(f);
	if (f->parts.session)
		fetch_session_drop(f->parts.session);
	request_finish(rq);
}

static void
on_change(struct log_watch *w)
{
	struct fetch *f = container_of(w, struct fetch_wait, watch)->fetch;

	if (look(f))
		answer(f);
}

static void
park(struct fetch *f, int32_t max_wait_ms)
{
	struct request *rq = f->rq;

	f->waits = arena_array(&rq->arena, (size_t)f->parts.n, sizeof(*f->waits));
	for (int i = 0; i < f->parts.n; i++) {
		struct partlog *log;

		f->waits[i].fetch = f;
		f->waits[i].watch.changed = on_change;
		list_init(&f->waits[i].watch.node);
		if (!find_log(rq, f->parts.v[i], &log))
			partlog_watch(log, &f->waits[i].watch);
	}
	f->timer.fire = on_timer;
	loop_timer_set(rq->broker->loop, &f->timer,
		loop_now(rq->broker->loop) + max_wait_ms);
	rq->state = f;
	rq->hurry = on_hurry;
	rq->closed = on_closed;
}

static void
fail(struct request *rq, int16_t error)
{
	struct fetch_response resp;

	fetch_response_init(&resp);
	resp.error_code = error;
	fetch_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
}

int
api_fetch(struct request *rq)
{
	int64_t limit = config_get_int64(rq->broker->config, "fetch.max.bytes");
	struct fetch_request q;
	struct fetch *f;
	int16_t error;

	if (fetch_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	/* Replicas fetch with their id here; one node has none. */
	if (q.replica_id >= 0 || q.replica_state.replica_id >= 0) {
		fail(rq, KERR_CLUSTER_AUTHORIZATION_FAILED);
		return 0;
	}
	f = arena_alloc(&rq->arena, sizeof(*f));
	f->rq = rq;
	f->committed = q.isolation_level == 1;
	f->min_bytes = q.min_bytes;
	f->max_bytes = q.max_bytes < limit ? q.max_bytes : (int32_t)limit;
	error = fetch_parts_choose(&f->parts, rq, &q);
	if (error) {
		fail(rq, error);
		return 0;
	}
	f->found = arena_array(&rq->arena, (size_t)f->parts.n, sizeof(*f->found));
	/* Nothing to read: nothing to wait for either, as Kafka has it. */
	if (look(f) || q.max_wait_ms <= 0 || !f->parts.n)
		answer(f);
	else
		park(f, q.max_wait_ms);
	return 0;
}
