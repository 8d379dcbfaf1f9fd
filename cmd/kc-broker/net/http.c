#include "net/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "broker.h"
#include "metrics.h"
#include "net/server.h"
#include "status.h"

enum {
	ANSWER_S = 2,        /* for the loop's answer */
	CONNECTIONS = 16,
	IDLE_S = 15,
};

#define LIBRARY "libmicrohttpd.so.12"

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

enum page { PAGE_METRICS, PAGE_HEALTH };

struct http {
	struct library mhd;
	struct MHD_Daemon *daemon;
	struct broker *broker;
	char address[ADDRESS_TEXT];
	struct loop_waker waker;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	/* Under the lock. There is one thread of the library's, so one question. */
	enum page page;
	bool asked, stop;
	struct buf text;
	unsigned status;
};

/* ---- on the loop ---------------------------------------------------------- */

static void
answer(struct loop_waker *w)
{
	struct http *h = container_of(w, struct http, waker);
	const char *fault;

	pthread_mutex_lock(&h->lock);
	if (h->asked) {
		buf_clear(&h->text);
		h->status = MHD_HTTP_OK;
		if (h->page == PAGE_METRICS) {
			metrics_write(h->broker, &h->text);
		} else {
			fault = status_fault(h->broker);
			buf_addf(&h->text, "%s\n", fault ? fault : "ok");
			if (fault)
				h->status = MHD_HTTP_SERVICE_UNAVAILABLE;
		}
		h->asked = false;
		pthread_cond_signal(&h->answered);
	}
	pthread_mutex_unlock(&h->lock);
}

/* ---- on the library's thread ---------------------------------------------- */

static void
ask(struct http *h, enum page page)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_S;
	pthread_mutex_lock(&h->lock);
	h->page = page;
	h->asked = !h->stop;
	if (h->asked)
		loop_wake(&h->waker);
	while (h->asked && !h->stop && !pthread_cond_timedwait(&h->answered, &h->lock,
		&until))
		;
	if (h->asked || h->stop) {
		h->asked = false;
		buf_clear(&h->text);
		buf_addstr(&h->text, "the broker does not answer\n");
		h->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	pthread_mutex_unlock(&h->lock);
}

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
	static const char plain[] = "text/plain; charset=utf-8";
	struct http *h = arg;

	(void)version;
	(void)data;
	(void)data_n;
	(void)state;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return send_text(h, c, MHD_HTTP_METHOD_NOT_ALLOWED, plain,
			slice_str("only GET\n"));
	if (!strcmp(url, "/metrics"))
		ask(h, PAGE_METRICS);
	else if (!strcmp(url, "/healthz"))
		ask(h, PAGE_HEALTH);
	else
		return send_text(h, c, MHD_HTTP_NOT_FOUND, plain,
			slice_str("there are /metrics and /healthz\n"));
	return send_text(h, c, h->status, !strcmp(url, "/metrics") ?
		"text/plain; version=0.0.4; charset=utf-8" : plain,
		buf_slice(&h->text));
}

/* ---- opening and closing -------------------------------------------------- */

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
		return err_set(e, ERR_FAILED,
			"--metrics needs " LIBRARY " (try: apt-get install libmicrohttpd12): %s",
			dlerror());
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		void *p = dlsym(l->handle, all[i].name);

		if (!p)
			return err_set(e, ERR_FAILED, LIBRARY " lacks %s", all[i].name);
		memcpy(all[i].at, &p, sizeof(p));
	}
	return 0;
}

static int
start(struct http *h, int fd, struct err *e)
{
	h->daemon = h->mhd.start(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
		handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (h->daemon)
		return 0;
	close(fd);
	return err_set(e, ERR_FAILED, "cannot serve metrics on %s", h->address);
}

int
http_open(struct http **out, struct broker *b, const char *where, struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));
	pthread_condattr_t attr;
	int fd;

	*out = h;
	h->broker = b;
	h->waker = (struct loop_waker){ .loop = b->loop, .run = answer };
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->answered, &attr);
	pthread_condattr_destroy(&attr);
	fd = listener_plain(b->server, where, h->address, e);
	if (fd < 0)
		return err_wrap(e, "--metrics");
	if (load(&h->mhd, e)) {
		close(fd);
		return -1;
	}
	return start(h, fd, e);
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
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->answered);
	pthread_mutex_unlock(&h->lock);
	if (h->daemon)
		h->mhd.stop(h->daemon);
	if (h->mhd.handle)
		dlclose(h->mhd.handle);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->answered);
	buf_release(&h->text);
	free(h);
}
