#include "store/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "store/state.h"

enum {
	DIRECT_FROM = 1 << 20, /* bytes of one segment in one commit */
	SYNCFS_FROM = 32,      /* files: beyond this one syncfs() is cheaper */
};

struct commit *
commit_new(void)
{
	return xcalloc(1, sizeof(struct commit));
}

void
commit_free(struct commit *c)
{
	if (!c)
		return;
	free(c->ranges);
	free(c);
}

struct range *
commit_add(struct commit *c)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 8;
		c->ranges = xreallocarray(c->ranges, (size_t)c->cap,
			sizeof(*c->ranges));
	}
	c->ranges[c->n] = (struct range){ 0 };
	return &c->ranges[c->n++];
}

/* ---- making one durable ------------------------------------------------- */

/* The file itself, and the names that lead to it. */
static int
sync_segment(struct store *s, const struct range *r)
{
	const struct fs *fs = s->fs;
	const struct partlog *l = r->log;
	char path[4096];
	int fd, n;

	if (fs->fdatasync(fs, r->segment->file.fd) < 0)
		return -1;
	if (!r->unnamed)
		return 0;
	n = snprintf(path, sizeof(path), "%s/%s-%d/partition.metadata", s->dir,
		l->topic, (int)l->partition);
	fd = fs->open(fs, path, O_RDONLY);
	/* A topic that is being deleted has been renamed, and its deletion may
	 * yet be undone by a power cut; or the file was lost in one. The names
	 * are somewhere: everything is synced. */
	if (fd < 0)
		return errno == ENOENT ? fs->syncfs(fs, s->dir_fd) : -1;
	if (fs->fdatasync(fs, fd) < 0) {
		fs->close(fs, fd);
		return -1;
	}
	fs->close(fs, fd);
	path[n - (int)sizeof("partition.metadata")] = '\0';
	if (fs_sync_dir(fs, path) < 0)
		return errno == ENOENT ? fs->syncfs(fs, s->dir_fd) : -1;
	return fs->fsync(fs, s->dir_fd);
}

/* Log starts have no file of their own: the commit waits for a checkpoint. */
static int
sync_all(struct store *s, struct commit *c)
{
	int files = 0;

	for (int i = 0; i < c->n; i++)
		files += c->ranges[i].segment && !c->ranges[i].direct;
	if (files > SYNCFS_FROM && s->fs->syncfs(s->fs, s->dir_fd) < 0)
		return -1;
	for (int i = 0; i < c->n; i++) {
		struct range *r = &c->ranges[i];

		c->unlogged |= !r->segment;
		if (!r->segment || r->direct)
			continue;
		if (files <= SYNCFS_FROM && sync_segment(s, r) < 0)
			return -1;
		r->direct = true;
		c->direct_bytes += (size_t)r->len;
	}
	return 0;
}

static int
write_wal(struct store *s, struct commit *c, int last)
{
	for (int i = 0; i <= last; i++) {
		const struct range *r = &c->ranges[i];
		struct wal_frame f = {
			.commit = c->seq,
			.topic_id = r->log->id,
			.partition = r->log->partition,
			.flags = (r->segment ? 0 : WAL_LOG_START) |
				(i == last ? WAL_LAST : 0),
			.segment = r->segment ? r->segment->base : -1,
			.position = r->pos,
			.base_offset = r->base_offset,
			.end_offset = r->end_offset,
			.length = (uint32_t)r->len,
		};

		if (r->direct)
			continue;
		if (wal_put(s->wal, &f, r->segment ? r->segment->file.fd : -1) < 0)
			return -1;
	}
	return wal_end(s->wal, c->seq);
}

/* The directory that has the name of ours; not all of them are for us to open. */
static int
sync_parent(struct store *s)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/..", s->dir);
	return fs_sync_dir(s->fs, path) < 0 && errno != EACCES ? -1 : 0;
}

/*
 * Before the first commit of a run can count, what the start did must be on
 * disk: the WAL's and the first checkpoint's names, the clean mark's removal.
 */
static int
sync_names(struct store *s)
{
	const struct fs *fs = s->fs;
	char path[4096];
	int fd, r;

	snprintf(path, sizeof(path), "%s/checkpoint", s->dir);
	fd = fs->open(fs, path, O_RDONLY);
	if (fd < 0)
		return -1;
	r = fs->fsync(fs, fd);
	fs->close(fs, fd);
	snprintf(path, sizeof(path), "%s/wal", s->dir);
	if (r < 0 || fs_sync_dir(fs, path) < 0 || fs->fsync(fs, s->dir_fd) < 0 ||
	    sync_parent(s) < 0)
		return -1;
	s->names_synced = true;
	return 0;
}

void
commit_sync(struct store *s, struct commit *c)
{
	int64_t limit = s->wal->file_bytes / 4, need = 0;
	int last = -1;

	if (limit > DIRECT_FROM)
		limit = DIRECT_FROM;
	c->error = 0;
	if (!s->names_synced && sync_names(s) < 0)
		goto fail;
	for (int i = 0; i < c->n; i++) {
		struct range *r = &c->ranges[i];

		if (r->segment && r->len >= limit) {
			if (sync_segment(s, r) < 0)
				goto fail;
			r->direct = true;
			c->direct_bytes += (size_t)r->len;
		} else {
			need += wal_frame_size((size_t)r->len);
			last = i;
		}
	}
	if (last < 0)
		return;
	if (!wal_begin(s->wal, need)) {
		if (sync_all(s, c) < 0)
			goto fail;
		c->wal_due = true;
		return;
	}
	if (write_wal(s, c, last) < 0) {
		/* A copy-on-write file system can run full here, too. */
		if (errno != ENOSPC || sync_all(s, c) < 0)
			goto fail;
	}
	c->wal_used = wal_used(s->wal);
	c->wal_due = c->wal_used * 4 >= wal_size(s->wal);
	return;
fail:
	c->error = errno ? errno : EIO;
}

