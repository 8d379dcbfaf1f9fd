/*
 * consume.c - from opening to the next record.
 *
 * Messages come in batches from one queue; a pipe wakes us when it stops
 * being empty, so that nothing waits for a batch to fill.
 */
#include "kafka/consume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/cause.h"
#include "kafka/consumer.h"

enum { BATCH = 1000 };

/* Errors without a message: connections, authentication. */
static void
on_error(rd_kafka_t *rk, int code, const char *why, void *opaque)
{
	struct consume *c = client_user(opaque);
	struct cause cause;
	struct err e;

	(void)rk;
	client_cause(c->client, &cause);
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
		client_error(c->client, code, why, &c->failure);
	} else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN &&
		   cause.kind != CAUSE_NONE && !c->told_down) {
		cause_error(&cause, &e);
		diag_note("%s; still trying", e.msg);
		c->told_down = true;
	}
}

/* What kc promises does not depend on -X: these are not the user's to set. */
static void
setup(rd_kafka_conf_t *k, void *user)
{
	struct consume *c = user;
	size_t size = 0;

	consume_tune_queue(c, k);
	/* Deleted under our eyes: never a silent jump, unless the user wants it. */
	if (rd_kafka_conf_get(k, "auto.offset.reset", NULL, &size))
		rd_kafka_conf_set(k, "auto.offset.reset", "error", NULL, 0);
	/* Control records at the end are passed with one more empty fetch. */
	if (c->bounded)
		consume_tune(k, "fetch.wait.max.ms", "500", "50");
	rd_kafka_conf_set(k, "enable.partition.eof", "true", NULL, 0);
	rd_kafka_conf_set(k, "enable.auto.commit", "false", NULL, 0);
	rd_kafka_conf_set(k, "enable.auto.offset.store", "false", NULL, 0);
	if (c->o->isolation)
		rd_kafka_conf_set(k, "isolation.level", c->o->isolation, NULL, 0);
	if (c->o->group)
		rd_kafka_conf_set_rebalance_cb(k, consume_rebalance);
	rd_kafka_conf_set_error_cb(k, on_error);
}

static int
subscribe(struct consume *c, struct err *e)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(c->o->topics_n);
	rd_kafka_resp_err_t code;

	for (int i = 0; i < c->o->topics_n; i++)
		rd_kafka_topic_partition_list_add(list, c->o->topics[i],
			RD_KAFKA_PARTITION_UA);
	code = rd_kafka_subscribe(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (!code)
		return 0;
	client_error(c->client, code, NULL, e);
	return err_wrap(e, "cannot subscribe");
}

/*
 * The simple consumer: unlike rd_kafka_assign() it needs no group, and so
 * neither the right to one nor a coordinator.
 */
static int
start_all(struct consume *c, struct err *e)
{
	rd_kafka_topic_partition_list_t *list = consume_wanted(c);
	int result = c->o->from_group ? consume_from_group(c, list, e) : 0;

	if (!result)
		result = consume_activate(c, list, e);
	for (int i = 0; i < list->cnt && !result; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];
		struct topic *t = consume_topic(c, p->topic);

		if (consume_part(t, p->partition)->done)
			continue;
		if (!t->rkt)
			t->rkt = rd_kafka_topic_new(c->rk, p->topic, NULL);
		if (!t->rkt || rd_kafka_consume_start_queue(t->rkt, p->partition,
		    p->offset, c->queue)) {
			client_error(c->client, rd_kafka_last_error(), NULL, e);
			result = err_wrap(e, "'%s' [%d]", p->topic,
				(int)p->partition);
		}
	}
	rd_kafka_topic_partition_list_destroy(list);
	return result;
}

static int
open_queue(struct consume *c, struct err *e)
{
	if (pipe2(c->wake, O_NONBLOCK | O_CLOEXEC))
		return err_errno(e, ERR_IO, "cannot make a pipe");
	if (c->o->group) {
		rd_kafka_poll_set_consumer(c->rk);
		c->queue = rd_kafka_queue_get_consumer(c->rk);
	} else {
		rd_kafka_queue_t *events = rd_kafka_queue_get_main(c->rk);

		c->queue = rd_kafka_queue_new(c->rk);
		rd_kafka_queue_forward(events, c->queue);
		rd_kafka_queue_destroy(events);
	}
	rd_kafka_queue_io_event_enable(c->queue, c->wake[1], "", 1);
	c->batch = xcalloc(BATCH, sizeof(*c->batch));
	return 0;
}

