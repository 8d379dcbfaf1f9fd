/*
 * handle.h - what lib/kafka's own files share: librdkafka's handle inside a
 * client, and its error codes as ours. Not for programs.
 */
#ifndef KAFKA_HANDLE_H
#define KAFKA_HANDLE_H

#include <librdkafka/rdkafka.h>

#include "kafka/client.h"

struct cause;
struct consume;

/*
 * As client_open(); before the handle is made, setup may set callbacks on
 * rk_conf. Their opaque is the client: client_user() gives `user` back.
 */
int client_open_with(struct client **out, const struct conf *c,
	enum client_kind kind, const char *group,
	void (*setup)(rd_kafka_conf_t *rk_conf, void *user), void *user,
	struct err *e);

/*
 * One more handle with c's configuration, for what shall not wait in c's
 * connections: brokers answer one request of a connection at a time. It is
 * made when it is asked for the first time, may be changed by setup, and is
 * closed with c. i < CLIENT_TWINS. NULL when it cannot be made.
 */
enum { CLIENT_TWINS = 4 };
struct client *client_twin(struct client *c, int i,
	void (*setup)(rd_kafka_conf_t *rk_conf, void *user), void *user);

rd_kafka_t *client_handle(const struct client *c);
enum client_kind client_kind(const struct client *c);
void *client_user(const struct client *c);

/*
 * Sets e from a librdkafka error: exit status class, sentence, remedy.
 * Unreachable brokers and time-outs are told with their real cause, a right that
 * is missing by the name that Kafka's ACLs have for it. detail is what the
 * broker or librdkafka said beside the code, or NULL. Returns -1.
 */
int client_error(struct client *c, rd_kafka_resp_err_t code,
	const char *detail, struct err *e);

/* A leader that is not known yet, or does not know it: asking again helps, soon. */
bool client_is_unled(rd_kafka_resp_err_t code);

/*
 * The committed offsets of the list's partitions, of the group that the
 * consumer c was opened with; RD_KAFKA_OFFSET_INVALID = none. Waits while the
 * coordinator moves, and for offsets that a transaction is about to commit.
 */
int client_committed(struct client *c, rd_kafka_topic_partition_list_t *list,
	int timeout_ms, struct err *e);

/* The membership of a reader with a group, as of now (KIP-447). returns owned */
rd_kafka_consumer_group_metadata_t *consume_membership(const struct consume *c);

/* Why a broker could not be reached last; CAUSE_NONE when all is well. */
void client_cause(struct client *c, struct cause *cause);
/* How many connections have failed so far. */
int client_losses(struct client *c);

#endif
