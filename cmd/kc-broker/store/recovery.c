/*
 * recovery.c - a start, which is the same after a crash as after a clean
 * end, but for how much there is to read.
 *
 * For every log the checkpoint says up to where it was durable. From there
 * on the WAL's frames are written again where they were; between two frames
 * lie batches that were synced directly, behind the last one those that
 * were not acknowledged as durable, or were synced directly, too. They stay
 * as long as they are intact and follow each other; there the log is cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "store/recovery.h"
#include "store/state.h"

struct recovery {
	struct buf checkpoint;
	struct map logs;           /* struct recovered by key */
	struct replay_input input;
	bool has_frames;
	bool has_checkpoint;
};

/* ---- what is known ------------------------------------------------------ */

static void
make_key(const struct uuid *id, int32_t partition, uint8_t key[CHECKPOINT_KEY])
{
	memcpy(key, id->b, 16);
	be32_put(key + 16, (uint32_t)partition);
}

static struct recovered *
find_or_add(struct recovery *r, const uint8_t key[CHECKPOINT_KEY])
{
	struct recovered *x = map_get(&r->logs, slice_make(key, CHECKPOINT_KEY));

	if (x)
		return x;
	x = xcalloc(1, sizeof(*x));
	memcpy(x->key, key, CHECKPOINT_KEY);
	map_put(&r->logs, slice_make(x->key, CHECKPOINT_KEY), x);
	return x;
}

static void
on_entry(void *arg, struct slice entry)
{
	find_or_add(arg, entry.data)->entry = entry;
}

static void
on_frame(void *arg, const struct wal_frame *f)
{
	struct recovery *r = arg;
	uint8_t key[CHECKPOINT_KEY];
	struct recovered *x;

	make_key(&f->topic_id, f->partition, key);
	x = find_or_add(r, key);
	if (x->frames_n == x->frames_cap) {
		x->frames_cap = x->frames_cap ? x->frames_cap * 2 : 4;
		x->frames = xreallocarray(x->frames, (size_t)x->frames_cap,
			sizeof(*x->frames));
	}
	x->frames[x->frames_n++] = *f;
	r->has_frames = true;
}

/* 1, 0 when there is none. */
static int
read_checkpoint(struct store *s, struct checkpoint_head *head, struct err *e)
{
	struct recovery *r = s->recovery;
	struct err why = ERR_INIT;
	int got;

	got = checkpoint_read(s->fs, s->dir, &r->checkpoint, head, on_entry, r,
		&why);
	if (got >= 0)
		return got;
	if (why.code != ERR_CORRUPT || !s->o.repair) {
		*e = why;
		return -1;
	}
	store_report(s, true, "%s", why.msg);
	return 0;
}

/*
 * The first checkpoint is older than the first commit: a WAL with content
 * and none beside it is half of a data directory. It is not synced yet; the
 * first commit does that.
 */
static int
first_checkpoint(struct store *s, struct err *e)
{
	const struct checkpoint_head head = { .nonce = s->nonce, .end.file = -1 };
	struct list none;

	if (wal_is_used(s->wal) && !s->o.repair)
		return err_set(e, ERR_CORRUPT, "'%s/checkpoint' is missing (restore "
			"it, or start with --repair to read every log from its "
			"start)", s->dir);
	list_init(&none);
	return checkpoint_write(s->fs, s->dir, &head, &none, false, e);
}

/* The checkpoint's; without one that of the frames, or else a new one. */
static void
choose_nonce(struct store *s, uint64_t known)
{
	struct uuid random = uuid_random();

	if (!known && s->wal)
		known = wal_find_nonce(s->wal);
	if (!known)
		memcpy(&known, random.b, sizeof(known));
	s->nonce = known;
	if (s->wal)
		s->wal->nonce = known;
}

static int
read_wal(struct store *s, const struct checkpoint_head *head, uint64_t *newest,
	struct err *e)
{
	struct wal *w = s->wal;

	w->epoch = wal_epoch_above(head->epoch);
	if (!s->was_clean && wal_read(w, head->covered, &head->end, head->epoch,
			s->o.repair, on_frame, s->recovery, newest, e) < 0)
		return -1;
	if (s->suspect && wal_rewrite_newest(w) < 0)
		return err_errno(e, ERR_IO, "cannot write the write-ahead log");
	s->epoch = w->epoch;
	s->wal_end = wal_place(w);
	atomic_store(&w->released, head->covered);
	return 0;
}

/*
 * Its names were on disk before the first commit was: where a checkpoint has
 * seen one, a log that is not there has been taken away, and after a crash
 * nobody knows what was in it.
 */
