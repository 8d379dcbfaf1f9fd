/*
 * metrics_http.h - /metrics for Prometheus and /healthz, on a port that is off
 * by default. The thread that serves them touches nothing of the broker: it
 * asks the loop for the text, and waits a bounded time.
 */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include "base/err.h"

struct broker;
struct metrics_http;

/* "[ADDR:]PORT"; without an address 127.0.0.1. */
int metrics_http_open(struct metrics_http **out, struct broker *b, const char *where,
	struct err *e);
/* "127.0.0.1:9308": the port is the real one. */
const char *metrics_http_address(const struct metrics_http *m);
void metrics_http_close(struct metrics_http *m);

#endif
