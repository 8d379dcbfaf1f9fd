/*
 * listener.c - listening sockets, and the addresses they are given.
 *
 * Clients that are told "localhost" try ::1 first (librdkafka does), so the
 * default is both loopback addresses on one port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/server.h"

enum {
	ADDRESSES = 8,       /* that one --listen can mean */
	PORT_TRIES = 50,     /* for a port that is free in every family */
	ACCEPTS = 64,        /* connections taken in one turn, per listener */
};

/* ---- addresses as text ---------------------------------------------------- */

int
address_port(const union address *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port :
		a->in.sin_port);
}

const char *
address_host(const union address *a, char *out)
{
	const void *p = a->sa.sa_family == AF_INET6 ?
		(const void *)&a->in6.sin6_addr : &a->in.sin_addr;

	if (!inet_ntop(a->sa.sa_family, p, out, INET6_ADDRSTRLEN))
		out[0] = '\0';
	return out;
}

const char *
address_text(const union address *a, char *out)
{
	char host[INET6_ADDRSTRLEN];
	bool v6 = a->sa.sa_family == AF_INET6;

	snprintf(out, ADDRESS_TEXT, "%s%s%s:%d", v6 ? "[" : "",
		address_host(a, host), v6 ? "]" : "", address_port(a));
	return out;
}

static void
set_port(union address *a, int port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons((uint16_t)port);
	else
		a->in.sin_port = htons((uint16_t)port);
}

