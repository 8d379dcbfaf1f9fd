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
#include "store/state.h"

enum { SCAN_BUFFER = 256 << 10 }; /* bytes read at once, or one batch */

/* What checkpoint and WAL know of one log. */
struct recovered {
	uint8_t key[CHECKPOINT_KEY];
	struct slice entry;        /* of the checkpoint; data NULL = none */
	struct wal_frame *frames;  /* in the order of commits */
	int frames_n, frames_cap;
};

struct recovery {
	struct buf checkpoint;
	struct wal_view view;
	struct map logs;           /* struct recovered by key */
	bool has_frames;
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
read_checkpoint(struct store *s, uint64_t *covered, uint64_t *epoch, struct err *e)
{
	struct recovery *r = s->recovery;
	struct err why = ERR_INIT;
	int got;

	got = checkpoint_read(s->fs, s->dir, &r->checkpoint, covered, epoch,
		on_entry, r, &why);
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
	struct list none;

	if (wal_is_used(s->wal) && !s->o.repair)
		return err_set(e, ERR_CORRUPT, "'%s/checkpoint' is missing (restore "
			"it, or start with --repair to read every log from its "
			"start)", s->dir);
	list_init(&none);
	return checkpoint_write(s->fs, s->dir, 0, 0, &none, false, e);
}

int
recovery_open(struct store *s, struct err *e)
{
	struct recovery *r = s->recovery = xcalloc(1, sizeof(*r));
	uint64_t covered = 0, newest = 0;
	int got = read_checkpoint(s, &covered, &s->epoch, e);

	if (got < 0)
		return -1;
	s->was_clean &= got > 0;
	if (wal_open(&s->wal, s->fs, s->dir, s->o.wal_bytes, s->durable,
			s->was_clean, e) < 0 ||
	    (s->wal && !got && first_checkpoint(s, e) < 0))
		return -1;
	if (s->wal && s->was_clean)
		s->wal->epoch = s->epoch + 1;
	else if (s->wal && wal_read(s->wal, &r->view, covered, s->epoch,
			s->o.repair, on_frame, r, &newest, e) < 0)
		return -1;
	if (s->wal) {
		s->epoch = s->wal->epoch;
		atomic_store(&s->wal->released, covered);
	}
	s->committed = newest > covered ? newest : covered;
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
	bool there = fs->size_of(fs, partlog_path(l, NULL)) >= 0;
	char *path;

	if (there && partlog_owner(l, &owner) < 0 && !known)
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

/* ---- reading tails ------------------------------------------------------ */

/* One log on its way to its end; the segment it is in is the last one. */
struct replay {
	struct partlog *l;
	struct buf bytes;  /* of the scan */
	int64_t at;        /* their position */
	int64_t now;
};

static int
corrupt(struct replay *x, const struct segment *g, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s/%020" PRId64 ".log' %s at byte %" PRId64
		" (offset %" PRId64 "), in what was acknowledged as durable (restore "
		"the file, or start with --repair to cut the log there)",
		partlog_path(x->l, NULL), g->base, what, g->size, x->l->end);
}

static void
apply(struct replay *x, struct segment *g, const struct batch *b)
{
	segment_added(g, b, x->l->config.index_interval_bytes);
	producers_add(&x->l->producers, b, x->now);
	x->l->end = b->base_offset + b->last_offset_delta + 1;
}

static bool
is_next(const struct replay *x, const struct batch *b)
{
	return b->magic == 2 && b->size >= BATCH_HEADER &&
		b->base_offset >= x->l->end && b->last_offset_delta >= 0 &&
		b->base_offset < INT64_MAX - b->last_offset_delta;
}

/* n bytes at the segment's end, in x->bytes; NULL with errno. */
static const uint8_t *
look(struct replay *x, struct segment *g, size_t n, int64_t file_size)
{
	int64_t have = x->at + (int64_t)x->bytes.len - g->size;
	size_t want = SCAN_BUFFER;

	if (g->size >= x->at && have >= (int64_t)n)
		return x->bytes.data + (g->size - x->at);
	if (want < n)
		want = n;
	if ((int64_t)want > file_size - g->size)
		want = (size_t)(file_size - g->size);
	buf_clear(&x->bytes);
	x->at = g->size;
	if (fs_read_all(g->store->fs, g->file.fd, buf_reserve(&x->bytes, want),
			want, g->size) < 0)
		return NULL;
	x->bytes.len = want;
	return x->bytes.data;
}

/* The batch at the segment's end, if an intact one is there: 1, 0, -1 errno. */
static int
scan_one(struct replay *x, struct segment *g, int64_t file_size)
{
	int64_t left = file_size - g->size;
	const uint8_t *p;
	struct batch b;

	if (left < BATCH_HEADER)
		return 0;
	if (!(p = look(x, g, BATCH_HEADER, file_size)))
		return -1;
	batch_decode(p, &b);
	if (!is_next(x, &b) || b.size > left)
		return 0;
	if (!(p = look(x, g, (size_t)b.size, file_size)))
		return -1;
	if (!batch_crc_ok(p, &b))
		return 0;
	apply(x, g, &b);
	return 1;
}

/* Goes over what was synced directly, up to a position or an offset. */
static int
scan_until(struct replay *x, struct segment *g, int64_t pos, int64_t offset,
	struct err *e)
{
	int64_t size = g->store->fs->size(g->store->fs, g->file.fd);
	int got = 1;

