/*
 * out.h - stdout as data: one large buffer, every write checked.
 *
 * A full disk is ERR_IO. A closed pipe is remembered (out_is_closed()) and
 * ends the tool as SIGPIPE would. Lines count as written only once the
 * kernel has taken them: out_flush() before anything is committed.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct out {
	int fd;
	struct buf buf;   /* append here, then out_maybe_flush() */
	size_t limit;     /* flush when the buffer holds more */
	bool unbuffered;  /* flush after each record (terminal, -u) */
	bool color;       /* tables have bold headers: see term_color() */
	bool closed;      /* EPIPE seen */
};

void out_init(struct out *o, int fd);
/* Writes the buffer when it is over the limit. */
int out_maybe_flush(struct out *o, struct err *e);
int out_flush(struct out *o, struct err *e);
bool out_is_closed(const struct out *o);
/* Flushes, closes (a file behind stdout may fail only then), releases. */
int out_close(struct out *o, struct err *e);

/*
 * A table for people or lines for programs: rows of cells. On a terminal
 * aligned columns with a header, widths by terminal columns; in a pipe tab
 * separated, no header, never cut.
 */
struct out_table;
struct out_table *out_table_new(const char *const *columns, int n);
/* A column of numbers is aligned right. */
void out_table_right(struct out_table *t, int column);
void out_table_cell(struct out_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int out_table_print(struct out_table *t, struct out *o, bool terminal, struct err *e);
void out_table_free(struct out_table *t);

#endif
