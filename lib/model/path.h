/*
 * path.h - a place in a record, as people write it; pure.
 *
 *	value  key             the whole
 *	value.card.number      a member of a value that is JSON; of an array's
 *	                       items each one
 *	value."odd.name"       a name with dots
 *	header.NAME            a header; NAME may have dots
 *
 * What stands before the first dot is the root; what roots there are is the
 * caller's.
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

struct path {
	char *text;           /* owned; the others point into it */
	struct slice root;
	struct slice *parts;  /* owned; n 0 = the whole of the root */
	int n;
};

/* ERR_USAGE. */
int path_parse(struct path *p, struct slice text, struct err *e);
void path_release(struct path *p);

/*
 * Gives each value of the document that the parts lead to, as its bytes are,
 * in their order. False when it is no JSON: then some may have been given.
 */
bool path_each(const struct path *p, struct slice json,
	void (*found)(void *arg, struct slice raw), void *arg);

#endif