static int
open_wal(struct store *s, const struct checkpoint_head *head, struct err *e)
{
	bool needed = head->covered && !s->was_clean && !s->o.repair;

	if (wal_open(&s->wal, s->fs, s->dir, s->o.wal_bytes, s->durable && !needed,
			s->was_clean, e) < 0)
		return -1;
	return s->wal || !needed ? 0 : err_set(e, ERR_CORRUPT, "the write-ahead "
		"log '%s/wal' is missing (restore it, or start with --repair to go "
		"on without it)", s->dir);
}

int
recovery_open(struct store *s, struct err *e)
{
	struct checkpoint_head head = { .end.file = -1 };
	uint64_t newest = 0;
	int got;

	s->recovery = xcalloc(1, sizeof(*s->recovery));
	if ((got = read_checkpoint(s, &head, e)) < 0)
		return -1;
	s->epoch = head.epoch;
	s->recovery->has_checkpoint = got > 0;
	s->was_clean &= got > 0;
	if (open_wal(s, &head, e) < 0)
		return -1;
	/* Its sync may be the one that failed: then the kernel takes it for
	 * written, and the first commit's would succeed without it. */
	if (s->suspect && got && checkpoint_replace(s->fs, s->dir,
			&s->recovery->checkpoint, true, e) < 0)
		return -1;
	choose_nonce(s, head.nonce);
	if (s->wal && ((!got && first_checkpoint(s, e) < 0) ||
	    read_wal(s, &head, &newest, e) < 0))
		return -1;
	s->committed = newest > head.covered ? newest : head.covered;
	s->next_seq = s->committed + 1;
	return 0;
}

/* ---- whose directory is it ---------------------------------------------- */

/*
 * Makes sure that the directory of this name, if there is one, is this
 * topic's: an earlier or later topic of the name may have left its own.
 */
static int
claim_directory(struct partlog *l, bool known, struct err *e)
{
	struct store *s = l->store;
	const struct fs *fs = s->fs;
	struct uuid owner = l->id;
	bool there = !partlog_owner(l, &owner);
	char *path;

	/* Without its owner's name it is ours if we are known to have one, and
	 * that one was not moved away by a deletion. */
	if (!there && (there = fs->size_of(fs, partlog_path(l, NULL)) >= 0) &&
	    (!known || fs->size_of(fs, partlog_grave(s, &l->id, l->partition)) >= 0))
		owner = uuid_random();
	if (there && !uuid_eq(&owner, &l->id)) {
		if (partlog_bury(l, &owner) < 0)
			return err_errno(e, ERR_IO, "cannot rename '%s'",
				partlog_path(l, NULL));
		there = false;
	}
	if (!there) {
		/* Its deletion was begun, but is not in the metadata log. */
		path = xstrdup(partlog_path(l, NULL));
		there = !fs->rename(fs, partlog_grave(s, &l->id, l->partition), path);
		free(path);
	}
	l->on_disk = there;
	return 0;
}

/* ---- what is in it ------------------------------------------------------ */

struct contents {
	int64_t newest;    /* as in struct replay_input */
	bool has_leftover; /* of the cleaner */
};

static int
note_file(void *arg, const char *name)
{
	struct contents *x = arg;
	int64_t base = segment_base(name, NULL);

	x->has_leftover |= cleaner_is_leftover(name);
	if (base > x->newest)
		x->newest = base;
	return 0;
}

/* Ends what the cleaner was at, and says what is there then. */
static int
look_into_directory(struct partlog *l, int64_t *newest, struct err *e)
{
	const struct fs *fs = l->store->fs;
	struct contents x = { .newest = -1 };

	if (fs->list(fs, partlog_path(l, NULL), note_file, &x) < 0)
		return err_errno(e, ERR_IO, "cannot list '%s'", partlog_path(l, NULL));
	*newest = x.newest;
	return x.has_leftover ? cleaner_recover(l, e) : 0;
}

/* ---- one log ------------------------------------------------------------ */

static void
adopt(struct partlog *l, const struct checkpoint_log *c)
{
	struct slice producers = c->producers;
	struct segment *g;

	l->start = c->start;
	l->end = c->end;
	l->older_bytes = c->older_bytes;
	l->older_n = c->segments > 0 ? c->segments - 1 : 0;
	l->older_aborted = c->older_aborted;
	l->older_start = c->older_start;
	l->listed = !l->older_n;
	l->on_disk = c->active >= 0;
	if (producers_load(&l->producers, &producers) < 0)
		producers_clear(&l->producers);
	if (c->active < 0)
		return;
	g = segment_new(l, c->active);
	g->size = c->position;
	g->begun = partlog_begun(l);
	g->named = true;
	g->since_entry = c->since_entry;
	g->first_timestamp = c->first_timestamp;
	g->max_timestamp = c->max_timestamp;
	g->max_timestamp_offset = c->max_timestamp_offset;
	segment_adopt_indexes(g, c->offsets, c->times);
	aborted_adopt(&g->aborted, c->aborted);
	partlog_push(l, g);
}

