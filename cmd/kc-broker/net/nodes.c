#include "net/nodes.h"

#include <string.h>

#include "api/api.h"
#include "base/crc32c.h"
#include "net/faults.h"
#include "net/generic.h"
#include "net/server.h"
#include "wire/errors.h"
#include "wire/messages.h"

int
nodes_leader(const struct broker *b, const struct topic *t, int32_t partition)
{
	uint32_t start = crc32c(0, t->id.b, sizeof(t->id.b));

	/* One after the other, so that few partitions are spread, too. */
	return b->nodes > 1 ? (int)((start + (uint32_t)partition) %
		(uint32_t)b->nodes) : 0;
}

int
nodes_coordinator(const struct broker *b, struct slice key)
{
	return b->nodes > 1 ? (int)(crc32c(0, key.data, key.len) %
		(uint32_t)b->nodes) : 0;
}

int
nodes_here(const struct request *rq)
{
	return rq->conn ? rq->conn->broker_node : 0;
}

int
nodes_replicas(const struct broker *b, const struct topic *t, int32_t partition,
	int32_t *ids)
{
	int leader = nodes_leader(b, t, partition);
	int n = b->nodes < NODES_REPLICAS ? b->nodes : NODES_REPLICAS;

	for (int i = 0; i < n; i++)
		ids[i] = nodes_id(b, (leader + i) % b->nodes);
	return n;
}

bool
nodes_has_replica(const struct request *rq, const struct topic *t, int32_t partition)
{
	int32_t ids[NODES_REPLICAS];
	int n = nodes_replicas(rq->broker, t, partition, ids);

	for (int i = 0; i < n; i++)
		if (ids[i] == nodes_id(rq->broker, nodes_here(rq)))
			return true;
	return false;
}

bool
nodes_coordinates(const struct request *rq, struct slice key)
{
	return nodes_coordinator(rq->broker, key) == nodes_here(rq);
}

struct slice
nodes_host(struct request *rq, int node, int32_t *port)
{
	const struct server *s = rq->broker->server;
	struct slice host = request_host(rq, port);

	if (rq->broker->nodes == 1)
		return host;
	if (s->advertised_port) {
		*port = s->advertised_port + node;
		return host;
	}
	/* The node's listener that was asked for together with this one. */
	for (const struct list *i = s->listeners.next; i != &s->listeners; i = i->next) {
		const struct listener *l = container_of(i, struct listener, node);

		if (l->broker_node == node &&
		    (!rq->conn || l->set == rq->conn->listener_set))
			*port = address_port(&l->address);
	}
	return host;
}

bool
nodes_lost_leader(const struct broker *b, const struct topic *t, int32_t partition)
{
	return b->faults && faults_lost_leader(b->faults, t->name, partition);
}

int16_t
nodes_refuse(const struct request *rq, const struct topic *t, int32_t partition)
{
	const struct broker *b = rq->broker;

	if (b->nodes > 1 && rq->conn && nodes_leader(b, t, partition) != rq->conn->broker_node)
		return KERR_NOT_LEADER_OR_FOLLOWER;
	if (nodes_lost_leader(b, t, partition))
		return KERR_NOT_LEADER_OR_FOLLOWER;
	return rq->fault ? faults_error(rq->fault, t->name, partition) : 0;
}

bool
nodes_misdirected(struct request *rq)
{
	enum generic_kind other;
	struct generic g;

	if (!api_is_coordinated(rq->api->key) || generic_read(rq, &g))
		return false; /* the handler says what is malformed */
	/* Two name a group and a transaction: each goes to one of their coordinators. */
	other = rq->api->key == ADD_OFFSETS_TO_TXN_REQUEST_KEY ? GENERIC_GROUP :
		rq->api->key == TXN_OFFSET_COMMIT_REQUEST_KEY ? GENERIC_TXN :
		GENERIC_TOPIC;
	for (int i = 0; i < g.names_n; i++) {
		if (g.names[i].kind == GENERIC_TOPIC || g.names[i].kind == other ||
		    nodes_coordinates(rq, g.names[i].text))
			continue;
		generic_refuse(rq, &g, KERR_NOT_COORDINATOR);
		request_finish(rq);
		return true;
	}
	return false;
}
