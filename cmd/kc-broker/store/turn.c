/*
 * turn.c - what the store does in a turn of the loop: commits that ended
 * become visible, the open one is handed over, checkpoints begin and end,
 * and files go that no checkpoint needs any more.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"
#include "wire/errors.h"

enum {
	CHECKPOINT_MS = 5000,  /* after the first change */
	RETRY_MS = 5000,       /* after a checkpoint that failed */
	COMMITS_SPARE = 4,
	/* Bytes since the last checkpoint began: a start may have to go over them,
	 * and over what was appended until that one's end. */
	REPLAY_MAX = 16 << 20,
};

/* A file or directory that a checkpoint still needs. */
struct removal {
	struct list node;
	uint64_t after; /* checkpoints begun when it was asked for */
	int64_t due;    /* mono ms before which it stays */
	bool is_dir;
	char path[];
};

/* ---- commits ------------------------------------------------------------ */

void
turn_push_commit(struct store *s)
{
	struct commit *c;

	if (!s->committer || !s->open)
		return;
	c = commit_seal(s);
	committer_push(s->committer, c);
	s->flushed_at = clock_mono_ms(s->o.clock);
}

void
turn_force(struct store *s)
{
	if (s->committer)
		turn_push_commit(s);
	else if (!s->o.ephemeral)
		s->checkpoint_due = true; /* it syncs what was written */
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
		segment_let_go(g);
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
		partlog_set_hw(l, r->end_offset, r->segment->base,
			r->pos + r->len);
		partlog_moved(l);
	}
}

static void
note_commit(struct store *s, const struct commit *c)
{
	struct store_stats *t = &s->stats;
	int i = 0;

	if (!c->sync_us)
		return;
	while (i < STORE_SYNC_STEPS && c->sync_us > store_sync_steps[i])
		i++;
	t->sync_counts[i]++;
	t->commits++;
	t->sync_us += c->sync_us;
	t->commit_bytes += c->bytes;
	t->direct_bytes += c->direct_bytes;
	t->wal_used = c->wal_used;
}

void
turn_end_commit(struct store *s, struct commit *c)
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
		note_commit(s, c);
		s->committed = c->seq;
		s->wal_end = c->wal_end;
		s->replay_bytes += c->bytes;
		s->checkpoint_due |= c->wal_due || s->replay_bytes >= REPLAY_MAX;
	}
	commit_clear(c);
	if (s->spares_n == COMMITS_SPARE) {
		commit_free(c);
		return;
	}
	list_append(&s->spares, &c->node);
	s->spares_n++;
}

void
turn_free_spares(struct store *s, int keep)
{
	while (s->spares_n > keep) {
		struct commit *c = container_of(s->spares.next, struct commit, node);

		list_remove(&c->node);
		s->spares_n--;
		commit_free(c);
	}
	s->spares_low = s->spares_n;
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
	s->suspect = true;
	errno = error;
	err_errno(&s->failure, ERR_IO, "%s in '%s'", what, s->dir);
	if (!s->ending)
		store_report(s, true, "%s: no more appends are taken, reading goes "
			"on (mend the disk and restart)", s->failure.msg);
}

/* All that is not durable now has failed; the thread may still hold some of it. */
static void
fail_commits(struct store *s)
{
	uint64_t newest = commit_newest(s);
	struct commit *c = commit_seal(s);

	if (c)
		turn_end_commit(s, c);
	s->committed = newest;
	if (s->o.committed)
		s->o.committed(s->o.committed_arg, newest, s->failed);
}

/* The WAL had no room for a log start: a checkpoint from now on has it. */
static bool
is_held(struct store *s, struct commit *c)
{
	if (!c->unlogged || c->error || s->failed)
		return false;
	if (!c->held_for) {
		c->held_for = s->checkpoints + 1;
		s->checkpoint_due = true;
	}
	return s->checkpoints_done < c->held_for;
}

