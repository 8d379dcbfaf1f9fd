#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "base/xalloc.h"

enum {
	MAGIC = 0x6b63574c, /* "kcWL" */
	STAGING = 2 << 20,  /* bytes per write */
	FILE_MIN = 4 * WAL_BLOCK,
	/* How far behind the end later groups are looked for: damage in front
	 * of them is told from a group that was not finished. */
	LOOK_AHEAD = 4 << 20,
};

static int64_t
block_up(int64_t n)
{
	return (n + WAL_BLOCK - 1) & ~(int64_t)(WAL_BLOCK - 1);
}

/* ---- files -------------------------------------------------------------- */

static int
open_file(struct wal *w, int i, const char *dir, bool create, struct err *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/wal/%d", dir, i);
	w->files[i].fd = w->fs->open(w->fs, path, O_RDWR | (create ? O_CREAT : 0));
	if (w->files[i].fd >= 0)
		return 1;
	if (errno == ENOENT && !create)
		return 0;
	return err_errno(e, ERR_IO, "cannot open '%s'", path);
}

/* Gives every file the size; blocks are there from now on, a full disk later
 * does not matter. */
static int
set_size(struct wal *w, int64_t size, struct err *e)
{
	for (int i = 0; i < WAL_FILES; i++) {
		int fd = w->files[i].fd;

		if (w->fs->size(w->fs, fd) == size)
			continue;
		if (w->fs->ftruncate(w->fs, fd, size) < 0 ||
		    (w->fs->fallocate(w->fs, fd, false, 0, size) < 0 &&
		     errno != EOPNOTSUPP))
			return err_errno(e, ERR_IO, "cannot reserve %lld bytes for "
				"the write-ahead log", (long long)size);
	}
	w->file_bytes = size;
	return 0;
}

int
wal_open(struct wal **out, const struct fs *fs, const char *dir, int64_t bytes,
	bool create, bool resize, struct err *e)
{
	struct wal *w = xcalloc(1, sizeof(*w));
	int64_t want = bytes / WAL_FILES / WAL_BLOCK * WAL_BLOCK, have = 0;
	char path[4096];
	int r = -1, got;

	w->fs = fs;
	for (int i = 0; i < WAL_FILES; i++)
		w->files[i].fd = -1;
	snprintf(path, sizeof(path), "%s/wal", dir);
	if (create)
		fs->mkdir(fs, path);
	for (int i = 0; i < WAL_FILES; i++) {
		int64_t size;

		if ((got = open_file(w, i, dir, create, e)) < 0)
			goto out;
		if (!got && !i) {
			r = 0; /* there is none */
			goto out;
		}
		if (!got) {
			err_set(e, ERR_CORRUPT, "'%s/%d' is missing", path, i);
			goto out;
		}
		size = fs->size(fs, w->files[i].fd);
		have = size > have ? size : have;
	}
	want = want < FILE_MIN ? FILE_MIN : want;
	if (set_size(w, !have || resize ? want : have, e) < 0)
		goto out;
	*out = w;
	return 0;
out:
	wal_close(w);
	*out = NULL;
	return r;
}

void
wal_close(struct wal *w)
{
	if (!w)
		return;
	for (int i = 0; i < WAL_FILES; i++)
		if (w->files[i].fd >= 0)
			w->fs->close(w->fs, w->files[i].fd);
	free(w->staging);
	free(w);
}

/* ---- reading ------------------------------------------------------------ */

/* The frame at pos, if there is an intact one. */
static bool
frame_at(const struct wal *w, const uint8_t *map, int64_t pos, struct wal_frame *f)
{
	const uint8_t *p = map + pos;

	if (pos + WAL_FRAME > w->file_bytes || be32_get(p) != MAGIC)
		return false;
	f->length = be32_get(p + 80);
	if (f->length > WAL_DATA_MAX ||
	    pos + WAL_FRAME + f->length > w->file_bytes ||
	    crc32c(0, p + 8, WAL_FRAME - 8 + f->length) != be32_get(p + 4))
		return false;
	f->epoch = be64_get(p + 8);
	f->commit = be64_get(p + 16);
	memcpy(f->topic_id.b, p + 24, sizeof(f->topic_id.b));
	f->partition = (int32_t)be32_get(p + 40);
	f->flags = be32_get(p + 44);
	f->segment = (int64_t)be64_get(p + 48);
	f->position = (int64_t)be64_get(p + 56);
	f->base_offset = (int64_t)be64_get(p + 64);
	f->end_offset = (int64_t)be64_get(p + 72);
	f->data = p + WAL_FRAME;
	return true;
}

