#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/xalloc.h"

/* Events taken from the kernel at a time: a turn of the loop is at most this. */
enum { BATCH = 128 };

struct loop {
	int epoll;
	bool stopped;
	const struct clock *clock;
	int64_t now, wall;

	/* A binary heap, the earliest at [1]; timers know their place in it. */
	struct loop_timer **heap;
	int timers_n, timers_cap;

	void (*idle)(void *arg);
	void *idle_arg;

	/* What other threads ask for: pushed in front, taken all at once. */
	struct loop_io wake_io;
	struct loop_waker *wakers;

	/* The batch being worked off: loop_io_del() must find what is left of it. */
	struct epoll_event events[BATCH];
	int events_n, events_at;
};

static void run_wakers(struct loop_io *io, uint32_t events);

struct loop *
loop_new(const struct clock *clock, struct err *e)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->clock = clock;
	l->now = clock_mono_ms(clock);
	l->wall = clock_wall_ms(clock);
	l->wake_io.ready = run_wakers;
	l->wake_io.events = EPOLLIN;
	l->wake_io.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0 || l->wake_io.fd < 0) {
		err_errno(e, ERR_FAILED, "cannot create the event loop");
		loop_free(l);
		return NULL;
	}
	if (loop_io_add(l, &l->wake_io, e)) {
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->wake_io.fd >= 0)
		close(l->wake_io.fd);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->heap);
	free(l);
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

int64_t
loop_wall(const struct loop *l)
{
	return l->wall;
}

void
loop_set_idle(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->idle = fn;
	l->idle_arg = arg;
}

/* ---- descriptors ---------------------------------------------------------- */

int
loop_io_add(struct loop *l, struct loop_io *io, struct err *e)
{
	struct epoll_event ev = { .events = io->events, .data.ptr = io };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, io->fd, &ev))
		return err_errno(e, ERR_FAILED, "cannot watch descriptor %d",
			io->fd);
	return 0;
}

void
loop_io_set(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (io->events == events)
		return;
	io->events = events;
	/* Of a descriptor that was added this can only fail for want of memory. */
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, io->fd, &ev))
		xalloc_check(NULL);
}

void
loop_io_del(struct loop *l, struct loop_io *io)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	for (int i = l->events_at; i < l->events_n; i++)
		if (l->events[i].data.ptr == io)
			l->events[i].data.ptr = NULL;
}

/* ---- timers --------------------------------------------------------------- */

static void
place(struct loop *l, struct loop_timer *t, int slot)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void
sift_up(struct loop *l, struct loop_timer *t, int slot)
{
	for (; slot > 1 && l->heap[slot / 2]->at > t->at; slot /= 2)
		place(l, l->heap[slot / 2], slot);
	place(l, t, slot);
}

static void
sift_down(struct loop *l, struct loop_timer *t, int slot)
{
	int child;

	for (; (child = 2 * slot) <= l->timers_n; slot = child) {
		if (child < l->timers_n &&
		    l->heap[child + 1]->at < l->heap[child]->at)
			child++;
		if (l->heap[child]->at >= t->at)
			break;
		place(l, l->heap[child], slot);
	}
	place(l, t, slot);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ms)
{
	int64_t before = t->at;

	t->at = at_ms;
	if (t->slot) {
		if (at_ms < before)
			sift_up(l, t, t->slot);
		else
			sift_down(l, t, t->slot);
		return;
	}
	if (l->timers_n + 1 >= l->timers_cap) {
		l->timers_cap = l->timers_cap ? 2 * l->timers_cap : 16;
		l->heap = xreallocarray(l->heap, (size_t)l->timers_cap,
			sizeof(struct loop_timer *));
	}
	sift_up(l, t, ++l->timers_n);
}

void
loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last;
	int slot = t->slot;

	if (!slot)
		return;
	t->slot = 0;
	last = l->heap[l->timers_n--];
	if (last == t)
		return;
	if (slot > 1 && l->heap[slot / 2]->at > last->at)
		sift_up(l, last, slot);
	else
		sift_down(l, last, slot);
}

/* Fires what is due now; what these arm anew waits for the next turn. */
static void
run_timers(struct loop *l)
{
	int64_t until = l->now;

	for (int left = l->timers_n; left > 0 && l->timers_n; left--) {
		struct loop_timer *t = l->heap[1];

		if (t->at > until)
			return;
		loop_timer_clear(l, t);
		t->fire(t);
	}
}

/* ---- messages from threads ------------------------------------------------ */

void
loop_wake(struct loop_waker *w)
{
	struct loop *l = w->loop;
	uint64_t one = 1;

	if (__atomic_exchange_n(&w->pending, 1, __ATOMIC_ACQ_REL))
		return;
	w->next = __atomic_load_n(&l->wakers, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&l->wakers, &w->next, w, true,
		__ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	/* EAGAIN: the counter is full, the loop is going to wake anyway. */
	if (write(l->wake_io.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

static void
run_wakers(struct loop_io *io, uint32_t events)
{
	struct loop *l = container_of(io, struct loop, wake_io);
	struct loop_waker *w, *next;
	uint64_t count;

	(void)events;
	if (read(io->fd, &count, sizeof(count)) < 0)
		return;
	w = __atomic_exchange_n(&l->wakers, NULL, __ATOMIC_ACQUIRE);
	for (; w; w = next) {
		next = w->next;
		/* Cleared first: a wake during run() must not be lost. */
		__atomic_store_n(&w->pending, 0, __ATOMIC_RELEASE);
		w->run(w);
	}
}

/* ---- the loop ------------------------------------------------------------- */

static int
sleep_ms(const struct loop *l)
{
	int64_t ms;

	if (l->stopped)
		return 0;
	if (!l->timers_n)
		return -1;
	ms = l->heap[1]->at - clock_mono_ms(l->clock);
	return ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

static void
run_events(struct loop *l)
{
	while (l->events_at < l->events_n) {
		struct epoll_event *ev = &l->events[l->events_at++];
		struct loop_io *io = ev->data.ptr;

		if (io)
			io->ready(io, ev->events);
	}
}

int
loop_run(struct loop *l, struct err *e)
{
	l->stopped = false;
	for (;;) {
		int n;

		if (l->idle)
			l->idle(l->idle_arg);
		if (l->stopped)
			return 0;
		n = epoll_wait(l->epoll, l->events, BATCH, sleep_ms(l));
		if (n < 0 && errno != EINTR)
			return err_errno(e, ERR_FAILED, "event loop");
		l->now = clock_mono_ms(l->clock);
		l->wall = clock_wall_ms(l->clock);
		run_timers(l);
		l->events_n = n > 0 ? n : 0;
		l->events_at = 0;
		run_events(l);
		l->events_n = l->events_at = 0;
	}
}
