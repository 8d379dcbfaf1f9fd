/*
 * cause.h - why a broker cannot be reached, read out of librdkafka's log.
 *
 * librdkafka reports a failed connection as "1/1 brokers are down" or as a
 * time-out; what really happened stands only in its log lines. Pure: text in,
 * facts out.
 */
#ifndef KAFKA_CAUSE_H
#define KAFKA_CAUSE_H

#include <stdbool.h>

#include "base/err.h"

enum cause_kind {
	CAUSE_NONE,
	CAUSE_CONNECT,      /* refused, unreachable, timed out, cut */
	CAUSE_RESOLVE,      /* the name has no address */
	CAUSE_PROTOCOL,     /* cut in the first request: TLS port, old broker */
	CAUSE_TLS,          /* handshake failed */
	CAUSE_AUTH,         /* SASL refused us */
};

struct cause {
	enum cause_kind kind;
	char broker[128];   /* "host:port" */
	bool tls;           /* it was spoken, or tried */
	char why[512];      /* "connection refused" */
};

/*
 * Reads "host:9092/bootstrap: Connect to ipv4#1.2.3.4:9092 failed: Connection
 * refused (after 0ms in state CONNECT)". A line of another shape is kept as it
 * is, as CAUSE_CONNECT.
 */
void cause_parse(struct cause *c, const char *text);

/* True when trying again cannot help. */
bool cause_is_final(const struct cause *c);

/* The error that it is, with its remedy. */
int cause_error(const struct cause *c, struct err *e);

#endif
