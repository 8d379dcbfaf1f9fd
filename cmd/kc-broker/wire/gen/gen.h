/* gen.h - what the parts of wiregen share. */
#ifndef GEN_GEN_H
#define GEN_GEN_H

#include <string.h>

#include "base/buf.h"
#include "msg.h"

/* A mistake that has no line; ends the program. */
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

static inline bool
is_null_default(const struct field *f)
{
	return f->def && !strcmp(f->def, "null");
}

/* A struct that may be null: a pointer to it, behind a byte 1, or a byte -1. */
static inline bool
is_optional(const struct field *f)
{
	return f->sub && !f->array && f->null.min <= f->null.max;
}

/* codec.c: the functions of a message, as C source. */
void put_codec(struct buf *c, const struct message *m);

/* table.c: a message's fields as data, and the last table, of the messages. */
void put_fields(struct buf *t, const struct message *m);
void put_messages(struct buf *t, const struct message *m, size_t n);

#endif
