/*
 * replay.c - one log on its way to its end: from what the checkpoint knows,
 * over the frames of the WAL and what was synced directly between them, to
 * the last intact batch.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "store/recovery.h"
#include "store/state.h"

enum { SCAN_BUFFER = 128 << 10 }; /* bytes read at once: they stay in the cache */

/* ---- reading tails ------------------------------------------------------ */

/* Where it is: at the end of the last segment. */
struct replay {
	struct partlog *l;
	struct buf *bytes; /* of the scan */
	int64_t at;        /* their position */
	bool gaps;         /* all segments are read, and compaction may have been there */
	int64_t now;
	struct buf *frame; /* data of one, from the WAL */
	int64_t newest;    /* base of the newest segment that the start found */
	struct segment *sized; /* whose file's size is this */
	int64_t file_size;
	bool in_tail;      /* what follows may not be on disk yet; it began here: */
	int64_t tail_base, tail_pos, tail_offset;
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
apply(struct replay *x, struct segment *g, const struct batch *b, const uint8_t *p)
{
	partlog_added(x->l, g, b, p, x->now);
}

static bool
is_next(const struct replay *x, const struct batch *b)
{
	return b->magic == 2 && b->size >= BATCH_HEADER &&
		b->base_offset >= x->l->end && b->last_offset_delta >= 0 &&
		b->base_offset < INT64_MAX - b->last_offset_delta;
}

/*
 * At least n bytes at `pos`, which are there, in x->bytes: *got of them. What
 * is known already is not read again. NULL with errno.
 */
static const uint8_t *
look(struct replay *x, struct segment *g, int64_t pos, size_t n, int64_t file_size,
	size_t *got)
{
	int64_t skip = pos - x->at;
	size_t have = 0, want = n < SCAN_BUFFER ? SCAN_BUFFER : n;

	if (skip >= 0 && skip < (int64_t)x->bytes->len)
		have = x->bytes->len - (size_t)skip;
	if (have < n) {
		if ((int64_t)want > file_size - pos)
			want = (size_t)(file_size - pos);
		buf_consume(x->bytes, x->bytes->len - have);
		buf_reserve(x->bytes, want - have);
		if (fs_read_all(g->store->fs, g->file.fd, x->bytes->data + have,
				want - have, pos + (int64_t)have) < 0) {
			x->bytes->len = 0;
			return NULL;
		}
		x->bytes->len = have = want;
		x->at = pos;
		skip = 0;
	}
	*got = have;
	return x->bytes->data + skip;
}

/* Is the batch at the segment's end intact? 1, 0, -1 errno. */
static int
is_intact(struct replay *x, struct segment *g, const struct batch *b, int64_t file_size)
{
	int64_t pos = g->size + BATCH_CRC_FROM, end = g->size + b->size;
	const uint8_t *p;
	uint32_t crc = 0;
	size_t n;

	for (; pos < end; pos += (int64_t)n) {
		if (!(p = look(x, g, pos, 1, file_size, &n)))
			return -1;
		if ((int64_t)n > end - pos)
			n = (size_t)(end - pos);
		crc = crc32c(crc, p, n);
	}
	return crc == b->crc;
}

/* The batch at the segment's end, if an intact one is there: 1, 0, -1 errno. */
static int
scan_one(struct replay *x, struct segment *g, int64_t file_size)
{
	int64_t left = file_size - g->size;
	const uint8_t *p;
	struct batch b;
	size_t got;
	int r;

	if (left < BATCH_HEADER)
		return 0;
	if (!(p = look(x, g, g->size, BATCH_HEADER, file_size, &got)))
		return -1;
	batch_decode(p, &b);
	if (!is_next(x, &b) || b.size > left)
		return 0;
	/* Of a large one no more than its checksum is asked. */
	if (b.size > SCAN_BUFFER && !(b.attributes & BATCH_CONTROL)) {
		if ((r = is_intact(x, g, &b, file_size)) == 1)
			apply(x, g, &b, NULL);
		return r;
	}
	if (!(p = look(x, g, g->size, (size_t)b.size, file_size, &got)))
		return -1;
	if (!batch_crc_ok(p, &b))
		return 0;
	apply(x, g, &b, p);
	return 1;
}

/* ---- segments ----------------------------------------------------------- */

static int
cannot_open(struct replay *x, int64_t base, struct err *e)
{
	return err_errno(e, ERR_IO, "cannot open '%s/%020" PRId64 ".log'",
		partlog_path(x->l, NULL), base);
}

static void
mark_written(struct segment *g)
{
	g->dirty = true;
	partlog_touch(g->log);
}

/* Whatever is behind the segment's last batch goes; that is not on disk yet. */
static int
cut_file(struct segment *g)
{
	const struct fs *fs = g->store->fs;

	if (segment_open(g, false) < 0)
		return -1;
	if (fs->size(fs, g->file.fd) == g->size)
		return 0;
	mark_written(g);
	return fs->ftruncate(fs, g->file.fd, g->size);
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
	if (old && cut_file(old) < 0) {
		segment_free(g);
		return cannot_open(x, old->base, e);
	}
	if (old)
		segment_seal(old);
	g->extended = true;
	x->bytes->len = 0;
	partlog_push(l, g);
	mark_written(g); /* as all segments that the checkpoint does not know */
	return 1;
}

/*
 * Goes over what was synced directly, up to a position of this segment or,
 * through as many segments as it takes, to an offset.
 */
static int
scan_until(struct replay *x, int64_t pos, int64_t offset, struct err *e)
{
	const struct fs *fs = x->l->store->fs;

	for (;;) {
		struct segment *g = partlog_active(x->l);
		int64_t size;
		int got = 1;

		if (segment_open(g, false) < 0)
			return cannot_open(x, g->base, e);
		size = fs->size(fs, g->file.fd);
		while (got == 1 && g->size < pos && x->l->end < offset)
			got = scan_one(x, g, size);
		if (got == 1)
			return 0;
		if (got < 0)
			return cannot_open(x, g->base, e);
		if (pos < INT64_MAX || x->l->end == g->base)
			return corrupt(x, g, "is damaged", e);
		got = enter_segment(x, false, e);
		if (got <= 0)
			return got < 0 ? -1 : corrupt(x, g, "is damaged", e);
	}
}

/* Of what was found, as it is not added to. */
static int64_t
found_size(struct replay *x, struct segment *g)
{
	if (x->sized != g)
		x->file_size = g->store->fs->size(g->store->fs, g->file.fd);
	x->sized = g;
	return x->file_size;
}

/* The frame's bytes, if they are in the segment already; NULL = they are not. */
static const uint8_t *
written_frame(struct replay *x, const struct wal_frame *f, struct segment *g)
{
	const uint8_t *p;
	int64_t size;
	size_t got;

	if (g->store->suspect || f->position != g->size ||
	    (size = found_size(x, g)) - g->size < f->length ||
	    !(p = look(x, g, g->size, f->length, size, &got)))
		return NULL;
	return wal_frame_is(f, p) ? p : NULL;
}

/* Those behind `skip`, put into the segment; NULL with errno. */
static const uint8_t *
write_frame(struct replay *x, const struct wal_frame *f, struct segment *g,
	size_t skip)
{
	struct store *s = g->store;

	buf_clear(x->frame);
	x->bytes->len = 0;
	x->sized = NULL;
	if (wal_data(s->wal, f, buf_reserve(x->frame, f->length)) < 0)
		return NULL;
	errno = EBADMSG;
	if (!wal_frame_is(f, x->frame->data))
		return NULL;
	x->frame->len = f->length;
	return fs_write_all(s->fs, g->file.fd, x->frame->data + skip,
		f->length - skip, g->size) < 0 ? NULL : x->frame->data + skip;
}

/* Writes a frame's bytes again, and goes over the batches in them. */
static int
replay_frame(struct replay *x, const struct wal_frame *f, struct err *e)
{
	struct partlog *l = x->l;
	struct segment *g = partlog_active(l);
	const uint8_t *p, *end;
	struct batch b;
	int64_t skip; /* bytes of the frame that are known already */

	if (!g || f->segment > g->base) {
		if (g && scan_until(x, INT64_MAX, f->segment, e) < 0)
			return -1;
		g = partlog_active(l);
		if (!g || g->base != f->segment) {
			if (l->end != f->segment)
				return err_set(e, ERR_CORRUPT, "the write-ahead log "
					"does not fit '%s' at offset %" PRId64,
					partlog_path(l, NULL), l->end);
			if (enter_segment(x, true, e) < 0)
				return -1;
			g = partlog_active(l);
		}
	}
	if (f->position > g->size && scan_until(x, f->position, INT64_MAX, e) < 0)
		return -1;
	skip = g->size - f->position;
	if (f->segment != g->base || skip < 0 || skip > f->length)
		return corrupt(x, g, "and the write-ahead log disagree", e);
	if (segment_open(g, false) < 0)
		return cannot_open(x, g->base, e);
	if (!(p = written_frame(x, f, g)) &&
	    !(p = write_frame(x, f, g, (size_t)skip)))
		return errno != EBADMSG ? cannot_open(x, g->base, e) :
			err_set(e, ERR_CORRUPT, "the write-ahead log 'wal/%d' is damaged "
				"at byte %" PRId64 ", in front of data that was "
				"acknowledged (restore the data directory, or start with "
				"--repair to go on without it)", f->file, f->at);
	end = p + f->length - skip;
	for (; end - p >= BATCH_HEADER; p += b.size) {
		batch_decode(p, &b);
		if (!is_next(x, &b) || b.size > end - p)
			break;
		apply(x, g, &b, p);
	}
	mark_written(g);
	return p == end ? 0 : corrupt(x, g, "and the write-ahead log disagree", e);
}

struct stale {
	struct partlog *l;
	int64_t above;
	bool found;
};

static int
remove_stale(void *arg, const char *name)
{
	struct stale *x = arg;
	struct store *s = x->l->store;

	if (segment_base(name, NULL) > x->above) {
		store_report(s, true, "removed '%s/%s', which follows nothing",
			partlog_path(x->l, NULL), name);
		s->fs->unlink(s->fs, partlog_path(x->l, name));
		x->found = true;
	}
	return 0;
}

int
replay_remove_stale(struct partlog *l, int64_t newest, struct err *e)
{
	const struct fs *fs = l->store->fs;
	struct segment *g = partlog_active(l);
	struct stale stale = { l, g ? g->base : -1, false };

	if (newest <= stale.above)
		return 0;
	fs->list(fs, partlog_path(l, NULL), remove_stale, &stale);
	if (stale.found && fs_sync_dir(fs, partlog_path(l, NULL)) < 0)
		return err_errno(e, ERR_IO, "cannot sync '%s'", partlog_path(l, NULL));
	return 0;
}

/*
 * Ends the log where its last intact batch ends, for good: what is written
 * there next may end where one of the dropped batches begins, and that one
 * would follow it after the next power cut.
 */
static int
cut_tail(struct replay *x, struct segment *g, int64_t file_size, struct err *e)
{
	struct partlog *l = x->l;
	struct stale stale = { l, g->base, false };

	store_report(l->store, true, "cut '%s/%020" PRId64 ".log' at byte %" PRId64
		" (offset %" PRId64 "): dropped %" PRId64 " bytes that are no whole "
		"batch and were not acknowledged as durable", partlog_path(l, NULL),
		g->base, g->size, l->end, file_size - g->size);
	if (cut_file(g) < 0 || l->store->fs->fdatasync(l->store->fs, g->file.fd) < 0)
		return cannot_open(x, g->base, e);
	l->store->fs->list(l->store->fs, partlog_path(l, NULL), remove_stale, &stale);
	/* They must not come back among the segments that are yet to be. */
	if (stale.found && fs_sync_dir(l->store->fs, partlog_path(l, NULL)) < 0)
		return cannot_open(x, g->base, e);
	return 0;
}

struct following {
	int64_t above, base; /* the lowest one there is above; -1 = none */
};

static int
find_following(void *arg, const char *name)
{
	struct following *x = arg;
	int64_t base = segment_base(name, ".log");

	if (base > x->above && (x->base < 0 || base < x->base))
		x->base = base;
	return 0;
}

/* Compaction leaves segments that end before the next one begins, empty ones, too. */
static void
skip_gap(struct replay *x, const struct segment *g)
{
	struct partlog *l = x->l;
	struct following next = { g->base, -1 };

	if (!x->gaps)
		return;
	l->store->fs->list(l->store->fs, partlog_path(l, NULL), find_following, &next);
	if (next.base > l->end)
		l->end = next.base;
}

/*
 * From here on the page cache may have what the disk has not: what no WAL
 * frame tells of, and the newest group, which may have been written but not
 * synced. It is kept, and is part of the first commit, before anyone sees it.
 */
static void
begin_tail(struct replay *x)
{
	struct segment *g = partlog_active(x->l);

	if (x->in_tail)
		return;
	x->in_tail = true;
	x->tail_base = g ? g->base : -1;
	x->tail_pos = g ? g->size : 0;
	x->tail_offset = x->l->end;
}

static void
commit_tail(struct replay *x)
{
	struct partlog *l = x->l;
	struct segment *active = partlog_active(l);

	if (l->store->visible_at_once)
		partlog_set_hw(l, l->end, active ? active->base : -1,
			active ? active->size : 0);
	else
		partlog_set_hw(l, x->tail_offset, x->tail_base, x->tail_pos);
	for (int i = 0; i < l->segments_n && l->store->durable; i++) {
		struct segment *g = l->segments[i];
		bool first = g->base == x->tail_base;
		int64_t pos = first ? x->tail_pos : 0;

		if (g->base >= x->tail_base && g->size > pos)
			commit_note(l, g, pos, g->size - pos,
				first ? x->tail_offset : g->base,
				partlog_segment_end(l, i));
	}
}

/* After a sync that failed the kernel takes pages for clean that are not on disk. */
static int
write_again(struct replay *x, struct segment *g, int64_t pos)
{
	const struct fs *fs = g->store->fs;

	buf_clear(x->frame);
	for (size_t n; pos < g->size; pos += (int64_t)n) {
		n = g->size - pos < SCAN_BUFFER ? (size_t)(g->size - pos) :
			SCAN_BUFFER;
		if (fs_read_all(fs, g->file.fd, buf_reserve(x->frame, n), n, pos) < 0 ||
		    fs_write_all(fs, g->file.fd, x->frame->data, n, pos) < 0)
			return -1;
	}
	return 0;
}

/* What follows the part that checkpoint and WAL tell of. */
static int
scan_tail(struct replay *x, struct err *e)
{
	struct partlog *l = x->l;
	const struct fs *fs = l->store->fs;

	for (;;) {
		struct segment *g = partlog_active(l);
		int64_t file_size = 0, pos;
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
			if (g->size > pos)
				mark_written(g);
			if (l->store->suspect && write_again(x, g, pos) < 0)
				return cannot_open(x, g->base, e);
			if (g->size < file_size && l->end == g->base)
				return cut_tail(x, g, file_size, e);
			if (g->size == file_size)
				skip_gap(x, g);
			if (l->end == g->base)
				return 0; /* empty: nothing follows it */
		}
		/* Behind a batch that cannot be read the log goes on only in a
		 * segment that begins there: then it was cut before. */
		got = enter_segment(x, false, e);
		if (!got && g && g->size < file_size)
			return cut_tail(x, g, file_size, e);
		if (got <= 0)
			return got;
	}
}

