/*
 * http.h - a few pages of text over HTTP: /metrics for Prometheus, /healthz.
 * The only includer of microhttpd.h.
 *
 * The library is loaded when a port is asked for: it brings a TLS library
 * that a program without the port should neither map nor wait for.
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct http;

struct http_reply {
	unsigned status;    /* 200 unless set */
	const char *type;   /* text/plain unless set */
	struct buf text;    /* empty at first; owned by http */
};

#define HTTP_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

struct http_options {
	const char *option; /* "--metrics": what asked for the port, for errors */
	/*
	 * Writes the page of this path, or status 404. Called on the library's
	 * one thread, one question at a time; or where pages wait, on a thread
	 * of each connection, all at once.
	 */
	void (*page)(void *arg, const char *path, struct http_reply *r);
	void *arg;
	bool waits;
};

/*
 * Listens at "[HOST:]PORT"; without a host 127.0.0.1, '*' is every address of
 * this machine, port 0 is any free one. The options are copied. On failure
 * *out is NULL.
 */
int http_open(struct http **out, const char *where, const struct http_options *o,
	struct err *e);
/* "127.0.0.1:9308": the port is the real one. */
const char *http_address(const struct http *h);
/* Waits for the page that is being written. */
void http_close(struct http *h);

#endif
