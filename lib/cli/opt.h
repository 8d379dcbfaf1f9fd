/*
 * opt.h - one table of options a tool: parsing, --help, completion and the
 * man page check all come from it.
 *
 * Values go into a struct of the tool's own, at the offset that each row
 * names. Short options cluster (-ec5), long ones take "--name value" or
 * "--name=value", "--" ends options, options and arguments mix freely, no
 * abbreviations. An error is ERR_USAGE with the remedy and names near misses.
 * A verb's options may stand before it: a letter or name that several verbs
 * have takes a value in all of them or in none.
 *
 * Handled here: -h --help (wins over everything else), -V --version, and
 * --dump-options for completions and checks, tab separated rows:
 *	command  NAME   ARGS  HELP
 *	option   SCOPE  -x    --name  VALUE  CHOICES  HELP
 * SCOPE is a command or "-"; an absent field is "-"; VALUE is the placeholder;
 * CHOICES are comma separated; HELP of a hidden option is "-".
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum opt_type {
	OPT_FLAG,     /* bool: true when given */
	OPT_COUNT,    /* int: times given (-vv) */
	OPT_STRING,   /* const char *: last one wins */
	OPT_LIST,     /* struct opt_list: every one, in order */
	OPT_INT,      /* int64_t in [min, max] */
	OPT_SIZE,     /* int64_t bytes: 10M */
	OPT_DURATION, /* int64_t ms: 1h30m */
	OPT_CHOICE,   /* const char *: one of `choices` */
	OPT_IGNORED,  /* accepted for kcat's sake, takes no value */
};

struct opt_list {
	const char **items;
	int n;
};

struct opt {
	char letter;               /* 0 = long only */
	const char *name;          /* long name; NULL ends the table */
	enum opt_type type;
	size_t at;                 /* offsetof in the tool's struct */
	const char *arg;           /* placeholder in help: "N", "FILE" */
	const char *help;          /* one line, no full stop */
	int64_t min, max;          /* of OPT_INT, inclusive; both 0 = 0..INT64_MAX */
	const char *const *choices; /* of OPT_CHOICE, NULL-ended */
	const char *group;         /* exclusive with the others of this group */
	bool hidden;               /* aliases (--max-messages): not in help */
};

#define OPT_END { 0 }

/* A verb of a tool that has verbs (kc-topics create ...). */
struct opt_command {
	const char *name;          /* NULL ends the table */
	const char *args;          /* "TOPIC..." */
	const char *help;
	const struct opt *options; /* beside the tool's own and the common ones */
	int (*run)(void *args, int argc, char **argv, struct err *e);
};

struct opt_program {
	const char *name;              /* "kc-topics" */
	const char *summary;           /* one sentence */
	const char *const *usage;      /* lines behind the name, NULL-ended */
	const struct opt *options;
	const struct opt *common;      /* conf's shared options, or NULL */
	size_t common_at;              /* offset of struct conf_args in the tool's struct */
	const struct opt_command *commands; /* or NULL */
	const char *default_command;   /* meant when no argument names one; or NULL */
	bool takes_names;              /* a first argument that is no command is one
	                                  of the default command's arguments */
	const char *const *examples;   /* for --help, NULL-ended */
	int section;                   /* of the man page: 1 or 8 */
	const char *(*librdkafka)(void); /* its version, for --version; or NULL */
};

/*
 * Fills *args and moves the positional arguments to argv[0..*argc), without
 * program and verb. Help and version print to stdout and exit 0. *command is
 * the verb found, or the default one, or NULL; command may be NULL when the
 * tool has none. Values borrow from argv; what options that
 * were not given point to is unchanged; lists live as long as the program.
 */
int opt_parse(const struct opt_program *p, void *args, int *argc, char **argv,
	const struct opt_command **command, struct err *e);

#endif
