#include "store/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"

enum {
	SYNCFS_FROM = 32,     /* dirty segments: beyond this one syncfs() is cheaper */
	STORE_INDEX_FROM = 512, /* new entries worth writing: 2 MiB of data */
};

enum task_kind { TASK_CHECKPOINT, TASK_CLOSE, TASK_UNLINK, TASK_REMOVE_DIR,
	TASK_RESERVE };

struct task {
	struct list node;
	enum task_kind kind;
	struct checkpoint_job *job;
	int fd;
	char path[]; /* of the file or directory */
};

struct keeper {
	struct store *store;
	pthread_t thread;
	bool running;
	int dir_fd;              /* of its own: syncfs() tells each descriptor of a failure */
	pthread_mutex_t lock;
	pthread_cond_t posted, unlinked;
	struct list tasks, done; /* under the lock, as the flags */
	bool stop, unlinking;
	int reserve_error;       /* to be told */
	struct list entries;     /* struct checkpoint_entry; only whoever runs tasks */
};

/* ---- tasks -------------------------------------------------------------- */

struct removal {
	const struct fs *fs;
	const char *dir;
};

static int
remove_file(void *arg, const char *name)
{
	struct removal *r = arg;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", r->dir, name) < (int)sizeof(path))
		r->fs->unlink(r->fs, path);
	return 0;
}

/* What cannot be removed now is found as a leftover by the next start. */
static void
remove_dir(const struct fs *fs, const char *path)
{
	struct removal r = { fs, path };

	fs->list(fs, path, remove_file, &r);
	fs->rmdir(fs, path);
}

static int
sync_one(struct store *s, int (*sync)(const struct fs *fs, int fd), int fd)
{
	store_sync_begin(s);
	return store_sync_end(s, sync(s->fs, fd));
}

static int
sync_dirty(struct keeper *k, const struct checkpoint_job *job)
{
	struct store *s = k->store;
	const struct fs *fs = s->fs;

	if (job->sync_all)
		return fs->syncfs(fs, k->dir_fd < 0 ? s->dir_fd : k->dir_fd);
	for (int i = 0; i < job->dirty_n; i++)
		if (sync_one(s, fs->fdatasync, job->dirty[i]->file.fd) < 0)
			return -1;
	for (int i = 0; i < job->dirs_n; i++)
		if (sync_one(s, fs->fsync, job->dirs[i]) < 0)
			return -1;
	return job->dirs_n ? sync_one(s, fs->fsync, s->dir_fd) : 0;
}

static void
run_checkpoint(struct keeper *k, struct checkpoint_job *job)
{
	struct store *s = k->store;

	if (sync_dirty(k, job) < 0) {
		job->lost = errno ? errno : EIO;
		store_sync_failed(s);
		errno = job->lost;
		err_errno(&job->error, ERR_IO, "cannot sync '%s'", s->dir);
		return;
	}
	/* The committer was told instead of us: the file may be one of ours. */
	if (atomic_load(&s->sync_failed)) {
		err_set(&job->error, ERR_IO, "a sync has failed in '%s'", s->dir);
		return;
	}
	for (size_t i = 0; i < job->updates_n; i++) {
		struct entry_update *u = &job->updates[i];

		list_remove(&u->entry->node);
		buf_release(&u->entry->bytes);
		u->entry->bytes = u->bytes;
		if (u->bytes.data)
			list_append(&k->entries, &u->entry->node);
		else
			free(u->entry);
		u->bytes = (struct buf)BUF_INIT;
	}
	job->updates_n = 0;
	checkpoint_write(s->fs, s->dir, &job->head, &k->entries, true, &job->error);
}

/* A log that is used without is slower, and may find the disk full. */
static void
reserve(struct keeper *k)
{
	int error = wal_reserve(k->store->wal) < 0 ? errno : 0;

	pthread_mutex_lock(&k->lock);
	k->reserve_error = error;
	pthread_mutex_unlock(&k->lock);
}

