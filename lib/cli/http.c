#include "cli/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"

enum {
	CONNECTIONS = 16,
	IDLE_S = 15,
	BACKLOG = 64,
	HOST_MAX = 256,
};

#define LIBRARY "libmicrohttpd.so.12"
#define PLAIN "text/plain; charset=utf-8"

/* What is used of it. */
struct library {
	void *handle;
	__typeof__(MHD_start_daemon) *start;
	__typeof__(MHD_stop_daemon) *stop;
	__typeof__(MHD_create_response_from_buffer) *response;
	__typeof__(MHD_add_response_header) *header;
	__typeof__(MHD_queue_response) *queue;
	__typeof__(MHD_destroy_response) *destroy;
};

struct http {
	struct http_options o;
	struct library mhd;
	struct MHD_Daemon *daemon;
	char address[HOST_MAX + 16];
};

/* ---- on the library's threads ----------------------------------------------- */

static enum MHD_Result
send_text(struct http *h, struct MHD_Connection *c, unsigned status, const char *type,
	struct slice text)
{
	struct MHD_Response *r = h->mhd.response(text.len,
		(void *)(uintptr_t)text.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	h->mhd.header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = h->mhd.queue(c, status, r);
	h->mhd.destroy(r);
	return result;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *data, size_t *data_n, void **state)
{
	struct http *h = arg;
	struct http_reply r = { .status = MHD_HTTP_OK, .type = PLAIN };
	enum MHD_Result result;

	(void)version;
	(void)data;
	(void)data_n;
	(void)state;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return send_text(h, c, MHD_HTTP_METHOD_NOT_ALLOWED, PLAIN,
			slice_str("only GET\n"));
	h->o.page(h->o.arg, url, &r);
	result = send_text(h, c, r.status, r.type, buf_slice(&r.text));
	buf_release(&r.text);
	return result;
}

/* ---- listening -------------------------------------------------------------- */

/* "[HOST:]PORT" in its parts; host has room for HOST_MAX. */
static int
split(const char *where, char *host, const char **port, struct err *e)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon ? (size_t)(colon - where) : 0;
	int64_t number;

	*port = colon ? colon + 1 : where;
	if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	if (n >= HOST_MAX || (colon && !n))
		return err_set(e, ERR_USAGE, "'%s' is not [HOST:]PORT", where);
	if (num_int(slice_str(*port), 0, 65535, &number, e))
		return -1;
	memcpy(host, where, n);
	host[n] = '\0';
	return 0;
}

static int
bound_socket(const struct addrinfo *a)
{
	int one = 1, code;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

static void
name_address(struct http *h, int fd, const char *host)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char port[8] = "?";

	if (!getsockname(fd, (struct sockaddr *)&a, &len))
		getnameinfo((struct sockaddr *)&a, len, NULL, 0, port, sizeof(port),
			NI_NUMERICSERV);
	snprintf(h->address, sizeof(h->address), strchr(host, ':') ?
		"[%s]:%s" : "%s:%s", host, port);
}

/* Returns the socket, or -1. */
static int
listen_at(struct http *h, const char *where, struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM }, *list;
	char host[HOST_MAX];
	const char *port;
	int fd, code;

	if (split(where, host, &port, e))
		return -1;
	if (!*host)
		snprintf(host, sizeof(host), "127.0.0.1");
	code = getaddrinfo(strcmp(host, "*") ? host : NULL, port, &hints, &list);
	if (code)
		return err_set(e, ERR_USAGE, "cannot resolve '%s': %s", host,
			gai_strerror(code));
	fd = bound_socket(list);
	freeaddrinfo(list);
	if (fd < 0)
		return errno == EADDRINUSE
			? err_set(e, ERR_FAILED, "cannot listen on %s port %s: "
				"address already in use (port 0 is any free one)",
				host, port)
			: err_errno(e, ERR_FAILED, "cannot listen on %s port %s",
				host, port);
	name_address(h, fd, host);
	return fd;
}

/* ---- opening and closing ---------------------------------------------------- */

static int
load(struct library *l, struct err *e)
{
	const struct {
		const char *name;
		void *at;
	} all[] = {
		{ "MHD_start_daemon", &l->start },
		{ "MHD_stop_daemon", &l->stop },
		{ "MHD_create_response_from_buffer", &l->response },
		{ "MHD_add_response_header", &l->header },
		{ "MHD_queue_response", &l->queue },
		{ "MHD_destroy_response", &l->destroy },
	};

	l->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return err_set(e, ERR_FAILED, "this needs " LIBRARY
			" (try: apt-get install libmicrohttpd12): %s", dlerror());
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		void *p = dlsym(l->handle, all[i].name);

		if (!p)
			return err_set(e, ERR_FAILED, LIBRARY " lacks %s", all[i].name);
		memcpy(all[i].at, &p, sizeof(p));
	}
	return 0;
}

/* The daemon takes the socket. */
static int
start(struct http *h, int fd, struct err *e)
{
	h->daemon = h->mhd.start(MHD_USE_INTERNAL_POLLING_THREAD |
		(h->o.waits ? MHD_USE_THREAD_PER_CONNECTION : 0), 0, NULL, NULL,
		handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (h->daemon)
		return 0;
	close(fd);
	return err_set(e, ERR_FAILED, "cannot serve pages on %s", h->address);
}

int
http_open(struct http **out, const char *where, const struct http_options *o,
	struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));
	int fd;

	*out = NULL;
	h->o = *o;
	fd = listen_at(h, where, e);
	if (fd < 0)
		goto fail;
	if (load(&h->mhd, e)) {
		close(fd);
		goto fail;
	}
	if (start(h, fd, e))
		goto fail;
	*out = h;
	return 0;
fail:
	http_close(h);
	return err_wrap(e, "%s", o->option);
}

const char *
http_address(const struct http *h)
{
	return h->address;
}

void
http_close(struct http *h)
{
	if (!h)
		return;
	if (h->daemon)
		h->mhd.stop(h->daemon);
	if (h->mhd.handle)
		dlclose(h->mhd.handle);
	free(h);
}
