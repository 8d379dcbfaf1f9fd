/*
 * reply.c - replies leave in the order of their requests, several with one
 * call: from memory, and from segment files by sendfile().
 */
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker.h"
#include "log.h"
#include "net/server.h"

enum {
	IOVS = 64,                /* pieces sent with one call */
	GAP_COPIED = 32 << 10,    /* file ranges up to this go out with the memory */
	SEND_TURN = 4 << 20,      /* bytes sent to one connection in one turn */
};

void
reply_ready(struct conn *c, struct request *rq)
{
	c->reply_bytes += rq->out.out.len;
	c->server->bytes += rq->out.out.len;
	if (c->requests.next == &rq->node && list_is_empty(&c->dirty))
		list_append(&c->server->dirty, &c->dirty);
}

struct request *
reply_next(struct conn *c)
{
	struct request *rq;

	if (list_is_empty(&c->requests))
		return NULL;
	rq = container_of(c->requests.next, struct request, node);
	return rq->finished ? rq : NULL;
}

/* The oldest reply has left. */
static void
pop_reply(struct conn *c, struct request *rq)
{
	c->reply_bytes -= rq->out.out.len;
	c->server->bytes -= rq->out.out.len;
	c->sent = 0;
	c->gaps_sent = 0;
	c->in_flight--;
	list_remove(&rq->node);
	request_free(c->server, rq);
}

/* The file range that comes next of a reply, or NULL when memory does. */
static struct wire_gap *
gap_at(const struct wire_writer *w, int gap, size_t at)
{
	return gap < w->gaps_n && w->gaps[gap].at == at ? &w->gaps[gap] : NULL;
}

/* Where memory ends before the next file range. */
static size_t
memory_end(const struct wire_writer *w, int gap)
{
	return gap < w->gaps_n ? w->gaps[gap].at : w->out.len;
}

/* n bytes have left, of memory or file ranges as they come. */
static void
advance(struct conn *c, size_t n)
{
	struct request *rq;

	while ((rq = reply_next(c))) {
		struct wire_writer *w = &rq->out;
		struct wire_gap *g = gap_at(w, c->gaps_sent, c->sent);
		size_t left = g ? g->len : memory_end(w, c->gaps_sent) - c->sent;
		size_t part = left < n ? left : n;

		n -= part;
		if (!g) {
			c->sent += part;
		} else {
			g->pos += (int64_t)part;
			g->len -= part;
			c->gaps_sent += !g->len;
		}
		if (c->sent == w->out.len && c->gaps_sent == w->gaps_n)
			pop_reply(c, rq);
		else if (!n)
			return;
	}
}

struct pieces {
	struct iovec v[IOVS];
	int n;
	size_t copied; /* bytes of the scratch buffer in use */
	bool more;     /* a file range follows */
};

/* A short file range: cheaper read here than sent by a call of its own. */
static bool
copy_gap(struct server *s, struct pieces *p, const struct wire_gap *g)
{
	uint8_t *to = s->scratch + p->copied;

	if (g->len > GAP_COPIED || g->len > SERVER_SCRATCH - p->copied ||
	    pread(g->file->fd, to, g->len, (off_t)g->pos) != (ssize_t)g->len)
		return false;
	p->v[p->n++] = (struct iovec){ to, g->len };
	p->copied += g->len;
	return true;
}

/* Gathers replies up to a file range that has to be sent as such. */
static void
gather(struct conn *c, struct pieces *p)
{
	size_t at = c->sent;
	int gap = c->gaps_sent;

	p->n = 0;
	p->copied = 0;
	p->more = false;
	for (struct list *i = c->requests.next; i != &c->requests; i = i->next) {
		struct request *rq = container_of(i, struct request, node);
		const struct wire_writer *w = &rq->out;

		while (rq->finished && (at < w->out.len || gap < w->gaps_n)) {
			struct wire_gap *g = gap_at(w, gap, at);
			size_t end = memory_end(w, gap);

			if (p->n == IOVS)
				return;
			if (!g)
				p->v[p->n++] = (struct iovec){ w->out.data + at,
					end - at };
			else if (!copy_gap(c->server, p, g))
				break;
			at = end;
			gap += g != NULL;
		}
		p->more = rq->finished && gap < w->gaps_n;
		if (!rq->finished || p->more)
			return;
		at = 0;
		gap = 0;
	}
}

/* Bytes sent, 0 when the socket is full, -1 when the connection is closed. */
static ssize_t
send_memory(struct conn *c, struct pieces *p)
{
	struct msghdr m = { .msg_iov = p->v, .msg_iovlen = (size_t)p->n };
	ssize_t sent = sendmsg(c->io.fd, &m,
		MSG_NOSIGNAL | (p->more ? MSG_MORE : 0));

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (sent < 0) {
		conn_close(c, strerror(errno));
		return -1;
	}
	advance(c, (size_t)sent);
	return sent;
}

/* The same for the file range that comes next. */
static ssize_t
send_file(struct conn *c, const struct wire_gap *g)
{
	off_t pos = (off_t)g->pos;
	ssize_t sent = sendfile(c->io.fd, g->file->fd, &pos,
		g->len < SEND_TURN ? g->len : SEND_TURN);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (sent <= 0) {
		/* The reply is half out: there is no way to take it back. */
		if (!sent || errno == EIO)
			log_error("cannot send from a segment: %s",
				sent ? strerror(errno) : "it is shorter than it was");
		conn_close(c, "reply broken off");
		return -1;
	}
	advance(c, (size_t)sent);
	return sent;
}

void
reply_flush(struct conn *c)
{
	struct server *s = c->server;
	struct request *rq;
	struct pieces p;
	size_t total = 0;
	ssize_t sent;

	list_remove(&c->dirty);
	if (c->blocked)
		return; /* EPOLLOUT comes first */
	while ((rq = reply_next(c))) {
		gather(c, &p);
		sent = p.n ? send_memory(c, &p) :
			send_file(c, &rq->out.gaps[c->gaps_sent]);
		if (sent < 0)
			return;
		total += (size_t)sent;
		/* Others want to be served too: the rest in the next turn. */
		if (!sent || total >= SEND_TURN) {
			c->blocked = reply_next(c) != NULL;
			break;
		}
	}
	s->broker->metrics.bytes_out += total;
	if (total)
		c->active_at = loop_now(s->loop);
	if (c->closing && !c->blocked && !reply_next(c)) {
		conn_close(c, "by a fault rule");
		return;
	}
	if (c->held_back && conn_may_begin(c))
		server_run_later(s, c);
	conn_watch(c);
}
