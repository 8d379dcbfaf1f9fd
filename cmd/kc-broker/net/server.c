/*
 * server.c - what happens once a turn and once a second, the limits that all
 * connections share, and the end.
 */
#include "net/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/quota.h"
#include "net/worker.h"
#include "store/store.h"

enum {
	BACKLOG_MAX = 16 << 20, /* bytes on their way to the disk; then nothing is read */
	COMPLAINTS = 10,        /* lines about peers, per second */
	TICK_MS = 1000,
	DRAIN_MS = 3000,        /* at the end, for replies owed by the disk */
};

static void idle(void *arg);
static void tick(struct loop_timer *t);
static void run(struct loop_timer *t);

struct server *
server_new(struct broker *b)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->broker = b;
	s->loop = b->loop;
	list_init(&s->listeners);
	list_init(&s->conns);
	list_init(&s->dead);
	list_init(&s->dirty);
	list_init(&s->stalled);
	list_init(&s->runnable);
	list_init(&s->free_requests);
	s->run.fire = run;
	s->tick.fire = tick;
	server_limits(s);
	s->quotas = quota_buckets_new(s);
	s->worker = worker_new(s->loop);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	loop_set_idle(s->loop, idle, s);
	loop_timer_set(s->loop, &s->tick, loop_now(s->loop) + TICK_MS);
	return s;
}

void
server_address(const struct server *s, struct buf *out)
{
	char text[ADDRESS_TEXT];
	int next = 0;

	for (const struct list *i = s->listeners.next; i != &s->listeners; i = i->next) {
		const struct listener *l = container_of(i, struct listener, node);

		if (l->broker_node != next)
			continue;
		buf_addf(out, "%s%s", next ? "," : "", address_text(&l->address, text));
		next++;
	}
}

/* ---- limits --------------------------------------------------------------- */

bool
server_is_full(const struct server *s)
{
	return s->bytes > s->budget ||
		store_backlog(s->broker->store) > BACKLOG_MAX;
}

bool
server_may_complain(struct server *s)
{
	return s->complaints++ < COMPLAINTS;
}

void
server_run_later(struct server *s, struct conn *c)
{
	if (!list_is_empty(&c->waiting))
		return;
	list_append(&s->runnable, &c->waiting);
	loop_timer_set(s->loop, &s->run, loop_now(s->loop));
}

static void
run(struct loop_timer *t)
{
	struct server *s = container_of(t, struct server, run);
	struct list now;

	list_init(&now);
	list_splice(&now, &s->runnable);
	while (!list_is_empty(&now))
		conn_resume(container_of(now.next, struct conn, waiting));
}

/*
 * Memory or disk has caught up: everybody may read again. When what fills
 * the memory are unfinished requests, one of them must go on.
 */
static void
unstall(struct server *s)
{
	bool full = server_is_full(s);
	struct list *i, *next;

	if (full && (s->favourite || s->bytes <= s->budget))
		return;
	for (i = s->stalled.next; i != &s->stalled; i = next) {
		struct conn *c = container_of(i, struct conn, waiting);

		next = i->next;
		if (full && !c->in.len)
			continue;
		list_remove(&c->waiting);
		server_run_later(s, c);
		if (full)
			return;
	}
}

/* ---- once a turn, once a second ------------------------------------------- */

static void
free_dead(struct server *s)
{
	while (!list_is_empty(&s->dead))
		conn_free(container_of(s->dead.next, struct conn, node));
}

static bool
owes_replies(const struct server *s)
{
	if (s->working || !list_is_empty(&s->broker->commit_waiters))
		return true;
	for (const struct list *i = s->conns.next; i != &s->conns; i = i->next)
		if (container_of(i, struct conn, node)->reply_bytes)
			return true;
	return false;
}

static void
idle(void *arg)
{
	struct server *s = arg;

	/* First: the sync thread works while replies are sent. */
	store_flush(s->broker->store);
	while (!list_is_empty(&s->dirty))
		reply_flush(container_of(s->dirty.next, struct conn, dirty));
	if (!list_is_empty(&s->stalled))
		unstall(s);
	free_dead(s);
	if (s->draining && s->drained && !owes_replies(s)) {
		void (*drained)(void *) = s->drained;

		s->drained = NULL;
		drained(s->drained_arg);
	}
}

static void
tick(struct loop_timer *t)
{
	struct server *s = container_of(t, struct server, tick);
	struct list *i, *next;

	if (s->draining) {
		if (s->drained)
			s->drained(s->drained_arg);
		s->drained = NULL;
		return;
	}
	loop_timer_set(s->loop, t, loop_now(s->loop) + TICK_MS);
	if (s->complaints > COMPLAINTS)
		log_info("%d more complaints about clients were not logged",
			s->complaints - COMPLAINTS);
	s->complaints = 0;
	for (i = s->conns.next; i != &s->conns; i = next) {
		next = i->next;
		conn_tick(container_of(i, struct conn, node));
	}
	quota_tick(s);
	/* What the last second did not use goes back, a part at a time. */
	requests_trim(s, s->free_requests_n / 2);
	if (s->spare.data)
		buf_release(&s->spare);
	store_tick(s->broker->store);
	metrics_tick(s->broker);
}

/* ---- the end -------------------------------------------------------------- */

void
server_drain(struct server *s, void (*drained)(void *arg), void *arg)
{
	struct list *i;

	s->draining = true;
	s->drained = drained;
	s->drained_arg = arg;
	while (!list_is_empty(&s->listeners))
		listener_close(container_of(s->listeners.next, struct listener,
			node));
	for (i = s->conns.next; i != &s->conns; i = i->next)
		reply_flush(container_of(i, struct conn, node));
	loop_timer_set(s->loop, &s->tick, loop_now(s->loop) + DRAIN_MS);
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	while (!list_is_empty(&s->listeners))
		listener_close(container_of(s->listeners.next, struct listener,
			node));
	while (!list_is_empty(&s->conns))
		conn_close(container_of(s->conns.next, struct conn, node),
			"the broker stops");
	free_dead(s);
	/* Nobody is left to answer, and what they wait for does not come. */
	while (!list_is_empty(&s->broker->commit_waiters)) {
		struct request *rq = container_of(
			s->broker->commit_waiters.next, struct request, parked);

		list_remove(&rq->parked);
		request_free(s, rq);
	}
	s->ending = true;
	worker_free(s->worker);
	requests_trim(s, 0);
	loop_set_idle(s->loop, NULL, NULL);
	loop_timer_clear(s->loop, &s->tick);
	loop_timer_clear(s->loop, &s->run);
	buf_release(&s->spare);
	free(s->scratch);
	free(s->advertised_host);
	free(s->ip_limits);
	quota_buckets_free(s->quotas);
	close(s->spare_fd);
	free(s);
}