	while (got == 1 && g->size < pos && x->l->end < offset)
		got = scan_one(x, g, size);
	if (got < 0)
		return err_errno(e, ERR_IO, "cannot read '%s'", partlog_path(x->l, NULL));
	return got ? 0 : corrupt(x, g, "is damaged", e);
}

/* ---- segments ----------------------------------------------------------- */

static int
cannot_open(struct replay *x, int64_t base, struct err *e)
{
	return err_errno(e, ERR_IO, "cannot open '%s/%020" PRId64 ".log'",
		partlog_path(x->l, NULL), base);
}

/* Goes on in the segment that starts at the log's end: 1, 0 = there is none. */
static int
enter_segment(struct replay *x, bool create, struct err *e)
{
	struct partlog *l = x->l;
	struct segment *old = partlog_active(l), *g;

	if (create && partlog_make_dir(l) < 0)
		return cannot_open(x, l->end, e);
	g = segment_new(l, l->end);
	/* Not O_TRUNC: what is there may be ours. */
	if (segment_open(g, false) < 0 &&
	    (errno != ENOENT || (create && segment_open(g, true) < 0))) {
		cannot_open(x, l->end, e);
		segment_free(g);
		return -1;
	}
	if (g->file.fd < 0) {
		segment_free(g);
		return 0;
	}
	if (old)
		segment_seal(old);
	g->extended = true;
	x->bytes.len = 0;
	partlog_push(l, g);
	return 1;
}

static void
mark_written(struct segment *g)
{
	g->dirty = true;
	partlog_touch(g->log);
}

/* Writes a frame's bytes again, and goes over the batches in them. */
static int
replay_frame(struct replay *x, const struct wal_frame *f, struct err *e)
{
	struct partlog *l = x->l;
	const struct fs *fs = l->store->fs;
	struct segment *g = partlog_active(l);
	const uint8_t *p, *end = f->data + f->length;
	struct batch b;

	if (!g || f->segment > g->base) {
		if (g && scan_until(x, g, INT64_MAX, f->segment, e) < 0)
			return -1;
		if (!g && l->end < f->segment && l->start == l->end)
			l->start = l->end = f->segment;
		if (l->end != f->segment)
			return err_set(e, ERR_CORRUPT, "the write-ahead log does not "
				"fit '%s' at offset %" PRId64, partlog_path(l, NULL),
				l->end);
		if (enter_segment(x, true, e) < 0)
			return -1;
		g = partlog_active(l);
	}
	if (f->position > g->size && scan_until(x, g, f->position, INT64_MAX, e) < 0)
		return -1;
	p = f->data + (g->size - f->position);
	if (f->segment != g->base || g->size < f->position || p > end)
		return corrupt(x, g, "and the write-ahead log disagree", e);
	if (segment_open(g, false) < 0 || fs_write_all(fs, g->file.fd, p,
			(size_t)(end - p), g->size) < 0)
		return cannot_open(x, g->base, e);
	for (; end - p >= BATCH_HEADER; p += b.size) {
		batch_decode(p, &b);
		if (!is_next(x, &b) || b.size > end - p)
			break;
		apply(x, g, &b);
	}
	mark_written(g);
	x->bytes.len = 0;
	return p == end ? 0 : corrupt(x, g, "and the write-ahead log disagree", e);
}

struct stale {
	struct partlog *l;
	int64_t above;
};

static int
remove_stale(void *arg, const char *name)
{
	struct stale *x = arg;
	struct store *s = x->l->store;
	struct err e = ERR_INIT;
	int64_t base;

	if (strlen(name) >= 24 && name[20] == '.' &&
	    !num_int(slice_make(name, 20), 0, INT64_MAX, &base, &e) &&
	    base > x->above) {
		store_report(s, true, "removed '%s/%s', which follows nothing",
			partlog_path(x->l, NULL), name);
		s->fs->unlink(s->fs, partlog_path(x->l, name));
	}
	return 0;
}

/* Ends the log where its last intact batch ends. */
static int
cut_tail(struct replay *x, struct segment *g, int64_t file_size, struct err *e)
{
	struct partlog *l = x->l;
	struct stale stale = { l, g->base };

	store_report(l->store, true, "cut '%s/%020" PRId64 ".log' at byte %" PRId64
		" (offset %" PRId64 "): dropped %" PRId64 " bytes that are no whole "
		"batch and were not acknowledged as durable", partlog_path(l, NULL),
		g->base, g->size, l->end, file_size - g->size);
	if (l->store->fs->ftruncate(l->store->fs, g->file.fd, g->size) < 0)
		return cannot_open(x, g->base, e);
	l->store->fs->list(l->store->fs, partlog_path(l, NULL), remove_stale, &stale);
	mark_written(g);
	return 0;
}

/*
 * What follows the part that is known to be durable. It is kept, and part of
 * the first commit, before anyone can see it.
 */
static int
scan_tail(struct replay *x, struct err *e)
{
	struct partlog *l = x->l;
	const struct fs *fs = l->store->fs;

	for (;;) {
		struct segment *g = partlog_active(l);
		int64_t file_size, pos, base = l->end;
		int got;

		if (g) {
			if (segment_open(g, false) < 0)
				return cannot_open(x, g->base, e);
			file_size = fs->size(fs, g->file.fd);
			pos = g->size;
			while ((got = scan_one(x, g, file_size)) == 1)
				;
			if (got < 0)
				return cannot_open(x, g->base, e);
			if (g->size > pos) {
				mark_written(g);
				if (l->store->durable)
					commit_note(l, g, pos, g->size - pos, base,
						l->end);
			}
			if (g->size < file_size)
				return cut_tail(x, g, file_size, e);
			if (l->end == g->base)
				return 0; /* empty: nothing follows it */
		}
		got = enter_segment(x, false, e);
		if (got <= 0)
			return got;
	}
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
	l->listed = !l->older_n;
	l->on_disk = c->active >= 0;
	if (producers_load(&l->producers, &producers) < 0)
		producers_release(&l->producers);
	if (c->active < 0)
		return;
	g = segment_new(l, c->active);
	g->size = c->position;
	g->named = true;
	g->since_entry = c->since_entry;
	g->first_timestamp = c->first_timestamp;
	g->max_timestamp = c->max_timestamp;
	g->max_timestamp_offset = c->max_timestamp_offset;
	index_init(&g->offsets, OFFSET_ENTRY, c->offsets);
	index_init(&g->times, TIME_ENTRY, c->times);
	partlog_push(l, g);
}

/* The lowest segment on disk starts the log of which no checkpoint tells. */
static int
find_first(void *arg, const char *name)
{
	struct err e = ERR_INIT;
	int64_t *first = arg, base;

	if (strlen(name) == 24 && !strcmp(name + 20, ".log") &&
	    !num_int(slice_make(name, 20), 0, INT64_MAX, &base, &e) &&
	    (*first < 0 || base < *first))
		*first = base;
	return 0;
}

static int
start_from_files(struct replay *x, const struct recovered *k, struct err *e)
{
	struct partlog *l = x->l;
	int64_t first = -1;

	if (l->on_disk && l->store->fs->list(l->store->fs, partlog_path(l, NULL),
			find_first, &first) < 0)
		return err_errno(e, ERR_IO, "cannot list '%s'", partlog_path(l, NULL));
	for (int i = 0; k && i < k->frames_n; i++)
		if (!(k->frames[i].flags & WAL_LOG_START) &&
		    (first < 0 || k->frames[i].segment < first))
			first = k->frames[i].segment;
	if (first < 0)
		return 0;
	if (l->start < first)
		l->start = first;
	l->end = first;
	return enter_segment(x, k && k->frames_n, e) < 0 ? -1 : 0;
}

/* Is the active segment exactly as the checkpoint says, and the last one? */
static bool
is_unchanged(struct partlog *l)
{
	const struct fs *fs = l->store->fs;
	struct segment *g = partlog_active(l);
	char name[SEGMENT_NAME + 1];

	if (!g)
		return l->store->was_clean;
	snprintf(name, sizeof(name), "%020" PRId64 ".log", g->base);
	if (fs->size_of(fs, partlog_path(l, name)) != g->size)
		return false;
	if (l->store->was_clean || !g->size)
		return true;
	snprintf(name, sizeof(name), "%020" PRId64 ".log", l->end);
	return fs->size_of(fs, partlog_path(l, name)) < 0;
}

static int
check_known(struct replay *x, struct err *e)
{
	struct partlog *l = x->l;
	struct segment *g = partlog_active(l);
	int64_t size;

	if (!g)
		return 0;
	size = segment_open(g, false) < 0 ? -1 :
		l->store->fs->size(l->store->fs, g->file.fd);
	if (size < 0 && l->end == g->base) {
		/* An empty segment whose name did not reach the disk. */
		segment_free(g);
		l->segments_n--;
		return 0;
	}
	if (size >= g->size)
		return 0;
	g->size = size < 0 ? 0 : size;
	return corrupt(x, g, size < 0 ? "is missing" : "ends", e);
}

static int
replay(struct replay *x, const struct recovered *k, bool with_checkpoint,
	struct err *e)
{
	struct partlog *l = x->l;

