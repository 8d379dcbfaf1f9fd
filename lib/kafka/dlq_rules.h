/*
 * dlq_rules.h - rules of what to do with which dead letters, from a YAML
 * file; pure. kc-dlq(1) has their members.
 */
#ifndef KAFKA_DLQ_RULES_H
#define KAFKA_DLQ_RULES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/dlq_select.h"

struct dlq_rule {
	const char *name;          /* of letters that the name of a run may have; unique */
	int line;                  /* where it begins */
	const char *verb;          /* "redrive", "park", "discard" */
	/* What it matches and no rule before it does. */
	struct dlq_select select;
	const char *to, *rate, *via; /* of a redrive; NULL = not told */
	int64_t limit, canary;     /* of a redrive; -1, 0 = none */
	const char *note;          /* of the others; or NULL */
};

struct dlq_rules {
	struct dlq_rule *rules;    /* in their order; at least one */
	int n;
	struct arena memory;
};

/*
 * ERR_USAGE, "'PATH' line N: ...". Ages count from now_ms. Released in any
 * case.
 */
int dlq_rules_parse(struct dlq_rules *r, const char *path, struct slice text,
	int64_t now_ms, struct err *e);
void dlq_rules_release(struct dlq_rules *r);

#endif
