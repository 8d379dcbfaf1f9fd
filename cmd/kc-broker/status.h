/*
 * status.h - how the broker is, in lines for `kc-broker status`:
 * "name<tab>type<tab>value", the type being text, int, bytes, ms or time.
 */
#ifndef STATUS_H
#define STATUS_H

#include "base/buf.h"

struct broker;

void status_write(struct broker *b, struct buf *out);
/* NULL when all is well, else a sentence that says what is wrong and what to do. */
const char *status_fault(const struct broker *b);

#endif
