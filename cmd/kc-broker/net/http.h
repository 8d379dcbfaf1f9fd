/*
 * http.h - /metrics for Prometheus and /healthz, on a port that is off by
 * default. The only includer of microhttpd.h.
 *
 * The library is loaded when the port is asked for: it brings a TLS library
 * that a broker without the port should neither map nor wait for. Its thread
 * touches nothing of the broker: it asks the loop for the text, and waits a
 * bounded time.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/err.h"

struct broker;
struct http;

/* "[ADDR:]PORT"; without an address 127.0.0.1. */
int http_open(struct http **out, struct broker *b, const char *where, struct err *e);
/* "127.0.0.1:9308": the port is the real one. */
const char *http_address(const struct http *h);
void http_close(struct http *h);

#endif
