/*
 * yaml.h - YAML documents for people: read into a tree that knows its lines.
 * The only includer of libyaml's yaml.h.
 *
 * Scalars are texts; what they mean is decided by who asks for them. Aliases
 * are copies of what they stand for.
 */
#ifndef CLI_YAML_H
#define CLI_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	int line;                  /* from 1; of the value */
	const char *name;          /* of a member of a map, else NULL */
	int name_line;
	const char *text;          /* of a YAML_TEXT, NUL-ended; holds no other NUL */
	bool plain;                /* written without quotes */
	const struct yaml *first;  /* of the items or members */
	const struct yaml *next;   /* beside this one */
	int n;                     /* items or members */
};

/*
 * The first document of the text, in memory of the arena; *out is NULL when
 * there is none. ERR_USAGE, "'PATH' line N: ...": no YAML, names that are no texts or are
 * there twice in a map, nesting without end.
 */
int yaml_read(struct arena *memory, const char *path, struct slice text,
	const struct yaml **out, struct err *e);

/* ERR_USAGE with "'PATH' line N: " in front. */
int yaml_fail(const char *path, int line, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "name:" and nothing more: neither text nor map nor list. */
bool yaml_is_nothing(const struct yaml *y);

#endif
