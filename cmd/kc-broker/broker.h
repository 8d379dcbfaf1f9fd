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
#include "metrics.h"
#include "store/fs_fault.h"
#include "store/store.h"

struct client_metrics;
struct faults;
struct admin;
struct fetch_sessions;
struct metrics_http;
struct release;
struct shift;
struct groups;
struct meta;
struct server;
struct transactions;

struct broker {
	struct config *config;
	const struct clock *clock;
	struct loop *loop;
	struct store *store;
	struct meta *meta;
	struct groups *groups;
	struct transactions *transactions;
	uint64_t walks;        /* see api/named.h */
	struct fetch_sessions *fetch_sessions;
	struct client_metrics *client_metrics;
	struct list commit_waiters; /* struct request, by commit, oldest first */
	int32_t node_id;       /* of the first, when there are several */
	int nodes;             /* virtual brokers, 1 = just this one */
	struct faults *faults; /* NULL = no rule is in force */
	int faults_added, faults_n;
	const struct release *release; /* it claims to be; NULL = the newest */
	struct shift *shift;   /* what moves the clock */
	struct metrics metrics;
	struct admin *admin;
	struct metrics_http *metrics_http; /* NULL = no --metrics */
	enum fsync_policy fsync;
	struct fs_fault disk;
	const char *dir;        /* of the data, as --data-dir says it */
	struct server *server;
	struct loop_waker store_waker; /* private to broker.c */
	struct loop_timer groups_timer, transactions_timer;
};

struct broker_options {
	struct config *config;        /* borrowed as long as the broker lives */
	const struct clock *clock;
	const char *dir;
	bool ephemeral, repair;
	int nodes;                    /* virtual brokers */
	struct shift *shift;          /* of the clock */
	const struct release *release; /* to look like; NULL = the newest */
	const char *faults;           /* a file of rules, or NULL */
	const char *admin_socket;
	const char *metrics;          /* "[ADDR:]PORT", or NULL */
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
/* Whatever was opened; the final checkpoint is written here. -1: see store_close(). */
int broker_close(struct broker *b, struct err *e);

/* dynamic.c: settings of the broker reach the configuration from now on. */
void broker_watch_settings(struct broker *b);

#endif
