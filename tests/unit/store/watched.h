/*
 * watched.h - a store on a disk that is watched, and what is left of it after
 * a power cut or a kill.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include "fixture.h"
#include "simfs.h"
#include "store/state.h"

static const struct log_config small = {
	.segment_bytes = 20000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 300,
	.max_message_bytes = 20000, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .delete_old = true,
};

/* A store on a disk that is watched. */
struct watched {
	struct fixture f;
	struct simfs sim;
};

static inline void
init(struct watched *w)
{
	fixture_init(&w->f);
	simfs_init(&w->sim, w->f.dir, true);
	w->f.o.fs = &w->sim.fs;
	w->f.o.wal_bytes = 64 << 10;
}

static inline void
release(struct watched *w)
{
	fixture_release(&w->f);
	simfs_release(&w->sim);
}

static inline size_t
operations(struct watched *w)
{
	size_t n;

	pthread_mutex_lock(&w->sim.lock);
	n = w->sim.ops_n;
	pthread_mutex_unlock(&w->sim.lock);
	return n;
}

/* The disk as a power cut left it after `op`, watched in turn. */
static inline void
cut_into(struct watched *next, struct watched *w, size_t op, enum sim_fate fate)
{
	fixture_init(&next->f);
	pthread_mutex_lock(&w->sim.lock);
	sim_cut(&w->sim, op, fate, 1, next->f.dir);
	pthread_mutex_unlock(&w->sim.lock);
	simfs_init(&next->sim, next->f.dir, true);
	sim_load(&next->sim, next->f.dir);
	next->f.o.fs = &next->sim.fs;
	next->f.o.wal_bytes = 64 << 10;
}

/* The process was killed after `op`; the machine stays up. */
static inline void
kill_into(struct watched *next, struct watched *w, size_t op)
{
	fixture_init(&next->f);
	pthread_mutex_lock(&w->sim.lock);
	simfs_fork(&next->sim, &w->sim, op, 0, next->f.dir);
	pthread_mutex_unlock(&w->sim.lock);
	next->f.o.fs = &next->sim.fs;
	next->f.o.wal_bytes = 64 << 10;
}

static inline struct append_result
acked(struct watched *w, struct partlog *l, int32_t count, size_t size)
{
	struct append_result r = append(l, count, size);

	CHECK_INT(r.error, 0);
	CHECK(fixture_wait(&w->f, r.commit));
	return r;
}

/* Until the checkpoint that is due, and what it lets go, is over. */
static inline void
checkpoint(struct watched *w)
{
	uint64_t before = w->f.s->checkpoints_done;

	w->f.clock.fake_ms += 10000;
	w->f.s->checkpoint_due = true;
	for (int i = 0; i < 1000 && (w->f.s->checkpoints_done == before ||
	    w->f.s->checkpointing); i++) {
		store_tick(w->f.s);
		store_poll(w->f.s);
		fixture_sleep(&w->f);
	}
	CHECK(w->f.s->checkpoints_done > before);
}

static inline void
set_sync_error(struct watched *w, int error)
{
	pthread_mutex_lock(&w->sim.lock);
	w->sim.sync_error = error;
	pthread_mutex_unlock(&w->sim.lock);
}

/* The store starts there and has records up to `end`. */
static inline void
has_all(struct watched *w, const struct log_config *c, int64_t end)
{
	struct partlog *l = fixture_start(&w->f, c);

	if (!CHECK(l)) {
		printf("# %s\n", w->f.e.msg);
		return;
	}
	CHECK_INT(partlog_high_watermark(l), end);
	CHECK_INT(verify_log(l, end), end - partlog_start(l));
}

/* fixture_start() without the checkpoint that a start wants: it would sync files, too. */
static inline struct partlog *
start_alone(struct fixture *f)
{
	struct partlog *l;

	if (!CHECK_INT(fixture_open(f), 0))
		return NULL;
	f->s->checkpoint_retry = INT64_MAX;
	if (!CHECK(l = fixture_attach(f, "t", 1, 0, NULL)) ||
	    !CHECK_INT(store_start(f->s, &f->e), 0))
		return NULL;
	return l;
}

#endif
