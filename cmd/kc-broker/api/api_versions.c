/*
 * ApiVersions: what this broker can do, asked first on every connection.
 *
 * Supported and finalized features are empty, at epoch 0: "none", which is
 * not "unknown" (-1). Clients then stay with classic groups and with the
 * transactions of before KIP-890.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
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
is_meant(const struct broker *b, const struct api_versions_request *q)
{
	char id[UUID_TEXT];

	if (!slice_is_null(q->cluster_id) &&
	    !slice_eq_str(q->cluster_id, uuid_text(meta_cluster_id(b->meta), id)))
		return false;
	return q->node_id < 0 || q->node_id == b->node_id ||
		q->node_id == INT32_MAX - b->node_id;
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
	if (!is_meant(rq->broker, &q)) {
		resp.error_code = KERR_REBOOTSTRAP_REQUIRED;
		reply(rq, &resp);
		return 0;
	}
	table = api_table(&n);
	resp.api_keys = arena_array(&rq->arena, (size_t)n, sizeof(*resp.api_keys));
	resp.api_keys_n = n;
	for (int i = 0; i < n; i++)
		resp.api_keys[i] = (struct api_versions_response_api){
			table[i].key, table[i].min, table[i].max };
	resp.finalized_features_epoch = 0;
	reply(rq, &resp);
	return 0;
}

void
api_versions_unsupported(struct request *rq)
{
	struct api_versions_response_api own = { rq->api->key, rq->api->min,
		rq->api->max };
	struct api_versions_response resp;

	api_versions_response_init(&resp);
	resp.error_code = KERR_UNSUPPORTED_VERSION;
	resp.api_keys = &own;
	resp.api_keys_n = 1;
	reply(rq, &resp);
}
