/*
 * limits.c - the server's limits, as the configuration has them now, and
 * how many connections an address may have.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/server.h"

static int
clamp_int(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : (int)v;
}

static struct in6_addr
mapped(const union address *a)
{
	struct in6_addr out = { 0 };

	if (a->sa.sa_family == AF_INET6)
		return a->in6.sin6_addr;
	out.s6_addr[10] = out.s6_addr[11] = 0xff;
	memcpy(&out.s6_addr[12], &a->in.sin_addr, 4);
	return out;
}

/* The list was checked when it was set (config_check()). */
static void
read_ip_limits(struct server *s)
{
	struct slice left = slice_str(config_get(s->broker->config,
		"max.connections.per.ip.overrides"));
	struct ip_override o;
	int n = 0;

	free(s->ip_limits);
	s->ip_limits = xcalloc(left.len + 1, sizeof(*s->ip_limits));
	while (config_next_override(&left, &o) == 1)
		s->ip_limits[n++] = (struct ip_limit){ o.address, o.max };
	s->ip_limits_n = n;
	s->ip_limits = xreallocarray(s->ip_limits, (size_t)n + 1,
		sizeof(*s->ip_limits));
}

void
server_limits(struct server *s)
{
	const struct config *c = s->broker->config;

	s->request_max = (size_t)config_get_int64(c, "socket.request.max.bytes");
	s->budget = (size_t)config_get_int64(c, "queued.max.request.bytes");
	s->idle_ms = config_get_int64(c, "connections.max.idle.ms");
	s->partial_ms = config_get_int64(c, "kc.partial.request.timeout.ms");
	s->first_ms = config_get_int64(c, "kc.first.request.timeout.ms");
	s->reply_ms = config_get_int64(c, "kc.reply.timeout.ms");
	s->in_flight_max = clamp_int(config_get_int64(c,
		"kc.connection.requests.max"));
	s->conns_max = clamp_int(config_get_int64(c, "max.connections"));
	s->conns_max_ip = clamp_int(config_get_int64(c, "max.connections.per.ip"));
	s->conns_rate = clamp_int(config_get_int64(c,
		"max.connection.creation.rate"));
	s->backlog = clamp_int(config_get_int64(c, "socket.listen.backlog.size"));
	s->send_buffer = clamp_int(config_get_int64(c, "socket.send.buffer.bytes"));
	s->receive_buffer = clamp_int(config_get_int64(c,
		"socket.receive.buffer.bytes"));
	read_ip_limits(s);
}

static bool
same_host(const union address *a, const union address *b)
{
	struct in6_addr x = mapped(a), y = mapped(b);

	return !memcmp(&x, &y, sizeof(x));
}

static int
max_of(const struct server *s, const union address *peer)
{
	struct in6_addr host = mapped(peer);

	for (int i = 0; i < s->ip_limits_n; i++)
		if (!memcmp(&s->ip_limits[i].address, &host, sizeof(host)))
			return s->ip_limits[i].max;
	return s->conns_max_ip;
}

/* Those of one host are counted only when that is limited. */
bool
server_has_too_many(const struct server *s, const union address *peer)
{
	int n = 0, max = max_of(s, peer);

	if (s->conns_n >= s->conns_max)
		return true;
	if (max >= s->conns_max)
		return false;
	for (const struct list *i = s->conns.next; i != &s->conns; i = i->next)
		n += same_host(&container_of(i, struct conn, node)->peer, peer);
	return n >= max;
}
