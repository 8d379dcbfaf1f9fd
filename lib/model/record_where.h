/*
 * record_where.h - conditions of --where on a record: its value, key and
 * headers, topic, partition, offset and timestamp; pure.
 */
#ifndef MODEL_RECORD_WHERE_H
#define MODEL_RECORD_WHERE_H

#include <stdbool.h>

#include "base/err.h"
#include "model/record.h"
#include "model/where.h"

/* As where_parse(); a root that records do not have is ERR_USAGE, with what they have. */
int record_where_parse(struct where *w, const char *text, struct err *e);

/* w is of record_where_parse(). */
bool record_where_matches(const struct where *w, const struct record *r);

/* The same for root "header", whatever w was parsed for: of equal ones, any. */
bool record_where_header(const struct where *w, const struct record *r);

#endif
