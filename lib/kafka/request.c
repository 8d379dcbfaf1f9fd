#include "kafka/request.h"

#include <string.h>

#include "base/clock.h"
#include "cli/sig.h"

/* The broker works on it after it has read the request. */
static bool
is_long(rd_kafka_admin_op_t op)
{
	return op == RD_KAFKA_ADMIN_OP_CREATETOPICS ||
		op == RD_KAFKA_ADMIN_OP_DELETETOPICS ||
		op == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS ||
		op == RD_KAFKA_ADMIN_OP_DELETERECORDS;
}

static bool
goes_to_coordinator(rd_kafka_admin_op_t op)
{
	return op == RD_KAFKA_ADMIN_OP_DELETEGROUPS ||
		op == RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS ||
		op == RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS ||
		op == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS ||
		op == RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
}

int
request_init(struct request *r, struct client *c, rd_kafka_admin_op_t op,
	const struct admin_options *o, struct err *e)
{
	rd_kafka_t *rk = client_handle(c);
	/* Room for our own wait to end first, so that it can tell why. */
	int ms = o->timeout_ms < 1 ? 1 : o->timeout_ms;
	char why[256];

	*r = (struct request){ .client = c, .timeout_ms = ms };
	r->options = rd_kafka_AdminOptions_new(rk, op);
	r->queue = rd_kafka_queue_new(rk);
	if (rd_kafka_AdminOptions_set_request_timeout(r->options,
	    goes_to_coordinator(op) ? REQUEST_NO_LIMIT_MS : ms, why,
	    sizeof(why)))
		return err_set(e, ERR_USAGE, "--timeout: %s", why);
	if (is_long(op) &&
	    rd_kafka_AdminOptions_set_operation_timeout(r->options, ms, why,
	    sizeof(why)))
		return err_set(e, ERR_USAGE, "--timeout: %s", why);
	if (o->dry_run && rd_kafka_AdminOptions_set_validate_only(r->options, 1,
	    why, sizeof(why)))
		return err_set(e, ERR_UNSUPPORTED, "dry run: %s", why);
	return 0;
}

int
request_wait(struct request *r, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + r->timeout_ms, left;
	rd_kafka_resp_err_t code;

	while (!r->event) {
		left = end - clock_mono_ms(clock);
		if (sig_caught())
			return err_set(e, ERR_TEMPORARY, "interrupted");
		if (left <= 0)
			return client_error(r->client,
				RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, e);
		/* in steps, for the sake of signals */
		r->event = rd_kafka_queue_poll(r->queue,
			left < 100 ? (int)left : 100);
	}
	code = rd_kafka_event_error(r->event);
	if (code)
		return client_error(r->client, code,
			rd_kafka_event_error_string(r->event), e);
	return 0;
}

void
request_release(struct request *r)
{
	if (r->event)
		rd_kafka_event_destroy(r->event);
	if (r->options)
		rd_kafka_AdminOptions_destroy(r->options);
	if (r->queue)
		rd_kafka_queue_destroy(r->queue);
}

int
request_topic_result(struct request *r,
	const rd_kafka_topic_result_t **results, size_t n, struct err *e)
{
	rd_kafka_resp_err_t code;

	if (n != 1)
		return err_set(e, ERR_FAILED, "the broker answered for %zu "
			"topics, not for one", n);
	code = rd_kafka_topic_result_error(results[0]);
	if (!code)
		return 0;
	return client_error(r->client, code,
		rd_kafka_topic_result_error_string(results[0]), e);
}

const rd_kafka_ConfigResource_t *
request_resource(struct request *r, const rd_kafka_ConfigResource_t **resources,
	size_t n, struct err *e)
{
	rd_kafka_resp_err_t code;

	if (n != 1) {
		err_set(e, ERR_FAILED, "the broker answered for %zu resources, "
			"not for one", n);
		return NULL;
	}
	code = rd_kafka_ConfigResource_error(resources[0]);
	if (code) {
		client_error(r->client, code,
			rd_kafka_ConfigResource_error_string(resources[0]), e);
		return NULL;
	}
	return resources[0];
}
