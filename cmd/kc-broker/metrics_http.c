#include "metrics_http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "broker.h"
#include "cli/http.h"
#include "metrics.h"
#include "net/loop.h"
#include "status.h"

enum { ANSWER_S = 2 };       /* for the loop's answer */

enum page { PAGE_METRICS, PAGE_HEALTH };

struct metrics_http {
	struct http *http;
	struct broker *broker;
	struct loop_waker waker;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	/* Under the lock. There is one thread that serves, so one question. */
	enum page page;
	struct http_reply *reply; /* what is asked for; NULL = nothing */
	bool stop;
};

/* On the loop. */
static void
answer(struct loop_waker *w)
{
	struct metrics_http *m = container_of(w, struct metrics_http, waker);
	const char *fault;

	pthread_mutex_lock(&m->lock);
	if (m->reply) {
		if (m->page == PAGE_METRICS) {
			metrics_write(m->broker, &m->reply->text);
		} else {
			fault = status_fault(m->broker);
			buf_addf(&m->reply->text, "%s\n", fault ? fault : "ok");
			if (fault)
				m->reply->status = 503;
		}
		m->reply = NULL;
		pthread_cond_signal(&m->answered);
	}
	pthread_mutex_unlock(&m->lock);
}

/* On the thread that serves. */
static void
ask(struct metrics_http *m, enum page page, struct http_reply *r)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_S;
	pthread_mutex_lock(&m->lock);
	m->page = page;
	m->reply = r;
	if (!m->stop)
		loop_wake(&m->waker);
	while (m->reply && !m->stop && !pthread_cond_timedwait(&m->answered,
		&m->lock, &until))
		;
	if (m->reply) {
		m->reply = NULL;
		buf_addstr(&r->text, "the broker does not answer\n");
		r->status = 503;
	}
	pthread_mutex_unlock(&m->lock);
}

static void
page(void *arg, const char *path, struct http_reply *r)
{
	if (!strcmp(path, "/metrics")) {
		ask(arg, PAGE_METRICS, r);
		if (r->status == 200)
			r->type = HTTP_PROMETHEUS;
	} else if (!strcmp(path, "/healthz")) {
		ask(arg, PAGE_HEALTH, r);
	} else {
		r->status = 404;
		buf_addstr(&r->text, "there are /metrics and /healthz\n");
	}
}

int
metrics_http_open(struct metrics_http **out, struct broker *b, const char *where,
	struct err *e)
{
	struct metrics_http *m = xcalloc(1, sizeof(*m));
	pthread_condattr_t attr;

	*out = m;
	m->broker = b;
	m->waker = (struct loop_waker){ .loop = b->loop, .run = answer };
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->answered, &attr);
	pthread_condattr_destroy(&attr);
	return http_open(&m->http, where, &(struct http_options){
		.option = "--metrics", .page = page, .arg = m }, e);
}

const char *
metrics_http_address(const struct metrics_http *m)
{
	return http_address(m->http);
}

void
metrics_http_close(struct metrics_http *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->answered);
	pthread_mutex_unlock(&m->lock);
	http_close(m->http);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->answered);
	free(m);
}