/* ---- the whole way ---------------------------------------------------------- */

/* The lowest segment on disk starts the log of which no checkpoint tells. */
static int
find_first(void *arg, const char *name)
{
	int64_t *first = arg, base = segment_base(name, ".log");

	if (base >= 0 && (*first < 0 || base < *first))
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
	bool is_new = false; /* the log start */

	for (int i = 0; k && i < k->frames_n; i++) {
		const struct wal_frame *f = &k->frames[i];

		if ((f->flags & WAL_LOG_START) && f->base_offset > l->start) {
			l->start = f->base_offset;
			is_new |= f->commit == l->store->committed;
		}
	}
	if (with_checkpoint ? check_known(x, e) < 0 :
	    start_from_files(x, x->gaps ? NULL : k, e) < 0)
		return -1;
	/* The checkpoint knew it empty: its first segments may have been synced
	 * directly, and no frame tells of them. */
	if (with_checkpoint && !partlog_active(l) && l->on_disk &&
	    enter_segment(x, false, e) < 0)
		return -1;
	/* What compaction made of the files is not undone by older frames. */
	if (x->gaps)
		begin_tail(x);
	if (x->gaps && scan_tail(x, e) < 0)
		return -1;
	for (int i = 0; k && i < k->frames_n; i++) {
		const struct wal_frame *f = &k->frames[i];

		if (f->commit == l->store->committed)
			begin_tail(x);
		if (!(f->flags & WAL_LOG_START) && f->end_offset > l->end &&
		    replay_frame(x, f, e) < 0)
			return -1;
	}
	begin_tail(x);
	if (scan_tail(x, e) < 0 || replay_remove_stale(l, x->newest, e) < 0)
		return -1;
	if (is_new && l->store->durable)
		commit_note_start(l);
	commit_tail(x);
	return 0;
}

int
replay_log(struct partlog *l, const struct recovered *k, bool with_checkpoint,
	bool gaps, struct replay_input *in, struct err *e)
{
	struct replay x = { .l = l, .now = clock_wall_ms(l->store->o.clock),
		.gaps = gaps, .newest = in->newest, .bytes = &in->bytes,
		.frame = &in->frame };

	buf_clear(x.bytes);
	return replay(&x, k, with_checkpoint, e);
}
