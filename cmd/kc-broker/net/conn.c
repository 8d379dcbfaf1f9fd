/*
 * conn.c - one connection: from bytes to requests, and its time-outs.
 *
 * Sockets are read into one scratch buffer that all connections share, and
 * requests run right out of it. Only a request that has not come completely
 * is kept in a buffer of the connection, which grows with what has come, not
 * with what is announced. The rest of a large request is read straight to
 * its place. So nothing is moved, and an idle connection has no buffer.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/quota.h"
#include "net/server.h"
#include "store/store.h"

enum {
	REPLIES_MAX = 1 << 20,    /* bytes of replies waiting; then it is not read */
	FEW = 64,                 /* requests of a connection that may be large, too */
	BULK = 2 << 20,           /* bytes on their way to the disk that are worth a sync */
	SPARE_MAX = 8 << 20,      /* largest input buffer kept for the next use */
	FRAME_STEP = 64 << 10,    /* bytes by which a frame that comes slowly must grow */
	STUCK_MS = 30000,         /* a peer that takes nothing, while memory is short */
};

static void conn_ready(struct loop_io *io, uint32_t events);

/* ---- opening and closing -------------------------------------------------- */

static void
unmute(struct loop_timer *t)
{
	struct conn *c = container_of(t, struct conn, muted);

	server_run_later(c->server, c);
}

void
conn_mute(struct conn *c, int32_t ms)
{
	int64_t until = loop_now(c->server->loop) + ms;

	if (ms <= 0 || c->closed || (c->muted.slot && c->muted.at >= until))
		return;
	loop_timer_set(c->server->loop, &c->muted, until);
	c->held_back = true;
	conn_watch(c);
}