/* Is the active segment exactly as the checkpoint says, and the last one? */
static bool
is_unchanged(struct partlog *l, int64_t newest)
{
	const struct fs *fs = l->store->fs;
	struct segment *g = partlog_active(l);
	char name[SEGMENT_NAME + 1];

	if (!g)
		return l->store->was_clean;
	snprintf(name, sizeof(name), "%020" PRId64 ".log", g->base);
	return newest <= g->base && fs->size_of(fs, partlog_path(l, name)) == g->size;
}

static void
forget(struct partlog *l)
{
	while (l->segments_n)
		segment_free(l->segments[--l->segments_n]);
	producers_clear(&l->producers);
	l->older_bytes = 0;
	l->older_n = 0;
	l->older_aborted = 0;
	l->listed = true;
	l->end = l->start;
}

/* ---- are the older segments there? ---------------------------------------- */

struct chain {
	int64_t below, *bases;
	int n, cap;
};

static int
add_base(void *arg, const char *name)
{
	struct chain *x = arg;
	int64_t base = segment_base(name, ".log");

	if (base < 0 || base >= x->below)
		return 0;
	if (x->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 16;
		x->bases = xreallocarray(x->bases, (size_t)x->cap, sizeof(*x->bases));
	}
	x->bases[x->n++] = base;
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* First offset behind a segment that is whole: its headers are read. */
static int64_t
end_of_segment(struct partlog *l, int64_t base)
{
	struct segment *g = segment_new(l, base);
	uint8_t window[WALK_WINDOW];
	struct batch b;
	struct walk w;

	segment_stat(g);
	if (segment_open(g, false) < 0)
		g->size = 0;
	walk_init(&w, g, 0, g->size, window);
	while (walk_next(&w, &b) == 1)
		;
	segment_free(g);
	return w.offset;
}

/*
 * As many segments as the checkpoint counted must be there, and the log's
 * start in the first of them; their contents are looked at when they are
 * read. Compaction leaves gaps and merges files, so that its logs are not
 * asked.
 */
static int
check_chain(struct partlog *l, struct err *e)
{
	struct store *s = l->store;
	struct chain x = { .below = l->segments[0]->base };
	int64_t from = -1, to = -1;
	int r = 0;

	s->fs->list(s->fs, partlog_path(l, NULL), add_base, &x);
	if (x.n)
		qsort(x.bases, (size_t)x.n, sizeof(*x.bases), by_value);
	if (x.n < l->older_n || !x.n || x.bases[0] > l->start) {
		from = l->start;
		to = x.n ? x.bases[0] : x.below;
		for (int i = 0; i < x.n && to <= from; i++) {
			from = end_of_segment(l, x.bases[i]);
			to = i + 1 < x.n ? x.bases[i + 1] : x.below;
		}
	}
	free(x.bases);
	if (to <= from)
		return 0;
	r = err_set(e, ERR_CORRUPT, "'%s' has lost a segment: offsets %" PRId64
		" to %" PRId64 " were acknowledged as durable and are missing "
		"(restore the file, or start with --repair to go on without them)",
		partlog_path(l, NULL), from, to - 1);
	if (!s->o.repair)
		return r;
	store_report(s, true, "%s", e->msg);
	l->older_n = x.n;
	return 0;
}

/* ---- one log, from begin to end ------------------------------------------- */

static int
bring_up(struct partlog *l, const struct recovered *k, bool known, struct err *e)
{
	struct store *s = l->store;
	struct replay_input *in = &s->recovery->input;
	struct segment *g;
	int r;

	if (known && l->older_n && !l->config.compact && check_chain(l, e) < 0)
		return -1;
	if (known ? !k->frames_n && is_unchanged(l, in->newest) : s->was_clean) {
		g = partlog_active(l);
		partlog_set_hw(l, l->end, g ? g->base : -1, g ? g->size : 0);
		return 0;
	}
	/* Only what a checkpoint knows of is ever compacted. */
	r = replay_log(l, k, known, !known && l->config.compact &&
		!s->recovery->has_checkpoint, in, e);
	if (r < 0 && e->code == ERR_CORRUPT && s->o.repair) {
		store_report(s, true, "%s", e->msg);
		forget(l);
		r = replay_log(l, NULL, false, l->config.compact, in, e);
	}
	return r;
}

int
recovery_attach(struct partlog *l, struct err *e)
{
	struct store *s = l->store;
	uint8_t key[CHECKPOINT_KEY];
	struct checkpoint_log c;
	struct recovered *k;
	bool known;

	make_key(&l->id, l->partition, key);
	k = map_get(&s->recovery->logs, slice_make(key, sizeof(key)));
	known = k && k->entry.data && !checkpoint_get(k->entry, &c);
	if (known)
		adopt(l, &c);
	s->recovery->input.newest = -1;
	if ((!s->was_clean && claim_directory(l, known, e) < 0) ||
	    (!s->was_clean && l->on_disk &&
	     look_into_directory(l, &s->recovery->input.newest, e) < 0) ||
	    bring_up(l, k, known, e) < 0)
		return -1;
	if (l->start > l->end)
		l->start = l->end;
	/* The first checkpoint of this run lists every log. */
	if (list_is_empty(&l->dirty))
		list_append(&s->dirty, &l->dirty);
	return 0;
}

/* ---- what nobody claimed ------------------------------------------------ */

struct leftovers {
	struct store *s;
	struct map attached; /* directory names */
};

/*
 * The metadata log may tell of a deletion that is not on disk yet: what was
 * deleted goes once a checkpoint knows of it, and can be taken back till then.
 */
static void
remove_dir_later(struct store *s, const char *path)
{
	turn_remove_later(s, path, true);
	s->checkpoint_due = true;
}

static bool
is_log_dir(const char *name)
{
	const char *dash = strrchr(name, '-');
	struct err e = ERR_INIT;
	int64_t n;

	return dash && dash > name &&
		!num_int(slice_str(dash + 1), 0, INT32_MAX, &n, &e);
}

static int
remove_leftover(void *arg, const char *name)
{
	struct leftovers *x = arg;
	struct store *s = x->s;
	struct err e = ERR_INIT;
	size_t n = strlen(name);
	int64_t partition = 0;
	struct uuid owner;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	if (n > 7 && !strcmp(name + n - 7, "-delete")) {
		remove_dir_later(s, path);
		return 0;
	}
	if (!is_log_dir(name) || map_get(&x->attached, slice_str(name)))
		return 0;
	snprintf(path, sizeof(path), "%s/%s/partition.metadata", s->dir, name);
	/* Only what is surely ours; and a broker that knows no topics at all
	 * may have been given the wrong metadata log. */
	if (store_read_owner(s->fs, path, &owner) < 0 || !partlog_end(s->metadata)) {
		store_report(s, true, "'%s/%s' belongs to no topic: left alone",
			s->dir, name);
		return 0;
	}
	path[strlen(path) - strlen("/partition.metadata")] = '\0';
	if (s->o.repair) {
		/* What was cut off the metadata log may have told of it. */
		store_report(s, true, "'%s' belongs to no topic: left alone", path);
		return 0;
	}
	store_report(s, false, "removing '%s', which belongs to a deleted topic", path);
	num_int(slice_str(strrchr(name, '-') + 1), 0, INT32_MAX, &partition, &e);
	if (s->fs->rename(s->fs, path, partlog_grave(s, &owner, (int32_t)partition)) < 0)
		store_report(s, true, "cannot rename '%s': %s", path, strerror(errno));
	else
		remove_dir_later(s, partlog_grave(s, &owner, (int32_t)partition));
	return 0;
}

void
recovery_close(struct store *s)
{
	struct leftovers x = { .s = s };
	size_t prefix = strlen(s->dir) + 1;
	char *name;

	if (!s->was_clean) {
		for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
			name = xstrdup(partlog_path(container_of(i, struct partlog,
				node), NULL) + prefix);
			map_put(&x.attached, slice_str(name), name);
		}
		s->fs->list(s->fs, s->dir, remove_leftover, &x);
		for (size_t i = 0; (name = map_next(&x.attached, &i)); )
			free(name);
		map_release(&x.attached);
		s->checkpoint_due = s->recovery->has_frames || s->checkpoint_due;
	}
	recovery_free(s);
}

void
recovery_free(struct store *s)
{
	struct recovery *r = s->recovery;
	struct recovered *k;

	if (!r)
		return;
	for (size_t i = 0; (k = map_next(&r->logs, &i)); ) {
		free(k->frames);
		free(k);
	}
	map_release(&r->logs);
	buf_release(&r->checkpoint);
	buf_release(&r->input.bytes);
	buf_release(&r->input.frame);
	free(r);
	s->recovery = NULL;
}
