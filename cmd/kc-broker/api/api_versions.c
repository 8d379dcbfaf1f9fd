/*
 * ApiVersions: what this broker can do, asked first on every connection.
 *
 * Features tell clients which of two ways to go: group.version 1 that there
 * is KIP-848, transaction.version 2 that every end of a transaction raises
 * the epoch (KIP-890). An older --as-version has neither.
 */
#include <stdlib.h>

#include "api/api.h"
#include "api/client_metrics.h"
#include "api/features.h"
#include "base/xalloc.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "net/server.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
reply(struct request *rq, struct api_versions_response *resp)
{
	api_versions_response_write(request_reply(rq), rq->version, resp);
	request_finish(rq);
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z');
}

/* KIP-511: [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? */
static bool
is_software_name(struct slice s)
{
	const uint8_t *p = s.data;

	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(p[i]) && p[i] != '-' && p[i] != '.')
			return false;
	return s.len && is_alnum(p[0]) && is_alnum(p[s.len - 1]);
}

/*
 * KIP-1242: a client that reached another broker than it meant, behind a
 * reused address, is told so. Java's coordinator connections have ids of
 * their own: INT32_MAX minus the broker's.
 */
static bool
is_meant(const struct request *rq, const struct api_versions_request *q)
{
	const struct broker *b = rq->broker;
	int32_t here = nodes_id(b, nodes_here(rq));
	char id[UUID_TEXT];

	if (!slice_is_null(q->cluster_id) &&
	    !slice_eq_str(q->cluster_id, uuid_text(meta_cluster_id(b->meta), id)))
		return false;
	return q->node_id < 0 || q->node_id == here ||
		q->node_id == INT32_MAX - here;
}

/* Client metrics only when somebody wants them: else clients would push in vain. */
static bool
is_advertised(const struct broker *b, const struct api *a)
{
	bool is_metrics = a->handle == api_get_telemetry_subscriptions ||
		a->handle == api_push_telemetry;

	return (!is_metrics || client_metrics_is_on(b)) && api_max(b, a) >= a->min;
}

/* Subscriptions to metrics may be for some programs only. */
static void
remember_software(struct request *rq, const struct api_versions_request *q)
{
	struct slice names[] = { q->client_software_name, q->client_software_version };

	for (int i = 0; i < 2 && rq->conn && client_metrics_is_on(rq->broker); i++) {
		free(rq->conn->software[i]);
		rq->conn->software[i] = xmemdup0(names[i].data,
			names[i].len < 128 ? names[i].len : 128);
	}
}

/* Is what the feature stands for in the table, in the release that we claim to be? */
static bool
has_feature(const struct broker *b, const struct feature *f)
{
	enum { RAISES_EPOCH = 5 };
	bool is_txn = !strcmp(f->name, "transaction.version");
	const struct api *a = api_find(is_txn ? END_TXN_REQUEST_KEY
		: CONSUMER_GROUP_HEARTBEAT_REQUEST_KEY);

	return api_max(b, a) >= (is_txn ? RAISES_EPOCH : a->min);
}

static void
put_features(struct request *rq, struct api_versions_response *resp)
{
	enum { ZERO_SINCE = 4 }; /* older clients cannot read a minimum of 0 (KAFKA-17011) */
	const struct feature *f;
	int n;

	f = features(&n);
	resp->supported_features = arena_array(&rq->arena, (size_t)n,
		sizeof(*resp->supported_features));
	resp->finalized_features = arena_array(&rq->arena, (size_t)n,
		sizeof(*resp->finalized_features));
	for (; n--; f++) {
		if (!has_feature(rq->broker, f))
			continue;
		if (f->min || rq->version >= ZERO_SINCE)
			resp->supported_features[resp->supported_features_n++] =
				(struct api_versions_response_supported){
				slice_str(f->name), f->min, f->max };
		resp->finalized_features[resp->finalized_features_n++] =
			(struct api_versions_response_finalized){
			slice_str(f->name), f->level, f->level };
	}
	resp->finalized_features_epoch = 0;
}

int
api_api_versions(struct request *rq)
{
	struct api_versions_response resp;
	struct api_versions_request q;
	const struct api *table;
	int n;

	if (api_versions_request_read(&rq->in, rq->version, &q))
		return -1;
	api_versions_response_init(&resp);
	if (rq->version >= 3 && (!is_software_name(q.client_software_name) ||
	    !is_software_name(q.client_software_version))) {
		resp.error_code = KERR_INVALID_REQUEST;
		reply(rq, &resp);
		return 0;
	}
	if (!is_meant(rq, &q)) {
		resp.error_code = KERR_REBOOTSTRAP_REQUIRED;
		reply(rq, &resp);
		return 0;
	}
	if (rq->version >= 3)
		remember_software(rq, &q);
	table = api_table(&n);
	resp.api_keys = arena_array(&rq->arena, (size_t)n, sizeof(*resp.api_keys));
	for (int i = 0; i < n; i++)
		if (is_advertised(rq->broker, &table[i]))
			resp.api_keys[resp.api_keys_n++] =
				(struct api_versions_response_api){
				table[i].key, table[i].min,
				api_max(rq->broker, &table[i]) };
	put_features(rq, &resp);
	reply(rq, &resp);
	return 0;
}

void
api_versions_unsupported(struct request *rq)
{
	struct api_versions_response_api own = { rq->api->key, rq->api->min,
		api_max(rq->broker, rq->api) };
	struct api_versions_response resp;

	api_versions_response_init(&resp);
	resp.error_code = KERR_UNSUPPORTED_VERSION;
	resp.api_keys = &own;
	resp.api_keys_n = 1;
	reply(rq, &resp);
}