void
conn_accept(struct listener *l, int fd, const union address *peer)
{
	struct server *s = l->server;
	struct err e = ERR_INIT;
	char text[ADDRESS_TEXT];
	int one = 1;
	struct conn *c;

	if (server_has_too_many(s, peer)) {
		if (server_may_complain(s))
			log_warn("connection refused: limit reached peer=%s connections=%d",
				address_text(peer, text), s->conns_n);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (s->send_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &s->send_buffer,
			sizeof(s->send_buffer));
	c = xcalloc(1, sizeof(*c));
	c->io = (struct loop_io){ fd, EPOLLIN, conn_ready };
	c->server = s;
	c->broker_node = l->broker_node;
	c->listener_set = l->set;
	c->peer = *peer;
	c->active_at = c->frame_at = loop_now(s->loop);
	c->muted.fire = unmute;
	list_init(&c->dirty);
	list_init(&c->waiting);
	list_init(&c->requests);
	list_append(&s->conns, &c->node);
	s->conns_n++;
	s->broker->metrics.connections++;
	if (loop_io_add(s->loop, &c->io, &e)) {
		log_error("%s", e.msg);
		conn_close(c, "cannot be watched");
		return;
	}
	conn_mute(c, quota_connection(c));
}

/* The input buffer is empty: it goes to whoever needs one next. */
static void
give_back(struct conn *c)
{
	struct server *s = c->server;

	s->bytes -= c->in.cap;
	if (c->in.cap > s->spare.cap && c->in.cap <= SPARE_MAX) {
		struct buf old = s->spare;

		s->spare = c->in;
		c->in = old;
	}
	buf_release(&c->in);
	buf_clear(&s->spare);
	c->in_at = 0;
	if (s->favourite == c)
		s->favourite = NULL;
}

void
conn_close(struct conn *c, const char *why)
{
	struct server *s = c->server;
	char text[ADDRESS_TEXT];

	if (c->closed)
		return;
	c->closed = true;
	log_debug("connection closed: %s peer=%s", why,
		address_text(&c->peer, text));
	loop_io_del(s->loop, &c->io);
	loop_timer_clear(s->loop, &c->muted);
	close(c->io.fd);
	list_remove(&c->dirty);
	list_remove(&c->waiting);
	list_remove(&c->node);
	list_append(&s->dead, &c->node);
	s->conns_n--;
	s->broker->metrics.disconnections++;
	if (s->favourite == c)
		s->favourite = NULL;
	s->bytes -= c->reply_bytes;
	c->reply_bytes = 0;
	while (!list_is_empty(&c->requests))
		request_orphan(container_of(c->requests.next, struct request,
			node));
}

/* At the end of a turn: nobody looks at it any more. */
void
conn_free(struct conn *c)
{
	c->server->bytes -= c->in.cap;
	buf_release(&c->in);
	list_remove(&c->node);
	free(c->software[0]);
	free(c->software[1]);
	free(c);
}

void
conn_watch(struct conn *c)
{
	bool reads = !c->held_back && !c->server->draining &&
		list_is_empty(&c->waiting);

	loop_io_set(c->server->loop, &c->io, (reads ? EPOLLIN : 0) |
		(c->blocked ? EPOLLOUT : 0));
}

/* ---- frames --------------------------------------------------------------- */

static bool
is_bad_size(const struct conn *c, int32_t size)
{
	return size < 0 || (size_t)size > c->server->request_max;
}

/* Says once a host what its first bytes look like, when they are no frame of ours. */
static void
hint(struct conn *c, const uint8_t *p)
{
	struct server *s = c->server;
	struct in6_addr host = { 0 };
	char text[ADDRESS_TEXT];
	const char *what = NULL;

	if (p[0] == 0x16 && p[1] == 3)
		what = "TLS (kc-broker speaks PLAINTEXT only)";
	else if (!memcmp(p, "GET ", 4) || !memcmp(p, "POST", 4) ||
	    !memcmp(p, "HEAD", 4) || !memcmp(p, "PUT ", 4) ||
	    !memcmp(p, "OPTI", 4) || !memcmp(p, "CONN", 4))
		what = "HTTP (this is a Kafka port)";
	if (!what)
		return;
	if (c->peer.sa.sa_family == AF_INET6)
		host = c->peer.in6.sin6_addr;
	else
		memcpy(&host, &c->peer.in.sin_addr, 4);
	for (int i = 0; i < s->hinted_n && i < 8; i++)
		if (!memcmp(&s->hinted[i], &host, sizeof(host)))
			return;
	s->hinted[s->hinted_n++ % 8] = host;
	log_warn("a client tries %s peer=%s", what, address_text(&c->peer, text));
}

static void
refuse_size(struct conn *c, const uint8_t *p)
{
	char text[ADDRESS_TEXT];

	hint(c, p);
	if (server_may_complain(c->server))
		log_info("connection closed: request of %d bytes peer=%s",
			(int)be32_get(p), address_text(&c->peer, text));
	conn_close(c, "bad request size");
}

/*
 * Small requests may be many: while one sync takes its time the next is to
 * get enough to do, however slow the disk.
 */
static bool
has_too_many(const struct conn *c)
{
	const struct server *s = c->server;

	return c->in_flight >= s->in_flight_max ||
		(c->in_flight >= FEW && store_backlog(s->broker->store) >= BULK);
}

bool
conn_may_begin(const struct conn *c)
{
	return !has_too_many(c) && !c->muted.slot && !c->busy &&
		c->reply_bytes < REPLIES_MAX && !c->closing &&
		!c->server->draining;
}

/*
 * Runs the whole frames at p, as many as may be in flight. Returns the bytes
 * used. Afterwards the connection may be closed, or held back.
 */
static size_t
run_frames(struct conn *c, uint8_t *p, size_t n)
{
	size_t at = 0;

	while (n - at >= 4 && !c->closed) {
		int32_t size = (int32_t)be32_get(p + at);

		if (is_bad_size(c, size)) {
			refuse_size(c, p + at);
			break;
		}
		if (n - at - 4 < (size_t)size)
			break;
		if (!conn_may_begin(c)) {
			c->held_back = true;
			break;
		}
		request_begin(c, p + at + 4, (size_t)size);
		at += 4 + (size_t)size;
	}
	return at;
}

/* Bytes that the frame at the start of the buffer lacks; 0 also when it is bad. */
static size_t
frame_lacks(const struct conn *c)
{
	size_t have = c->in.len, total;
	int32_t size;

	if (have < 4)
		return 4 - have;
	size = (int32_t)be32_get(c->in.data);
	if (is_bad_size(c, size))
		return 0;
	total = 4 + (size_t)size;
	return total > have ? total - have : 0;
}

/*
 * Room for n bytes more, and for as much again of the frame: the buffer is
 * never more than twice what has come.
 */
static void
make_room(struct conn *c, size_t n)
{
	struct server *s = c->server;
	size_t need = c->in.len + n, lacks = frame_lacks(c), cap = need;

	if (lacks > n)
		cap += lacks - n < need ? lacks - n : need;
	if (cap < 512)
		cap = 512;
	if (c->in.cap >= need)
		return;
	s->bytes -= c->in.cap;
	if (!c->in.data && s->spare.cap >= cap) {
		c->in = s->spare;
		s->spare = (struct buf)BUF_INIT;
	} else {
		c->in.data = xreallocarray(c->in.data, cap, 1);
		c->in.cap = cap;
	}
	s->bytes += c->in.cap;
}

/* Behind what is kept already. */
static void
keep(struct conn *c, const uint8_t *p, size_t n)
{
	if (!n)
		return;
	if (!c->in.len) {
		c->frame_at = loop_now(c->server->loop);
		c->frame_seen = 0;
	}
	make_room(c, n);
	buf_add(&c->in, p, n);
}

/* Runs what is in the connection's own buffer. */
static void
run_kept(struct conn *c)
{
	c->in_at += run_frames(c, c->in.data + c->in_at, c->in.len - c->in_at);
	if (c->closed)
		return;
	if (c->in_at == c->in.len) {
		buf_clear(&c->in);
		give_back(c);
	} else if (!c->held_back && c->in_at) {
		buf_consume(&c->in, c->in_at);
		c->in_at = 0;
		c->frame_at = loop_now(c->server->loop);
		c->frame_seen = c->in.len;
	}
}

/* What was read to the scratch buffer: the rest of a kept frame, then others. */
static void
run_scratch(struct conn *c, uint8_t *p, size_t n)
{
	size_t part, used;

	while (n && c->in.len && (part = frame_lacks(c))) {
		part = part < n ? part : n;
		keep(c, p, part);
		p += part;
		n -= part;
	}
	if (c->in.len && !frame_lacks(c))
		run_kept(c);
	if (c->closed)
		return;
	used = c->in.len ? 0 : run_frames(c, p, n);
	if (!c->closed)
		keep(c, p + used, n - used);
}

/* ---- reading -------------------------------------------------------------- */

/* Memory is short: only one connection at a time may finish its request. */
static bool
must_stall(struct conn *c)
{
	struct server *s = c->server;

	if (!server_is_full(s) || s->favourite == c)
		return false;
	if (c->in.len && !s->favourite && s->bytes > s->budget) {
		s->favourite = c;
		return false;
	}
	list_append(&s->stalled, &c->waiting);
	conn_watch(c);
	return true;
}

static void
conn_read(struct conn *c)
{
	struct server *s = c->server;
	struct iovec v[2];
	size_t own = 0, lacks = 0;
	ssize_t got;
	int n = 0;

	if (must_stall(c))
		return;
	if (c->in.len) {
		lacks = frame_lacks(c);
		make_room(c, lacks < FRAME_STEP ? lacks : FRAME_STEP);
		own = c->in.cap - c->in.len;
		own = own < lacks ? own : lacks;
		v[n++] = (struct iovec){ c->in.data + c->in.len, own };
	}
	if (!s->scratch)
		s->scratch = xmalloc(SERVER_SCRATCH);
	if (own == lacks)
		v[n++] = (struct iovec){ s->scratch, SERVER_SCRATCH };
	got = readv(c->io.fd, v, n);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(c, got ? strerror(errno) : "by the peer");
		return;
	}
	c->active_at = loop_now(s->loop);
	s->broker->metrics.bytes_in += (uint64_t)got;
	own = own < (size_t)got ? own : (size_t)got;
	c->in.len += own;
	run_scratch(c, s->scratch, (size_t)got - own);
	if (!c->closed && c->held_back)
		conn_watch(c);
}

