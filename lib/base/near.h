/*
 * near.h - "did you mean ...?": the known name closest to a mistyped one.
 *
 *	struct near n = near_init(typed);
 *	for (each known name)
 *		near_offer(&n, name);
 *	if (n.name) ... "(did you mean '%s'?)"
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include "base/slice.h"

struct near {
	struct slice want;
	size_t best;      /* distance of name; more than this is no match */
	const char *name; /* borrowed from near_offer(); NULL = none is near */
};

/*
 * Near is: one edit for short names, a third of the letters for long ones;
 * a beginning is one edit away from its name.
 */
struct near near_init(struct slice want);
void near_offer(struct near *n, const char *name);

#endif