static void
run_task(struct keeper *k, struct task *t)
{
	const struct fs *fs = k->store->fs;

	switch (t->kind) {
	case TASK_CHECKPOINT:
		run_checkpoint(k, t->job);
		break;
	case TASK_CLOSE:
		fs->close(fs, t->fd);
		break;
	case TASK_UNLINK:
		fs->unlink(fs, t->path);
		break;
	case TASK_REMOVE_DIR:
		remove_dir(fs, t->path);
		break;
	case TASK_RESERVE:
		reserve(k);
		break;
	}
}

/* ---- the thread --------------------------------------------------------- */

static void *
run(void *arg)
{
	struct keeper *k = arg;
	struct store *s = k->store;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		struct task *t;

		while (list_is_empty(&k->tasks) && !k->stop)
			pthread_cond_wait(&k->posted, &k->lock);
		if (list_is_empty(&k->tasks))
			break;
		t = container_of(k->tasks.next, struct task, node);
		list_remove(&t->node);
		k->unlinking = t->kind == TASK_UNLINK;
		pthread_mutex_unlock(&k->lock);
		run_task(k, t);
		pthread_mutex_lock(&k->lock);
		k->unlinking = false;
		pthread_cond_signal(&k->unlinked);
		if (t->kind == TASK_CHECKPOINT) {
			list_append(&k->done, &t->job->node);
			if (s->o.wake)
				s->o.wake(s->o.wake_arg);
		}
		free(t);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

struct keeper *
keeper_new(struct store *s)
{
	struct keeper *k = xcalloc(1, sizeof(*k));

	k->store = s;
	k->dir_fd = -1;
	list_init(&k->tasks);
	list_init(&k->done);
	list_init(&k->entries);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->posted, NULL);
	pthread_cond_init(&k->unlinked, NULL);
	return k;
}

int
keeper_start(struct keeper *k, struct err *e)
{
	struct store *s = k->store;
	int r;

	if (s->durable && (k->dir_fd = s->fs->open(s->fs, s->dir, O_RDONLY)) < 0)
		return err_errno(e, ERR_IO, "cannot open '%s'", s->dir);
	if ((r = pthread_create(&k->thread, NULL, run, k))) {
		errno = r;
		return err_errno(e, ERR_FAILED, "cannot start a thread");
	}
	k->running = true;
	return 0;
}

void
keeper_stop(struct keeper *k)
{
	if (!k->running)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->posted);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	k->running = false;
}

void
keeper_free(struct keeper *k)
{
	if (!k)
		return;
	while (!list_is_empty(&k->entries)) {
		struct checkpoint_entry *en = container_of(k->entries.next,
			struct checkpoint_entry, node);

		list_remove(&en->node);
		buf_release(&en->bytes);
		free(en);
	}
	if (k->dir_fd >= 0)
		k->store->fs->close(k->store->fs, k->dir_fd);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->posted);
	pthread_cond_destroy(&k->unlinked);
	free(k);
}

static void
post(struct keeper *k, enum task_kind kind, const char *path, int fd,
	struct checkpoint_job *job)
{
	size_t n = path ? strlen(path) : 0;
	struct task *t = xcalloc(1, sizeof(*t) + n + 1);

	t->kind = kind;
	t->fd = fd;
	t->job = job;
	if (path)
		memcpy(t->path, path, n);
	if (!k->running) {
		run_task(k, t);
		if (job)
			list_append(&k->done, &job->node);
		free(t);
		return;
	}
	pthread_mutex_lock(&k->lock);
	list_append(&k->tasks, &t->node);
	pthread_cond_signal(&k->posted);
	pthread_mutex_unlock(&k->lock);
}

void
keeper_checkpoint(struct keeper *k, struct checkpoint_job *job)
{
	post(k, TASK_CHECKPOINT, NULL, -1, job);
}

void
keeper_reserve(struct keeper *k)
{
	post(k, TASK_RESERVE, NULL, -1, NULL);
}

int
keeper_reserved(struct keeper *k)
{
	int error;

	pthread_mutex_lock(&k->lock);
	error = k->reserve_error;
	k->reserve_error = 0;
	pthread_mutex_unlock(&k->lock);
	return error;
}