/* The frame that goes on the group of f at pos: next to it or in the next block. */
static bool
next_frame(const struct wal *w, const uint8_t *map, int64_t *pos,
	const struct wal_frame *f, struct wal_frame *next)
{
	for (int i = 0; i < 2; i++, *pos = block_up(*pos))
		if (frame_at(w, map, *pos, next) && next->epoch == f->epoch &&
		    next->commit == f->commit && !(next->flags & WAL_FIRST))
			return true;
	return false;
}

/* End of the group that starts at pos with `first`, or -1 when it is not complete. */
static int64_t
group_end(const struct wal *w, const uint8_t *map, int64_t pos,
	const struct wal_frame *first)
{
	struct wal_frame f = *first, next;

	for (;;) {
		pos += wal_frame_size(f.length);
		if (f.flags & WAL_LAST)
			return block_up(pos);
		if (!next_frame(w, map, &pos, &f, &next))
			return -1;
		f = next;
	}
}

static void
emit_group(const struct wal *w, const uint8_t *map, int64_t pos,
	const struct wal_frame *first,
	void (*fn)(void *arg, const struct wal_frame *f), void *arg)
{
	struct wal_frame f = *first, next;

	for (;;) {
		fn(arg, &f);
		pos += wal_frame_size(f.length);
		if ((f.flags & WAL_LAST) || !next_frame(w, map, &pos, &f, &next))
			return;
		f = next;
	}
}

/* Zeros at the start of so many blocks: more than one bad sector explains. */
static bool
is_unused(const struct wal *w, const uint8_t *map)
{
	static const uint8_t zeros[WAL_FRAME];

	for (int64_t i = 0; i < 16 && i < w->file_bytes / WAL_BLOCK; i++)
		if (memcmp(map + i * WAL_BLOCK, zeros, sizeof(zeros)))
			return false;
	return true;
}

/*
 * The newest commit of the groups behind a damaged one, 0 = there are none:
 * they were only written once that one was durable.
 */
static uint64_t
later_groups(const struct wal *w, const uint8_t *map, int64_t pos, uint64_t above,
	int64_t look_ahead)
{
	struct wal_frame f;
	uint64_t newest = 0;
	int64_t end = w->file_bytes - pos < look_ahead ? w->file_bytes :
		pos + look_ahead;

	/* A file that was never written to: its pages need not be touched. */
	if (!pos && is_unused(w, map))
		return 0;
	for (pos += WAL_BLOCK; pos < end; pos += WAL_BLOCK)
		if (frame_at(w, map, pos, &f) && (f.flags & WAL_FIRST) &&
		    f.commit > above && f.commit > newest)
			newest = f.commit;
	return newest;
}

struct scan {
	uint64_t covered;
	bool repair;
	void (*fn)(void *arg, const struct wal_frame *f);
	void *arg;
	uint64_t newest, epoch;
};

static int
scan_file(struct wal *w, int i, const uint8_t *map, struct scan *s, struct err *e)
{
	uint64_t epoch = 0, newest = 0, later;
	struct wal_frame f;
	int64_t pos = 0, end;

	while (frame_at(w, map, pos, &f) && (f.flags & WAL_FIRST) &&
	    f.epoch >= epoch && f.commit > newest &&
	    (end = group_end(w, map, pos, &f)) > 0) {
		if (f.commit > s->covered)
			emit_group(w, map, pos, &f, s->fn, s->arg);
		epoch = f.epoch;
		newest = f.commit;
		pos = end;
	}
	w->files[i].newest = newest;
	/* Writing goes on behind the newest group, whatever the epochs. */
	if (newest > s->newest) {
		s->newest = newest;
		w->current = i;
		w->pos = pos;
	}
	if (epoch > s->epoch)
		s->epoch = epoch;
	later = later_groups(w, map, pos, newest > s->covered ? newest : s->covered,
		s->repair ? INT64_MAX : LOOK_AHEAD);
	s->newest = later > s->newest ? later : s->newest;
	if (!later || s->repair)
		return 0;
	return err_set(e, ERR_CORRUPT, "the write-ahead log 'wal/%d' is damaged at "
		"byte %lld, in front of data that was acknowledged (restore the "
		"data directory, or start with --repair to go on without it)",
		i, (long long)pos);
}

