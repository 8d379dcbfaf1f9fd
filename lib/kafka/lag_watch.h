/*
 * lag_watch.h - kc-lag --watch: measures again and again, and shows it on the
 * terminal (kafka/lag_screen.h). Measuring has a thread of its own, so that
 * keys are answered while brokers are not.
 */
#ifndef KAFKA_LAG_WATCH_H
#define KAFKA_LAG_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/lag.h"

struct lag_watch_options {
	/* Fills a snapshot, within some seconds; on the thread. */
	int (*measure)(void *arg, struct lag_snapshot *out, struct err *e);
	void *arg;
	int64_t every_ms;        /* from one measuring to the next */
	bool color;
};

/*
 * Until q, a signal, or the end of the terminal. A measuring that fails is
 * told on the screen, and tried again. ERR_USAGE without a terminal.
 */
int lag_watch(const struct lag_watch_options *o, struct err *e);

#endif
