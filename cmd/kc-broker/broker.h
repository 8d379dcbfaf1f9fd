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

struct groups;
struct meta;
struct store;
struct fetch_sessions;

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
	/* private to broker.c and net/ follow there */
	struct server *server;
};

#endif