void
turn_poll_commits(struct store *s)
{
	uint64_t before = s->committed;
	bool failed = false;

	if (s->committer)
		committer_done(s->committer, &s->ended);
	while (!list_is_empty(&s->ended)) {
		struct commit *c = container_of(s->ended.next, struct commit, node);

		if (is_held(s, c))
			break;
		list_remove(&c->node);
		if (c->error && !s->failed) {
			fail(s, "cannot make data durable", c->error);
			failed = true;
		}
		turn_end_commit(s, c);
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

const int64_t store_sync_steps[STORE_SYNC_STEPS] = { 100, 250, 500, 1000, 2500,
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000 };

const struct store_stats *
store_stats(struct store *s)
{
	s->stats.wal_size = s->wal ? wal_size(s->wal) : 0;
	s->stats.cleaning = cleaner_is_busy(s->cleaner);
	return &s->stats;
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

static void
add_removal(struct store *s, const char *path, bool is_dir, int64_t due)
{
	size_t n = strlen(path);
	struct removal *r = xcalloc(1, sizeof(*r) + n + 1);

	memcpy(r->path, path, n);
	r->is_dir = is_dir;
	r->after = s->checkpoints;
	r->due = due;
	list_append(&s->removals, &r->node);
	if (!s->durable)
		s->checkpoint_due = true;
}

void
turn_remove_later(struct store *s, const char *path, bool is_dir)
{
	if (s->o.ephemeral)
		(is_dir ? keeper_remove_dir : keeper_unlink)(s->keeper, path);
	else
		add_removal(s, path, is_dir, 0);
}

void
turn_remove_after(struct store *s, const char *path, int64_t ms)
{
	int64_t now = clock_mono_ms(s->o.clock);

	add_removal(s, path, false, ms < INT64_MAX - now ? now + ms : INT64_MAX - 1);
}

void
turn_forget_below(struct store *s, const char *dir)
{
	struct list *i, *next;
	size_t n = strlen(dir);

	for (i = s->removals.next; i != &s->removals; i = next) {
		struct removal *r = container_of(i, struct removal, node);

		next = i->next;
		if (!strncmp(r->path, dir, n) && r->path[n] == '/') {
			list_remove(&r->node);
			free(r);
		}
	}
	keeper_forget_below(s->keeper, dir);
}

void
turn_forget_removals(struct store *s)
{
	while (!list_is_empty(&s->removals)) {
		struct removal *r = container_of(s->removals.next, struct removal,
			node);

		list_remove(&r->node);
		free(r);
	}
}

/* What no checkpoint needs any more, and whose time has come (INT64_MAX: all). */
static void
remove_due(struct store *s, int64_t now)
{
	struct list *i, *next;

	for (i = s->removals.next; i != &s->removals; i = next) {
		struct removal *r = container_of(i, struct removal, node);

		next = i->next;
		if ((!s->o.ephemeral && r->after >= s->checkpoints_done) ||
		    r->due > now)
			continue;
		(r->is_dir ? keeper_remove_dir : keeper_unlink)(s->keeper, r->path);
		list_remove(&r->node);
		free(r);
	}
}

void
turn_end_removals(struct store *s)
{
	remove_due(s, INT64_MAX);
}

static void
begin_checkpoint(struct store *s)
{
	s->checkpoints++;
	s->checkpointing = true;
	s->checkpoint_due = false;
	s->replay_bytes = 0;
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
		s->failure = job->error;
		if (!s->ending)
			store_report(s, true, "%s: tried again in %d s",
				job->error.msg, RETRY_MS / 1000);
		s->checkpoint_due = true;
		s->checkpoint_retry = clock_mono_ms(s->o.clock) + RETRY_MS;
	} else {
		s->checkpoints_done = s->checkpoints;
		s->stats.checkpoints++;
		s->stats.checkpoint_at = clock_wall_ms(s->o.clock);
		/* All that the start wrote again is on disk. */
		if (s->suspect && !s->failed) {
			s->suspect = false;
			store_sign(s);
		}
		if (s->wal)
			atomic_store(&s->wal->released, job->head.covered);
		remove_due(s, clock_mono_ms(s->o.clock));
	}
	checkpoint_job_end(s, job);
	turn_poll_commits(s);
}

void
turn_end_checkpoints(struct store *s)
{
	struct checkpoint_job *job;

	while ((job = keeper_done(s->keeper)))
		end_checkpoint(s, job);
}

void
turn_checkpoint(struct store *s)
{
	begin_checkpoint(s);
	turn_end_checkpoints(s);
}

/*
 * A log was deleted, and that is not durable yet: a power cut can bring it
 * back, and a checkpoint without it would have released what it has in the
 * WAL. Commits that wait for a checkpoint themselves do not count.
 */
static bool
is_undecided(const struct store *s)
{
	return s->durable && s->committed < s->detached_with && list_is_empty(&s->ended);
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
	if (s->checkpoint_due && now >= s->checkpoint_retry && !is_undecided(s))
		begin_checkpoint(s);
}

static void
tell_reservation(struct store *s)
{
	int error = keeper_reserved(s->keeper);

	if (error)
		store_report(s, true, "cannot reserve %lld bytes for the write-ahead "
			"log in '%s': %s: appends are refused once it has no room "
			"(make room, or choose a smaller --wal-size)",
			(long long)wal_size(s->wal), s->dir, strerror(error));
}

/* ---- the loop's turns --------------------------------------------------- */

void
store_poll(struct store *s)
{
	turn_poll_commits(s);
	turn_end_checkpoints(s);
	tell_reservation(s);
	cleaner_poll(s->cleaner);
	reindex_poll(s->reindex);
	lost_index_poll(s);
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
		turn_push_commit(s);
	if (!list_is_empty(&s->moved))
		store_poll(s);
}

void
store_tick(struct store *s)
{
	int64_t now = clock_mono_ms(s->o.clock);

	if (!s->failed)
		retention_tick(s, now);
	cleaner_tick(s->cleaner, now);
	remove_due(s, now);
	/* Those that were not needed since the last tick go back. */
	turn_free_spares(s, s->spares_n - s->spares_low);
	checkpoint_if_due(s);
	store_flush(s);
}

