/*
 * tool.h - the main() that the tools share: options, voice, signals, the work,
 * and the way from its result to the exit status.
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "base/err.h"
#include "cli/opt.h"

/* The work: 0, or -1 and *e. verb is NULL when the tool has none. */
typedef int (*tool_run)(void *args, const struct opt_command *verb, int argc,
	char **argv, struct err *e);

/*
 * The status to return from main(). Work that fails after a signal says so,
 * and ends as the signal asks. p has common options.
 */
int tool_main(const struct opt_program *p, void *args, tool_run run, int argc,
	char **argv);

/*
 * Its beginning, for a tool whose end is its own: opt_parse(), and the
 * program's name, -q, -v and signals set up. Ends with diag_finish().
 */
int tool_begin(const struct opt_program *p, void *args, int *argc, char **argv,
	const struct opt_command **verb, struct err *e);

#endif
