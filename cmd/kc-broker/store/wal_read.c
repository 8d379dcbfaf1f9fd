/*
 * wal_read.c - the write-ahead log at a start. The files are read, not
 * mapped: a sector that the disk does not give back is an error with a name,
 * not a SIGBUS.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "base/xalloc.h"
#include "store/wal.h"

enum {
	WINDOW = 64 << 10,  /* bytes read at once of small frames */
	SMALL = 8 << 10,    /* bytes: frames below are read with what follows */
	WINDOW_MAX = WAL_FRAME + WAL_DATA_MAX,
	/* How far behind the end later groups are looked for: damage in front
	 * of them is told from a group that was not finished. */
	LOOK_AHEAD = 4 << 20,
	EPOCH_BITS = 24,
	/* What is written past the page cache is not in it after a kill. The
	 * disk reads all faster than a header at a time, where those are near
	 * each other: it is told so far in advance. */
	NEAR = 128 << 10,
	ADVANCE = 4 << 20,
};

/* One file, read through a window. */
struct reader {
	const struct wal *w;
	int file;
	uint8_t *bytes; /* WINDOW_MAX */
	int64_t at;     /* position of the window */
	size_t have;
	size_t ahead;   /* bytes worth reading at once */
	int64_t told;   /* position up to which the disk was told */
	int error;      /* errno of the last read that failed, 0 = none */
};

static void
begin_file(struct reader *r, int i)
{
	r->file = i;
	r->have = 0;
	r->ahead = WINDOW;
	r->told = 0;
	r->error = 0;
}

static void
tell_disk(struct reader *r, int64_t pos)
{
	int64_t to = pos + ADVANCE;

	if (to > r->w->file_bytes)
		to = r->w->file_bytes;
	if (r->told < pos)
		r->told = pos;
	if (to - r->told < ADVANCE / 2)
		return;
	r->w->fs->will_read(r->w->fs, r->w->files[r->file].fd, r->told, to - r->told);
	r->told = to;
}

static bool
fill(struct reader *r, int64_t pos, size_t n)
{
	r->at = pos;
	r->have = 0;
	if (fs_read_all(r->w->fs, r->w->files[r->file].fd, r->bytes, n, pos) < 0)
		return false;
	r->have = n;
	return true;
}

/* n bytes at pos; NULL behind the file's end, or with r->error. */
static const uint8_t *
look(struct reader *r, int64_t pos, size_t n)
{
	size_t want = n < r->ahead ? r->ahead : n;

	if (pos + (int64_t)n > r->w->file_bytes)
		return NULL;
	if (pos >= r->at && pos + (int64_t)n <= r->at + (int64_t)r->have)
		return r->bytes + (pos - r->at);
	if ((int64_t)want > r->w->file_bytes - pos)
		want = (size_t)(r->w->file_bytes - pos);
	/* What is wrong may be in what need not be read. */
	if (!fill(r, pos, want) && !fill(r, pos, n)) {
		r->error = errno;
		return NULL;
	}
	return r->bytes;
}

/* ---- frames --------------------------------------------------------------- */

/* The header at pos, if it can be one of ours. */
static bool
head_at(struct reader *r, int64_t pos, struct wal_frame *f)
{
	const uint8_t *p = look(r, pos, WAL_FRAME);

	if (!p || be32_get(p) != WAL_MAGIC ||
	    (r->w->nonce && be64_get(p + 88) != r->w->nonce))
		return false;
	f->crc = be32_get(p + 4);
	f->head_crc = crc32c(0, p + 8, WAL_FRAME - 8);
	f->epoch = be64_get(p + 8);
	f->commit = be64_get(p + 16);
	memcpy(f->topic_id.b, p + 24, sizeof(f->topic_id.b));
	f->partition = (int32_t)be32_get(p + 40);
	f->flags = be32_get(p + 44);
	f->segment = (int64_t)be64_get(p + 48);
	f->position = (int64_t)be64_get(p + 56);
	f->base_offset = (int64_t)be64_get(p + 64);
	f->end_offset = (int64_t)be64_get(p + 72);
	f->length = be32_get(p + 80);
	f->previous = be32_get(p + 84);
	f->file = r->file;
	f->at = pos + WAL_FRAME;
	return f->length <= WAL_DATA_MAX;
}

