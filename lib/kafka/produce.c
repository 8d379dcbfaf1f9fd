#include "kafka/produce.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/producer.h"
#include "kafka/transaction.h"

static int64_t
now_mono(void)
{
	return clock_mono_ms(clock_system());
}

static int64_t
deadline_in(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : now_mono() + timeout_ms;
}

/* ---- where a message came from ---- */

enum { GAVE_PARTITION = 1, GAVE_TIMESTAMP = 2, TAG_SHIFT = 2 };

static void *
opaque_of(struct origin o)
{
	return (void *)((uintptr_t)o.tag << TAG_SHIFT |
		(o.gave_partition ? GAVE_PARTITION : 0) |
		(o.gave_timestamp ? GAVE_TIMESTAMP : 0));
}

static struct origin
origin_of(const rd_kafka_message_t *m)
{
	uintptr_t v = (uintptr_t)m->_private;

	return (struct origin){ v >> TAG_SHIFT, v & GAVE_PARTITION,
		v & GAVE_TIMESTAMP };
}

/*
 * librdkafka has the timestamp of a failed message, and does not tell it. It
 * is told once the message looks delivered.
 */
static int64_t
timestamp_of(const rd_kafka_message_t *m)
{
	rd_kafka_message_t *open = (rd_kafka_message_t *)(uintptr_t)m;
	rd_kafka_resp_err_t code = open->err;
	int64_t timestamp;

	open->err = RD_KAFKA_RESP_ERR_NO_ERROR;
	timestamp = rd_kafka_message_timestamp(open, NULL);
	open->err = code;
	return timestamp;
}

/* ---- what became of a record ---- */

void
producer_fail(struct producer *p, const struct record *r, struct origin origin,
	const struct err *why)
{
	struct record as_given = *r;
	struct err named = *why;

	if (!origin.gave_partition)
		as_given.partition = -1;
	p->totals.failed++;
	err_wrap(&named, "topic '%.*s'", SLICE_ARG(r->topic));
	producer_txn_fail(p, &named);
	p->o.on_failure(p->o.arg, &as_given, origin.tag, why);
}

/* The record that a delivery report is about; headers in p's scratch memory. */
static void
record_of(struct producer *p, const rd_kafka_message_t *m, struct record *r)
{
	rd_kafka_headers_t *hdrs;
	size_t n;

	*r = (struct record){
		.topic = slice_str(rd_kafka_topic_name(m->rkt)),
		.partition = m->partition, .offset = -1,
		.key = slice_make(m->key, m->key_len),
		.value = slice_make(m->payload, m->len),
	};
	if (rd_kafka_message_headers(m, &hdrs))
		return;
	n = rd_kafka_header_cnt(hdrs);
	if (n > p->headers_cap) {
		p->headers = xreallocarray(p->headers, n, sizeof(*p->headers));
		p->headers_cap = n;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name;
		const void *value;
		size_t len;

		rd_kafka_header_get_all(hdrs, i, &name, &value, &len);
		p->headers[i].key = slice_str(name);
		p->headers[i].value = slice_make(value, len);
	}
	r->headers = p->headers;
	r->headers_n = n;
}

/* Errors after which librdkafka sends nothing more, by its own word. */
static int
check_fatal(struct producer *p, struct err *e)
{
	rd_kafka_resp_err_t code;
	char why[512];

	if (!p->fatal.code) {
		code = rd_kafka_fatal_error(client_handle(p->client), why, sizeof(why));
		if (code)
			client_error(p->client, code, why, &p->fatal);
	}
	if (!p->fatal.code)
		return 0;
	*e = p->fatal;
	return -1;
}

/*
 * Dropped with its transaction: either that has a failure that is told, or
 * librdkafka knows one, which it tells when the transaction is to be committed.
 */
