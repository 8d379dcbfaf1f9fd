/* GetTelemetrySubscriptions (KIP-714): which metrics a client is to push. */
#include "api/api.h"
#include "api/client_metrics.h"
#include "broker.h"
#include "net/request.h"
#include "store/codec.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* A client may ask once in an interval, and when it was told to. */
static int16_t
check(struct request *rq, const struct uuid *id, int32_t interval_ms)
{
	int64_t now = loop_now(rq->broker->loop);
	struct client_instance *c = client_metrics_instance(rq->broker, id);

	if (!c || (!c->may_ask && c->asked_at > now - interval_ms))
		return KERR_THROTTLING_QUOTA_EXCEEDED;
	c->asked_at = now;
	c->may_ask = false;
	return KERR_NONE;
}

int
api_get_telemetry_subscriptions(struct request *rq)
{
	/* As Kafka prefers them. */
	static int8_t codecs[] = { CODEC_ZSTD, CODEC_LZ4, CODEC_GZIP, CODEC_SNAPPY };
	struct get_telemetry_subscriptions_response resp;
	struct get_telemetry_subscriptions_request q;
	struct client_wish wish;

	if (!client_metrics_is_on(rq->broker) ||
	    get_telemetry_subscriptions_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	get_telemetry_subscriptions_response_init(&resp);
	resp.client_instance_id = uuid_is_zero(&q.client_instance_id) ?
		uuid_random() : q.client_instance_id;
	client_metrics_wish(rq, &resp.client_instance_id, &wish);
	resp.error_code = check(rq, &resp.client_instance_id, wish.interval_ms);
	if (!resp.error_code) {
		resp.subscription_id = wish.id;
		resp.accepted_compression_types = codecs;
		resp.accepted_compression_types_n = sizeof(codecs);
		resp.push_interval_ms = wish.interval_ms;
		resp.telemetry_max_bytes = (int32_t)config_get_int64(
			rq->broker->config, "telemetry.max.bytes");
		resp.delta_temporality = true;
		resp.requested_metrics = wish.names;
		resp.requested_metrics_n = wish.names_n;
	}
	get_telemetry_subscriptions_response_write(request_reply(rq), rq->version,
		&resp);
	request_finish(rq);
	return 0;
}
