/*
 * client.h - settings become librdkafka handles, its errors become ours.
 * With admin and stream the only includers of rdkafka.h.
 */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"

enum client_kind { CLIENT_PRODUCER, CLIENT_CONSUMER };

struct client;

/* Unknown properties: ERR_USAGE with the nearest name. group may be NULL. */
int client_open(struct client **out, const struct conf *c, enum client_kind kind,
	const char *group, struct err *e);
void client_close(struct client *c);

/* -X list: librdkafka's properties on stdout. */
int client_list_properties(struct err *e);

/*
 * Waits until a broker answers, at most timeout_ms: ERR_TEMPORARY with the
 * first broker's real cause ("connection refused") and the remedy, or
 * ERR_REFUSED for authentication.
 */
int client_wait(struct client *c, int timeout_ms, struct err *e);

#endif