/* The frame at pos, if there is an intact one. */
static bool
frame_at(struct reader *r, int64_t pos, struct wal_frame *f)
{
	const uint8_t *p;

	return head_at(r, pos, f) && (p = look(r, pos, WAL_FRAME + f->length)) &&
		wal_frame_is(f, p + WAL_FRAME);
}

bool
wal_frame_is(const struct wal_frame *f, const void *bytes)
{
	return crc32c(f->head_crc, bytes, f->length) == f->crc;
}

int
wal_data(const struct wal *w, const struct wal_frame *f, void *to)
{
	return fs_read_all(w->fs, w->files[f->file].fd, to, f->length, f->at);
}

/* ---- groups --------------------------------------------------------------- */

struct group {
	struct wal_frame *frames;
	size_t n, cap;
};

struct scan {
	struct reader r;
	uint64_t covered;
	struct wal_place from; /* where it ended */
	bool repair;
	void (*fn)(void *arg, const struct wal_frame *f);
	void *arg;
	uint64_t newest, epoch;
	uint64_t read;            /* commit of the newest group read so far */
	struct group group, last; /* the one at hand; the one before, not told yet */
};

static struct wal_frame *
add_frame(struct group *g)
{
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->frames = xreallocarray(g->frames, g->cap, sizeof(*g->frames));
	}
	return &g->frames[g->n];
}

/* Reads the headers of the group at pos: its end, or -1 when none is there. */
static int64_t
group_at(struct scan *s, int64_t pos)
{
	struct group *g = &s->group;

	for (g->n = 0;;) {
		struct wal_frame *f = add_frame(g);
		bool found = head_at(&s->r, pos, f);

		/* The next one is behind the last, or a new write began in between. */
		if (!found && g->n) {
			pos = wal_block_up(pos);
			found = head_at(&s->r, pos, f);
		}
		if (!found || !(f->flags & WAL_FIRST) != (g->n > 0) ||
		    f->epoch != g->frames->epoch || f->commit != g->frames->commit)
			return -1;
		g->n++;
		pos += wal_frame_size(f->length);
		s->r.ahead = f->length < SMALL ? WINDOW : WAL_FRAME;
		if (f->length < NEAR)
			tell_disk(&s->r, pos);
		if (f->flags & WAL_LAST)
			return wal_block_up(pos);
	}
}

/* Is all of its data there? */
static bool
is_whole(struct scan *s, const struct group *g)
{
	struct wal_frame f;

	for (size_t i = 0; i < g->n; i++)
		if (!frame_at(&s->r, g->frames[i].at - WAL_FRAME, &f))
			return false;
	return true;
}

static void
tell_last(struct scan *s)
{
	for (size_t i = 0; i < s->last.n && s->last.frames->commit > s->covered; i++)
		s->fn(s->arg, &s->last.frames[i]);
	s->last.n = 0;
}

/* Is the group in front of the one at hand missing, and needed? */
static bool
misses_one(const struct scan *s)
{
	const struct wal_frame *f = s->group.frames;
	uint64_t previous = f->commit - (uint32_t)((uint32_t)f->commit - f->previous);

	/* One that was read and is not named failed here, and was synced elsewhere. */
	return previous > s->covered && previous > s->read;
}

/* Zeros at the start of so many blocks: more than one bad sector explains. */
static bool
is_unused(struct reader *r)
{
	static const uint8_t zeros[WAL_FRAME];
	const uint8_t *p;

	for (int64_t i = 0; i < 16 && i < r->w->file_bytes / WAL_BLOCK; i++)
		if (!(p = look(r, i * WAL_BLOCK, WAL_FRAME)) ||
		    memcmp(p, zeros, sizeof(zeros)))
			return false;
	return true;
}

