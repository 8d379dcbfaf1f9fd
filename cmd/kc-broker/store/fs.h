/*
 * fs.h - the file system as a value: the only way the store reaches a disk.
 *
 * fs_posix() is the machine's; tests put another in front of it that fails,
 * writes short, runs full, or remembers what was not yet synced. Calls
 * return what their system calls return, with errno on -1, and are made from
 * several threads.
 */
#ifndef STORE_FS_H
#define STORE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fs {
	void *ctx; /* the implementation's own */
	int (*open)(const struct fs *fs, const char *path, int flags); /* mode 0600 */
	int (*close)(const struct fs *fs, int fd);
	ssize_t (*pread)(const struct fs *fs, int fd, void *p, size_t n, int64_t at);
	/* It will be read soon: the disk can begin. */
	void (*will_read)(const struct fs *fs, int fd, int64_t at, int64_t n);
	ssize_t (*pwrite)(const struct fs *fs, int fd, const void *p, size_t n, int64_t at);
	int (*fdatasync)(const struct fs *fs, int fd);
	int (*fsync)(const struct fs *fs, int fd); /* for directories */
	int (*syncfs)(const struct fs *fs, int fd);
	/* Reserves blocks; the size stays as it is when keep_size. */
	int (*fallocate)(const struct fs *fs, int fd, bool keep_size, int64_t at,
		int64_t n);
	int (*ftruncate)(const struct fs *fs, int fd, int64_t size);
	int64_t (*size)(const struct fs *fs, int fd);
	int64_t (*size_of)(const struct fs *fs, const char *path);
	int64_t (*modified)(const struct fs *fs, const char *path); /* wall ms */
	int (*rename)(const struct fs *fs, const char *from, const char *to);
	int (*unlink)(const struct fs *fs, const char *path);
	int (*mkdir)(const struct fs *fs, const char *path); /* mode 0700 */
	int (*rmdir)(const struct fs *fs, const char *path);
	int (*lock)(const struct fs *fs, int fd); /* exclusive, does not wait */
	/* Read-only view of a file's first n bytes; NULL on failure. */
	void *(*map)(const struct fs *fs, int fd, size_t n);
	void (*unmap)(const struct fs *fs, void *p, size_t n);
	/* Calls fn for every name but "." and "..", until it returns non-zero. */
	int (*list)(const struct fs *fs, const char *path,
		int (*fn)(void *arg, const char *name), void *arg);
};

const struct fs *fs_posix(void);

/* All of n bytes, or -1 with errno; a file that ends early is EIO. */
int fs_read_all(const struct fs *fs, int fd, void *p, size_t n, int64_t at);
int fs_write_all(const struct fs *fs, int fd, const void *p, size_t n, int64_t at);

/* Opens, fsyncs and closes a directory. */
int fs_sync_dir(const struct fs *fs, const char *path);

#endif
