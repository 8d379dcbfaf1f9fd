/* DescribeCluster: one broker, which is its own controller. */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	ENDPOINT_BROKERS = 1,
	ENDPOINT_CONTROLLERS = 2,
	/* Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite */
	CLUSTER_OPERATIONS = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 |
		1 << 11 | 1 << 12,
};

static void
refuse(struct describe_cluster_response *resp, int8_t endpoint_type)
{
	bool controllers = endpoint_type == ENDPOINT_CONTROLLERS;

	resp->error_code = controllers ? KERR_MISMATCHED_ENDPOINT_TYPE :
		KERR_UNSUPPORTED_ENDPOINT_TYPE;
	resp->error_message = slice_str(controllers ?
		"this is a broker, not a controller" :
		"endpoint types are 1 (brokers) and 2 (controllers)");
	resp->cluster_id = slice_str("");
}

int
api_describe_cluster(struct request *rq)
{
	int nodes = rq->broker->nodes;
	struct describe_cluster_response resp;
	struct describe_cluster_request q;
	char id[UUID_TEXT];

	if (describe_cluster_request_read(&rq->in, rq->version, &q))
		return -1;
	describe_cluster_response_init(&resp);
	resp.endpoint_type = q.endpoint_type;
	if (q.endpoint_type != ENDPOINT_BROKERS) {
		refuse(&resp, q.endpoint_type);
	} else {
		resp.brokers = arena_array(&rq->arena, (size_t)nodes,
			sizeof(*resp.brokers));
		resp.brokers_n = nodes;
		for (int i = 0; i < nodes; i++) {
			describe_cluster_response_broker_init(&resp.brokers[i]);
			resp.brokers[i].broker_id = nodes_id(rq->broker, i);
			resp.brokers[i].host = nodes_host(rq, i,
				&resp.brokers[i].port);
		}
		resp.controller_id = rq->broker->node_id;
		resp.cluster_id = slice_str(uuid_text(
			meta_cluster_id(rq->broker->meta), id));
		if (q.include_cluster_authorized_operations)
			resp.cluster_authorized_operations = CLUSTER_OPERATIONS;
	}
	describe_cluster_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
