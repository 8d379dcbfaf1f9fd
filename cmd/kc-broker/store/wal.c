#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "base/xalloc.h"

enum {
	STAGING = 2 << 20, /* bytes per write */
	FILE_MIN = 4 * WAL_BLOCK,
	STAGE_MIN = 64 << 10,
};

/* ---- files -------------------------------------------------------------- */

/* 1, 0 = it is not there. */
static int
open_file(struct wal *w, int i, const char *dir, int flags, struct err *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/wal/%d", dir, i);
	w->files[i].direct = w->fs->open(w->fs, path, O_WRONLY | O_DIRECT | flags);
	w->files[i].fd = w->fs->open(w->fs, path, O_RDWR | flags);
	if (w->files[i].fd >= 0)
		return 1;
	return errno == ENOENT && !flags ? 0 :
		err_errno(e, ERR_IO, "cannot open '%s'", path);
}

/* How many of the files are there? *missing is one that is not. */
static int
open_files(struct wal *w, const char *dir, int *missing, struct err *e)
{
	int n = 0, got;

	for (int i = 0; i < WAL_FILES; i++) {
		if ((got = open_file(w, i, dir, 0, e)) < 0)
			return -1;
		n += got;
		*missing = got ? *missing : i;
	}
	return n;
}

static int
create_files(struct wal *w, const char *dir, struct err *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/wal", dir);
	w->fs->mkdir(w->fs, path);
	for (int i = 0; i < WAL_FILES; i++)
		if (w->files[i].fd < 0 && open_file(w, i, dir, O_CREAT, e) < 0)
			return -1;
	return 0;
}

