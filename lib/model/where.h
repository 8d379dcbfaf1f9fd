/*
 * where.h - one condition on a record, as --where gives it; pure.
 *
 *	PATH               is there, and neither null nor false
 *	PATH = TEXT   !=   the same text; a number is the same in every form
 *	PATH < N  <= > >=  by number; what is none does not match
 *	PATH ~ REGEX  !~   has a match (extended)
 *
 * Blanks around the operator are of no matter, and none is needed. PATH is
 * model/path.h's. Of several places that it leads to, and of the items of an
 * array, any may match; != and !~ match where = and ~ do not.
 */
#ifndef MODEL_WHERE_H
#define MODEL_WHERE_H

#include <regex.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "model/path.h"

enum where_op { WHERE_IS, WHERE_EQ, WHERE_LT, WHERE_LE, WHERE_GT, WHERE_GE, WHERE_MATCH };

struct where {
	struct path path;
	enum where_op op;
	bool not;
	char *value;          /* owned; of WHERE_IS NULL */
	regex_t re;           /* of WHERE_MATCH */
};

/* ERR_USAGE. */
int where_parse(struct where *w, const char *text, struct err *e);
void where_release(struct where *w);

/*
 * field: the bytes of the path's root, or of the header that it names; null
 * when it is not there.
 */
bool where_matches(const struct where *w, struct slice field);

#endif
