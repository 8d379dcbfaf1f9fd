/*
 * prompt.h - a question on the terminal. The only includer of readline.
 */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "base/err.h"

/*
 * Asks "<question> [y/N] " on stderr. 0 = yes; -1 = ERR_FAILED when the answer
 * is not yes, ERR_USAGE at once when stdin or stderr is no terminal (say --yes).
 */
int prompt_yes(const char *question, struct err *e);

/*
 * Asks for a line, which can be edited and recalled. 0: *out is it without
 * blanks around it, owned, or NULL at the end of input. -1: ERR_USAGE without
 * a terminal; e untouched when a signal came.
 */
int prompt_line(const char *question, char **out, struct err *e);

#endif