void
conn_resume(struct conn *c)
{
	list_remove(&c->waiting);
	c->held_back = !conn_may_begin(c);
	if (c->in.len && !c->held_back)
		run_kept(c);
	if (!c->closed)
		conn_watch(c);
}

static void
conn_ready(struct loop_io *io, uint32_t events)
{
	struct conn *c = container_of(io, struct conn, io);

	if (events & EPOLLOUT) {
		c->blocked = false;
		reply_flush(c);
	}
	if (c->closed)
		return;
	if (events & EPOLLIN && io->events & EPOLLIN)
		conn_read(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		conn_close(c, "reset by the peer");
}

/* ---- time-outs ------------------------------------------------------------ */

void
conn_tick(struct conn *c)
{
	struct server *s = c->server;
	int64_t now = loop_now(s->loop), quiet = now - c->active_at;
	bool owes = reply_next(c) != NULL;

	if (quiet > s->idle_ms && (owes || list_is_empty(&c->requests))) {
		conn_close(c, "idle");
		return;
	}
	if (owes && quiet > (s->bytes > s->budget && STUCK_MS < s->reply_ms ?
	    STUCK_MS : s->reply_ms)) {
		conn_close(c, "takes no replies");
		return;
	}
	/* Its requests wait for something, and all others for it. */
	if (s->favourite == c && c->held_back && !c->busy && quiet > STUCK_MS) {
		conn_close(c, "holds up the others while memory is short");
		return;
	}
	if (!c->requests_n && !c->in.len && !c->held_back &&
	    list_is_empty(&c->waiting) && quiet > s->first_ms) {
		conn_close(c, "no request came");
		return;
	}
	if (!c->in.len || c->held_back || !list_is_empty(&c->waiting)) {
		c->frame_at = now; /* it is we who do not read */
		return;
	}
	if (c->in.len - c->frame_seen >= FRAME_STEP) {
		c->frame_at = now;
		c->frame_seen = c->in.len;
	} else if (now - c->frame_at > (c->requests_n || s->partial_ms < s->first_ms ?
	    s->partial_ms : s->first_ms)) {
		conn_close(c, "request did not come completely");
	}
}
