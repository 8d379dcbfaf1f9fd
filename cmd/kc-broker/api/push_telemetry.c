/*
 * PushTelemetry (KIP-714): metrics of a client. They are not looked into:
 * they go, or a line of the log says that they came.
 */
#include "api/api.h"
#include "api/client_metrics.h"
#include "broker.h"
#include "log.h"
#include "net/request.h"
#include "store/codec.h"
#include "wire/errors.h"
#include "wire/messages.h"

static int16_t
check(struct request *rq, const struct push_telemetry_request *q)
{
	int64_t now = loop_now(rq->broker->loop);
	struct client_instance *c;
	struct client_wish wish;
	bool too_soon;

	if (uuid_is_zero(&q->client_instance_id))
		return KERR_INVALID_REQUEST;
	c = client_metrics_instance(rq->broker, &q->client_instance_id);
	if (!c)
		return KERR_THROTTLING_QUOTA_EXCEEDED;
	if (c->is_ending)
		return KERR_INVALID_REQUEST;
	client_metrics_wish(rq, &q->client_instance_id, &wish);
	/* The last push may come at any time. */
	too_soon = !q->terminating && c->pushed_at > now - wish.interval_ms &&
		c->pushed_at >= c->asked_at;
	if (too_soon)
		return KERR_THROTTLING_QUOTA_EXCEEDED;
	if (q->subscription_id != wish.id || !wish.names_n) {
		c->may_ask = true;
		return KERR_UNKNOWN_SUBSCRIPTION_ID;
	}
	if (q->compression_type < CODEC_NONE || q->compression_type > CODEC_ZSTD) {
		c->may_ask = true;
		return KERR_UNSUPPORTED_COMPRESSION_TYPE;
	}
	if ((int64_t)q->metrics.len > config_get_int64(rq->broker->config,
	    "telemetry.max.bytes"))
		return KERR_TELEMETRY_TOO_LARGE;
	c->pushed_at = now;
	c->is_ending = q->terminating;
	return KERR_NONE;
}

int
api_push_telemetry(struct request *rq)
{
	struct push_telemetry_response resp;
	struct push_telemetry_request q;
	char id[UUID_TEXT];

	if (!client_metrics_is_on(rq->broker) ||
	    push_telemetry_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	push_telemetry_response_init(&resp);
	resp.error_code = check(rq, &q);
	if (!resp.error_code && slice_eq_str(slice_str(config_get(
	    rq->broker->config, "kc.client.metrics")), "log"))
		log_info("client metrics came client=%.*s instance=%s bytes=%zu codec=%d%s",
			SLICE_ARG(rq->client_id),
			uuid_text(&q.client_instance_id, id), q.metrics.len,
			q.compression_type, q.terminating ? " last=true" : "");
	push_telemetry_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
