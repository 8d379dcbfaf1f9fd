/*
 * diag.h - the program's voice on stderr and its way out.
 *
 * Only this module, opt (--help), out and prompt print; nothing in lib/
 * exits but diag_finish() and opt_parse()'s help.
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
int diag_level(void);

/* "kc-produce: warning: ..." on stderr; counted. */
void diag_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "kc-produce: ...": a fact for the person, silent with -q. */
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "kc-produce: ...": an error about one item; the program goes on. Never silent. */
void diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Shown from verbosity `level` on. */
void diag_verbose(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The end of every main: prints e when result is not 0, closes stdout and
 * fails if that fails (EPIPE: quietly, as SIGPIPE would), re-raises the
 * signal that ended the run, else returns the exit status of DESIGN section 4.
 */
int diag_finish(int result, const struct err *e);

#endif