int
consume_open(struct consume **out, const struct conf *conf,
	const struct consume_options *o, struct err *e)
{
	struct consume *c = xcalloc(1, sizeof(*c));

	c->o = o;
	c->wake[0] = c->wake[1] = -1;
	c->told_down = true; /* client_wait() tells it at the start */
	c->bounded = o->exit_at_end || o->range.to.kind != OFFSET_UNSET ||
		(o->spans_n && o->spans[0].to >= 0);
	/* A name alone is no membership: only who subscribes joins. */
	if (consume_check_names(o, e) || client_open_with(&c->client, conf,
	    CLIENT_CONSUMER, o->group ? o->group : o->from_group, setup, c, e))
		goto fail;
	c->rk = client_handle(c->client);
	if (open_queue(c, e) || client_wait(c->client, o->timeout_ms, e) ||
	    consume_find_topics(c, e) ||
	    (o->group ? subscribe(c, e) : start_all(c, e)))
		goto fail;
	*out = c;
	return 0;
fail:
	consume_close(c);
	return -1;
}

static void
drop_batch(struct consume *c)
{
	for (size_t i = 0; i < c->batch_n; i++)
		rd_kafka_message_destroy(c->batch[i]);
	c->batch_n = c->batch_at = 0;
	c->last_rkt = NULL;
}

static void
free_topic(struct topic *t)
{
	if (t->rkt)
		rd_kafka_topic_destroy(t->rkt);
	free((void *)t->name.data);
	free(t->parts);
	free(t);
}

/* Every partition that was started must be stopped, before its queue goes. */
static void
stop_all(struct consume *c)
{
	for (int i = 0; i < c->topics_n; i++)
		for (int k = 0; k < c->topics[i]->parts_n; k++)
			if (c->topics[i]->rkt && c->topics[i]->parts[k].active)
				rd_kafka_consume_stop(c->topics[i]->rkt, k);
}

int
consume_fd(const struct consume *c)
{
	return c->wake[0];
}

struct client *
consume_client(const struct consume *c)
{
	return c->client;
}

void
consume_close(struct consume *c)
{
	if (!c)
		return;
	c->closing = true;
	drop_batch(c);
	if (c->queue) {
		rd_kafka_queue_io_event_enable(c->queue, -1, NULL, 0);
		if (c->o->group)
			rd_kafka_consumer_close(c->rk);
		else
			stop_all(c);
		rd_kafka_queue_destroy(c->queue);
	}
	for (int i = 0; i < c->topics_n; i++)
		free_topic(c->topics[i]);
	client_close(c->client);
	for (int i = 0; i < 2; i++)
		if (c->wake[i] >= 0)
			close(c->wake[i]);
	map_release(&c->by_name);
	free(c->topics);
	free(c->batch);
	free(c->headers);
	free(c);
}

/* Whose message it is; false when it is no longer ours. */
static bool
find_part(struct consume *c, const rd_kafka_message_t *m)
{
	if (m->rkt == c->last_rkt && m->partition == c->last_part->id)
		return c->last_part->active && !c->last_part->done;
	c->last_topic = consume_topic(c, rd_kafka_topic_name(m->rkt));
	c->last_part = consume_part(c->last_topic, m->partition);
	c->last_rkt = m->rkt;
	return c->last_part->active && !c->last_part->done;
}

static void
fill_headers(struct consume *c, const rd_kafka_message_t *m, struct record *r)
{
	rd_kafka_headers_t *list;
	size_t n;

	if (rd_kafka_message_headers(m, &list))
		return;
	n = rd_kafka_header_cnt(list);
	if (n > c->headers_cap) {
		c->headers = xreallocarray(c->headers, n, sizeof(*c->headers));
		c->headers_cap = n;
	}
	for (size_t i = 0; i < n; i++) {
		struct record_header *h = &c->headers[i];
		const char *name = "";

		rd_kafka_header_get_all(list, i, &name, &h->value.data,
			&h->value.len);
		h->key = slice_str(name);
	}
	r->headers = c->headers;
	r->headers_n = n;
}

/* librdkafka gives an empty key or value as a pointer too, and null as NULL. */
static void
fill_record(struct consume *c, const rd_kafka_message_t *m, struct record *r)
{
	rd_kafka_timestamp_type_t type;

	*r = (struct record){
		.topic = c->last_topic->name,
		.partition = m->partition,
		.offset = m->offset,
		.key = { m->key, m->key_len },
		.value = { m->payload, m->len },
	};
	r->timestamp = rd_kafka_message_timestamp(m, &type);
	r->has_timestamp = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE &&
		r->timestamp != -1;
	if (type == RD_KAFKA_TIMESTAMP_CREATE_TIME)
		r->timestamp_type = TIMESTAMP_CREATE;
	else if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME)
		r->timestamp_type = TIMESTAMP_APPEND;
	fill_headers(c, m, r);
}

/* The position passes control records and gaps, which no record tells of. */
static void
take_position(struct consume *c, const rd_kafka_message_t *m)
{
	struct part *p;

	if (!find_part(c, m))
		return;
	p = c->last_part;
	if (m->offset > p->next)
		p->next = m->offset;
	p->at_end = true;
	if (p->end >= 0 && m->offset >= p->end)
		consume_finish(c, c->last_topic, p);
}

/* These pass by themselves. */
static bool
is_passing(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		return true;
	default:
		return false;
	}
}

