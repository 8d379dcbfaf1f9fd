#include "store/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"

enum { CHECK_ENTRIES = 4096 }; /* read at a time */

void
index_init(struct index *x, uint8_t width, uint32_t stored)
{
	*x = (struct index){ .width = width, .fd = -1, .from = stored,
		.stored = stored };
}

void
index_close(struct index *x, const struct fs *fs)
{
	if (x->fd >= 0)
		fs->close(fs, x->fd);
	x->fd = -1;
}

void
index_release(struct index *x, const struct fs *fs)
{
	index_close(x, fs);
	buf_release(&x->mem);
}

void
index_add_offset(struct index *x, uint32_t relative, uint32_t position)
{
	uint8_t *p = buf_reserve(&x->mem, OFFSET_ENTRY);

	be32_put(p, relative);
	be32_put(p + 4, position);
	x->mem.len += OFFSET_ENTRY;
}

void
index_add_time(struct index *x, int64_t timestamp, uint32_t relative)
{
	uint8_t *p = buf_reserve(&x->mem, TIME_ENTRY);

	be64_put(p, (uint64_t)timestamp);
	be32_put(p + 8, relative);
	x->mem.len += TIME_ENTRY;
}

static int64_t
key_of(const uint8_t *entry, enum index_key key)
{
	switch (key) {
	case INDEX_OFFSET:
		return be32_get(entry);
	case INDEX_POSITION:
		return be32_get(entry + 4);
	default:
		return (int64_t)be64_get(entry);
	}
}

/* Entry i, wherever it is; one that cannot be read counts as zeros, which
 * sends the reader to the start of the segment: slow, never wrong. */
static const uint8_t *
entry_at(const struct index *x, const struct fs *fs, int64_t i,
	uint8_t tmp[TIME_ENTRY])
{
	if (i >= x->from)
		return x->mem.data + (size_t)(i - x->from) * x->width;
	if (fs_read_all(fs, x->fd, tmp, x->width, i * x->width) < 0)
		memset(tmp, 0, TIME_ENTRY);
	return tmp;
}

int64_t
index_key(const struct index *x, const struct fs *fs, int64_t i, enum index_key key)
{
	uint8_t tmp[TIME_ENTRY];

	return key_of(entry_at(x, fs, i, tmp), key);
}

uint32_t
index_time_offset(const struct index *x, const struct fs *fs, int64_t i)
{
	uint8_t tmp[TIME_ENTRY];

	return be32_get(entry_at(x, fs, i, tmp) + 8);
}

int64_t
index_floor(const struct index *x, const struct fs *fs, enum index_key key, int64_t v)
{
	int64_t lo = 0, hi = index_count(x);

	while (lo < hi) {
		int64_t mid = (lo + hi) / 2;

		if (index_key(x, fs, mid, key) <= v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

/* Are the entries at p (n of them, after the one at `before`) in order? */
static bool
are_ascending(const struct index *x, const uint8_t *before, const uint8_t *p,
	size_t n, int64_t size)
{
	bool time = x->width == TIME_ENTRY;

	for (size_t i = 0; i < n; i++, before = p, p += x->width) {
		if (!time && key_of(p, INDEX_POSITION) >= size)
			return false;
		if (!before)
			continue;
		if (time ? key_of(p, INDEX_TIME) <= key_of(before, INDEX_TIME) :
		    key_of(p, INDEX_OFFSET) <= key_of(before, INDEX_OFFSET) ||
		    key_of(p, INDEX_POSITION) <= key_of(before, INDEX_POSITION))
			return false;
	}
	return true;
}

static int
check(struct index *x, const struct fs *fs, int64_t size)
{
	uint8_t *p = xmalloc((CHECK_ENTRIES + 1) * (size_t)x->width);
	bool ok = fs->size(fs, x->fd) >= (int64_t)x->stored * x->width;

	/* The last entry of a piece stays in front of the next one. */
	for (uint32_t i = 0; ok && i < x->from; ) {
		size_t n = x->from - i < CHECK_ENTRIES ? x->from - i : CHECK_ENTRIES;

		ok = !fs_read_all(fs, x->fd, p + x->width, n * x->width,
				(int64_t)i * x->width) &&
			are_ascending(x, i ? p : NULL, p + x->width, n, size);
		memcpy(p, p + n * x->width, x->width);
		i += (uint32_t)n;
	}
	free(p);
	x->checked = ok;
	return ok ? 0 : -1;
}

int
index_ready(struct index *x, const struct fs *fs, const char *path, int64_t size)
{
	if (!x->from || (x->fd >= 0 && x->checked))
		return 0;
	if (x->fd < 0)
		x->fd = fs->open(fs, path, O_RDWR);
	if (x->fd < 0)
		return -1;
	return x->checked ? 0 : check(x, fs, size);
}

int
index_store(struct index *x, const struct fs *fs, const char *path)
{
	uint32_t n = index_count(x);
	size_t skip = (size_t)(x->stored - x->from) * x->width;

	if (n == x->stored)
		return 0;
	if (x->fd < 0)
		x->fd = fs->open(fs, path, O_RDWR | O_CREAT);
	if (x->fd < 0 || fs_write_all(fs, x->fd, x->mem.data + skip,
			x->mem.len - skip, (int64_t)x->stored * x->width) < 0)
		return -1;
	if (!x->from)
		x->checked = true; /* all of it is ours */
	x->stored = n;
	return 0;
}

void
index_trim(struct index *x, uint32_t keep)
{
	uint32_t n = index_count(x), from = n > keep ? n - keep : 0;

	if (from > x->stored)
		from = x->stored;
	if (from <= x->from)
		return;
	buf_consume(&x->mem, (size_t)(from - x->from) * x->width);
	x->from = from;
	if (!x->mem.len)
		buf_release(&x->mem);
}
