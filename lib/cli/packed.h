/*
 * packed.h - files of lines, compressed by zstd: written durably under their
 * name only when they are complete, and read line by line. The only includer
 * of zstd.h in lib.
 */
#ifndef CLI_PACKED_H
#define CLI_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct packed_writer;

/* Writes PATH.part, for its owner only; one that is there is overwritten. */
int packed_create(struct packed_writer **out, const char *path, struct err *e);
int packed_write(struct packed_writer *w, struct slice bytes, struct err *e);
/* The file is on the disk, under its name; frees w. */
int packed_finish(struct packed_writer *w, struct err *e);
/* Takes the part away; frees w. NULL is fine. */
void packed_abandon(struct packed_writer *w);

struct packed_reader;

int packed_open(struct packed_reader **out, const char *path, struct err *e);
/* 1 = *line, without LF, valid until the next call; 0 = the end; -1 = error. */
int packed_next(struct packed_reader *r, struct slice *line, struct err *e);
void packed_close(struct packed_reader *r);

#endif
