/*
 * server.h - the listeners, the connections, and what they share.
 *
 * All of it runs on the loop. Connections are freed at the end of a turn,
 * never inside a callback, so that code may look at conn->closed after it
 * has called something that could close the connection.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "net/loop.h"
#include "net/request.h"

enum {
	ADDRESS_TEXT = INET6_ADDRSTRLEN + 10, /* "[<address>]:<port>" and its NUL */
	SERVER_SCRATCH = 256 << 10,           /* bytes read at a time */
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct listener {
	struct loop_io io;
	struct server *server;
	union address address; /* as bound: the port is the real one */
	struct list node;
	int broker_node;       /* of which virtual broker, see nodes.h */
	int set;               /* those of one server_listen() */
};

struct conn {
	struct loop_io io;
	struct server *server;
	struct list node;        /* in server->conns, then server->dead */
	struct list dirty;       /* in server->dirty: replies can be sent */
	struct list waiting;     /* in server->stalled or server->runnable */
	union address peer;

	/* Bytes that came and are not a request yet; a frame begins at in_at. */
	struct buf in;
	size_t in_at;

	struct list requests;    /* struct request, oldest first: unsent or unfinished */
	int in_flight;
	size_t reply_bytes;      /* memory of finished replies that are not sent */
	size_t sent;             /* bytes sent of the oldest reply */
	int gaps_sent;           /* file ranges sent of it */

	bool closed;
	bool closing;            /* to be closed once its replies are sent: by a fault rule */
	int broker_node, listener_set; /* those of its listener */
	int64_t requests_n;      /* begun so far */
	bool held_back;          /* not reading: too much of its own in flight, or muted */
	bool busy;               /* a request of it is with the worker: no other is begun */
	bool blocked;            /* the peer does not take what we send */
	int64_t active_at;       /* ms: when bytes last came or went */
	int64_t frame_at;        /* ms: when the unfinished frame began, or last grew by enough */
	size_t frame_seen;       /* bytes of it at frame_at */
	char *software[2];       /* name and version (KIP-511), when metrics are wanted */
	struct loop_timer muted; /* on = no request is begun until then (KIP-219) */
};

/* Connections that one address may have. */
struct ip_limit {
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
	int max;
};

struct server {
	struct broker *broker;
	struct loop *loop;
	struct list listeners;
	int listener_sets;       /* calls of server_listen() so far */
	int listen_node;         /* the virtual broker that is being given its listeners */
	struct list conns;
	int conns_n;
	struct list dead;        /* freed at the end of the turn */
	struct list dirty;       /* replies to send before the loop sleeps */
	struct list stalled;     /* ready to read, but memory or backlog is over its limit */
	struct list runnable;    /* have input to go on with, in the next turn */
	struct loop_timer run;
	struct loop_timer tick;  /* every second */

	uint8_t *scratch;        /* what is read, and what is copied to be sent */
	struct list free_requests;
	int free_requests_n;
	struct buf spare;        /* a large input buffer for the next who needs one */
	struct conn *favourite;  /* may go on with its frame although memory is short */

	size_t bytes;            /* in memory: input, replies, what parked requests hold */
	int spare_fd;            /* given up to accept and close when descriptors run out */
	bool draining;           /* nothing is read any more */
	void (*drained)(void *arg);
	void *drained_arg;

	/* From the configuration. */
	size_t request_max, budget;
	int64_t idle_ms;
	int64_t partial_ms;      /* a frame must come, or grow, in this */
	int64_t first_ms;        /* the first request of a connection must */
	int64_t reply_ms;        /* a reply must be taken, or some of it */
	int in_flight_max;       /* requests of one connection; then it is not read */
	int conns_max, conns_max_ip, conns_rate, backlog;
	struct ip_limit *ip_limits; /* max.connections.per.ip.overrides */
	int ip_limits_n;
	struct quota_buckets *quotas;
	struct worker *worker;   /* for what would take the loop too long */
	int working;             /* requests that are with it */
	bool ending;             /* nobody is to be answered any more */
	int send_buffer, receive_buffer;
	char *advertised_host;   /* NULL = the address the client connected to */
	int advertised_port;     /* 0 = the port the client connected to */

	/* The log must not grow with what strangers send. */
	int complaints;          /* since the last tick */
	struct in6_addr hinted[8];
	int hinted_n;
};

/* ---- server.c ---- */

struct server *server_new(struct broker *b);
/*
 * Listens on "HOST[:PORT]"; NULL is loopback, both families on one port, as
 * far as the machine has them. Port 0 takes a free one.
 */
int server_listen(struct server *s, const char *address, int port, struct err *e);
/* What clients are told instead of where they connected to: "HOST[:PORT]". */
int server_advertise(struct server *s, const char *address, struct err *e);
/* "127.0.0.1:9092" of the first listener; of each virtual broker, with commas. */
void server_address(const struct server *s, struct buf *out);
/* Accepts nothing, reads nothing; calls back once all replies owed by the disk are sent. */
void server_drain(struct server *s, void (*drained)(void *arg), void *arg);
/* Closes every connection: parked requests get closed(). */
void server_free(struct server *s);

/* What may change while it runs is read from the configuration again. */
void server_limits(struct server *s);

/* From the store: commits up to seq have ended. */
void server_committed(struct server *s, uint64_t seq, int16_t error);
/* Is there too much in memory or on its way to the disk to read more? */
bool server_is_full(const struct server *s);
/* The connection goes on with its input in the next turn. */
void server_run_later(struct server *s, struct conn *c);
/* A peer did what it must not; false when that was said often enough. */
bool server_may_complain(struct server *s);

/* "127.0.0.1:9092" or "[::1]:9092" */
const char *address_text(const union address *a, char *out);
/* Without brackets and port. */
const char *address_host(const union address *a, char *out);
int address_port(const union address *a);

/* ---- limits.c ---- */

/* Is there room for another connection from there? */
bool server_has_too_many(const struct server *s, const union address *peer);

/* ---- listener.c ---- */

void listener_close(struct listener *l);
/* ---- conn.c ---- */

void conn_accept(struct listener *l, int fd, const union address *peer);
/* Safe anywhere; the memory stays until the end of the turn. */
void conn_close(struct conn *c, const char *why);
void conn_free(struct conn *c);
/* Goes on with input that is there already, then reads. */
void conn_resume(struct conn *c);
/* Once a second: time-outs. */
void conn_tick(struct conn *c);
/* Is there room in flight for another request of this connection? */
bool conn_may_begin(const struct conn *c);
/* Begins no request for so long; the longer one counts. 0 and less: nothing. */
void conn_mute(struct conn *c, int32_t ms);
/* Asks the kernel for the events that we could act on. */
void conn_watch(struct conn *c);

/* ---- reply.c ---- */

/* A reply is complete; reply_flush() comes before the loop sleeps. */
void reply_ready(struct conn *c, struct request *rq);
/* The oldest request when its reply is complete, else NULL. */
struct request *reply_next(struct conn *c);
/* Sends what can be sent. */
void reply_flush(struct conn *c);

/* ---- request.c ---- */

/* Parses a frame's header and runs its handler. Closes the connection when it cannot. */
void request_begin(struct conn *c, uint8_t *frame, size_t len);
/* Its reply is sent, or nobody wants it: back to the free list. */
void request_free(struct server *s, struct request *rq);
/* The connection is gone. */
void request_orphan(struct request *rq);
void requests_trim(struct server *s, int keep);

#endif
