#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/recovery.h"
#include "store/state.h"
#include "wire/errors.h"

enum {
	DIR_MAX = 3072,             /* characters; file names come behind */
	COMPLAIN_MS = 10 * 1000,
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

enum {
	LOCK_TEXT = 32,
	LOCK_PAUSE_MS = 5,
	LOCK_WAIT_MS = 10000, /* for a killed process to be gone */
};

/* ".lock": whose directory it is, and whether a sync has failed in it. */
void
store_sign(struct store *s)
{
	char text[LOCK_TEXT + 1];
	bool failed;

	if (s->lock_fd < 0)
		return;
	do {
		failed = atomic_load(&s->sync_failed);
		snprintf(text, sizeof(text), "%-11d %-19s\n", (int)getpid(),
			failed || s->suspect ? "sync-failed" : "");
		/* Of the same length always: a full disk cannot refuse a failure. */
		fs_write_all(s->fs, s->lock_fd, text, LOCK_TEXT, 0);
	} while (failed != atomic_load(&s->sync_failed));
}

void
store_sync_failed(struct store *s)
{
	if (!atomic_exchange(&s->sync_failed, true))
		store_sign(s);
}

void
store_sync_begin(struct store *s)
{
	pthread_mutex_lock(&s->syncing);
}

int
store_sync_end(struct store *s, int result)
{
	int error = errno;

	if (result < 0)
		store_sync_failed(s);
	pthread_mutex_unlock(&s->syncing);
	errno = error;
	return result;
}

/*
 * A killed process keeps its lock until the last of its threads has come
 * back from the disk; until then its first one waits for the disk, too, or
 * is a zombie.
 */
static bool
is_ending(const char *pid)
{
	char path[LOCK_TEXT + 16], stat[512], *state;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, stat, sizeof(stat) - 1);
		close(fd);
	}
	stat[n > 0 ? n : 0] = '\0';
	state = strrchr(stat, ')');
	return state && state[1] && strchr("DXZ", state[2]);
}

/* 0, or the errno. text: what the file says. */
static int
take_lock(struct store *s, char text[LOCK_TEXT + 1])
{
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000 };
	char pid[LOCK_TEXT + 1];

	for (int ms = 0;; ms += LOCK_PAUSE_MS) {
		int error = s->fs->lock(s->fs, s->lock_fd) ? errno : 0;
		ssize_t n = s->fs->pread(s->fs, s->lock_fd, text, LOCK_TEXT, 0);

		text[n > 0 ? n : 0] = '\0';
		snprintf(pid, sizeof(pid), "%.*s", (int)strcspn(text, " \n"), text);
		if (error != EWOULDBLOCK || ms >= LOCK_WAIT_MS || !is_ending(pid))
			return error;
		nanosleep(&pause, NULL);
	}
}

