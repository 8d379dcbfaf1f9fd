/*
 * lag_serve.h - kc-lag --serve: /metrics for Prometheus, measured when it is
 * asked for. Scrapes that come together share one measuring; one that would
 * have to wait too long gets the result before.
 */
#ifndef KAFKA_LAG_SERVE_H
#define KAFKA_LAG_SERVE_H

#include <stdint.h>

#include "base/err.h"
#include "model/lag.h"
#include "model/lag_prom.h"

struct lag_serve_options {
	int (*measure)(void *arg, struct lag_snapshot *out, struct err *e);
	void *arg;
	const char *where;       /* "[HOST:]PORT" */
	int64_t fresh_ms;        /* a result this young is served again */
	struct lag_prom_options prom; /* took_ms is filled in */
};

/*
 * Until a signal. A measuring that fails is told on stderr when that is news,
 * and served as kc_lag_up 0 (and 503 from /healthz); the next scrape tries
 * again.
 */
int lag_serve(const struct lag_serve_options *o, struct err *e);

#endif
