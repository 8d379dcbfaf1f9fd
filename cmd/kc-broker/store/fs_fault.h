/*
 * fs_fault.h - a file system that fails when it is told to: for fault rules.
 *
 * As long as nothing is set it is the one behind it. It is set on the loop
 * and looked at by all threads.
 */
#ifndef STORE_FS_FAULT_H
#define STORE_FS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/fs.h"

enum { FS_FAULT_FILES = 1024 };

struct fs_fault {
	struct fs fs;             /* what the store gets */
	const struct fs *real;
	atomic_bool full;         /* ENOSPC: but for the write-ahead log, which has its room */
	atomic_bool bad_sync;     /* syncs are EIO */
	atomic_bool no_sync;      /* syncs do nothing and say that all is well */
	_Atomic int64_t slow_ms;  /* added to every sync */
	atomic_bool reserved[FS_FAULT_FILES]; /* by descriptor: files of the WAL */
};

void fs_fault_init(struct fs_fault *f, const struct fs *real);

#endif
