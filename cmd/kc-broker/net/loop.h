/*
 * loop.h - the event loop: descriptors, timers, and messages from threads.
 * Everything runs on the thread that calls loop_run(), but for loop_wake().
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

/* A descriptor that is watched; embed it in what owns the descriptor. */
struct loop_io {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; as last set */
	void (*ready)(struct loop_io *io, uint32_t events);
};

/* A moment in the future; embed it. { .fire = fn } is a timer that is off. */
struct loop_timer {
	int64_t at; /* monotonic ms */
	int slot;   /* in the heap, 0 = off */
	void (*fire)(struct loop_timer *t);
};

/* A way for another thread to have a function run on the loop. */
struct loop_waker {
	struct loop *loop;
	void (*run)(struct loop_waker *w);
	struct loop_waker *next; /* private */
	int pending;             /* private, atomic */
};

struct loop *loop_new(const struct clock *clock, struct err *e);
void loop_free(struct loop *l);

/* Runs until loop_stop(). Returns 0, or -1 when epoll itself fails. */
int loop_run(struct loop *l, struct err *e);
void loop_stop(struct loop *l);

/* Monotonic and wall ms, read once per turn of the loop. */
int64_t loop_now(const struct loop *l);
int64_t loop_wall(const struct loop *l);

/* Watches io->fd for io->events; changing events needs loop_io_set(). */
int loop_io_add(struct loop *l, struct loop_io *io, struct err *e);
void loop_io_set(struct loop *l, struct loop_io *io, uint32_t events);
/* Safe inside any callback; no callback of this io runs afterwards. */
void loop_io_del(struct loop *l, struct loop_io *io);

/* (Re)arms; a timer in the past fires in the next turn. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Before the loop sleeps: run once per turn, for work that is best batched. */
void loop_set_idle(struct loop *l, void (*fn)(void *arg), void *arg);

/* From any thread, cheap when already pending. */
void loop_wake(struct loop_waker *w);

#endif
