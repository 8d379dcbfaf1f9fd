#include "net/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"

struct queue {
	struct work *first, **last;
};

struct worker {
	struct loop_waker waker;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t more;
	struct queue given, finished;
	bool ending;
};

static void
put(struct queue *q, struct work *k)
{
	k->next = NULL;
	*q->last = k;
	q->last = &k->next;
}

static struct work *
take(struct queue *q)
{
	struct work *k = q->first;

	if (k) {
		q->first = k->next;
		if (!q->first)
			q->last = &q->first;
	}
	return k;
}

static void
deliver(struct loop_waker *waker)
{
	struct worker *w = container_of(waker, struct worker, waker);
	struct work *k;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		k = take(&w->finished);
		pthread_mutex_unlock(&w->lock);
		if (!k)
			return;
		k->done(k);
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct work *k;

	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		k = take(&w->given);
		if (!k) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		k->run(k);
		pthread_mutex_lock(&w->lock);
		put(&w->finished, k);
		loop_wake(&w->waker);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct worker *
worker_new(struct loop *l)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->waker = (struct loop_waker){ .loop = l, .run = deliver };
	w->given.last = &w->given.first;
	w->finished.last = &w->finished.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	return w;
}

void
worker_give(struct worker *w, struct work *k)
{
	pthread_mutex_lock(&w->lock);
	if (!w->started)
		w->started = !pthread_create(&w->thread, NULL, work, w);
	put(&w->given, k);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		return;
	/* No thread is to be had: then it takes the loop's time. */
	take(&w->given);
	k->run(k);
	put(&w->finished, k);
	loop_wake(&w->waker);
}

void
worker_free(struct worker *w)
{
	struct work *k;

	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	while ((k = take(&w->finished)) || (k = take(&w->given)))
		k->done(k);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
