#include "kafka/lag_serve.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/http.h"
#include "cli/sig.h"

enum { PATIENCE_MS = 8000 };     /* of a scrape: Prometheus waits 10 s */

struct serve {
	const struct lag_serve_options *o;
	struct http *http;
	int asked_fd;            /* readable when a scrape wants a measuring */
	pthread_mutex_t lock;
	pthread_cond_t measured;
	/* under the lock */
	struct buf text;         /* of /metrics; empty = never measured */
	int64_t at_ms;           /* when that began; monotonic */
	bool well;               /* the latest measuring succeeded */
	bool ending;
	struct err trouble;/* else why not */
};

/* ---- on the threads that serve ----------------------------------------------- */

static bool
is_fresh(const struct serve *s, int64_t now)
{
	return s->text.len && now - s->at_ms < s->o->fresh_ms;
}

/*
 * Under the lock: until there is a result that is fresh for who came at `now`,
 * or no patience left. That moment counts, not the present: run() may find a
 * result fresh that no longer is when this wakes, and then measures none.
 */
static void
await(struct serve *s, int64_t now)
{
	struct timespec until;
	uint64_t one = 1;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	if (write(s->asked_fd, &one, sizeof(one)) < 0)
		return;
	while (!s->ending && (!s->text.len || s->at_ms < now) && !is_fresh(s, now) &&
	    !pthread_cond_timedwait(&s->measured, &s->lock, &until))
		;
}

static void
page(void *arg, const char *path, struct http_reply *r)
{
	struct serve *s = arg;
	int64_t now = clock_mono_ms(clock_system());

	pthread_mutex_lock(&s->lock);
	if (!strcmp(path, "/metrics")) {
		if (!is_fresh(s, now))
			await(s, now);
		r->type = HTTP_PROMETHEUS;
		r->status = s->text.len ? 200 : 503;
		buf_addslice(&r->text, buf_slice(&s->text));
	} else if (!strcmp(path, "/healthz")) {
		r->status = s->well ? 200 : 503;
		buf_addf(&r->text, "%s\n", s->well ? "ok" : s->trouble.msg);
	} else {
		r->status = 404;
		buf_addstr(&r->text, "there are /metrics and /healthz\n");
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- measuring --------------------------------------------------------------- */

static void
write_failure(const struct serve *s, struct buf *text)
{
	/* Nothing is known: no number of before may pass for one of now. */
	struct lag_snapshot none = { .partial = true, .taken_ms = -1,
		.groups_n = -1, .brokers_n = -1, .cluster_id = "" };
	struct lag_prom_options prom = s->o->prom;

	prom.took_ms = -1;
	lag_prom_write(text, &none, &prom);
}

static void
measure(struct serve *s)
{
	int64_t start = clock_mono_ms(clock_system());
	struct lag_prom_options prom = s->o->prom;
	struct lag_snapshot snapshot = { 0 };
	struct buf text = BUF_INIT, old;
	struct err e = ERR_INIT;
	bool well = !s->o->measure(s->o->arg, &snapshot, &e);

	prom.took_ms = clock_mono_ms(clock_system()) - start;
	if (well)
		lag_prom_write(&text, &snapshot, &prom);
	else
		write_failure(s, &text);
	lag_snapshot_release(&snapshot);
	if (sig_caught()) {
		buf_release(&text);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (!well && (s->well || strcmp(s->trouble.msg, e.msg)))
		diag_warn("%s", e.msg);
	s->trouble = e;
	s->well = well;
	old = s->text;
	s->text = text;
	s->at_ms = start;
	pthread_cond_broadcast(&s->measured);
	pthread_mutex_unlock(&s->lock);
	buf_release(&old);
}

static void
run(struct serve *s)
{
	struct pollfd fds[] = {
		{ .fd = s->asked_fd, .events = POLLIN },
		{ .fd = sig_fd(), .events = POLLIN },
	};
	uint64_t n;

	/* The first one before anybody asks: /healthz knows from the start. */
	for (measure(s); !sig_caught(); ) {
		if (poll(fds, 2, -1) <= 0 || !fds[0].revents)
			continue;
		if (read(s->asked_fd, &n, sizeof(n)) < 0)
			continue;
		pthread_mutex_lock(&s->lock);
		n = is_fresh(s, clock_mono_ms(clock_system()));
		pthread_cond_broadcast(&s->measured);
		pthread_mutex_unlock(&s->lock);
		if (!n)
			measure(s);
	}
}

int
lag_serve(const struct lag_serve_options *o, struct err *e)
{
	struct serve s = { .o = o, .well = true };
	pthread_condattr_t attr;
	int result;

	s.asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&s.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s.measured, &attr);
	pthread_condattr_destroy(&attr);
	result = http_open(&s.http, o->where, &(struct http_options){
		.option = "--serve", .page = page, .arg = &s, .waits = true }, e);
	if (!result) {
		diag_note("http://%s/metrics", http_address(s.http));
		run(&s);
	}
	pthread_mutex_lock(&s.lock);
	s.ending = true;
	pthread_cond_broadcast(&s.measured);
	pthread_mutex_unlock(&s.lock);
	http_close(s.http);
	pthread_cond_destroy(&s.measured);
	pthread_mutex_destroy(&s.lock);
	buf_release(&s.text);
	close(s.asked_fd);
	return result;
}