static bool
is_dropped(struct producer *p, rd_kafka_resp_err_t code)
{
	struct err ignored;

	if (!p->txn.id || (code != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
	    code != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT))
		return false;
	if (!p->txn.failed.code && !check_fatal(p, &ignored))
		p->txn.lost = true;
	return true;
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct producer *p = client_user(opaque);
	struct origin origin = origin_of(m);
	struct err why = ERR_INIT;
	struct record r;

	(void)rk;
	if (!m->err) {
		p->o.on_ack(p->o.arg, rd_kafka_topic_name(m->rkt),
			m->partition, m->offset, origin.tag);
		return;
	}
	p->handed--;
	if (is_dropped(p, m->err)) {
		p->totals.failed++;
		return;
	}
	record_of(p, m, &r);
	if (origin.gave_timestamp) {
		r.has_timestamp = true;
		r.timestamp = timestamp_of(m);
		r.timestamp_type = TIMESTAMP_CREATE;
	}
	/* In a transaction nothing is sent again: all of it, or nothing. */
	if (resend_is_refusal(m->err) && !p->alone && !p->txn.id) {
		resend_keep(p, &r, origin);
		return;
	}
	client_error(p->client, m->err, NULL, &why);
	if (m->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && !p->fatal.code &&
	    !p->txn.id)
		p->fatal = why;
	producer_fail(p, &r, origin, &why);
}

/* ---- opening ---- */

static void
setup(rd_kafka_conf_t *rk_conf, void *user)
{
	struct producer *p = user;
	char number[24], why[256];

	rd_kafka_conf_set_dr_msg_cb(rk_conf, on_delivery);
	/* Nobody wants to know: librdkafka frees what was delivered by itself. */
	if (!p->o.on_ack)
		rd_kafka_conf_set(rk_conf, "delivery.report.only.error", "true",
			why, sizeof(why));
	if (p->o.at_once && !conf_get(p->conf, "linger.ms") &&
	    !conf_get(p->conf, "queue.buffering.max.ms"))
		rd_kafka_conf_set(rk_conf, "linger.ms", "0", why, sizeof(why));
	snprintf(number, sizeof(number), "%" PRId64, p->batch_bytes);
	rd_kafka_conf_set(rk_conf, "batch.size", number, why, sizeof(why));
	if (p->txn.id)
		producer_txn_setup(p, rk_conf);
	else if (!conf_get(p->conf, "message.timeout.ms")) {
		/* 0 is librdkafka's "for ever" */
		snprintf(number, sizeof(number), "%d",
			p->o.timeout_ms < 0 ? 0 : p->o.timeout_ms);
		rd_kafka_conf_set(rk_conf, "message.timeout.ms", number, why,
			sizeof(why));
	}
}

static bool
is_compressing(const struct conf *c)
{
	const char *codec = conf_get(c, "compression.codec");

	return codec && strcmp(codec, "none");
}

