/*
 * worker.h - a thread for what takes long and needs nothing but its input:
 * unpacking what clients have packed. Work is done in the order it is given.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

struct loop;
struct worker;

/* Embed it in what the work is about. */
struct work {
	void (*run)(struct work *w);  /* on the thread */
	void (*done)(struct work *w); /* then, on the loop */
	struct work *next;            /* private */
};

/* The thread is started with the first work. */
struct worker *worker_new(struct loop *l);
void worker_give(struct worker *w, struct work *k);
/* Waits for the work that runs. done() is called for all that was given, run or not. */
void worker_free(struct worker *w);

#endif