	for (int i = 0; k && i < k->frames_n; i++) {
		const struct wal_frame *f = &k->frames[i];

		if ((f->flags & WAL_LOG_START) && f->base_offset > l->start)
			l->start = f->base_offset;
	}
	if (with_checkpoint ? check_known(x, e) < 0 : start_from_files(x, k, e) < 0)
		return -1;
	for (int i = 0; k && i < k->frames_n; i++) {
		const struct wal_frame *f = &k->frames[i];

		if (!(f->flags & WAL_LOG_START) && f->end_offset > l->end &&
		    replay_frame(x, f, e) < 0)
			return -1;
	}
	return scan_tail(x, e);
}

static void
forget(struct partlog *l)
{
	while (l->segments_n)
		segment_free(l->segments[--l->segments_n]);
	producers_release(&l->producers);
	l->older_bytes = 0;
	l->older_n = 0;
	l->listed = true;
	l->end = l->start;
}

static void
settle(struct partlog *l)
{
	struct segment *g = partlog_active(l);

	if (l->start > l->end)
		l->start = l->end;
	l->hw = l->end;
	l->hw_base = g ? g->base : -1;
	l->hw_pos = g ? g->size : 0;
	/* The first checkpoint of this run lists every log. */
	if (list_is_empty(&l->dirty))
		list_append(&l->store->dirty, &l->dirty);
}

int
recovery_attach(struct partlog *l, struct err *e)
{
	struct store *s = l->store;
	struct replay x = { .l = l, .now = clock_wall_ms(s->o.clock) };
	uint8_t key[CHECKPOINT_KEY];
	struct checkpoint_log c;
	struct recovered *k;
	bool known;
	int r = 0;

	make_key(&l->id, l->partition, key);
	k = map_get(&s->recovery->logs, slice_make(key, sizeof(key)));
	known = k && k->entry.data && !checkpoint_get(k->entry, &c);
	if (known)
		adopt(l, &c);
	if (!s->was_clean && claim_directory(l, known, e) < 0)
		return -1;
	if (known ? (k->frames_n || !is_unchanged(l)) : !s->was_clean) {
		r = replay(&x, k, known, e);
		if (r < 0 && e->code == ERR_CORRUPT && s->o.repair) {
			store_report(s, true, "%s", e->msg);
			forget(l);
			r = replay(&x, NULL, false, e);
		}
	}
	buf_release(&x.bytes);
	settle(l);
	return r;
}

/* ---- what nobody claimed ------------------------------------------------ */

struct leftovers {
	struct store *s;
	struct map attached; /* directory names */
};

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
	size_t n = strlen(name);
	struct uuid owner;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	if (n > 7 && !strcmp(name + n - 7, "-delete")) {
		keeper_remove_dir(s->keeper, path);
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
	store_report(s, false, "removing '%s', which belongs to a deleted topic", path);
	keeper_remove_dir(s->keeper, path);
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
	if (s->wal)
		wal_unmap(s->wal, &r->view);
	buf_release(&r->checkpoint);
	free(r);
	s->recovery = NULL;
}
