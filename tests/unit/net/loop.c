/* loop: timers in order, descriptors that are dropped in time, wakes from threads. */
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/list.h"
#include "net/loop.h"

enum { TIMERS = 200 };

static struct loop *loop;
static struct clock fake;

static void
setup(void)
{
	struct err e = ERR_INIT;

	fake = clock_fake(1000);
	loop = loop_new(&fake, &e);
}

static struct loop_timer timers[TIMERS];
static int64_t last_at;
static int fired, out_of_order;

static void
on_timer(struct loop_timer *t)
{
	out_of_order += t->at < last_at;
	last_at = t->at;
	if (++fired == TIMERS / 2)
		loop_stop(loop);
}

/* Set, moved both ways and half of them cleared again: the rest fire in order. */
static void
timers_fire_in_order(void)
{
	struct err e = ERR_INIT;

	setup();
	last_at = fired = out_of_order = 0;
	srand(4);
	for (int i = 0; i < TIMERS; i++) {
		timers[i] = (struct loop_timer){ .fire = on_timer };
		loop_timer_set(loop, &timers[i], 1000 + rand() % 500);
	}
	for (int i = 0; i < TIMERS; i++)
		loop_timer_set(loop, &timers[rand() % TIMERS], 1000 + rand() % 500);
	for (int i = 0; i < TIMERS; i += 2)
		loop_timer_clear(loop, &timers[i]);
	loop_timer_clear(loop, &timers[0]);
	fake.fake_ms = 2000;
	CHECK_INT(loop_run(loop, &e), 0);
	CHECK_INT(fired, TIMERS / 2);
	CHECK_INT(out_of_order, 0);
	for (int i = 0; i < TIMERS; i++)
		CHECK_INT(timers[i].slot, 0);
	loop_free(loop);
}

static int rounds;

static void
again(struct loop_timer *t)
{
	if (++rounds == 3)
		loop_stop(loop);
	else
		loop_timer_set(loop, t, 0);
}

static int turns;

static void
count_turn(void *arg)
{
	(void)arg;
	turns++;
}

static void
a_timer_armed_while_firing_waits_for_the_next_turn(void)
{
	struct loop_timer t = { .fire = again };
	struct err e = ERR_INIT;

	setup();
	rounds = turns = 0;
	loop_set_idle(loop, count_turn, NULL);
	loop_timer_set(loop, &t, 0);
	loop_run(loop, &e);
	CHECK_INT(rounds, 3);
	CHECK(turns >= 3);
	loop_free(loop);
}

static struct loop_io pair[2];
static int served;

/* Whichever comes first removes the other, which is ready too. */
static void
on_ready(struct loop_io *io, uint32_t events)
{
	(void)events;
	served++;
	loop_io_del(loop, io == &pair[0] ? &pair[1] : &pair[0]);
	loop_stop(loop);
}

static void
a_removed_descriptor_hears_nothing_more(void)
{
	struct err e = ERR_INIT;
	int fds[2][2];

	setup();
	served = 0;
	for (int i = 0; i < 2; i++) {
		CHECK_INT(pipe(fds[i]), 0);
		pair[i] = (struct loop_io){ fds[i][0], EPOLLIN, on_ready };
		CHECK_INT(loop_io_add(loop, &pair[i], &e), 0);
		CHECK_INT(write(fds[i][1], "x", 1), 1);
	}
	loop_run(loop, &e);
	CHECK_INT(served, 1);
	loop_free(loop);
	for (int i = 0; i < 2; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
}

enum { WAKES = 20000 };
static int woken, sent;

static void
on_wake(struct loop_waker *w)
{
	(void)w;
	woken++;
	if (__atomic_load_n(&sent, __ATOMIC_ACQUIRE) == 2 * WAKES)
		loop_stop(loop);
}

static void *
waker_thread(void *arg)
{
	for (int i = 0; i < WAKES; i++) {
		__atomic_add_fetch(&sent, 1, __ATOMIC_RELEASE);
		loop_wake(arg);
	}
	return NULL;
}

/* The wake after the last change is never lost: else this would hang. */
static void
wakes_from_threads_arrive(void)
{
	struct loop_waker w[2];
	pthread_t threads[2];
	struct err e = ERR_INIT;

	setup();
	woken = sent = 0;
	for (int i = 0; i < 2; i++)
		w[i] = (struct loop_waker){ .loop = loop, .run = on_wake };
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, waker_thread, &w[i]);
	loop_run(loop, &e);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK(woken > 0 && woken <= 2 * WAKES);
	loop_free(loop);
}

int
main(void)
{
	RUN(timers_fire_in_order);
	RUN(a_timer_armed_while_firing_waits_for_the_next_turn);
	RUN(a_removed_descriptor_hears_nothing_more);
	RUN(wakes_from_threads_arrive);
	return tap_done();
}