/*
 * The newest commit of the groups behind a damaged one, 0 = there are none:
 * they were only written once that one was durable.
 */
static uint64_t
later_groups(struct reader *r, int64_t pos, uint64_t above, int64_t look_ahead)
{
	struct wal_frame f;
	uint64_t newest = 0;
	int64_t end = r->w->file_bytes - pos < look_ahead ? r->w->file_bytes :
		pos + look_ahead;

	r->ahead = WINDOW;
	/* A file that was never written to need not be read. */
	if (!pos && is_unused(r))
		return 0;
	r->w->fs->will_read(r->w->fs, r->w->files[r->file].fd, pos, end - pos);
	for (pos += WAL_BLOCK; pos < end; pos += WAL_BLOCK)
		if (head_at(r, pos, &f) && (f.flags & WAL_FIRST) &&
		    f.commit > above && f.commit > newest && frame_at(r, pos, &f))
			newest = f.commit;
	return newest;
}

static int
unreadable(const struct reader *r, struct err *e)
{
	return err_set(e, ERR_IO, "cannot read the write-ahead log 'wal/%d' at byte "
		"%lld: %s (copy the data directory to a disk that is well and start "
		"there; with --repair where parts cannot be copied)", r->file,
		(long long)r->at, strerror(r->error));
}

static int
damaged(int file, int64_t pos, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the write-ahead log 'wal/%d' is damaged at "
		"byte %lld, in front of data that was acknowledged (restore the "
		"data directory, or start with --repair to go on without it)",
		file, (long long)pos);
}

/*
 * Is the file still in the lap in which the newest group that is covered was
 * put there? Then what is in front of its end need not be read.
 */
static bool
begins_behind(const struct scan *s, int i, const struct wal_frame *first)
{
	return i == s->from.file && first->epoch &&
		first->epoch <= s->from.epoch && s->from.pos % WAL_BLOCK == 0 &&
		s->from.pos >= 0 && s->from.pos <= s->r.w->file_bytes;
}

static int
scan_file(struct wal *w, int i, const struct wal_frame *first, struct scan *s,
	struct err *e)
{
	uint64_t epoch = 0, newest = 0, before = 0, later;
	uint64_t read_before = s->read;
	int64_t pos = 0, end, from = 0;

	begin_file(&s->r, i);
	if (begins_behind(s, i, first)) {
		epoch = s->from.epoch;
		newest = before = s->covered;
		pos = from = s->from.pos;
		tell_disk(&s->r, pos);
	}
	while ((end = group_at(s, pos)) > 0 && s->group.frames->epoch >= epoch &&
	    s->group.frames->commit > newest) {
		struct group told = s->last;

		if (misses_one(s) && !s->repair)
			return damaged(i, pos, e);
		tell_last(s);
		s->last = s->group;
		s->group = told;
		epoch = s->last.frames->epoch;
		before = newest;
		read_before = s->read;
		s->read = newest = s->last.frames->commit;
		from = pos;
		pos = end;
	}
	/* The last one was perhaps not finished: then it does not count. */
	if (newest > s->covered && !is_whole(s, &s->last)) {
		newest = before;
		s->read = read_before;
		s->last.n = 0;
		pos = from;
	}
	tell_last(s);
	w->files[i].newest = newest;
	/* Writing goes on behind the newest group, whatever the epochs. */
	if (newest > s->newest) {
		s->newest = newest;
		w->current = i;
		w->pos = pos;
		w->newest_at = from;
	}
	if (epoch > s->epoch)
		s->epoch = epoch;
	later = later_groups(&s->r, pos, newest > s->covered ? newest : s->covered,
		s->repair ? INT64_MAX : LOOK_AHEAD);
	s->newest = later > s->newest ? later : s->newest;
	if (s->repair)
		return 0;
	if (s->r.error)
		return unreadable(&s->r, e);
	return later ? damaged(i, pos, e) : 0;
}