void
keeper_close(struct keeper *k, int fd)
{
	post(k, TASK_CLOSE, NULL, fd, NULL);
}

void
keeper_unlink(struct keeper *k, const char *path)
{
	post(k, TASK_UNLINK, path, -1, NULL);
}

void
keeper_remove_dir(struct keeper *k, const char *path)
{
	post(k, TASK_REMOVE_DIR, path, -1, NULL);
}

void
keeper_forget_below(struct keeper *k, const char *dir)
{
	struct list *i, *next;
	size_t n = strlen(dir);

	pthread_mutex_lock(&k->lock);
	for (i = k->tasks.next; i != &k->tasks; i = next) {
		struct task *t = container_of(i, struct task, node);

		next = i->next;
		if (t->kind == TASK_UNLINK && !strncmp(t->path, dir, n) &&
		    t->path[n] == '/') {
			list_remove(&t->node);
			free(t);
		}
	}
	while (k->unlinking)
		pthread_cond_wait(&k->unlinked, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

struct checkpoint_job *
keeper_done(struct keeper *k)
{
	struct checkpoint_job *job = NULL;

	pthread_mutex_lock(&k->lock);
	if (!list_is_empty(&k->done)) {
		job = container_of(k->done.next, struct checkpoint_job, node);
		list_remove(&job->node);
	}
	pthread_mutex_unlock(&k->lock);
	return job;
}

/* ---- the loop's side ---------------------------------------------------- */

static void
add_dir(struct checkpoint_job *job, struct store *s, const char *path)
{
	int fd = s->fs->open(s->fs, path, O_RDONLY);

	if (fd < 0) {
		job->sync_all = true; /* out of descriptors: there is another way */
		return;
	}
	if (job->dirs_n == job->dirs_cap) {
		job->dirs_cap = job->dirs_cap ? job->dirs_cap * 2 : 8;
		job->dirs = xreallocarray(job->dirs, (size_t)job->dirs_cap,
			sizeof(*job->dirs));
	}
	job->dirs[job->dirs_n++] = fd;
}

struct writing {
	struct checkpoint_job *job;
	struct store *store;
};

static void
add_update(struct checkpoint_job *job, struct checkpoint_entry *entry,
	struct buf bytes)
{
	if (job->updates_n == job->updates_cap) {
		job->updates_cap = job->updates_cap ? job->updates_cap * 2 : 8;
		job->updates = xreallocarray(job->updates, job->updates_cap,
			sizeof(*job->updates));
	}
	job->updates[job->updates_n++] = (struct entry_update){ entry, bytes };
}

static void
add_dirty(struct checkpoint_job *job, struct segment *g)
{
	if (job->dirty_n == job->dirty_cap) {
		job->dirty_cap = job->dirty_cap ? job->dirty_cap * 2 : 8;
		job->dirty = xreallocarray(job->dirty, (size_t)job->dirty_cap,
			sizeof(*job->dirty));
	}
	job->dirty[job->dirty_n++] = g;
	segment_ref(g);
	g->dirty = false;
}

static void
add_entry(struct checkpoint_job *job, struct partlog *l)
{
	struct segment *g = partlog_active(l);
	struct buf producers = BUF_INIT, bytes = BUF_INIT;
	struct checkpoint_log c = {
		.topic_id = l->id, .partition = l->partition,
		.start = l->start, .end = l->end,
		.active = -1, .older_bytes = l->older_bytes,
		.segments = l->older_n + l->segments_n,
	};

	if (g) {
		c.active = g->base;
		c.position = g->size;
		c.offsets = g->offsets.stored;
		c.times = g->times.stored;
		c.since_entry = g->since_entry;
		c.first_timestamp = g->first_timestamp;
		c.max_timestamp = g->max_timestamp;
		c.max_timestamp_offset = g->max_timestamp_offset;
		c.aborted = aborted_digest(&g->aborted);
	}
	for (int i = 0; i + 1 < l->segments_n; i++)
		c.older_bytes += l->segments[i]->size;
	c.older_start = l->listed ? l->start : l->older_start;
	/* What is lost must not look as if it had always been so. */
	c.older_aborted = l->older_aborted + partlog_aborted_digest(l,
		c.older_start, l->segments_n - 1) + l->aborted_lost;
	producers_save(&l->producers, &producers);
	c.producers = buf_slice(&producers);
	checkpoint_put(&c, &bytes);
	buf_release(&producers);
	if (!l->entry) {
		l->entry = xcalloc(1, sizeof(*l->entry));
		list_init(&l->entry->node);
		list_init(&l->entry->removed);
	}
	add_update(job, l->entry, bytes);
}

/*
 * Writes what is new of a segment's aborted transactions; sealed ones were
 * written by then. True when a file is to be synced, and its name.
 */
static bool
add_aborted(struct checkpoint_job *job, struct segment *g)
{
	bool stored = segment_store_aborted(g) == 1;

	if (!stored && (g == partlog_active(g->log) || !g->aborted.n))
		return false;
	if (!job->sync_all)
		add_dir(job, g->store, segment_path(g, ".txnindex"));
	return true;
}

static void
add_index(void *arg, const char *path)
{
	struct writing *x = arg;

	if (!x->job->sync_all)
		add_dir(x->job, x->store, path);
}

static void
add_log(struct checkpoint_job *job, struct partlog *l)
{
	struct writing x = { job, l->store };
	struct segment *g = partlog_active(l);
	bool unnamed = false;

	if (g && index_count(&g->offsets) - g->offsets.stored >= STORE_INDEX_FROM) {
		segment_store_index(g);
		index_trim(&g->offsets, STORE_INDEX_FROM);
		index_trim(&g->times, STORE_INDEX_FROM);
		segment_each_written_index(g, add_index, &x);
	}
	/* Written segments are the newest ones. */
	for (int i = l->segments_n; i-- > 0 && l->segments[i]->dirty; ) {
		unnamed |= !l->segments[i]->named;
		unnamed |= add_aborted(job, l->segments[i]);
		segment_each_written_index(l->segments[i], add_index, &x);
		add_dirty(job, l->segments[i]);
	}
	if (unnamed && !job->sync_all) {
		add_dir(job, l->store, partlog_path(l, "partition.metadata"));
		add_dir(job, l->store, partlog_path(l, NULL));
	}
	add_entry(job, l);
}

struct checkpoint_job *
checkpoint_job_new(struct store *s)
{
	struct checkpoint_job *job = xcalloc(1, sizeof(*job));

	job->head = (struct checkpoint_head){ s->committed, s->epoch, s->nonce,
		s->wal_end };
	list_init(&job->node);
	while (!list_is_empty(&s->dirty)) {
		struct partlog *l = container_of(s->dirty.next, struct partlog, dirty);

		list_remove(&l->dirty);
		add_log(job, l);
		job->sync_all |= job->dirty_n > SYNCFS_FROM;
	}
	while (!list_is_empty(&s->removed)) {
		struct checkpoint_entry *en = container_of(s->removed.next,
			struct checkpoint_entry, removed);

		list_remove(&en->removed);
		add_update(job, en, (struct buf)BUF_INIT);
	}
	for (int i = 0; i < job->dirty_n && !job->sync_all; i++)
		job->sync_all = segment_open(job->dirty[i], false) < 0;
	return job;
}

void
checkpoint_job_end(struct store *s, struct checkpoint_job *job)
{
	bool failed = job->error.code != ERR_NONE;

	for (int i = 0; i < job->dirty_n; i++) {
		struct segment *g = job->dirty[i];

		if (!failed) {
			g->named = true;
		} else if (!g->gone) {
			g->dirty = g->index_written = true;
			partlog_touch(g->log);
		}
		segment_unref(g);
	}
	for (int i = 0; i < job->dirs_n; i++)
		s->fs->close(s->fs, job->dirs[i]);
	for (size_t i = 0; i < job->updates_n; i++)
		buf_release(&job->updates[i].bytes);
	free(job->dirty);
	free(job->dirs);
	free(job->updates);
	free(job);
}
