#include "store/checkpoint.h"

#include <errno.h>
#include <fcntl.h>

#include "base/be.h"
#include "base/crc32c.h"

static const char magic[] = "KCCKPT03";

enum {
	HEADER = 8 + 5 * 8 + 4 + 4,
	SMALLEST = 12, /* of any version */
	FIXED = 16 + 4 + 5 * 8 + 3 * 4 + 7 * 8, /* of an entry, before producers */
};

void
checkpoint_put(const struct checkpoint_log *l, struct buf *out)
{
	uint8_t *p = buf_reserve(out, FIXED);
	const int64_t numbers[] = { l->start, l->end, l->active, l->position,
		l->older_bytes, l->since_entry, l->first_timestamp,
		l->max_timestamp, l->max_timestamp_offset,
		(int64_t)l->aborted, (int64_t)l->older_aborted, l->older_start };

	memcpy(p, l->topic_id.b, 16);
	be32_put(p + 16, (uint32_t)l->partition);
	be32_put(p + 20, (uint32_t)l->segments);
	be32_put(p + 24, l->offsets);
	be32_put(p + 28, l->times);
	for (int i = 0; i < 12; i++)
		be64_put(p + 32 + 8 * i, (uint64_t)numbers[i]);
	out->len += FIXED;
	buf_addslice(out, l->producers);
}

int
checkpoint_get(struct slice entry, struct checkpoint_log *l)
{
	int64_t *const numbers[] = { &l->start, &l->end, &l->active, &l->position,
		&l->older_bytes, &l->since_entry, &l->first_timestamp,
		&l->max_timestamp, &l->max_timestamp_offset };
	const uint8_t *p = entry.data;

	if (entry.len < FIXED)
		return -1;
	memcpy(l->topic_id.b, p, 16);
	l->partition = (int32_t)be32_get(p + 16);
	l->segments = (int32_t)be32_get(p + 20);
	l->offsets = be32_get(p + 24);
	l->times = be32_get(p + 28);
	for (int i = 0; i < 9; i++)
		*numbers[i] = (int64_t)be64_get(p + 32 + 8 * i);
	l->aborted = be64_get(p + 104);
	l->older_aborted = be64_get(p + 112);
	l->older_start = (int64_t)be64_get(p + 120);
	l->producers = slice_make(p + FIXED, entry.len - FIXED);
	return 0;
}

static void
encode(const struct checkpoint_head *head, const struct list *entries, struct buf *out)
{
	uint32_t n = 0;
	uint8_t *p = buf_reserve(out, HEADER);

	memcpy(p, magic, 8);
	be64_put(p + 8, head->covered);
	be64_put(p + 16, head->epoch);
	be64_put(p + 24, head->nonce);
	be64_put(p + 32, head->end.epoch);
	be64_put(p + 40, (uint64_t)head->end.pos);
	be32_put(p + 48, (uint32_t)head->end.file);
	out->len = HEADER;
	for (struct list *i = entries->next; i != entries; i = i->next, n++) {
		const struct checkpoint_entry *en =
			container_of(i, struct checkpoint_entry, node);

		be32_put(buf_reserve(out, 4), (uint32_t)en->bytes.len);
		out->len += 4;
		buf_addslice(out, buf_slice(&en->bytes));
	}
	be32_put(out->data + HEADER - 4, n);
	be32_put(buf_reserve(out, 4), crc32c(0, out->data, out->len));
	out->len += 4;
}

static int
write_file(const struct fs *fs, const char *path, const struct buf *b, bool sync)
{
	int fd = fs->open(fs, path, O_WRONLY | O_CREAT | O_TRUNC);
	int r = -1, saved;

	if (fd < 0)
		return -1;
	if (!fs_write_all(fs, fd, b->data, b->len, 0) &&
	    (!sync || !fs->fsync(fs, fd)))
		r = 0;
	saved = errno;
	fs->close(fs, fd);
	errno = saved;
	return r;
}

