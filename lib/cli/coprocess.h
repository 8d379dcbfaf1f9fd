/*
 * coprocess.h - a command of the user's beside us: lines to its stdin, lines
 * from its stdout, its stderr passed on and the end of it remembered. Nothing
 * here blocks but coprocess_end().
 *
 * It runs in a process group of its own, so that a whole shell pipeline can be
 * ended, and a Ctrl-C reaches us alone. Signals are as a shell has them.
 */
#ifndef CLI_COPROCESS_H
#define CLI_COPROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum coprocess_flags {
	COPROCESS_STDOUT = 1 << 0, /* its stdout is ours: there are no lines */
};

enum { COPROCESS_FDS = 4 };

struct coprocess {
	pid_t pid;          /* -1 = none is running */
	int status;         /* as waitpid()'s, once it has ended */
	struct buf words;   /* the last of its stderr, at most 8 KiB, UTF-8 */
	size_t limit;       /* longest line, 64 MiB */
	/* private */
	int pidfd, in, out, err;
	struct buf input, output;
	size_t input_at, output_at, scanned;
	bool ended, closing;
};

void coprocess_init(struct coprocess *c);
/* argv ends with NULL. A command that cannot be run ends with status 127. */
int coprocess_start(struct coprocess *c, char *const argv[], unsigned flags,
	struct err *e);

/* Will be written as the pipe takes it. */
void coprocess_send(struct coprocess *c, struct slice bytes);
/* Bytes that were not taken yet. */
size_t coprocess_unsent(const struct coprocess *c);
/* No more will be sent: its stdin ends behind what is there. */
void coprocess_close_input(struct coprocess *c);

/* What to wait for; unused ones are -1. Then serve them. */
void coprocess_poll(const struct coprocess *c, struct pollfd fds[COPROCESS_FDS]);
void coprocess_serve(struct coprocess *c, const struct pollfd fds[COPROCESS_FDS]);

enum coprocess_line { COPROCESS_NONE, COPROCESS_LINE, COPROCESS_TOO_LONG };
/* The next line, without LF; valid until the next serve or start. */
enum coprocess_line coprocess_next(struct coprocess *c, struct slice *line);

/* It has ended, or has closed its stdout: no more answers will come. */
bool coprocess_is_over(const struct coprocess *c);

/*
 * Closes its pipes, waits for its end for at most grace_ms, and kills its
 * group then. Afterwards nothing runs; status is set.
 */
void coprocess_end(struct coprocess *c, int grace_ms);
void coprocess_release(struct coprocess *c);

/* "ended with status 3", "was killed by signal 9 (Killed)" */
void coprocess_tell(const struct coprocess *c, struct buf *out);

#endif
