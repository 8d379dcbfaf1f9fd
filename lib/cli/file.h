/*
 * file.h - small files written whole and durably: what is there after a crash
 * is the old content or the new one, and 0 means that the disk has it.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/err.h"
#include "base/slice.h"

/*
 * Writes beside the file, then renames. A symbolic link is followed; the mode
 * of a file that is there stays, a new one has the umask's. ERR_IO.
 */
int file_replace(const char *path, struct slice content, struct err *e);

/* A new file, for its owner only. ERR_EXISTS when there is one, else ERR_IO. */
int file_create(const char *path, struct slice content, struct err *e);

#endif
