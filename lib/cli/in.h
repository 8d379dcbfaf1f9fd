/*
 * in.h - input by lines (or other delimiters), of any length up to a limit,
 * read in large blocks, in place.
 */
#ifndef CLI_IN_H
#define CLI_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct in {
	int fd;
	const char *name;       /* "stdin" or the file's name, for messages; borrows */
	struct slice delimiter; /* LF; set another after in_open(); empty: the file is one line */
	size_t limit;           /* longest line, 64 MiB; longer ones are IN_TOO_LONG */
	int64_t line;           /* number of the line returned last, from 1 */
	/* private */
	struct buf buf;
	size_t at;              /* where the next line begins */
	size_t scanned;         /* no delimiter begins before this */
	bool eof, skipping;
};

enum in_status {
	IN_LINE,     /* *line is one, without its delimiter; valid until the next call */
	IN_EOF,
	IN_IDLE,     /* nothing within timeout_ms: time to flush */
	IN_TOO_LONG, /* a line over the limit was skipped; in->line names it */
	IN_SIGNAL,   /* sig_caught() */
	IN_ERROR,
};

int in_open(struct in *in, const char *path, struct err *e); /* "-" = stdin */
/*
 * timeout_ms -1 waits for ever. A last line without delimiter counts. Signals
 * are looked for when the buffer is empty, so lines already read come first.
 */
enum in_status in_next(struct in *in, int timeout_ms, struct slice *line, struct err *e);
/* True when a whole line, or the end, is in the buffer: in_next() will not block. */
bool in_has_line(const struct in *in);
void in_close(struct in *in);

/* fn gets each line of a file; its errors, and ours, name file and line. */
int in_each(const char *path, int (*fn)(void *arg, struct slice line, struct err *e),
	void *arg, struct err *e);

#endif