static enum consume_status
take_error(struct consume *c, const rd_kafka_message_t *m, struct err *e)
{
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		take_position(c, m);
		return CONSUME_IDLE;
	}
	if (is_passing(m->err)) {
		diag_verbose(1, "%s", rd_kafka_message_errstr(m));
		return CONSUME_IDLE;
	}
	if (m->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
		diag_warn("group '%s' did not hear of us for longer than "
			"max.poll.interval.ms: our output is slow", c->o->group);
		return CONSUME_IDLE;
	}
	if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
		err_set(e, ERR_NOT_FOUND, "records were deleted before they could "
			"be read: %s", rd_kafka_message_errstr(m));
	else
		client_error(c->client, m->err, m->rkt ? NULL :
			rd_kafka_message_errstr(m), e);
	if (m->rkt && m->partition >= 0)
		err_wrap(e, "'%s' [%d]", rd_kafka_topic_name(m->rkt),
			(int)m->partition);
	else if (m->rkt)
		err_wrap(e, "topic '%s'", rd_kafka_topic_name(m->rkt));
	return CONSUME_ERROR;
}

static enum consume_status
take_message(struct consume *c, const rd_kafka_message_t *m, struct record *r,
	struct err *e)
{
	struct part *p;

	if (m->err)
		return take_error(c, m, e);
	if (!find_part(c, m))
		return CONSUME_IDLE;
	p = c->last_part;
	if (p->end >= 0 && m->offset >= p->end) {
		consume_finish(c, c->last_topic, p);
		return CONSUME_IDLE;
	}
	fill_record(c, m, r);
	p->next = m->offset + 1;
	p->at_end = false;
	if (p->first < 0)
		p->first = m->offset;
	p->last = m->offset;
	p->records++;
	p->bytes += (int64_t)(m->key_len + m->len);
	c->records++;
	c->bytes += (int64_t)(m->key_len + m->len);
	if (p->end >= 0 && p->next >= p->end)
		consume_finish(c, c->last_topic, p);
	return CONSUME_RECORD;
}

static bool
is_complete(const struct consume *c)
{
	return c->bounded && c->done == c->active && (!c->o->group || c->assigned);
}

/* Fetches what is there; true when that is something. */
static bool
next_batch(struct consume *c)
{
	char bytes[64];
	ssize_t n;

	drop_batch(c);
	while (read(c->wake[0], bytes, sizeof(bytes)) > 0)
		;
	n = rd_kafka_consume_batch_queue(c->queue, 0, c->batch, BATCH);
	if (n <= 0)
		return false;
	c->batch_n = (size_t)n;
	c->idle_since_ms = 0;
	c->told_down = false;
	if (c->must_wake)
		consume_mind_queue(c);
	return true;
}

/* Sleeps until something may have come: CONSUME_RECORD, or why it did not. */
static enum consume_status
wait_for_more(struct consume *c, int64_t until_ms, int64_t now_ms)
{
	struct pollfd fds[] = {
		{ c->wake[0], POLLIN, 0 }, { sig_fd(), POLLIN, 0 },
		{ c->o->output_fd, 0, 0 },
	};
	int64_t left = until_ms - now_ms;

	if (left <= 0)
		return CONSUME_IDLE;
	poll(fds, 3, left > 1000 ? 1000 : (int)left);
	return fds[2].revents & (POLLERR | POLLHUP) ? CONSUME_CLOSED : CONSUME_RECORD;
}

/* True when an end is to be reached and nothing came for too long. */
static bool
is_overdue(struct consume *c, int64_t now_ms)
{
	if (!c->idle_since_ms || c->held)
		c->idle_since_ms = now_ms;
	return c->bounded && c->o->timeout_ms >= 0 &&
		now_ms - c->idle_since_ms >= c->o->timeout_ms;
}

enum consume_status
consume_next(struct consume *c, int wait_ms, struct record *r, struct err *e)
{
	int64_t until = wait_ms ? INT64_MAX : 0;

	if (wait_ms > 0)
		until = clock_mono_ms(clock_system()) + wait_ms;
	for (;;) {
		enum consume_status s;
		int64_t now;

		while (c->batch_at < c->batch_n) {
			s = take_message(c, c->batch[c->batch_at++], r, e);
			if (s != CONSUME_IDLE)
				return s;
		}
		if (c->failure.code) {
			*e = c->failure;
			return CONSUME_ERROR;
		}
		if (is_complete(c))
			return CONSUME_END;
		if (sig_caught())
			return CONSUME_SIGNAL;
		/* Callbacks run inside: something else may have changed. */
		if (next_batch(c) || c->failure.code || is_complete(c))
			continue;
		now = clock_mono_ms(clock_system());
		if (is_overdue(c, now)) {
			consume_fell_short(c, e);
			return CONSUME_ERROR;
		}
		s = wait_for_more(c, until, now);
		if (s != CONSUME_RECORD)
			return s;
	}
}
