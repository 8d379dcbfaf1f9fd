/*
 * FindCoordinator: who looks after a group or a transactional id. On one node
 * it is this one, at the address that Metadata gives, too.
 */
#include "api/api.h"
#include "broker.h"
#include "net/nodes.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { KEY_GROUP, KEY_TRANSACTION, KEY_SHARE };
enum { SEVERAL_SINCE = 4, SHARE_SINCE = 6 };

static const char *
why_not(const struct request *rq, int8_t key_type)
{
	if (key_type == KEY_GROUP || key_type == KEY_TRANSACTION)
		return NULL;
	if (key_type == KEY_SHARE && rq->version >= SHARE_SINCE)
		return "share groups are not supported by this kc-broker";
	return "unknown type of coordinator";
}

static void
answer(struct request *rq, int8_t key_type, struct slice key,
	struct find_coordinator_response_coordinator *c)
{
	const char *why = why_not(rq, key_type);

	find_coordinator_response_coordinator_init(c);
	c->key = key;
	if (why) {
		c->error_code = KERR_INVALID_REQUEST;
		c->error_message = slice_str(why);
		c->node_id = -1;
		c->host = slice_str("");
		c->port = -1;
		return;
	}
	/* Kafka's words for success, which some client may compare. */
	c->error_message = slice_str(rq->version < SEVERAL_SINCE ? "NONE" : "");
	c->node_id = nodes_id(rq->broker, nodes_coordinator(rq->broker, key));
	c->host = nodes_host(rq, nodes_coordinator(rq->broker, key), &c->port);
}

int
api_find_coordinator(struct request *rq)
{
	struct find_coordinator_request q;
	struct find_coordinator_response resp;
	struct find_coordinator_response_coordinator one;

	if (find_coordinator_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	find_coordinator_response_init(&resp);
	if (rq->version < SEVERAL_SINCE) {
		answer(rq, q.key_type, q.key, &one);
		resp.error_code = one.error_code;
		resp.error_message = one.error_message;
		resp.node_id = one.node_id;
		resp.host = one.host;
		resp.port = one.port;
	} else {
		resp.coordinators_n = q.coordinator_keys_n;
		resp.coordinators = arena_array(&rq->arena,
			(size_t)q.coordinator_keys_n, sizeof(*resp.coordinators));
		for (int32_t i = 0; i < q.coordinator_keys_n; i++)
			answer(rq, q.key_type, q.coordinator_keys[i],
				&resp.coordinators[i]);
	}
	find_coordinator_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