int
producer_open(struct producer **out, const struct conf *c,
	const struct producer_options *o, struct err *e)
{
	struct producer *p = xcalloc(1, sizeof(*p));
	const char *size = conf_get(c, "batch.size");
	struct err ignored;

	p->conf = c;
	p->o = *o;
	p->txn.id = o->transactional_id;
	p->compressed = is_compressing(c);
	p->batch_bytes = 1000000; /* librdkafka's default */
	if (size)
		num_int(slice_str(size), 1, INT32_MAX, &p->batch_bytes, &ignored);
	if (client_open_with(&p->client, c, CLIENT_PRODUCER, NULL, setup, p, e) ||
	    client_wait(p->client, o->timeout_ms, e) ||
	    (p->txn.id && producer_txn_init(p, e))) {
		producer_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

int
producer_reopen(struct producer *p, int64_t batch_bytes, struct err *e)
{
	struct client *old = p->client;
	struct topic *t;

	static const struct err smaller = { ERR_TEMPORARY,
		"a topic takes smaller batches than were made so far" };

	/* Its open transaction would be aborted by the new handle. */
	if (p->txn.open) {
		producer_txn_fail(p, &smaller);
		p->txn.batch_bytes = batch_bytes;
		return 0;
	}
	if (producer_flush(p, -1, e))
		return -1;
	p->batch_bytes = batch_bytes;
	if (client_open_with(&p->client, p->conf, CLIENT_PRODUCER, NULL, setup,
	    p, e)) {
		p->client = old;
		return -1;
	}
	for (size_t i = 0; (t = map_next(&p->topics, &i)); ) {
		if (t->rkt)
			rd_kafka_topic_destroy(t->rkt);
		t->rkt = rd_kafka_topic_new(client_handle(p->client), t->name, NULL);
	}
	client_close(old);
	if (client_wait(p->client, p->o.timeout_ms, e))
		return -1;
	return p->txn.id ? producer_txn_init(p, e) : 0;
}

void
producer_close(struct producer *p)
{
	struct err ignored = ERR_INIT;

	if (!p)
		return;
	txn_abort(p, &ignored);
	producer_topics_release(p);
	producer_txn_release(p);
	client_close(p->client);
	free(p->headers);
	free(p);
}

/* ---- sending ---- */

static rd_kafka_headers_t *
make_headers(const struct record *r)
{
	rd_kafka_headers_t *hdrs;

	if (!r->headers_n)
		return NULL;
	hdrs = rd_kafka_headers_new(r->headers_n);
	for (size_t i = 0; i < r->headers_n; i++) {
		const struct record_header *h = &r->headers[i];

		rd_kafka_header_add(hdrs, h->key.data, (ssize_t)h->key.len,
			h->value.data, (ssize_t)h->value.len);
	}
	return hdrs;
}

/* librdkafka's way for records with headers or a time of their own. */
static rd_kafka_resp_err_t
enqueue_full(struct producer *p, const struct topic *t, const struct record *r,
	void *opaque)
{
	rd_kafka_headers_t *hdrs = make_headers(r);
	rd_kafka_resp_err_t code;

	/* The RD_KAFKA_V_*() macros are GNU C; these are what they stand for. */
	code = rd_kafka_producev(client_handle(p->client),
		RD_KAFKA_VTYPE_RKT, t->rkt,
		RD_KAFKA_VTYPE_PARTITION, r->partition,
		RD_KAFKA_VTYPE_MSGFLAGS, (int)RD_KAFKA_MSG_F_COPY,
		RD_KAFKA_VTYPE_VALUE, r->value.data, r->value.len,
		RD_KAFKA_VTYPE_KEY, r->key.data, r->key.len,
		/* 0 = now */
		RD_KAFKA_VTYPE_TIMESTAMP, r->has_timestamp ? r->timestamp : INT64_C(0),
		RD_KAFKA_VTYPE_HEADERS, hdrs,
		RD_KAFKA_VTYPE_OPAQUE, opaque,
		RD_KAFKA_VTYPE_END);
	if (code && hdrs)
		rd_kafka_headers_destroy(hdrs);
	return code;
}

rd_kafka_resp_err_t
producer_enqueue(struct producer *p, const struct topic *t,
	const struct record *r, struct origin origin)
{
	void *opaque = opaque_of(origin);
	rd_kafka_resp_err_t code;

	for (int step = 1;; step = step < 50 ? 2 * step : step) {
		if (r->headers_n || r->has_timestamp)
			code = enqueue_full(p, t, r, opaque);
		else if (!rd_kafka_produce(t->rkt, r->partition, RD_KAFKA_MSG_F_COPY,
		    (void *)(uintptr_t)r->value.data, r->value.len, r->key.data,
		    r->key.len, opaque))
			code = RD_KAFKA_RESP_ERR_NO_ERROR;
		else
			code = rd_kafka_last_error();
		if (!code) {
			p->handed++;
			return code;
		}
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || p->fatal.code ||
		    sig_caught())
			return code;
		/* nobody tells when there is room: see setup() */
		rd_kafka_poll(client_handle(p->client), step);
	}
}

/* Everything that can be known before sending. */
static int
check(struct producer *p, struct topic *t, const struct record *r, struct err *e)
{
	if (t->bad.code) {
		*e = t->bad;
		return -1;
	}
	if (r->partition >= t->partitions && !producer_topic_has(p, t, r->partition))
		return err_set(e, ERR_NOT_FOUND, "partition %" PRId32 " does not "
			"exist: topic '%s' has %" PRId32 " (0 to %" PRId32
			"; without a number, the partitioner chooses)",
			r->partition, t->name, t->partitions, t->partitions - 1);
	if (r->has_timestamp && !r->timestamp)
		return err_set(e, ERR_UNSUPPORTED, "timestamp 0 cannot be sent: "
			"librdkafka takes it for 'now' (use 1%s%s)",
			p->o.now_option ? ", or " : "",
			p->o.now_option ? p->o.now_option : "");
	/* Asking the clock for every record costs; a late one is asked again. */
	if (!limits_check(&t->limits, r, p->now_ms, p->compressed, e))
		return 0;
	p->now_ms = clock_wall_ms(clock_system());
	return limits_check(&t->limits, r, p->now_ms, p->compressed, e);
}

int
producer_check(struct producer *p, const struct record *r, struct err *why)
{
	struct topic *t = producer_topic_get(p, r->topic, why);

	return t ? check(p, t, r, why) : -1;
}

static int64_t
payload_bytes(const struct record *r)
{
	size_t n = r->key.len + r->value.len;

	for (size_t i = 0; i < r->headers_n; i++)
		n += r->headers[i].key.len + r->headers[i].value.len;
	return (int64_t)n;
}

int
producer_send(struct producer *p, const struct record *r, producer_tag tag,
	struct err *e)
{
	struct origin origin = { tag, r->partition >= 0, r->has_timestamp };
	struct err why = ERR_INIT;
	rd_kafka_resp_err_t code;
	struct topic *t;

	if (p->txn.failed.code || p->txn.lost) {
		p->totals.failed++;
		return 0;
	}
	t = producer_topic_get(p, r->topic, e);
	if (!t) {
		producer_fail(p, r, origin, e);
		return -1;
	}
	if (check(p, t, r, &why)) {
		producer_fail(p, r, origin, &why);
		return 0;
	}
	if (!p->o.dry_run) {
		t->txn = p->txn.number;
		code = producer_enqueue(p, t, r, origin);
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) /* a signal came */
			code = RD_KAFKA_RESP_ERR__PURGE_QUEUE;
		if (code && p->txn.open && code == RD_KAFKA_RESP_ERR__STATE) {
			producer_txn_lost(p);
			return producer_poll(p, e);
		}
		if (code) {
			client_error(p->client, code, NULL, &why);
			producer_fail(p, r, origin, &why);
			return producer_poll(p, e);
		}
	}
	p->totals.sent++;
	p->totals.bytes += payload_bytes(r);
	return 0;
}

