#include "store/fs_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

static struct fs_fault *
fault_of(const struct fs *fs)
{
	return fs->ctx;
}

static bool
is_full(struct fs_fault *f, int fd)
{
	if (!f->full || (fd < FS_FAULT_FILES && f->reserved[fd]))
		return false;
	errno = ENOSPC;
	return true;
}

static int
fault_open(const struct fs *fs, const char *path, int flags)
{
	struct fs_fault *f = fault_of(fs);
	int fd;

	if (f->full && flags & O_CREAT) {
		errno = ENOSPC;
		return -1;
	}
	fd = f->real->open(f->real, path, flags);
	if (fd >= 0 && fd < FS_FAULT_FILES)
		f->reserved[fd] = strstr(path, "/wal/") != NULL;
	return fd;
}

static ssize_t
fault_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
	struct fs_fault *f = fault_of(fs);

	return is_full(f, fd) ? -1 : f->real->pwrite(f->real, fd, p, n, at);
}

static int
fault_fallocate(const struct fs *fs, int fd, bool keep_size, int64_t at, int64_t n)
{
	struct fs_fault *f = fault_of(fs);

	return is_full(f, fd) ? -1 : f->real->fallocate(f->real, fd, keep_size, at, n);
}

static int
fault_mkdir(const struct fs *fs, const char *path)
{
	struct fs_fault *f = fault_of(fs);

	if (f->full) {
		errno = ENOSPC;
		return -1;
	}
	return f->real->mkdir(f->real, path);
}

/* Syncs run on threads of their own: they may wait. */
static int
sync_with(struct fs_fault *f, int (*sync)(const struct fs *fs, int fd), int fd)
{
	int64_t ms = f->slow_ms;
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (ms && nanosleep(&left, &left) && errno == EINTR)
		;
	if (f->bad_sync) {
		errno = EIO;
		return -1;
	}
	return f->no_sync ? 0 : sync(f->real, fd);
}

static int
fault_fdatasync(const struct fs *fs, int fd)
{
	return sync_with(fault_of(fs), fault_of(fs)->real->fdatasync, fd);
}

static int
fault_fsync(const struct fs *fs, int fd)
{
	return sync_with(fault_of(fs), fault_of(fs)->real->fsync, fd);
}

static int
fault_syncfs(const struct fs *fs, int fd)
{
	return sync_with(fault_of(fs), fault_of(fs)->real->syncfs, fd);
}

void
fs_fault_init(struct fs_fault *f, const struct fs *real)
{
	*f = (struct fs_fault){ .fs = *real, .real = real };
	f->fs.ctx = f;
	f->fs.open = fault_open;
	f->fs.pwrite = fault_pwrite;
	f->fs.fallocate = fault_fallocate;
	f->fs.mkdir = fault_mkdir;
	f->fs.fdatasync = fault_fdatasync;
	f->fs.fsync = fault_fsync;
	f->fs.syncfs = fault_syncfs;
}
