/*
 * opt_table.h - private to opt: the tables of a program as one list, and the
 * printing of help and dump from them.
 */
#ifndef CLI_OPT_TABLE_H
#define CLI_OPT_TABLE_H

#include "cli/opt.h"

/* One option as it is found in the tables of a program. */
struct opt_row {
	const struct opt *opt;
	size_t base;                       /* what opt->at is relative to */
	const struct opt_command *command; /* whose it is, or NULL */
};

/* Options every program has; their `at` means nothing. */
extern const struct opt opt_builtin[];

/*
 * Walks the program's, the commands', the common and the built-in options:
 * for (struct opt_walk w = { .program = p }; opt_walk_next(&w, &row); )
 */
struct opt_walk {
	const struct opt_program *program;
	int table, row;
};
bool opt_walk_next(struct opt_walk *w, struct opt_row *row);

bool opt_takes_value(const struct opt *o);

/* For stdout; command NULL = all of the program. */
void opt_print_help(const struct opt_program *p, const struct opt_command *command);
void opt_print_dump(const struct opt_program *p);

#endif