/* ---- the thread --------------------------------------------------------- */

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
sync_timed(struct store *s, struct commit *c)
{
	int64_t start = now_us();

	commit_sync(s, c);
	c->sync_us = now_us() - start;
}

struct committer {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t pushed;
	struct list waiting, done; /* under the lock, as the two flags */
	bool busy, stop;
	int error; /* of the commit that failed: no later one may be durable */
};

static void *
run(void *arg)
{
	struct committer *k = arg;
	struct store *s = k->store;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		struct commit *c;
		bool was_empty;

		while (list_is_empty(&k->waiting) && !k->stop)
			pthread_cond_wait(&k->pushed, &k->lock);
		if (list_is_empty(&k->waiting))
			break;
		c = container_of(k->waiting.next, struct commit, node);
		list_remove(&c->node);
		k->busy = true;
		pthread_mutex_unlock(&k->lock);
		if (k->error)
			c->error = k->error;
		else
			sync_timed(s, c);
		k->error = c->error;
		pthread_mutex_lock(&k->lock);
		k->busy = false;
		was_empty = list_is_empty(&k->done);
		list_append(&k->done, &c->node);
		if (was_empty && s->o.wake) {
			pthread_mutex_unlock(&k->lock);
			s->o.wake(s->o.wake_arg);
			pthread_mutex_lock(&k->lock);
		}
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

struct committer *
committer_start(struct store *s)
{
	struct committer *k = xcalloc(1, sizeof(*k));

	k->store = s;
	list_init(&k->waiting);
	list_init(&k->done);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->pushed, NULL);
	if (pthread_create(&k->thread, NULL, run, k)) {
		pthread_mutex_destroy(&k->lock);
		pthread_cond_destroy(&k->pushed);
		free(k);
		return NULL;
	}
	return k;
}

void
committer_push(struct committer *k, struct commit *c)
{
	pthread_mutex_lock(&k->lock);
	list_append(&k->waiting, &c->node);
	pthread_cond_signal(&k->pushed);
	pthread_mutex_unlock(&k->lock);
}

struct commit *
committer_take_back(struct committer *k)
{
	struct commit *c = NULL;

	pthread_mutex_lock(&k->lock);
	/* An idle thread is on its way to take it. */
	if (k->busy && !list_is_empty(&k->waiting)) {
		c = container_of(k->waiting.prev, struct commit, node);
		list_remove(&c->node);
	}
	pthread_mutex_unlock(&k->lock);
	return c;
}

void
committer_done(struct committer *k, struct list *done)
{
	pthread_mutex_lock(&k->lock);
	list_splice(done, &k->done);
	pthread_mutex_unlock(&k->lock);
}

void
committer_stop(struct committer *k)
{
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->pushed);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
}

void
committer_free(struct committer *k)
{
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->pushed);
	free(k);
}

/* ---- the loop's side ---------------------------------------------------- */

/* The commit that is being appended to; one that waits behind a busy thread
 * is taken back, so that commits grow as long as the disk is busy. */
static struct commit *
open_commit(struct store *s)
{
	if (s->open)
		return s->open;
	if (s->committer && s->o.fsync != FSYNC_ALWAYS)
		s->open = committer_take_back(s->committer);
	if (!s->open) {
		s->open = s->spare ? s->spare : commit_new();
		s->spare = NULL;
		s->open->seq = s->next_seq++;
	}
	return s->open;
}

static struct range *
add_range(struct partlog *l, struct commit *c)
{
	l->pending++;
	return commit_add(c);
}

uint64_t
commit_note(struct partlog *l, struct segment *g, int64_t pos, int64_t len,
	int64_t base_offset, int64_t end_offset)
{
	struct store *s = l->store;
	struct commit *c = open_commit(s);
	struct range *r;

	c->bytes += (size_t)len;
	s->backlog += (size_t)len;
	if (l->range_commit == c->seq) {
		r = &c->ranges[l->range_i];
		if (r->segment == g && r->pos + r->len == pos) {
			r->len += len;
			r->end_offset = end_offset;
			return c->seq;
		}
	}
	l->range_commit = c->seq;
	l->range_i = c->n;
	r = add_range(l, c);
	*r = (struct range){ .log = l, .segment = g, .pos = pos, .len = len,
		.base_offset = base_offset, .end_offset = end_offset,
		.unnamed = !g->named };
	segment_ref(g);
	return c->seq;
}

uint64_t
commit_note_start(struct partlog *l)
{
	struct commit *c = open_commit(l->store);
	struct range *r = add_range(l, c);

	*r = (struct range){ .log = l, .base_offset = l->start,
		.end_offset = l->start };
	return c->seq;
}

uint64_t
commit_newest(const struct store *s)
{
	return s->next_seq - 1;
}

struct commit *
commit_seal(struct store *s)
{
	struct commit *c = s->open;

	s->open = NULL;
	return c;
}
