/*
 * redact.h - fields that nobody needs to see: masked before a dead letter is
 * shown; pure.
 *
 *	value key          the whole
 *	value.card.number  a member; a value that is no JSON is masked whole
 *	header.NAME        the header's value
 *	message            what errors say, and their stacks, which say it again:
 *	                   numbers, names and quoted text are masked
 *
 * What is masked reads [redacted]; null stays null, and so does what is not
 * there.
 */
#ifndef MODEL_REDACT_H
#define MODEL_REDACT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/deadletter.h"
#include "model/path.h"
#include "model/record.h"

/* `{ 0 }` masks nothing. */
struct redact {
	struct path *paths;
	int n;
};

/* "PATH[,PATH]"; ERR_USAGE. */
int redact_add(struct redact *m, const char *text, struct err *e);
void redact_release(struct redact *m);

/*
 * Masks r, as it is shown, and d, what its headers tell. What must be built
 * lives in the arena.
 */
void redact_apply(const struct redact *m, struct record *r, struct deadletter *d,
	struct arena *a);

/* The paths as a JSON array of strings. */
void redact_put_json(struct buf *out, const struct redact *m);

#endif
