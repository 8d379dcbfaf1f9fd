/*
 * diag.h - the program's voice on stderr and its way out.
 *
 * Only this module, opt (--help), conf (-X dump), out and prompt print;
 * nothing in lib/ exits but opt_parse()'s help. Control characters in a
 * message are escaped, because it may quote foreign bytes. A message is one
 * write(2): any thread may call these.
 */
#ifndef CLI_DIAG_H
#define CLI_DIAG_H

#include <stdbool.h>

#include "base/err.h"

/* The name in front of every message ("kc-lag"). Once, first thing in main. */
void diag_init(const char *program);
const char *diag_program(void);

/* -q: warnings and notes are silent. -v, -vv: diag_verbose(1), (2) print. */
void diag_set_level(int quiet, int verbose);
/* -1 with -q, else the number of -v. */
int diag_level(void);

/* "kc-produce: warning: ..." on stderr. */
void diag_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "kc-produce: ...": a fact for the person, silent with -q. */
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "kc-produce: ...": an error about one item; the program goes on. Never silent. */
void diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Shown from verbosity `level` on. */
void diag_verbose(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Shows text as the terminal's passing last line, or wipes it (NULL); see progress.h. */
void diag_status_line(const char *text);

/* stdout was closed by its reader (EPIPE); out calls this. */
void diag_pipe_closed(void);

/*
 * The end of every main: prints e when result is not 0 and closes stdout.
 * - a failure: its exit status, unless it is only that the pipe is closed;
 *   an empty sentence prints nothing, because stdout has said it
 * - closed pipe: dies of SIGPIPE, quietly
 * - stdout cannot be written: 1
 * - sig_caught(): dies of that signal. Work that a signal cut short returns
 *   0, or -1 with e still ERR_NONE, after an orderly flush.
 */
int diag_finish(int result, const struct err *e);

#endif
