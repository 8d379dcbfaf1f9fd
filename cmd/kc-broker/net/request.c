#include "net/request.h"

#include <stdlib.h>
#include <time.h>

#include "api/api.h"
#include "base/be.h"
#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/faults.h"
#include "net/nodes.h"
#include "net/quota.h"
#include "net/server.h"
#include "net/worker.h"
#include "store/store.h"

enum {
	PRODUCE = 0,
	API_VERSIONS = 18,
	FREE_MAX = 256,          /* requests kept for reuse */
	REPLY_KEPT = 16 << 10,   /* bytes; larger reply buffers are not kept */
	/* Decoded, a request of many small items takes 16 times its bytes: but
	 * for Produce, whose bulk is not decoded, none needs to be larger. */
	OTHERS_MAX = 8 << 20,
};

/* ---- life ----------------------------------------------------------------- */

static struct request *
request_new(struct server *s)
{
	struct request *rq;

	if (list_is_empty(&s->free_requests))
		return xcalloc(1, sizeof(*rq));
	rq = container_of(s->free_requests.next, struct request, node);
	list_remove(&rq->node);
	s->free_requests_n--;
	return rq;
}

static void
destroy(struct request *rq)
{
	wire_writer_release(&rq->out);
	arena_release(&rq->arena);
	free(rq);
}

void
request_free(struct server *s, struct request *rq)
{
	s->bytes -= rq->held;
	if (rq->fault)
		faults_forget(rq);
	if (s->free_requests_n >= FREE_MAX) {
		destroy(rq);
		return;
	}
	arena_reset(&rq->arena);
	if (rq->out.out.cap > REPLY_KEPT)
		wire_writer_release(&rq->out);
	wire_writer_clear(&rq->out);
	*rq = (struct request){ .arena = rq->arena, .out = rq->out };
	/* The one used last is the one whose memory is warm. */
	list_append(s->free_requests.next, &rq->node);
	s->free_requests_n++;
}

void
requests_trim(struct server *s, int keep)
{
	while (s->free_requests_n > keep) {
		struct request *rq = container_of(s->free_requests.prev,
			struct request, node);

		list_remove(&rq->node);
		s->free_requests_n--;
		destroy(rq);
	}
}

/* Out of its connection's queue, without a reply. */
static void
leave_conn(struct request *rq)
{
	list_remove(&rq->node);
	rq->conn->in_flight--;
	rq->conn = NULL;
}

void
request_orphan(struct request *rq)
{
	struct server *s = rq->conn->server;

	leave_conn(rq);
	if (rq->finished)
		request_free(s, rq);
	else if (rq->closed)
		rq->closed(rq);
}

/* ---- in ------------------------------------------------------------------- */

/* Finds the row and checks the version; NULL = the connection must be closed. */
static const struct api *
find_api(struct request *rq, int16_t key, bool *too_new)
{
	const struct api *a = api_find(key);

	*too_new = false;
	if (!a || rq->version < a->served)
		return NULL;
	if (rq->version <= (rq->broker->release ? api_max(rq->broker, a) : a->max))
		return a;
	*too_new = key == API_VERSIONS;
	return *too_new ? a : NULL;
}

static bool
is_flexible(const struct request *rq)
{
	return rq->version >= rq->api->flexible;
}

static void
complain(struct conn *c, int16_t key, int16_t version, const char *what)
{
	char text[ADDRESS_TEXT];

	if (server_may_complain(c->server))
		log_info("connection closed: %s peer=%s api=%d version=%d", what,
			address_text(&c->peer, text), key, version);
}

/* Header v1, or v2 when the request is flexible: then it ends with tags. */
static int
read_header(struct request *rq, struct conn *c, int16_t *key, bool *too_new)
{
	struct wire_reader *in = &rq->in;

	*key = wire_get_int16(in);
	rq->version = wire_get_int16(in);
	rq->correlation = wire_get_int32(in);
	if (in->bad) {
		complain(c, *key, rq->version, "request without a header");
		return -1;
	}
	rq->api = find_api(rq, *key, too_new);
	if (!rq->api) {
		complain(c, *key, rq->version, "unknown request or version");
		return -1;
	}
	if (*too_new) {
		/* Nothing behind the correlation id can be relied on (KIP-511). */
		rq->version = 0;
		return 0;
	}
	rq->client_id = wire_get_string(in, false, true);
	if (is_flexible(rq))
		wire_skip_tags(in);
	if (in->bad) {
		complain(c, *key, rq->version, "malformed request header");
		return -1;
	}
	if (*key != PRODUCE && in->end - in->p > OTHERS_MAX) {
		complain(c, *key, rq->version, "request too large for its kind");
		return -1;
	}
	return 0;
}

