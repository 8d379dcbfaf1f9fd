#include "store/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/xalloc.h"
#include "store/state.h"

enum {
	DIRECT_FROM = 1 << 20, /* bytes of one segment in one commit */
	ALONE_FROM = 256 << 10, /* the same when there is nothing else in it */
	JOIN_FROM = 1 << 10,   /* bytes whose checksum costs more than a crc32c_join() */
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
	wal_stage_release(&c->stage);
	free(c);
}

void
commit_clear(struct commit *c)
{
	c->n = 0;
	c->bytes = c->direct_bytes = 0;
	c->stage.len = 0;
	c->wal_due = c->unlogged = false;
	c->held_for = 0;
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
sync_named(struct store *s, const struct range *r)
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

static int
sync_segment(struct store *s, const struct range *r)
{
	store_sync_begin(s);
	return store_sync_end(s, sync_named(s, r));
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

static bool
is_wanted(void *arg, uint32_t owner)
{
	const struct commit *c = arg;

	return !c->ranges[owner].direct;
}

/* Of a range that goes into the WAL: is there something that is not in the stage? */
static bool
has_rest(const struct range *r)
{
	return !r->direct && (!r->segment || r->staged < r->len);
}

static int
put_rest(struct store *s, const struct commit *c, const struct range *r, bool last)
{
	struct wal_frame f = {
		.commit = c->seq,
		.topic_id = r->log->id,
		.partition = r->log->partition,
		.flags = (r->segment ? 0 : WAL_LOG_START) | (last ? WAL_LAST : 0),
		.segment = r->segment ? r->segment->base : -1,
		.position = r->pos + r->staged,
		.base_offset = r->staged ? r->staged_end : r->base_offset,
		.end_offset = r->end_offset,
		.length = (uint32_t)(r->len - r->staged),
	};

	return wal_put(s->wal, &f, r->segment ? r->segment->file.fd : -1);
}

static int
write_wal(struct store *s, struct commit *c)
{
	int last = c->n;

	while (--last >= 0 && !has_rest(&c->ranges[last]))
		;
	if (wal_put_stage(s->wal, &c->stage, c->seq, last < 0, is_wanted, c) < 0)
		return -1;
	for (int i = 0; i <= last; i++)
		if (has_rest(&c->ranges[i]) &&
		    put_rest(s, c, &c->ranges[i], i == last) < 0)
			return -1;
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
 * Before the first commit of a run can count, what the start did or found
 * must be on disk: the names of the WAL and of the checkpoint, the removal of
 * the clean mark, the newest group, which the next one builds on. Whoever was
 * killed may have left all of that to the kernel.
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
	    sync_parent(s) < 0 ||
	    fs->fdatasync(fs, s->wal->files[s->wal->current].fd) < 0)
		return -1;
	s->names_synced = true;
	return 0;
}

/* From how many bytes on a range is synced itself. */
static int64_t
direct_from(const struct store *s, const struct commit *c)
{
	int64_t from = c->n == 1 ? ALONE_FROM : DIRECT_FROM, most = s->wal->file_bytes / 4;

	return from < most ? from : most;
}

/* Syncs what is large; *need is what the others take in the WAL. */
static int
sync_large(struct store *s, struct commit *c, int64_t *need)
{
	int64_t from = direct_from(s, c), staged = 0;

	*need = 0;
	for (int i = 0; i < c->n; i++) {
		struct range *r = &c->ranges[i];

		if (r->segment && r->len >= from) {
			if (sync_segment(s, r) < 0)
				return -1;
			r->direct = true;
			c->direct_bytes += (size_t)r->len;
			continue;
		}
		staged += r->staged_size;
		if (has_rest(r))
			*need += wal_frame_size((size_t)(r->len - r->staged));
	}
	*need += wal_block_up(staged);
	return 0;
}

void
commit_sync(struct store *s, struct commit *c)
{
	int64_t need;

	c->error = 0;
	if ((!s->names_synced && sync_names(s) < 0) || sync_large(s, c, &need) < 0)
		goto fail;
	if (!need)
		return;
	if (!wal_begin(s->wal, need)) {
		if (sync_all(s, c) < 0)
			goto fail;
		c->wal_due = true;
		return;
	}
	if (write_wal(s, c) < 0) {
		/* A copy-on-write file system can run full here, too. */
		if (errno != ENOSPC || sync_all(s, c) < 0)
			goto fail;
	}
	c->wal_used = wal_used(s->wal);
	c->wal_due = c->wal_used * 4 >= wal_size(s->wal);
	return;
fail:
	c->error = errno ? errno : EIO;
	store_sync_failed(s);
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
	c->wal_end = wal_place(s->wal);
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
		/* The keeper was told instead of us: the file may be the one. */
		if (!c->error && atomic_load(&s->sync_failed))
			c->error = EIO;
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

static struct commit *
new_commit(struct store *s)
{
	struct commit *c;

	if (list_is_empty(&s->spares))
		return commit_new();
	c = container_of(s->spares.prev, struct commit, node); /* its memory is warm */
	list_remove(&c->node);
	s->spares_n--;
	if (s->spares_n < s->spares_low)
		s->spares_low = s->spares_n;
	return c;
}

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
		s->open = new_commit(s);
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

/* The range that these bytes are the end of. */
static struct range *
note(struct partlog *l, struct commit *c, struct segment *g, int64_t pos,
	int64_t len, int64_t base_offset, int64_t end_offset)
{
	struct range *r = NULL;
	bool unstaged = false;

	c->bytes += (size_t)len;
	l->store->backlog += (size_t)len;
	if (l->range_commit == c->seq) {
		r = &c->ranges[l->range_i];
		if (r->segment == g && r->pos + r->len == pos) {
			r->len += len;
			r->end_offset = end_offset;
			return r;
		}
		/* Frames of a log are in order, and the stage is in front. */
		unstaged = r->staged < r->len;
	}
	l->range_commit = c->seq;
	l->range_i = c->n;
	r = add_range(l, c);
	*r = (struct range){ .log = l, .segment = g, .pos = pos, .len = len,
		.base_offset = base_offset, .end_offset = end_offset,
		.unstaged = unstaged, .unnamed = !g->named };
	segment_ref(g);
	return r;
}

uint64_t
commit_note(struct partlog *l, struct segment *g, int64_t pos, int64_t len,
	int64_t base_offset, int64_t end_offset)
{
	struct commit *c = open_commit(l->store);

	note(l, c, g, pos, len, base_offset, end_offset);
	return c->seq;
}

/* Behind bytes with the checksum crc; that of a large batch is known but for its start. */
static uint32_t
crc_behind(uint32_t crc, const uint8_t *bytes, const struct batch *b)
{
	size_t n = (size_t)b->size;

	if (n < JOIN_FROM)
		return crc32c(crc, bytes, n);
	return crc32c_join(crc32c(crc, bytes, BATCH_CRC_FROM), b->crc,
		n - BATCH_CRC_FROM);
}

/* The range's newest batch, when all before it is there and it will not be synced itself. */
static void
stage(struct commit *c, uint32_t i, const uint8_t *bytes, const struct batch *b)
{
	struct range *r = &c->ranges[i];
	struct wal_stage *g = &c->stage;
	size_t before = g->len;

	if (r->unstaged || r->staged + b->size != r->len || r->len >= ALONE_FROM)
		return;
	if (g->len && g->owner == i) {
		if (!wal_stage_extend(g, bytes, (size_t)b->size, r->end_offset,
				crc_behind(g->crc, bytes, b)))
			return;
	} else {
		struct wal_frame f = {
			.topic_id = r->log->id,
			.partition = r->log->partition,
			.segment = r->segment->base,
			.position = r->pos + r->staged,
			.base_offset = b->base_offset,
			.end_offset = r->end_offset,
			.length = (uint32_t)b->size,
			.crc = crc_behind(0, bytes, b),
		};

		if (!wal_stage_add(g, &f, i, bytes))
			return;
	}
	r->staged = r->len;
	r->staged_end = r->end_offset;
	r->staged_size += (int64_t)(g->len - before);
}

uint64_t
commit_note_batch(struct partlog *l, struct segment *g, int64_t pos,
	const uint8_t *bytes, const struct batch *b)
{
	struct commit *c = open_commit(l->store);

	note(l, c, g, pos, b->size, b->base_offset,
		b->base_offset + b->last_offset_delta + 1);
	stage(c, (uint32_t)l->range_i, bytes, b);
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
