#include "kafka/lag_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/screen.h"
#include "cli/sig.h"
#include "kafka/lag_screen.h"

struct watch {
	const struct lag_watch_options *o;
	struct screen *screen;
	struct lag_screen view;
	struct lag_snapshot now; /* what is shown */
	bool has_now;
	struct err trouble;      /* why the newest measuring failed; NONE = not */
	int64_t next_ms;         /* monotonic: when to measure again */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked_cond;
	int done_fd;             /* readable when a measuring is done */
	/* under the lock */
	bool asked, end;
	struct lag_snapshot fresh;
	struct err fresh_err;    /* of the measuring; NONE = fresh is one */
};

/* ---- the measuring thread ---------------------------------------------------- */

static void *
measure_when_asked(void *arg)
{
	struct watch *w = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct lag_snapshot s = { 0 };
		struct err e = ERR_INIT;

		while (!w->asked && !w->end)
			pthread_cond_wait(&w->asked_cond, &w->lock);
		if (w->end)
			break;
		pthread_mutex_unlock(&w->lock);
		if (w->o->measure(w->o->arg, &s, &e) && !e.code)
			err_set(&e, ERR_TEMPORARY, "interrupted");
		pthread_mutex_lock(&w->lock);
		w->fresh = s;
		w->fresh_err = e;
		w->asked = false;
		if (write(w->done_fd, &one, sizeof(one)) < 0)
			break;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
ask(struct watch *w)
{
	pthread_mutex_lock(&w->lock);
	w->asked = true;
	pthread_cond_signal(&w->asked_cond);
	pthread_mutex_unlock(&w->lock);
	w->next_ms = clock_mono_ms(clock_system()) + w->o->every_ms;
}

/* What the thread has measured becomes what is shown. */
static void
take_fresh(struct watch *w)
{
	uint64_t n;

	if (read(w->done_fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&w->lock);
	w->trouble = w->fresh_err;
	if (!w->trouble.code) {
		lag_snapshot_release(&w->now);
		w->now = w->fresh;
		w->has_now = true;
		lag_screen_note(&w->view, &w->now);
	} else {
		lag_snapshot_release(&w->fresh);
	}
	w->fresh = (struct lag_snapshot){ 0 };
	pthread_mutex_unlock(&w->lock);
}

/* ---- the screen -------------------------------------------------------------- */

static int
draw(struct watch *w, struct err *e)
{
	struct buf text = BUF_INIT;
	int result;

	w->view.width = screen_width(w->screen);
	w->view.height = screen_height(w->screen);
	lag_screen_draw(&w->view, w->has_now ? &w->now : NULL,
		clock_wall_ms(clock_system()),
		w->trouble.code ? w->trouble.msg : NULL, &text);
	result = screen_draw(w->screen, buf_slice(&text), e);
	buf_release(&text);
	return result;
}

static int
wait_ms(const struct watch *w)
{
	int64_t left = w->next_ms - clock_mono_ms(clock_system());

	if (w->view.paused)
		return -1;
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static int
run(struct watch *w, struct err *e)
{
	if (draw(w, e))
		return -1;
	for (;;) {
		int key = screen_key(w->screen, wait_ms(w), w->done_fd);
		enum lag_screen_wish wish = LAG_SCREEN_DRAW;

		if (key == SCREEN_ENDED)
			return 0;
		if (key == SCREEN_WOKEN)
			take_fresh(w);
		else if (key != SCREEN_NONE && key != SCREEN_RESIZED)
			wish = lag_screen_key(&w->view,
				w->has_now ? &w->now : NULL, key);
		if (wish == LAG_SCREEN_QUIT)
			return 0;
		if (wish == LAG_SCREEN_MEASURE || (!w->view.paused &&
		    w->next_ms <= clock_mono_ms(clock_system())))
			ask(w);
		if (wish != LAG_SCREEN_NOTHING && draw(w, e))
			return -1;
	}
}

int
lag_watch(const struct lag_watch_options *o, struct err *e)
{
	struct watch w = { .o = o, .view = { .every_ms = o->every_ms,
		.color = o->color } };
	int result, level = diag_level();

	if (screen_open(&w.screen, e)) {
		screen_close(w.screen);
		return -1;
	}
	w.view.utf8 = screen_is_utf8(w.screen);
	w.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.asked_cond, NULL);
	result = pthread_create(&w.thread, NULL, measure_when_asked, &w);
	if (result) {
		screen_close(w.screen);
		result = err_set(e, ERR_FAILED, "cannot start a thread: %s",
			strerror(result));
		goto out;
	}
	ask(&w);
	/* what is told beside the screen would stay in it */
	diag_set_level(true, 0);
	result = run(&w, e);
	screen_close(w.screen);
	diag_set_level(level < 0, level);
	pthread_mutex_lock(&w.lock);
	w.end = true;
	pthread_cond_signal(&w.asked_cond);
	pthread_mutex_unlock(&w.lock);
	pthread_join(w.thread, NULL);
out:
	lag_snapshot_release(&w.fresh);
	lag_snapshot_release(&w.now);
	lag_screen_release(&w.view);
	pthread_cond_destroy(&w.asked_cond);
	pthread_mutex_destroy(&w.lock);
	close(w.done_fd);
	return result;
}
