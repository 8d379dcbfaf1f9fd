/*
 * request.h - one request from its frame to its reply.
 *
 * A handler decodes from rq->in, acts, and either answers at once:
 *
 *	w = request_reply(rq);
 *	metadata_response_write(w, rq->version, &resp);
 *	request_finish(rq);
 *
 * or parks: it keeps the request somewhere (a commit, a purgatory, a group)
 * and answers from a later callback. Replies leave in the order in which the
 * requests came, whatever the order in which they are finished.
 *
 * The frame's bytes (rq->in and slices decoded from it) are
 * gone when the handler returns: a handler that parks copies what it still
 * needs into rq->arena, which lives as long as the request.
 */
#ifndef NET_REQUEST_H
#define NET_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "wire/wire.h"

struct api;
struct broker;
struct conn;
struct fault_hit;

struct request {
	struct list node;       /* in the connection's queue, oldest first */
	struct conn *conn;      /* NULL once the connection is closed */
	struct broker *broker;
	const struct api *api;
	int16_t version;
	int32_t correlation;
	struct slice client_id; /* may be null; in the arena */
	struct arena arena;
	struct wire_reader in;  /* the body; valid inside the handler only */
	struct wire_writer out; /* the reply, once begun */
	bool finished;          /* the reply may leave when its turn comes */
	bool silent;            /* has no reply: acks=0 */
	int32_t throttle_ms;    /* owed before it began, see quota.h */
	size_t held;            /* bytes counted in server->bytes while it is parked */

	/* For a parked request, all optional: */
	struct list parked;     /* link for whoever holds it; self when not held */
	uint64_t commit;        /* see request_wait_commit() */
	void (*resume)(struct request *rq, int16_t error);
	void (*closed)(struct request *rq); /* the connection is gone: unpark and finish;
	                                     * without it the holder finishes as ever */
	void (*hurry)(struct request *rq);  /* another request waits behind this one */
	void *state;            /* the handler's own, usually in the arena */
	struct fault_hit *fault; /* a fault rule acts on it; nearly always NULL */
	int64_t began;          /* ms, as loop_now(); for metrics */
};

/* Starts the reply: length and header are in place, the body follows. */
struct wire_writer *request_reply(struct request *rq);

/* The reply is complete (or, with rq->silent, there is none). rq is gone after this. */
void request_finish(struct request *rq);

/* No reply can be given: the connection is closed. rq is gone after this. */
void request_abort(struct request *rq);

/*
 * Parks until the store has committed `commit` (partlog_append()'s result),
 * then calls resume with error 0, or KAFKA_STORAGE_ERROR when that failed.
 * Calls at once when it is committed already.
 */
void request_wait_commit(struct request *rq, uint64_t commit,
	void (*resume)(struct request *rq, int16_t error));

/*
 * Lets a function run on the worker's thread, then `done` on the loop;
 * meanwhile no other request of the connection is begun.
 */
struct work;
void request_work(struct request *rq, struct work *w);
/* First thing in `done`. False: the broker ends, `run` may not have run: finish it. */
bool request_worked(struct request *rq);

/*
 * The address this client should use for this broker: what --advertise says,
 * or the one it is connected to. The text is in rq->arena.
 */
struct slice request_host(struct request *rq, int32_t *port);

/* The client's own address as Kafka prints it in DescribeGroups: "/127.0.0.1". */
struct slice request_client_host(struct request *rq);

#endif
