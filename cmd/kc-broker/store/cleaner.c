#include "store/cleaner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/cleaner_choose.h"
#include "store/compact.h"
#include "store/state.h"
#include "store/swap.h"

enum {
	NICE = 10,              /* of the thread: whoever serves clients goes first */
	RETRY_MS = 60 * 1000,   /* after a fault */
};

enum step {
	STEP_MAP,     /* learn the keys of the dirty part */
	STEP_GROUP,   /* write the next group */
	STEP_SYNC,    /* sync the directory */
	STEP_OFFSETS, /* write the file of clean offsets */
};

struct cleaner {
	struct store *store;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	bool busy, done, stop;  /* under the lock */
	atomic_bool cancel;     /* the step is not wanted any more */
	/* the step: the thread's while busy, the loop's else */
	enum step step;
	struct compact work;
	struct compact_result made;
	int dir_fd;
	struct buf offsets;
	int result;
	struct err error;
	/* the loop's */
	struct partlog *log;    /* being cleaned; NULL = none, or it is gone */
	bool at_work;           /* a round is under way, its log may be gone */
	bool offsets_due;       /* the file is not as it should be */
	struct swap swap;
	int64_t began;          /* mono ms, of the round */
	int64_t next_look;      /* mono ms */
	uint64_t rounds;
};

/* ---- the thread --------------------------------------------------------- */

/* Sleeps as long as the bytes are worth, so that others get the disk. */
static int
pace(void *arg, size_t bytes)
{
	struct cleaner *k = arg;
	double rate = k->store->o.cleaner_bytes_per_second;
	struct timespec until;
	bool stop;

	if (atomic_load(&k->cancel))
		return 1;
	pthread_mutex_lock(&k->lock);
	if (rate > 0) {
		double wait = (double)bytes / rate;

		clock_gettime(CLOCK_MONOTONIC, &until);
		if (wait > 3600)
			wait = 3600;
		wait += (double)until.tv_nsec / 1e9;
		until.tv_sec += (time_t)wait;
		until.tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9);
		while (!k->stop && !atomic_load(&k->cancel) &&
		    !pthread_cond_timedwait(&k->posted, &k->lock, &until))
			;
	}
	stop = k->stop;
	pthread_mutex_unlock(&k->lock);
	return stop || atomic_load(&k->cancel);
}

