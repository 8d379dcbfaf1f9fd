#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"
#include "wire/errors.h"

enum {
	DIR_MAX = 3072,             /* characters; file names come behind */
	CHECKPOINT_MS = 5000,       /* after the first change */
	RETRY_MS = 5000,            /* after a checkpoint that failed */
	DIRECT_MAX = 32 << 20,      /* bytes that a recovery may have to scan */
	COMPLAIN_MS = 10 * 1000,
};

/* A file or directory that a checkpoint still needs. */
struct removal {
	struct list node;
	uint64_t after; /* checkpoints begun when it was asked for */
	bool is_dir;
	char path[];
};

/* ---- words -------------------------------------------------------------- */

void
store_report(struct store *s, bool warning, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!s->o.report)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->o.report(s->o.report_arg, warning, line);
}

void
store_complain(struct store *s, const struct partlog *l, const char *what)
{
	int64_t now = clock_mono_ms(s->o.clock);
	const char *why = strerror(errno);

	if (now < s->complain_at)
		return;
	s->complain_at = now + COMPLAIN_MS;
	store_report(s, true, "cannot %s '%s': %s", what, partlog_path(l, NULL), why);
}

int
store_read_owner(const struct fs *fs, const char *path, struct uuid *id)
{
	static const char mark[] = "topic_id: ";
	char text[128], *at;
	int fd = fs->open(fs, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = fs->pread(fs, fd, text, sizeof(text) - 1, 0);
	fs->close(fs, fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, mark);
	if (!at || strlen(at) < sizeof(mark) - 1 + UUID_TEXT - 1)
		return -1;
	return uuid_parse(slice_make(at + sizeof(mark) - 1, UUID_TEXT - 1), id);
}

/* ---- open --------------------------------------------------------------- */

static int
lock_dir(struct store *s, struct err *e)
{
	char path[DIR_MAX + 16];

	snprintf(path, sizeof(path), "%s/.lock", s->dir);
	s->lock_fd = s->fs->open(s->fs, path, O_RDWR | O_CREAT);
	if (s->lock_fd < 0)
		return err_errno(e, ERR_IO, "cannot open '%s'", path);
	if (!s->fs->lock(s->fs, s->lock_fd))
		return 0;
	if (errno != EWOULDBLOCK)
		return err_errno(e, ERR_IO, "cannot lock '%s'", path);
	return err_set(e, ERR_EXISTS, "the data directory '%s' is in use by another "
		"kc-broker (stop that one, or choose another --data-dir)", s->dir);
}

static int
open_dir(struct store *s, struct err *e)
{
	if (strlen(s->dir) > DIR_MAX)
		return err_set(e, ERR_USAGE, "the data directory's name is too long");
	if (s->fs->mkdir(s->fs, s->dir) < 0 && errno != EEXIST)
		return err_errno(e, ERR_IO, "cannot make the data directory '%s'",
			s->dir);
	s->dir_fd = s->fs->open(s->fs, s->dir, O_RDONLY | O_DIRECTORY);
	if (s->dir_fd < 0)
		return err_errno(e, ERR_IO, "cannot open the data directory '%s'",
			s->dir);
	return s->o.ephemeral ? 0 : lock_dir(s, e);
}

/* The metadata log, in the same form as all others. */
static int
open_metadata(struct store *s, struct err *e)
{
	static const struct uuid id = { { [15] = 1 } }; /* Kafka's for its own */
	static const struct log_config config = {
		.segment_bytes = 1 << 30,
		.segment_ms = INT64_MAX,
		.retention_ms = -1,
		.retention_bytes = -1,
		.index_interval_bytes = 4096,
		.max_message_bytes = 64 << 20,
		.timestamp_before_max_ms = INT64_MAX,
		.timestamp_after_max_ms = INT64_MAX,
		.compression = -1,
	};

	return store_attach(s, &id, slice_str("__kc_metadata"), 0, &config,
		&s->metadata, e);
}

static const char *
clean_path(const struct store *s, char path[DIR_MAX + 16])
{
	snprintf(path, DIR_MAX + 16, "%s/clean", s->dir);
	return path;
}

int
store_open(struct store **out, const struct store_options *o, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	char path[DIR_MAX + 16];

	s->o = *o;
	s->fs = o->fs;
	s->dir = xstrdup(o->dir);
	s->dir_fd = s->lock_fd = -1;
	s->dirty_since = -1;
	s->next_seq = 1;
	s->durable = !o->ephemeral && o->fsync != FSYNC_NEVER;
	s->visible_at_once = !s->durable || o->fsync == FSYNC_INTERVAL;
	list_init(&s->logs);
	list_init(&s->dirty);
	list_init(&s->moved);
	list_init(&s->removed);
	list_init(&s->removals);
	list_init(&s->open_segments);
	s->keeper = keeper_new(s);
	if (open_dir(s, e) < 0)
		goto fail;
	if (!o->ephemeral) {
		s->was_clean = s->fs->size_of(s->fs, clean_path(s, path)) >= 0;
		if (recovery_open(s, e) < 0)
			goto fail;
	}
	if (open_metadata(s, e) < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	store_close(s);
	return -1;
}

struct partlog *
store_metadata(struct store *s)
{
	return s->metadata;
}

int
store_attach(struct store *s, const struct uuid *topic_id, struct slice topic,
	int32_t partition, const struct log_config *c, struct partlog **out,
	struct err *e)
{
	struct partlog *l = partlog_new(s, topic_id, topic, partition, c);

	if (s->recovery && recovery_attach(l, e) < 0) {
		partlog_free(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* ---- commits ------------------------------------------------------------ */

void
store_push_commit(struct store *s)
{
	struct commit *c;

	if (!s->committer || !s->open)
		return;
	c = commit_seal(s);
	committer_push(s->committer, c);
	s->flushed_at = clock_mono_ms(s->o.clock);
}

/* What was appended and is not durable is as if it had never been. */
static void
roll_back(struct partlog *l)
{
	struct segment *g;

	if (l->store->visible_at_once)
		return;
	l->end = l->hw;
	while ((g = partlog_active(l)) && g->base >= l->hw && g->base != l->hw_base &&
	    l->segments_n > 1) {
		l->segments_n--;
		g->gone = true;
		if (!g->file.refs)
			segment_free(g);
	}
	if (g)
		g->size = g->base == l->hw_base ? l->hw_pos : 0;
	if (l->tail)
		l->tail->n = 0;
}

static void
publish(struct range *r)
{
	struct partlog *l = r->log;

	if (r->direct)
		r->segment->named = true;
	if (!l->store->visible_at_once && r->end_offset > l->hw) {
		l->hw = r->end_offset;
		l->hw_base = r->segment->base;
		l->hw_pos = r->pos + r->len;
		partlog_moved(l);
	}
}

static void
end_commit(struct store *s, struct commit *c)
{
	s->backlog -= c->bytes;
	for (int i = 0; i < c->n; i++) {
		struct range *r = &c->ranges[i];
		struct partlog *l = r->log;

		if (s->failed)
			roll_back(l);
		else if (r->segment)
			publish(r);
		if (r->segment)
			segment_unref(r->segment);
		if (!--l->pending && l->detached)
			partlog_free(l);
	}
	if (!s->failed) {
		s->committed = c->seq;
		s->direct_bytes += c->direct_bytes;
		s->checkpoint_due |= c->wal_half || s->direct_bytes >= DIRECT_MAX;
	}
	c->n = 0;
	c->bytes = c->direct_bytes = 0;
	c->wal_half = false;
	if (s->spare)
		commit_free(c);
	else
		s->spare = c;
}

/*
 * A sync that failed may have thrown data away that the kernel had taken,
 * and asking again would succeed without it: there is no second try.
 */
static void
fail(struct store *s, const char *what, int error)
{
	if (s->failed)
		return;
	s->failed = KERR_KAFKA_STORAGE_ERROR;
	store_report(s, true, "%s in '%s': %s: no more appends are taken, reading "
		"goes on (mend the disk and restart)", what, s->dir, strerror(error));
}

/* All that is not durable now has failed; the thread may still hold some of it. */
static void
fail_commits(struct store *s)
{
	uint64_t newest = commit_newest(s);
	struct commit *c = commit_seal(s);

	if (c)
		end_commit(s, c);
	s->committed = newest;
	if (s->o.committed)
		s->o.committed(s->o.committed_arg, newest, s->failed);
}

static void
poll_commits(struct store *s)
{
	uint64_t before = s->committed;
	bool failed = false;
	struct list done;

	list_init(&done);
	committer_done(s->committer, &done);
	while (!list_is_empty(&done)) {
		struct commit *c = container_of(done.next, struct commit, node);

		list_remove(&c->node);
		if (c->error && !s->failed) {
			fail(s, "cannot make data durable", c->error);
			failed = true;
		}
		end_commit(s, c);
	}
	if (s->committed != before && s->o.committed)
		s->o.committed(s->o.committed_arg, s->committed, KERR_NONE);
	if (failed)
		fail_commits(s);
}

uint64_t
store_committed(const struct store *s)
{
	return s->committed;
}

size_t
store_backlog(const struct store *s)
{
	return s->visible_at_once ? 0 : s->backlog;
}

int16_t
store_failed(const struct store *s)
{
	return s->failed;
}

/* ---- checkpoints and removals ------------------------------------------- */

void
store_remove_later(struct store *s, const char *path, bool is_dir)
{
	size_t n = strlen(path);
	struct removal *r;

	if (s->o.ephemeral) {
		(is_dir ? keeper_remove_dir : keeper_unlink)(s->keeper, path);
		return;
	}
	r = xcalloc(1, sizeof(*r) + n + 1);
	memcpy(r->path, path, n);
	r->is_dir = is_dir;
	r->after = s->checkpoints;
	list_append(&s->removals, &r->node);
	if (!s->durable)
		s->checkpoint_due = true;
}

/* The checkpoint that ended was the number s->checkpoints. */
static void
remove_now(struct store *s)
{
	while (!list_is_empty(&s->removals)) {
		struct removal *r = container_of(s->removals.next, struct removal,
			node);

		if (r->after >= s->checkpoints)
			break;
		(r->is_dir ? keeper_remove_dir : keeper_unlink)(s->keeper, r->path);
		list_remove(&r->node);
		free(r);
	}
}

static void
begin_checkpoint(struct store *s)
{
	s->checkpoints++;
	s->checkpointing = true;
	s->checkpoint_due = false;
	s->direct_bytes = 0;
	s->dirty_since = -1;
	keeper_checkpoint(s->keeper, checkpoint_job_new(s));
}

static void
end_checkpoint(struct store *s, struct checkpoint_job *job)
{
	s->checkpointing = false;
	if (job->lost) {
		fail(s, "cannot sync segments", job->lost);
		checkpoint_job_end(s, job);
		fail_commits(s);
		return;
	}
	if (job->error.code) {
		store_report(s, true, "%s: tried again in %d s", job->error.msg,
			RETRY_MS / 1000);
		s->checkpoint_due = true;
		s->checkpoint_retry = clock_mono_ms(s->o.clock) + RETRY_MS;
	} else {
		if (s->wal)
			atomic_store(&s->wal->released, job->covered);
		remove_now(s);
	}
	checkpoint_job_end(s, job);
}

static void
checkpoint_if_due(struct store *s)
{
	int64_t now;

	if (s->o.ephemeral || s->checkpointing || s->failed || !s->started)
		return;
	now = clock_mono_ms(s->o.clock);
	if (s->durable && s->dirty_since >= 0 && now - s->dirty_since >= CHECKPOINT_MS)
		s->checkpoint_due = true;
	if (s->checkpoint_due && now >= s->checkpoint_retry)
		begin_checkpoint(s);
}

/* ---- the loop's turns --------------------------------------------------- */

void
store_poll(struct store *s)
{
	struct checkpoint_job *job;

	if (s->committer)
		poll_commits(s);
	while ((job = keeper_done(s->keeper)))
		end_checkpoint(s, job);
	if (s->checkpoint_due)
		checkpoint_if_due(s);
	while (!list_is_empty(&s->moved)) {
		struct partlog *l = container_of(s->moved.next, struct partlog, moved);

		list_remove(&l->moved);
		partlog_fire(l);
	}
}

void
store_flush(struct store *s)
{
	s->turn++;
	if (s->open && (s->o.fsync != FSYNC_INTERVAL ||
	    clock_mono_ms(s->o.clock) - s->flushed_at >= s->o.interval_ms))
		store_push_commit(s);
	if (!list_is_empty(&s->moved))
		store_poll(s);
}

void
store_tick(struct store *s)
{
	retention_tick(s, clock_mono_ms(s->o.clock));
	checkpoint_if_due(s);
	store_flush(s);
}

/* ---- start -------------------------------------------------------------- */

/* What meta/ appended so far, and the tails that recovery found. */
static int
first_commit(struct store *s, struct err *e)
{
	struct commit *c = commit_seal(s);
	int error;

	if (!c)
		return 0;
	commit_sync(s, c);
	error = c->error;
	s->failed = error ? KERR_KAFKA_STORAGE_ERROR : 0;
	end_commit(s, c);
	errno = error;
	return error ? err_errno(e, ERR_IO, "cannot make data durable in '%s'",
		s->dir) : 0;
}

/* From here on the directory is not as the last checkpoint says. */
static int
unmark_clean(struct store *s, struct err *e)
{
	char path[DIR_MAX + 16];

	if (s->fs->unlink(s->fs, clean_path(s, path)) < 0)
		return errno == ENOENT ? 0 :
			err_errno(e, ERR_IO, "cannot remove '%s'", path);
	/* The first commit syncs the directory, where there are any. */
	return !s->durable && s->fs->fsync(s->fs, s->dir_fd) < 0 ?
		err_errno(e, ERR_IO, "cannot sync '%s'", s->dir) : 0;
}

static void
checkpoint_now(struct store *s)
{
	begin_checkpoint(s);
	end_checkpoint(s, keeper_done(s->keeper));
}

int
store_start(struct store *s, struct err *e)
{
	bool had_wal = s->wal && !s->durable && !s->was_clean;

	if (!s->o.ephemeral) {
		if (unmark_clean(s, e) < 0 || first_commit(s, e) < 0)
			return -1;
		recovery_close(s);
	}
	/* Nothing will be added to the WAL, and nothing may be read from it again. */
	if (had_wal)
		checkpoint_now(s);
	if (s->failed)
		return err_set(e, ERR_IO, "cannot write to '%s'", s->dir);
	if (keeper_start(s->keeper, e) < 0)
		return -1;
	if (s->durable && !(s->committer = committer_start(s)))
		return err_set(e, ERR_FAILED, "cannot start a thread");
	s->started = true;
	return 0;
}

void
store_detach(struct store *s, struct partlog *l)
{
	l->detached = true;
	if (l->on_disk && !partlog_bury(l, &l->id))
		store_remove_later(s, partlog_grave(s, &l->id, l->partition), true);
	list_remove(&l->dirty);
	list_remove(&l->moved);
	list_remove(&l->node);
	if (l->entry) {
		list_append(&s->removed, &l->entry->removed);
		l->entry = NULL;
	}
	partlog_fire(l);
	while (l->segments_n) {
		struct segment *g = l->segments[--l->segments_n];

		g->gone = true;
		if (!g->file.refs)
			segment_free(g);
	}
	l->end = l->hw = l->start = 0;
	if (s->dirty_since < 0)
		s->dirty_since = clock_mono_ms(s->o.clock);
	if (!l->pending)
		partlog_free(l);
}

/* ---- close -------------------------------------------------------------- */

static void
mark_clean(struct store *s)
{
	char path[DIR_MAX + 16];
	int fd = s->fs->open(s->fs, clean_path(s, path), O_WRONLY | O_CREAT);

	if (fd >= 0)
		s->fs->close(s->fs, fd);
}

/* Complete indexes and no reserved blocks: as Kafka leaves its files. */
static void
tidy_segments(struct store *s)
{
	for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
		struct partlog *l = container_of(i, struct partlog, node);
		struct segment *g = partlog_active(l);

		if (g && g->dirty)
			segment_tidy(g);
	}
}

static void
stop(struct store *s)
{
	struct checkpoint_job *job;

	store_push_commit(s);
	if (s->committer) {
		committer_stop(s->committer);
		poll_commits(s);
		committer_free(s->committer);
		s->committer = NULL;
	}
	keeper_stop(s->keeper);
	while ((job = keeper_done(s->keeper)))
		end_checkpoint(s, job);
	if (s->o.ephemeral || s->failed)
		return;
	tidy_segments(s);
	if (s->wal)
		s->epoch = s->wal->epoch;
	checkpoint_now(s);
	if (!s->failed && !s->checkpoint_due)
		mark_clean(s);
}

static void
free_entry(struct checkpoint_entry *en)
{
	/* The keeper frees those that it has. */
	if (en && list_is_empty(&en->node))
		free(en);
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	if (s->started)
		stop(s);
	if (s->open)
		end_commit(s, commit_seal(s));
	while (!list_is_empty(&s->logs)) {
		struct partlog *l = container_of(s->logs.next, struct partlog, node);

		free_entry(l->entry);
		partlog_free(l);
	}
	while (!list_is_empty(&s->removed)) {
		struct checkpoint_entry *en = container_of(s->removed.next,
			struct checkpoint_entry, removed);

		list_remove(&en->removed);
		free_entry(en);
	}
	while (!list_is_empty(&s->removals)) {
		struct removal *r = container_of(s->removals.next, struct removal,
			node);

		list_remove(&r->node);
		free(r);
	}
	recovery_free(s);
	wal_close(s->wal);
	keeper_free(s->keeper);
	commit_free(s->spare);
	if (s->lock_fd >= 0)
		s->fs->close(s->fs, s->lock_fd);
	if (s->dir_fd >= 0)
		s->fs->close(s->fs, s->dir_fd);
	buf_release(&s->path);
	buf_release(&s->unpacked);
	buf_release(&s->repacked);
	free(s->dir);
	free(s);
}
