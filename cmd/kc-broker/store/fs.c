#include "store/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int
posix_open(const struct fs *fs, const char *path, int flags)
{
	(void)fs;
	return open(path, flags | O_CLOEXEC, 0600);
}

static int
posix_close(const struct fs *fs, int fd)
{
	(void)fs;
	return close(fd);
}

static ssize_t
posix_pread(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
	(void)fs;
	return pread(fd, p, n, at);
}

static void
posix_will_read(const struct fs *fs, int fd, int64_t at, int64_t n)
{
	(void)fs;
	posix_fadvise(fd, at, n, POSIX_FADV_WILLNEED);
}

static ssize_t
posix_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
	(void)fs;
	return pwrite(fd, p, n, at);
}

static int
posix_fdatasync(const struct fs *fs, int fd)
{
	(void)fs;
	return fdatasync(fd);
}

static int
posix_fsync(const struct fs *fs, int fd)
{
	(void)fs;
	return fsync(fd);
}

static int
posix_syncfs(const struct fs *fs, int fd)
{
	(void)fs;
	return syncfs(fd);
}

static int
posix_fallocate_(const struct fs *fs, int fd, bool keep_size, int64_t at, int64_t n)
{
	(void)fs;
	return fallocate(fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, at, n);
}

static int
posix_ftruncate(const struct fs *fs, int fd, int64_t size)
{
	(void)fs;
	return ftruncate(fd, size);
}

static int64_t
posix_size(const struct fs *fs, int fd)
{
	struct stat st;

	(void)fs;
	return fstat(fd, &st) ? -1 : st.st_size;
}

static int64_t
posix_size_of(const struct fs *fs, const char *path)
{
	struct stat st;

	(void)fs;
	return stat(path, &st) ? -1 : st.st_size;
}

static int64_t
posix_modified(const struct fs *fs, const char *path)
{
	struct stat st;

	(void)fs;
	return stat(path, &st) ? -1 :
		(int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static int
posix_rename(const struct fs *fs, const char *from, const char *to)
{
	(void)fs;
	return rename(from, to);
}

static int
posix_unlink(const struct fs *fs, const char *path)
{
	(void)fs;
	return unlink(path);
}

static int
posix_mkdir(const struct fs *fs, const char *path)
{
	(void)fs;
	return mkdir(path, 0700);
}

static int
posix_rmdir(const struct fs *fs, const char *path)
{
	(void)fs;
	return rmdir(path);
}

static int
posix_lock(const struct fs *fs, int fd)
{
	(void)fs;
	return flock(fd, LOCK_EX | LOCK_NB);
}

static void *
posix_map(const struct fs *fs, int fd, size_t n)
{
	void *p;

	(void)fs;
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void
posix_unmap(const struct fs *fs, void *p, size_t n)
{
	(void)fs;
	munmap(p, n);
}

static int
posix_list(const struct fs *fs, const char *path,
	int (*fn)(void *arg, const char *name), void *arg)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int r = 0, saved;

	(void)fs;
	if (!d)
		return -1;
	for (errno = 0; !r && (entry = readdir(d)); errno = 0)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			r = fn(arg, entry->d_name);
	saved = errno;
	closedir(d);
	errno = saved;
	return r ? r : saved ? -1 : 0;
}

const struct fs *
fs_posix(void)
{
	static const struct fs fs = {
		.open = posix_open,
		.close = posix_close,
		.pread = posix_pread,
		.will_read = posix_will_read,
		.pwrite = posix_pwrite,
		.fdatasync = posix_fdatasync,
		.fsync = posix_fsync,
		.syncfs = posix_syncfs,
		.fallocate = posix_fallocate_,
		.ftruncate = posix_ftruncate,
		.size = posix_size,
		.size_of = posix_size_of,
		.modified = posix_modified,
		.rename = posix_rename,
		.unlink = posix_unlink,
		.mkdir = posix_mkdir,
		.rmdir = posix_rmdir,
		.lock = posix_lock,
		.map = posix_map,
		.unmap = posix_unmap,
		.list = posix_list,
	};

	return &fs;
}

int
fs_read_all(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
	uint8_t *to = p;

	while (n) {
		ssize_t got = fs->pread(fs, fd, to, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (!got)
			errno = EIO;
		if (got <= 0)
			return -1;
		to += got;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

int
fs_write_all(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
	const uint8_t *from = p;

	while (n) {
		ssize_t put = fs->pwrite(fs, fd, from, n, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (!put)
			errno = EIO;
		if (put <= 0)
			return -1;
		from += put;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int
fs_sync_dir(const struct fs *fs, const char *path)
{
	int fd = fs->open(fs, path, O_RDONLY | O_DIRECTORY);
	int r, saved;

	if (fd < 0)
		return -1;
	r = fs->fsync(fs, fd);
	saved = errno;
	fs->close(fs, fd);
	errno = saved;
	return r;
}
