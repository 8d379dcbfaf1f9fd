/*
 * flat.h - a JSON object of a few members, read in order; values as their
 * raw text. Private to model/: the ledger's entries are such objects.
 *
 *	for (struct flat f = flat_init(text); flat_next(&f, &name, &value); )
 *		...
 *	if (!f.ok) ... it is no such object
 */
#ifndef MODEL_FLAT_H
#define MODEL_FLAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "model/scan.h"

struct flat {
	struct scan s;
	bool ok;    /* nothing wrong so far; after the last member: all is well */
	bool begun;
};

struct flat flat_init(struct slice text);
/* The next member; names with escapes are given as they stand. */
bool flat_next(struct flat *f, struct slice *name, struct slice *value);

/* Meaning of a raw value; false when it is of another kind. */
bool flat_int(struct slice value, int64_t *out);
/* null gives the null slice; the text is copied into the arena. */
bool flat_text(struct slice value, struct arena *a, struct slice *out);

/* An array of texts; false when it is something else. */
bool flat_texts(struct slice value, struct arena *a, struct slice **out, int *n);

/* `,"name":` and the value, when it is not null. */
void flat_put_text(struct buf *out, const char *name, struct slice value);
/* `["...","..."]` */
void flat_put_texts(struct buf *out, const struct slice *list, int n);
void flat_put_int(struct buf *out, const char *name, int64_t value);

#endif