static int
write_offsets(struct cleaner *k)
{
	struct store *s = k->store;
	const struct fs *fs = s->fs;
	char from[4096], to[4096];
	int fd, r;

	snprintf(to, sizeof(to), "%s/" CLEAN_OFFSETS, s->dir);
	snprintf(from, sizeof(from), "%s/" CLEAN_OFFSETS ".tmp", s->dir);
	fd = fs->open(fs, from, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return err_errno(&k->error, ERR_IO, "cannot make '%s'", from);
	r = fs_write_all(fs, fd, k->offsets.data, k->offsets.len, 0);
	if (!r && !s->o.ephemeral)
		r = fs->fdatasync(fs, fd);
	fs->close(fs, fd);
	if (r < 0 || fs->rename(fs, from, to) < 0)
		return err_errno(&k->error, ERR_IO, "cannot write '%s'", to);
	return 0;
}

static void
run_step(struct cleaner *k)
{
	struct store *s = k->store;

	switch (k->step) {
	case STEP_MAP:
		k->result = compact_map(&k->work, &k->error);
		break;
	case STEP_GROUP:
		k->result = compact_next(&k->work, &k->made, &k->error);
		break;
	case STEP_SYNC:
		k->result = s->o.ephemeral ? 0 : s->fs->fsync(s->fs, k->dir_fd);
		if (k->result < 0)
			err_errno(&k->error, ERR_IO, "cannot sync '%s'", k->work.dir);
		break;
	case STEP_OFFSETS:
		k->result = write_offsets(k);
		break;
	}
}

static void *
run(void *arg)
{
	struct cleaner *k = arg;
	struct store *s = k->store;

	/* On Linux this is of the calling thread alone. */
	setpriority(PRIO_PROCESS, 0, NICE);
	pthread_mutex_lock(&k->lock);
	for (;;) {
		while ((!k->busy || k->done) && !k->stop)
			pthread_cond_wait(&k->posted, &k->lock);
		if (k->stop)
			break;
		pthread_mutex_unlock(&k->lock);
		run_step(k);
		pthread_mutex_lock(&k->lock);
		k->done = true;
		if (s->o.wake)
			s->o.wake(s->o.wake_arg);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

struct cleaner *
cleaner_new(struct store *s)
{
	struct cleaner *k = xcalloc(1, sizeof(*k));
	pthread_condattr_t attr;

	k->store = s;
	k->dir_fd = -1;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->posted, &attr);
	pthread_condattr_destroy(&attr);
	return k;
}

int
cleaner_start(struct cleaner *k, struct err *e)
{
	int r;

	choose_load(k->store);
	r = pthread_create(&k->thread, NULL, run, k);
	if (r) {
		errno = r;
		return err_errno(e, ERR_FAILED, "cannot start a thread");
	}
	k->running = true;
	return 0;
}

/* ---- a round, seen from the loop ---------------------------------------- */

static void
post(struct cleaner *k, enum step step)
{
	pthread_mutex_lock(&k->lock);
	k->step = step;
	k->error = (struct err)ERR_INIT;
	k->busy = true;
	pthread_cond_signal(&k->posted);
	pthread_mutex_unlock(&k->lock);
}

/* Has the thread ended its step? Then it is the loop's turn. */
static bool
take(struct cleaner *k)
{
	bool ended;

	pthread_mutex_lock(&k->lock);
	ended = k->done;
	if (ended)
		k->busy = k->done = false;
	pthread_mutex_unlock(&k->lock);
	return ended;
}

static void
close_dir(struct cleaner *k)
{
	if (k->dir_fd >= 0)
		k->store->fs->close(k->store->fs, k->dir_fd);
	k->dir_fd = -1;
}

/* A group that is not wanted: its file would be in nobody's way, but is large. */
static void
drop_made(struct cleaner *k)
{
	const struct fs *fs = k->store->fs;
	struct buf path = BUF_INIT;

	/* The log may be gone, and the next of its name have its directory. */
	buf_addf(&path, "%s/%020" PRId64 ".log.cleaned", k->work.dir,
		k->work.sources[k->made.first].base);
	if (!k->made.same)
		fs->unlink(fs, buf_cstr(&path));
	buf_release(&path);
	compact_result_release(&k->made, fs);
}

static void
end_round(struct cleaner *k)
{
	if (k->log)
		k->log->cleaning = false;
	k->log = NULL;
	k->at_work = false;
	close_dir(k);
	compact_release(&k->work);
	k->rounds++;
}

/* What went wrong; others are cleaned before this one is tried again, if it is. */
static void
fail_round(struct cleaner *k, bool for_good)
{
	struct partlog *l = k->log;

	if (l && k->error.code != ERR_TEMPORARY) {
		store_report(k->store, true, "compaction of '%s-%" PRId32 "' stopped: "
			"%s: %s", l->topic, l->partition, k->error.msg, for_good ?
			"it is not cleaned again until a restart" : "tried again later");
		l->uncleanable = for_good;
		k->store->stats.cleanings_failed += for_good;
		l->clean_after = clock_mono_ms(k->store->o.clock) + RETRY_MS;
	}
	end_round(k);
}

/*
 * In the middle of an exchange: both are whole on disk, and which one counts
 * is left to the next start, which must not take this end for a clean one.
 */
static void
fail_swap(struct cleaner *k)
{
	swap_forget(&k->swap);
	k->store->half_swapped = true;
	fail_round(k, true);
}

static void
report_round(struct cleaner *k)
{
	const struct compact *c = &k->work;
	struct store_stats *t = &k->store->stats;

	t->cleanings++;
	t->cleaned_bytes += (uint64_t)c->read;
	t->kept_bytes += (uint64_t)c->written;
	store_report(k->store, false, "compacted '%s-%" PRId32 "' up to offset %"
		PRId64 ": %" PRId64 " bytes of %" PRId64 " stay, %" PRId64 " ms",
		k->log->topic, k->log->partition, c->end, c->written, c->read,
		clock_mono_ms(k->store->o.clock) - k->began);
}

static void
post_offsets(struct cleaner *k)
{
	k->offsets_due = false;
	choose_save(k->store, &k->offsets);
	post(k, STEP_OFFSETS);
}

static void
after_map(struct cleaner *k)
{
	struct compact *c = &k->work;

	if (c->end <= c->dirty) {
		err_set(&k->error, ERR_UNSUPPORTED, "the keys of one batch do not fit "
			"into log.cleaner.dedupe.buffer.size (raise it)");
		fail_round(k, true);
		return;
	}
	post(k, STEP_GROUP);
}

static void
after_group(struct cleaner *k)
{
	struct partlog *l = k->log;
	const struct fs *fs = k->store->fs;

	if (!k->result) {
		l->cleaned = k->work.end;
		report_round(k);
		end_round(k);
		/* There may be more: no waiting. */
		k->next_look = 0;
		post_offsets(k);
		return;
	}
	if (k->made.same) {
		compact_result_release(&k->made, fs);
		post(k, STEP_GROUP);
		return;
	}
	if (k->dir_fd < 0)
		k->dir_fd = fs->open(fs, partlog_path(l, NULL), O_RDONLY | O_DIRECTORY);
	if (k->dir_fd < 0)
		err_errno(&k->error, ERR_IO, "cannot open '%s'", k->work.dir);
	if (k->dir_fd < 0 || swap_begin(&k->swap, l, k->work.sources, &k->made,
			&k->error) < 0) {
		drop_made(k);
		fail_round(k, false);
		return;
	}
	post(k, STEP_SYNC);
}

static void
after_sync(struct cleaner *k)
{
	int r = swap_go_on(&k->swap, &k->error);

	if (r < 0)
		fail_swap(k);
	else
		post(k, r ? STEP_SYNC : STEP_GROUP);
}

/* The log went while the thread was at it. */
static void
drop(struct cleaner *k)
{
	if (k->step == STEP_GROUP && k->result > 0)
		drop_made(k);
	end_round(k);
}

void
cleaner_poll(struct cleaner *k)
{
	if (!k->running || !take(k))
		return;
	if (k->step == STEP_OFFSETS) {
		if (k->result < 0)
			store_report(k->store, true, "%s", k->error.msg);
	} else if (!k->log) {
		drop(k);
	} else if (k->result < 0 && k->step == STEP_SYNC) {
		fail_swap(k);
	} else if (k->result < 0) {
		fail_round(k, k->error.code == ERR_CORRUPT ||
			k->error.code == ERR_UNSUPPORTED);
	} else if (k->step == STEP_MAP) {
		after_map(k);
	} else if (k->step == STEP_GROUP) {
		after_group(k);
	} else {
		after_sync(k);
	}
}

void
cleaner_tick(struct cleaner *k, int64_t now_mono)
{
	struct store *s = k->store;

	if (!k->running || k->busy || k->at_work || s->failed || now_mono < k->next_look)
		return;
	if (k->offsets_due) {
		post_offsets(k);
		return;
	}
	k->next_look = now_mono + s->o.cleaner_backoff_ms;
	k->log = choose_log(s, &k->work);
	if (!k->log)
		return;
	k->work.pace = pace;
	k->work.pace_arg = k;
	k->log->cleaning = k->at_work = true;
	k->began = now_mono;
	atomic_store(&k->cancel, false);
	post(k, STEP_MAP);
}

void
cleaner_forget(struct cleaner *k, struct partlog *l)
{
	if (l->cleaned >= 0)
		k->offsets_due = true;
	if (k->log != l)
		return;
	pthread_mutex_lock(&k->lock);
	atomic_store(&k->cancel, true);
	pthread_cond_signal(&k->posted); /* it may sleep: pace() */
	pthread_mutex_unlock(&k->lock);
	swap_forget(&k->swap);
	k->log = NULL;
}

uint64_t
cleaner_rounds(const struct cleaner *k)
{
	return k->rounds;
}

bool
cleaner_is_busy(const struct cleaner *k)
{
	return k->busy || k->at_work;
}

/* ---- the end ------------------------------------------------------------ */

/* What the thread would have synced between two stages. */
static void
finish_swap(struct cleaner *k)
{
	const struct fs *fs = k->store->fs;

	if (k->swap.log && k->done && k->result < 0) {
		fail_swap(k);
		return;
	}
	while (k->swap.log) {
		if (!k->store->o.ephemeral && fs->fsync(fs, k->dir_fd) < 0)
			err_errno(&k->error, ERR_IO, "cannot sync '%s'", k->work.dir);
		else if (swap_go_on(&k->swap, &k->error) >= 0)
			continue;
		fail_swap(k);
		return;
	}
}

void
cleaner_stop(struct cleaner *k)
{
	if (!k->running)
		return;
	atomic_store(&k->cancel, true);
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->posted);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	k->running = false;
	if (k->at_work)
		finish_swap(k);
	if (k->at_work && k->done && k->step == STEP_GROUP && k->result > 0)
		drop_made(k);
	if (k->at_work)
		end_round(k);
}

void
cleaner_free(struct cleaner *k)
{
	if (!k)
		return;
	buf_release(&k->offsets);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->posted);
	free(k);
}