/* What is parked in front of a new request, and can, gets out of its way. */
static void
hurry_last(struct conn *c)
{
	struct request *last;

	if (list_is_empty(&c->requests))
		return;
	last = container_of(c->requests.prev, struct request, node);
	if (!last->finished && last->hurry)
		last->hurry(last);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
handle(struct request *rq, struct conn *c, int16_t key, bool too_new)
{
	metrics_begin(rq);
	if (too_new) {
		api_versions_unsupported(rq);
	} else if (rq->broker->faults && faults_begin(rq)) {
		return;
	} else if (rq->broker->nodes > 1 && nodes_misdirected(rq)) {
		return;
	} else if (rq->api->handle(rq)) {
		complain(c, key, rq->version, "malformed request");
		request_abort(rq);
	}
}

/* The same with the time taken against the client's quota (KIP-124). */
static void
handle_timed(struct request *rq, struct conn *c, struct slice client, int16_t key,
	bool too_new)
{
	int64_t start = now_ns();

	rq->throttle_ms = quota_owed(c, client);
	conn_mute(c, rq->throttle_ms);
	handle(rq, c, key, too_new);
	quota_charge_time(c, client, now_ns() - start);
}

/* What a request keeps while it waits counts as the connections' bytes do. */
static void
count_parked(struct conn *c)
{
	struct request *rq;

	if (c->closed || list_is_empty(&c->requests))
		return;
	rq = container_of(c->requests.prev, struct request, node);
	if (rq->finished || rq->held)
		return;
	rq->held = rq->arena.total;
	c->server->bytes += rq->held;
}

void
request_begin(struct conn *c, uint8_t *frame, size_t len)
{
	struct server *s = c->server;
	struct request *rq = request_new(s);
	struct slice client;
	bool too_new;
	int16_t key;

	list_init(&rq->node);
	list_init(&rq->parked);
	rq->broker = s->broker;
	wire_reader_init(&rq->in, slice_make(frame, len), &rq->arena);
	if (read_header(rq, c, &key, &too_new)) {
		request_free(s, rq);
		conn_close(c, "bad request header");
		return;
	}
	hurry_last(c);
	if (c->closed) {
		request_free(s, rq);
		return;
	}
	client = rq->client_id;
	rq->client_id = arena_copy(&rq->arena, client);
	rq->conn = c;
	list_append(&c->requests, &rq->node);
	c->in_flight++;
	c->requests_n++;
	if (quota_times_requests(s))
		handle_timed(rq, c, client, key, too_new);
	else
		handle(rq, c, key, too_new);
	count_parked(c);
}

/* ---- out ------------------------------------------------------------------ */

struct wire_writer *
request_reply(struct request *rq)
{
	struct wire_writer *w = &rq->out;

	wire_put_int32(w, 0); /* the length, known when it is finished */
	wire_put_int32(w, rq->correlation);
	/* A client that cannot parse our ApiVersions must get this far: no tags. */
	if (is_flexible(rq) && rq->api->key != API_VERSIONS)
		wire_put_uvarint(w, 0);
	return w;
}

/* The first version whose reply begins with ThrottleTimeMs, -1 = none does. */
static int16_t
throttle_since(int16_t key)
{
	static const int8_t since[][2] = {
		{ 0, -1 }, { 2, 2 }, { 3, 3 }, { 8, 3 }, { 9, 3 }, { 10, 1 },
		{ 11, 2 }, { 12, 1 }, { 13, 1 }, { 14, 1 }, { 15, 1 }, { 16, 1 },
		{ 17, -1 }, { 18, -1 }, { 27, -1 }, { 36, -1 }, { 47, -1 },
		{ 55, -1 },
	};

	for (size_t i = 0; i < sizeof(since) / sizeof(since[0]); i++)
		if (since[i][0] == key)
			return since[i][1];
	return 0;
}

/*
 * ThrottleTimeMs, which nearly every reply begins with; Produce and
 * ApiVersions have it elsewhere. The handler may have put a longer one.
 */
static void
throttle_reply(struct request *rq)
{
	bool tags = is_flexible(rq);
	size_t at = tags ? 9 : 8;
	int16_t since = throttle_since(rq->api->key);
	uint8_t *p = rq->out.out.data + at;

	if (since >= 0 && rq->version >= since && rq->out.out.len >= at + 4 &&
	    (int32_t)be32_get(p) < rq->throttle_ms)
		be32_put(p, (uint32_t)rq->throttle_ms);
}

void
request_finish(struct request *rq)
{
	struct server *s = rq->broker->server;
	struct conn *c = rq->conn;
	size_t size;

	if (!c) {
		request_free(s, rq);
		return;
	}
	if (rq->fault && faults_finish(rq))
		return;
	if (rq->silent) {
		leave_conn(rq);
		request_free(s, rq);
		if (c->held_back)
			server_run_later(s, c);
		return;
	}
	size = wire_writer_size(&rq->out);
	if (rq->out.bad || size < 8 || size - 4 > INT32_MAX) {
		log_error("reply cannot be encoded api=%s version=%d bytes=%zu",
			rq->api->name, rq->version, size);
		request_abort(rq);
		return;
	}
	be32_put(rq->out.out.data, (uint32_t)(size - 4));
	s->bytes -= rq->held;
	rq->held = 0;
	if (rq->throttle_ms)
		throttle_reply(rq);
	if (rq->fault)
		faults_cut(rq);
	metrics_end(rq);
	/* A reply may wait long until its peer takes it: no more than that stays. */
	rq->fault = NULL;
	rq->client_id = SLICE_NULL;
	arena_reset(&rq->arena);
	rq->finished = true;
	reply_ready(c, rq);
}

void
request_abort(struct request *rq)
{
	struct conn *c = rq->conn;

	if (c)
		leave_conn(rq);
	request_free(rq->broker->server, rq);
	if (c)
		conn_close(c, "request aborted");
}

/* ---- parking -------------------------------------------------------------- */

void
request_wait_commit(struct request *rq, uint64_t commit,
	void (*resume)(struct request *rq, int16_t error))
{
	struct broker *b = rq->broker;
	struct list *at;

	if (commit <= store_committed(b->store)) {
		resume(rq, 0);
		return;
	}
	rq->commit = commit;
	rq->resume = resume;
	/* Nearly always last: an older commit is that of a retried batch. */
	at = b->commit_waiters.prev;
	while (at != &b->commit_waiters &&
	    container_of(at, struct request, parked)->commit > commit)
		at = at->prev;
	list_append(at->next, &rq->parked);
}

void
server_committed(struct server *s, uint64_t seq, int16_t error)
{
	struct list *waiters = &s->broker->commit_waiters;

	while (!list_is_empty(waiters)) {
		struct request *rq = container_of(waiters->next, struct request,
			parked);

		if (rq->commit > seq)
			return;
		list_remove(&rq->parked);
		rq->resume(rq, error);
	}
}

/* ---- elsewhere ------------------------------------------------------------ */

void
request_work(struct request *rq, struct work *w)
{
	struct server *s = rq->broker->server;

	if (rq->conn)
		rq->conn->busy = true;
	s->working++;
	worker_give(s->worker, w);
}

bool
request_worked(struct request *rq)
{
	struct server *s = rq->broker->server;

	s->working--;
	if (rq->conn) {
		rq->conn->busy = false;
		if (rq->conn->held_back)
			server_run_later(s, rq->conn);
	}
	return !s->ending;
}

/* ---- who is asking -------------------------------------------------------- */

struct slice
request_host(struct request *rq, int32_t *port)
{
	const struct server *s = rq->broker->server;
	union address own = { 0 };
	socklen_t len = sizeof(own);
	char host[INET6_ADDRSTRLEN];

	own.in.sin_family = AF_INET;
	if (rq->conn)
		getsockname(rq->conn->io.fd, &own.sa, &len);
	*port = s->advertised_port ? s->advertised_port : address_port(&own);
	if (s->advertised_host)
		return slice_str(s->advertised_host);
	return arena_copy(&rq->arena, slice_str(address_host(&own, host)));
}

struct slice
request_client_host(struct request *rq)
{
	char host[INET6_ADDRSTRLEN + 1] = "/";

	if (rq->conn)
		address_host(&rq->conn->peer, host + 1);
	return arena_copy(&rq->arena, slice_str(host));
}
