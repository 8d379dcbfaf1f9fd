/* raw.h - lines that are values, or keys and values: kc-produce --raw. */
#ifndef MODEL_RAW_H
#define MODEL_RAW_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/record.h"

struct raw_form {
	struct slice key;           /* of every record; null = none */
	struct slice key_delimiter; /* between key and value; null = no key */
	bool empty_is_null;
};

/* Every line is a record; it borrows from line and form. */
void raw_read(const struct raw_form *form, struct slice line, struct record *r);

/* Appends what "\t", "\x1f" or "ab" mean; ERR_USAGE when that is nothing. */
int raw_unescape(const char *text, struct buf *out, struct err *e);

#endif