/* ---- waiting ---- */

int
producer_poll(struct producer *p, struct err *e)
{
	rd_kafka_poll(client_handle(p->client), 0);
	if (p->refused.n)
		resend_all(p, INT64_MAX);
	return check_fatal(p, e);
}

int
producer_pending(const struct producer *p)
{
	return rd_kafka_outq_len(client_handle(p->client)) + p->refused.n;
}

/*
 * Asks in steps, first short, then longer: only errors wake us up. A signal
 * cuts the wait to PRODUCER_STOP_MS.
 */
void
producer_drain(struct producer *p, int64_t deadline)
{
	rd_kafka_t *rk = client_handle(p->client);
	bool signalled = sig_caught();

	for (int step = 1; rd_kafka_outq_len(rk); step = step < 50 ? 2 * step : step) {
		if (!signalled && sig_caught()) {
			signalled = true;
			if (deadline - PRODUCER_STOP_MS > now_mono())
				deadline = now_mono() + PRODUCER_STOP_MS;
		}
		if (now_mono() >= deadline || p->fatal.code || p->txn.failed.code)
			rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE |
				RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(rk, step);
	}
}

int
producer_flush(struct producer *p, int timeout_ms, struct err *e)
{
	int64_t deadline = deadline_in(timeout_ms);

	producer_drain(p, deadline);
	while (p->refused.n)
		resend_all(p, deadline);
	return check_fatal(p, e);
}

struct client *
producer_client(const struct producer *p)
{
	return p->client;
}

struct producer_totals
producer_totals(const struct producer *p)
{
	struct producer_totals t = p->totals;

	t.acked = p->handed - rd_kafka_outq_len(client_handle(p->client));
	return t;
}