int
wal_read(struct wal *w, struct wal_view *view, uint64_t covered, uint64_t min_epoch,
	bool repair, void (*fn)(void *arg, const struct wal_frame *f), void *arg,
	uint64_t *newest_commit, struct err *e)
{
	struct scan s = { covered, repair, fn, arg, 0, min_epoch };
	uint64_t first[WAL_FILES];
	struct wal_frame f;
	int order[WAL_FILES];

	for (int i = 0; i < WAL_FILES; i++) {
		int k = i;

		view->maps[i] = w->fs->map(w->fs, w->files[i].fd,
			(size_t)w->file_bytes);
		if (!view->maps[i])
			return err_errno(e, ERR_IO, "cannot read 'wal/%d'", i);
		first[i] = frame_at(w, view->maps[i], 0, &f) ? f.epoch : 0;
		/* Files in the order in which they were written. */
		for (; k > 0 && first[order[k - 1]] > first[i]; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	for (int i = 0; i < WAL_FILES; i++)
		if (scan_file(w, order[i], view->maps[order[i]], &s, e) < 0)
			return -1;
	w->epoch = s.epoch + 1;
	*newest_commit = s.newest;
	return 0;
}

void
wal_unmap(struct wal *w, struct wal_view *view)
{
	for (int i = 0; i < WAL_FILES; i++)
		if (view->maps[i])
			w->fs->unmap(w->fs, view->maps[i], (size_t)w->file_bytes);
	*view = (struct wal_view){ { NULL } };
}

bool
wal_is_used(const struct wal *w)
{
	uint8_t magic[4];

	for (int i = 0; i < WAL_FILES; i++)
		if (!fs_read_all(w->fs, w->files[i].fd, magic, sizeof(magic), 0) &&
		    be32_get(magic) == MAGIC)
			return true;
	return false;
}

/* ---- writing ------------------------------------------------------------ */

int64_t
wal_used(const struct wal *w)
{
	uint64_t released = atomic_load(&w->released);
	int64_t used = 0;

	for (int i = 0; i < WAL_FILES; i++)
		if (w->files[i].newest > released)
			used += i == w->current ? w->pos : w->file_bytes;
	return used;
}

static void
start_lap(struct wal *w, int file)
{
	w->current = file;
	w->pos = 0;
	w->epoch++;
}

bool
wal_begin(struct wal *w, int64_t bytes)
{
	uint64_t released = atomic_load(&w->released);
	/* Every write ends with a block; all but the last are this large. */
	int64_t writes = bytes / (STAGING - wal_frame_size(WAL_DATA_MAX));
	int64_t need = block_up(bytes) + writes * WAL_BLOCK;
	int next = (w->current + 1) % WAL_FILES;

	if (!w->staging && posix_memalign((void **)&w->staging, WAL_BLOCK, STAGING))
		xalloc_check(NULL);
	if (w->pos && w->files[w->current].newest <= released)
		start_lap(w, w->current);
	if (w->pos + need > w->file_bytes) {
		if (w->files[next].newest > released || need > w->file_bytes)
			return false;
		start_lap(w, next);
	}
	w->written = 0;
	w->staged = 0;
	return true;
}

static int
write_staged(struct wal *w)
{
	size_t n = (size_t)block_up((int64_t)w->staged);

	memset(w->staging + w->staged, 0, n - w->staged);
	if (fs_write_all(w->fs, w->files[w->current].fd, w->staging, n,
			w->pos + w->written) < 0) {
		w->epoch++; /* what is there of the group is no part of the next */
		return -1;
	}
	w->written += (int64_t)n;
	w->staged = 0;
	return 0;
}

int
wal_put(struct wal *w, const struct wal_frame *f, int fd)
{
	size_t size = (size_t)wal_frame_size(f->length);
	bool first = !w->written && !w->staged;
	uint8_t *p;

	if (w->staged + size > STAGING && write_staged(w) < 0)
		return -1;
	p = w->staging + w->staged;
	if (f->length && fs_read_all(w->fs, fd, p + WAL_FRAME, f->length,
			f->position) < 0)
		return -1;
	be32_put(p, MAGIC);
	be64_put(p + 8, w->epoch);
	be64_put(p + 16, f->commit);
	memcpy(p + 24, f->topic_id.b, sizeof(f->topic_id.b));
	be32_put(p + 40, (uint32_t)f->partition);
	be32_put(p + 44, f->flags | (first ? WAL_FIRST : 0));
	be64_put(p + 48, (uint64_t)f->segment);
	be64_put(p + 56, (uint64_t)f->position);
	be64_put(p + 64, (uint64_t)f->base_offset);
	be64_put(p + 72, (uint64_t)f->end_offset);
	be32_put(p + 80, f->length);
	be32_put(p + 84, 0);
	be32_put(p + 4, crc32c(0, p + 8, WAL_FRAME - 8 + f->length));
	memset(p + WAL_FRAME + f->length, 0, size - WAL_FRAME - f->length);
	w->staged += size;
	return 0;
}

int
wal_end(struct wal *w, uint64_t commit)
{
	if (write_staged(w) < 0)
		return -1;
	if (w->fs->fdatasync(w->fs, w->files[w->current].fd) < 0) {
		w->epoch++;
		return -1;
	}
	w->files[w->current].newest = commit;
	w->pos += w->written;
	return 0;
}