/* Gives every file the size; the blocks come with wal_reserve(). */
static int
set_size(struct wal *w, int64_t size, struct err *e)
{
	for (int i = 0; i < WAL_FILES; i++) {
		int fd = w->files[i].fd;

		if (w->fs->size(w->fs, fd) == size)
			continue;
		if (w->fs->ftruncate(w->fs, fd, size) < 0)
			return err_errno(e, ERR_IO, "cannot make the write-ahead log "
				"%lld bytes large", (long long)size);
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
	int r = -1, there, missing = 0;

	w->fs = fs;
	for (int i = 0; i < WAL_FILES; i++)
		w->files[i].fd = w->files[i].direct = -1;
	if ((there = open_files(w, dir, &missing, e)) < 0)
		goto out;
	/* Before the first group all names are on disk. */
	if (there && there < WAL_FILES && wal_is_used(w)) {
		err_set(e, ERR_CORRUPT, "'%s/wal/%d' is missing (restore it, or remove "
			"'%s/wal' and start with --repair to go on without it)", dir,
			missing, dir);
		goto out;
	}
	if (there < WAL_FILES && !create) {
		r = 0;
		goto out;
	}
	if (create_files(w, dir, e) < 0)
		goto out;
	for (int i = 0; i < WAL_FILES; i++) {
		int64_t size = fs->size(fs, w->files[i].fd);

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

int
wal_reserve(const struct wal *w)
{
	for (int i = WAL_FILES; i-- > 0; )
		if (w->fs->fallocate(w->fs, w->files[i].fd, false, 0,
				w->file_bytes) < 0 && errno != EOPNOTSUPP)
			return -1;
	return 0;
}

void
wal_close(struct wal *w)
{
	if (!w)
		return;
	for (int i = 0; i < WAL_FILES; i++) {
		if (w->files[i].direct >= 0)
			w->fs->close(w->fs, w->files[i].direct);
		if (w->files[i].fd >= 0)
			w->fs->close(w->fs, w->files[i].fd);
	}
	free(w->staging);
	free(w);
}

bool
wal_is_used(const struct wal *w)
{
	uint8_t magic[4];

	for (int i = 0; i < WAL_FILES; i++)
		if (w->files[i].fd >= 0 &&
		    !fs_read_all(w->fs, w->files[i].fd, magic, sizeof(magic), 0) &&
		    be32_get(magic) == WAL_MAGIC)
			return true;
	return false;
}

/* ---- frames ------------------------------------------------------------- */

/* All of a header that does not depend on the group. */
static void
put_frame(uint8_t *p, const struct wal_frame *f)
{
	be32_put(p, WAL_MAGIC);
	memcpy(p + 24, f->topic_id.b, sizeof(f->topic_id.b));
	be32_put(p + 40, (uint32_t)f->partition);
	be32_put(p + 44, f->flags);
	be64_put(p + 48, (uint64_t)f->segment);
	be64_put(p + 56, (uint64_t)f->position);
	be64_put(p + 64, (uint64_t)f->base_offset);
	be64_put(p + 72, (uint64_t)f->end_offset);
	be32_put(p + 80, f->length);
}

/* ---- frames in advance --------------------------------------------------- */

/*
 * Until a frame is written its header has the checksum of its data where
 * that of the frame comes, and its owner in `previous`.
 */

/* Room for a last block's padding is always there. */
static bool
grow(struct wal_stage *g, size_t n)
{
	size_t need = (size_t)wal_block_up((int64_t)(g->len + n)), cap = g->cap;
	void *bytes;

	if (need <= cap)
		return true;
	if (need > WAL_STAGE_MAX)
		return false;
	for (cap = cap ? cap : STAGE_MIN; cap < need; )
		cap *= 2;
	if (posix_memalign(&bytes, WAL_BLOCK, cap))
		xalloc_check(NULL);
	if (g->len)
		memcpy(bytes, g->bytes, g->len);
	free(g->bytes);
	g->bytes = bytes;
	g->cap = cap;
	return true;
}

bool
wal_stage_add(struct wal_stage *g, const struct wal_frame *f, uint32_t owner,
	const void *data)
{
	size_t size = (size_t)wal_frame_size(f->length);
	uint8_t *p;

	if (!grow(g, size))
		return false;
	p = g->bytes + g->len;
	put_frame(p, f);
	be32_put(p + 4, f->crc);
	be32_put(p + 84, owner);
	memcpy(p + WAL_FRAME, data, f->length);
	memset(p + WAL_FRAME + f->length, 0, size - WAL_FRAME - f->length);
	g->newest = g->len;
	g->owner = owner;
	g->crc = f->crc;
	g->len += size;
	return true;
}

bool
wal_stage_extend(struct wal_stage *g, const void *data, size_t n,
	int64_t end_offset, uint32_t crc)
{
	size_t before = be32_get(g->bytes + g->newest + 80), size;
	uint8_t *p;

	size = (size_t)wal_frame_size(before + n);
	if (before + n > WAL_DATA_MAX || !grow(g, size - (g->len - g->newest)))
		return false;
	p = g->bytes + g->newest;
	be32_put(p + 4, crc);
	be64_put(p + 72, (uint64_t)end_offset);
	be32_put(p + 80, (uint32_t)(before + n));
	memcpy(p + WAL_FRAME + before, data, n);
	memset(p + WAL_FRAME + before + n, 0, size - WAL_FRAME - before - n);
	g->len = g->newest + size;
	g->crc = crc;
	return true;
}

void
wal_stage_release(struct wal_stage *g)
{
	free(g->bytes);
	*g = (struct wal_stage){ 0 };
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

struct wal_place
wal_place(const struct wal *w)
{
	return (struct wal_place){ w->current, w->pos, w->epoch };
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
	int64_t need = wal_block_up(bytes) + writes * WAL_BLOCK;
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

/* From the memory to the disk, without a copy in the page cache where that can be. */
static int
write_direct(const struct fs *fs, struct wal_file *f, const uint8_t *p, size_t n,
	int64_t at)
{
	if (f->direct >= 0) {
		if (!fs_write_all(fs, f->direct, p, n, at))
			return 0;
		if (errno != EINVAL)
			return -1;
		fs->close(fs, f->direct);
		f->direct = -1;
	}
	return fs_write_all(fs, f->fd, p, n, at);
}

/* Whole blocks of the group, at an aligned address. */
static int
write_blocks(struct wal *w, const uint8_t *p, size_t n)
{
	if (write_direct(w->fs, &w->files[w->current], p, n, w->pos + w->written) < 0) {
		w->epoch++; /* what is there of the group is no part of the next */
		return -1;
	}
	w->written += (int64_t)n;
	return 0;
}

static int
write_staged(struct wal *w)
{
	size_t n = (size_t)wal_block_up((int64_t)w->staged);

	memset(w->staging + w->staged, 0, n - w->staged);
	w->staged = 0;
	return write_blocks(w, w->staging, n);
}

/* And the rest of it; the checksum of what is before the data. */
static uint32_t
put_group(const struct wal *w, uint8_t *p, uint64_t commit, uint32_t flags)
{
	be64_put(p + 8, w->epoch);
	be64_put(p + 16, commit);
	be32_put(p + 44, be32_get(p + 44) | flags);
	be32_put(p + 84, (uint32_t)w->previous);
	be64_put(p + 88, w->nonce);
	return crc32c(0, p + 8, WAL_FRAME - 8);
}

int
wal_put(struct wal *w, const struct wal_frame *f, int fd)
{
	size_t size = (size_t)wal_frame_size(f->length);
	bool first = !w->written && !w->staged;
	uint32_t crc;
	uint8_t *p;

	if (w->staged + size > STAGING && write_staged(w) < 0)
		return -1;
	p = w->staging + w->staged;
	if (f->length && fs_read_all(w->fs, fd, p + WAL_FRAME, f->length,
			f->position) < 0)
		return -1;
	put_frame(p, f);
	crc = put_group(w, p, f->commit, first ? WAL_FIRST : 0);
	be32_put(p + 4, crc32c(crc, p + WAL_FRAME, f->length));
	memset(p + WAL_FRAME + f->length, 0, size - WAL_FRAME - f->length);
	w->staged += size;
	return 0;
}

static void
finish_frame(const struct wal *w, uint8_t *p, uint64_t commit, uint32_t flags)
{
	uint32_t data = be32_get(p + 4), crc = put_group(w, p, commit, flags);

	be32_put(p + 4, crc32c_join(crc, data, be32_get(p + 80)));
}

int
wal_put_stage(struct wal *w, struct wal_stage *g, uint64_t commit, bool is_all,
	bool (*wanted)(void *arg, uint32_t owner), void *arg)
{
	uint32_t first = WAL_FIRST;
	uint8_t *frame = NULL;
	size_t len = 0, n;

	for (size_t at = 0, size; at < g->len; at += size) {
		uint8_t *p = g->bytes + at;

		size = (size_t)wal_frame_size(be32_get(p + 80));
		if (!wanted(arg, be32_get(p + 84)))
			continue;
		if (frame) {
			finish_frame(w, frame, commit, first);
			first = 0;
		}
		frame = g->bytes + len;
		if (frame != p)
			memmove(frame, p, size);
		len += size;
	}
	if (!frame)
		return 0;
	finish_frame(w, frame, commit, first | (is_all ? WAL_LAST : 0));
	n = (size_t)wal_block_up((int64_t)len);
	memset(g->bytes + len, 0, n - len);
	return write_blocks(w, g->bytes, n);
}

int
wal_end(struct wal *w, uint64_t commit)
{
	if (w->staged && write_staged(w) < 0)
		return -1;
	if (w->fs->fdatasync(w->fs, w->files[w->current].fd) < 0) {
		w->epoch++;
		return -1;
	}
	w->files[w->current].newest = w->previous = commit;
	w->pos += w->written;
	return 0;
}