/* ---- the whole log -------------------------------------------------------- */

uint64_t
wal_epoch_above(uint64_t seen)
{
	struct uuid random = uuid_random();

	return ((seen >> EPOCH_BITS) + 1) << EPOCH_BITS |
		be32_get(random.b) >> (32 - EPOCH_BITS + 1);
}

uint64_t
wal_find_nonce(const struct wal *w)
{
	struct wal any = *w;
	struct reader r = { .w = &any, .bytes = xmalloc(WINDOW_MAX) };
	struct wal_frame f;
	uint64_t nonce = 0;

	any.nonce = 0;
	for (int i = 0; i < WAL_FILES && !nonce; i++) {
		begin_file(&r, i);
		if (frame_at(&r, 0, &f))
			nonce = be64_get(look(&r, 0, WAL_FRAME) + 88);
	}
	free(r.bytes);
	return nonce;
}

/*
 * The only group of a file was not finished, and writing may go on in the
 * one before it: what is left of it would tell the next start a wrong order.
 */
static int
forget_first(const struct wal *w, int i)
{
	static const uint8_t zeros[WAL_FRAME];

	return fs_write_all(w->fs, w->files[i].fd, zeros, sizeof(zeros), 0) < 0 ? -1 :
		w->fs->fdatasync(w->fs, w->files[i].fd);
}

int
wal_read(struct wal *w, uint64_t covered, const struct wal_place *from,
	uint64_t min_epoch, bool repair, void (*fn)(void *arg, const struct wal_frame *f), void *arg,
	uint64_t *newest_commit, struct err *e)
{
	struct scan s = { .r = { .w = w, .bytes = xmalloc(WINDOW_MAX) },
		.covered = covered, .from = *from, .repair = repair, .fn = fn,
		.arg = arg,
		.epoch = min_epoch };
	struct wal_frame first[WAL_FILES] = { { .epoch = 0 } };
	int order[WAL_FILES], r = 0;

	/* Files in the order in which they were written. */
	for (int i = 0, k; i < WAL_FILES; i++) {
		begin_file(&s.r, i);
		s.r.ahead = WAL_FRAME;
		if (!head_at(&s.r, 0, &first[i]))
			first[i].epoch = 0;
		if (first[i].epoch > s.epoch)
			s.epoch = first[i].epoch;
		for (k = i; k > 0 && first[order[k - 1]].epoch > first[i].epoch; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	for (int i = 0; i < WAL_FILES && !r; i++) {
		/* All of a file is older than the first group of the next. */
		if (i + 1 < WAL_FILES && first[order[i]].epoch &&
		    first[order[i + 1]].commit <= covered)
			w->files[order[i]].newest = covered;
		else
			r = scan_file(w, order[i], &first[order[i]], &s, e);
	}
	for (int i = 0; i < WAL_FILES && !r; i++)
		if (first[i].epoch && first[i].commit > covered &&
		    !w->files[i].newest && forget_first(w, i) < 0)
			r = err_errno(e, ERR_IO, "cannot write the write-ahead "
				"log 'wal/%d'", i);
	w->previous = s.read;
	w->epoch = wal_epoch_above(s.epoch);
	free(s.r.bytes);
	free(s.group.frames);
	free(s.last.frames);
	*newest_commit = s.newest;
	return r;
}

int
wal_rewrite_newest(struct wal *w)
{
	int64_t n = w->pos - w->newest_at;
	int fd = w->files[w->current].fd, r = 0;
	uint8_t *p;

	if (n <= 0)
		return 0;
	p = xmalloc((size_t)n);
	if (fs_read_all(w->fs, fd, p, (size_t)n, w->newest_at) < 0 ||
	    fs_write_all(w->fs, fd, p, (size_t)n, w->newest_at) < 0)
		r = -1;
	free(p);
	return r;
}
