/*
 * properties.h - the text of a Java .properties file, pair by pair.
 *
 *	key = value      key: value      key value      # comment  ! comment
 *
 * A backslash at the end of a line continues it (the next line's leading
 * blanks go), and \t \n \r \f \uXXXX and \<any> are escapes. A later pair of
 * the same key wins in Java; here every pair is given, in order.
 */
#ifndef BASE_PROPERTIES_H
#define BASE_PROPERTIES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct properties {
	struct slice text; /* what is left; borrowed */
	int line;          /* of the pair returned last, from 1 */
	int lines;         /* private: lines read so far */
	struct buf key, value;
};

/* `text` must outlive the reading. */
void properties_init(struct properties *p, struct slice text);

/* The next pair, valid until the next call; false at the end. */
bool properties_next(struct properties *p, const char **key, const char **value);
void properties_release(struct properties *p);

#endif
