/* broker.h - one broker: its parts, wired together. Passed, never global. */
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "config.h"
#include "net/loop.h"
#include "store/store.h"

struct fetch_sessions;
struct groups;
struct meta;
struct server;

struct broker {
	const struct config *config;
	const struct clock *clock;
	struct loop *loop;
	struct store *store;
	struct meta *meta;
	struct groups *groups;
	struct fetch_sessions *fetch_sessions;
	struct list commit_waiters; /* struct request, by commit, oldest first */
	int32_t node_id;
	const char *dir;        /* of the data, as --data-dir says it */
	struct server *server;
	struct loop_waker store_waker; /* private to broker.c */
	struct loop_timer groups_timer;
};

struct broker_options {
	const struct config *config;  /* borrowed as long as the broker lives */
	const struct clock *clock;
	const char *dir;
	bool ephemeral, repair;
	enum fsync_policy fsync;
	int interval_ms;              /* of FSYNC_INTERVAL */
	int64_t wal_bytes;
};

/*
 * In this order. Between prepare and open the caller makes b->server listen:
 * whoever connects while logs are recovered waits, and is not refused.
 */
int broker_prepare(struct broker *b, const struct broker_options *o, struct err *e);
int broker_open(struct broker *b, const struct broker_options *o, struct err *e);
/* Until broker_stop(), and what is owed then is sent. */
int broker_run(struct broker *b, struct err *e);
void broker_stop(struct broker *b);
/* Whatever was opened; the final checkpoint is written here. */
void broker_close(struct broker *b);

#endif