static int
lock_dir(struct store *s, struct err *e)
{
	char path[DIR_MAX + 16], text[LOCK_TEXT + 1];
	int error;

	snprintf(path, sizeof(path), "%s/.lock", s->dir);
	s->lock_fd = s->fs->open(s->fs, path, O_RDWR | O_CREAT);
	if (s->lock_fd < 0)
		return err_errno(e, ERR_IO, "cannot open '%s'", path);
	error = take_lock(s, text);
	if (!error) {
		s->suspect = strstr(text, "sync-failed");
		store_sign(s);
		return 0;
	}
	errno = error;
	if (errno != EWOULDBLOCK)
		return err_errno(e, ERR_IO, "cannot lock '%s'", path);
	text[strcspn(text, " \n")] = '\0';
	return err_set(e, ERR_EXISTS, "the data directory '%s' is in use by process "
		"%s (stop that kc-broker, or choose another --data-dir)", s->dir,
		*text ? text : "unknown");
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
	s->wal_end.file = -1;
	s->durable = !o->ephemeral && o->fsync != FSYNC_NEVER;
	s->visible_at_once = !s->durable || o->fsync == FSYNC_INTERVAL;
	pthread_mutex_init(&s->syncing, NULL);
	list_init(&s->logs);
	list_init(&s->dirty);
	list_init(&s->moved);
	list_init(&s->removed);
	list_init(&s->removals);
	list_init(&s->ended);
	list_init(&s->spares);
	list_init(&s->open_segments);
	list_init(&s->lost_indexes);
	s->keeper = keeper_new(s);
	s->cleaner = cleaner_new(s);
	s->reindex = reindex_new(s);
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
	store_close(s, e);
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

/* ---- start -------------------------------------------------------------- */

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

/*
 * A start after a clean end looks for no segments that follow nothing: the
 * mark must not outlive the first that this run makes.
 */
int
store_unmark(struct store *s)
{
	if (!s->was_clean || s->unmarked || !s->started)
		return 0;
	s->unmarked = !s->fs->fsync(s->fs, s->dir_fd);
	return s->unmarked ? 0 : -1;
}

int
store_start(struct store *s, struct err *e)
{
	bool had_wal = s->wal && !s->durable && !s->was_clean;

	if (!s->o.ephemeral) {
		if (unmark_clean(s, e) < 0)
			return -1;
		recovery_close(s);
	}
	/* Nothing will be added to the WAL, and nothing may be read from it again. */
	if (had_wal)
		turn_checkpoint(s);
	if (s->failed)
		return err_set(e, ERR_IO, "cannot write to '%s'", s->dir);
	if (keeper_start(s->keeper, e) < 0)
		return -1;
	if (s->durable && !(s->committer = committer_start(s)))
		return err_set(e, ERR_FAILED, "cannot start a thread");
	if (s->o.cleaner && cleaner_start(s->cleaner, e) < 0)
		return -1;
	/* What meta/ appended so far, and the tails that recovery found. */
	turn_push_commit(s);
	if (s->durable)
		keeper_reserve(s->keeper);
	s->started = true;
	return 0;
}

void
store_detach(struct store *s, struct partlog *l)
{
	l->detached = true;
	s->detached_with = commit_newest(s);
	cleaner_forget(s->cleaner, l);
	reindex_forget(s->reindex, l);
	turn_forget_below(s, partlog_path(l, NULL));
	if (l->on_disk && !partlog_bury(l, &l->id))
		turn_remove_later(s, partlog_grave(s, &l->id, l->partition), true);
	list_remove(&l->dirty);
	list_remove(&l->moved);
	list_remove(&l->node);
	if (l->entry) {
		list_append(&s->removed, &l->entry->removed);
		l->entry = NULL;
	}
	partlog_fire(l);
	while (l->segments_n)
		segment_let_go(l->segments[--l->segments_n]);
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

/* By what the fsync policy promises. */
static int
say_what_is_lost(const struct store *s, struct err *e)
{
	char since[NUM_TIME_TEXT] = "the start", what[128];

	switch (s->o.fsync) {
	case FSYNC_INTERVAL:
		snprintf(what, sizeof(what), "what was acknowledged in the %d ms "
			"before that", s->o.interval_ms);
		break;
	case FSYNC_NEVER:
		if (s->stats.checkpoint_at)
			num_time_text(s->stats.checkpoint_at, since);
		snprintf(what, sizeof(what), "what was written since %s", since);
		break;
	default:
		snprintf(what, sizeof(what), "only what was not acknowledged");
	}
	return err_set(e, ERR_IO, "%s: %s may be lost (mend the disk, then start "
		"again)", s->failure.msg, what);
}

static int
stop(struct store *s, struct err *e)
{
	s->ending = true;
	turn_push_commit(s);
	cleaner_stop(s->cleaner);
	if (s->committer) {
		committer_stop(s->committer);
		turn_poll_commits(s);
		committer_free(s->committer);
		s->committer = NULL;
	}
	keeper_stop(s->keeper);
	turn_end_checkpoints(s);
	if (s->o.ephemeral)
		return 0;
	if (s->failed)
		return say_what_is_lost(s, e);
	tidy_segments(s);
	if (s->wal)
		s->epoch = s->wal->epoch;
	turn_checkpoint(s);
	turn_end_removals(s);
	if (s->failed)
		return say_what_is_lost(s, e);
	if (s->checkpoint_due)
		return err_set(e, ERR_IO, "%s: nothing is lost, but the next start "
			"takes longer", s->failure.msg);
	if (!s->half_swapped)
		mark_clean(s);
	return 0;
}

static void
free_entry(struct checkpoint_entry *en)
{
	/* The keeper frees those that it has. */
	if (en && list_is_empty(&en->node))
		free(en);
}

int
store_close(struct store *s, struct err *e)
{
	int result;

	if (!s)
		return 0;
	result = s->started ? stop(s, e) : 0;
	if (s->open)
		turn_end_commit(s, commit_seal(s));
	reindex_free(s->reindex);
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
	turn_forget_removals(s);
	recovery_free(s);
	wal_close(s->wal);
	cleaner_free(s->cleaner);
	keeper_free(s->keeper);
	turn_free_spares(s, 0);
	if (s->lock_fd >= 0)
		s->fs->close(s->fs, s->lock_fd);
	if (s->dir_fd >= 0)
		s->fs->close(s->fs, s->dir_fd);
	pthread_mutex_destroy(&s->syncing);
	buf_release(&s->path);
	buf_release(&s->unpacked);
	buf_release(&s->bad);
	buf_release(&s->repacked);
	free(s->dir);
	free(s);
	return result;
}
