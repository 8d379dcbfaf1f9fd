#include "store/aborted.h"

#include <fcntl.h>

#include "base/be.h"
#include "base/crc32c.h"

void
aborted_release(struct aborted *x)
{
	buf_release(&x->mem);
	*x = (struct aborted){ 0 };
}

void
aborted_add(struct aborted *x, const struct aborted_txn *t, int64_t stable)
{
	uint8_t *p = buf_reserve(&x->mem, ABORTED_ENTRY);

	be16_put(p, 0);
	be64_put(p + 2, (uint64_t)t->producer_id);
	be64_put(p + 10, (uint64_t)t->first_offset);
	be64_put(p + 18, (uint64_t)t->last_offset);
	be64_put(p + 26, (uint64_t)stable);
	x->mem.len += ABORTED_ENTRY;
	x->crc = crc32c(x->crc, p, ABORTED_ENTRY);
	x->n++;
}

void
aborted_adopt(struct aborted *x, uint64_t digest)
{
	uint32_t n = (uint32_t)(digest >> 32);

	aborted_release(x);
	x->from = x->stored = x->n = n;
	x->crc = (uint32_t)digest;
}

/* The first n entries of the file. */
static int
read_file(const struct fs *fs, const char *path, uint32_t n, struct buf *out)
{
	size_t len = (size_t)n * ABORTED_ENTRY;
	int fd = fs->open(fs, path, O_RDONLY);
	int r = -1;

	if (fd < 0)
		return -1;
	/* The number is from a checkpoint, or from the file's size then. */
	if (fs->size(fs, fd) >= (int64_t)len) {
		r = fs_read_all(fs, fd, buf_reserve(out, len), len, 0);
		out->len = r < 0 ? 0 : len;
	}
	fs->close(fs, fd);
	return r;
}

int
aborted_adopt_file(struct aborted *x, const struct fs *fs, const char *path)
{
	int64_t size = fs->size_of(fs, path);
	struct buf all = BUF_INIT;

	aborted_release(x);
	if (size < ABORTED_ENTRY)
		return 0;
	x->n = x->from = x->stored = (uint32_t)(size / ABORTED_ENTRY);
	if (read_file(fs, path, x->n, &all) < 0) {
		buf_release(&all);
		return -1;
	}
	x->crc = crc32c(0, all.data, all.len);
	buf_release(&all);
	return 0;
}

int
aborted_load(struct aborted *x, const struct fs *fs, const char *path)
{
	struct buf all = BUF_INIT;

	if (!x->from)
		return 0;
	if (read_file(fs, path, x->from, &all) < 0) {
		buf_release(&all);
		return -1;
	}
	buf_addslice(&all, buf_slice(&x->mem));
	if (crc32c(0, all.data, all.len) != x->crc) {
		buf_release(&all);
		return -1;
	}
	buf_release(&x->mem);
	x->mem = all;
	x->from = 0;
	return 0;
}

int
aborted_store(struct aborted *x, const struct fs *fs, const char *path)
{
	size_t skip = (size_t)(x->stored - x->from) * ABORTED_ENTRY;
	int fd, r;

	if (x->n == x->stored)
		return 0;
	fd = fs->open(fs, path, O_RDWR | O_CREAT);
	if (fd < 0)
		return -1;
	r = fs_write_all(fs, fd, x->mem.data + skip, x->mem.len - skip,
		(int64_t)x->stored * ABORTED_ENTRY);
	/* What an earlier life of the file had behind them goes. */
	if (!r)
		r = fs->ftruncate(fs, fd, (int64_t)x->n * ABORTED_ENTRY);
	fs->close(fs, fd);
	if (r < 0)
		return -1;
	x->stored = x->n;
	return 1;
}

/* An earlier life of the file may have left entries behind ours. */
void
aborted_seal(struct aborted *x, const struct fs *fs, const char *path)
{
	int64_t size = fs->size_of(fs, path);

	if (!x->n && size >= 0)
		fs->unlink(fs, path);
	if (x->n && size > (int64_t)x->stored * ABORTED_ENTRY)
		x->stored = x->from; /* written once more, and cut there */
	aborted_store(x, fs, path);
	aborted_trim(x);
}

void
aborted_trim(struct aborted *x)
{
	if (x->n != x->stored)
		return;
	buf_release(&x->mem);
	x->from = x->n;
}

void
aborted_get(const struct aborted *x, uint32_t i, struct aborted_txn *t,
	int64_t *stable)
{
	const uint8_t *p = x->mem.data + (size_t)i * ABORTED_ENTRY;

	t->producer_id = (int64_t)be64_get(p + 2);
	t->first_offset = (int64_t)be64_get(p + 10);
	t->last_offset = (int64_t)be64_get(p + 18);
	*stable = (int64_t)be64_get(p + 26);
}

uint32_t
aborted_find(const struct aborted *x, int64_t offset)
{
	uint32_t lo = 0, hi = x->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct aborted_txn t;
		int64_t stable;

		aborted_get(x, mid, &t, &stable);
		if (t.last_offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
