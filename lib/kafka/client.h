/*
 * client.h - settings become librdkafka handles, its errors become ours.
 * Only lib/kafka includes rdkafka.h; its other files use kafka/handle.h.
 */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"

enum client_kind {
	CLIENT_PRODUCER,
	CLIENT_CONSUMER,
	CLIENT_ADMIN,    /* neither: metadata and administration */
	/*
	 * The same, for who asks for a group's offsets (group_offsets.h): a
	 * consumer that joins no group and commits nothing, of a group called
	 * as the program. librdkafka 2.0.2 takes for granted that there is one
	 * when OffsetFetch is answered NOT_COORDINATOR, and crashes without.
	 */
	CLIENT_OFFSETS,
};

struct client;

/*
 * conf_load(), and kc's own defaults as conf_default(). 1 when -X list or
 * -X dump was asked for: it is answered on stdout, and all is done.
 */
int client_load(struct conf *c, const struct conf_args *a, enum client_kind kind,
	struct err *e);

/*
 * The same for another cluster beside the one of a: a profile, or brokers with
 * otherwise the same settings (HOST:PORT,...).
 */
int client_load_other(struct conf *c, const struct conf_args *a,
	const char *cluster, enum client_kind kind, struct err *e);

/* Unknown properties: ERR_USAGE with the nearest name. group may be NULL. */
int client_open(struct client **out, const struct conf *c, enum client_kind kind,
	const char *group, struct err *e);
void client_close(struct client *c);

/* "2.0.2", of the library that runs. */
const char *client_library_version(void);

/*
 * Waits until a broker answers, at most timeout_ms (-1 = for ever):
 * ERR_TEMPORARY with the first broker's real cause ("connection refused") and
 * the remedy, or ERR_REFUSED for authentication. -1 with e untouched when a
 * signal came.
 */
int client_wait(struct client *c, int timeout_ms, struct err *e);

/* The cluster's id, or NULL when no broker tells it in time. returns owned */
char *client_cluster_id(struct client *c, int timeout_ms);

#endif