int
checkpoint_replace(const struct fs *fs, const char *dir, const struct buf *file,
	bool sync, struct err *e)
{
	char path[4096], tmp[4096];

	snprintf(path, sizeof(path), "%s/checkpoint", dir);
	snprintf(tmp, sizeof(tmp), "%s/checkpoint.tmp", dir);
	if (write_file(fs, tmp, file, sync) < 0 || fs->rename(fs, tmp, path) < 0 ||
	    (sync && fs_sync_dir(fs, dir) < 0))
		return err_errno(e, ERR_IO, "cannot write '%s'", path);
	return 0;
}

int
checkpoint_write(const struct fs *fs, const char *dir,
	const struct checkpoint_head *head, const struct list *entries, bool sync,
	struct err *e)
{
	struct buf b = BUF_INIT;
	int r;

	encode(head, entries, &b);
	r = checkpoint_replace(fs, dir, &b, sync, e);
	buf_release(&b);
	return r;
}

static int
damaged(struct err *e, const char *path)
{
	return err_set(e, ERR_CORRUPT, "the checkpoint '%s' is damaged (restore it, "
		"or start with --repair to read every log from its start)", path);
}

/* By an earlier version, in another form. */
static int
foreign(struct err *e, const char *path)
{
	return err_set(e, ERR_CORRUPT, "the checkpoint '%s' is of another version of "
		"kc-broker (use that one, or start with --repair to read every log "
		"from its start)", path);
}

/*
 * The very first one is not synced until the first commit. When the power
 * goes before that it may be empty, or nothing but zeros.
 */
static bool
is_unwritten(const uint8_t *p, size_t n)
{
	static const uint8_t zeros[HEADER + 4];

	return n == sizeof(zeros) && !memcmp(p, zeros, n);
}

int
checkpoint_read(const struct fs *fs, const char *dir, struct buf *file,
	struct checkpoint_head *head, void (*fn)(void *arg, struct slice entry),
	void *arg, struct err *e)
{
	char path[4096];
	const uint8_t *p, *end;
	int64_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/checkpoint", dir);
	fd = fs->open(fs, path, O_RDONLY);
	if (fd < 0)
		return errno == ENOENT ? 0 :
			err_errno(e, ERR_IO, "cannot open '%s'", path);
	size = fs->size(fs, fd);
	if (size < SMALLEST) {
		fs->close(fs, fd);
		return size ? damaged(e, path) : 0;
	}
	file->len = 0;
	if (fs_read_all(fs, fd, buf_reserve(file, (size_t)size), (size_t)size, 0) < 0) {
		fs->close(fs, fd);
		return err_errno(e, ERR_IO, "cannot read '%s'", path);
	}
	fs->close(fs, fd);
	file->len = (size_t)size;
	p = file->data;
	end = p + file->len - 4;
	if (is_unwritten(p, file->len))
		return 0;
	if (!memcmp(p, magic, 6) && memcmp(p, magic, 8) &&
	    be32_get(end) == crc32c(0, p, file->len - 4))
		return foreign(e, path);
	if (size < HEADER + 4 || memcmp(p, magic, 8) || be32_get(end) != crc32c(0, p, file->len - 4))
		return damaged(e, path);
	head->covered = be64_get(p + 8);
	head->epoch = be64_get(p + 16);
	head->nonce = be64_get(p + 24);
	head->end = (struct wal_place){ (int)be32_get(p + 48),
		(int64_t)be64_get(p + 40), be64_get(p + 32) };
	for (p += HEADER; p < end; p += 4 + be32_get(p)) {
		if (end - p < 4 || be32_get(p) > (size_t)(end - p - 4) ||
		    be32_get(p) < CHECKPOINT_KEY)
			return damaged(e, path);
		fn(arg, slice_make(p + 4, be32_get(p)));
	}
	return 1;
}
