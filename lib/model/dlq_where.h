/* dlq_where.h - conditions on a dead letter: model/where.h's, on what is known of it. */
#ifndef MODEL_DLQ_WHERE_H
#define MODEL_DLQ_WHERE_H

#include "model/dlq_select.h"
#include "model/where.h"

/* ERR_USAGE: also for a place that a dead letter does not have. */
int dlq_where_parse(struct where *w, const char *text, struct err *e);
bool dlq_where_matches(const struct where *w, const struct dlq_record *x);

#endif