static socklen_t
address_size(const union address *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

/* ---- from "HOST[:PORT]" to addresses -------------------------------------- */

/* "h", "h:1", "[::1]", "[::1]:1", "::1". *port is left alone when there is none. */
static int
split_host_port(const char *text, char *host, size_t size, int *port,
	struct err *e)
{
	const char *first = strchr(text, ':'), *end = text + strlen(text);
	const char *digits = NULL, *start = text;
	int64_t n;

	if (*text == '[') {
		start = text + 1;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return err_set(e, ERR_USAGE, "address '%s' is not HOST[:PORT]",
				text);
		digits = end[1] ? end + 2 : NULL;
	} else if (first && !strchr(first + 1, ':')) {
		end = first;
		digits = first + 1;
	}
	if (end == start || (size_t)(end - start) >= size)
		return err_set(e, ERR_USAGE,
			"address '%s' has no host (every address of this machine is '*')",
			text);
	if (digits) {
		if (num_int(slice_str(digits), 0, 65535, &n, e))
			return err_wrap(e, "address '%s'", text);
		*port = (int)n;
	}
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return 0;
}

static int
resolve(const char *host, union address *out, struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *i;
	int n = 0, code;

	code = getaddrinfo(host, NULL, &hints, &list);
	if (code)
		return err_set(e, ERR_USAGE, "cannot resolve '%s': %s", host,
			gai_strerror(code));
	for (i = list; i && n < ADDRESSES; i = i->ai_next)
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
			memcpy(&out[n++], i->ai_addr, i->ai_addrlen);
	freeaddrinfo(list);
	return n;
}

/* Returns the number of addresses, IPv4 first for the two well-known pairs. */
static int
addresses_of(const char *host, union address *out, struct err *e)
{
	memset(out, 0, ADDRESSES * sizeof(*out));
	out[0].in.sin_family = AF_INET;
	out[1].in6.sin6_family = AF_INET6;
	if (!host) {
		out[0].in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		out[1].in6.sin6_addr = in6addr_loopback;
		return 2;
	}
	if (!strcmp(host, "*"))
		return 2;
	if (inet_pton(AF_INET, host, &out[0].in.sin_addr) == 1)
		return 1;
	if (inet_pton(AF_INET6, host, &out[0].in6.sin6_addr) == 1) {
		out[0].in6.sin6_family = AF_INET6;
		return 1;
	}
	return resolve(host, out, e);
}

/* ---- listening ------------------------------------------------------------ */

static void
refuse(struct listener *l)
{
	struct server *s = l->server;
	int fd;

	/* Out of descriptors: give up the spare one, so that the peer at least hears no. */
	close(s->spare_fd);
	fd = accept4(l->io.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server_may_complain(s))
		log_warn("connection refused: no file descriptor is left connections=%d",
			s->conns_n);
}

static void
accept_ready(struct loop_io *io, uint32_t events)
{
	struct listener *l = container_of(io, struct listener, io);

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		union address peer = { 0 };
		socklen_t len = sizeof(peer);
		int fd = accept4(io->fd, &peer.sa, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			conn_accept(l, fd, &peer);
		else if (errno == EMFILE || errno == ENFILE)
			refuse(l);
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* Returns code, an errno. */
static int
bind_error(const union address *a, int code, struct err *e)
{
	char text[ADDRESS_TEXT];

	address_text(a, text);
	if (code == EADDRINUSE)
		err_set(e, ERR_FAILED,
			"cannot listen on %s: address already in use (another kc-broker? try: --port 0)",
			text);
	else
		err_set(e, ERR_FAILED, "cannot listen on %s: %s", text,
			strerror(code));
	return code;
}

static int
bound_socket(const struct server *s, const union address *a)
{
	int one = 1, code;
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	/* Before listen(): the window scale is settled in the handshake. */
	if (s->receive_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &s->receive_buffer,
			sizeof(s->receive_buffer));
	if (!bind(fd, &a->sa, address_size(a)) && !listen(fd, s->backlog))
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

/* 0, or an errno with e set: the caller looks at the reason. */
static int
listener_open(struct server *s, const union address *a, struct err *e)
{
	struct listener *l;
	socklen_t len;
	int fd = bound_socket(s, a);

	if (fd < 0)
		return bind_error(a, errno, e);
	l = xcalloc(1, sizeof(*l));
	l->server = s;
	l->broker_node = s->listen_node;
	l->set = s->listener_sets;
	len = sizeof(l->address);
	if (getsockname(fd, &l->address.sa, &len))
		l->address = *a;
	l->io = (struct loop_io){ fd, EPOLLIN, accept_ready };
	list_append(&s->listeners, &l->node);
	if (loop_io_add(s->loop, &l->io, e)) {
		listener_close(l);
		return ENOMEM;
	}
	return 0;
}

void
listener_close(struct listener *l)
{
	loop_io_del(l->server->loop, &l->io);
	close(l->io.fd);
	list_remove(&l->node);
	free(l);
}

static struct listener *
last_listener(struct server *s)
{
	return container_of(s->listeners.prev, struct listener, node);
}

/*
 * All addresses on one port. A family that the machine lacks is left out, as
 * long as another one is there. 0, or an errno with e set.
 */
static int
listen_all(struct server *s, union address *a, int n, int port, struct err *e)
{
	struct list *before = s->listeners.prev;
	int code = 0;

	for (int i = 0; i < n; i++) {
		set_port(&a[i], port);
		code = listener_open(s, &a[i], e);
		if (!code)
			port = address_port(&last_listener(s)->address);
		else if (code != EAFNOSUPPORT && code != EADDRNOTAVAIL)
			break;
		else if (i + 1 < n || s->listeners.prev != before)
			code = 0;
	}
	while (code && s->listeners.prev != before)
		listener_close(last_listener(s));
	return code;
}

int
server_listen(struct server *s, const char *address, int port, struct err *e)
{
	union address a[ADDRESSES];
	char host[256];
	int n, code;

	if (address && split_host_port(address, host, sizeof(host), &port, e))
		return -1;
	n = addresses_of(address ? host : NULL, a, e);
	if (n < 0)
		return -1;
	if (!n)
		return err_set(e, ERR_USAGE, "'%s' has no address", host);
	if (port && port + s->broker->nodes - 1 > 65535)
		return err_set(e, ERR_USAGE,
			"%d brokers from port %d on: there is no port above 65535",
			s->broker->nodes, port);
	s->listener_sets++;
	for (int i = 0, tries = 0; i < s->broker->nodes; ) {
		s->listen_node = i;
		code = listen_all(s, a, n, port ? port + i : 0, e);
		/* A port that is free in one family may be taken in the other. */
		if (!code)
			i++;
		else if (port || code != EADDRINUSE || ++tries > PORT_TRIES)
			return -1;
	}
	return 0;
}

int
server_advertise(struct server *s, const char *address, struct err *e)
{
	char host[256];
	int port = 0;

	if (split_host_port(address, host, sizeof(host), &port, e))
		return -1;
	free(s->advertised_host);
	/* "Every address" is what each client connected to. */
	s->advertised_host = strcmp(host, "*") ? xstrdup(host) : NULL;
	s->advertised_port = port;
	return 0;
}
